"""Keys to Holdfast and agreements: what is shown of them, and what a person does with them."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from fake_knowledge import THEN
from fake_workbench import FakeWorkbench

from holdfast.core.domain.agreements import DECENTRALIZED, Agreement
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.identity import LOCAL, Credential, NewCredential, Role, Scope, User
from holdfast.core.domain.limits import Allowance, Budget, LimitState
from holdfast.core.domain.values import utc_now
from holdfast.tui.control.trust import KeysControl
from holdfast.tui.presenters import agreements
from holdfast.tui.presenters.agreements import AgreementsState, agreement_views
from holdfast.tui.presenters.api_keys import (
    SCOPES,
    KeysState,
    budgets_of,
    detail_lines,
    expires_s,
    footer,
    headline,
    key_form,
    key_rows,
    key_views,
    note_lines,
    secret_lines,
)
from holdfast.tui.presenters.forms.values import read_form
from holdfast.tui.presenters.spans import plain

NOW = THEN + timedelta(days=2)
EVIL = "x\x1b]0;pwn\x07y"
SECRET = "hf_the_very_secret"


def key(id: str, **more: Any) -> Credential:
    known = {
        "user_id": LOCAL,
        "name": id,
        "scope": Scope.CHAT,
        "last_four": "abcd",
        "created_at": THEN,
        **more,
    }
    return Credential(id=id, kind="key", **known)


def state(*keys: Credential, limits: tuple[LimitState, ...] = ()) -> KeysState:
    users = [User(id="u2", name="ann", role=Role.USER, created_at=THEN)]
    return KeysState(keys=key_views(keys, limits, users, LOCAL, NOW))


def test_keys_that_let_somebody_in_stand_first_the_newest_of_them_on_top() -> None:
    known = state(
        key("gone", revoked_at=THEN), key("old"), key("new", created_at=NOW),
        key("over", created_at=NOW, expires_at=THEN),
    )  # fmt: skip
    assert [id for id, _ in key_rows(known, [], 60, NOW)] == ["new", "old", "over", "gone"]
    assert "2 keys in use" in plain([headline(known)])
    assert [id for id, _ in key_rows(known, ["old"], 60, NOW)] == ["old"]


def test_a_key_says_what_it_may_do_and_when_it_was_used() -> None:
    limit = LimitState(
        kind="key", subject="build", owner=LOCAL,
        allowances=(Allowance(period="day", unit="usd", limit=5, used=2, left=3),),
    )  # fmt: skip
    one = key("build", scope=Scope.ADMIN, last_used_at=THEN, expires_at=NOW + timedelta(days=3), user_id="u2")
    known = state(one, limits=(limit,))
    row = plain(key_rows(known, [], 70, NOW)[0][1])
    assert "● build" in row and "admin  …abcd" in row
    assert "made 2d · used 2d · ann · expires in 3d" in row
    text = plain(detail_lines(known, "build", NOW))
    assert SCOPES["admin"] in text and "$5.00 a day, $3.00 left" in text and "user       ann" in text
    assert "l lays one down" in plain(detail_lines(state(key("a")), "a", NOW))
    assert "never used" in plain(key_rows(state(key("a")), [], 70, NOW)[0][1])


def spending(*budgets: Budget, tier: str | None = None) -> LimitState:
    left = [
        Allowance(period=one.period, unit=one.unit, limit=one.amount, used=0, left=one.amount)
        for one in budgets
    ]
    requests = [Allowance(period="day", unit="requests", limit=500, used=0, left=500)] if tier else []
    return LimitState(kind="key", subject="build", owner=LOCAL, tier=tier, allowances=(*requests, *left))


BUDGETS = (
    Budget(amount=5, period="day"), Budget(amount=0.25), Budget(amount=2_000, unit="credits", period="month")
)  # fmt: skip


def test_the_budgets_of_a_key_are_edited_as_they_stand() -> None:
    known = state(key("build"), key("b"), limits=(spending(*BUDGETS, tier="Tier 1"),)).find("build")
    assert known is not None and known.budgets == "5/day, 0.25/total, 2000credits/month"
    assert budgets_of(known.budgets) == BUDGETS and budgets_of(" ") == ()
    with pytest.raises(InvalidError):
        budgets_of("5/day, much")


@pytest.mark.parametrize(
    ("tier", "typed", "done"),
    [
        ("Tier 1", "5/day, 0.25", ("set", "Tier 1", BUDGETS[:2])),
        ("Tier 1", "", ("set", "Tier 1", ())),
        (None, "", ("removed",)),
        (None, None, ()),
    ],
)
async def test_limiting_a_key_keeps_what_is_not_edited(
    tier: str | None, typed: str | None, done: Any
) -> None:
    begun: list[str] = []
    told: tuple[Any, ...] = ()

    class Usage:
        async def set_limit(self, kind: str, id: str, tier: str | None, budgets: tuple[Budget, ...]) -> None:
            nonlocal told
            told = ("set", tier, budgets)

        async def remove_limit(self, kind: str, id: str) -> None:
            nonlocal told
            told = ("removed",)

    async def ask(title: str, text: str) -> str | None:
        begun.append(text)
        return typed

    async def nothing() -> None:
        pass

    known = state(key("build"), limits=(spending(*BUDGETS, tier=tier),))
    app = SimpleNamespace(dialogs=SimpleNamespace(ask_or_none=ask))
    context: Any = SimpleNamespace(
        model=SimpleNamespace(keys=known), app=app, workbench=SimpleNamespace(usage=Usage())
    )
    control = KeysControl(context)
    control.reload = nothing  # type: ignore[method-assign]
    await control.limit("build")
    assert told == done and begun == ["5/day, 0.25/total, 2000credits/month"]


def test_what_can_be_done_with_a_key_that_has_ended_is_nothing() -> None:
    known = state(key("gone", revoked_at=THEN), key("b"))
    assert "revoke" in [label for _, label, _ in footer(known, "b")]
    assert "revoke" not in [label for _, label, _ in footer(known, "gone")]
    assert "revoked" in plain(detail_lines(known, "gone", NOW))


def test_no_key_yet_says_how_to_make_one() -> None:
    assert "Reading" in plain(note_lines(KeysState(), some=False))
    assert "n makes one" in plain(note_lines(KeysState(keys=[]), some=False))
    assert plain(note_lines(state(key("a")), some=False)) == "No key fits."


def test_names_are_sanitised() -> None:
    known = state(key("a", name=EVIL))
    assert "\x1b" not in plain([*key_rows(known, [], 60, NOW)[0][1], *detail_lines(known, "a", NOW)])


def test_the_form_of_a_key_begins_with_working_for_ever() -> None:
    form = key_form()
    filled, wrong = read_form(form, {**form.begin(), "name": "ci"})
    assert (filled, wrong) == ({"name": "ci", "scope": "chat"}, {}) and expires_s(filled) is None
    assert expires_s({"days": 3}) == 3 * 86_400


def test_a_new_key_is_shown_with_the_word_that_it_is_not_shown_again() -> None:
    text = plain(secret_lines(SECRET))
    assert SECRET in text and "this once" in text and "c copies it" in text


# --- agreements

TEXT = "# About\n\nAn agent on *this*\nplan.\n\n1. **One.** First\n   line.\n2. Two.\n"


def agreed(**more: Any) -> AgreementsState:
    one = Agreement(name=DECENTRALIZED, title="Decentralized Inference Agreement", text=TEXT, **more)
    return AgreementsState(agreements=agreement_views([one]))


def test_an_agreement_says_whether_and_when_it_was_accepted() -> None:
    [(name, lines)] = agreements.agreement_rows(agreed(), [], 50)
    assert name == DECENTRALIZED and plain(lines).endswith("not accepted")
    assert "accept" in [label for _, label, _ in agreements.footer(agreed(), name)]
    known = agreed(accepted_at=THEN)
    assert f"✓ accepted {THEN:%Y-%m-%d}" in plain(agreements.agreement_rows(known, [], 50)[0][1])
    assert "accept" not in [label for _, label, _ in agreements.footer(known, name)]
    assert "1 of 1 accepted" in plain([agreements.headline(known)])


def test_the_text_of_an_agreement_is_whole_a_paragraph_a_line() -> None:
    text = plain(agreements.detail_lines(agreed(accepted_at=THEN), DECENTRALIZED))
    assert "About\n\nAn agent on this plan.\n\n1. One. First line.\n2. Two." in text


def test_no_agreement_is_said_too() -> None:
    assert "Reading" in plain(agreements.note_lines(AgreementsState(), some=False))
    assert "nothing to agree" in plain(agreements.note_lines(AgreementsState(agreements=[]), some=False))
    assert agreements.note_lines(agreed(), some=True) == []


# --- on the screen


class Keys:
    """Keys in memory."""

    def __init__(self) -> None:
        self.known: list[Credential] = []

    async def list(self) -> tuple[Credential, ...]:
        return tuple(self.known)

    async def create(self, name: str, scope: Scope, expires_s: int | None = None) -> NewCredential:
        self.known.append(key("k1", name=name, scope=scope))
        return NewCredential(credential=self.known[-1], secret=SECRET)

    async def revoke(self, id: str) -> None:
        self.known = [one.model_copy(update={"revoked_at": utc_now()}) for one in self.known]


async def test_a_key_is_made_shown_once_and_revoked(make_app: Any, until: Any) -> None:
    bench = FakeWorkbench()
    bench.keys = keys = Keys()  # type: ignore[assignment]
    app = make_app(bench)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.desk and app.desk.context.connected)
        app.command("keys")
        await until(pilot, lambda: app.model.keys.keys == [] and app.screen.query("#l-list"))
        await pilot.press("n")
        await until(pilot, lambda: app.screen.query("#form-fields"))
        await pilot.press(*"ci", "ctrl+s")
        await until(pilot, lambda: app.screen.query("#document"))
        await pilot.press("c")
        assert app.clipboard == SECRET and keys.known[0].scope is Scope.CHAT
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.query("#l-list"))
        await pilot.press("d")
        await until(pilot, lambda: app.screen is not app.screen_stack[1])
        await pilot.press("y")
        await until(pilot, lambda: app.model.keys.keys[0].ended)


async def test_an_agreement_is_asked_for_once(make_app: Any, until: Any) -> None:
    bench = FakeWorkbench()
    app = make_app(bench)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.desk and app.desk.context.connected)
        answers: list[bool] = []

        async def ask() -> None:
            answers.append(await app.desk.agreements.ensure(DECENTRALIZED))

        for key, wanted in (("escape", [False]), ("y", [False, True])):
            app.work(ask, "test")
            await until(pilot, lambda: app.screen.query("#document"))
            await pilot.press(key)
            await until(pilot, lambda wanted=wanted: answers == wanted)
        app.work(ask, "test")
        await until(pilot, lambda: answers == [False, True, True])
