"""Prompts as a person sees them: the list, slash commands, what is asked, and what is done with them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fake_prompts import FILE, FakePrompts
from fake_workbench import FakeWorkbench, settings, spec

from holdfast.core.domain.agents import Prompt
from holdfast.core.domain.errors import Diagnostic, ForbiddenError, InvalidError, NotFoundError, TooLargeError
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.prompts import (
    MAX_ATTACHMENT_BYTES,
    PromptArgument,
    PromptInfo,
    PromptOrigin,
    PromptSpec,
)
from holdfast.tui.app import HoldfastApp
from holdfast.tui.control.listed import CHANGED
from holdfast.tui.control.palette import GIVES
from holdfast.tui.control.prompts import PromptsControl
from holdfast.tui.presenters.choices import prompt_choices
from holdfast.tui.presenters.commands import complete
from holdfast.tui.presenters.palette import Targets, entries
from holdfast.tui.presenters.prompts import (
    NEW,
    PromptsState,
    Slash,
    completions,
    footer,
    headline,
    message_of,
    note_lines,
    prompt_detail,
    prompt_given,
    prompt_rows,
    prompt_views,
    schema_of,
    slashes,
    text_of,
)
from holdfast.tui.presenters.spans import plain
from holdfast.tui.screens.form import FormScreen
from holdfast.tui.screens.prompts import PromptsScreen

EVIL = "x\x1b]0;pwn\x07y"


def info(name: str = "review", origin: str = "own", **more: Any) -> PromptInfo:
    return PromptInfo(name=name, origin=PromptOrigin(origin), **{"key": f"{origin}:{name}", **more})


ASKING = (
    PromptArgument(name="file", required=True, description="Which one"),
    PromptArgument(name="tone", default="kind"),
    PromptArgument(name="more"),
)


def state(*seen: PromptInfo) -> PromptsState:
    return PromptsState(prompts=prompt_views(seen))


# --- presenters


def test_a_row_says_how_a_prompt_is_sent_and_where_it_is_from() -> None:
    known = state(
        info("review", description="Reviews."),
        info("review", "mcp", key="mcp:srv:review", server="srv", shadowed=True),
        info("help", "agent", agent="clerk"),
    )
    rows = {key: plain(row) for key, row in prompt_rows(known, [], 40)}
    assert list(rows) == ["own:review", "agent:help", "mcp:srv:review"]
    assert rows["own:review"].startswith("/ review ") and rows["own:review"].endswith("own\n  Reviews.")
    assert rows["mcp:srv:review"].startswith("/ mcp:srv:review")
    assert rows["agent:help"].startswith("/ agent:help")
    assert [key for key, _ in prompt_rows(known, ["srv"], 40)] == ["mcp:srv:review"]
    assert "3 prompts" in plain([headline(known, 0)])


def test_what_cannot_be_sent_says_so_first_and_is_no_command() -> None:
    problem = Diagnostic(file="/far/wrong.md", line=2, column=1, key_path="", message="no text")
    known = state(info("wrong", "file", problems=(problem,)), info("theirs", "project", trusted=False))
    rows = {key: plain(row) for key, row in prompt_rows(known, [], 60)}
    assert "wrong.md:2:1: no text" in rows["file:wrong"]
    assert "not trusted, so it cannot be sent" in rows["project:theirs"]
    assert "/trust" in plain(prompt_detail(known, "project:theirs"))
    assert slashes(known.prompts or []) == [] and prompt_choices(known.prompts or []) == []


def test_the_whole_of_a_prompt_says_what_it_asks_for_and_what_goes_along() -> None:
    known = state(info(arguments=ASKING, takes_rest=True, attachment=FILE, title="A review"))
    known.texts["own:review"] = text_of(SimpleNamespace(text="Review {{file}}", source="", digest=""))
    text = plain(prompt_detail(known, "own:review"))
    for part in ("/review FILE [tone] [more] …", "file  needed  Which one", "tone  else kind"):
        assert part in text
    assert "more  may be left out" in text and "goes along: a.csv" in text
    assert text.endswith("Review {{file}}")
    assert prompt_detail(known, "own:none") == []


def test_a_prompt_that_is_called_like_a_command_says_how_it_is_sent() -> None:
    (one,) = prompt_views([info("help", description="Helps.")])
    assert one.word == "own:help"
    assert slashes([one]) == [Slash("own:help", "", "Helps. (own; /help is a command)")]
    assert "is a command of the app" in plain(prompt_detail(PromptsState(prompts=[one]), "own:help"))


def test_what_prompts_say_is_sanitised() -> None:
    argument = PromptArgument(name="a", description=EVIL, default=EVIL)
    evil = info("x", "mcp", title=EVIL, description=EVIL, server=EVIL, path=EVIL, arguments=(argument,))
    known = state(evil)
    shown = plain([*prompt_detail(known, evil.key), *prompt_rows(known, [], 60)[0][1]])
    shown += str(slashes(known.prompts or [])) + plain(prompt_choices(known.prompts or [])[0].detail)
    assert "\x1b" not in shown and "\x07" not in shown and shown.count("x]0;pwny") > 5


def test_a_form_asks_for_what_is_needed_first_to_last() -> None:
    (one,) = prompt_views([info(arguments=ASKING)])
    schema = schema_of(one.arguments)
    assert schema["required"] == ["file"]
    assert schema["properties"]["file"] == {"type": "string", "description": "Which one", "minLength": 1}
    assert schema["properties"]["tone"]["default"] == "kind"


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("/review a\nb", ("review", "a\nb")),
        ("  /own:help  ", ("own:help", "")),
        ("/reviewer a", None),
        ("say /review", None),
        ("/etc/hosts is wrong", None),
    ],
)
def test_a_prompt_is_known_by_its_word_alone(text: str, given: Any) -> None:
    assert prompt_given(text, ["review", "own:help"]) == given


def test_what_begins_with_what_was_typed_comes_first_and_enter_gives_what_was_meant() -> None:
    known = [Slash("new-idea", "", "x"), Slash("own:new", "", "y"), Slash("summary", "FILE", "renews it")]

    def words(prefix: str) -> list[str]:
        found = completions(prefix, complete(prefix), known)
        return [one.word if isinstance(one, Slash) else one.slash for one in found]

    found = words("new")
    assert found[0] == "new"
    assert found.index("summary") > max(found.index("new-idea"), found.index("own:new"))
    assert words("summary")[0] == "summary"
    assert words("new-idea")[0] == "new-idea"


def test_an_empty_list_says_what_to_do_and_keys_are_those_that_work() -> None:
    assert plain(note_lines(PromptsState(), some=False)) == "Reading the prompts …"
    assert "n writes one" in plain(note_lines(PromptsState(prompts=[]), some=False))
    assert plain(note_lines(PromptsState(error="No."), some=False)) == "No."
    own, theirs = prompt_views([info(), info("a", "project", trusted=False)])
    labels = [label for _, label, _ in footer(own)]
    assert "edit" in labels and "use" in labels
    assert not {"edit", "use", "try"} & {label for _, label, _ in footer(theirs)}
    assert len(footer(None)) == 3


def test_a_message_is_its_text_and_what_goes_along() -> None:
    assert message_of((TextPart(text="a"), FILE, TextPart(text="b"))) == ("a\n\nb", (FILE,))


# --- the controller


class Desk:
    """A controller without an app; dialogs give the answers in their order."""

    def __init__(self, folder: Path = Path("/"), answers: Any = (), session: str | None = None) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.said: list[str] = []
        self.problems: list[str] = []
        self.deletions: list[Any] = []
        self.shown: list[str] = []
        self.sent: list[Any] = []
        self.text = ""
        self.returned: list[str] = []
        prompts = (
            Prompt(name="plain", text="Hello."),
            Prompt(name="ask", text="Explain {{what}} to {{who}}. $ARGUMENTS"),
        )
        agent = SimpleNamespace(name="clerk", spec=SimpleNamespace(prompts=prompts))
        self.bench = SimpleNamespace(
            agent_infos=[agent], sessions_by_id={"s1": SimpleNamespace(agent="clerk")}
        )
        self.prompts = FakePrompts(self.bench)
        self.model = SimpleNamespace(prompts=PromptsState(), agent="clerk", session_id=session)
        start = SimpleNamespace(project="/p", folder=folder)
        app = SimpleNamespace(dialogs=self, start=start, screen_stack=[], push_screen=lambda screen: None)
        view = SimpleNamespace(mark=lambda part: None, say=self.said.append, box=self)
        workbench = SimpleNamespace(prompts=self.prompts)
        context: Any = SimpleNamespace(app=app, model=self.model, view=view, workbench=workbench)
        undoing: Any = SimpleNamespace(deleted=lambda *what: self.deletions.append(what))
        self.state = self.model.prompts
        self.area = SimpleNamespace(text="")
        self.control = PromptsControl(context, self, self, undoing)  # type: ignore[arg-type]

    # the sessions, the runs, the message field and the dialogs

    async def ensure(self) -> str:
        self.model.session_id = "s1"
        return "s1"

    async def send_parts(self, text: str, along: Any) -> None:
        self.sent.append((text, along))

    def give_back(self, text: str) -> None:
        self.returned.append(text)

    def set_text(self, text: str) -> None:
        self.text = text

    async def ask(self, *_: Any) -> Any:
        return self.answers.pop(0)

    ask_or_none = choose = ask

    async def form(self, title: str, form: Any, verb: str, **_: Any) -> Any:
        self.asked.append(" ".join(field.name for field in form.fields))
        return self.answers.pop(0)

    async def edit_text(self, title: str, text: str, save: Any) -> None:
        self.text = text
        for answer in self.answers:
            self.problems.append(await save(answer))

    def show_lines(self, title: str, note: str, lines: Any) -> None:
        self.shown.append(plain(lines))


async def test_a_slash_command_is_sent_with_what_is_written_behind_it() -> None:
    desk = Desk()
    assert [one.word for one in await desk.control.offered()] == ["ask", "plain"]
    await desk.control.send("plain")
    await desk.control.send("ask what=tides who=Ann\nand be brief")
    assert desk.sent == [("Hello.", ()), ("Explain tides to Ann. and be brief", ())]
    assert {session for *_, session in desk.prompts.resolved[1:]} == {"s1"}


async def test_only_what_is_missing_is_asked_for_and_leaving_gives_the_words_back() -> None:
    desk = Desk(answers=[{"who": "{{what}} $1"}, None])
    await desk.control.send("ask what=tides")
    await desk.control.send("ask what=tides")
    assert desk.asked == ["who", "who"]
    assert desk.sent == [("Explain tides to {{what}} $1. ", ())]
    assert desk.returned == ["/ask what=tides"]


async def test_a_prompt_that_takes_files_along_gets_a_session_first() -> None:
    desk = Desk()
    desk.prompts.needs_session = {"plain"}
    await desk.control.send("plain")
    assert [session for *_, session in desk.prompts.resolved] == [None, "s1"]
    assert desk.sent == [("Hello.", ())]


async def test_a_word_that_is_no_prompt_is_no_command_either_and_is_not_lost() -> None:
    desk = Desk()
    with pytest.raises(NotFoundError, match="There is no command /nothing"):
        await desk.control.send("nothing of this")
    assert desk.returned == ["/nothing of this"]


async def test_what_an_attached_prompt_takes_along_is_sent_with_it() -> None:
    desk = Desk(session="s1")
    desk.prompts.own["logo"] = PromptSpec(name="logo", text="Describe it.")
    desk.prompts.attached["logo"] = FILE
    await desk.control.send("logo")
    assert desk.sent == [("Describe it.", (FILE,))]


async def test_a_prompt_is_put_into_the_message_field_filled_in() -> None:
    desk = Desk(answers=["agent:ask", {"what": "a", "who": "b"}, "c d"])
    desk.area.text = "Before."
    await desk.control.use("")
    assert desk.text == "Before.\n\nExplain a to b. c d"
    assert desk.sent == []
    left = Desk(answers=[None])
    await left.control.use("ask")
    assert left.text == ""


async def test_a_prompt_is_tried_without_being_sent() -> None:
    desk = Desk()
    await desk.control.reload()
    await desk.control.try_it("agent:plain")
    assert desk.shown == ["Hello."]
    assert desk.sent == []


async def test_a_prompt_is_written_and_a_mistake_is_said_in_the_editor() -> None:
    desk = Desk(answers=["wrong!", "Say {{it}}."])
    await desk.control.new("mine")
    assert desk.text == NEW
    assert desk.problems == ["line 2 is wrong[31m", ""]
    assert desk.prompts.own["mine"].text == "Say {{it}}."
    assert desk.state.wanted == "own:mine"


async def test_a_change_of_meanwhile_is_told_once() -> None:
    desk = Desk(answers=["second", "third"])
    desk.prompts.own["mine"] = PromptSpec(name="mine", text="first")
    await desk.control.reload()
    read = desk.prompts.get

    async def get_then_change(name: str, **place: Any) -> Any:
        found = await read(name, **place)
        desk.prompts.own["mine"] = PromptSpec(name="mine", text="elsewhere")
        desk.prompts.get = read  # type: ignore[method-assign]
        return found

    desk.prompts.get = get_then_change  # type: ignore[method-assign]
    await desk.control.edit("own:mine")
    assert desk.problems == [CHANGED, ""]
    assert desk.prompts.own["mine"].text == "third"


async def test_a_deleted_prompt_can_be_brought_back_and_others_are_not_deleted() -> None:
    desk = Desk()
    desk.prompts.own["mine"] = PromptSpec(name="mine", text="x")
    await desk.control.reload()
    await desk.control.remove("own:mine")
    assert desk.deletions == [("the prompt “mine”", [("prompt", "id-mine")])]
    assert [one.name for one in desk.state.prompts or []] == ["ask", "plain"]
    for act in (desk.control.remove, desk.control.edit, desk.control.attach):
        with pytest.raises(ForbiddenError, match="not one that you have made here"):
            await act("agent:plain")


async def test_a_file_of_this_machine_is_attached_and_taken_away(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"abc")
    with (tmp_path / "large.bin").open("wb") as file:
        file.truncate(MAX_ATTACHMENT_BYTES + 1)
    desk = Desk(tmp_path, answers=["a.bin", "large.bin", "none.bin", "~nobody-of-that-name/x", ""])
    desk.prompts.own["mine"] = PromptSpec(name="mine", text="x")
    await desk.control.reload()
    await desk.control.attach("own:mine")
    assert desk.prompts.attached["mine"].name == "a.bin"
    for code in ("attachment_too_large", "not_found", "file_not_found"):
        with pytest.raises((TooLargeError, NotFoundError)) as caught:
            await desk.control.attach("own:mine")
        assert caught.value.code == code
    await desk.control.attach("own:mine")
    assert desk.prompts.attached == {}


async def test_an_engine_that_refuses_is_shown_in_the_list() -> None:
    desk = Desk()

    async def refuse(**_: Any) -> Any:
        raise InvalidError("No\x1b[31m.")

    desk.prompts.list = refuse  # type: ignore[method-assign]
    await desk.control.reload()
    assert desk.state.error == "No[31m."


# --- the screen


def shown(app: HoldfastApp) -> str:
    lines = app.screen._compositor.render_strips(app.size)
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)


async def test_prompts_are_looked_at_tried_put_into_the_message_field_and_deleted(make_app, until) -> None:
    bench = FakeWorkbench()
    bench.agent_infos = [spec("writer", prompts=(Prompt(name="hello", text="Hello {{who}}."),))]
    bench.settings = settings(default_agent="writer")
    bench.prompts.own["mine"] = PromptSpec(name="mine", description="Mine.", text="Just this.")
    app = make_app(bench)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.model.agent == "writer" and app.desk is not None)
        app.command("prompts")
        await until(pilot, lambda: "Just this." in shown(app) and "/ hello" in shown(app))
        await pilot.press("t")
        await until(pilot, lambda: "not sent" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, PromptsScreen))
        await pilot.press("d")
        await until(pilot, lambda: not bench.prompts.own and "Mine." not in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        await pilot.press("A", "n", "n", "ctrl+s")
        await until(pilot, lambda: app.main.box.area.text == "Hello Ann.")
        assert app.screen is app.main


def test_a_prompt_is_found_in_the_palette_with_what_it_asks_for() -> None:
    known = entries("composer", Targets(prompts=[("review", "FILE Reviews a file.")]))
    (found,) = [one for one in known if one.kind == "prompt"]
    assert (found.name, found.title, found.help) == ("review", "Prompt /review", "FILE Reviews a file.")
    assert GIVES["prompt"] == "prompt"
