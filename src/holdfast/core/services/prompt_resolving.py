"""Makes messages of prompts: values in their places, and the files and resources that they mention."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from holdfast.core.config.mistakes import did_you_mean
from holdfast.core.domain.errors import ForbiddenError, InvalidError, NotFoundError
from holdfast.core.domain.messages import TextPart, UserPart
from holdfast.core.domain.prompts import GivenContent, PromptInfo, PromptSource, ResolvedPrompt
from holdfast.core.domain.runs import Session
from holdfast.core.domain.templates import Filled, Given, Mention, Template
from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.core.domain.tools import BlobStore
from holdfast.core.files.attach import MAX_ATTACHMENT_BYTES, attach
from holdfast.core.prompts.front import mistakes_error
from holdfast.core.services.prompt_finding import Candidate
from holdfast.core.services.workspaces import Workspaces

MAX_TAKEN = 20
"""Files and resources that one prompt takes along."""
_RESOURCE = re.compile(r"([a-z0-9]+(?:[_-][a-z0-9]+)*):(\S.*)")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a prompt is resolved with."""

    arguments: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    line: str = ""


class PromptResolver:
    """Reads files through the jail of the session alone, and resources through MCP servers."""

    def __init__(self, workspaces: Workspaces, blobs: BlobStore) -> None:
        self._workspaces = workspaces
        self._blobs = blobs

    async def resolve(
        self,
        found: Candidate,
        asked: Asked,
        session: Session | None,
        sources: Sequence[PromptSource],
    ) -> ResolvedPrompt:
        """Returns the message. Raises what `Prompts.resolve` raises."""
        _check_usable(found.info)
        # Texts may be long, and are other people's: the engine goes on meanwhile.
        given, filled = await asyncio.to_thread(_filled, found, asked)
        taken: list[str] = []
        parts: list[UserPart] = []
        if found.source is not None:
            contents = await found.source.get(found.info.server, found.server_name, given.named)
            parts = await self._contents(contents)
            if given.words:
                parts.append(TextPart(text=sanitize(" ".join(given.words))))
        elif filled is not None:
            parts = [TextPart(text=filled.text)] if filled.text else []
            for mention in filled.mentions:
                if taken_along := await self._mentioned(mention, session, sources):
                    if len(taken) == MAX_TAKEN:
                        raise InvalidError(
                            f"The prompt mentions more than {MAX_TAKEN} files and resources.",
                            code="too_many_attachments",
                        )
                    taken.append(sanitize_line(mention.text))
                    parts.extend(taken_along)
        if found.info.attachment is not None:
            parts.append(found.info.attachment)
        if not any(not isinstance(part, TextPart) or part.text.strip() for part in parts):
            raise _missing(found.info, ())
        return ResolvedPrompt(key=found.info.key, parts=tuple(parts), resources=tuple(taken))

    async def _mentioned(
        self, mention: Mention, session: Session | None, sources: Sequence[PromptSource]
    ) -> list[UserPart]:
        """Returns what a mention names; nothing for a word that only looks like one."""
        try:
            resource = _RESOURCE.fullmatch(mention.text)
            # Which server is asked is never said by a value.
            if resource is not None and mention.fixed > resource.end(1):
                return await self._contents(await _read(sources, resource[1], resource[2]), named=True)
            if session is None:
                if mention.given:
                    raise InvalidError(
                        f"The prompt takes {shorten(sanitize_line(mention.text), 200)} along; that needs a "
                        "session, whose files they are.",
                        code="session_missing",
                    )
                return []
            data = await asyncio.to_thread(
                self._workspaces.read, session, mention.text, MAX_ATTACHMENT_BYTES + 1
            )
            return [await asyncio.to_thread(attach, data, mention.text, self._blobs)]
        except (NotFoundError, ForbiddenError, InvalidError):
            # `@anna` in a text is nobody's file; what somebody gave as one has to be.
            if mention.given:
                raise
            return []

    async def _contents(self, contents: Sequence[GivenContent], *, named: bool = False) -> list[UserPart]:
        """Returns what an MCP server gave, as parts; `named`: each of them a file."""
        several = len({content.role for content in contents}) > 1
        parts: list[UserPart] = []
        for content in contents:
            if isinstance(content.data, str) and not content.name and not named:
                who = f"{content.role}: " if several else ""
                parts.append(TextPart(text=who + sanitize(content.data)))
                continue
            data = content.data.encode("utf-8", "replace") if isinstance(content.data, str) else content.data
            parts.append(await asyncio.to_thread(attach, data, _file_name(content), self._blobs))
        return parts


def _filled(found: Candidate, asked: Asked) -> tuple[Given, Filled | None]:
    """Returns the values and the text with them; no text for a prompt that a server fills in."""
    template = Template(found.prompt.text)
    given = given_for(found.info, template, asked)
    if found.source is not None:
        return given, None
    filled = template.fill(given)
    return given, Filled(sanitize(filled.text).strip(), filled.mentions)


async def _read(sources: Sequence[PromptSource], server: str, uri: str) -> tuple[GivenContent, ...]:
    missing = NotFoundError(f"There is no MCP server {server[:80]!r}.", code="mcp_server_not_found")
    for source in sources:
        try:
            return await source.read(server, uri)
        except NotFoundError as error:
            missing = error
    raise missing


def _check_usable(info: PromptInfo) -> None:
    if not info.trusted and not info.path:
        raise ForbiddenError(
            f"The prompt {info.name} is of an agent that another user shares with you; use one of your own.",
            code="prompt_untrusted",
        )
    if not info.trusted:
        raise ForbiddenError(
            f"The prompt {info.name} is of a folder that you have not trusted; say so first "
            "(`holdfast trust FOLDER`), or use one of your own.",
            code="prompt_untrusted",
        )
    if info.problems:
        raise mistakes_error(info.problems)


def given_for(info: PromptInfo, template: Template, asked: Asked) -> Given:
    """Returns the values of a prompt, defaults among them. Raises `InvalidError`."""
    names = [argument.name for argument in info.arguments]
    for name in asked.arguments:
        if name not in names:
            hint = did_you_mean(name, names) or f"it asks for {', '.join(names) or 'nothing'}."
            raise InvalidError(
                f"The prompt {info.name} has no argument {shorten(sanitize_line(name), 80)!r}; {hint}",
                code="unknown_argument",
            )
    line = template.read(asked.line, names)
    named = {**line.named, **asked.arguments}
    given = template.assign(Given(named, (*asked.words, *line.words)), names)
    defaults = {each.name: each.default for each in info.arguments if each.default is not None}
    # What was given as nothing was not given.
    values = {**defaults, **{name: value for name, value in given.named.items() if value}}
    missing = [
        each.name for each in info.arguments if each.required and not values.get(each.name, "").strip()
    ]
    if missing:
        raise _missing(info, missing)
    return Given(values, given.words)


def _missing(info: PromptInfo, names: Sequence[str]) -> InvalidError:
    what = f"needs {', '.join(names)}" if names else "is empty without what is to be written after its name"
    return InvalidError(
        f"The prompt {info.name} {what}.",
        code="missing_arguments",
        details={"missing": list(names)},
    )


def _file_name(content: GivenContent) -> str:
    name = PurePosixPath(content.name.partition("?")[0]).name
    return name or ("resource.txt" if isinstance(content.data, str) else "resource")
