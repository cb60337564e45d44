"""One `holdfast run`, from the command line to the exit status."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from holdfast.cli.calling import open_workbench
from holdfast.cli.running.asking import Asker
from holdfast.cli.running.console import Console
from holdfast.cli.running.following import INTERRUPTED, Follower
from holdfast.cli.running.progress import Progress
from holdfast.cli.running.reporter import Reporter
from holdfast.cli.running.request import (
    RunRequest,
    find_agent,
    message_parts,
    needs_trust,
    open_session,
    prompt_parts,
)
from holdfast.cli.running.terminal import Person
from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import ErrorKind, HoldfastError, InvalidError
from holdfast.core.domain.messages import UserPart, text_of
from holdfast.core.domain.models import ModelChoice
from holdfast.core.domain.runs import Session
from holdfast.core.domain.values import new_id
from holdfast.core.services.workbench import Workbench


def execute(request: RunRequest, person: Person | None, as_json: bool) -> int:
    """Runs the request and returns the exit status. `person` is None when nobody is to be asked."""

    async def executed() -> int:
        console = Console(sys.stdout, sys.stderr, shutil.get_terminal_size().columns)
        async with open_workbench() as workbench:
            return await Execution(workbench, request, console, person, as_json).run()

    try:
        return asyncio.run(executed())
    except asyncio.CancelledError:
        return INTERRUPTED


class Execution:
    """What one request does with an open workbench."""

    def __init__(
        self,
        workbench: Workbench,
        request: RunRequest,
        console: Console,
        person: Person | None,
        as_json: bool,
    ) -> None:
        self._workbench = workbench
        self._request = request
        self._console = console
        self._asker = None if person is None else Asker(workbench, console, person)
        self._as_json = as_json

    async def run(self) -> int:
        """Sends the message and follows its run to the exit status.

        Raises `InvalidError` when the request cannot be, and the other `HoldfastError` of the services.
        """
        with usage_errors():
            agent = await find_agent(self._workbench, self._request)
            await self._settle_trust(agent)
            session, after = await open_session(self._workbench, self._request, agent.name)
        async with self._refusable(session):
            parts = await self._parts(session)
            choice = await self._choice(session)
        reporter = Reporter(self._console, choice, self._as_json)
        progress = Progress(new_id(), None)
        follower = Follower(self._workbench, session.id, self._console, reporter, progress, self._asker)
        with follower.interrupts():
            if self._request.mode is not None:
                await self._workbench.approvals.set_mode(session.id, self._request.mode)
            async with self._refusable(session):
                submitted = await self._workbench.runs.send(
                    session.id, parts, self._request.options, progress.message_id
                )
            progress.run_id = submitted.run_id
            return await follower.follow(after)

    async def _parts(self, session: Session) -> tuple[UserPart, ...]:
        """Returns what is sent; of a prompt it is shown, for nobody has seen it yet."""
        request = self._request
        if request.prompt is None:
            return await message_parts(self._workbench, session.id, request.message, request.files)
        parts = await prompt_parts(self._workbench, session.id, request.prompt)
        for line in text_of(parts).splitlines():
            self._console.line(f"> {line}")
        return parts

    @asynccontextmanager
    async def _refusable(self, session: Session) -> AsyncIterator[None]:
        """Deletes the session that was made for a message which then could not be sent."""
        try:
            with usage_errors():
                yield
        except InvalidError:
            if self._request.session is None:
                await self._workbench.sessions.delete(session.id, permanent=True)
            raise

    async def _settle_trust(self, agent: AgentInfo) -> None:
        if not needs_trust(agent):
            return
        project = self._request.project
        if self._asker is not None and await self._workbench.agents.trusted(project) is None:
            await self._asker.ask_trust(agent, project)
            return
        self._console.line(
            f"{agent.name} comes from a folder that you have not trusted: its `allow` rules count as `ask`"
            f"{_left_out(agent)} (holdfast trust)"
        )

    async def _choice(self, session: Session) -> ModelChoice | None:
        """Returns why the model is the one it is; None when the session says so itself."""
        if session.model is not None and self._request.options.model is None:
            return None
        return await self._workbench.models.choose(
            session.agent, session.project, self._request.options.model
        )


def _left_out(agent: AgentInfo) -> str:
    """Returns in words what else an agent has not, as long as its folder is not trusted."""
    spec = agent.spec
    if spec is None or not (spec.knowledge or spec.memory.blocks or spec.memory.recall):
        return ""
    return ", and it searches no collections and has no memory"


@contextmanager
def usage_errors() -> Iterator[None]:
    """Before the run, something that is wrong or not there is wrong usage: an `InvalidError`."""
    try:
        yield
    except InvalidError:
        raise
    except HoldfastError as error:
        if error.kind not in (ErrorKind.INVALID, ErrorKind.NOT_FOUND):
            raise
        raise InvalidError(error.message, code=error.code, details=error.details) from error
