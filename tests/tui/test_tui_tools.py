"""Tools as a person sees them: the lists, the whole of one, trying it, and what is done with one's own."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fake_knowledge import THEN

from holdfast.core.domain.approvals import Verdict
from holdfast.core.domain.custom_tools import CustomTool, HttpToolSpec, PythonToolSpec, ToolVersion
from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.given_tools import GivenTool, GivenTools
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import RunStatus, ToolRun
from holdfast.core.domain.tools import Risk, ToolInfo
from holdfast.tui.control.listed import CHANGED
from holdfast.tui.control.tools import ToolsControl
from holdfast.tui.presenters.inbox import Item
from holdfast.tui.presenters.spans import plain
from holdfast.tui.presenters.tool_form import TEMPLATE, http_form, http_spec
from holdfast.tui.presenters.tools import (
    ToolsState,
    counts,
    footer,
    given_views,
    headline,
    note_lines,
    tool_detail,
    tool_rows,
    tool_view,
)
from holdfast.tui.presenters.trying import tried_lines

EVIL = "x\x1b]0;pwn\x07y"
SCHEMA = {"type": "object", "properties": {"path": {"type": "string", "description": "Where."}}}
CODE = 'def add(a: int) -> int:\n    """Adds."""\n    return a\n'


def info(name: str = "read_file", risk: Risk = Risk.READ, **more: Any) -> ToolInfo:
    return ToolInfo(
        **{"name": name, "description": "Reads.\nMore.", "risk": risk, "parameters": SCHEMA, **more}
    )


def given(tool: ToolInfo, verdict: Verdict = Verdict.ALLOW, **more: Any) -> GivenTool:
    return GivenTool(tool=tool, verdict=verdict, **{"reason": "reading is allowed", **more})


def state(*tools: GivenTool, known: Any = (), missing: Any = ()) -> ToolsState:
    views = given_views(GivenTools(agent="clerk", tools=tools))
    return ToolsState("clerk", views, [tool_view(one) for one in known], missing=missing)


def own(name: str = "add", version: int = 1, spec: Any = None, **more: Any) -> CustomTool:
    return CustomTool(
        id=f"id-{name}", number=1, owner="local", version=version, created_at=THEN, updated_at=THEN,
        spec=spec or PythonToolSpec(name=name, code=CODE), **more,
    )  # fmt: skip


# --- lists


def test_a_row_says_what_becomes_of_a_call_and_what_is_pinned() -> None:
    write = info("write_file", Risk.WRITE)
    known = state(
        given(info()),
        given(write, Verdict.ASK, pinned={"path": "a"}),
        given(info("run", Risk.EXECUTE, source="mcp"), Verdict.DENY),
    )
    rows = {key: plain(lines) for key, lines in tool_rows(known, "agent", [], 40)}
    assert rows["read_file"].startswith("✓ read_file") and rows["read_file"].endswith("read\n  Reads.")
    assert rows["write_file"].startswith("? write_file")
    assert rows["write_file"].endswith("1 pinned argument · Reads.")
    assert rows["run"].startswith("✗ run") and "mcp execute" in rows["run"]
    assert [key for key, _ in tool_rows(known, "agent", ["write"], 40)] == ["write_file"]
    assert plain([headline(known, 0)]) == "Tools ●  clerk has 3 tools, 1 ask first".replace(" ●", "")


def test_the_tabs_have_the_agents_tools_ones_own_and_all() -> None:
    server = given(info("mcp__a__b", source="mcp"))
    mine = info("mine", source="custom")
    known = state(given(info()), server, known=[info(), info("other"), mine])
    assert counts(known) == {"agent": "2", "yours": "1", "all": "4"}
    assert [key for key, _ in tool_rows(known, "all", [], 40)] == ["read_file", "other", "mine", "mcp__a__b"]
    assert [key for key, _ in tool_rows(known, "yours", [], 40)] == ["mine"]
    assert "tools: [other] in its file" in plain(tool_detail(known, "other"))


def test_the_whole_of_a_tool_says_which_rules_hold_and_what_is_dropped() -> None:
    one = given(
        info(), Verdict.ASK, reason="no rule allows it", rules=("your policy allows read_file(*.md)",),
        pinned={"deep": {"a": 1}}, unknown=("colour",), by="memory",
    )  # fmt: skip
    text = plain(tool_detail(state(one), "read_file"))
    assert "? asks first: no rule allows it\n  but your policy allows read_file(*.md)" in text
    assert 'pinned  deep = {"a": 1}' in text
    assert "The file pins colour, which the tool does not know: it is dropped." in text
    assert "comes with the agent's memory" in text
    assert "path  string\n  Where." in text
    assert text.endswith("    }\n  }\n}")
    assert "of the MCP server clock" in plain(
        tool_detail(state(given(info("mcp__clock__now", source="mcp"))), "mcp__clock__now")
    )


def test_what_a_tool_says_is_sanitised() -> None:
    evil = info(
        EVIL, description=EVIL, parameters={"properties": {EVIL: {"description": EVIL, "type": EVIL}}}
    )
    one = given(evil, Verdict.DENY, reason=EVIL, rules=(EVIL,), pinned={EVIL: EVIL}, unknown=(EVIL,))
    known = state(one, missing=(EVIL.replace("\x1b", "").replace("\x07", ""),))
    text = plain([*tool_detail(known, "x]0;pwny"), *tool_rows(known, "agent", [], 60)[0][1]])
    assert "\x1b" not in text and "\x07" not in text and text.count("x]0;pwny") >= 8


def test_an_empty_list_says_why_and_what_to_do() -> None:
    assert plain(note_lines(ToolsState(), "agent", some=False)) == "Reading the tools …"
    assert "clerk has no tools" in plain(note_lines(state(), "agent", some=False))
    assert "n makes one" in plain(note_lines(state(), "yours", some=False))
    assert "✗ clock: it is disabled" in plain(
        note_lines(state(given(info()), missing=("clock: it is disabled",)), "agent", some=True)
    )
    assert [label for _, label, _ in footer(state(given(info())), "read_file")][1] == "try it"


# --- the form of a request


def test_a_request_takes_its_arguments_from_its_address() -> None:
    filled = {"name": " stock ", "endpoint": "https://x.test/{article}?n={n}", "description": "d",
              "headers": "A: ${secret:K}"}  # fmt: skip
    spec, wrong = http_spec(filled)
    assert wrong == {} and isinstance(spec, HttpToolSpec)
    assert (spec.name, spec.parameters["required"], spec.secrets) == ("stock", ["article", "n"], ("K",))
    assert [one.name for one in http_form().fields][:3] == ["name", "endpoint", "description"]


@pytest.mark.parametrize(
    ("more", "field"),
    [({"name": "No Name"}, "name"), ({"headers": "x"}, "headers"), ({"timeout_s": 0}, "timeout_s")],
)
def test_a_mistake_of_a_request_is_told_at_its_field(more: dict[str, Any], field: str) -> None:
    filled = {"name": "a", "endpoint": "https://x.test", "description": "d", **more}
    assert list(http_spec(filled)[1]) == [field]


# --- trying


def run(status: RunStatus = RunStatus.COMPLETED, **more: Any) -> ToolRun:
    return ToolRun(session_id="s1", run_id="r1", call_id="c1", tool="read_file", status=status, **more)


def test_a_call_that_is_tried_says_how_far_it_is_and_what_it_gave() -> None:
    assert plain(tried_lines(None, {})).startswith("… running")
    assert "waits for your word" in plain(tried_lines(run(RunStatus.WAITING), {}))
    done = run(outcome="ok", content=(TextPart(text='{"b": 1}'),), duration_ms=3)
    assert plain(tried_lines(done, {"a": 1})) == '✓ done  3 ms\n\na: 1\n\nResult\n{\n  "b": 1\n}'
    assert plain(tried_lines(run(outcome="denied"), {})).startswith("✗ denied")
    assert "\x1b" not in plain(tried_lines(run(outcome="ok", content=(TextPart(text=EVIL),)), {"a": EVIL}))


# --- what is done


class FakeTools:
    """The tools of a workbench, in memory."""

    def __init__(self, *tools: CustomTool) -> None:
        self.own = {one.spec.name: one for one in tools}
        self.given_tools: tuple[GivenTool, ...] = (given(info(), pinned={"path": "a.md"}),)
        self.runs: list[Any] = []
        self.secrets: list[Any] = []
        self.results = [run(outcome="ok")]

    def _find(self, name: str) -> CustomTool:
        found = [one for key, one in self.own.items() if name in (one.id, key)]
        if not found:
            raise NotFoundError("There is none.")
        return found[0]

    async def list(self, project: str | None = None) -> tuple[ToolInfo, ...]:
        return (info(), *(info(name, source="custom", id=one.id) for name, one in self.own.items()))

    async def given(self, agent: str, project: Any, session_id: Any, mode: Any) -> GivenTools:
        return GivenTools(agent=agent, tools=self.given_tools, missing=("clock: it is disabled",))

    async def get(self, name: str) -> CustomTool:
        return self._find(name)

    async def create(self, spec: Any) -> CustomTool:
        made = own(spec.name, spec=spec, missing=spec.secrets)
        self.own[spec.name] = made
        return made

    async def update(self, name: str, spec: Any, expected: int | None = None) -> CustomTool:
        tool = self._find(name)
        if expected is not None and expected != tool.version:
            raise ConflictError("It has changed.", code="tool_changed")
        if "def" not in spec.code:
            raise InvalidError("it has 0 functions")
        changed = tool.model_copy(update={"spec": spec, "version": tool.version + 1})
        self.own = {key: changed if one is tool else one for key, one in self.own.items()}
        return changed

    async def versions(self, name: str) -> tuple[ToolVersion, ...]:
        old = PythonToolSpec(name="add", code=CODE + "# first\n")
        now = self._find(name)
        return tuple(ToolVersion(version=v, spec=s, created_at=THEN) for v, s in ((2, now.spec), (1, old)))

    async def delete(self, name: str) -> None:
        self.own = {key: one for key, one in self.own.items() if one.id != name}

    async def set_secret(self, *given: Any) -> None:
        self.secrets.append(given)

    async def run(self, *given: Any) -> ToolRun:
        self.runs.append(given)
        return run(RunStatus.WAITING)

    async def result(self, run_id: str, wait_s: float = 0) -> ToolRun:
        return self.results.pop(0)


class Desk:
    """A controller without an app; dialogs give the answers in their order."""

    def __init__(self, folder: Path, *tools: CustomTool, answers: Any = ()) -> None:
        self.tools = FakeTools(*tools)
        self.answers = list(answers)
        self.said: list[str] = []
        self.problems: list[str] = []
        self.deletions: list[Any] = []
        self.screens: list[Any] = []
        self.shown: list[Any] = []
        self.waiting: Item | None = None
        inbox = SimpleNamespace(of_run=lambda run_id: self.waiting)
        mode = SimpleNamespace(chosen=False, shown="ask")
        model = SimpleNamespace(
            tools=ToolsState(), agent="clerk", session_id=None, mode=mode, approve="ask", inbox=inbox
        )
        start = SimpleNamespace(project="/p", folder=folder, now=lambda: THEN, at_hand=True)
        app = SimpleNamespace(dialogs=self, start=start, screen_stack=[], push_screen=self.screens.append)
        view = SimpleNamespace(mark=lambda part: None, say=self.said.append, say_error=self.said.append)
        panes = SimpleNamespace(select=lambda item_id: None, show_whole=self.shown.append)
        workbench = SimpleNamespace(tools=self.tools)
        context: Any = SimpleNamespace(app=app, model=model, view=view, panes=panes, workbench=workbench)
        undoing: Any = SimpleNamespace(deleted=lambda *what: self.deletions.append(what))
        sessions: Any = SimpleNamespace(ensure=self._ensure)
        self.state = model.tools
        self.control = ToolsControl(context, sessions, undoing)

    async def _ensure(self) -> str:
        return "s1"

    async def choose(self, *_: Any) -> Any:
        return self.answers.pop(0)

    confirm = ask_hidden = choose_word = choose

    async def edit_text(self, title: str, text: str, save: Any) -> None:
        while self.answers:
            self.problems.append(await save(self.answers.pop(0)))

    async def form(self, title: str, form: Any, verb: str, take: Any, **more: Any) -> Any:
        self.asked, self.more = form, more
        filled = self.answers.pop(0)
        self.wrong = await take(filled)
        return None if self.wrong else filled

    def run_aside(self, command: list[str]) -> str:
        Path(command[-1]).write_text(self.answers.pop(0))
        return ""


async def test_the_agents_tools_are_read_with_what_is_missing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, own())
    await desk.control.reload()
    assert [one.name for one in desk.state.given or []] == ["read_file"]
    assert desk.state.missing == ("clock: it is disabled",)
    await desk.control.look_at("add")
    assert desk.state.own["add"].text == CODE


async def test_a_tool_is_tried_with_what_is_pinned_and_its_approval_shown(tmp_path: Path) -> None:
    desk = Desk(tmp_path, answers=[{}])
    approval: Any = SimpleNamespace(run_id="r1")
    desk.waiting = Item("a1", "s1", 0.0, approval=approval)
    await desk.control.reload()
    await desk.control.trying.begin("read_file")
    assert desk.asked.fields == (), "what is pinned is not asked for"
    assert desk.tools.runs[0][:3] == ("s1", "read_file", {"path": "a.md"})
    assert desk.shown == [desk.waiting]
    assert len(desk.screens) == 1 and desk.tools.results == []


async def test_a_request_is_made_by_the_form_and_its_secret_asked_for(tmp_path: Path) -> None:
    filled = {"name": "stock", "endpoint": "https://x.test", "description": "d", "headers": "A: ${secret:K}"}
    desk = Desk(tmp_path, answers=["http", filled, "s3cret-value"])
    await desk.control.new()
    assert desk.tools.secrets == [("stock", "K", "s3cret-value")]
    assert desk.state.wanted == "stock" and "`tools: [stock]`" in desk.said[-1]


async def test_a_function_is_made_from_the_template(tmp_path: Path) -> None:
    desk = Desk(tmp_path, answers=["python", TEMPLATE])
    await desk.control.new()
    assert desk.problems == [""]
    assert [one.spec.code for one in desk.tools.own.values()] == [TEMPLATE]  # type: ignore[union-attr]


async def test_an_edit_says_what_is_wrong_and_what_changed_meanwhile(tmp_path: Path) -> None:
    desk = Desk(tmp_path, own(), answers=["nothing", CODE + "#", CODE + "##"])
    await desk.control.reload()
    edit = desk.control.edit("add")
    changed = desk.tools.update

    async def meanwhile(name: str, spec: Any, expected: int | None = None) -> CustomTool:
        return await changed(
            name, spec, None if expected is None else 0 if "##" not in spec.code else expected
        )

    desk.tools.update = meanwhile  # type: ignore[method-assign]
    await edit
    assert desk.problems == [CHANGED, "", ""]


async def test_a_tool_that_is_not_ones_own_is_not_changed(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.control.reload()
    for action in (desk.control.edit, desk.control.delete, desk.control.export, desk.control.versions):
        with pytest.raises(InvalidError, match="no tool of your own"):
            await action("read_file")


async def test_a_tool_is_edited_in_ones_editor_and_kept_where_it_cannot_be_saved(tmp_path: Path) -> None:
    desk = Desk(tmp_path, own(), answers=[CODE + "# mine", "nothing"])
    await desk.control.reload()
    await desk.control.edit_outside("add")
    assert desk.tools.own["add"].version == 2
    with pytest.raises(InvalidError, match="0 functions Your version is kept in") as raised:
        await desk.control.edit_outside("add")
    kept = Path(str(raised.value).rpartition(" in ")[2].rstrip("."))
    assert kept.read_text() == "nothing"
    kept.unlink()


async def test_an_older_version_comes_back_after_a_question(tmp_path: Path) -> None:
    desk = Desk(tmp_path, own(version=2), answers=["1", True, "2"])
    await desk.control.reload()
    await desk.control.versions("add")
    assert desk.tools.own["add"].spec.code.endswith("# first\n")  # type: ignore[union-attr]
    assert desk.tools.own["add"].version == 3


async def test_a_tool_is_exported_and_deleted_with_a_way_back(tmp_path: Path) -> None:
    desk = Desk(tmp_path, own())
    await desk.control.reload()
    await desk.control.export("add")
    assert (tmp_path / "add.py").read_text() == CODE
    await desk.control.delete("add")
    assert desk.deletions == [("the tool “add”", [("tool", "id-add")])]
