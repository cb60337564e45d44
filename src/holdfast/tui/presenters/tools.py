"""Tools as lists: what the agent has, what is one's own, what there is; and what the rules say of each."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.tui.keys import foot, shown
from holdfast.tui.presenters.figures import counted
from holdfast.tui.presenters.previews import json_lines
from holdfast.tui.presenters.servers import risk_role
from holdfast.tui.presenters.spans import BLANK, Line, fit, line, space
from holdfast.tui.presenters.status import EngineState, engine_note

if TYPE_CHECKING:
    from holdfast.core.domain.custom_tools import CustomTool
    from holdfast.core.domain.given_tools import GivenTool, GivenTools
    from holdfast.core.domain.tools import ToolInfo

TABS = ("agent", "yours", "all")
Verdict = Literal["allow", "ask", "deny", ""]
SIGNS: dict[Verdict, tuple[str, str]] = {
    "allow": ("✓ ", "success"),
    "ask": ("? ", "warning"),
    "deny": ("✗ ", "error"),
    "": ("· ", "muted"),
}
VERDICTS: dict[Verdict, str] = {"allow": "runs without asking", "ask": "asks first", "deny": "denied", "": ""}
RISKS = {
    "read": "only looks",
    "write": "changes files, or what is remembered",
    "network": "talks to other machines",
    "execute": "runs programs",
}
KINDS = {"http": "HTTP", "python": "Python", "client": "done by callers", "search": "a search"}
BY = {"memory": "comes with the agent's memory", "skills": "comes with the agent's skills"}
LONGEST_VALUE = 200


@dataclass(frozen=True, slots=True)
class ToolView:
    """One tool, sanitised but for its parameters, which are data."""

    name: str
    source: Literal["builtin", "custom", "mcp"]
    risk: str
    description: str
    parameters: dict[str, Any]
    given: bool = False
    """Whether the agent has it."""
    by: str = ""
    verdict: Verdict = ""
    reason: str = ""
    rules: tuple[str, ...] = ()
    pinned: tuple[tuple[str, Any], ...] = ()
    """Arguments that every call has, with their values as they are."""
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnTool:
    """What is known of a tool of the user's own beside what models read."""

    id: str
    kind: Literal["http", "python", "client", "search"]
    version: int
    about: str
    """The method and the address; of Python how long it is."""
    secrets: tuple[str, ...]
    missing: tuple[str, ...]
    text: str
    """As it is edited, sanitised."""


@dataclass(slots=True)
class ToolsState:
    """What the screen of tools shows."""

    agent: str = ""
    given: list[ToolView] | None = None
    """None: not read yet."""
    known: list[ToolView] | None = None
    """All that agents can be given, those of MCP servers aside."""
    own: dict[str, OwnTool] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    """Why tools of some servers are not there."""
    error: str = ""
    wanted: str = ""
    """Where the cursor is to go when it is drawn next."""

    def tools(self, tab: str) -> list[ToolView] | None:
        """Returns the tools of a tab, None while they are not read."""
        if tab == "agent" or self.known is None:
            return self.given if tab == "agent" else None
        having = {one.name: one for one in self.given or []}
        every = [having.get(one.name, one) for one in self.known]
        every += [one for one in self.given or [] if one.source == "mcp"]
        return [one for one in every if one.source == "custom"] if tab == "yours" else every

    def tool(self, name: str | None) -> ToolView | None:
        return next((one for one in [*(self.given or []), *(self.known or [])] if one.name == name), None)


def tool_view(tool: ToolInfo) -> ToolView:
    """Returns a tool as it is shown."""
    return ToolView(
        name=sanitize_line(tool.name),
        source=tool.source,  # type: ignore[arg-type] # one of the three
        risk=tool.risk.value,
        description=sanitize(tool.description).strip(),
        parameters=tool.parameters,
    )


def given_views(given: GivenTools) -> list[ToolView]:
    """Returns the tools of an agent as they are shown."""
    return [_given(one) for one in given.tools]


def _given(one: GivenTool) -> ToolView:
    return replace(
        tool_view(one.tool),
        given=True,
        by=one.by,
        verdict=one.verdict.value,
        reason=sanitize_line(one.reason),
        rules=tuple(map(sanitize_line, one.rules)),
        pinned=tuple((sanitize_line(name), value) for name, value in one.pinned.items()),
        unknown=tuple(map(sanitize_line, one.unknown)),
    )


def own_view(tool: CustomTool, text: str) -> OwnTool:
    """Returns what is known of a tool of the user's own; `text` is as it is edited."""
    from holdfast.core.config.tool_text import about  # start-up time: it needs pydantic

    spec = tool.spec
    said = counted(spec.code.count("\n"), "line") if spec.type == "python" else about(spec)
    return OwnTool(
        id=tool.id,
        kind=spec.type,
        version=tool.version,
        about=sanitize_line(said),
        secrets=tuple(map(sanitize_line, spec.secrets)),
        missing=tuple(map(sanitize_line, tool.missing)),
        text=sanitize(text),
    )


# --- the lists


def headline(state: ToolsState, waiting: int, engine: EngineState = "ready") -> Line:
    """Returns the first line."""
    asks = sum(one.verdict == "ask" for one in state.given or [])
    said = f"  {state.agent} has {counted(len(state.given), 'tool')}" if state.given is not None else ""
    return line(
        ("Tools", "brand"),
        engine_note(engine),
        (said, "muted"),
        (f", {asks} ask first" if asks else "", "muted"),
        (f"  ⚠ {waiting}" if waiting else "", "warning"),
    )


def counts(state: ToolsState) -> dict[str, str]:
    """Returns how many tools each tab has."""
    return {tab: str(len(state.tools(tab) or []) or "") for tab in TABS}


def tool_rows(
    state: ToolsState, tab: str, words: list[str], width: int
) -> list[tuple[str, tuple[Line, ...]]]:
    """Returns the tools of a tab that fit the words, two lines each."""
    found = [
        one
        for one in state.tools(tab) or []
        if all(word in f"{one.name} {one.description} {one.risk} {one.source}".casefold() for word in words)
    ]
    return [(one.name, _row(one, width)) for one in found]


def _row(one: ToolView, width: int) -> tuple[Line, Line]:
    right = f"{'' if one.source == 'builtin' else one.source + ' '}{one.risk}"
    room = max(4, width - len(right) - 3)
    name = fit(one.name, room)
    pins = f"{counted(len(one.pinned), 'pinned argument')} · " if one.pinned else ""
    first = sanitize_line(one.description.partition("\n")[0])
    return (
        line(
            SIGNS[one.verdict],
            (name, "strong" if one.given else ""),
            (space(name, room), ""),
            (right, risk_role(one.risk)),
        ),
        line("  ", (pins, "accent"), (fit(first, max(4, width - 2 - len(pins))), "muted")),
    )


def note_lines(state: ToolsState, tab: str, *, some: bool) -> list[Line]:
    """Returns what stands below the list: loading, nothing there, what is missing or went wrong."""
    if state.error:
        return [line((state.error, "error"))]
    tools = state.tools(tab)
    if tools is None:
        return [line(("Reading the tools …", "muted"))]
    missing = [line(("✗ ", "error"), (one, "muted")) for one in state.missing] if tab == "agent" else []
    if some:
        return missing
    if tools:
        return [line(("No tool fits.", "muted"))]
    if tab == "agent":
        said = f"{state.agent} has no tools: it only talks."
        return [line(said), line(("/edit-agent", "key"), (" gives it some.", "muted")), *missing]
    return [
        line("No tool of your own yet."),
        BLANK,
        line((shown("tools.new"), "key"), (" makes one: a request over HTTP, or a function.", "muted")),
    ]


def tool_detail(state: ToolsState, name: str | None) -> list[Line]:
    """Returns all that is known of a tool."""
    one = state.tool(name)
    if one is None:
        return []
    lines = [line((one.name, "heading"), (f"  {_from(one, state)}", "muted"))]
    lines.append(line((f"{one.risk}  ", risk_role(one.risk)),
                      (RISKS.get(one.risk, ""), "muted")))  # fmt: skip
    lines += _verdict(one, state.agent)
    if one.by in BY:
        lines.append(line((BY[one.by], "muted")))
    lines += _pins(one)
    own = state.own.get(one.name)
    if own is not None:
        lines += _own(own)
    lines += [BLANK, *(line(each.expandtabs(4)) for each in one.description.split("\n"))]
    return [*lines, *_arguments(one.parameters), *_schema(one.parameters)]


def _from(one: ToolView, state: ToolsState) -> str:
    if one.source == "mcp":
        return f"of the MCP server {one.name.split('__')[1]}"
    own = state.own.get(one.name)
    if one.source == "custom":
        return f"your own, {KINDS[own.kind]}, version {own.version}" if own else "your own"
    return "comes with Holdfast"


def _verdict(one: ToolView, agent: str) -> list[Line]:
    if not one.given:
        said = f"{agent} does not have it: " if agent else "an agent gets it by "
        how = " in its file gives it" if agent else " in its file"
        return [line((f"· {said}", "muted"), (f"tools: [{one.name}]", "code"), (how, "muted"))]
    sign, role = SIGNS[one.verdict]
    head = line((f"{sign}{VERDICTS[one.verdict]}", role), (f": {one.reason}", "muted"))
    return [head, *(line(("  ", "indent"), (f"but {rule}", "muted")) for rule in one.rules)]


def _pins(one: ToolView) -> list[Line]:
    lines = [
        line(("pinned  ", "accent"), (name, "strong"), (" = ", "muted"), (_value(value), "code"))
        for name, value in one.pinned
    ]
    for name in one.unknown:
        lines.append(line((f"The file pins {name}, which the tool does not know: it is dropped.", "warning")))
    return lines


def _value(value: Any) -> str:
    return shorten(sanitize_line(json.dumps(value, ensure_ascii=False, default=str)), LONGEST_VALUE)


def _own(own: OwnTool) -> list[Line]:
    lines = [line((own.about, "code"))]
    if own.missing:
        lines.append(line((f"A secret is missing: {', '.join(own.missing)}  ", "warning"),
                          (shown("tools.secret"), "key"), (" sets it", "muted")))  # fmt: skip
    return lines


def _arguments(parameters: dict[str, Any]) -> list[Line]:
    known = parameters.get("properties")
    if not isinstance(known, dict) or not known:
        return [BLANK, line(("It takes no arguments.", "muted"))]
    required = parameters.get("required")
    needed = required if isinstance(required, list) else []
    lines: list[Line] = [BLANK, line(("Arguments", "heading"))]
    for name, schema in known.items():
        said = schema if isinstance(schema, dict) else {}
        kind = shorten(sanitize_line(str(said.get("type", ""))), 40)
        star = (" *", "warning") if name in needed else ("", "")
        lines.append(line((sanitize_line(str(name)), "strong"), star, (f"  {kind}", "muted")))
        about = said.get("description")
        if isinstance(about, str) and about.strip():
            lines.append(line(("  ", "indent"), (sanitize_line(about.strip()), "muted")))
    return lines


def _schema(parameters: dict[str, Any]) -> list[Line]:
    text = json.dumps(parameters, ensure_ascii=False, default=str)
    return [BLANK, line(("JSON Schema", "heading")), *json_lines(text)]


def footer(state: ToolsState, current: str | None, *, typing: bool = False) -> list[tuple[str, str, str]]:
    """Returns the keys for what is under the cursor."""
    back, last = foot("tools.back"), foot("tools.help")
    if typing:
        return [back, (shown("words.to_list"), "to the list", ""), last]
    one = state.tool(current)
    if one is None:
        return [back, foot("tools.new"), foot("tools.after"), last]
    own = state.own.get(one.name)
    changing = [foot("tools.edit"), foot("tools.versions"), foot("tools.export")] if own else []
    secret = [foot("tools.secret")] if own is not None and own.secrets else []
    gone = [foot("tools.delete")] if own else []
    found = [foot("tools.new"), foot("tools.words"), foot("tools.after")]
    return [back, foot("tools.try"), *secret, *changing, *gone, *found, last]
