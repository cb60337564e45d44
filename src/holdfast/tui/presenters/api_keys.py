"""Keys to Holdfast as a list: what each may do, when it was used, and how much it may use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.keys import foot, shown
from holdfast.tui.presenters.figures import age, counted, until
from holdfast.tui.presenters.limits import allowed, amount
from holdfast.tui.presenters.spans import BLANK, Line, fit, line, space
from holdfast.tui.presenters.status import EngineState, engine_note

if TYPE_CHECKING:
    from holdfast.core.domain.identity import Credential, User
    from holdfast.core.domain.limits import Allowance, Budget, LimitState
    from holdfast.tui.presenters.forms.fields import Form

SCOPES = {
    "read": "looks at all that you have",
    "chat": "also works: sessions, runs, approvals, files",
    "admin": "also changes what stays: agents, keys, webhooks",
}
"""What a key may do."""
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class KeyView:
    """One key, sanitised; its secret is known to nobody here."""

    id: str
    name: str
    scope: str
    user: str
    """Whose it is; empty: the person's own."""
    last_four: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    ended: bool
    limits: tuple[tuple[str, str], ...] = ()
    """What it may use, and what is left of that."""
    budgets: str = ""
    """Its budgets as a person types them; empty: none."""
    tier: str | None = None


@dataclass(slots=True)
class KeysState:
    """What the screen of keys shows."""

    keys: list[KeyView] | None = None
    """None: not read yet."""
    error: str = ""
    wanted: str = ""
    """Where the cursor is to go when it is drawn next."""

    def find(self, id: str | None) -> KeyView | None:
        return next((one for one in self.keys or [] if one.id == id), None)


def key_views(
    keys: Iterable[Credential], limits: Iterable[LimitState], users: Iterable[User], me: str, now: datetime
) -> list[KeyView]:
    """Returns keys as they are shown, the newest first, those that let nobody in any more behind; `me` is the
    id of the person."""
    names = {one.id: sanitize_line(one.name) for one in users}
    of_key = {one.subject: one for one in limits if one.kind == "key"}
    views = [_view(one, of_key.get(one.id), "" if one.user_id == me else names.get(one.user_id, "?"), now)
             for one in keys]  # fmt: skip
    return sorted(views, key=lambda one: (one.ended, -one.created_at.timestamp()))


def _view(one: Credential, limit: LimitState | None, user: str, now: datetime) -> KeyView:
    allowances = limit.allowances if limit is not None else ()
    return KeyView(
        id=one.id,
        name=sanitize_line(one.name),
        scope=one.scope.value,
        user=user,
        last_four=sanitize_line(one.last_four),
        created_at=one.created_at,
        last_used_at=one.last_used_at,
        expires_at=one.expires_at,
        revoked_at=one.revoked_at,
        ended=one.ended(now),
        limits=tuple((allowed(each), amount(each.left, each.unit)) for each in allowances),
        budgets=", ".join(_typed(each) for each in allowances if each.unit != "requests"),
        tier=limit.tier if limit is not None else None,
    )


def _typed(budget: Allowance) -> str:
    many = f"{budget.limit:.9f}".rstrip("0").rstrip(".")
    return f"{many}{'credits' if budget.unit == 'credits' else ''}/{budget.period}"


def budgets_of(text: str) -> tuple[Budget, ...]:
    """Returns the budgets that were typed, with commas between them. Raises `InvalidError`."""
    from holdfast.core.domain.errors import InvalidError  # start-up time: it needs pydantic
    from holdfast.core.domain.limits import budget_of

    try:
        return tuple(budget_of(each) for each in text.split(",") if each.strip())
    except ValueError as error:
        raise InvalidError(f"{sanitize_line(str(error))}.", code="invalid_limit") from None


def key_form() -> Form:
    """Returns the form of a new key."""
    from holdfast.tui.presenters.forms.fields import form_of  # start-up time: when a key is made

    return form_of(
        {
            "properties": {
                "name": {"type": "string", "maxLength": 64, "description": "What you know it by."},
                "scope": {
                    "oneOf": [{"const": name, "title": f"{name}: {about}"} for name, about in SCOPES.items()],
                    "default": "chat",
                },
                "days": {
                    "type": "integer",
                    "minimum": 1,
                    "description": "After so many days it lets nobody in any more; left empty: never.",
                },
            },
            "required": ["name", "scope"],
        }
    )


def expires_s(filled: Mapping[str, Any]) -> int | None:
    """Returns after how many seconds a key that was filled in expires."""
    return filled["days"] * DAY_S if filled.get("days") else None


def secret_lines(secret: str) -> list[Line]:
    """Returns what is shown of a new key, this once."""
    return [
        line((secret, "code")),
        BLANK,
        line(("Copy it now: it is shown this once. Only a hash of it is kept.", "warning")),
        line((shown("secret.copy"), "key"), (" copies it. Programs show it as ", "muted"),
             ("Authorization: Bearer KEY", "code"), (".", "muted")),
    ]  # fmt: skip


# --- the list


def headline(state: KeysState, engine: EngineState = "ready") -> Line:
    """Returns the first line."""
    alive = sum(not one.ended for one in state.keys or [])
    said = f"  {counted(alive, 'key')} in use" if state.keys else ""
    return line(("Keys", "brand"), engine_note(engine), (said, "muted"))


def key_rows(
    state: KeysState, words: list[str], width: int, now: datetime
) -> list[tuple[str, tuple[Line, ...]]]:
    """Returns the keys that the words fit, two lines each."""
    found = [
        one
        for one in state.keys or []
        if all(word in f"{one.name} {one.scope} {one.user}".casefold() for word in words)
    ]
    return [(one.id, _row(one, width, now)) for one in found]


def _row(one: KeyView, width: int, now: datetime) -> tuple[Line, Line]:
    right = f"{one.scope}  …{one.last_four}"
    room = max(8, width - len(right) - 3)
    name = fit(one.name, room)
    used = f"used {age(one.last_used_at, now)}" if one.last_used_at else "never used"
    whose = f" · {one.user}" if one.user else ""
    return (
        line(("✗ ", "muted") if one.ended else ("● ", "success"), (name, "muted" if one.ended else "strong"),
             (space(name, room), ""), (right, "muted")),
        line("  ", (f"made {age(one.created_at, now)} · {used}{whose}{_end(one, now)}", "muted")),
    )  # fmt: skip


def _end(one: KeyView, now: datetime) -> str:
    if one.revoked_at is not None:
        return " · revoked"
    if one.expires_at is None:
        return ""
    return " · expired" if one.ended else f" · expires in {until(one.expires_at, now)}"


def note_lines(state: KeysState, *, some: bool) -> list[Line]:
    """Returns what stands below the list."""
    if state.error:
        return [line((state.error, "error"))]
    if state.keys is None:
        return [line(("Reading the keys …", "muted"))]
    if some:
        return []
    if state.keys:
        return [line(("No key fits.", "muted"))]
    return [
        line("No key yet: no program can be let in over the network."),
        BLANK,
        line((shown("keys.new"), "key"), (" makes one.", "muted")),
    ]


def detail_lines(state: KeysState, current: str | None, now: datetime) -> list[Line]:
    """Returns all that is known of a key."""
    one = state.find(current)
    if one is None:
        return []
    lines = [
        line((one.name, "heading"), (f"  …{one.last_four}", "muted")),
        line((f"{one.scope}  ", "strong"), (SCOPES[one.scope], "muted")),
        BLANK,
        line(("made       ", "muted"), _day(one.created_at)),
        line(("last used  ", "muted"), _day(one.last_used_at) if one.last_used_at else "never"),
    ]
    if one.expires_at is not None:
        lines.append(line(("expires    ", "muted"), _day(one.expires_at)))
    if one.revoked_at is not None:
        lines.append(line(("revoked    ", "muted"), (_day(one.revoked_at), "error")))
    if one.user:
        lines.append(line(("user       ", "muted"), one.user))
    lines.append(line(("id         ", "muted"), (one.id, "code")))
    lines.append(BLANK)
    for whole, left in one.limits:
        lines.append(line(("limit      ", "muted"), whole, (f", {left} left", "muted")))
    if not one.limits and not one.ended:
        lines.append(line(("limit      ", "muted"), "none  ", (shown("keys.limit"), "key"),
                          (" lays one down", "muted")))  # fmt: skip
    return lines


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def footer(state: KeysState, current: str | None, *, typing: bool = False) -> list[tuple[str, str, str]]:
    """Returns the keys for what is under the cursor."""
    back, last = foot("keys.back"), foot("keys.help")
    if typing:
        return [back, (shown("words.to_list"), "to the list", ""), last]
    one = state.find(current)
    alive = [foot("keys.revoke"), foot("keys.limit")] if one is not None and not one.ended else []
    return [back, foot("keys.new"), *alive, foot("keys.words"), last]
