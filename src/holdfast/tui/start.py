"""With what the terminal app is started."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from holdfast.core.config.settings import TuiSettings
    from holdfast.core.config.settings_file import SettingsFile
    from holdfast.core.services.workbench import Workbench


def _now() -> datetime:
    return datetime.now(UTC)


class Elsewhere(Protocol):
    """An engine that is not this home's: reached by a URL."""

    @property
    def url(self) -> str: ...

    @property
    def place(self) -> str:
        """Host and port, for the header line."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether others on the way can read everything."""
        ...


@dataclass(frozen=True, slots=True)
class OwnEngine:
    """The engine of this machine's home, as who reaches it from a browser is shown it: not by its address,
    which is another one each time."""

    url: str = "web:engine"
    place: str = "engine"
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Remote:
    """With which engine elsewhere the app works, and what it then has to be told from here."""

    engine: Elsewhere
    project: str = ""
    """The project folder on the engine's machine; empty: the user's own one there."""
    settings: Callable[[], TuiSettings] | None = None
    """Reads how the person wants the app on this machine; called in a thread."""
    at_hand: bool = True
    """Whether the person sits at this machine. In a browser they do not: then nothing of its files is shown
    to them or sent, and no program is started for them."""
    file: Callable[[], SettingsFile] | None = None
    """Gives this machine's own settings file, in which the app's own settings are changed."""
    sign_in: Callable[[str, str], Awaitable[None]] | None = None
    """Signs in with name and password: what is connected from then on shows that login. None: the door by
    which the person has come does that."""
    login: str = ""
    """Of whom the login is that is shown, by the user's name; empty: it is a key, or not known."""


@dataclass(frozen=True, slots=True)
class Start:
    """Everything that the app is told from outside."""

    connect: Callable[[], Awaitable[Workbench]]
    """Reaches the engine; awaited after the first paint, and again whenever the engine was lost."""
    folder: Path
    """The folder on this machine that the app was started in."""
    state_file: Path
    """Where theme and last agent are remembered."""
    themes: list[Path] = field(default_factory=list)
    """Folders with theme files; of one name, the first wins."""
    session: str | None = None
    """The session to open first: an id, or `last`."""
    agent: str | None = None
    model: str | None = None
    version: str = ""
    remote: Remote | None = None
    """None for the engine of this machine's home, whose files are at hand."""
    tour: bool = False
    """Whether a person is led through what the app does."""
    now: Callable[[], datetime] = _now

    @property
    def project(self) -> str:
        """The project folder of new sessions, on the engine's machine; empty: the user's own one there."""
        return str(self.folder) if self.remote is None else self.remote.project

    @property
    def at_hand(self) -> bool:
        """Whether the person sits at this machine, so that its files are theirs."""
        return self.remote is None or self.remote.at_hand

    def left_to(self, name: str) -> Start:
        """Returns what the app of another user is told, who has signed in at the same engine: the session,
        agent and model that were asked for are the former one's."""
        remote = None if self.remote is None else replace(self.remote, login=name)
        return replace(self, session=None, agent=None, model=None, remote=remote)

    @property
    def engine_url(self) -> str:
        """The engine's URL; empty for the one of this machine's home."""
        return "" if self.remote is None else self.remote.engine.url

    @property
    def place(self) -> str:
        """Where the engine is, when it is elsewhere."""
        return "" if self.remote is None else self.remote.engine.place
