"""Prompts and resources that a server says it has, and what it gives for one: bounded and made safe."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import ValidationError

from holdfast.core.domain.mcp import McpContent, McpResource
from holdfast.core.domain.prompts import ARGUMENT_PATTERN, GivenContent, PromptArgument, ServerPrompt
from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.core.tools.mcp.limits import (
    MAX_MEDIA_TYPE,
    MAX_NAME,
    MAX_PARTS,
    MAX_PROMPTS,
    MAX_RESOURCES,
    MAX_RESULT_CHARS,
    MAX_URL,
)
from holdfast.core.tools.mcp.port import RawPrompt, RawResource

_ABOUT = 1_000


def prompts_of(server: str, offered: Iterable[RawPrompt]) -> tuple[ServerPrompt, ...]:
    """Returns the prompts that can be sent; one whose description cannot be used is left out."""
    found: dict[str, ServerPrompt] = {}
    for raw in offered:
        if len(found) >= MAX_PROMPTS:
            break
        # A name that would be shown otherwise than it is sent would be another prompt.
        if raw.name not in found and raw.name == sanitize_line(raw.name).strip():
            prompt = _prompt(server, raw)
            if prompt is not None:
                found[raw.name] = prompt
    return tuple(found.values())


def _prompt(server: str, raw: RawPrompt) -> ServerPrompt | None:
    if len({each.name for each in raw.arguments}) != len(raw.arguments) or len(raw.arguments) > 50:
        return None
    if any(re.fullmatch(ARGUMENT_PATTERN, each.name) is None for each in raw.arguments):
        return None
    try:
        return ServerPrompt(
            server=server,
            name=raw.name,
            title=shorten(sanitize_line(raw.title), MAX_NAME),
            description=shorten(sanitize_line(raw.description), _ABOUT),
            arguments=tuple(
                PromptArgument(
                    name=each.name,
                    description=shorten(sanitize_line(each.description), _ABOUT),
                    required=each.required,
                )
                for each in raw.arguments
            ),
        )
    except ValidationError:
        return None


def resources_of(server: str, offered: Sequence[RawResource]) -> tuple[McpResource, ...]:
    """Returns what can be read, templates of addresses behind."""
    found = [
        McpResource(
            server=server,
            uri=raw.uri,
            name=shorten(sanitize_line(raw.name), MAX_NAME),
            description=shorten(sanitize_line(raw.description), _ABOUT),
            media_type=shorten(sanitize_line(raw.media_type), MAX_MEDIA_TYPE),
            size=raw.size if raw.size is not None and raw.size >= 0 else None,
            template=raw.template,
        )
        for raw in offered[:MAX_RESOURCES]
        if 0 < len(raw.uri) <= MAX_URL and raw.uri == sanitize_line(raw.uri)
    ]
    return tuple(sorted(found, key=lambda each: each.template))


def contents_of(uri: str, given: Sequence[dict[str, Any]]) -> tuple[McpContent, ...]:
    """Returns what a resource holds. Blocks where it is large: call it in a thread."""
    found: list[McpContent] = []
    left = MAX_RESULT_CHARS
    for each in given[:MAX_PARTS]:
        name = _line(each.get("uri"), MAX_URL) or uri
        kind = _line(each.get("mimeType"), MAX_MEDIA_TYPE)
        if isinstance(text := each.get("text"), str):
            cut = len(text) > left
            found.append(
                McpContent(uri=name, media_type=kind or "text/plain", text=text[:left], truncated=cut)
            )
            left -= min(left, len(text))
        else:
            data = _bytes(each.get("blob"))
            if data is not None:
                encoded = base64.b64encode(data).decode()
                found.append(
                    McpContent(uri=name, media_type=kind or "application/octet-stream", data=encoded)
                )
    return tuple(found)


def given_of(messages: Sequence[tuple[str, dict[str, Any]]]) -> tuple[GivenContent, ...]:
    """Returns what a prompt is, message by message."""
    return tuple(
        _given(part, "assistant" if role == "assistant" else "user") for role, part in messages[:MAX_PARTS]
    )


def given_contents(contents: Iterable[McpContent]) -> tuple[GivenContent, ...]:
    """Returns what a resource holds, as prompts take it."""
    return tuple(
        GivenContent(
            data=each.text if each.text is not None else base64.b64decode(each.data or ""),
            media_type=each.media_type,
            name=each.uri,
        )
        for each in contents
    )


def _given(part: dict[str, Any], role: Any) -> GivenContent:
    match part.get("type"):
        case "text":
            return GivenContent(str(part.get("text", ""))[:MAX_RESULT_CHARS], role=role)
        case "image":
            data = _bytes(part.get("data"))
            kind = _line(part.get("mimeType"), MAX_MEDIA_TYPE)
            if data is not None:
                return GivenContent(data, kind, name="image", role=role)
        case "resource":
            found = contents_of("", [part.get("resource") or {}])
            if found:
                (content,) = given_contents(found)
                return GivenContent(content.data, content.media_type, content.name, role)
        case "resource_link":
            name, uri = _line(part.get("name"), MAX_NAME), _line(part.get("uri"), MAX_URL)
            return GivenContent(f"[resource {name}: {uri}]", role=role)
    return GivenContent(f"[{_line(part.get('type'), MAX_NAME)}, which was left out]", role=role)


def _bytes(value: Any) -> bytes | None:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        return None


def _line(value: Any, most: int) -> str:
    return shorten(sanitize_line(value), most) if isinstance(value, str) else ""


def shown_resources(resources: Sequence[McpResource]) -> str:
    """Returns a listing for a model, a line each."""
    lines = []
    for each in resources:
        kind = " (a template: fill in what stands in braces)" if each.template else ""
        about = f": {each.description}" if each.description else ""
        lines.append(f"- {each.uri}{kind} {each.name}{about}")
    return sanitize("\n".join(lines)) or "(There are none.)"
