"""One `holdfast run`, from the command line to the exit status."""

from __future__ import annotations

import asyncio
import shutil
import sys

from holdfast.cli.doors import doors
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
)
from holdfast.cli.running.terminal import Person
from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import HoldfastError, InvalidError, NotFoundError
from holdfast.core.domain.messages import UserPart
from holdfast.core.domain.models import ModelChoice
from holdfast.core.domain.runs import Session
from holdfast.core.domain.values import new_id
from holdfast.core.services.workbench import Workbench


def execute(request: RunRequest, person: Person | None, as_json: bool) -> int:
    """Runs the request and returns the exit status. `person` is None when nobody is to be asked."""

    async def executed() -> int:
        console = Console(sys.stdout, sys.stderr, shutil.get_terminal_size().columns)
        async with doors().workbench() as workbench:
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
        """Sends the message and follows its run to the exit status. Raises `HoldfastError`."""
        request = self._request
        try:
            agent = await find_agent(self._workbench, request)
            await self._settle_trust(agent)
            session, after = await open_session(self._workbench, request, agent.name)
        except NotFoundError as unknown:
            raise InvalidError(unknown.message, code=unknown.code, details=unknown.details) from unknown
        return await self._sent(session, after)

    async def _sent(self, session: Session, after: int) -> int:
        workbench, request = self._workbench, self._request
        choice = await self._choice(session)
        parts = await self._parts(session)
        progress = Progress(new_id(), None)
        reporter = Reporter(self._console, choice, self._as_json)
        follower = Follower(workbench, session.id, self._console, reporter, progress, self._asker)
        with follower.interrupts():
            submitted = await workbench.runs.send(session.id, parts, request.options, progress.message_id)
            progress.run_id = submitted.run_id
            return await follower.follow(after)

    async def _settle_trust(self, agent: AgentInfo) -> None:
        if not needs_trust(agent):
            return
        project = str(self._request.project)
        if self._asker is not None and await self._workbench.agents.trusted(project) is None:
            await self._asker.ask_trust(agent, project)
            return
        self._console.line(
            f"{agent.name} comes from a folder that you have not trusted: its `allow` rules count as `ask`"
            " (holdfast trust)"
        )

    async def _choice(self, session: Session) -> ModelChoice | None:
        """Returns why the model is the one it is; None when the session says so itself."""
        if session.model is not None and self._request.options.model is None:
            return None
        return await self._workbench.models.choose(
            session.agent, session.project, self._request.options.model
        )

    async def _parts(self, session: Session) -> tuple[UserPart, ...]:
        request = self._request
        try:
            return await message_parts(self._workbench, session.id, request.message, request.files)
        except HoldfastError:
            if request.session is None:  # nothing was said in it yet
                await self._workbench.sessions.delete(session.id)
            raise
