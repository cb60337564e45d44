"""Runs and the people who steer them; the events that tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime

from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.domain.addresses import WebAddress
from holdfast.core.domain.context import Compaction, RunContext
from holdfast.core.domain.errors import InvalidError, NotFoundError, from_info
from holdfast.core.domain.events import (
    EventFilter,
    LoggedEvent,
    QuestionsSuggested,
    RunCancelled,
    RunCompleted,
    RunFailed,
)
from holdfast.core.domain.forms import FormAction, FormAnswer
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.limits import Payer
from holdfast.core.domain.messages import TextPart, UserPart
from holdfast.core.domain.options import McpServerUse
from holdfast.core.domain.run_log import RunMap, RunQuery, RunReport, RunsFound, RunSort
from holdfast.core.domain.runs import FollowUpKind, QueuedMessage, Run, RunOptions, RunStatus, Submitted
from holdfast.core.domain.tools import Question
from holdfast.core.domain.values import Page, new_id
from holdfast.core.runs.broker import Broker
from holdfast.core.runs.supervisor import Supervisor
from holdfast.core.services.access import Access
from holdfast.core.services.attachments import Attachments
from holdfast.core.services.budgets import Budgets
from holdfast.core.services.contexts import ContextReader
from holdfast.core.services.needs import Needs
from holdfast.core.services.paging import checked_limit
from holdfast.core.services.run_log import RunLog
from holdfast.core.store.log import EventLog

MOST_SUGGESTED = 10
"""Questions that one call may ask for."""


class RunService:
    """Implements the `Runs` of a workbench."""

    def __init__(
        self,
        access: Access,
        log: EventLog,
        supervisor: Supervisor,
        broker: Broker,
        attachments: Attachments,
        contexts: ContextReader,
        budgets: Budgets,
        registry: AgentRegistry,
    ) -> None:
        self._access = access
        self._registry = registry
        self._run_log = RunLog(access, log, registry)
        self._attachments = attachments
        self._budgets = budgets
        self._contexts = contexts
        self._log = log
        self._supervisor = supervisor
        self._broker = broker

    async def send(
        self,
        session_id: str,
        parts: tuple[UserPart, ...],
        options: RunOptions | None = None,
        message_id: str | None = None,
    ) -> Submitted:
        _check_not_empty(parts)
        session = await self._access.session(session_id)
        options = await self._allowed(parts, options)
        key = await self._admitted(session.agent, session.project)
        return await self._supervisor.send(session_id, tuple(parts), options, message_id or new_id(), key)

    async def _admitted(self, agent: str, project: str) -> str:
        """Counts a request for work of an agent; returns the key on whose account it goes. Raises
        `RateLimitedError`."""
        principal = self._access.principal
        payer = Payer(owner=principal.user_id, key=principal.key_id, agent=agent)
        if await self._budgets.plans.counted():
            payer = payer.model_copy(update={"plan": await self._plan_of(agent, project)})
        await self._budgets.admit(payer)
        return principal.key_id

    async def _plan_of(self, agent: str, project: str) -> str:
        """Returns the plan of an agent; empty: it has none, or there is no such agent."""
        folder = Path(project) if project else None
        try:
            found = await asyncio.to_thread(self._registry.get, agent, folder, self._access.owner)
        except NotFoundError:
            return ""
        return (found.spec.plan if found.spec else None) or ""

    async def _allowed(self, parts: tuple[UserPart, ...], options: RunOptions | None) -> RunOptions:
        """Returns the options. Raises `ForbiddenError` for a model's address that is not the caller's to
        name, for the engine's key for the provider is sent there, and `NotFoundError` for contents of others.
        """
        options = options or RunOptions()
        if options.model_settings is not None and options.model_settings.api_base is not None:
            self._access.machine("`api_base` in the options of a run")
        if options.mcp_servers:
            self._check_servers(options.mcp_servers)
        await self._attachments.check(self._access.principal, parts, options)
        return options

    def _check_servers(self, servers: tuple[McpServerUse, ...]) -> None:
        """Raises `ForbiddenError` for who may not add servers, of which these are some, for a while; and
        `InvalidError` for one that cannot be reached as it is said."""
        Needs(Scope.ADMIN).check("Naming MCP servers in the options of a run", self._access.principal)
        if len({each.name for each in servers}) != len(servers):
            raise InvalidError("`mcp_servers` names a server twice.", code="invalid_mcp_server")
        for each in servers:
            if each.command:
                self._access.machine("An MCP server that is a program, in the options of a run,")
            if bool(each.command) == (each.url is not None):
                raise InvalidError(
                    f"The MCP server {each.name} needs a `command` or a `url`, and not both.",
                    code="invalid_mcp_server",
                )
            if each.url is not None:
                WebAddress.parse(each.url)

    async def get(self, run_id: str) -> Run:
        return await self._access.run(run_id)

    async def of_message(self, message_id: str) -> Run:
        run = await self._log.reader.run_of_message(message_id, self._access.owner)
        if run is None:
            raise NotFoundError(
                f"There is no message {message_id[:80]!r} that a run has.", code="message_not_found"
            )
        return run

    async def list(self, session_id: str, limit: int = 100, cursor: str | None = None) -> Page[Run]:
        await self._access.session(session_id)
        return await self._log.reader.runs(session_id, checked_limit(limit), cursor)

    async def cancel(self, run_id: str) -> Run:
        await self._access.run(run_id)
        await self._supervisor.cancel(run_id)
        return await self.get(run_id)

    async def pause(self, run_id: str) -> Run:
        await self._access.run(run_id)
        self._supervisor.pause(run_id)
        return await self.get(run_id)

    async def resume(self, run_id: str) -> Run:
        await self._access.run(run_id)
        self._supervisor.resume(run_id)
        return await self.get(run_id)

    async def finish(self, run_id: str) -> Run:
        await self._access.run(run_id)
        self._supervisor.finish(run_id)
        return await self.get(run_id)

    async def steer(self, run_id: str, parts: tuple[UserPart, ...]) -> None:
        run = await self._access.run(run_id)
        _check_not_empty(parts)
        await self._allowed(parts, None)
        session = await self._access.session(run.session_id)
        key = await self._admitted(run.agent, session.project)
        await self._supervisor.steer(run_id, tuple(parts), key)

    async def follow_up(
        self,
        session_id: str,
        parts: tuple[UserPart, ...],
        kind: FollowUpKind = "default",
        options: RunOptions | None = None,
        message_id: str | None = None,
    ) -> QueuedMessage:
        _check_not_empty(parts)
        session = await self._access.session(session_id)
        options = await self._allowed(parts, options)
        key = await self._admitted(session.agent, session.project)
        wanted = message_id or new_id()
        return await self._supervisor.follow_up(session_id, tuple(parts), kind, options, wanted, key)

    async def go_on(self, session_id: str, options: RunOptions | None = None) -> Submitted:
        session = await self._access.session(session_id)
        options = await self._allowed((), options)
        key = await self._admitted(session.agent, session.project)
        return await self._supervisor.go_on(session_id, options, key)

    async def search(  # noqa: PLR0913 (a filter each, all optional)
        self,
        text: str = "",
        agent: str | None = None,
        session: str | None = None,
        parent: str | None = None,
        status: RunStatus | None = None,
        since: AwareDatetime | None = None,
        sort: RunSort = "time",
        descending: bool = True,
        offset: int = 0,
        limit: int = 100,
    ) -> RunsFound:
        return await self._run_log.search(
            RunQuery(
                text=text,
                agents=None if agent is None else (agent,),
                session=session,
                parent=parent,
                status=status,
                since=since,
                sort=sort,
                descending=descending,
                offset=offset,
                limit=checked_limit(limit),
            )
        )

    async def report(self, run_id: str) -> RunReport:
        return await self._run_log.report(run_id)

    async def map(self, session_id: str, limit: int = 50, before: str | None = None) -> RunMap:
        return await self._run_log.map(session_id, limit, before)

    async def context(self, run_id: str, step: int | None = None) -> RunContext:
        return await self._contexts.of_run(await self._access.run(run_id), step)

    async def compaction(self, run_id: str, event_id: int) -> Compaction:
        return await self._contexts.compaction(await self._access.run(run_id), event_id)

    async def compact(self, session_id: str, focus: str = "") -> Submitted:
        session = await self._access.session(session_id)
        key = await self._admitted(session.agent, session.project)
        return await self._supervisor.asides.compact(session_id, focus, key)

    async def suggest(self, session_id: str, count: int = 3) -> tuple[str, ...]:
        if not 1 <= count <= MOST_SUGGESTED:
            raise InvalidError(f"1 to {MOST_SUGGESTED} questions are suggested at a time.")
        session = await self._access.session(session_id)
        key = await self._admitted(session.agent, session.project)
        started = await self._supervisor.asides.suggest(session_id, count, key)
        questions: tuple[str, ...] = ()
        async for logged in self._log.follow(EventFilter(run_id=started.run_id), 0):
            match logged.event:
                case QuestionsSuggested():
                    questions = logged.event.questions
                case RunFailed(error=error):
                    raise from_info(error)
                case RunCompleted() | RunCancelled():
                    break
        return questions

    async def questions(
        self, session_id: str | None = None, limit: int = 200, cursor: str | None = None
    ) -> Page[Question]:
        return await self._log.reader.questions(session_id, checked_limit(limit), cursor, self._access.owner)

    async def answer(
        self,
        question_id: str,
        answer: str = "",
        action: FormAction | None = None,
        fields: dict[str, Any] | None = None,
    ) -> None:
        await self._access.question(question_id)
        if fields is not None and action is None:
            raise InvalidError("Fields are given with the action `accept`.", code="invalid_fields")
        given = None if action is None else FormAnswer(action=action, fields=fields or {})
        await self._broker.answer(question_id, answer, given)


def _check_not_empty(parts: tuple[UserPart, ...]) -> None:
    """Raises `InvalidError` for a message that says nothing: providers refuse it."""
    if all(isinstance(part, TextPart) and not part.text.strip() for part in parts):
        raise InvalidError("A message needs a text or a file.", code="empty_message")


class EventService:
    """Implements the `Events` of a workbench."""

    def __init__(self, access: Access, log: EventLog) -> None:
        self._access = access
        self._log = log

    async def read(self, filter: EventFilter, after: int = 0, limit: int = 1000) -> Page[LoggedEvent]:
        found = await self._log.read(filter, after, checked_limit(limit) + 1, self._access.owner)
        more = len(found) > limit
        return Page[LoggedEvent](
            items=tuple(found[:limit]), next_cursor=str(found[limit - 1].id) if more else None
        )

    async def page_before(
        self, session_id: str, before: int | None = None, limit: int = 200
    ) -> Page[LoggedEvent]:
        await self._access.session(session_id)
        reader = self._log.reader
        page = await reader.page_before(session_id, before, checked_limit(limit))
        more = bool(page) and await reader.has_events_before(session_id, page[0].id)
        return Page[LoggedEvent](items=tuple(page), next_cursor=str(page[0].id) if more else None)

    def follow(self, filter: EventFilter, after: int | None = None) -> AsyncIterator[LoggedEvent]:
        return self._log.follow(filter, after, self._access.owner)
