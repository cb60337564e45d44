"""An engine and an app of different versions, as notices."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.versions import is_newer
from holdfast.tui.keys import shown
from holdfast.tui.presenters.spans import Line, line


@dataclass(frozen=True, slots=True)
class Skew:
    """How the engine differs from the app. Versions are as they say of themselves."""

    engine: str
    app: str
    executing: int = 0
    """Runs that a restart would interrupt."""
    listening: str = ""
    """A URL at which others may rely on the engine."""

    @property
    def engine_is_newer(self) -> bool:
        return is_newer(self.engine, self.app)

    @property
    def can_restart(self) -> bool:
        """Whether a restart would bring the engine to the app's version and interrupt nothing."""
        return self.is_older and self.executing == 0 and not self.listening

    @property
    def is_older(self) -> bool:
        """Whether the engine is of an earlier version than the app, in order or not known in which."""
        return not self.engine_is_newer


def skew_of(engine: str, app: str, executing: int, listening: str = "") -> Skew | None:
    """Returns how the versions differ; None when they do not, or one is not known."""
    return None if not engine or not app or engine == app else Skew(engine, app, executing, listening)


def skew_lines(skew: Skew | None) -> list[Line]:
    """Returns what is offered while this machine's engine is of another version than the app."""
    if skew is None:
        return []
    engine, app = sanitize_line(skew.engine), sanitize_line(skew.app)
    first = line((f"The engine is Holdfast {engine}, this app is {app}.", "warning"))
    later = ((shown("notice.later"), "key"), (" later", "muted"))
    if skew.engine_is_newer:
        return [first, line("Update Holdfast: this app may not show all of it.   ", *later)]
    if skew.can_restart:
        return [
            first,
            line(
                (shown("notice.restart"), "key"), (" restart it as ", "muted"), (app, "strong"), "   ", *later
            ),
        ]
    if skew.listening:
        return [
            first,
            line((f"It listens at {sanitize_line(skew.listening)}.", "muted")),
            line(
                "holdfast engine restart",
                (" brings it and its listeners to this version.   ", "muted"),
                *later,
            ),
        ]
    runs = "its run has" if skew.executing == 1 else f"its {skew.executing} runs have"
    return [first, line((f"It can be restarted when {runs} ended.   ", "muted"), *later)]


def skew_of_remote(skew: Skew | None, place: str) -> str:
    """Returns what is said once when an engine elsewhere is newer than the app; empty: nothing."""
    if skew is None or not skew.engine_is_newer:
        return ""
    return (
        f"The engine at {place} is Holdfast {sanitize_line(skew.engine)}, newer than this app "
        f"({sanitize_line(skew.app)}): update Holdfast here."
    )
