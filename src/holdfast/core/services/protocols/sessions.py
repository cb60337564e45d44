"""Sessions as a noun of the workbench, and the trash that they and other things are deleted to."""

from __future__ import annotations

from typing import Literal, Protocol

from holdfast.core.domain.conversations import (
    Conversation,
    SessionOrder,
    SessionsFound,
    SharedConversation,
)
from holdfast.core.domain.ext import Ext
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.runs import (
    QueuedMessage,
    SearchHit,
    Session,
    SessionCounts,
    SessionWorkspace,
    TextMatches,
    TextRole,
)
from holdfast.core.domain.tools import PlanItem
from holdfast.core.domain.transfer import Download, Upload
from holdfast.core.domain.trash import Trashed, TrashKind
from holdfast.core.domain.values import Cursor, EventId, Limit, Page
from holdfast.core.services.needs import needs


class Sessions(Protocol):
    """Conversations with an agent, each with its own files."""

    @needs(Scope.READ)
    async def list(self, query: str = "", limit: Limit = 200, cursor: Cursor | None = None) -> Page[Session]:
        """Returns sessions, latest first. `query` filters by words in the title and by `agent:NAME`,
        `project:PART`, `since:7d`, `until:2026-01-31`, `is:starred`, `is:unread`, `is:waiting` and
        `archived:yes` or `archived:only`: those in the archive are left out else. Raises `InvalidError`."""
        ...

    @needs(Scope.CHAT)
    async def create(
        self,
        agent: str,
        project: str = "",
        title: str = "",
        model: str | None = None,
        id: str | None = None,
        ext: Ext | None = None,
        workspace: SessionWorkspace | None = None,
    ) -> Session:
        """Makes a session of `agent`, started in the folder `project` of the engine's machine (empty: a
        folder of the user's own). The id may be chosen by the caller. `ext` as `annotate` keeps it.
        `workspace` says where its files are, in the place of what the agent says."""
        ...

    @needs(Scope.READ)
    async def get(self, session_id: str) -> Session:
        """Returns a session. Raises `NotFoundError`."""
        ...

    @needs(Scope.CHAT)
    async def rename(self, session_id: str, title: str) -> Session:
        """Gives the session another title."""
        ...

    @needs(Scope.CHAT)
    async def entitle(self, session_id: str) -> Session:
        """Gives the session a title that its model finds for what was said first, unless it was given one.
        Where the model cannot be asked, it is made of the first message; where nothing was said, the session
        stays without."""
        ...

    @needs(Scope.CHAT)
    async def clear(self, session_id: str, since: str | None = None) -> Session:
        """Deletes for good what was said in the session, with its runs and what undoing changes of files
        needs; the session stays with its title, agent, model, queue and files. With `since` only that run and
        those that came after it. Raises `ConflictError` while it runs, `NotFoundError`."""
        ...

    @needs(Scope.READ)
    async def browse(
        self,
        text: str = "",
        agent: str | None = None,
        order: SessionOrder = "updated",
        descending: bool = True,
        offset: int = 0,
        limit: Limit = 50,
        api: str = "",
    ) -> SessionsFound:
        """Returns sessions by number, those in the archive too: up to `limit` behind the first `offset`, and
        how many there are in all. `text` stands in the title or in the id, capitals aside; with `api` also
        in the id that clients of that API have given. `agent` is the name of their agent. Raises
        `InvalidError`."""
        ...

    @needs(Scope.READ)
    async def conversation(self, session_id: str) -> Conversation:
        """Returns all that was said in a session, message by message."""
        ...

    @needs(Scope.READ)
    async def plan(self, session_id: str) -> tuple[PlanItem, ...]:
        """Returns the plan that the session's agent has written down last, step by step; empty where it has
        none."""
        ...

    @needs(Scope.CHAT)
    async def share(self, session_id: str, shared: bool = True) -> Session:
        """Lets everybody who knows the session's id read what is said in it, now and later, without signing
        in; or no longer. Nobody else sees its files, its settings, or who owns it."""
        ...

    @needs(Scope.READ)
    async def shared(self, session_id: str, api: str = "") -> SharedConversation:
        """Returns what was said in a session that its owner has shared, whoever that is; with `api` also by
        the id that clients of that API have given it, where it is the only shared one. Raises
        `NotFoundError`, also for one that is not shared."""
        ...

    @needs(Scope.CHAT)
    async def configure(self, session_id: str, agent: str | None = None, model: str | None = None) -> Session:
        """Changes the agent or the model for the runs that start later; model "" goes back to the order."""
        ...

    @needs(Scope.CHAT)
    async def annotate(self, session_id: str, ext: Ext) -> Session:
        """Keeps with the session what clients of other systems' APIs say of it, by the name of the API; what
        is kept of APIs that are not named stays, and an empty map is taken out. Raises `InvalidError` for
        more than fits."""
        ...

    @needs(Scope.CHAT)
    async def delete(self, session_id: str, permanent: bool = False) -> None:
        """Puts the session into the trash, where nobody sees it: its id stays taken, and `trash.restore`
        brings it back. With `permanent` it is deleted for good, with its events and its own files, also out
        of the trash. Raises `ConflictError` while it runs."""
        ...

    @needs(Scope.CHAT)
    async def fork(self, session_id: str, before: EventId | None = None) -> Session:
        """Returns a new session with the events of ids under `before` (all when None) and their files."""
        ...

    @needs(Scope.READ)
    async def search(self, query: str, limit: Limit = 50, cursor: Cursor | None = None) -> Page[SearchHit]:
        """Returns the places in all sessions where the words of `query` stand, best first.

        What stands in quotation marks must be there as it is. The filters are those of `list`, and
        `role:user` or `role:assistant`; times are those of the messages. The archive is searched too, unless
        `archived:no` is among them. Raises `InvalidError`.
        """
        ...

    @needs(Scope.READ)
    async def find(
        self,
        text: str,
        role: TextRole | None = None,
        session_id: str | None = None,
        offset: int = 0,
        limit: Limit = 50,
    ) -> TextMatches:
        """Returns where `text` stands as it is, capitals aside, in what was said and in what tools gave: all
        sessions that have it, and of the texts themselves up to `limit` behind the first `offset`. Unlike
        `search` it finds parts of words. Raises `InvalidError`."""
        ...

    @needs(Scope.READ)
    async def export(self, session_id: str, format: Literal["markdown", "json"]) -> str:
        """Returns the whole session as a document."""
        ...

    @needs(Scope.READ)
    async def bundle(self, session_id: str) -> Download:
        """Returns both documents of `export` in a zip."""
        ...

    @needs(Scope.READ)
    async def queue(self, session_id: str) -> tuple[QueuedMessage, ...]:
        """Returns the messages that wait, oldest first."""
        ...

    @needs(Scope.CHAT)
    async def pull_back(self, session_id: str, message_id: str) -> QueuedMessage:
        """Takes a waiting message out of the queue. Raises `NotFoundError` when it was sent already."""
        ...

    @needs(Scope.CHAT)
    async def empty_queue(self, session_id: str) -> tuple[QueuedMessage, ...]:
        """Takes all waiting messages out of the queue and returns them, oldest first."""
        ...

    @needs(Scope.READ)
    async def counts(self) -> SessionCounts:
        """Returns how many sessions there are, and how many of them ask for attention."""
        ...

    @needs(Scope.READ)
    async def tally(self, api: str, key: str) -> dict[str, int]:
        """Returns how many sessions there are of each text that clients of an API keep with them under a key
        (`annotate`); those in the archive are left out. Raises `InvalidError`."""
        ...

    @needs(Scope.CHAT)
    async def star(self, session_id: str, starred: bool = True) -> Session:
        """Marks the session with a star, or takes it away."""
        ...

    @needs(Scope.CHAT)
    async def archive(self, session_id: str, archived: bool = True) -> Session:
        """Puts the session into the archive, out of the listing, or takes it out; a run that starts does
        that too."""
        ...

    @needs(Scope.CHAT)
    async def see(self, session_id: str, through: EventId | None = None) -> Session:
        """Notes that the user has looked at the session up to an event (None: all that there is), so that
        no client shows it as unread."""
        ...

    @needs(Scope.CHAT)
    async def take_in(
        self,
        data: Upload,
        name: str = "",
        agent: str = "",
        project: str = "",
    ) -> tuple[Session, ...]:
        """Makes new sessions of an exported file: JSON or Markdown of `export`, the `conversations.json` of
        ChatGPT, or a list of `{role, content}`; `name` is the file's own, for titles.

        The sessions have new ids, the agent that is named (empty: that of the file where it is there, else
        the default one), no files and no sessions of sub-agents. Nothing in a file is executed, allowed or
        counted as used. Raises `InvalidError` when nothing can be read in it, `TooLargeError`.
        """
        ...


class Trash(Protocol):
    """What was deleted, and can be brought back for some days (the setting `trash_days`)."""

    @needs(Scope.READ)
    async def list(
        self, kind: TrashKind | None = None, limit: Limit = 200, cursor: Cursor | None = None
    ) -> Page[Trashed]:
        """Returns what is in the trash, latest first; with `kind` only sessions, memory blocks, memory
        entries or agents."""
        ...

    @needs(Scope.CHAT)
    async def restore(self, kind: TrashKind, id: str) -> None:
        """Brings a thing back as it was. Raises `NotFoundError` when it is not in the trash, `ConflictError`
        when another has its name now."""
        ...

    @needs(Scope.CHAT)
    async def empty(self, kind: TrashKind | None = None, id: str | None = None) -> int:
        """Deletes for good what is in the trash: all of it, all of a kind, or one thing. Returns how many
        things are gone. Raises `NotFoundError` when there is not the one."""
        ...
