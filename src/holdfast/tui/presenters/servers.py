"""MCP servers as a list: how each is, what it offers, what it said; and the form that adds one."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.keys import foot, shown
from holdfast.tui.presenters.figures import age, counted
from holdfast.tui.presenters.spans import BLANK, Line, fit, line, space
from holdfast.tui.presenters.status import EngineState, engine_note

if TYPE_CHECKING:
    from datetime import datetime

    from holdfast.core.domain.mcp import McpServer
    from holdfast.core.domain.tools import ToolInfo

State = Literal["disabled", "stopped", "starting", "ready", "failed"]
Transport = Literal["program", "http", "sse"]
STATES: dict[State, tuple[str, str, str]] = {
    "ready": ("● ", "success", "runs"),
    "starting": ("◌ ", "accent", "is starting …"),
    "stopped": ("○ ", "muted", "not started; it starts when it is needed"),
    "failed": ("✗ ", "error", "failed"),
    "disabled": ("⊘ ", "muted", "disabled"),
}
"""Sign, its role, and words of each state."""
TRANSPORTS: dict[Transport, str] = {"program": "program", "http": "HTTP", "sse": "HTTP, events (SSE)"}
SAMPLING = {
    "allow": "may ask the run's model, and nobody is asked",
    "deny": "may not ask the run's model",
}
MOST_TOOLS = 200


@dataclass(frozen=True, slots=True)
class ServerView:
    """One server, sanitised."""

    name: str
    transport: Transport
    reached: str
    """The program with its arguments, or the address."""
    state: State
    reason: str
    failures: int
    tools: int | None
    trusted: bool
    started_at: datetime | None
    cwd: str = ""
    confined: bool = False
    """Whether that is said of it."""
    sampling: str = "ask"
    pairs: tuple[str, ...] = ()
    """Its environment or its headers, what may be secret masked."""
    secrets: tuple[str, ...] = ()
    """Names of the secrets that it refers to."""
    missing: tuple[str, ...] = ()
    """Those that are not set."""
    left_out: tuple[tuple[str, str], ...] = ()
    log: str = ""


@dataclass(slots=True)
class ServersState:
    """What the screen of MCP servers shows."""

    servers: list[ServerView] | None = None
    """None: not read yet."""
    whole: dict[str, ServerView] = field(default_factory=dict)
    """What was read of single ones, log included."""
    tools: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    """Name, risk and what it does of each tool, by servers."""
    error: str = ""
    testing: set[str] = field(default_factory=set)
    wanted: str = ""
    """Where the cursor is to go when it is drawn next."""

    def server(self, name: str | None) -> ServerView | None:
        return next((one for one in self.servers or [] if one.name == name), None)


def server_view(server: McpServer, secrets: Iterable[str] = ()) -> ServerView:
    """Returns a server as it is shown; `secrets` are the names of those that it refers to."""
    spec = server.spec
    transport: Transport = "program" if spec.command else "sse" if spec.sse else "http"
    pairs = [f"{name}={value}" for name, value in spec.env.items()]
    pairs += [f"{name}: {value}" for name, value in spec.headers.items()]
    return ServerView(
        name=sanitize_line(spec.name),
        transport=transport,
        reached=sanitize_line(shlex.join(spec.command) if spec.command else spec.url or ""),
        state=server.state.value if spec.enabled else "disabled",
        reason=sanitize_line(server.reason),
        failures=server.failures,
        tools=server.tools,
        trusted=spec.trusted,
        started_at=server.started_at,
        cwd=sanitize_line(spec.cwd or ""),
        confined=bool(spec.confine),
        sampling=spec.sampling,
        pairs=tuple(map(sanitize_line, pairs)),
        secrets=tuple(map(sanitize_line, secrets)),
        missing=tuple(map(sanitize_line, server.missing)),
        left_out=tuple((sanitize_line(one.tool), sanitize_line(one.reason)) for one in server.left_out),
        log=sanitize(server.log),
    )


def tool_rows(server: str, tools: Iterable[ToolInfo]) -> list[tuple[str, str, str]]:
    """Returns the tools of a server as they are shown: the server's own name, the risk, what it does. That
    the server says so need not be said of each: models are told that, here it is seen."""
    prefix, said = f"mcp__{server}__", f"(Described by the MCP server {server}:) "
    return [
        (
            sanitize_line(tool.name.removeprefix(prefix)),
            tool.risk.value,
            sanitize_line(tool.description.removeprefix(said).partition("\n")[0]),
        )
        for tool in list(tools)[:MOST_TOOLS]
    ]


# --- the list


def risk_role(risk: str) -> str:
    """Returns the role that a risk is written in."""
    return "muted" if risk == "read" else "warning"


def headline(state: ServersState, waiting: int, engine: EngineState = "ready") -> Line:
    """Returns the first line."""
    ready = sum(one.state == "ready" for one in state.servers or [])
    failed = sum(one.state == "failed" for one in state.servers or [])
    return line(
        ("MCP servers", "brand"),
        engine_note(engine),
        (
            f"  {ready} of {len(state.servers)} running"
            if state.servers
            else "  programs and addresses that bring tools",
            "muted",
        ),
        (f"  ✗ {failed} failed" if failed else "", "error"),
        (f"  ⚠ {waiting}" if waiting else "", "warning"),
    )


def server_rows(state: ServersState, words: list[str], width: int) -> list[tuple[str, tuple[Line, ...]]]:
    """Returns the servers that fit the words, two lines each."""
    found = [
        one
        for one in state.servers or []
        if all(word in f"{one.name} {one.reached}".casefold() for word in words)
    ]
    return [(one.name, _row(one, one.name in state.testing, width)) for one in found]


def _row(one: ServerView, testing: bool, width: int) -> tuple[Line, Line]:
    sign, role, words = STATES["starting" if testing else one.state]
    right = "" if one.tools is None else counted(one.tools, "tool")
    room = max(4, width - len(right) - 3)
    name = fit(one.name, room)
    broken = one.state == "failed" and not testing
    said = f"{words}: {one.reason}" if broken and one.reason else words
    quiet = one.state in ("disabled", "stopped")
    return (
        line((sign, role), (name, "muted" if quiet else "strong"), (f"{space(name, room)}{right}", "muted")),
        line("  ", (fit(said, max(4, width - 2)), "error" if broken else "muted")),
    )


def note_lines(state: ServersState, *, some: bool) -> list[Line]:
    """Returns what stands below the list: loading, nothing there, what went wrong."""
    if state.error:
        return [line((state.error, "error"))]
    if state.servers is None:
        return [line(("Reading the servers …", "muted"))]
    if some:
        return []
    if state.servers:
        return [line(("No server fits.", "muted"))]
    return [
        line("No MCP server yet."),
        BLANK,
        line(
            (shown("mcp.new"), "key"),
            (" adds one: a program or an address that brings tools to your agents.", "muted"),
        ),
    ]


def server_detail(state: ServersState, name: str | None, width: int, now: datetime) -> list[Line]:
    """Returns all that is known of a server."""
    listed = state.server(name)
    if listed is None:
        return []
    one = state.whole.get(listed.name, listed)
    testing = listed.name in state.testing
    sign, role, words = STATES["starting" if testing else listed.state]
    since = f", for {age(listed.started_at, now)}" if listed.state == "ready" and listed.started_at else ""
    lines = [line((one.name, "heading")), line((sign, role), (f"{words}{since}", role))]
    if listed.state == "failed" and not testing:
        times = f" ({listed.failures} times in a row)" if listed.failures > 1 else ""
        lines.append(line((f"{listed.reason or 'no reason is known'}{times}", "error")))
        why = ", the log below may say why" if one.log.strip() else ""
        lines.append(line((shown("mcp.test"), "key"), (f" tries again{why}", "muted")))
    if one.missing:
        names = ", ".join(one.missing)
        lines.append(line((f"A secret is missing: {names}  ", "warning"), (shown("mcp.secret"), "key"),
                          (" sets it", "muted")))  # fmt: skip
    lines += [BLANK, line((f"{TRANSPORTS[one.transport]:<9}", "muted"), (one.reached, "code"))]
    if one.cwd:
        lines.append(line(("folder   ", "muted"), one.cwd))
    kind = "variable" if one.transport == "program" else "header"
    lines += [line((f"{kind:<9}", "muted"), pair) for pair in one.pairs]
    if one.confined:
        lines.append(line(("confined as the commands of agents are", "muted")))
    if one.sampling != "ask":
        lines.append(line((SAMPLING[one.sampling], "warning")))
    if one.trusted:
        lines.append(line(("trusted: tools that say they only read need no approval", "warning")))
    if listed.state == "disabled":
        lines.append(line((shown("mcp.enable"), "key"), (" enables it: agents get its tools again", "muted")))
    return [*lines, *_tool_lines(state, listed), *_left_out(one), *_log_lines(one.log)]


def _tool_lines(state: ServersState, one: ServerView) -> list[Line]:
    tools = state.tools.get(one.name)
    if tools is None or one.state == "disabled":
        return []
    lines: list[Line] = [BLANK, line((counted(len(tools), "tool"), "heading"))]
    for name, risk, about in tools:
        lines.append(line((name, "strong"), (f"  {risk}", risk_role(risk))))
        if about:
            lines.append(line(("  ", "indent"), (about, "muted")))
    return lines


def _left_out(one: ServerView) -> list[Line]:
    if not one.left_out:
        return []
    rows = [line((f"{tool}: ", ""), (reason, "muted")) for tool, reason in one.left_out]
    return [BLANK, line(("Left out", "heading")), *rows]


def _log_lines(log: str) -> list[Line]:
    if not log.strip():
        return []
    rows = [line((one.expandtabs(4), "muted")) for one in log.rstrip().split("\n")]
    return [BLANK, line(("End of its log", "heading")), *rows]


def footer(one: ServerView | None, *, typing: bool = False) -> list[tuple[str, str, str]]:
    """Returns the keys for what is under the cursor."""
    back, last = foot("mcp.back"), foot("mcp.help")
    if typing:
        return [back, (shown("words.to_list"), "to the list", ""), last]
    if one is None:
        return [back, foot("mcp.new"), last]
    turn = foot("mcp.enable", "enable" if one.state == "disabled" else "disable")
    test = (
        [] if one.state == "disabled" else [foot("mcp.test", "restart" if one.state == "ready" else "test")]
    )
    secret = [foot("mcp.secret")] if one.secrets else []
    rest = [foot("mcp.new"), *secret, foot("mcp.remove"), foot("mcp.words")]
    return [back, foot("mcp.read"), *test, turn, *rest, last]
