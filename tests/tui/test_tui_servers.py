"""MCP servers as a person sees them: the list, the whole of one, the form, and what is done with them."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from fake_knowledge import THEN

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.mcp import McpLeftOut, McpServer, McpServerSpec, McpState
from holdfast.core.domain.tools import Risk, ToolInfo
from holdfast.tui.control.servers import ServersControl
from holdfast.tui.presenters.server_form import server_form, server_values
from holdfast.tui.presenters.servers import (
    ServersState,
    footer,
    headline,
    note_lines,
    server_detail,
    server_rows,
    server_view,
    tool_rows,
)
from holdfast.tui.presenters.spans import plain

EVIL = "x\x1b]0;pwn\x07y"
NOW = THEN + timedelta(hours=3)


def server(name: str = "files", **more: Any) -> McpServer:
    spec = more.pop("spec", McpServerSpec(name=name, command=("npx", "some server")))
    return McpServer(spec=spec, **more)


def state(*servers: McpServer) -> ServersState:
    return ServersState(servers=[server_view(one) for one in servers])


def whole(one: McpServer, **more: Any) -> str:
    known = state(one)
    for key, value in more.items():
        setattr(known, key, value)
    return plain(server_detail(known, one.spec.name, 60, NOW))


def test_a_row_says_how_a_server_is_and_how_many_tools_it_has() -> None:
    known = state(
        server("a", state=McpState.READY, tools=1),
        server("b", state=McpState.FAILED, reason="it ended", failures=3),
        server("c", spec=McpServerSpec(name="c", url="https://x.test/mcp", enabled=False)),
    )
    rows = dict(server_rows(known, [], 40))
    assert plain(rows["a"]) == "● a" + " " * 31 + "1 tool\n  runs"
    assert plain(rows["b"]).startswith("✗ b") and "failed: it ended" in plain(rows["b"])
    assert "disabled" in plain(rows["c"])
    assert [key for key, _ in server_rows(known, ["x.test"], 40)] == ["c"]
    assert plain([headline(known, 2)]).endswith("1 of 3 running  ✗ 1 failed  ⚠ 2")


def test_the_whole_of_a_server_says_why_it_failed_and_what_to_do() -> None:
    text = whole(server(state=McpState.FAILED, reason="no such program", failures=2, log="Traceback\n\tx\n"))
    assert "no such program (2 times in a row)\nt tries again, the log below may say why\n" in text
    assert "t tries again\n" in whole(server(state=McpState.FAILED, reason="it ended"))
    assert text.endswith("End of its log\nTraceback\n    x")


def test_secrets_that_are_missing_are_named_and_values_are_not_shown() -> None:
    spec = McpServerSpec(name="docs", url="https://x.test", headers={"Authorization": "Bearer ${secret:KEY}"})
    one = server_view(McpServer(spec=spec, missing=("KEY",)), ("KEY",))
    known = ServersState(servers=[one])
    assert "A secret is missing: KEY  s sets it" in plain(server_detail(known, "docs", 60, NOW))
    assert "secret" in [label for _, label, _ in footer(one)]
    assert "secret" not in [label for _, label, _ in footer(server_view(server()))]


def test_what_a_server_may_beside_the_usual_is_said() -> None:
    spec = McpServerSpec(name="a", command=("x",), trusted=True, confine=True, sampling="allow")
    text = whole(server(spec=spec))
    assert "confined as the commands" in text and "may ask the run's model, and nobody is asked" in text
    assert "trusted: tools" in text
    usual = whole(server())
    assert not any(word in usual for word in ("confined", "may ask", "trusted"))


def test_tools_are_listed_as_the_server_calls_them() -> None:
    info = ToolInfo(
        name="mcp__files__read",
        description="(Described by the MCP server files:) Reads.\nMore.",
        risk=Risk.EXECUTE,
        parameters={},
    )
    text = whole(server(state=McpState.READY, tools=1), tools={"files": tool_rows("files", [info])})
    assert "1 tool\nread  execute\n  Reads." in text


def test_what_a_server_says_is_sanitised() -> None:
    spec = McpServerSpec(name="evil", command=(EVIL,), env={"A": EVIL}, cwd=EVIL)
    left = (McpLeftOut(tool=EVIL, reason=EVIL),)
    text = whole(server(spec=spec, state=McpState.FAILED, reason=EVIL, left_out=left, log=EVIL))
    assert "\x1b" not in text and "\x07" not in text and text.count("x]0;pwny") >= 5


def test_an_empty_list_says_what_to_do() -> None:
    assert plain(note_lines(ServersState(), some=False)) == "Reading the servers …"
    assert "n adds one" in plain(note_lines(ServersState(servers=[]), some=False))
    assert plain(note_lines(ServersState(error="no engine"), some=False)) == "no engine"
    assert plain(note_lines(state(server()), some=False)) == "No server fits."
    assert footer(None)[1][1] == "add"


def test_a_server_that_is_disabled_can_be_enabled_and_not_tested() -> None:
    labels = [label for _, label, _ in footer(server_view(server(spec=McpServerSpec(
        name="a", command=("x",), enabled=False))))]  # fmt: skip
    assert "enable" in labels and "test" not in labels and "restart" not in labels


def test_what_is_filled_in_becomes_a_server() -> None:
    assert [one.name for one in server_form("program").fields] == [
        "name", "command", "env", "cwd", "confine", "trusted", "sampling", "timeout_s",
    ]  # fmt: skip
    filled = {"name": " a ", "command": "run 'some file'", "env": "A=1\n\nB=${secret:B}", "trusted": True}
    values, wrong = server_values("program", filled)
    spec = McpServerSpec.model_validate(values)
    assert wrong == {}
    assert (spec.name, spec.command, spec.trusted, spec.confine) == ("a", ("run", "some file"), True, None)
    assert spec.env == {"A": "1", "B": "${secret:B}"}
    values, _ = server_values("sse", {"name": "a", "url": "https://x.test", "headers": "A: b: c"})
    assert McpServerSpec.model_validate(values).headers == {"A": "b: c"}


@pytest.mark.parametrize(
    ("transport", "filled", "field"),
    [
        ("program", {"command": "run 'it"}, "command"),
        ("program", {"command": "run", "env": "NAME"}, "env"),
        ("http", {"url": "https://x.test", "headers": "no colon"}, "headers"),
    ],
)
def test_a_mistake_is_told_at_its_field(transport: Any, filled: dict[str, Any], field: str) -> None:
    assert list(server_values(transport, {"name": "a", **filled})[1]) == [field]


class FakeMcp:
    """The servers of a workbench, in memory."""

    def __init__(self, *servers: McpServer) -> None:
        self.servers = {one.spec.name: one for one in servers}
        self.secrets: dict[str, str] = {}

    async def list(self) -> tuple[McpServer, ...]:
        return tuple(self.servers.values())

    async def get(self, name: str) -> McpServer:
        if name not in self.servers:
            raise NotFoundError(f"There is no {name}.")
        return self.servers[name].model_copy(update={"log": "said"})

    async def tools(self, name: str) -> tuple[ToolInfo, ...]:
        return ()

    async def test(self, name: str) -> McpServer:
        ready = {"state": McpState.READY, "tools": 1}
        self.servers[name] = self.servers[name].model_copy(update=ready)
        return self.servers[name]

    async def add(self, spec: McpServerSpec) -> McpServer:
        self.servers[spec.name] = McpServer(spec=spec)
        return self.servers[spec.name]

    async def enable(self, name: str, enabled: bool = True) -> McpServer:
        one = self.servers[name]
        self.servers[name] = one.model_copy(update={"spec": one.spec.model_copy(update={"enabled": enabled})})
        return self.servers[name]

    async def set_secret(self, name: str, secret: str, value: str | None = None) -> McpServer:
        self.secrets[f"{name}.{secret}"] = value or ""
        return self.servers[name]

    async def remove(self, name: str) -> None:
        del self.servers[name]


class Desk:
    """A controller without an app; dialogs give the answers in their order."""

    def __init__(self, *servers: McpServer, answers: Any = ()) -> None:
        self.mcp = FakeMcp(*servers)
        self.answers = list(answers)
        self.said: list[str] = []
        model = SimpleNamespace(servers=ServersState())
        start = SimpleNamespace(now=lambda: NOW)
        app = SimpleNamespace(dialogs=self, start=start, screen_stack=[], push_screen=lambda screen: None)
        self.marks: list[str] = []
        view = SimpleNamespace(mark=self.marks.append, say=self.said.append, say_error=self.said.append)
        workbench = SimpleNamespace(mcp=self.mcp)
        context: Any = SimpleNamespace(app=app, model=model, view=view, workbench=workbench)
        self.state = model.servers
        self.control = ServersControl(context)

    async def choose(self, *_: Any) -> Any:
        return self.answers.pop(0)

    confirm = ask_hidden = choose_word = choose

    async def form(self, title: str, form: Any, verb: str, take: Any) -> Any:
        filled = self.answers.pop(0)
        self.wrong = await take(filled)
        return None if self.wrong else filled


async def test_a_server_is_added_its_secret_asked_for_and_tested() -> None:
    filled = {"name": "docs", "url": "https://x.test", "headers": "A: ${secret:KEY}", "timeout_s": 5}
    desk = Desk(answers=["http", filled, "s3cret-value"])
    await desk.control.new()
    assert desk.mcp.secrets == {"docs.KEY": "s3cret-value"}
    assert desk.said == ["docs runs, with 1 tool."]
    assert [one.state for one in desk.state.servers or []] == ["ready"]
    assert desk.state.whole["docs"].log == "said"


async def test_what_no_server_can_be_is_told_at_its_field_and_nothing_is_added() -> None:
    desk = Desk(answers=["program", {"name": "No Name", "command": "x"}])
    await desk.control.new()
    assert list(desk.wrong) == ["name"]
    assert desk.mcp.servers == {} and desk.said == []


async def test_a_server_is_disabled_enabled_and_removed_after_a_question() -> None:
    desk = Desk(server(), answers=[False, True])
    await desk.control.reload()
    await desk.control.enable("files")
    assert [one.state for one in desk.state.servers or []] == ["disabled"]
    await desk.control.enable("files")
    assert [one.state for one in desk.state.servers or []] == ["stopped"]
    await desk.control.remove("files")
    assert "files" in desk.mcp.servers
    await desk.control.remove("files")
    assert desk.state.servers == []


async def test_what_is_watched_is_drawn_only_when_it_has_changed() -> None:
    desk = Desk(server())
    await desk.control.watch()
    await desk.control.watch()
    assert desk.marks == ["servers"]
    desk.mcp.servers.clear()
    await desk.control.watch()
    assert desk.marks == ["servers"] * 2 and desk.state.servers == []


async def test_a_server_that_is_gone_when_it_is_looked_at_is_no_error() -> None:
    desk = Desk(server())
    await desk.control.reload()
    desk.mcp.servers.clear()
    await desk.control.look_at("files")
    assert desk.state.error == "" and desk.state.whole == {}
