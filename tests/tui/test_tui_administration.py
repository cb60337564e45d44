"""Settings, logs and health as data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fake_workbench import FakeSettings

from holdfast.core.domain.confinement import Guard, Protection
from holdfast.core.domain.health import EngineHealth, ModelFailure, ProcessHealth
from holdfast.core.domain.logs import LogLine, LogPage
from holdfast.core.domain.providers import ProviderInfo
from holdfast.core.domain.status import CheckResult, EngineStatus
from holdfast.tui.presenters import health, logs
from holdfast.tui.presenters import settings as presenter
from holdfast.tui.presenters.settings import SettingsState, setting_detail, setting_rows, value_text
from holdfast.tui.presenters.spans import plain

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def settings_state(**given: str) -> SettingsState:
    file = FakeSettings()
    for key, value in given.items():
        file.set(key.replace("__", "."), value)
    return SettingsState(file.report())


# --- settings


def test_every_setting_has_a_row_with_value_and_source_below_its_section() -> None:
    state = settings_state(tui__theme="nord")
    rows = dict(setting_rows(state, 70))
    assert state.report is not None and set(rows) == {one.key for one in state.report.settings}
    shown = plain(rows["tui.theme"])
    assert shown.startswith("tui\n") and "nord" in shown and shown.endswith("yours")
    assert all(len(plain(lines).split("\n")[-1]) <= 70 for lines in rows.values())


def test_settings_are_found_by_key_and_by_what_they_do() -> None:
    state = settings_state(tui__theme="nord")
    state.query = "guard"
    assert state.found()[0].key == "tui.key_guard_s"
    state.query = "largest document"
    assert "knowledge.max_file_mb" in [one.key for one in state.found()]
    state.query = "zzzz"
    assert "No setting fits" in plain(presenter.note_lines(state))
    state.query, state.changed_only = "", True
    assert [one.key for one in state.found()] == ["tui.theme"]


def test_the_detail_says_what_is_taken_where_from_and_when_it_holds() -> None:
    state = settings_state()
    text = plain(setting_detail(state.get("tui.key_guard_s")))
    assert "a number, at least 0, at most 5" in text and "at once" in text
    assert "started anew" in plain(setting_detail(state.get("engine.idle_stop_s")))
    assert "of this machine" in plain(setting_detail(state.get("tui.mouse"), app_is_here=False))
    assert setting_detail(None) == []


def test_values_are_shown_as_they_can_be_typed() -> None:
    assert value_text({"a.b": "ctrl+t", "c": ""}) == 'a.b: ctrl+t, c: ""'
    assert [value_text(one) for one in (None, True, 0.5, "x", ("a", 1))] == ["", "true", "0.5", "x", "a, 1"]


# --- logs


def record(text: str, level: str = "info") -> LogLine:
    return LogLine.model_validate(
        {"at": "2026-11-22 03:27:35,332", "level": level, "source": "holdfast", "text": text}
    )


def test_a_log_is_shown_with_levels_as_words_and_read_on_at_both_ends() -> None:
    state = logs.LogState()
    assert "Reading" in plain(logs.log_lines(state))
    state.take_last(LogPage(lines=(record("two"),), before="1.5", after="1.9"))
    state.take_older(LogPage(lines=(record("one"),), before=None))
    assert state.take_newer(LogPage(lines=(record("bug\n  Traceback\x1b[2J\n\n  x", "error"),), after="1.20"))
    text = plain(logs.log_lines(state))
    assert text.index("one") < text.index("two") < text.index("error    holdfast  bug")
    assert "\x1b" not in text and "Traceback" in text
    assert not state.take_newer(LogPage(lines=(), after="1.20"))
    assert logs.as_text(state).count("\n") == 6


def test_no_more_lines_are_kept_than_can_be_looked_at() -> None:
    state = logs.LogState()
    state.take_last(LogPage(lines=(record("first"),), after="1.1"))
    state.take_newer(LogPage(lines=tuple(record(str(n)) for n in range(logs.MOST_LINES)), after="1.2"))
    assert len(state.lines) == logs.MOST_LINES
    assert state.lines[0].text == "0"


def test_what_is_empty_or_wrong_is_said() -> None:
    state = logs.LogState(loaded=True)
    assert "Nothing is written" in plain(logs.log_lines(state))
    state.words = "x"
    assert "No line fits" in plain(logs.log_lines(state))
    state.error = "The engine is gone."
    assert plain(logs.log_lines(state)) == "The engine is gone."
    state.next_level()
    state.next_log()
    assert (state.level, state.name) == ("info", "models")
    assert "info and worse" in plain([logs.headline(state)])


# --- health


def known() -> health.HealthState:
    status = EngineStatus(
        version="1.2",
        pid=7,
        started_at=NOW - timedelta(days=1, hours=2, minutes=3),
        home="/h",
        address="/h/engine.sock",
        log="",
        sessions=3,
        active_runs=1,
        waiting=0,
        last_event_id=9,
    )
    found = EngineHealth(
        started_at=NOW,
        processes=(
            ProcessHealth(name="engine", pid=7, memory_bytes=90_000_000),
            ProcessHealth(name="models"),
        ),
        database_bytes=1,
        knowledge_bytes=2,
        blobs_bytes=3,
        free_bytes=100,
        failures=(
            ModelFailure(
                provider="openai", model="openai/x", at=NOW - timedelta(hours=3), message="No\x1b[2J credit."
            ),
        ),
    )
    providers = (
        ProviderInfo(
            name="openai",
            title="OpenAI",
            needs_key=True,
            takes_url=False,
            key_from="environment",
            variable="O_KEY",
        ),
        ProviderInfo(
            name="ollama", title="Ollama", needs_key=False, takes_url=True, served=("a", "b"), url="http://o"
        ),
        ProviderInfo(name="groq", title="Groq", needs_key=True, takes_url=False),
    )
    return health.HealthState(status, found, None, False, providers, "", 1.5)


def test_health_says_everything_in_words() -> None:
    text = plain(health.health_lines(known(), NOW))
    for part in (
        "answers in 2 ms",
        "1 d 2 h 3 min",
        "90.0 MB in memory",
        "not running; it starts when it is needed",
        "key from the environment  O_KEY",
        "last failure 3h ago, openai/x: No[2J credit.",
        "serves 2 models",
        "Groq",
        "no address",
    ):
        assert part in text, part


def test_health_says_what_keeps_programs_and_why_it_is_not_better() -> None:
    state = known()
    assert state.status is not None
    found = {
        None: "confined by what a trial will show",
        Protection(guard=Guard.BUBBLEWRAP): "✓ confined by bubblewrap",
        Protection(guard=Guard.LANDLOCK, network="deny", reason="No bwrap\x1b."): (
            "✓ confined by Landlock, without the network  No bwrap."
        ),
        Protection(guard=Guard.LIMITS, mode="off", reason="It is off."): "! not confined  It is off.",
        Protection(guard=Guard.LIMITS, mode="require", reason="No."): "! not run: nothing confines them  No.",
    }
    for protection, words in found.items():
        state.status = state.status.model_copy(update={"sandbox": protection})
        assert words in plain(health.health_lines(state, NOW))


def test_what_is_wrong_is_named_first_and_offered_to_be_repaired() -> None:
    state = known()
    assert "health.repair" not in str(health.footer(state, may_restart=True))
    state.checks = (
        CheckResult(name="database", state="ok", message="intact"),
        CheckResult(name="index", state="error", message="It differs.", hint="Repair it."),
    )
    text = plain(health.health_lines(state, NOW))
    assert "✗ error     It differs." in text and "Repair it." in text
    assert "1 thing to look at" in plain([health.headline(state)])
    labels = [label for _, label, _ in health.footer(state, may_restart=False)]
    assert "repair" in labels and "restart" not in labels
    state.checks = state.checks[:1]
    assert "all is well" in plain([health.headline(state)])


def test_an_engine_that_does_not_answer_is_said_to_be() -> None:
    state = health.HealthState(error="The engine is gone.")
    assert plain(health.health_lines(state, NOW)).startswith("The engine is gone.")
    assert "does not answer" in plain([health.headline(state)])
