"""The prompts of a fake workbench: those of its agents, and the person's own."""

from __future__ import annotations

from typing import Any

from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.messages import FilePart, TextPart
from holdfast.core.domain.prompts import (
    FoundPrompt,
    PromptArgument,
    PromptInfo,
    PromptOrigin,
    PromptSpec,
    ResolvedPrompt,
)
from holdfast.core.domain.templates import Given, Template

FILE = FilePart(blob="0" * 64, media_type="text/csv", name="a.csv", size=3)


class FakePrompts:
    """Finds, fills in and keeps prompts in memory."""

    def __init__(self, bench: Any) -> None:
        self._bench = bench
        self.own: dict[str, PromptSpec] = {}
        self.attached: dict[str, FilePart] = {}
        self.extra: list[PromptInfo] = []
        """Others that can be seen: of MCP servers, of files."""
        self.resolved: list[tuple[str, dict[str, str], str, str | None]] = []
        """What was resolved: name, values, line, session."""
        self.needs_session: set[str] = set()

    async def list(
        self, session_id: str | None = None, project: str | None = None, agent: str | None = None
    ) -> tuple[PromptInfo, ...]:
        if session_id is not None:
            agent = self._bench.sessions_by_id[session_id].agent
        infos = {one.name: one for one in self._bench.agent_infos}
        found: dict[str, PromptInfo] = {}
        for prompt in infos[agent].spec.prompts if agent in infos else ():
            key = f"agent:{prompt.name}"
            shadowed = prompt.name in self.own
            found[key] = self._info(prompt, key, PromptOrigin.AGENT, agent=agent, shadowed=shadowed)
        for name, spec in self.own.items():
            key = f"own:{name}"
            more = {"id": f"id-{name}", "attachment": self.attached.get(name)}
            found[key] = self._info(spec, key, PromptOrigin.OWN, **more)
        return (*found.values(), *self.extra)

    def _info(self, spec: Any, key: str, origin: PromptOrigin, **more: Any) -> PromptInfo:
        asked = Template(spec.text)
        known = {one.name for one in spec.arguments}
        unnamed = (PromptArgument(name=name, required=True) for name in asked.names if name not in known)
        return PromptInfo(
            key=key,
            name=spec.name,
            description=spec.description,
            arguments=(*spec.arguments, *unnamed),
            words=asked.words,
            takes_rest=asked.takes_rest,
            origin=origin,
            **more,
        )

    async def get(self, name: str, **place: Any) -> FoundPrompt:
        for info in await self.list(**place):
            if name in (info.key, info.id) or (name == info.name and not info.shadowed):
                spec = self._spec(info)
                text = spec.text if spec is not None else ""
                return FoundPrompt(info=info, text=text, source=text, digest=text)
        raise NotFoundError(f"There is no prompt {name}.", code="prompt_not_found")

    def _spec(self, info: PromptInfo) -> Any:
        if info.origin is PromptOrigin.OWN:
            return self.own[info.name]
        agents = {one.name: one for one in self._bench.agent_infos}
        prompts = agents[info.agent].spec.prompts if info.agent in agents else ()
        return next((one for one in prompts if one.name == info.name), None)

    async def resolve(
        self,
        name: str,
        arguments: dict[str, str] | None = None,
        words: tuple[str, ...] = (),
        line: str = "",
        **place: Any,
    ) -> ResolvedPrompt:
        found = await self.get(name, **place)
        self.resolved.append((name, arguments or {}, line, place.get("session_id")))
        if name in self.needs_session and "session_id" not in place:
            raise InvalidError("It needs a session.", code="session_missing")
        template, info = Template(found.text), found.info
        read = template.read(line, [one.name for one in info.arguments])
        given = template.assign(
            Given({**read.named, **(arguments or {})}, read.words), [one.name for one in info.arguments]
        )
        missing = [one.name for one in info.arguments if one.required and not given.named.get(one.name)]
        if missing:
            raise InvalidError("It needs more.", code="missing_arguments", details={"missing": missing})
        values = {one.name: one.default or "" for one in info.arguments} | dict(given.named)
        text = template.fill(Given(values, given.words)).text
        along = (info.attachment,) if info.attachment is not None else ()
        return ResolvedPrompt(key=info.key, parts=(TextPart(text=text), *along))

    async def parse(self, name: str, source: str) -> PromptSpec:
        if "!" in source:
            raise InvalidError("line 2 is wrong\x1b[31m", code="invalid_prompt")
        return PromptSpec(name=name, text=source)

    async def create(self, prompt: PromptSpec) -> FoundPrompt:
        self.own[prompt.name] = prompt
        return await self.get(f"own:{prompt.name}")

    async def update(self, id: str, prompt: PromptSpec, expected: str | None = None) -> FoundPrompt:
        name = id.removeprefix("id-")
        if expected is not None and expected != self.own[name].text:
            raise ConflictError("It has changed.", code="prompt_changed")
        self.own[name] = prompt
        return await self.get(f"own:{name}")

    async def attach(self, id: str, data: bytes, file_name: str = "") -> FoundPrompt:
        name = id.removeprefix("id-")
        self.attached[name] = FILE.model_copy(update={"name": file_name, "size": len(data)})
        return await self.get(f"own:{name}")

    async def detach(self, id: str) -> FoundPrompt:
        name = id.removeprefix("id-")
        del self.attached[name]
        return await self.get(f"own:{name}")

    async def delete(self, id: str) -> None:
        del self.own[id.removeprefix("id-")]
