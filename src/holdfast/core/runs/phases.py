"""Tools in phases: the model says which ones it needs, then for each of them the arguments.

Both are steps of the run as any other, with prompts, usage, retries and limits of their own. What the model
says in them is told as reasoning. Where something is missing for a call that only the person knows, it
becomes a question: it is told as the reply, so that whoever reads the log can show it and the next message
can answer it, and before it stands which tool it is for.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

from pydantic import ValidationError

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.events import ToolArgumentsMissing
from holdfast.core.domain.models import ToolSchema
from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.core.domain.tools import MISSING_TOOL, Risk
from holdfast.core.runs.active import ActiveRun
from holdfast.core.runs.bounds import check_repeats
from holdfast.core.runs.projections.state import CallState
from holdfast.core.runs.steps import Phase, Settled, StepResult, Wanted, offered, parsed_arguments
from holdfast.core.tools.schema_arguments import arguments_model

_LONGEST = 1_000
"""Characters of a question."""
_DESCRIBED = 200
_NAMED = 5
_CHOICE = (
    "# Choosing tools\n"
    "This step only decides which of your tools the latest message needs. Call each of those once, without "
    "arguments, even where details are still missing: they are found afterwards. What a tool has given "
    "already needs no second call. When no tool is needed, call none and say only: none."
)
_ARGUMENTS = (
    "# Arguments of tools\n"
    "This step only finds the arguments of the tools {names}. Call each with what was said and found so far, "
    "several times where that is needed. Never make up what nobody has said: where something required is "
    "missing, call {asking} instead, with one short and friendly question to the person."
)
_TELL_MORE = "Could you please tell me more about what is to be done?"
_NOTHING: dict[str, Any] = {"type": "object", "properties": {}}

StepOf = Callable[[ActiveRun, Phase], Awaitable[StepResult]]
"""Makes one step of a run, within its limits."""
SettleOf = Callable[[ActiveRun, list[CallState]], Awaitable[bool]]
"""Brings calls to their results; says whether the run has ended with them."""


class ToolPhases:
    """Has the tools of runs called."""

    def __init__(self, step: StepOf, settle: SettleOf) -> None:
        self._step = step
        self._settle = settle

    async def run(self, run: ActiveRun) -> bool:
        """Has tools called until no more are needed; says whether the run has ended: with calls that its
        caller executes. Questions for what is missing are in `run.state.missing` then. Raises
        `HoldfastError`.

        What is executed here comes before what the caller executes, whose arguments may hang on it.
        """
        if run.state.missing:
            return False  # asked before an engine has taken the run up again
        while (tools := {each.name: each for each in offered(run)}) and not run.levers.finish:
            chosen = await self._choose(run, tools)
            own = [tools[name] for name in chosen if not run.is_clients_tool(name)]
            theirs = [tools[name] for name in chosen if run.is_clients_tool(name)]
            done = False
            for group in (own, theirs):
                calls = await self._calls(run, group) if group and not run.levers.finish else []
                if calls:
                    check_repeats(run)
                    done = True
                    if await self._settle(run, calls):
                        return True
            if run.state.missing or not done:
                return False
        return False

    async def _choose(self, run: ActiveRun, tools: Mapping[str, ToolSchema]) -> tuple[str, ...]:
        chosen: tuple[str, ...] = ()

        async def settle(wanted: Sequence[Wanted], text: str) -> Settled:
            nonlocal chosen
            chosen = tuple(dict.fromkeys(each.name for each in wanted if each.name in tools))
            return Settled(chosen=chosen)

        bare = tuple(each.model_copy(update={"parameters": _NOTHING}) for each in tools.values())
        await self._step(run, Phase("tool_choice", _CHOICE, bare, settle))
        return chosen

    async def _calls(self, run: ActiveRun, tools: list[ToolSchema]) -> list[CallState]:
        """Returns the calls for which there are arguments, and that would give something new."""
        asking = _missing_tool(tools)
        instruction = _ARGUMENTS.format(names=", ".join(each.name for each in tools), asking=asking.name)
        offer = (*tools, asking)
        phase = Phase("tool_parameters", instruction, offer, partial(_settled, run, tools))
        return (await self._step(run, phase)).calls


async def _settled(
    run: ActiveRun, tools: Sequence[ToolSchema], wanted: Sequence[Wanted], text: str
) -> Settled:
    """Returns the calls that can be made; asks for what is missing for others."""
    offer = {each.name: each for each in tools}
    missing_tool = _missing_name(offer)
    known = _made(run)
    ready: list[Wanted] = []
    questions: dict[str, str] = {}
    for each in wanted:
        name, question = each.name, ""
        if name == missing_tool:
            name, question = _asked(each.arguments, tools)
        elif name in offer:
            arguments, question = _checked(run, offer[name], each.arguments)
            if not question and (same := _same(name, arguments)) not in known:
                known.add(same)
                ready.append(each)
        if question:
            questions.setdefault(name, question)
    if not wanted and run.is_clients_tool(tools[0].name):
        questions[tools[0].name] = _line(text) or _question_for(tools[0], _required(tools[0], {}))
    for name, question in questions.items():
        await _ask(run, name, question)
    return Settled(ready)


def _made(run: ActiveRun) -> set[str]:
    """Returns the calls that would give what they have given before: those since something was changed."""
    made: set[str] = set()
    for call in run.state.calls.values():
        tool = run.tools.get(call.name)
        if call.started and tool is not None and tool.risk in (Risk.WRITE, Risk.EXECUTE):
            made.clear()
        if not call.invalid:
            made.add(_same(call.name, call.arguments))
    return made


async def _ask(run: ActiveRun, name: str, question: str) -> None:
    emitter = run.emitter
    if run.hooks.holds_replies:
        question, _ = await run.hooks.response(question)
    question = emitter.redacted(question) or _TELL_MORE
    missing = ToolArgumentsMissing(**run.ids, step=run.state.step, name=name, question=question)
    await emitter.close_part(missing)
    await emitter.text("text", question)
    await emitter.close_part()


def _same(name: str, arguments: Mapping[str, Any]) -> str:
    return json.dumps([name, arguments], sort_keys=True)


# --- what is missing


def _checked(run: ActiveRun, tool: ToolSchema, text: str) -> tuple[dict[str, Any], str]:
    """Returns the arguments that a model wrote, and what the person is asked for where they do not do."""
    arguments, invalid = parsed_arguments(text)
    if not run.is_clients_tool(tool.name):
        return arguments, ""  # it is executed here, and tells the model of its mistakes
    missing = _required(tool, arguments)
    if invalid or missing:
        return arguments, _question_for(tool, missing or _required(tool, {}))
    return arguments, _problem(tool, arguments)


def _required(tool: ToolSchema, arguments: Mapping[str, Any]) -> list[str]:
    """Returns the names of what a call needs and does not have; an empty text is none."""
    required = tool.parameters.get("required", ())
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    return [name for name in names if arguments.get(name) in (None, "")]


def _problem(tool: ToolSchema, arguments: dict[str, Any]) -> str:
    try:
        model = arguments_model("arguments", {**_NOTHING, **tool.parameters})
    except InvalidError:
        return ""  # the schema is at fault, which is the caller's: the caller gets what the model found
    try:
        model.model_validate(arguments)
    except ValidationError as error:
        places = (str(each["loc"][0]) for each in error.errors(include_url=False) if each["loc"])
        return _question_for(tool, list(dict.fromkeys(places)))
    return ""


def _question_for(tool: ToolSchema, names: Sequence[str]) -> str:
    """Returns a question for arguments, by what the tool's schema says of them."""
    described = [_described(tool, name) for name in names[:_NAMED]]
    if not described:
        return _TELL_MORE
    *first, last = described
    return (
        f"Could you please tell me the {', '.join(first)} and {last}?"
        if first
        else (f"Could you please tell me the {last}?")
    )


def _described(tool: ToolSchema, name: str) -> str:
    properties = tool.parameters.get("properties")
    said = properties.get(name) if isinstance(properties, dict) else None
    text = said.get("description") if isinstance(said, dict) else None
    plain = shorten(sanitize_line(name).replace("_", " "), _DESCRIBED)
    if not isinstance(text, str) or not text.strip():
        return plain
    return f"{plain} ({shorten(sanitize_line(text).strip(), _DESCRIBED)})"


def _asked(arguments: str, tools: Sequence[ToolSchema]) -> tuple[str, str]:
    """Returns the tool that the model asks the person for, and its question."""
    given, _ = parsed_arguments(arguments)
    tool = next((each for each in tools if each.name == given.get("tool")), tools[0])
    question = given.get("question")
    said = _line(question) if isinstance(question, str) else ""
    return tool.name, said or _question_for(tool, _required(tool, {}))


def _line(text: str) -> str:
    return shorten(sanitize(text).strip(), _LONGEST)


def _missing_name(taken: Collection[str]) -> str:
    """Returns the name of what the model calls where something is missing; tools may be called the same."""
    name = MISSING_TOOL
    while name in taken:
        name += "_"
    return name


def _missing_tool(tools: Sequence[ToolSchema]) -> ToolSchema:
    properties = {
        "tool": {"type": "string", "enum": [each.name for each in tools], "description": "What it is for"},
        "question": {"type": "string", "description": "What the person is asked, in the person's language"},
    }
    return ToolSchema(
        name=_missing_name([each.name for each in tools]),
        description="Asks the person for what a call needs and nobody has said yet.",
        parameters={"type": "object", "properties": properties, "required": ["tool", "question"]},
    )
