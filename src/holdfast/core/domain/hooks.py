"""Hooks: what looks at a run, its model calls, tool calls, delegations and replies before and after them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from holdfast.core.domain.approvals import Rule
from holdfast.core.domain.conditions import Condition, check_expression
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.ext import Ext
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.values import Value

MAX_HOOKS = 50
"""Of one agent, and of one user."""
MAX_TIMEOUT_S = 300.0


class HookPoint(StrEnum):
    """Where a hook stands."""

    BEFORE_RUN = "before_run"
    """A message begins a run."""
    AFTER_RUN = "after_run"
    """A run is about to complete; nothing can be refused or changed any more."""
    BEFORE_MODEL = "before_model"
    """A request is about to go to the model."""
    AFTER_MODEL = "after_model"
    """The model has replied; nobody has seen the text yet, and no call of the reply was looked at."""
    BEFORE_TOOL = "before_tool"
    """A tool is about to be called; policy judges the call behind the hooks."""
    AFTER_TOOL = "after_tool"
    """A tool has given its result, which the model has not seen yet."""
    BEFORE_DELEGATION = "before_delegation"
    """Another agent is about to be given work; behind the hooks of `before_tool`."""
    AFTER_DELEGATION = "after_delegation"
    """Another agent's work has come back."""
    BEFORE_RESPONSE = "before_response"
    """The reply that calls no tool, before anybody sees it; and what is suggested or judged behind it."""


class HookType(StrEnum):
    """How a hook decides."""

    RULE = "rule"
    """By conditions on arguments and texts."""
    APPROVAL = "approval"
    """A person is asked, even where policy allows the call."""
    WEBHOOK = "webhook"
    """A program is asked over HTTP. What goes wrong there allows."""
    PYTHON = "python"
    """A function in a file is asked, in a process of its own."""


CALL_POINTS = (
    HookPoint.BEFORE_TOOL,
    HookPoint.AFTER_TOOL,
    HookPoint.BEFORE_DELEGATION,
    HookPoint.AFTER_DELEGATION,
)
"""Where there is a tool: a matcher can be given there."""
BEFORE_CALL = (HookPoint.BEFORE_TOOL, HookPoint.BEFORE_DELEGATION)
AFTER_CALL = (HookPoint.AFTER_TOOL, HookPoint.AFTER_DELEGATION)
MESSAGE_POINTS = (HookPoint.BEFORE_RUN, HookPoint.BEFORE_MODEL)
"""Where there are messages."""
OUTPUT_POINTS = (*AFTER_CALL, HookPoint.AFTER_MODEL, HookPoint.BEFORE_RESPONSE)
"""Where there is an output that can be changed."""

HANDED_DOWN = (*CALL_POINTS, HookPoint.BEFORE_MODEL, HookPoint.AFTER_MODEL)
"""Where an agent's hooks look at the runs of its sub-agents too; the others are of its own conversation."""

_OF_TYPE = {
    "rules": HookType.RULE,
    "message": HookType.APPROVAL,
    "url": HookType.WEBHOOK,
    "headers": HookType.WEBHOOK,
    "file": HookType.PYTHON,
}
_NEEDED = {HookType.RULE: "rules", HookType.WEBHOOK: "url", HookType.PYTHON: "file"}
_HEADER_NAME = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$"
_OURS = ("accept-encoding", "connection", "content-length", "content-type", "host", "transfer-encoding")


class HookRule(Value):
    """One rule of a hook; the first whose condition holds decides."""

    when: str = Field(default="", max_length=2_000)
    """A condition such as `command CONTAINS "rm -rf"`, on an argument, `message` or `output`; empty:
    always."""
    action: Literal["allow", "deny", "modify"] = "deny"
    reason: str = Field(default="", max_length=1_000)
    """For a denial: the model or the caller sees it."""
    set: dict[str, Any] = Field(default={}, max_length=100)
    """For `modify` before a call: arguments that it gets instead of its own."""
    replace: str = ""
    """For `modify` of a text: a regular expression, whose matches are replaced by `replacement`."""
    replacement: str = Field(default="", max_length=1_000)

    @field_validator("when")
    @classmethod
    def _is_condition(cls, when: str) -> str:
        if when:
            _checked(Condition.parse, when)
        return when

    @field_validator("replace")
    @classmethod
    def _is_expression(cls, replace: str) -> str:
        _checked(check_expression, replace)
        return replace

    @model_validator(mode="after")
    def _fits(self) -> HookRule:
        if (self.action == "modify") != bool(self.set or self.replace):
            raise PydanticCustomError(
                "hook_rule", "`modify` needs `set` or `replace`, and no other action has them"
            )
        return self


def _checked(check: Any, text: str) -> None:
    try:
        check(text)
    except ValueError as error:
        raise PydanticCustomError("hook_rule", "{why}", {"why": str(error)}) from error


class HookSpec(Value):
    """A hook, as an agent's file or the user's own file has it."""

    id: str | None = Field(default=None, pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    """None in a file that leaves it out, never in a hook that was found."""
    name: str = Field(default="", max_length=100)
    """What people are told that it is."""
    point: HookPoint
    type: HookType
    matcher: str = Field(default="*", max_length=1_000)
    """Of which calls, where it stands at calls: a rule such as `write_file(*.md)` or `mcp__*`."""
    order: int = 0
    """Hooks of one point act in this order, the smallest first; of equal ones the user's own first."""
    timeout_s: float | None = Field(default=None, gt=0, le=MAX_TIMEOUT_S)
    """Seconds that it may take: 5 for a webhook, 10 for others where nothing is said. Of an approval, after
    which it is denied; None: as the agent's limits say."""
    enabled: bool = True
    rules: tuple[HookRule, ...] = Field(default=(), max_length=100)
    """Of a rule."""
    message: str = Field(default="", max_length=1_000)
    """Of an approval: why it is asked."""
    url: str | None = Field(default=None, max_length=2_000)
    """Of a webhook: an http or https address."""
    headers: dict[Annotated[str, Field(pattern=_HEADER_NAME)], Annotated[str, Field(max_length=4_000)]] = (
        Field(default={}, max_length=50)
    )
    """Of a webhook: sent beside the signature."""
    file: str | None = Field(default=None, min_length=1, max_length=4_096)
    """Of Python: a file with one function; a relative path is of the folder of the file that names it."""
    ext: Ext = Field(default={})
    """What other systems' clients keep of it; nothing here reads it."""

    @field_validator("matcher")
    @classmethod
    def _is_rule(cls, matcher: str) -> str:
        try:
            Rule.parse(matcher)
        except InvalidError as error:
            raise PydanticCustomError("hook", "{why}", {"why": error.message}) from error
        return matcher

    @field_validator("file")
    @classmethod
    def _is_path(cls, file: str | None) -> str | None:
        try:
            if file is not None:
                hook_file(Path(), file)
        except InvalidError as error:
            raise PydanticCustomError("hook", "{why}", {"why": error.message}) from error
        return file

    @field_validator("headers")
    @classmethod
    def _can_be_sent(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            ours = name.lower() in _OURS or name.lower().startswith("x-holdfast-")
            if ours or not value.isascii() or not value.isprintable():
                raise PydanticCustomError("hook", "a header that cannot be sent: {name}", {"name": name})
        return headers

    @model_validator(mode="after")
    def _fits(self) -> HookSpec:
        if wrong := self._mistake():
            raise PydanticCustomError("hook", "{wrong}", {"wrong": wrong})
        return self

    def _mistake(self) -> str:
        for key, type in _OF_TYPE.items():
            if getattr(self, key) and type is not self.type:
                return f"has `{key}`, which is of hooks of the type {type.value}"
        needed = _NEEDED.get(self.type)
        if needed is not None and not getattr(self, needed):
            return f"needs `{needed}`"
        if self.matcher != "*" and self.point not in CALL_POINTS:
            return f"has a `matcher`, but there is no tool at {self.point.value}"
        if self.type is HookType.APPROVAL and self.point not in BEFORE_CALL:
            return "an approval stands at before_tool or before_delegation"
        if self.type is HookType.RULE and self.point is HookPoint.AFTER_RUN:
            return "a rule has nothing to decide at after_run"
        if any(rule.set for rule in self.rules) and self.point not in BEFORE_CALL:
            return "a rule sets arguments at before_tool or before_delegation only"
        if any(rule.replace for rule in self.rules) and self.point not in (*MESSAGE_POINTS, *OUTPUT_POINTS):
            return "a rule replaces in messages and outputs only"
        return ""

    @property
    def title(self) -> str:
        """What people are told: its name, or what it is."""
        return self.name or f"{self.type.value} at {self.point.value}"

    def masked(self) -> HookSpec:
        """Returns it without the values of its headers, which may be secrets."""
        return self.model_copy(update={"headers": dict.fromkeys(self.headers, "***")})

    def matches(self, tool: str, subjects: tuple[str, ...]) -> bool:
        """Says whether it looks at a call of `tool` on any of `subjects`."""
        rule = Rule.parse(self.matcher)
        return any(rule.matches(tool, subject) for subject in subjects)


def hook_file(folder: Path, named: str) -> Path:
    """Returns the file that a hook names; a relative path is of `folder`. Raises `InvalidError` for what can
    be no path, and for the home of nobody."""
    shown = sanitize_line(shorten(named, 80))
    if "\0" in named:
        raise InvalidError(f"{shown!r} is no path.", code="invalid_hook")
    try:
        return folder / Path(named).expanduser()
    except RuntimeError as error:
        raise InvalidError(f"{shown!r} is in the home of nobody.", code="invalid_hook") from error


class HookInfo(Value):
    """A hook as a listing shows it."""

    hook: HookSpec
    """The values of headers are masked."""
    source: Literal["user", "agent"]
    agent: str = ""
    """The agent whose file has it."""


@dataclass(frozen=True, slots=True)
class HookCall:
    """What a hook looks at.

    `data` is `{message}` before a run, `{model, messages}` before a model call (one `{role, text}` for each
    text in it), the arguments before and after a call, `{calls}` after a model call, `{status, steps,
    content}` after a run, and nothing before a response. `output` is a call's result, or the reply.
    """

    point: HookPoint
    session_id: str
    run_id: str
    agent: str
    agent_id: str = ""
    call_id: str = ""
    tool: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    output: str | None = None


HookOutcome = Literal["allow", "deny", "modify", "ask"]


@dataclass(frozen=True, slots=True)
class HookVerdict:
    """What a hook decided."""

    outcome: HookOutcome = "allow"
    reason: str = ""
    data: dict[str, Any] | None = None
    """In the place of the call's `data`, of the same shape."""
    output: str | None = None
    """In the place of the call's `output`."""
    error: str = ""
    """What kept it from deciding; the outcome is then what a failure means for it."""


def failed(hook: HookSpec, error: str) -> HookVerdict:
    """Returns what it means that a hook could not decide: a webhook allows, others deny."""
    if hook.type is HookType.WEBHOOK or hook.point is HookPoint.AFTER_RUN:
        return HookVerdict(error=error)
    return HookVerdict("deny", f"the hook {hook.title!r} failed", error=error)


@dataclass(frozen=True, slots=True)
class HookPlace:
    """For whom a hook decides, and where."""

    owner: str
    """Id of the user whose run it is."""
    folder: Path
    """The run's workspace, which a function can read."""
    programs: bool = True
    """Whether the user may let programs run."""


class HookDecider(Protocol):
    """Asks hooks. It never raises: what fails is said in the verdict."""

    async def decide(self, hook: HookSpec, call: HookCall, place: HookPlace) -> HookVerdict: ...


class HookTest(Value):
    """What a hook made of an example."""

    outcome: HookOutcome
    reason: str = ""
    error: str = ""
    data: dict[str, Any] | None = None
    output: str | None = None
    duration_ms: float = 0.0


class HookSecret(Value):
    """What signs the requests of a user's hooks."""

    secret: str = Field(repr=False)
