"""Runs of agents that have a script: it asks the models, and what it gives is the reply.

Every query is a step of the run as any other: with its prompt, its usage, retries, limits and deltas. What
models say on the way is told as reasoning, and so is what the script prints; the script's result is the text
of the reply. It is streamed where it is certain that a query's reply is the result.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from holdfast.core.domain.errors import HoldfastError, InvalidError, ModelError, ScriptFailed, TooLargeError
from holdfast.core.domain.identity import LOCAL
from holdfast.core.domain.messages import FilePart, ImagePart, Message, Part, TextPart, ToolCallPart, text_of
from holdfast.core.domain.models import ModelCatalog
from holdfast.core.domain.scripts import ScriptSpec
from holdfast.core.runs.active import ActiveRun
from holdfast.core.runs.bounds import check_budgets, check_limits, pause, payer_of, timed
from holdfast.core.runs.options import affordable
from holdfast.core.runs.replies import ReplyCheck
from holdfast.core.runs.script_models import ScriptModels
from holdfast.core.runs.steps import Asked, Stepper
from holdfast.core.sandbox.scripts import Query, QueryFailed, ScriptProcesses

MAX_SAID = 2**20
"""Characters that one script may say and print."""
MAX_MESSAGES = 2_000
"""Of one query."""
_ROLES = ("system", "user", "assistant")


class ScriptRuns:
    """Takes runs from their script's beginning to its end. `unconfined` says whether scripts of the machine's
    own user run where nothing confines them, `names` which models are meant by names that scripts use."""

    def __init__(
        self,
        processes: ScriptProcesses,
        stepper: Stepper,
        catalog: ModelCatalog,
        replies: ReplyCheck,
        unconfined: Callable[[], bool],
        names: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._processes = processes
        self._stepper = stepper
        self._catalog = catalog
        self._replies = replies
        self._unconfined = unconfined
        self._names = names

    async def run(self, run: ActiveRun, script: ScriptSpec) -> str:
        """Runs the script to its end; returns the reply. Raises `HoldfastError`: what a query, a limit or the
        script has failed with."""
        unconfined = run.owner == LOCAL and self._unconfined()
        await self._processes.check(unconfined=unconfined)
        files: dict[str, ImagePart | FilePart] = {}
        conversation = _conversation(run, files)
        talk = _Talk(run, files, self._stepper, ScriptModels(run, script, self._catalog, self._names))
        own_s = min(script.timeout_s, run.timer.remaining_s)
        try:
            ended = await self._processes.run(
                script.code, conversation, talk, own_s=own_s, unconfined=unconfined
            )
        except ScriptFailed as error:
            if error.details.get("query") and talk.failure is not None:
                raise talk.failure from error
            raise
        if ended.result:
            await talk.said(ended.result)
        await talk.release()
        await run.emitter.close_part()
        await self._check_form(run, talk.text)
        await run.hooks.after_run(talk.text)
        return talk.text

    async def _check_form(self, run: ActiveRun, text: str) -> None:
        schema = run.options.response_format
        if schema is None:
            return
        problem = await timed(run, lambda: self._replies.problem(text, schema))
        if problem:
            raise InvalidError(
                f"The script's result does not fit the requested JSON form: {problem}", code="response_format"
            )


class _Talk:
    """What one script asks for and says."""

    def __init__(
        self,
        run: ActiveRun,
        files: dict[str, ImagePart | FilePart],
        stepper: Stepper,
        models: ScriptModels,
    ) -> None:
        self._run = run
        self._files = files
        self._stepper = stepper
        self._models = models
        self._left = MAX_SAID
        self._held = ""
        self.text = ""
        """The reply so far."""
        self.failure: HoldfastError | None = None
        """What the last query failed with."""

    async def query(self, query: Query) -> str:
        run, self.failure = self._run, None
        await run.emitter.close_part()
        await pause(run)
        check_limits(run)
        await check_budgets(run)
        messages = _messages(query.messages, self._files)
        try:
            await self._choose(query.model)
            info = await self._models.catalog.get(run.model, run.owner)
            asked = Asked(messages, reply=query.result)
            result = await timed(
                run, lambda: self._stepper.step(run, tools=False, window=info.context_window, asked=asked)
            )
        except (ModelError, InvalidError) as error:
            await run.emitter.drop_step()
            self.failure = error
            raise QueryFailed(error.message) from error
        if query.result:
            self.text += result.text
        return result.text

    async def printed(self, text: str) -> None:
        self._count(text)
        await self._run.emitter.text("reasoning", text)

    async def said(self, text: str) -> None:
        self._count(text)
        if self._run.hooks.holds_replies:
            self._held += text
            return
        self.text += text
        await self._run.emitter.text("text", text)

    async def release(self) -> None:
        """Shows what was held for the hooks, as they leave it."""
        text, _ = await self._run.hooks.response(self._held) if self._held else ("", False)
        self.text += text
        if text:
            await self._run.emitter.text("text", text)

    def _count(self, text: str) -> None:
        self._left -= len(text)
        if self._left < 0:
            raise TooLargeError(f"The script said more than {MAX_SAID} characters.")

    async def _choose(self, name: str) -> None:
        """Makes the model that the script asks for the run's, with the agent's fall-backs."""
        infos = await self._models.called(name)
        models = affordable(infos, self._run.options)
        self._run.models = await self._run.spending.payable(payer_of(self._run), models)
        self._run.model_index = 0
        self._run.emitter.asked = name


def _conversation(run: ActiveRun, files: dict[str, ImagePart | FilePart]) -> list[dict[str, Any]]:
    """Returns the session as a script gets it; `files` takes its files and images by the names that stand
    in it. The system message is left out where the agent says nothing in it."""
    sections = run.system()
    system = {"role": "system", "content": "\n\n".join(sections)}
    alone = len(sections) == 1 and not run.spec.instructions
    said: list[dict[str, Any]] = [] if alone else [system]
    for message in run.emitter.context.with_preface(run.preface):
        if message.role == "tool" and said:
            # As people tell it: the call stands in the message before.
            said[-1]["content"] += f" Got: {_shown(message.parts)}"
            continue
        each = {"role": message.role, "content": _shown(message.parts)}
        names = [_named(part, files) for part in message.parts if isinstance(part, (ImagePart, FilePart))]
        said.append({**each, "files": names} if names else each)
    return said


def _shown(parts: Iterable[Part]) -> str:
    texts = []
    for part in parts:
        match part:
            case TextPart(text=text):
                texts.append(text)
            case ToolCallPart(name=name, arguments=arguments):
                texts.append(f"Called tool: {name} with {json.dumps(arguments, ensure_ascii=False)}.")
            case ImagePart() | FilePart():
                pass  # told by their names
            case _:
                texts.append(text_of(part.content))
    return "\n".join(texts)


def _named(part: ImagePart | FilePart, files: dict[str, ImagePart | FilePart]) -> str:
    """Returns the name that a file has in the conversation, each its own."""
    wanted = part.name or "image"
    number, name = 1, wanted
    while files.setdefault(name, part) != part:
        number += 1
        name = f"{number}-{wanted}"
    return name


def _messages(given: list[Any], files: dict[str, ImagePart | FilePart]) -> tuple[Message, ...]:
    """Returns what a script asks a model with. Raises `QueryFailed`."""
    if len(given) > MAX_MESSAGES:
        raise QueryFailed(f"the conversation has more than {MAX_MESSAGES:,} messages")
    messages = [_message(each, files) for each in given]
    found = tuple(message for message in messages if message.parts)
    if not found:
        raise QueryFailed("the conversation is empty")
    return found


def _message(given: Any, files: dict[str, ImagePart | FilePart]) -> Message:
    match given:
        case {"role": str(role), "content": str(content)} if role in _ROLES:
            names = given.get("files", [])
        case _:
            raise QueryFailed(f"a message has a role, one of {', '.join(_ROLES)}, and a text as its content")
    if not isinstance(names, list) or not all(isinstance(name, str) and name in files for name in names):
        raise QueryFailed("`files` of a message are names of files that stand in the conversation")
    text = content.encode("utf-8", "replace").decode()
    parts = [TextPart(text=text)] if text.strip() else []
    return Message.model_validate({"role": role, "parts": (*parts, *(files[name] for name in names))})
