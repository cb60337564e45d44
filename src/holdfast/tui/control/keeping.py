"""What is done with sessions as a whole, one or several at once: star, archive, delete, export, import."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Literal

from holdfast.core.domain.errors import HoldfastError, UnavailableError
from holdfast.core.domain.paths import path_of
from holdfast.core.domain.runs import FROM_EXPORT, NOT_IMPORTED
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.control.base import Context
from holdfast.tui.control.sessions import SessionsControl
from holdfast.tui.control.undoing import UndoingControl
from holdfast.tui.keys import shown
from holdfast.tui.presenters.undoing import described

MAX_FILE = 64 * 2**20
"""Bytes of a file to import; the engine takes no more."""


class KeepingControl:
    """Acts on the sessions that are marked, else on the one under the cursor, else on the open one."""

    def __init__(self, context: Context, sessions: SessionsControl, undoing: UndoingControl) -> None:
        self._context = context
        self._sessions = sessions
        self._undoing = undoing
        context.app.watch(context.app, "app_focus", self._looks_again, init=False)
        self.actions: dict[str, Callable[[str], Awaitable[None]]] = {
            "star": self.star,
            "archive": self.archive,
            "share": self.share,
            "delete": self.delete,
            "export": self.export,
            "import": self.take_in,
            "session.mark": self.mark,
            "session.mark_all": self.mark_all,
            "session.seen": self.seen,
        }

    def _meant(self) -> list[str]:
        """Returns the sessions that are meant. Raises `UnavailableError` when there is none."""
        model, panes = self._context.model, self._context.panes
        marked = [each for each in panes.sessions.shown if each in model.sessions.marked]
        marked += sorted(model.sessions.marked - set(marked))
        one = panes.meant_session() or model.session_id
        if not marked and one is None:
            raise UnavailableError(
                f"No session is open: open one, or mark some in the list ({shown('everywhere.sessions')}).",
                code="no_session",
            )
        return marked or [one or ""]

    # --- marks

    async def mark(self, _: str = "") -> None:
        """Marks the session under the cursor, or no longer, and goes to the next."""
        panes, sessions = self._context.panes, self._context.model.sessions
        chosen = panes.meant_session()
        if chosen is not None and chosen in sessions:
            sessions.mark(chosen)
            panes.sessions.go_down()
            self._context.view.mark("sessions")

    async def mark_all(self, _: str = "") -> None:
        """Marks all sessions that are shown, or none any more."""
        self._context.model.sessions.mark_all(self._context.panes.sessions.shown)
        self._context.view.mark("sessions")

    def _unmark(self) -> None:
        self._context.model.sessions.mark_all(())
        self._context.view.mark("sessions")

    # --- star and archive

    async def star(self, _: str = "") -> None:
        """Gives stars; when all that are meant have one, takes them away."""
        known = [state for each in self._meant() if (state := self._context.model.sessions.get(each))]
        starred = not all(state.starred for state in known)
        sessions = self._context.workbench.sessions
        await self._each([s.id for s in known], lambda id: self._merged(sessions.star(id, starred)))

    async def archive(self, _: str = "") -> None:
        """Puts sessions into the archive; when all that are meant are in it, takes them out."""
        known = [state for each in self._meant() if (state := self._context.model.sessions.get(each))]
        archived = not all(state.archived for state in known)
        sessions = self._context.workbench.sessions
        await self._each([s.id for s in known], lambda id: self._merged(sessions.archive(id, archived)))
        what = described([state.title or "new session" for state in known], "session")
        where = "is in the archive now; /archived shows it." if archived else "is out of the archive."
        self._context.view.say(f"{what} {where}" if len(known) == 1 else f"{what}: {where}")

    async def share(self, _: str = "") -> None:
        """Lets everybody who knows their ids read what is said in sessions; when all that are meant are
        shared, ends that."""
        sessions = self._context.workbench.sessions
        known = [await sessions.get(each) for each in self._meant()]
        shared = not all(each.shared for each in known)
        await self._each([each.id for each in known], lambda id: self._merged(sessions.share(id, shared)))
        what = described([each.title or "new session" for each in known], "session")
        ids = ", ".join(each.id for each in known)
        told = f"shared: who knows the id can read it, {ids}" if shared else "shared no longer."
        self._context.view.say(f"{what}: {told}")

    async def _merged(self, changed: Awaitable[object]) -> None:
        self._context.model.sessions.merge(await changed)  # type: ignore[arg-type]
        self._context.view.mark("sessions")

    async def _each(
        self, ids: Sequence[str], work: Callable[[str], Awaitable[None]]
    ) -> tuple[list[str], list[str]]:
        """Does `work` with each session. Returns with which it was done, and what was wrong with others."""
        done: list[str] = []
        problems: list[str] = []
        for session_id in ids:
            try:
                await work(session_id)
                done.append(session_id)
            except HoldfastError as error:
                problems.append(f"{self._context.model.sessions.title(session_id)}: {error.message}")
        self._unmark()
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            self._context.view.say_error(f"{problems[0]}{more}")
        return done, problems

    # --- delete

    async def delete(self, _: str = "") -> None:
        """Puts sessions into the trash; a key brings them back."""
        ids, place = self._meant(), self._context.view.place
        model = self._context.model
        titles = {each: model.sessions.title(each) for each in ids}
        self._sessions.deleting.update(ids)

        async def delete(session_id: str) -> None:
            await self._context.workbench.sessions.delete(session_id)
            model.sessions.remove(session_id)
            if model.session_id == session_id:
                self._sessions.start_afresh()

        gone, _problems = await self._each(ids, delete)
        if place == "sessions":
            self._context.panes.sessions.focus_list()
        if gone:
            self._undoing.deleted(
                described([titles[each] for each in gone], "session"), [("session", each) for each in gone]
            )

    # --- export and import

    async def export(self, format: str) -> None:
        """Writes sessions as files into the folder of the app."""
        ids = self._meant()
        if not self._context.app.start.at_hand:
            self._context.view.say("No files are written on this machine for somebody elsewhere.")
            return
        if format not in ("markdown", "json"):
            chosen = await self._context.app.dialogs.choose_word("Export as", ("markdown", "json"))
            if chosen is None:
                return
            format = chosen
        kind: Literal["markdown", "json"] = "json" if format == "json" else "markdown"
        written: list[Path] = []

        async def export(session_id: str) -> None:
            text = await self._context.workbench.sessions.export(session_id, kind)
            title = self._context.model.sessions.title(session_id)
            path = free_path(self._context.app.start.folder, title, "json" if kind == "json" else "md")
            try:
                path.write_text(text, encoding="utf-8")
            except OSError as error:
                raise UnavailableError(f"Cannot write {path}: {error.strerror or error}") from error
            written.append(path)

        await self._each(ids, export)
        if written:
            told = str(written[0]) if len(written) == 1 else f"{len(written)} files in {written[0].parent}"
            self._context.view.say(f"Exported to {told}")

    async def take_in(self, named: str) -> None:
        """Makes sessions of the conversations in a file of this machine."""
        asked = "File with conversations: an export, conversations.json, a list of {role, content}"
        if not self._context.app.start.at_hand:
            self._context.view.say("Files of this machine are not read for somebody elsewhere.")
            return
        given = named or await self._context.app.dialogs.ask(asked, "")
        if not given:
            return
        path = self._context.app.start.folder / path_of(given)
        try:
            if path.stat().st_size > MAX_FILE:
                self._context.view.say_error(f"{path} is larger than {MAX_FILE // 2**20} MiB.")
                return
            with path.open("rb") as stream:
                sessions = await self._context.workbench.sessions.take_in(
                    stream, path.name, project=self._context.app.start.project
                )
        except (OSError, ValueError) as error:
            self._context.view.say_error(f"Cannot read {sanitize_line(str(path))}: {error}")
            return
        self._context.model.sessions.merge(*sessions)
        self._context.view.mark("sessions")
        if len(sessions) == 1:
            await self._sessions.open(sessions[0].id)
        told = f"Imported {described([each.title or 'new session' for each in sessions], 'conversation')}."
        own = any(each.imported_from == FROM_EXPORT for each in sessions)
        self._context.view.say(f"{told} {NOT_IMPORTED}" if own else told)

    # --- what was looked at

    def _looks_again(self, focused: bool) -> None:
        if focused:
            self._context.app.do("session.seen")

    async def seen(self, ended: str = "") -> None:
        """Notes in the engine that the open session was looked at, if there is something new in it. `ended`:
        a run has just ended, whatever a page of the list that was asked for before says of it."""
        model = self._context.model
        known = model.sessions.get(model.session_id)
        looks = self._context.app.app_focus and model.header.may_send and self._context.connected
        if known is not None and (known.unread or ended) and looks:
            known.unread = False
            model.sessions.merge(await self._context.workbench.sessions.see(known.id))
            self._context.view.mark("sessions")


def free_path(folder: Path, title: str, suffix: str) -> Path:
    """Returns a path for a file of a title, at which nothing is yet."""
    words = "".join(c if c.isalnum() else "-" for c in title.lower())[:60]
    name = "-".join(piece for piece in words.split("-") if piece) or "session"
    path = folder / f"{name}.{suffix}"
    number = 2
    while path.exists():
        path, number = folder / f"{name}-{number}.{suffix}", number + 1
    return path
