"""Between prompts as Dexto has them and ours. Pure."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.prompts import PromptInfo as OurPrompt
from holdfast.core.domain.prompts import PromptOrigin, PromptSpec
from holdfast.core.domain.prompts import ResolvedPrompt as Resolved
from holdfast.core.domain.slugs import slug
from holdfast.core.domain.templates import Template
from holdfast.server.dialects.dexto.errors import validation, validation_issue
from holdfast.server.dialects.dexto.mapping_resources import blob_uri, qualified
from holdfast.server.dialects.dexto.times import millis
from holdfast.server.dialects.dexto.wire_prompts import (
    PromptArgument,
    PromptBody,
    PromptDefinition,
    PromptInfo,
    PromptSource,
    ResolvedPrompt,
    ResourceSent,
)
from holdfast.server.dialects.dexto.zod import custom_issue, refused

CONFIG = "config:"
"""Begins the names of prompts that stand in files."""
CONTEXT, POSITIONAL = "_context", "_positional"
"""Keys of `args` that are no arguments."""

_SOURCES: dict[PromptOrigin, PromptSource] = {PromptOrigin.OWN: "custom", PromptOrigin.MCP: "mcp"}
_DATA_URL = re.compile(r"data:[^,]*;base64,")


def prompts(infos: Iterable[OurPrompt], servers: Mapping[str, str]) -> list[PromptInfo]:
    """Returns the prompts that can be sent, each under a name of its own; `servers` has what clients call
    each MCP server."""
    found: dict[str, PromptInfo] = {}
    for info in infos:
        if info.usable:
            made = prompt(info, servers)
            found.setdefault(made.name, made)
    return list(found.values())


def wire_name(info: OurPrompt) -> str:
    """Returns what Dexto calls a prompt."""
    if info.origin in _SOURCES:
        return info.key if info.shadowed and info.origin is PromptOrigin.MCP else info.name
    return f"{CONFIG}{info.name}"


def key_of(infos: Iterable[OurPrompt], name: str) -> str:
    """Returns our name for what Dexto calls `name`; the id of a prompt in a file means it too."""
    known = [info for info in infos if info.usable]
    for matches in (wire_name, lambda info: info.name):
        for info in known:
            if matches(info) == name:
                return info.key
    return name


def prompt(info: OurPrompt, servers: Mapping[str, str] | None = None) -> PromptInfo:
    """Returns a prompt as it is listed."""
    return PromptInfo(
        name=wire_name(info),
        title=info.title or None,
        description=info.description or None,
        arguments=_arguments(info),
        source=_SOURCES.get(info.origin, "config"),
        metadata=_metadata(info, servers or {}) or None,
        display_name=info.name,
        command_name=info.name,
    )


def definition(info: OurPrompt) -> PromptDefinition:
    """Returns what a prompt asks for."""
    return PromptDefinition(
        name=wire_name(info),
        title=info.title or None,
        description=info.description or None,
        arguments=_arguments(info),
    )


def _arguments(info: OurPrompt) -> list[PromptArgument] | None:
    found = [
        PromptArgument(name=each.name, description=each.description or None, required=each.required or None)
        for each in info.arguments
    ]
    return found or None


def _metadata(info: OurPrompt, servers: Mapping[str, str]) -> dict[str, Any]:
    if info.origin is PromptOrigin.MCP:
        return {"originalName": info.name, "serverName": servers.get(info.server, info.server)}
    if info.origin is not PromptOrigin.OWN:
        return {"originalId": info.name}
    found: dict[str, Any] = {"originalName": info.name}
    if info.created_at is not None and info.updated_at is not None:
        found |= {"createdAt": millis(info.created_at), "updatedAt": millis(info.updated_at)}
    if info.attachment is not None:
        found |= {"resourceUri": blob_uri(info.attachment.blob), "mimeType": info.attachment.media_type}
    return found


def new_prompt(body: PromptBody) -> PromptSpec:
    """Returns the prompt that a client makes, its name in small letters and hyphens; places in its text that
    he does not describe may stay empty. Raises `InvalidError`."""
    given = body.model_dump(include={"title", "description"})
    described = [each.model_dump() for each in body.arguments]
    known = {each.name for each in body.arguments}
    others = [{"name": name} for name in Template(body.content).names if name not in known]
    name = slug(body.name)[:64].rstrip("-")
    try:
        return PromptSpec(name=name, text=body.content, arguments=(*described, *others), **given)
    except ValidationError as error:
        raise refused(error, PromptSpec) from None


def file_of(resource: ResourceSent, prompt_name: str) -> tuple[bytes, str]:
    """Returns the content of a file and its name. Raises `InvalidError` for what is no base64."""
    try:
        data = base64.b64decode(_DATA_URL.sub("", resource.data, count=1), validate=True)
    except (binascii.Error, ValueError):
        issue = custom_issue("Invalid base64 data", "resource", "data")
        raise InvalidError(
            "Invalid base64 data", code="invalid_request", details={"issues": [issue]}
        ) from None
    ending = mimetypes.guess_extension(resource.mime_type.partition(";")[0].strip()) or ""
    return data, resource.filename or f"{prompt_name}{ending}"


def exists(name: str) -> InvalidError:
    """Returns the error of a new prompt whose name is taken."""
    message = f"Prompt already exists: {name}"
    return validation([validation_issue("prompt_already_exists", message, scope="prompt")])


def missing(error: InvalidError) -> InvalidError:
    """Returns the error of a prompt that needs more arguments."""
    names = error.details.get("missing", [])
    message = f"Missing required arguments: {', '.join(names)}" if names else error.message
    context = {"missingNames": names}
    return validation(
        [validation_issue("prompt_missing_required_arguments", message, scope="prompt", context=context)]
    )


def arguments_of(text: str) -> dict[str, Any]:
    """Returns the object that `args` holds; an empty one for what is none."""
    try:
        value = from_json(text, allow_inf_nan=False) if text else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def asked(info: OurPrompt, args: dict[str, Any]) -> dict[str, Any]:
    """Returns what `prompts.resolve` takes: the values of what the prompt asks for, and the words by their
    places."""
    known = {each.name for each in info.arguments}
    words = args.get(POSITIONAL)
    return {
        "arguments": {name: _text(value) for name, value in args.items() if name in known},
        "words": tuple(map(_text, words)) if isinstance(words, list) else (),
    }


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else to_json(value).decode()


def resolved(made: Resolved, context: str) -> ResolvedPrompt:
    """Returns a prompt with its values, what else there is to say of it behind it."""
    texts = [part.text for part in made.parts if isinstance(part, TextPart)]
    if context.strip():
        texts.append(context)
    files = [
        blob_uri(part.blob) for part in made.parts if not isinstance(part, TextPart) and hasattr(part, "blob")
    ]
    named = [qualified(*each.split(":", 1)) for each in made.resources if ":" in each]
    return ResolvedPrompt(text="\n\n".join(texts), resources=[*named, *files])
