"""Changing knowledge: collections are made and deleted, documents taken in and removed, jobs ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.core.domain.errors import ForbiddenError, InvalidError, UnavailableError
from holdfast.core.domain.paths import path_of
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.control.base import Context
from holdfast.tui.control.knowledge import KnowledgeControl
from holdfast.tui.control.local_files import is_local_folder, local_file
from holdfast.tui.control.undoing import UndoingControl
from holdfast.tui.presenters.knowledge.collections import CollectionView
from holdfast.tui.presenters.knowledge.jobs import JobView
from holdfast.tui.presenters.knowledge.state import KnowledgeState

if TYPE_CHECKING:
    from holdfast.core.domain.jobs import Job


_ADD = "Add to {}: a file, a folder or an address"


class IngestingControl:
    """What a person does with collections, documents and jobs."""

    def __init__(self, context: Context, knowledge: KnowledgeControl, undoing: UndoingControl) -> None:
        self._context = context
        self._knowledge = knowledge
        self._undoing = undoing
        self.actions: dict[str, Callable[[str], Awaitable[None]]] = {
            "knowledge.new": self.new,
            "knowledge.add": self.add,
            "knowledge.sync": self.sync,
            "knowledge.watch": self.watch,
            "knowledge.delete": self.delete,
            "knowledge.remove": self.remove,
            "knowledge.cancel": self.cancel,
            "knowledge.retry": self.retry,
        }

    @property
    def _state(self) -> KnowledgeState:
        return self._context.model.knowledge

    async def new(self, name: str) -> None:
        """Makes a collection and takes something in; who leaves one of the questions has made nothing."""
        dialogs = self._context.app.dialogs
        wanted = name or await dialogs.ask("New collection: its name", "")
        if not wanted:
            return
        if self._state.named(wanted) is not None:
            raise InvalidError(f"There is a collection {wanted} already.")
        about = await dialogs.ask_or_none(f"What is {wanted} about? Models read it; it may stay empty.", "")
        if about is None:
            return
        # Asked before it is made: the first collection takes a moment, and nobody should type into it.
        what = await dialogs.ask_or_none(f"{_ADD.format(wanted)}; it may stay empty", "")
        if what is None:
            return
        made = await self._context.workbench.knowledge.create(wanted, about)
        self._state.chosen = made.id
        await self._knowledge.reload()
        await self._knowledge.choose(made.id)
        if what:
            await self.add(what)

    async def add(self, what: str) -> None:
        """Takes in files, folders or pages."""
        collection = self._knowledge.need()
        given = what or await self._context.app.dialogs.ask(_ADD.format(collection.name), "")
        if not given:
            return
        knowledge = self._context.workbench.knowledge
        if given.startswith(("https://", "http://")):
            job = await knowledge.add(collection.id, urls=(given,))
        elif self._context.remote is None:
            job = await knowledge.add(collection.id, paths=(str(self._path(given)),))
        elif (here := self._local_file(given)) is not None:
            job = await self._upload(collection, here)
        elif given.startswith("/"):
            job = await knowledge.add(collection.id, paths=(given,))
        else:
            raise InvalidError(self._not_there(given, collection.name))
        self._state.jobs.merge(job)
        self._knowledge.mark()

    def _local_file(self, given: str) -> Path | None:
        start = self._context.app.start
        return local_file(given, start.folder) if start.at_hand else None

    def _not_there(self, given: str, collection: str) -> str:
        """Returns what to do instead with something that an engine elsewhere cannot be sent."""
        if not self._context.app.start.at_hand:
            return "Files cannot be sent from a browser; `holdfast knowledge add` sends them from a terminal."
        if is_local_folder(given, self._context.app.start.folder):
            return (
                f"{sanitize_line(given)} is a folder of this machine, and files alone are sent from here: "
                f"`holdfast knowledge add {collection} {sanitize_line(given)}` sends what is in a folder."
            )
        return (
            f"There is no file {sanitize_line(given)} on this machine. What the engine's machine has "
            "is named by its whole path."
        )

    def _path(self, given: str) -> Path:
        return (self._context.app.start.folder / path_of(given)).absolute()

    async def _upload(self, collection: CollectionView, path: Path) -> Job:
        try:
            with path.open("rb") as data:
                return await self._context.workbench.knowledge.upload(collection.id, path.name, data)
        except OSError as error:
            reason = error.strerror or str(error)
            raise ForbiddenError(f"{sanitize_line(str(path))} cannot be read: {reason}.") from error

    async def sync(self, _: str = "") -> None:
        """Brings the chosen collection in step with its folders."""
        self._state.jobs.merge(await self._context.workbench.knowledge.sync(self._knowledge.need().id))
        self._knowledge.mark()

    async def watch(self, _: str = "") -> None:
        """Lets the folders of the chosen collection be watched, or no longer."""
        collection = self._knowledge.need()
        if not collection.folders:
            raise InvalidError(f"{collection.name} has no folder: a adds one.")
        on = not all(folder.watched for folder in collection.folders)
        for folder in collection.folders:
            if folder.watched != on:
                await self._context.workbench.knowledge.watch(collection.id, folder.path, on)
        await self._knowledge.reload()
        said = "taken in as they happen" if on else "no longer taken in by themselves: y does it"
        self._context.view.say(f"{collection.name}: changes of its folders are {said}.")

    async def delete(self, _: str = "") -> None:
        """Puts the chosen collection into the trash; asks before where it has documents: no folder may have
        all of them any more."""
        collection = self._knowledge.need()
        dialogs = self._context.app.dialogs
        question = (
            f"Delete the collection “{collection.name}” with its {collection.documents} documents? "
            "It goes into the trash; files on disk stay."
        )
        if collection.documents and not await dialogs.confirm(question, "delete"):
            return
        await self._context.workbench.knowledge.delete(collection.id)
        await self._knowledge.reload()
        await self._knowledge.read_documents()
        self._undoing.deleted(f"“{collection.name}”", [("collection", collection.id)])

    async def remove(self, document_id: str) -> None:
        """Removes a document from the chosen collection."""
        document = next((one for one in self._state.documents or [] if one.id == document_id), None)
        if document is None:
            return
        question = (
            f"Remove “{document.name}” from {self._knowledge.need().name}? This cannot be undone: "
            "its file stays where it is, and can be added again."
        )
        if not await self._context.app.dialogs.confirm(question, "remove"):
            return
        await self._context.workbench.knowledge.remove(document_id)
        await self._knowledge.reload()
        await self._knowledge.read_documents()

    async def cancel(self, job_id: str) -> None:
        """Ends a job."""
        self._state.jobs.merge(await self._context.workbench.jobs.cancel(self._job(job_id, running=True).id))
        self._knowledge.mark()

    async def retry(self, job_id: str) -> None:
        """Tries again what failed in a job."""
        self._state.jobs.merge(await self._context.workbench.jobs.retry(self._job(job_id, running=False).id))
        self._knowledge.mark()

    def _job(self, job_id: str, *, running: bool) -> JobView:
        """Returns the job under the cursor, else the latest one that the key is for."""
        jobs = self._state.jobs
        fits = [job for job in jobs.jobs if (job.running if running else job.retryable)]
        job = jobs.get(job_id)
        if job is not None and job not in fits:
            said = "This job has ended." if running else "There is nothing of this job to try again."
            raise UnavailableError(said, code="no_job", retryable=False)
        if job is None and not fits:
            what = "runs" if running else "has failed"
            raise UnavailableError(f"No job {what}.", code="no_job", retryable=False)
        return job or fits[0]
