"""A session as a graph from top to bottom: its runs, with their steps, tools, approvals and sub-agents, each
with a bar of its time in the run and one of its cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from rich.cells import cell_len

from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.tui.keys import foot, shown
from holdfast.tui.presenters.figures import cost, counted, duration
from holdfast.tui.presenters.run_log import STATUS, credits_text
from holdfast.tui.presenters.run_report import happening_lines, report_lines, said_of, took_of
from holdfast.tui.presenters.spans import BLANK, Line, Span, fit, line, space
from holdfast.tui.presenters.status import EngineState, engine_note

if TYPE_CHECKING:
    from holdfast.core.domain.run_log import Happening, RunMap, RunReport

OPEN_RUNS = 3
"""Of a long session so many runs, the last ones, are unfolded at first."""
LONG = 120
"""A session of more lines than this is long."""
_PARTS = " ▏▎▍▌▋▊▉█"
_BARS = {"run": "━", "child": "━", "step": "━", "model": "━", "tool": "═", "note": "╌"}
_ROLES = {
    "run": "strong",
    "child": "primary",
    "step": "accent",
    "model": "accent",
    "tool": "code",
    "approval": "warning",
    "question": "warning",
    "note": "muted",
}


@dataclass
class Node:
    """One thing in the graph, with what is below it."""

    id: str
    kind: str
    title: Line
    begin: datetime
    took_ms: float | None
    credits: float
    usd: float
    session_id: str
    event_id: int
    """Its place in the transcript of that session."""
    top: tuple[datetime, float]
    """When the run began that it belongs to, a person's own, and what that took in milliseconds."""
    report: RunReport | None = None
    happening: Happening | None = None
    below: list[Node] = field(default_factory=list)

    @property
    def run_id(self) -> str:
        """The run that it stands for; empty: it is a part of one."""
        return "" if self.report is None else self.report.run.id


@dataclass(frozen=True)
class Drawn:
    """A line of the graph, before it is fitted to a width."""

    node: Node
    prefix: str
    folded: bool
    """Whether it hides what is below it."""


@dataclass
class SessionMapState:
    """What the screen of a session's map shows."""

    session_id: str | None = None
    title: str = ""
    nodes: list[Node] | None = None
    """None: not read yet."""
    folded: set[str] = field(default_factory=set)
    older: str | None = None
    error: str = ""
    wanted: str = ""
    """Where the cursor is to go when it is drawn next."""

    def begin(self, session_id: str) -> None:
        """Forgets what was shown: the map of another session is wanted."""
        if session_id != self.session_id:
            self.session_id, self.title, self.nodes, self.older = session_id, "", None, None
            self.folded, self.error = set(), ""

    def take(self, found: RunMap) -> None:
        """Takes the end of a session's map; what a person folded stays so."""
        known = None if self.nodes is None else {each.id for each in every(self.nodes)}
        fresh = nodes_of(found)
        ids = {each.id for each in fresh}
        first = fresh[0].begin if fresh else None
        before = [each for each in self.nodes or [] if each.id not in ids and first and each.begin < first]
        if not before:
            self.older = found.older
        if known is None:
            self.folded = folded_at_first(fresh)
        self.title, self.nodes, self.error = sanitize_line(found.title), [*before, *fresh], ""

    def take_older(self, found: RunMap) -> None:
        """Takes what comes before."""
        before = nodes_of(found)
        self.folded |= {each.id for each in before}
        self.nodes, self.older = [*before, *(self.nodes or [])], found.older

    def node(self, id: str | None) -> Node | None:
        return next((each for each in every(self.nodes or []) if each.id == id), None)

    def turn(self, id: str) -> None:
        """Folds what can be folded, or unfolds it."""
        self.folded ^= {id}

    def turn_all(self) -> None:
        """Folds all runs; where they are, unfolds everything."""
        ids = {each.id for each in self.nodes or [] if each.below}
        self.folded = set() if ids <= self.folded else self.folded | ids


def every(nodes: Iterable[Node]) -> Iterator[Node]:
    """Yields nodes with all below them."""
    for node in nodes:
        yield node
        yield from every(node.below)


def folded_at_first(nodes: Sequence[Node]) -> set[str]:
    """Returns what is folded when a map is opened: all but the last runs of a long session."""
    long = sum(1 for _ in every(nodes)) > LONG
    return {node.id for node in nodes[:-OPEN_RUNS] if node.below} if long else set()


# --- the graph


def nodes_of(found: RunMap) -> list[Node]:
    """Returns the runs of a session, each with what happened in it; sub-agents below what has called them."""
    reports = {report.run.id: report for report in found.runs}
    return [
        _run(report, reports, _top(report))
        for report in found.runs
        if report.run.session_id == found.session_id
    ]


def _top(report: RunReport) -> tuple[datetime, float]:
    begin = report.run.started_at
    ends = [
        (each.at - begin).total_seconds() * 1000 + (took_of(each) or 0.0) for each in report.way
    ]  # a run that goes on is as long as what it did
    return begin, max([1.0, (report.run.response_ms or 0.0) + report.waited_ms, *ends])


def _run(report: RunReport, reports: Mapping[str, RunReport], top: tuple[datetime, float]) -> Node:
    run = report.run
    mark, role = STATUS[run.status]
    said = sanitize_line(report.prompt or run.prompt).strip()
    name = sanitize_line(run.agent_name or run.agent)
    took = None if run.response_ms is None else run.response_ms + report.waited_ms
    node = Node(
        id=run.id,
        kind="run" if run.parent_run_id is None else "child",
        title=line((f"{mark} ", role), (name, "strong"), (f"  {shorten(said, 300)}" if said else "", "")),
        begin=run.started_at,
        took_ms=took,
        credits=run.credits,
        usd=run.usage.cost_usd,
        session_id=run.session_id,
        event_id=report.way[0].event_id if report.way else 0,
        top=top,
        report=report,
    )
    calls: dict[str, Node] = {}
    for number, each in enumerate(report.way):
        if each.kind == "message" and number == 0:
            continue  # the run itself says it
        below = node
        if each.kind in ("approval", "question", "child"):
            below = calls.get(each.call_id, node)
        child = reports.get(each.run_id) if each.kind == "child" else None
        made = _run(child, reports, top) if child is not None else _part(each, run.session_id, run.id, top)
        if each.kind == "tool":
            calls[each.call_id] = made
        below.below.append(made)
    return node


def _part(each: Happening, session_id: str, run_id: str, top: tuple[datetime, float]) -> Node:
    title, note, role = said_of(each)
    spent = each.kind in ("step", "model")
    return Node(
        id=f"{run_id}:{each.event_id}:{each.kind}",
        kind=each.kind,
        title=line((title, ""), (f"  {note}" if note else "", role)),
        begin=each.at,
        took_ms=took_of(each),
        credits=each.credits if spent else 0.0,  # type: ignore[union-attr]
        usd=each.usage.cost_usd if spent else 0.0,  # type: ignore[union-attr]
        session_id=session_id,
        event_id=each.event_id,
        top=top,
        happening=each,
    )


def drawn(nodes: Sequence[Node], folded: set[str]) -> list[Drawn]:
    """Returns the lines of the graph that are not hidden, in their order."""
    found: list[Drawn] = []

    def add(node: Node, prefix: str, below: str) -> None:
        hides = bool(node.below) and node.id in folded
        found.append(Drawn(node, prefix, hides))
        if hides:
            return
        for number, each in enumerate(node.below, 1):
            last = number == len(node.below)
            add(each, below + ("└─" if last else "├─"), below + ("  " if last else "│ "))

    for number, node in enumerate(nodes, 1):
        last = number == len(nodes)
        first = "┌─" if number == 1 and not last else "└─" if last and number > 1 else "├─"
        add(node, "──" if len(nodes) == 1 else first, "  " if last else "│ ")
    return found


# --- how it looks


@dataclass(frozen=True)
class Scale:
    """What the bars of cost are measured by."""

    credits: float
    usd: float

    @classmethod
    def of(cls, nodes: Iterable[Node]) -> Scale:
        """Returns the scale of a map: its dearest run fills a bar."""
        tops = list(nodes)
        return cls(max((n.credits for n in tops), default=0.0), max((n.usd for n in tops), default=0.0))

    def part(self, node: Node) -> float:
        """Returns how much of a bar the cost of something fills, 0 to 1."""
        if self.credits:
            return min(1.0, node.credits / self.credits)
        return min(1.0, node.usd / self.usd) if self.usd else 0.0

    def text(self, node: Node) -> str:
        if self.credits:
            return f"{credits_text(node.credits)} cr" if node.credits else ""
        return cost(node.usd) if node.usd else ""


def map_line(each: Drawn, width: int, scale: Scale) -> Line:
    """Returns a line of the graph, as wide as there is room."""
    node = each.node
    bar = max(6, min(48, (width - 44) // 3))
    costs = width >= 64 and bool(scale.credits or scale.usd)
    room = max(12, width - bar - 11 - (16 if costs else 0))
    more = f"▸ {counted(sum(1 for _ in every(node.below)), 'line')}" if each.folded else ""
    title = _fitted(((each.prefix, "muted"), (" ", ""), *node.title), room - len(more) - (1 if more else 0))
    used = sum(cell_len(text) for text, _ in title) + (len(more) + 1 if more else 0)
    parts: list[Span] = [*title, *([(" ", ""), (more, "accent")] if more else [])]
    parts.append((" " * max(1, room - used + 1), ""))
    parts += time_bar(node, bar)
    took = "" if node.took_ms is None else duration(node.took_ms)
    parts.append((f" {space(took, 9)[:-1]}{took}", "muted"))
    if costs:
        parts.append((f" {cost_bar(scale.part(node), 4)}", "success"))
        text = scale.text(node)
        parts.append((f" {space(text, 9)[:-1]}{text}", "muted"))
    return tuple(parts)


def _fitted(spans: Iterable[Span], cells: int) -> Line:
    """Returns as much of a line as there is room for, a cut as an ellipsis."""
    found: list[Span] = []
    left = cells
    for text, role in spans:
        if left <= 0:
            break
        shown_text = fit(text, left)
        found.append((shown_text, role))
        left -= cell_len(shown_text)
    return tuple(found)


def time_bar(node: Node, cells: int) -> list[Span]:
    """Returns the time of something as a bar of `cells`, in its place in the time of its run."""
    begin, total = node.top
    start = max(0.0, (node.begin - begin).total_seconds() * 1000)
    at = min(cells - 1, int(start / total * cells))
    if node.took_ms is None:
        point = "›" if node.kind in ("run", "child", "step", "tool", "approval", "question") else "·"
        return [(" " * at, ""), (point, "muted"), (" " * (cells - at - 1), "")]
    length = max(1, min(cells - at, round(node.took_ms / total * cells)))
    sign = _BARS.get(node.kind, "╍")
    return [
        (" " * at, ""),
        (sign * length, _ROLES.get(node.kind, "muted")),
        (" " * (cells - at - length), ""),
    ]


def cost_bar(part: float, cells: int) -> str:
    """Returns a part of a whole, 0 to 1, as a bar; what is more than nothing is seen."""
    eighths = round(part * cells * 8)
    eighths = max(1, eighths) if part > 0 else 0
    full, rest = divmod(min(eighths, cells * 8), 8)
    return ("█" * full + (_PARTS[rest] if rest else "")).ljust(cells)


def headline(state: SessionMapState, waiting: int, engine: EngineState = "ready") -> Line:
    """Returns the first line."""
    runs = "" if state.nodes is None else f"  {counted(len(state.nodes), 'run')}"
    return line(
        ("Session map", "brand"),
        engine_note(engine),
        (f"  {state.title}" if state.title else "", "strong"),
        (runs + (", and older ones" if state.older else ""), "muted"),
        (f"  ⚠ {waiting}" if waiting else "", "warning"),
    )


def note_lines(state: SessionMapState) -> list[Line]:
    """Returns what stands in the place of an empty map, and what went wrong."""
    if state.error:
        return [line((state.error, "error"))]
    if state.session_id is None:
        return [
            line("No session is open."),
            BLANK,
            line(
                (shown("map.back"), "key"),
                (" goes back; open one there, or choose a run in ", "muted"),
                ("/runs", "code"),
                (".", "muted"),
            ),
        ]
    if state.nodes is None:
        return [line(("Reading the map …", "muted"))]
    if state.nodes:
        return []
    return [
        line("Nothing has happened in this session yet."),
        BLANK,
        line(
            (shown("map.back"), "key"),
            (" goes back. Each message that you send there becomes a run here,", "muted"),
        ),
        line(("with its steps, tools, approvals and sub-agents.", "muted")),
    ]


def node_lines(node: Node | None) -> list[Line]:
    """Returns all that is known of what is under the cursor."""
    if node is None:
        return []
    if node.report is not None:
        return report_lines(node.report, node.report.run)
    return happening_lines(node.happening) if node.happening is not None else []


def footer(state: SessionMapState, node: Node | None) -> list[tuple[str, str, str]]:
    """Returns the keys for what is under the cursor."""
    back, last = foot("map.back"), foot("map.help")
    if node is None:
        return [back, *([foot("map.older")] if state.older else []), last]
    fold = []
    if node.below:
        fold = [foot("map.fold", "unfold" if node.id in state.folded else "fold")]
    older = [foot("map.older")] if state.older else []
    return [back, foot("map.go"), *fold, foot("map.all"), *older, foot("map.copy"), last]


def as_text(state: SessionMapState, width: int = 120) -> str:
    """Returns the map as text, with everything unfolded."""
    nodes = state.nodes or []
    scale = Scale.of(nodes)
    rows = (map_line(each, width, scale) for each in drawn(nodes, set()))
    return "\n".join("".join(text for text, _ in row).rstrip() for row in rows)
