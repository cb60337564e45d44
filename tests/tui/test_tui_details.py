"""One agent as a form: what it shows, what may be changed on which plan, and what is written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fake_knowledge import THEN
from fake_workbench import FakeWorkbench, spec
from textual.widgets import TextArea

from holdfast.core.domain.agents import AgentInfo, AgentSpec, Layer
from holdfast.core.domain.errors import Diagnostic
from holdfast.core.domain.identity import LOCAL, Credential, Scope
from holdfast.core.domain.plans import PlanTerms
from holdfast.core.domain.usage import UsageCounts, UsageGroup, UsageSummary
from holdfast.tui.presenters.details import (
    FIELDS,
    DetailsState,
    agent_view,
    changes_of,
    detail_lines,
    field_rows,
    footer,
    greyed,
    headline,
    key_names,
    mistake_lines,
    mistakes_of,
    note_lines,
    number_of,
    usage_lines,
)
from holdfast.tui.presenters.spans import plain

EVIL = "x\x1b]0;pwn\x07y"
REGIONS = ("us-east-1", "eu-west-1")


def agent(**more: Any) -> AgentInfo:
    known = AgentSpec.model_validate({"version": 1, "name": "clerk", **more})
    return AgentInfo(
        id="clerk-id", name="clerk", display_name=known.display_name, layer=Layer.USER, path="/clerk.yaml",
        spec=known, created_at=THEN,
    )  # fmt: skip


def state(**more: Any) -> DetailsState:
    keys = {"k1": "build server"}
    return DetailsState(agent="clerk", view=agent_view(agent(**more)), regions=REGIONS, keys=keys)


def row(known: DetailsState, field_id: str, width: int = 70) -> str:
    return " ".join(plain(dict(field_rows(known, [], width))[field_id]).split())


def test_every_field_has_a_row_and_says_what_it_is_about() -> None:
    known = state()
    assert [id for id, _ in field_rows(known, [], 60)] == [one.id for one in FIELDS]
    for one in FIELDS:
        assert one.about in plain(detail_lines(known, one.id))
    assert [id for id, _ in field_rows(known, ["region"], 60)] == ["region"]


def test_an_agent_that_says_nothing_shows_what_holds() -> None:
    known = state()
    assert row(known, "script") == "script none: the usual loop" and row(known, "plan") == "plan none"
    assert row(known, "top_p") == "top-p as the model does" and row(known, "key") == "key any of yours"
    assert row(known, "logging") == "logging ● on" and row(known, "stream") == "stream ○ off"
    assert row(known, "tools") == "tools none" and row(known, "name") == "name clerk"


def test_what_an_agent_says_is_shown() -> None:
    known = state(
        display_name="The Clerk", instructions="Be brief.\nBe kind.", script="x = 1\ny = 2\n",
        plan="dedicated", region="eu-west-1", logging=False, model_settings={"top_p": 0.5, "temperature": 0},
        tools=["read_file"], ext={"genlabs": {"key": "k1", "stream": True, "alpha": True}},
    )  # fmt: skip
    assert row(known, "name") == "name The Clerk" and row(known, "system") == "system Be brief. +1"
    assert row(known, "script") == "script x = 1 +1" and row(known, "region") == "region eu-west-1"
    assert row(known, "key") == "key build server" and row(known, "temperature") == "temperature 0"
    assert row(known, "stream") == "stream ● on" and row(known, "logging") == "logging ○ off"
    assert "x = 1\ny = 2" in plain(detail_lines(known, "script"))
    assert "· read_file" in plain(detail_lines(known, "tools"))
    assert not any(greyed(known, one.id) for one in FIELDS)


def test_what_means_nothing_on_a_plan_is_greyed_with_the_reason() -> None:
    cheap = state(plan="decentralized")
    assert [one.id for one in FIELDS if greyed(cheap, one.id)] == ["region", "top_p", "temperature", "alpha"]
    assert "no effect on the plan decentralized" in plain(detail_lines(cheap, "top_p"))
    assert [one.id for one in FIELDS if greyed(state(), one.id)] == ["region", "alpha"]


def test_a_region_and_a_key_that_are_no_more_say_so() -> None:
    known = state(plan="dedicated", region="mars-1", ext={"genlabs": {"key": "gone"}})
    assert row(known, "region") == "region mars-1 → us-east-1: it is no more"
    assert row(known, "key") == "key a key that is no more"


def test_a_plan_brings_its_region_or_takes_it_away() -> None:
    assert changes_of(state(), "plan", "dedicated") == {"plan": "dedicated", "region": "us-east-1"}
    kept = state(plan="dedicated", region="eu-west-1")
    assert changes_of(kept, "plan", "dedicated")["region"] == "eu-west-1"
    assert changes_of(kept, "plan", "decentralized") == {"plan": "decentralized", "region": None}
    assert changes_of(kept, "plan", "none") == {"plan": None, "region": None}


def test_each_field_is_written_to_its_own_key() -> None:
    assert changes_of(state(), "key", "k1") == {"ext.genlabs.key": "k1"}
    assert changes_of(state(), "temperature", None) == {"model_settings.temperature": None}
    assert changes_of(state(), "script", "x = 1") == {"script": "x = 1\n"}
    assert changes_of(state(), "script", None) == {"script": None}
    more = state(script={"code": "x = 1\n", "models": {"a": "offline"}})
    assert changes_of(more, "script", "y = 2\n") == {"script.code": "y = 2\n"}


@pytest.mark.parametrize(
    ("field_id", "text", "value"),
    [("top_p", " ", None), ("top_p", "1", 1), ("temperature", "0", 0), ("temperature", "2", 2)],
)
def test_numbers_are_taken_as_they_fit(field_id: str, text: str, value: float | None) -> None:
    assert number_of(field_id, text) == value


@pytest.mark.parametrize(("field_id", "text"), [("top_p", "0"), ("top_p", "1.5"), ("top_p", "much"),
                                                ("temperature", "-1"), ("temperature", "nan")])  # fmt: skip
def test_other_numbers_are_refused_with_what_fits(field_id: str, text: str) -> None:
    with pytest.raises(ValueError, match="a number from 0 to"):
        number_of(field_id, text)


def test_what_an_agent_has_used_is_told() -> None:
    group = UsageGroup(key="clerk", runs=3, credits=12.5, cost_usd=0.0125, last_at=THEN)
    total = UsageCounts(runs=3, credits=12.5, cost_usd=0.0125)
    summary = UsageSummary(by="agent", since=None, until=None, total=total, groups=(group,))
    text = plain(usage_lines(summary, THEN + timedelta(hours=2)))
    assert text == "requests  3  last 2h\ncredits   12.5  $0.01"


def test_keys_that_let_nobody_in_are_not_offered() -> None:
    def key(id: str, **more: Any) -> Credential:
        return Credential(id=id, kind="key", user_id=LOCAL, name=EVIL, scope=Scope.CHAT, last_four="abcd",
                          created_at=THEN, **more)  # fmt: skip

    assert key_names([key("a"), key("b", revoked_at=THEN)], THEN) == {"a": "x]0;pwny"}


def test_states_say_the_next_step() -> None:
    assert "g chooses an agent" in plain(note_lines(DetailsState(), some=False))
    assert "Reading" in plain(note_lines(DetailsState(agent="x"), some=False))
    assert plain(note_lines(state(), some=False)) == "No field fits."
    assert "your own" in plain([headline(state())]) and detail_lines(DetailsState(), None) == []
    assert "playground" in [label for _, label, _ in footer(state(), "plan")]
    assert agent_view(agent().model_copy(update={"spec": None})) is None


def test_what_a_file_says_is_sanitised() -> None:
    known = state(display_name=EVIL, instructions=EVIL, script=f"x = 1\n# {EVIL}\n")
    text = plain([each for one in FIELDS for each in detail_lines(known, one.id)])
    assert "\x1b" not in text and "\x07" not in text


def test_mistakes_of_a_script_stand_with_their_lines() -> None:
    said = [
        "line 3 of the script: a script cannot import sys",
        "the script is empty",
        "line 1 of the script: bad",
    ]
    found = mistakes_of(said)
    assert found == [(1, "bad"), (1, "the script is empty"), (3, "a script cannot import sys")]
    assert "line 3  a script cannot import sys" in plain(mistake_lines(found))
    assert plain(mistake_lines([])) == "✓ no mistakes"
    assert plain(mistake_lines(found, 1)).endswith("and 2 more mistakes")


async def test_a_plan_is_chosen_after_its_agreement_and_a_script_is_checked(
    make_app: Any, until: Any
) -> None:
    bench = FakeWorkbench()
    bench.agent_infos = [spec("clerk", layer=Layer.USER)]
    written: list[dict[str, Any]] = []

    async def edit(name: str, changes: dict[str, Any], expected: Any, project: Any) -> AgentInfo:
        written.append(changes)
        if "plan" in changes:
            bench.agent_infos = [spec("clerk", layer=Layer.USER, plan=changes["plan"])]
        return bench.agent_infos[0]

    async def check(yaml: str) -> tuple[Diagnostic, ...]:
        said = "line 2 of the script: a script cannot import os"
        wrong = Diagnostic(file="", line=3, column=1, key_path="script.code", message=said)
        return (wrong,) if "import os" in yaml else ()

    async def plans() -> PlanTerms:
        return PlanTerms(counted=True, regions=REGIONS, prices=())

    bench.agents.edit, bench.agents.check = edit, check  # type: ignore[attr-defined]
    bench.usage.plans = plans
    app = make_app(bench)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.desk and app.desk.context.connected)
        app.command("details", "clerk")
        await until(pilot, lambda: app.model.details.view and app.screen.query("#l-list"))
        await pilot.press("down", "down", "down", "down", "enter")
        await until(pilot, lambda: app.screen.query("#choices"))
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.screen.query("#document"))
        assert written == []
        await pilot.press("y")
        await until(pilot, lambda: app.model.details.plan == "decentralized")
        assert written == [{"plan": "decentralized", "region": None}] and bench.agreement.accepted_at
        await until(pilot, lambda: app.screen.query("#l-list"))
        await pilot.press("up", "up", "enter")
        await until(pilot, lambda: app.screen.query("#script-mistakes"))
        area = app.screen.query_one("#arguments", TextArea)
        area.insert("x = 1\nimport os\n")
        await until(
            pilot, lambda: "cannot import os" in str(app.screen.query_one("#script-mistakes").content)
        )
        await pilot.press("ctrl+l")
        assert area.cursor_location == (1, 0)
        area.text = "x = 1\n"
        await until(pilot, lambda: "no mistakes" in str(app.screen.query_one("#script-mistakes").content))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen.query("#l-list"))
        assert written[-1] == {"script": "x = 1\n"}
        await pilot.press("t")
        await until(pilot, lambda: app.model.playground.agent == "clerk")
