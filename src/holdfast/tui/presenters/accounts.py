"""Looking after people: users, mails that were not sent, clients of OAuth, and where the engine is set up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.keys import foot, shown
from holdfast.tui.presenters.figures import age, counted
from holdfast.tui.presenters.spans import BLANK, Line, fit, line, space
from holdfast.tui.presenters.status import EngineState, engine_note

if TYPE_CHECKING:
    from holdfast.core.domain.accounts import Mail, SignInWays
    from holdfast.core.domain.identity import User
    from holdfast.core.domain.oauth import OAuthClient

TABS = ("users", "mail", "clients", "engine")
LOCAL = "local"
"""The id of whoever owns the engine's machine."""
REGISTRATION = "accounts.registration"
"""The row of the engine that is a switch."""
_PASSWORDS = {"all": "everybody's", "admins": "administrators' only", "none": "nobody's"}


@dataclass(frozen=True, slots=True)
class UserView:
    """One user, sanitised but for the id."""

    id: str
    name: str
    called: str
    role: str
    email: str
    phone: str
    created_at: datetime
    seen_at: datetime | None
    me: bool
    """Whether it is who looks."""


@dataclass(frozen=True, slots=True)
class MailView:
    """A mail that was not sent, sanitised."""

    id: str
    to: str
    subject: str
    text: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ClientView:
    """A program that people sign in to with Holdfast, sanitised but for the id."""

    id: str
    name: str
    kind: str
    consent: bool
    enabled: bool
    scope: str
    addresses: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Something of the engine: a switch, or another screen."""

    key: str
    title: str
    says: str
    about: str
    command: str
    argument: str = ""


@dataclass(slots=True)
class AdminState:
    """What the screen of administration shows."""

    users: list[UserView] | None = None
    """None: not read yet."""
    mails: list[MailView] = field(default_factory=list)
    clients: list[ClientView] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    registration: bool = False
    error: str = ""
    wanted: str = ""
    """Where the cursor is to go when it is drawn next."""

    def user(self, id: str | None) -> UserView | None:
        return next((one for one in self.users or [] if one.id == id), None)

    def mail(self, id: str | None) -> MailView | None:
        return next((one for one in self.mails if one.id == id), None)

    def client(self, id: str | None) -> ClientView | None:
        return next((one for one in self.clients if one.id == id), None)

    def place(self, key: str | None) -> Place | None:
        return next((one for one in self.places if one.key == key), None)


def user_views(users: Iterable[User], seen: Mapping[str, datetime], me: str) -> list[UserView]:
    """Returns users as they are shown, newest first; `me` is the id of who looks."""
    views = [
        UserView(
            one.id, sanitize_line(one.name), sanitize_line(one.display_name), one.role.value,
            sanitize_line(one.email), sanitize_line(one.phone), one.created_at, seen.get(one.id),
            one.id == me,
        )
        for one in users
    ]  # fmt: skip
    return sorted(views, key=lambda one: -one.created_at.timestamp())


def mail_views(mails: Iterable[Mail]) -> list[MailView]:
    """Returns mails as they are shown, in their order."""
    return [
        MailView(
            one.id, sanitize_line(one.to), sanitize_line(one.subject), sanitize(one.text), one.at,
            sanitize_line(one.reason),
        )
        for one in mails
    ]  # fmt: skip


def client_views(clients: Iterable[OAuthClient]) -> list[ClientView]:
    """Returns clients as they are shown, in their order."""
    return [
        ClientView(
            one.id, sanitize_line(one.name), "public" if one.public else "with a secret", one.consent,
            one.enabled, sanitize_line(one.scope), tuple(map(sanitize_line, one.redirect_uris)),
            one.created_at,
        )
        for one in clients
    ]  # fmt: skip


def places_of(ways: SignInWays, mail_server: str) -> list[Place]:
    """Returns what there is to set up; `mail_server` takes mail, empty: there is none."""
    others = [sanitize_line(one.name or one.id) for one in ways.providers if one.type != "native"]
    return [
        Place(REGISTRATION, "registration", "on" if ways.registration else "off",
              "Whether people can make accounts themselves, with a code that is sent by mail.", "admin.open"),
        Place("accounts.mode", "who says who people are", ways.mode.value,
              f"Passwords let in: {_PASSWORDS[ways.passwords]}."
              + (f" People sign in elsewhere, too: {', '.join(others)}." if others else ""),
              "settings", "accounts.mode"),
        Place("accounts.smtp_host", "mail server", sanitize_line(mail_server) or "none",
              "It sends codes. Without one, mails stay here on the tab mail, to be handed over.",
              "settings", "accounts.smtp_host"),
        Place("providers", "providers of models", "", "Test a key or an address, and keep it.", "provider"),
        Place("models", "models", "", "Windows and prices, and which can be used.", "models"),
        Place("keys", "keys", "", "That let programs in: of all users.", "keys"),
        Place("settings", "settings", "", "All that holds, why, and changes of it.", "settings"),
        Place("health", "health", "", "Engine, workers, database, providers.", "health"),
        Place("logs", "logs", "", "Of the engine and its workers.", "logs"),
    ]  # fmt: skip


# --- forms

_PASSWORD = {"type": "string", "format": "password", "minLength": 8, "maxLength": 256}
_ROLE = {
    "enum": ["user", "admin"],
    "default": "user",
    "description": "admin: may look after the engine, too.",
}
_EMAIL = {"type": "string", "title": "e-mail", "description": "By which the user signs in as well."}


def user_schema() -> dict[str, Any]:
    """Returns the form of a new user, as JSON Schema."""
    again = {**_PASSWORD, "title": "password, once more"}
    about = {"description": "Left empty: the user needs a key."}
    return {
        "properties": {
            "name": {"type": "string", "maxLength": 100},
            "role": _ROLE,
            "email": _EMAIL,
            "password": {**_PASSWORD, **about},
            "again": again,
        },
        "required": ["name", "role"],
    }


def edit_schema(one: UserView) -> dict[str, Any]:
    """Returns the form of what is known of a user."""
    called = {
        "type": "string",
        "title": "called",
        "default": one.called,
        "description": "What pages show; left empty: the name.",
    }
    fields = {
        "role": {**_ROLE, "default": one.role},
        "email": {**_EMAIL, "default": one.email},
        "phone": {"type": "string", "default": one.phone},
        "display_name": called,
    }
    return {"properties": fields, "required": ["role"]}


def password_schema(*, own: bool) -> dict[str, Any]:
    """Returns the form of another password; one's `own` needs the old one."""
    fields: dict[str, Any] = {
        "password": {**_PASSWORD, "title": "new password"},
        "again": {**_PASSWORD, "title": "once more"},
    }
    if own:
        fields = {"old": {"type": "string", "format": "password", "title": "password now"}, **fields}
    return {"properties": fields, "required": list(fields)}


def login_schema(name: str) -> dict[str, Any]:
    """Returns the form in which one signs in; `name` stands in it at first."""
    return {
        "properties": {
            "name": {"type": "string", "default": name, "description": "Or your e-mail address."},
            "password": {"type": "string", "format": "password"},
        },
        "required": ["name", "password"],
    }


def client_schema(scope: str) -> dict[str, Any]:
    """Returns the form of a new client of OAuth; it may ask for `scope` at most."""
    return {
        "properties": {
            "name": {"type": "string", "maxLength": 100, "description": "As people are shown it."},
            "redirect_uris": {
                "type": "string",
                "title": "sent back to",
                "description": "Addresses, parted by spaces: https://notes.example.org/callback",
            },
            "public": {
                "type": "boolean",
                "default": False,
                "description": "It can keep no secret, as an app on people's devices.",
            },
            "consent": {
                "type": "boolean",
                "default": True,
                "title": "asks",
                "description": "Ask each user before it learns anything.",
            },
            "scope": {"type": "string", "default": scope},
        },
        "required": ["name", "redirect_uris", "public", "consent"],
    }


def not_twice(filled: Mapping[str, Any]) -> dict[str, str]:
    """Returns what is wrong where the second password does not repeat the first."""
    same = filled.get("password", "") == filled.get("again", "")
    return {} if same else {"again": "The two are not the same."}


# --- the lists


def headline(state: AdminState, engine: EngineState = "ready") -> Line:
    """Returns the first line."""
    said = "" if not state.users else f"  {counted(len(state.users), 'user')}"
    register = "  people can make accounts" if state.registration else ""
    return line(("Administration", "brand"), engine_note(engine), (said, "muted"), (register, "warning"))


def counts(state: AdminState) -> dict[str, str]:
    """Returns the tabs; only of the mails how many wait: four names take the room."""
    return {tab: str(len(state.mails) or "") if tab == "mail" else "" for tab in TABS}


def admin_rows(
    state: AdminState, tab: str, words: list[str], width: int, now: datetime
) -> list[tuple[str, tuple[Line, ...]]]:
    """Returns the rows of a tab that fit the words."""
    if tab == "users":
        users = [one for one in state.users or [] if _fits(words, one.name, one.called, one.email, one.role)]
        return [(one.id, _user_row(one, width, now)) for one in users]
    if tab == "mail":
        mails = [one for one in state.mails if _fits(words, one.to, one.subject)]
        return [
            (one.id, (_pair(one.to, age(one.at, now), width), line("  ", (one.subject, "muted"))))
            for one in mails
        ]
    if tab == "clients":
        clients = [one for one in state.clients if _fits(words, one.name, *one.addresses)]
        return [(one.id, _client_row(one, width)) for one in clients]
    places = [one for one in state.places if _fits(words, one.title, one.about)]
    return [(one.key, (_pair(one.title, one.says or "→", width),)) for one in places]


def _fits(words: list[str], *texts: str) -> bool:
    text = " ".join(texts).casefold()
    return all(word in text for word in words)


def _pair(left: str, right: str, width: int) -> Line:
    right = fit(right, max(4, width // 2))
    room = max(8, width - len(right) - 3)
    name = fit(left, room)
    return line((name, "strong"), (space(name, room), ""), (right, "muted"))


def _user_row(one: UserView, width: int, now: datetime) -> tuple[Line, Line]:
    room = max(8, width - len(one.role) - 5)
    name = fit(one.name + (" (you)" if one.me else ""), room)
    role = "accent" if one.role == "admin" else "muted"
    facts = [f"since {age(one.created_at, now)}", _seen(one, now), one.email]
    said = " · ".join(fact for fact in facts if fact)
    sign = ("● ", "success") if one.seen_at is not None or one.me else ("○ ", "muted")
    return (
        line(sign, (name, "strong"), (space(name, room), ""), (one.role, role)),
        line("  ", (fit(said, max(8, width - 2)), "muted")),
    )


def _seen(one: UserView, now: datetime) -> str:
    if one.seen_at is not None:
        return f"seen {age(one.seen_at, now)}"
    return "at the machine itself" if one.id == LOCAL else "never seen"


def _client_row(one: ClientView, width: int) -> tuple[Line, Line]:
    room = max(8, width - len(one.kind) - 5)
    name = fit(one.name, room)
    sign = ("● ", "success") if one.enabled else ("✗ ", "muted")
    return (
        line(
            sign, (name, "strong" if one.enabled else "muted"), (space(name, room), ""), (one.kind, "muted")
        ),
        line("  ", (fit(" ".join(one.addresses), max(8, width - 2)), "muted")),
    )


def note_lines(state: AdminState, tab: str, *, some: bool) -> list[Line]:
    """Returns what stands below the list."""
    if state.error:
        return [line((state.error, "error"))]
    if state.users is None:
        return [line(("Reading the users …", "muted"))]
    if some:
        return []
    if tab == "mail" and not state.mails:
        return [line(("No mail waits: all were sent, or none was written.", "muted"))]
    if tab == "clients" and not state.clients:
        return [
            line("No program lets people sign in with Holdfast."),
            BLANK,
            line((shown("admin.new"), "key"), (" registers one.", "muted")),
        ]
    return [
        line(("Nothing fits. ", "muted"), (shown("admin.words"), "key"), (" changes the filter.", "muted"))
    ]


def detail_lines(state: AdminState, tab: str, current: str | None, now: datetime) -> list[Line]:
    """Returns all that is known of what is under the cursor."""
    if tab == "users":
        return _user_lines(state.user(current), now)
    if tab == "mail":
        return _mail_lines(state.mail(current), now)
    if tab == "clients":
        return _client_lines(state.client(current), now)
    place = state.place(current)
    if place is None:
        return []
    says = [line((place.says, "strong"))] if place.says else []
    verb = " switches it." if place.key == REGISTRATION else " opens it."
    return [line((place.title, "heading")), *says, line(place.about), BLANK,
            line((shown("list.choose"), "key"), (verb, "muted"))]  # fmt: skip


def _user_lines(one: UserView | None, now: datetime) -> list[Line]:
    if one is None:
        return []
    can = (
        "may look after the engine, too"
        if one.role == "admin"
        else "has sessions, agents and files of their own"
    )
    facts = (("called", one.called), ("e-mail", one.email), ("phone", one.phone))
    return [
        line((one.name, "heading"), ("  you" if one.me else "", "muted")),
        line((f"{one.role}  ", "strong"), (can, "muted")),
        BLANK,
        *(line((f"{name:<8}", "muted"), said) for name, said in facts if said),
        line(("since   ", "muted"), _day(one.created_at)),
        line(("seen    ", "muted"), _day(one.seen_at) if one.seen_at else _seen(one, now)),
        line(("id      ", "muted"), (sanitize_line(one.id), "code")),
    ]


def _mail_lines(one: MailView | None, now: datetime) -> list[Line]:
    if one is None:
        return []
    return [
        line((one.subject, "heading"), (f"  {age(one.at, now)}", "muted")),
        line(("to        ", "muted"), one.to),
        line(("not sent  ", "muted"), (one.reason, "warning")),
        BLANK,
        *(line(text) for text in one.text.splitlines()),
        BLANK,
        line(("It may hold a code: give it to nobody else. ", "muted"), (shown("admin.copy"), "key"),
             (" copies it.", "muted")),
    ]  # fmt: skip


def _client_lines(one: ClientView | None, now: datetime) -> list[Line]:
    if one is None:
        return []
    return [
        line((one.name, "heading"), ("" if one.enabled else "  disabled", "warning")),
        line((one.kind, "strong"), (f"  {'asks each user' if one.consent else 'asks nobody'}", "muted")),
        BLANK,
        line(("id      ", "muted"), (sanitize_line(one.id), "code")),
        line(("sees    ", "muted"), one.scope),
        line(("since   ", "muted"), _day(one.created_at)),
        BLANK,
        line(("People are sent back to", "muted")),
        *(line("  ", (each, "code")) for each in one.addresses),
    ]


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def secret_lines(id: str, secret: str) -> list[Line]:
    """Returns what is shown of a new client, this once."""
    said = [line(("id      ", "muted"), (sanitize_line(id), "code"))]
    if not secret:
        return [*said, BLANK, line(("It has no secret, and must use PKCE.", "muted"))]
    return [
        *said,
        line(("secret  ", "muted"), (secret, "code")),
        BLANK,
        line(("Copy the secret now: it is shown this once. ", "warning"), (shown("secret.copy"), "key"),
             (" copies it.", "muted")),
    ]  # fmt: skip


def footer(
    state: AdminState, tab: str, current: str | None, *, typing: bool = False
) -> list[tuple[str, str, str]]:
    """Returns the keys for what is under the cursor."""
    back, last = foot("admin.back"), foot("admin.help")
    if typing:
        return [back, (shown("words.to_list"), "to the list", ""), last]
    if state.error:  # nothing that a key does here would be let through
        return [back, last]
    keys: list[tuple[str, str, str]] = []
    user = state.user(current) if tab == "users" else None
    if tab in ("users", "clients"):
        keys.append(foot("admin.new"))
    if user is not None:
        keys += [foot("admin.edit"), foot("admin.password")]
        if user.id != LOCAL and not user.me:
            keys.append(foot("admin.remove"))
    elif tab == "clients" and state.client(current) is not None:
        keys += [foot("admin.enable"), foot("admin.remove")]
    elif tab == "mail" and state.mail(current) is not None:
        keys.append(foot("admin.copy"))
    elif tab == "engine":
        verb = "switch" if current == REGISTRATION else "open"
        keys.append((shown("list.choose"), verb, "open"))
    return [back, *keys, foot("admin.words"), foot("admin.after"), last]
