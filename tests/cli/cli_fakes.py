"""A workbench and doors in memory. A run is a script: a coroutine that emits events and waits for people."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import Settings
from holdfast.core.domain import events as ev
from holdfast.core.domain.accounts import AccountMode, SignInWays
from holdfast.core.domain.agents import AgentInfo, AgentSpec, AvailableAgent, Layer, ToolAssignment, Trust
from holdfast.core.domain.approvals import (
    Approval,
    ApprovalStatus,
    ApproveMode,
    Decision,
    Rules,
    Verdict,
)
from holdfast.core.domain.confinement import Protection
from holdfast.core.domain.errors import (
    ConflictError,
    Diagnostic,
    ErrorInfo,
    HoldfastError,
    InvalidError,
    NotFoundError,
    UnauthenticatedError,
)
from holdfast.core.domain.files import FileEntry
from holdfast.core.domain.messages import FilePart, TextPart
from holdfast.core.domain.models import ModelChoice, ModelInfo
from holdfast.core.domain.modes import AutoLimits, SessionMode
from holdfast.core.domain.providers import ProviderCheck
from holdfast.core.domain.rules import RuleEntry, RuleSuggestion, RuleWeight
from holdfast.core.domain.runs import Run, RunStatus, SearchHit, Session, Submitted, ToolRun
from holdfast.core.domain.status import CheckResult, EngineStatus
from holdfast.core.domain.tools import DiffBlock, Question, Risk, ToolInfo
from holdfast.core.domain.trash import Trashed
from holdfast.core.domain.values import Page, new_id

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
DIFF = "--- a/report.md\n+++ b/report.md\n@@ -1 +1 @@\n-old line\n+new line\n"
Script = Callable[["FakeRun"], Awaitable[None]]


def session_of(id: str, agent: str = "general", title: str = "A title", **more: Any) -> Session:
    fields = {"project": "/project", "workspace": "/workspace", "created_at": NOW, "updated_at": NOW, **more}
    return Session(id=id, title=title, agent=agent, **fields)


def approval_of(
    id: str, session_id: str = "s", run_id: str = "r", call_id: str = "c", **more: Any
) -> Approval:
    fields: dict[str, Any] = {
        "agent": "general",
        "tool": "write_file",
        "risk": Risk.WRITE,
        "subject": "report.md",
        "arguments": {"path": "report.md", "content": "new line\n"},
        "preview": (DiffBlock(path="report.md", diff=DIFF),),
        "rule": "write_file(*.md)",
        "reason": "no rule allows it",
        "requested_at": NOW,
    }
    return Approval(id=id, session_id=session_id, run_id=run_id, call_id=call_id, **(fields | more))


def agent_of(name: str, **more: Any) -> AgentInfo:
    tools = (ToolAssignment(tool="read_file"),)
    spec = AgentSpec(version=1, name=name, description=f"Does {name} things.", tools=tools)
    fields = {
        "id": "5ba4f1c7-0000-4bc2-9d0f-0c9e3b1d7a52",
        "description": spec.description,
        "layer": Layer.SHIPPED,
        "path": f"/agents/{name}.yaml",
        "spec": spec,
    }
    return AgentInfo(name=name, **(fields | more))


class FakeRun:
    """What a script has in its hands."""

    def __init__(self, workbench: FakeWorkbench, session_id: str, id: str) -> None:
        self.workbench = workbench
        self.session_id = session_id
        self.id = id
        self.cancelled = asyncio.Event()

    def emit(self, kind: type, /, **fields: Any) -> None:
        self.workbench.log(kind(session_id=self.session_id, run_id=self.id, **fields))

    def text(self, *deltas: str, kind: str = "text") -> None:
        part = new_id()
        self.emit(ev.PartStarted, part_id=part, kind=kind)
        for delta in deltas:
            self.emit(ev.PartDelta, part_id=part, text=delta)
        self.emit(ev.PartCompleted, part_id=part, kind=kind, text="".join(deltas))

    def request(self, call_id: str = "c", name: str = "write_file", **arguments: Any) -> None:
        self.emit(ev.ToolCallRequested, call_id=call_id, step=1, name=name, arguments=arguments)

    def complete_call(
        self, call_id: str = "c", name: str = "write_file", outcome: str = "ok", text: str = ""
    ) -> None:
        self.emit(
            ev.ToolCallCompleted, call_id=call_id, name=name, outcome=outcome, content=(TextPart(text=text),)
        )

    async def approval(self, id: str = "", call_id: str = "c", **more: Any) -> Decision:
        asked = approval_of(id or new_id(), self.session_id, self.id, call_id, **more)
        decided = self.ask(asked)
        return await decided

    def ask(self, asked: Approval) -> asyncio.Future[Decision]:
        decided: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self.workbench.pending[asked.id] = (asked, decided)
        self.emit(ev.ApprovalRequested, approval=asked)
        return decided

    async def question(self, text: str, *choices: str, free_text: bool = True, id: str = "") -> str:
        asked = Question(
            id=id or new_id(),
            session_id=self.session_id,
            run_id=self.id,
            call_id="q",
            text=text,
            choices=choices,
            free_text=free_text,
        )
        answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.workbench.open_questions[asked.id] = (asked, answered)
        self.emit(ev.QuestionAsked, question=asked)
        return await answered


@dataclass
class Sent:
    """A message as it arrived."""

    session_id: str
    parts: tuple[Any, ...]
    options: Any
    message_id: str | None


class FakeWorkbench:
    """All nouns in one object; each noun is a small namespace of its methods."""

    def __init__(self, script: Script | None = None, busy: bool = False) -> None:
        self.script = script
        self.busy = busy
        self.logged: list[ev.LoggedEvent] = []
        self.broken: BaseException | None = None
        self.grown = asyncio.Condition()
        self.known: dict[str, Session] = {}
        self.agent_infos = {"general": agent_of("general")}
        self.pending: dict[str, tuple[Approval, asyncio.Future[Decision]]] = {}
        self.listed_approvals: list[Approval] = []
        self.open_questions: dict[str, tuple[Question, asyncio.Future[str]]] = {}
        self.run_rows: list[Run] = []
        self.file_rows: list[FileEntry] = []
        self.model_rows: list[ModelInfo] = []
        self.tool_rows: list[ToolInfo] = []
        self.hits: list[SearchHit] = []
        self.checks: list[CheckResult] = []
        self.provider_keys: dict[str, str] = {}
        self.trust_words: dict[str, Trust] = {}
        self.choice = ModelChoice(model="offline", source="default", hint="no key found: holdfast keys")
        self.sent: list[Sent] = []
        self.decisions: list[tuple[str, Decision]] = []
        self.answers: list[tuple[str, str]] = []
        self.calls: list[tuple[Any, ...]] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.cancel_events: dict[str, FakeRun] = {}
        self.agents = SimpleNamespace(
            list=self._agents,
            get=self._agent,
            available=self._available,
            install=self._install,
            uninstall=self._uninstall,
            validate=None,
            trust=self._trust,
            trusted=self._trusted,
        )
        self.sessions = SimpleNamespace(
            list=self._sessions,
            create=self._create,
            get=self._session,
            rename=self._rename,
            configure=self._configure,
            delete=self._delete,
            fork=self._fork,
            clear=self._clear,
            entitle=self._entitle,
            search=self._search,
            export=self._export,
            queue=self._nothing,
            pull_back=self._pull_back,
            star=self._star,
            share=self._share,
            archive=self._archive,
            take_in=self._take_in,
        )
        self.trash = SimpleNamespace(list=self._trash, restore=self._restore, empty=self._empty)
        self.trashed: dict[str, Session] = {}
        self.runs = SimpleNamespace(
            send=self._send,
            list=self._runs,
            cancel=self._cancel,
            questions=self._questions,
            answer=self._answer,
        )
        self.approvals = SimpleNamespace(
            list=self._approvals,
            history=self._history,
            decide=self._decide,
            rules=self._rules,
            policy_path=self._policy_path,
            sources=self._sources,
            weigh=self._weigh,
            suggestions=self._suggestions,
            add_rule=self._add_rule,
            remove_rule=self._remove_rule,
            mode=self._mode,
            set_mode=self._set_mode,
        )
        self.ruled: list[tuple[str, str, str]] = []
        """What was done to rules: added or removed, which, in which list."""
        self.modes: dict[str, SessionMode] = {}
        self.asked_history: tuple[Any, ...] = ()
        self.events = SimpleNamespace(follow=self._follow)
        self.files = SimpleNamespace(list=self._files, attach=self._attach, undo=self._undo, redo=self._undo)
        self.tools = SimpleNamespace(list=self._tools, run=self._run_tool, result=self._tool_result)
        self.key_state = "right"
        self.models = SimpleNamespace(list=self._models, choose=self._choose)
        self.keys = SimpleNamespace(
            providers=self._providers,
            set_provider=self._set_provider,
            remove_provider=self._remove_provider,
            check_provider=self._check_provider,
            set_address=self._set_address,
        )
        self.sandbox: Protection | None = None
        self.engine = SimpleNamespace(status=self._status, check=self._check, settings=self._settings)

    # --- the log

    def log(self, event: Any) -> None:
        self.logged.append(ev.LoggedEvent(id=len(self.logged) + 1, event=event))
        self.tasks.append(asyncio.create_task(self._notify()))

    async def _notify(self) -> None:
        async with self.grown:
            self.grown.notify_all()

    async def _follow(
        self, filter: ev.EventFilter, after: int | None = None
    ) -> AsyncIterator[ev.LoggedEvent]:
        position = len(self.logged) if after is None else after
        while True:
            async with self.grown:
                while self.broken is None and len(self.logged) <= position:
                    await self.grown.wait()
            if self.broken:
                raise HoldfastError(f"the script is wrong: {self.broken!r}")
            for logged in self.logged[position:]:
                position = logged.id
                if filter.admits(logged.event):
                    yield logged

    # --- runs

    async def _send(
        self, session_id: str, parts: Any, options: Any = None, message_id: Any = None
    ) -> Submitted:
        self.sent.append(Sent(session_id, parts, options, message_id))
        run = FakeRun(self, session_id, f"run-{len(self.sent)}")
        self.cancel_events[run.id] = run
        if self.busy:
            self.log(ev.MessageQueued(session_id=session_id, message_id=message_id, parts=parts))
            self.tasks.append(asyncio.create_task(self._play_queued(run, message_id, parts)))
            return Submitted(session_id=session_id, message_id=message_id, run_id=None)
        self._open(run, message_id, parts)
        self.tasks.append(asyncio.create_task(self._play(run)))
        return Submitted(session_id=session_id, message_id=message_id, run_id=run.id)

    def _open(self, run: FakeRun, message_id: str, parts: Any) -> None:
        run.emit(ev.RunStarted, agent="general", model=self.sent[-1].options.model or "offline")
        run.emit(ev.MessageAdded, message_id=message_id, parts=parts)

    async def _play_queued(self, run: FakeRun, message_id: str, parts: Any) -> None:
        other = FakeRun(self, run.session_id, "other-run")
        other.text("not ours")
        other.emit(ev.RunCompleted)
        self.log(ev.MessageDequeued(session_id=run.session_id, message_id=message_id, reason="sent"))
        self._open(run, message_id, parts)
        await self._play(run)

    async def _play(self, run: FakeRun) -> None:
        assert self.script is not None
        script = asyncio.ensure_future(self.script(run))
        script.add_done_callback(self._after_script)
        await script

    def _after_script(self, script: asyncio.Future[None]) -> None:
        """A mistake in a test's script must not look like a run that waits."""
        if not script.cancelled() and script.exception() is not None:
            self.broken = script.exception()
            self.tasks.append(asyncio.create_task(self._notify()))

    async def _tools(self, project: str | None = None) -> tuple[ToolInfo, ...]:
        return tuple(self.tool_rows)

    async def _run_tool(self, session_id: str, name: str, arguments: Any, options: Any = None) -> ToolRun:
        self.calls.append(("run_tool", session_id, name, arguments, options))
        run = FakeRun(self, session_id, "tool-run")
        self.cancel_events[run.id] = run
        run.emit(ev.RunStarted, agent="general", model="")
        run.emit(ev.ToolCallRequested, call_id="c", step=0, name=name, arguments=arguments)
        self.tasks.append(asyncio.create_task(self._play(run)))
        return ToolRun(session_id=session_id, run_id=run.id, call_id="c", tool=name, status="running")

    async def _tool_result(self, run_id: str) -> ToolRun:
        done = [e.event for e in self.logged if isinstance(e.event, ev.ToolCallCompleted)][-1]
        fields = {"session_id": done.session_id, "run_id": run_id, "call_id": "c", "tool": done.name}
        return ToolRun(**fields, status="completed", outcome=done.outcome, content=done.content)

    async def _cancel(self, run_id: str) -> None:
        self.calls.append(("cancel", run_id))
        self.cancel_events[run_id].cancelled.set()
        self.cancel_events[run_id].emit(ev.RunCancelled)

    async def _runs(self, session_id: str, limit: int = 100, cursor: Any = None) -> Page[Run]:
        return Page(items=tuple(self.run_rows))

    async def _questions(
        self, session_id: str | None = None, limit: int = 200, cursor: Any = None
    ) -> Page[Question]:
        return Page(items=tuple(q for q, _ in self.open_questions.values()))

    async def _answer(
        self, question_id: str, answer: str = "", action: Any = None, fields: Any = None
    ) -> None:
        question, future = self.open_questions.pop(question_id)
        self.answers.append((question_id, answer if action is None else f"{action} {fields}"))
        self.log(
            ev.QuestionAnswered(
                session_id=question.session_id,
                run_id=question.run_id,
                question_id=question_id,
                call_id=question.call_id,
                answer=answer,
            )
        )
        future.set_result(answer)

    # --- approvals

    async def _approvals(
        self, session_id: str | None = None, pending: bool = True, limit: int = 200, cursor: Any = None
    ) -> Page[Approval]:
        every = [*self.listed_approvals, *(a for a, _ in self.pending.values())]
        return Page(
            items=tuple(
                a
                for a in every
                if (not pending or a.status is ApprovalStatus.PENDING) and session_id in (None, a.session_id)
            )
        )

    async def _decide(self, approval_id: str, decision: Decision) -> Approval:
        self.decisions.append((approval_id, decision))
        if decision.arguments is not None and "path" not in decision.arguments:
            raise InvalidError("arguments.path: is missing")
        status = "approved" if decision.outcome == "approve" else "denied"
        if approval_id not in self.pending:
            found = next(a for a in self.listed_approvals if a.id == approval_id)
            if found.status is not ApprovalStatus.PENDING:
                raise ConflictError("this was decided already")
            return found.model_copy(update={"status": status, "decision": decision})
        asked, future = self.pending.pop(approval_id)
        self.log(
            ev.ApprovalResolved(
                session_id=asked.session_id,
                run_id=asked.run_id,
                approval_id=asked.id,
                call_id=asked.call_id,
                status=status,
                decision=decision,
            )
        )
        future.set_result(decision)
        return asked.model_copy(update={"status": status, "decision": decision})

    async def _rules(self) -> Rules:
        return Rules(allow=("read_file",), deny=("run_command(rm *)",))

    async def _history(self, *asked: Any) -> Page[Approval]:
        self.asked_history = asked
        return Page(items=tuple(reversed(self.listed_approvals)))

    async def _sources(self, session_id: str | None = None) -> tuple[RuleEntry, ...]:
        own = RuleEntry(
            rule="read_file",
            verdict=Verdict.ALLOW,
            origin="user",
            where="/config/policy.yaml",
            removable=True,
        )
        if session_id is None:
            return (own,)
        agent = RuleEntry(
            rule="run_command", verdict=Verdict.ASK, origin="agent", where="general", removable=False
        )
        return (agent, own)

    async def _weigh(self, rule: str) -> RuleWeight:
        return RuleWeight(rule=rule, exact=False, covered=9, denied=1, risks=("It is wide.",), before=("x",))

    async def _suggestions(self) -> tuple[RuleSuggestion, ...]:
        return (RuleSuggestion(kind="folder", approved=4, weight=await self._weigh("write_file(docs/*)")),)

    async def _add_rule(self, rule: str, verdict: Verdict) -> Rules:
        self.ruled.append(("added", rule, verdict.value))
        return Rules(allow=(rule,))

    async def _remove_rule(self, rule: str, verdict: Verdict) -> Rules:
        self.ruled.append(("removed", rule, verdict.value))
        return Rules()

    async def _mode(self, session_id: str) -> SessionMode | None:
        return self.modes.get(session_id)

    async def _set_mode(
        self, session_id: str, mode: ApproveMode, limits: AutoLimits | None = None
    ) -> SessionMode:
        self.modes[session_id] = SessionMode(mode=mode, limits=limits, since=NOW)
        return self.modes[session_id]

    async def _policy_path(self) -> str:
        return "/config/policy.yaml"

    # --- sessions

    async def _sessions(self, query: str = "", limit: int = 200, cursor: Any = None) -> Page[Session]:
        found = [s for s in self.known.values() if query.replace("archived:yes", "") in s.title]
        end = int(cursor or 0) + limit
        return Page(items=tuple(found[end - limit : end]), next_cursor=str(end) if end < len(found) else None)

    async def _create(
        self, agent: str, project: str, title: str = "", model: Any = None, id: Any = None
    ) -> Session:
        session = session_of(id or new_id(), agent, project=project)
        self.known[session.id] = session
        self.log(
            ev.SessionCreated(
                session_id=session.id, title="", agent=agent, project=project, workspace="/workspace"
            )
        )
        return session

    async def _session(self, session_id: str) -> Session:
        if session_id not in self.known:
            raise NotFoundError(f"there is no session {session_id!r}")
        return self.known[session_id]

    async def _rename(self, session_id: str, title: str) -> Session:
        self.known[session_id] = self.known[session_id].model_copy(update={"title": title})
        return self.known[session_id]

    async def _delete(self, session_id: str, permanent: bool = False) -> None:
        self.calls.append(("delete", session_id))
        session = self.known.pop(session_id, None) or self.trashed.pop(session_id)
        if not permanent:
            self.trashed[session_id] = session

    async def _star(self, session_id: str, starred: bool = True) -> Session:
        self.known[session_id] = self.known[session_id].model_copy(update={"starred": starred})
        return self.known[session_id]

    async def _share(self, session_id: str, shared: bool = True) -> Session:
        self.known[session_id] = self.known[session_id].model_copy(update={"shared": shared})
        return self.known[session_id]

    async def _archive(self, session_id: str, archived: bool = True) -> Session:
        self.known[session_id] = self.known[session_id].model_copy(update={"archived": archived})
        return self.known[session_id]

    async def _take_in(
        self, data: Any, name: str = "", agent: str = "", project: str = ""
    ) -> tuple[Session, ...]:
        self.calls.append(("take_in", data.read(), name, agent, project))
        return (session_of("imported-id", title="\x1b[31mTrip", imported_from="holdfast"),)

    async def _trash(self, kind: Any = None, limit: int = 200, cursor: Any = None) -> Page[Trashed]:
        things = [
            Trashed(
                kind="session",
                id=each.id,
                title=each.title,
                deleted_at=NOW,
                purged_at=NOW + timedelta(days=30),
            )
            for each in self.trashed.values()
        ]
        return Page(items=tuple(things))

    async def _restore(self, kind: str, id: str) -> None:
        self.known[id] = self.trashed.pop(id)

    async def _empty(self, kind: Any = None, id: Any = None) -> int:
        del self.trashed[id]
        return 1

    async def _configure(self, session_id: str, agent: str | None = None, model: Any = None) -> Session:
        changed = self.known[session_id].model_copy(update={"agent": agent, "model": model})
        self.known[session_id] = changed
        return changed

    async def _fork(self, session_id: str, before: int | None = None) -> Session:
        self.calls.append(("fork", session_id, before))
        return session_of("forked-id", forked_from=session_id)

    async def _clear(self, session_id: str) -> Session:
        self.calls.append(("clear", session_id))
        return self.known[session_id]

    async def _entitle(self, session_id: str) -> Session:
        found = self.known[session_id].model_copy(update={"title": "Found", "titled": True})
        self.known[session_id] = found
        return found

    async def _search(self, query: str, limit: int = 50, cursor: Any = None) -> Page[SearchHit]:
        return Page(items=tuple(self.hits))

    async def _export(self, session_id: str, format: str) -> str:
        if format == "json":
            return json.dumps({"id": session_id, "text": "a\x9bb"}, ensure_ascii=False)
        return "# A title\n\n\x1b[31mred\n"

    async def _pull_back(self, session_id: str, message_id: str) -> None:
        self.calls.append(("pull_back", session_id, message_id))

    async def _nothing(self, *_: Any) -> tuple[()]:
        return ()

    # --- the rest

    async def _agents(self, project: str | None = None) -> tuple[AgentInfo, ...]:
        return tuple(self.agent_infos.values())

    async def _agent(self, name: str, project: str | None = None) -> AgentInfo:
        if name not in self.agent_infos:
            raise NotFoundError(f"there is no agent {name!r}; the nearest is 'general'")
        return self.agent_infos[name]

    async def _available(self) -> tuple[AvailableAgent, ...]:
        return (
            AvailableAgent(name="coder", description="Codes.", tags=("code",), installed=True),
            AvailableAgent(name="writer", description="Writes.", installed=False),
        )

    async def _install(self, source: str) -> AgentInfo:
        self.calls.append(("install", source))
        return agent_of("installed", layer=Layer.USER)

    async def _uninstall(self, name: str) -> None:
        self.calls.append(("uninstall", name))

    async def _trust(self, path: str, trusted: bool) -> Trust:
        self.trust_words[path] = Trust(path=path, trusted=trusted, decided_at=NOW)
        return self.trust_words[path]

    async def _trusted(self, path: str) -> Trust | None:
        return self.trust_words.get(path)

    async def _files(self, session_id: str) -> tuple[FileEntry, ...]:
        return tuple(self.file_rows)

    async def _attach(self, session_id: str, path: str) -> FilePart:
        if not Path(path).is_file():
            raise NotFoundError(f"there is no file {path}")
        self.calls.append(("attach", session_id, path))
        return FilePart(blob="0" * 64, media_type="text/csv", name=Path(path).name, size=1)

    async def _undo(self, session_id: str, run_id: str | None = None) -> tuple[FileEntry, ...]:
        self.calls.append(("undo", session_id, run_id))
        return tuple(self.file_rows)

    async def _models(self) -> tuple[ModelInfo, ...]:
        return tuple(self.model_rows)

    async def _choose(self, agent: str, project: str | None = None, flag: str | None = None) -> ModelChoice:
        return ModelChoice(model=flag, source="flag") if flag else self.choice

    async def _providers(self) -> dict[str, str]:
        return self.provider_keys

    async def _set_provider(self, provider: str, key: str) -> str:
        self.calls.append(("set_provider", provider, key))
        return "keyring"

    async def _check_provider(
        self, provider: str, key: str | None = None, url: str | None = None
    ) -> ProviderCheck:
        self.calls.append(("check_provider", provider, key, url))
        return ProviderCheck(provider=provider, state=self.key_state, message=f"{provider}: {self.key_state}")

    async def _set_address(self, provider: str, url: str | None = None) -> None:
        self.calls.append(("set_address", provider, url))

    async def _remove_provider(self, provider: str) -> None:
        self.calls.append(("remove_provider", provider))

    async def _status(self) -> EngineStatus:
        return EngineStatus(
            version="0.1.0",
            pid=42,
            started_at=NOW,
            home="/home",
            address="/home/engine.sock",
            log="/home/engine.log",
            sessions=1,
            active_runs=0,
            waiting=2,
            last_event_id=7,
            sandbox=self.sandbox,
        )

    async def _settings(self, project: str | None = None) -> Settings:
        return Settings()

    async def _check(self, repair: bool = False) -> tuple[CheckResult, ...]:
        self.calls.append(("check", repair))
        return tuple(self.checks)


class FakeDoors:
    """Doors onto one fake workbench. It is made anew in each event loop by `build`."""

    def __init__(self, home: Path, build: Callable[[], FakeWorkbench] = FakeWorkbench) -> None:
        self.home = home
        self.build = build
        self.opened: list[FakeWorkbench] = []
        self.tui: list[dict[str, Any]] = []
        self.running: SimpleNamespace | None = SimpleNamespace(
            pid=42, socket="/home/engine.sock", version="0.1.0"
        )
        self.stops = True
        self.stopped: list[tuple[float, float]] = []
        self.own: list[bool] = []
        self.version = ""
        self.remote: SimpleNamespace | None = None
        self.environment_key = ""
        self.keys = {"hf_right"}
        self.knocked: list[SimpleNamespace] = []
        self.people: dict[str, str] = {}
        """Who has an account at engines elsewhere, with the password; nobody: they know no accounts."""
        self.kept: dict[str, SimpleNamespace] = {}
        """Logins by the engine's address."""
        self.told = True
        """Whether an engine hears that a login ends."""
        self.asked_ways = 0
        self.diagnostics: list[Diagnostic] = []
        self.offline_checks: list[CheckResult] = []
        self.fail: BaseException | None = None

    @property
    def workbench_used(self) -> FakeWorkbench:
        return self.opened[-1]

    @asynccontextmanager
    async def workbench(self, *, in_process: bool = False, own: bool = False) -> AsyncIterator[FakeWorkbench]:
        self.own.append(own)
        if self.fail is not None:
            raise self.fail
        workbench = self.build()
        self.opened.append(workbench)
        try:
            yield workbench
        finally:
            for task in workbench.tasks:
                task.cancel()
            await asyncio.gather(*workbench.tasks, return_exceptions=True)

    def engine_version(self, workbench: FakeWorkbench) -> str:
        return self.version

    def elsewhere(self, url: str = "", key: str = "", ca_file: str = "") -> SimpleNamespace | None:
        if not url:
            return self.remote
        kept = self.kept.get(url)
        given = key or self.environment_key
        return SimpleNamespace(
            url=url,
            place=url.partition("://")[2],
            key=given or (kept.secret if kept else ""),
            ca_file=ca_file or (kept.ca_file if kept else ""),
            login=kept.name if kept and not given else "",
            is_open=url.startswith("http://") and "127.0.0.1" not in url,
        )

    async def ways(self, address: SimpleNamespace) -> SignInWays | None:
        self.asked_ways += 1
        native = AccountMode.NATIVE
        return (
            SignInWays(mode=native, registration=False, passwords="all", providers=())
            if self.people
            else None
        )

    async def sign_in(
        self, address: SimpleNamespace, name: str, password: str, *, expires_s: int
    ) -> SimpleNamespace:
        if self.people.get(name) != password:
            raise UnauthenticatedError("The name or the password is wrong.", code="wrong_password")
        secret = f"hf_of_{name}"
        self.keys.add(secret)
        ends = NOW + timedelta(seconds=expires_s)
        self.kept[address.url] = SimpleNamespace(
            url=address.url, name=name, secret=secret, ca_file=address.ca_file, expires_at=ends
        )
        return SimpleNamespace(**{**vars(address), "key": secret, "login": name})

    async def sign_out(self, url: str) -> tuple[SimpleNamespace, bool] | None:
        login = self.kept.pop(url, None)
        return None if login is None else (login, self.told)

    def kept_logins(self) -> list[SimpleNamespace]:
        return list(self.kept.values())

    async def knock(self, address: SimpleNamespace) -> None:
        self.knocked.append(address)
        if address.key not in self.keys:
            raise UnauthenticatedError("The key was refused.")

    def attach_tui(self, address: SimpleNamespace, **options: Any) -> int:
        self.tui.append({"url": address.url, "key": address.key, "ca": address.ca_file, **options})
        return 0

    def find_engine(self) -> SimpleNamespace | None:
        return self.running

    def stop_engine(self, timeout_s: float, drain_s: float = 0) -> bool:
        self.stopped.append((timeout_s, drain_s))
        return self.stops

    def engine_log(self) -> Path:
        return self.home / "logs" / "engine.log"

    def run_engine(self) -> int:
        return 7

    def run_tui(self, **options: Any) -> int:
        if self.fail is not None:
            raise self.fail
        self.tui.append(options)
        return 0

    def paths(self) -> Paths:
        return Paths.resolve({"HOLDFAST_HOME": str(self.home)})

    def validate_agent(self, path: Path) -> list[Diagnostic]:
        return self.diagnostics

    def agent_schema(self) -> dict[str, Any]:
        return {"type": "object"}

    def new_agent_text(self, name: str) -> str:
        return f"version: 1\nname: {name}\n"

    def check_offline(self, repair: bool) -> list[CheckResult]:
        return self.offline_checks


async def reply(run: FakeRun) -> None:
    """A run that answers in two deltas."""
    run.text("Hello ", "there.")
    run.emit(ev.RunCompleted)


async def ask_to_write(run: FakeRun) -> None:
    """A run that writes a file when it may, and says what was decided."""
    run.text("I will write.")
    run.request(path="report.md")
    decision = await run.approval("approval-1")
    if decision.outcome == "approve":
        run.emit(ev.ToolCallStarted, call_id="c", arguments=decision.arguments or {"path": "report.md"})
        run.complete_call(text="written")
    else:
        run.complete_call(outcome="denied", text=decision.reason)
    run.text("Done.")
    run.emit(ev.RunCompleted)


async def fail(run: FakeRun) -> None:
    """A run that breaks off."""
    run.text("Half a rep")
    error = ErrorInfo(kind="upstream", code="model_failed", message="the provider said no")
    run.emit(ev.RunFailed, error=error)


async def wait_for_cancel(run: FakeRun) -> None:
    """A run that works until it is cancelled."""
    run.text("Working")
    await run.cancelled.wait()


def run_row(id: str, status: RunStatus = RunStatus.COMPLETED) -> Run:
    return Run(id=id, session_id="s", agent="general", model="offline", status=status, started_at=NOW)
