"""An in-memory workbench that plays scripted runs; it writes a log as the engine would."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from fake_knowledge import FakeJobs, FakeKnowledge, FakeMemory
from fake_prompts import FakePrompts

from holdfast.core.config.fields import Leaf, leaf_of, leaves, sections
from holdfast.core.config.settings import Settings
from holdfast.core.domain.agents import AgentInfo, AgentSpec, Layer, ToolAssignment, Trust
from holdfast.core.domain.agreements import DECENTRALIZED, Agreement
from holdfast.core.domain.approvals import (
    Approval,
    ApprovalStatus,
    ApproveMode,
    Decision,
    Rules,
    Verdict,
)
from holdfast.core.domain.configuring import Setting, SettingsReport, SettingValue
from holdfast.core.domain.confinement import Guard, Protection
from holdfast.core.domain.context import Compaction, ContextPart, RunContext
from holdfast.core.domain.errors import (
    ConflictError,
    Diagnostic,
    ErrorInfo,
    ErrorKind,
    InvalidError,
    NotFoundError,
    UnavailableError,
)
from holdfast.core.domain.events import (
    DELTAS,
    RUN_ENDS,
    ApprovalRequested,
    ApprovalResolved,
    ContextCompacted,
    EventFilter,
    FileChanged,
    LoggedEvent,
    MessageAdded,
    MessageDequeued,
    MessageQueued,
    PartCompleted,
    PartDelta,
    PartStarted,
    QuestionAnswered,
    QuestionAsked,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunStarted,
    SessionConfigured,
    SessionCreated,
    SessionDeleted,
    SessionModeChanged,
    SessionRenamed,
    StepCompleted,
    StepStarted,
    Timing,
    ToolCallCompleted,
    ToolCallRequested,
    ToolCallStarted,
    UsageRecorded,
)
from holdfast.core.domain.files import Change, FileContent, FileEntry
from holdfast.core.domain.health import EngineHealth, ProcessHealth
from holdfast.core.domain.identity import LOCAL_PRINCIPAL, Credential, Principal, User
from holdfast.core.domain.knowledge import Citation
from holdfast.core.domain.limits import LimitState
from holdfast.core.domain.logs import LogLine, LogPage
from holdfast.core.domain.messages import FilePart, ImagePart, TextPart, UserPart, text_of
from holdfast.core.domain.models import ModelChoice, ModelInfo
from holdfast.core.domain.modes import AutoLimits, SessionMode
from holdfast.core.domain.providers import ProviderCheck, ProviderInfo
from holdfast.core.domain.rules import RuleEntry, RuleSuggestion, RuleWeight
from holdfast.core.domain.runs import (
    QueuedMessage,
    Run,
    RunOptions,
    RunStatus,
    SearchHit,
    Session,
    SessionCounts,
    Submitted,
    Usage,
)
from holdfast.core.domain.search import parsed
from holdfast.core.domain.session_events import (
    SessionArchived,
    SessionRestored,
    SessionSeen,
    SessionShared,
    SessionStarred,
    SessionTrashed,
)
from holdfast.core.domain.status import CheckResult, EngineStatus, Listener
from holdfast.core.domain.tools import DiffBlock, DisplayBlock, Question, Risk
from holdfast.core.domain.transfer import Download, Upload
from holdfast.core.domain.trash import Trashed
from holdfast.core.domain.usage import UsageCounts, UsageSummary
from holdfast.core.domain.values import Page

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
"""When everything here happens: a second an event."""

CONTEXT = (
    ContextPart(kind="instructions", text="You are careful.\nYou read before you write.", tokens=210),
    ContextPart(kind="place", text="# Where you work\n- Today is 2026-11-21.", tokens=120),
    ContextPart(kind="rules", text="# The project's notes (AGENTS.md)\nUse tabs.", tokens=340),
    ContextPart(kind="memory", name="style", text="Be brief.", tokens=90),
    ContextPart(kind="passages", text="[1] handbook.md\n> Forty hinges.", tokens=2_400),
    ContextPart(kind="message", text="Summarise @sales.csv", tokens=12),
    ContextPart(kind="file", name="sales.csv", text="region,Q2,Q3\nnorth,1200,1710", tokens=31_000),
    ContextPart(kind="call", name="read_file", text='{\n  "path": "notes.md"\n}', tokens=14),
    ContextPart(kind="result", name="read_file", text="# Notes", tokens=18_400),
    ContextPart(kind="tool", name="write_file", text="Writes a file.", tokens=180),
)
"""What a model was shown, where nothing else is said."""

Script = Callable[["FakeRun"], Awaitable[None]]


def spec(name: str, **more: Any) -> AgentInfo:
    """Returns a valid shipped agent."""
    layer = more.pop("layer", Layer.SHIPPED)
    trusted = more.pop("trusted", True)
    description = more.pop("description", f"The {name}.")
    return AgentInfo(
        id=f"{name}-id",
        name=name,
        description=description,
        layer=layer,
        path=f"/agents/{name}.yaml",
        spec=AgentSpec(
            version=1,
            name=name,
            description=description,
            tools=(ToolAssignment(tool="read_file"),),
            **more,
        ),
        trusted=trusted,
    )


class Cancelled(Exception):
    """A person stopped the run."""


class FakeRun:
    """What a script uses to write events."""

    def __init__(self, bench: FakeWorkbench, session_id: str, message: str) -> None:
        self.bench = bench
        self.session_id = session_id
        self.message = message
        self.id = bench.new_id("run")
        self.step = 0
        self.cancelled = asyncio.Event()
        self._calls = 0

    def emit(self, make: Callable[..., Any], **fields: Any) -> int:
        return self.bench.emit(make(session_id=self.session_id, run_id=self.id, **fields))

    async def wait(self, event: asyncio.Event) -> None:
        """Waits for `event`; raises `Cancelled` when the run is stopped meanwhile."""
        tasks = [asyncio.create_task(event.wait()), asyncio.create_task(self.cancelled.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
        if self.cancelled.is_set():
            raise Cancelled

    async def hold(self) -> None:
        """Stays busy until the test releases the run, or it is cancelled."""
        await self.wait(self.bench.release)

    async def say(self, text: str, chunk: int = 16, citations: tuple[Citation, ...] = ()) -> None:
        """Streams a reply; `citations`: what the numbers in it stand for."""
        self.step += 1
        model = self.bench.model_of(self.session_id)
        self.emit(StepStarted, step=self.step, model=model, prompt="0" * 64)
        part_id = f"p{self.step}"
        self.emit(PartStarted, part_id=part_id, kind="text")
        for start in range(0, len(text), chunk):
            self.emit(PartDelta, part_id=part_id, text=text[start : start + chunk])
            await asyncio.sleep(0)
        self.emit(PartCompleted, part_id=part_id, kind="text", text=text, citations=citations)
        self.usage()

    def usage(self, reason: str = "stop") -> None:
        self.emit(
            UsageRecorded, model="offline", input_tokens=1200, output_tokens=340, cost_usd=0.0, estimated=True
        )
        self.bench.count(self.session_id, 1200, 340)
        timing = Timing(request_ms=3, first_delta_ms=120, total_ms=1400)
        self.emit(StepCompleted, step=self.step, reason=reason, timing=timing)

    async def call(
        self,
        tool: str,
        arguments: dict[str, Any],
        subject: str = "",
        preview: tuple[DisplayBlock, ...] = (),
        display: tuple[DisplayBlock, ...] = (),
        ask: bool = True,
        risk: Risk = Risk.WRITE,
        expires_at: datetime | None = None,
    ) -> Decision | None:
        """Makes a tool call; waits for a decision when `ask`. Returns the decision."""
        self._calls += 1
        call_id = f"{self.id}-c{self._calls}"
        self.step += 1
        self.emit(StepStarted, step=self.step, model="offline", prompt="0" * 64)
        self.emit(ToolCallRequested, call_id=call_id, step=self.step, name=tool, arguments=arguments)
        self.usage("tool_calls")
        decision = None
        if ask:
            approval = Approval(
                id=self.bench.new_id("approval"),
                session_id=self.session_id,
                run_id=self.id,
                call_id=call_id,
                agent=self.bench.sessions_by_id[self.session_id].agent,
                tool=tool,
                risk=risk,
                subject=subject,
                arguments=arguments,
                preview=preview,
                rule=f"{tool}({subject})",
                reason="no rule allows it",
                requested_at=self.bench.time(),
                expires_at=expires_at,
            )
            decision = await self._decided(approval)
        denied = decision is not None and decision.outcome == "deny"
        if not denied:
            given = decision.arguments if decision and decision.arguments else arguments
            self.emit(ToolCallStarted, call_id=call_id, arguments=given)
            self._write(tool, given)
        self.emit(
            ToolCallCompleted,
            call_id=call_id,
            name=tool,
            outcome="denied" if denied else "ok",
            content=(TextPart(text=decision.reason if denied and decision else "done"),),
            display=() if denied else display,
            duration_ms=20,
        )
        return decision

    async def _decided(self, approval: Approval) -> Decision:
        self.bench.approvals_by_id[approval.id] = approval
        event = self.bench.decided[approval.id] = asyncio.Event()
        self.emit(ApprovalRequested, approval=approval)
        self.bench.status(self.session_id, RunStatus.WAITING, +1)
        try:
            await self.wait(event)
        except Cancelled:
            self._resolve(approval, "cancelled", None)
            raise
        decision = self.bench.decisions[approval.id]
        self._resolve(approval, "approved" if decision.outcome == "approve" else "denied", decision)
        return decision

    def _resolve(self, approval: Approval, status: str, decision: Decision | None) -> None:
        known = {"status": ApprovalStatus(status), "decision": decision}
        self.bench.approvals_by_id[approval.id] = approval.model_copy(update=known)
        self.bench.status(self.session_id, RunStatus.RUNNING, -1)
        self.emit(
            ApprovalResolved,
            approval_id=approval.id,
            call_id=approval.call_id,
            status=status,
            decision=decision,
        )

    def _write(self, tool: str, arguments: dict[str, Any]) -> None:
        if tool != "write_file":
            return
        path, text = str(arguments["path"]), str(arguments.get("content", ""))
        self.bench.put_file(self.session_id, path, text, self.id)
        self.emit(FileChanged, path=path, change=Change.CREATED, after="1" * 64, size=len(text))

    async def ask(self, text: str, choices: tuple[str, ...] = (), free_text: bool = True, **more: Any) -> str:
        """Asks the person; returns the answer."""
        self._calls += 1
        call_id = f"{self.id}-c{self._calls}"
        self.emit(ToolCallRequested, call_id=call_id, step=1, name="ask_user", arguments={"text": text})
        self.emit(ToolCallStarted, call_id=call_id, arguments={"text": text})
        question = Question(
            id=self.bench.new_id("question"),
            session_id=self.session_id,
            run_id=self.id,
            call_id=call_id,
            text=text,
            choices=choices,
            free_text=free_text,
            **more,
        )
        self.bench.questions_by_id[question.id] = question
        event = self.bench.decided[question.id] = asyncio.Event()
        self.emit(QuestionAsked, question=question)
        await self.wait(event)
        answer = self.bench.answers[question.id]
        self.emit(QuestionAnswered, question_id=question.id, call_id=call_id, answer=answer)
        self.emit(
            ToolCallCompleted,
            call_id=call_id,
            name="ask_user",
            outcome="ok",
            content=(TextPart(text=answer),),
        )
        return answer


async def echo(run: FakeRun) -> None:
    """The script of runs that have no other."""
    await run.say(f"You said: {run.message}")


def new_file(path: str, content: str) -> tuple[dict[str, Any], tuple[DisplayBlock, ...]]:
    """Returns arguments and preview of writing a new file."""
    lines = content.splitlines()
    diff = f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{len(lines)} @@\n" + "\n".join(
        f"+{one}" for one in lines
    )
    return {"path": path, "content": content}, (DiffBlock(path=path, diff=diff, created=True),)


def settings(**more: Any) -> Settings:
    """Returns settings under which the keys of approvals act at once."""
    tui = {"key_guard_s": 0, **more.pop("tui", {})}
    return Settings.model_validate({**more, "tui": tui})


class FakeWorkbench:
    """All services at once; the properties of the protocol are views on the same object."""

    def __init__(self, scripts: list[Script] | None = None, now: datetime = NOON) -> None:
        self.scripts = list(scripts or [])
        self.log: list[LoggedEvent] = []
        self.sessions_by_id: dict[str, Session] = {}
        self.approvals_by_id: dict[str, Approval] = {}
        self.questions_by_id: dict[str, Question] = {}
        self.runs_by_id: dict[str, Run] = {}
        self.files_by_session: dict[str, dict[str, FileEntry]] = {}
        self.contents: dict[tuple[str, str], FileContent] = {}
        self.project_files: tuple[str, ...] = ("notes.md", "data/sales.csv", "my report.md")
        self.decisions: dict[str, Decision] = {}
        self.answers: dict[str, str] = {}
        self.take_form: Callable[[str | None, Any], None] = lambda action, fields: None
        self.decided: dict[str, asyncio.Event] = {}
        self.queued: dict[str, list[QueuedMessage]] = {}
        self.agent_infos: list[AgentInfo] = [
            spec("general", description="Does whatever you ask for."),
            spec("analyst", description="Answers questions about tabular data."),
        ]
        self.trust_known: dict[str, bool] = {}
        self.settings = settings()
        self.usage: Any = _Usage(self)
        self.agreement = Agreement(name=DECENTRALIZED, title="The agreement", text="# It\n\nAll of it.\n")
        self.limit_states: tuple[LimitState, ...] = ()
        self.model_infos: tuple[ModelInfo, ...] = (
            ModelInfo(
                name="offline",
                provider="offline",
                input_usd_per_million=0,
                output_usd_per_million=0,
                note="No key.",
            ),
            ModelInfo(
                name="openai/gpt-4o",
                provider="openai",
                context_window=128_000,
                input_usd_per_million=2.5,
                output_usd_per_million=10,
                takes_images=True,
                available=False,
            ),
        )
        self.provider_infos: tuple[ProviderInfo, ...] = (
            ProviderInfo(
                name="openai",
                title="OpenAI",
                needs_key=True,
                takes_url=False,
                variable="OPENAI_API_KEY",
                key_page="https://platform.openai.com/api-keys",
                model="openai/gpt-5-mini",
            ),
            ProviderInfo(name="ollama", title="Ollama", needs_key=False, takes_url=True),
        )
        self.shown: tuple[ContextPart, ...] = CONTEXT
        """What every model was shown."""
        self.right_key = "sk-right"
        self.added: list[tuple[str, str, str, str]] = []
        """What was done about providers: what, of which, key, address."""
        self.answering = asyncio.Event()
        """Cleared: providers do not answer yet, and the passages of a document do not come."""
        self.answering.set()
        self.principal = LOCAL_PRINCIPAL
        self.policy = Rules()
        self.suggested: tuple[RuleSuggestion, ...] = ()
        self.modes: dict[str, SessionMode] = {}
        self.dropped: list[tuple[str, tuple[str, ...]]] = []
        self.version = "0.1.0"
        self.executing = 0
        self.stops: list[bool] = []
        self.settings_file = FakeSettings()
        self.log_lines: tuple[LogLine, ...] = ()
        self.checks: tuple[CheckResult, ...] = ()
        self.hint = "set OPENAI_API_KEY or run `holdfast keys provider set openai`, then /model"
        self.release = asyncio.Event()
        self.lost = False
        self.closed = 0
        self.undone: list[str] = []
        self.sent: list[tuple[UserPart, ...]] = []
        self.options: list[RunOptions | None] = []
        self.attached: list[str] = []
        self.received: dict[str, bytes] = {}
        """Files of the app's own machine that were sent along."""
        self._now = now
        self._numbers: dict[str, int] = {}
        self._news = asyncio.Condition()
        self._active: dict[str, FakeRun] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.agents = _Agents(self)
        self.sessions = _Sessions(self)
        self.trash = _Trash(self)
        self.trashed: dict[tuple[str, str], Any] = {}
        """What was deleted, by kind and id, as it was."""
        self.taken_in: list[tuple[bytes, str]] = []
        self.runs = _Runs(self)
        self.approvals = _Approvals(self)
        self.events = _Events(self)
        self.files = _Files(self)
        self.models = _Models(self)
        self.keys = _Keys(self)
        self.users = _Users(self)
        self.engine = _Engine(self)
        self.knowledge = FakeKnowledge(self)
        self.jobs = FakeJobs(self)
        self.memory = FakeMemory(self)
        self.prompts = FakePrompts(self)

    # --- the log

    def new_id(self, kind: str) -> str:
        self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return f"{kind}-{self._numbers[kind]}"

    def time(self) -> datetime:
        return self._now + timedelta(seconds=len(self.log))

    def emit(self, event: Any) -> int:
        """Commits an event, and tells the followers."""
        event = event.model_copy(update={"at": self.time()})
        logged = LoggedEvent(id=len(self.log) + 1, event=event)
        self.log.append(logged)
        session = self.sessions_by_id.get(event.session_id)
        if session is not None:
            self.sessions_by_id[session.id] = session.model_copy(
                update={"last_event_id": logged.id, "updated_at": event.at}
            )
        self._spawn(self._tell())
        return logged.id

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def lose(self) -> None:
        """Lets the engine be gone: everything fails until `lost` is False again."""
        self.lost = True
        self._spawn(self._tell())

    def reach(self) -> None:
        if self.lost:
            raise UnavailableError("The engine does not answer.")

    async def connect(self) -> FakeWorkbench:
        """What the app is given to connect with."""
        self.reach()
        return self

    async def close(self) -> None:
        self.closed += 1

    # --- state

    def add_session(self, title: str, agent: str = "general", **more: Any) -> Session:
        """Makes a session with its first event."""
        session = Session(
            id=more.pop("id", None) or self.new_id("session"),
            title=title,
            agent=agent,
            project=more.pop("project", "/work/project"),
            workspace=more.pop("workspace", "/work/project"),
            created_at=self.time(),
            updated_at=self.time(),
            **more,
        )
        self.sessions_by_id[session.id] = session
        self.emit(
            SessionCreated(
                session_id=session.id,
                title=title,
                agent=agent,
                project=session.project,
                workspace=session.workspace,
            )
        )
        return self.sessions_by_id[session.id]

    def status(self, session_id: str, status: RunStatus, pending: int = 0) -> None:
        session = self.sessions_by_id[session_id]
        more = {"status": status, "pending": session.pending + pending}
        self.sessions_by_id[session_id] = session.model_copy(update=more)

    def count(self, session_id: str, input_tokens: int, output_tokens: int) -> None:
        session = self.sessions_by_id[session_id]
        usage = Usage(
            input_tokens=session.usage.input_tokens + input_tokens,
            output_tokens=session.usage.output_tokens + output_tokens,
        )
        self.sessions_by_id[session_id] = session.model_copy(update={"usage": usage})

    def model_of(self, session_id: str) -> str:
        return self.sessions_by_id[session_id].model or "offline"

    def put_file(self, session_id: str, path: str, text: str, run_id: str | None = None) -> None:
        state: Literal["created", "unchanged"] = "created" if run_id else "unchanged"
        entry = FileEntry(path=path, size=len(text), modified_at=self.time(), state=state, run_id=run_id)
        self.files_by_session.setdefault(session_id, {})[path] = entry
        kinds: dict[str, Any] = {"md": "markdown", "csv": "csv", "json": "json"}
        kind = kinds.get(path.rpartition(".")[2], "text")
        self.contents[session_id, path] = FileContent(
            path=path, kind=kind, media_type=f"text/{kind}", size=len(text), text=text
        )

    async def play(self, session_id: str, message: str, script: Script | None = None) -> str:
        """Plays a whole run; returns its id."""
        run = self._begin(session_id, (TextPart(text=message),), self.new_id("message"))
        await self._play(run, script or echo)
        return run.id

    def start(self, session_id: str, parts: tuple[UserPart, ...], message_id: str) -> FakeRun:
        run = self._begin(session_id, parts, message_id)
        script = self.scripts.pop(0) if self.scripts else echo
        self._spawn(self._play(run, script))
        return run

    def _begin(self, session_id: str, parts: tuple[UserPart, ...], message_id: str) -> FakeRun:
        run = FakeRun(self, session_id, text_of(parts))
        session = self.sessions_by_id[session_id]
        self.sessions_by_id[session_id] = session.model_copy(update={"run_id": run.id})
        self._active[session_id] = run
        self.status(session_id, RunStatus.RUNNING)
        first = run.emit(RunStarted, agent=session.agent, model=self.model_of(session_id))
        run.emit(MessageAdded, message_id=message_id, parts=parts)
        self.runs_by_id[run.id] = Run(
            id=run.id,
            session_id=session_id,
            agent=session.agent,
            model=self.model_of(session_id),
            status=RunStatus.RUNNING,
            started_at=self.time(),
            first_event_id=first,
        )
        return run

    async def _play(self, run: FakeRun, script: Script) -> None:
        try:
            await script(run)
        except Cancelled:
            self._end(run, RunStatus.CANCELLED, RunCancelled, reason="")
        except InvalidError as error:
            self._end(run, RunStatus.FAILED, RunFailed, error=error.info)
        else:
            self._end(run, RunStatus.COMPLETED, RunCompleted)
        waiting = self.queued.get(run.session_id)
        if waiting:
            message = waiting.pop(0)
            self.emit(MessageDequeued(session_id=run.session_id, message_id=message.id, reason="sent"))
            self.start(run.session_id, message.parts, message.id)

    def _end(self, run: FakeRun, status: RunStatus, kind: Callable[..., Any], **fields: Any) -> None:
        self._active.pop(run.session_id, None)
        session = self.sessions_by_id[run.session_id]
        self.sessions_by_id[run.session_id] = session.model_copy(update={"status": status})
        last = run.emit(kind, **fields)
        known = {"status": status, "last_event_id": last}
        self.runs_by_id[run.id] = self.runs_by_id[run.id].model_copy(update=known)

    def busy(self, session_id: str) -> FakeRun | None:
        return self._active.get(session_id)


class _Part:
    def __init__(self, bench: FakeWorkbench) -> None:
        self.bench = bench


class _Usage(_Part):
    async def report(self, by: Any = "day", **_: Any) -> UsageSummary:
        return UsageSummary(by=by, since=None, until=None, total=UsageCounts(), groups=())

    async def limits(self, all_users: bool = False) -> tuple[LimitState, ...]:
        return self.bench.limit_states


class _Trash(_Part):
    async def list(
        self, kind: str | None = None, limit: int = 200, cursor: str | None = None
    ) -> Page[Trashed]:
        things = [
            Trashed(
                kind=kind,
                id=id,
                title=getattr(thing, "title", "")
                or getattr(thing, "name", "")
                or getattr(thing, "content", ""),
                deleted_at=NOON,
                purged_at=NOON + timedelta(days=30),
            )
            for (kind, id), thing in self.bench.trashed.items()
        ]
        return Page(items=tuple(things))

    async def restore(self, kind: str, id: str) -> None:
        self.bench.reach()
        if (kind, id) not in self.bench.trashed:
            raise NotFoundError(f"{id} is not in the trash.", code="not_in_trash")
        thing = self.bench.trashed.pop((kind, id))
        if kind == "session":
            self.bench.sessions_by_id[id] = thing
            self.bench.emit(SessionRestored(session_id=id))
        elif kind == "collection":
            self.bench.knowledge.collections.append(thing)
        else:
            self.bench.memory.bring_back(kind, thing)


class _Agents(_Part):
    async def list(self, project: str | None = None) -> tuple[AgentInfo, ...]:
        self.bench.reach()
        return tuple(self.bench.agent_infos)

    async def get(self, name: str, project: str | None = None) -> AgentInfo:
        for info in self.bench.agent_infos:
            if info.name == name:
                return info
        raise NotFoundError(f"There is no agent {name!r}.")

    async def validate(self, path: str) -> tuple[Diagnostic, ...]:
        return ()

    async def trust(self, path: str, trusted: bool) -> Trust:
        self.bench.trust_known[path] = trusted
        return Trust(path=path, trusted=trusted, decided_at=NOON)

    async def trusted(self, path: str) -> Trust | None:
        known = self.bench.trust_known.get(path)
        return None if known is None else Trust(path=path, trusted=known, decided_at=NOON)


class _Sessions(_Part):
    async def list(self, query: str = "", limit: int = 200, cursor: str | None = None) -> Page[Session]:
        self.bench.reach()
        wanted = parsed(query)
        found = [
            each
            for each in sorted(self.bench.sessions_by_id.values(), key=lambda s: s.updated_at, reverse=True)
            if (wanted.archived == "yes" or each.archived == (wanted.archived == "only"))
            and all(word in each.title.casefold() for word in wanted.words)
            and (not wanted.agents or each.agent in wanted.agents)
        ]
        end = int(cursor or 0) + limit
        return Page(items=tuple(found[end - limit : end]), next_cursor=str(end) if end < len(found) else None)

    async def counts(self) -> SessionCounts:
        every = self.bench.sessions_by_id.values()
        listed = [each for each in every if not each.archived]
        return SessionCounts(
            sessions=len(listed),
            starred=sum(each.starred for each in listed),
            unread=sum(each.unread > 0 for each in listed),
            waiting=sum(each.pending > 0 for each in listed),
            archived=len(every) - len(listed),
            trash=len(self.bench.trashed),
        )

    async def _marked(self, session_id: str, event: Any, **changes: Any) -> Session:
        session = (await self.get(session_id)).model_copy(update=changes)
        self.bench.sessions_by_id[session_id] = session
        self.bench.emit(event)
        return self.bench.sessions_by_id[session_id]

    async def star(self, session_id: str, starred: bool = True) -> Session:
        event = SessionStarred(session_id=session_id, starred=starred)
        return await self._marked(session_id, event, starred=starred)

    async def archive(self, session_id: str, archived: bool = True) -> Session:
        event = SessionArchived(session_id=session_id, archived=archived)
        return await self._marked(session_id, event, archived=archived)

    async def share(self, session_id: str, shared: bool = True) -> Session:
        event = SessionShared(session_id=session_id, shared=shared)
        return await self._marked(session_id, event, shared=shared)

    async def see(self, session_id: str, through: int | None = None) -> Session:
        return await self._marked(session_id, SessionSeen(session_id=session_id), unread=0)

    async def take_in(
        self, data: Any, name: str = "", agent: str = "", project: str = ""
    ) -> tuple[Session, ...]:
        self.bench.taken_in.append((data.read(), name))
        return (self.bench.add_session("Imported", agent or "general"),)

    async def create(
        self, agent: str, project: str, title: str = "", model: str | None = None, id: str | None = None
    ) -> Session:
        self.bench.reach()
        return self.bench.add_session(title, agent, project=project, model=model, id=id)

    async def get(self, session_id: str) -> Session:
        self.bench.reach()
        if session_id not in self.bench.sessions_by_id:
            raise NotFoundError(f"There is no session {session_id!r}.")
        return self.bench.sessions_by_id[session_id]

    async def rename(self, session_id: str, title: str) -> Session:
        session = (await self.get(session_id)).model_copy(update={"title": title})
        self.bench.sessions_by_id[session_id] = session
        self.bench.emit(SessionRenamed(session_id=session_id, title=title))
        return self.bench.sessions_by_id[session_id]

    async def configure(self, session_id: str, agent: str | None = None, model: str | None = None) -> Session:
        session = await self.get(session_id)
        known = {"agent": agent or session.agent, "model": session.model if model is None else model or None}
        self.bench.sessions_by_id[session_id] = session.model_copy(update=known)
        self.bench.emit(SessionConfigured(session_id=session_id, **known))
        return self.bench.sessions_by_id[session_id]

    async def delete(self, session_id: str, permanent: bool = False) -> None:
        session = await self.get(session_id)
        if self.bench.busy(session_id):
            raise ConflictError("The session is busy.")
        del self.bench.sessions_by_id[session_id]
        if not permanent:
            self.bench.trashed[("session", session_id)] = session
            self.bench.emit(SessionTrashed(session_id=session_id))
            return
        self.bench.log = [e for e in self.bench.log if e.event.session_id != session_id]
        self.bench.emit(SessionDeleted(session_id=session_id))

    async def fork(self, session_id: str, before: int | None = None) -> Session:
        old = await self.get(session_id)
        new = self.bench.add_session(f"{old.title} (fork)", old.agent, forked_from=old.id)
        for logged in list(self.bench.log):
            event = logged.event
            if event.session_id != session_id or event.type == "session.created":
                continue
            if before is None or logged.id < before:
                self.bench.emit(event.model_copy(update={"session_id": new.id}))
        return self.bench.sessions_by_id[new.id]

    async def search(self, query: str, limit: int = 50, cursor: str | None = None) -> Page[SearchHit]:
        hits = []
        for logged in self.bench.log:
            event = logged.event
            if event.type == "part.completed" and query.lower() in event.text.lower():
                start = event.text.lower().index(query.lower())
                end = start + len(query)
                before, after = event.text[max(0, start - 20) : start], event.text[end : end + 20]
                excerpt = f"{before}\x02{event.text[start:end]}\x03{after}"
                title = self.bench.sessions_by_id[event.session_id].title
                hits.append(
                    SearchHit(
                        session_id=event.session_id,
                        session_title=title,
                        event_id=logged.id,
                        role="assistant",
                        excerpt=excerpt,
                        at=event.at,
                    )
                )
        return Page(items=tuple(hits[:limit]))

    async def export(self, session_id: str, format: Literal["markdown", "json"]) -> str:
        session = await self.get(session_id)
        return f"# {session.title}\n" if format == "markdown" else '{"title": "…"}'

    async def queue(self, session_id: str) -> tuple[QueuedMessage, ...]:
        return tuple(self.bench.queued.get(session_id, ()))

    async def pull_back(self, session_id: str, message_id: str) -> QueuedMessage:
        waiting = self.bench.queued.get(session_id, [])
        for message in waiting:
            if message.id == message_id:
                waiting.remove(message)
                self.bench.emit(
                    MessageDequeued(session_id=session_id, message_id=message_id, reason="pulled_back")
                )
                return message
        raise NotFoundError("The message was sent already.")


class _Runs(_Part):
    async def send(
        self,
        session_id: str,
        parts: tuple[UserPart, ...],
        options: RunOptions | None = None,
        message_id: str | None = None,
    ) -> Submitted:
        self.bench.reach()
        self.bench.sent.append(parts)
        self.bench.options.append(options)
        message_id = message_id or self.bench.new_id("message")
        if self.bench.busy(session_id) is not None:
            queued = QueuedMessage(id=message_id, session_id=session_id, parts=parts, queued_at=NOON)
            self.bench.queued.setdefault(session_id, []).append(queued)
            self.bench.emit(MessageQueued(session_id=session_id, message_id=message_id, parts=parts))
            return Submitted(session_id=session_id, message_id=message_id)
        session = self.bench.sessions_by_id[session_id]
        if not session.title:
            title = text_of(parts)[:40]
            self.bench.sessions_by_id[session_id] = session.model_copy(update={"title": title})
            self.bench.emit(SessionRenamed(session_id=session_id, title=title, automatic=True))
        run = self.bench.start(session_id, parts, message_id)
        return Submitted(session_id=session_id, message_id=message_id, run_id=run.id)

    async def get(self, run_id: str) -> Run:
        return self.bench.runs_by_id[run_id]

    async def list(self, session_id: str, limit: int = 100, cursor: str | None = None) -> Page[Run]:
        return Page(items=tuple(r for r in self.bench.runs_by_id.values() if r.session_id == session_id))

    async def cancel(self, run_id: str) -> Run:
        run = self.bench.runs_by_id[run_id]
        active = self.bench.busy(run.session_id)
        if active is not None:
            active.cancelled.set()
        return run

    async def pause(self, run_id: str) -> Run:
        return self.bench.runs_by_id[run_id]

    async def resume(self, run_id: str) -> Run:
        return self.bench.runs_by_id[run_id]

    async def finish(self, run_id: str) -> Run:
        return self.bench.runs_by_id[run_id]

    async def steer(self, run_id: str, parts: tuple[UserPart, ...]) -> None:
        self.bench.sent.append(parts)

    async def go_on(self, session_id: str, options: RunOptions | None = None) -> Submitted:
        run = self.bench.start(session_id, (TextPart(text="Continue."),), self.bench.new_id("message"))
        return Submitted(session_id=session_id, message_id="continue", run_id=run.id)

    async def context(self, run_id: str, step: int | None = None) -> RunContext:
        run = self.bench.runs_by_id.get(run_id)
        if run is None or not self.bench.shown or (step or 1) > 1:
            raise NotFoundError("This run has not asked its model yet.", code="step_not_found")
        return RunContext(
            session_id=run.session_id,
            run_id=run_id,
            step=1,
            model=run.model,
            window=128_000,
            tokens=sum(part.tokens for part in self.bench.shown),
            reported=54_200,
            parts=self.bench.shown,
        )

    async def compaction(self, run_id: str, event_id: int) -> Compaction:
        logged = next(each.event for each in self.bench.log if each.id == event_id)
        assert isinstance(logged, ContextCompacted)
        return Compaction(
            session_id=logged.session_id,
            run_id=run_id,
            event_id=event_id,
            at=logged.at,
            summary=logged.summary,
            tokens_before=logged.tokens_before,
            tokens_after=logged.tokens_after,
            dropped=self.bench.shown[:-2],
            kept=self.bench.shown[-2:],
        )

    async def compact(self, session_id: str, focus: str = "") -> Submitted:
        run = self.bench._begin(session_id, (TextPart(text="compact"),), self.bench.new_id("message"))
        run.emit(
            ContextCompacted,
            summary=f"What was said, {focus or 'in short'}.",
            tokens_before=54_200,
            tokens_after=6_100,
            messages_dropped=24,
            messages_kept=3,
        )
        self.bench._end(run, RunStatus.COMPLETED, RunCompleted)
        return Submitted(session_id=session_id, message_id="", run_id=run.id)

    async def questions(
        self, session_id: str | None = None, limit: int = 200, cursor: str | None = None
    ) -> Page[Question]:
        waiting = (q for q in self.bench.questions_by_id.values() if q.id not in self.bench.answers)
        return Page(items=tuple(waiting))

    async def answer(
        self, question_id: str, answer: str = "", action: str | None = None, fields: Any = None
    ) -> None:
        if question_id in self.bench.answers:
            raise ConflictError("The question was answered already.")
        self.bench.take_form(action, fields)
        self.bench.answers[question_id] = answer
        self.bench.decided[question_id].set()


class _Approvals(_Part):
    async def list(
        self,
        session_id: str | None = None,
        pending: bool = True,
        limit: int = 200,
        cursor: str | None = None,
    ) -> Page[Approval]:
        self.bench.reach()
        found = self.bench.approvals_by_id.values()
        return Page(items=tuple(a for a in found if not pending or a.status is ApprovalStatus.PENDING))

    async def get(self, approval_id: str) -> Approval:
        return self.bench.approvals_by_id[approval_id]

    async def decide(self, approval_id: str, decision: Decision) -> Approval:
        self.bench.reach()
        approval = self.bench.approvals_by_id[approval_id]
        if approval.status is not ApprovalStatus.PENDING:
            raise ConflictError("That was decided already.")
        self.bench.decisions[approval_id] = decision
        self.bench.decided[approval_id].set()
        return approval

    async def history(
        self,
        query: str = "",
        status: ApprovalStatus | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        session_id: str | None = None,
        limit: int = 200,
        cursor: str | None = None,
    ) -> Page[Approval]:
        return Page(items=tuple(reversed(self.bench.approvals_by_id.values())))

    async def rules(self) -> Rules:
        return self.bench.policy

    async def sources(self, session_id: str | None = None) -> tuple[RuleEntry, ...]:
        return tuple(
            RuleEntry(rule=rule, verdict=verdict, origin="user", where="policy.yaml", removable=True)
            for verdict in Verdict
            for rule in getattr(self.bench.policy, verdict.value)
        )

    async def weigh(self, rule: str) -> RuleWeight:
        return RuleWeight(rule=rule, exact="*" not in rule, covered=3, risks=("It is wide.",))

    async def suggestions(self) -> tuple[RuleSuggestion, ...]:
        return self.bench.suggested

    async def add_rule(self, rule: str, verdict: Verdict = Verdict.ALLOW) -> Rules:
        held = getattr(self.bench.policy, verdict.value)
        self.bench.policy = self.bench.policy.model_copy(update={verdict.value: (*held, rule)})
        return self.bench.policy

    async def remove_rule(self, rule: str, verdict: Verdict = Verdict.ALLOW) -> Rules:
        held = tuple(one for one in getattr(self.bench.policy, verdict.value) if one != rule)
        self.bench.policy = self.bench.policy.model_copy(update={verdict.value: held})
        return self.bench.policy

    async def drop_grants(self, session_id: str, rules: tuple[str, ...]) -> None:
        self.bench.dropped.append((session_id, rules))

    async def mode(self, session_id: str) -> SessionMode | None:
        return self.bench.modes.get(session_id)

    async def set_mode(
        self, session_id: str, mode: ApproveMode, limits: AutoLimits | None = None
    ) -> SessionMode:
        self.bench.modes[session_id] = SessionMode(mode=mode, limits=limits, since=NOON)
        self.bench.emit(SessionModeChanged(session_id=session_id, mode=mode, limits=limits, by="local"))
        return self.bench.modes[session_id]

    async def policy_path(self) -> str:
        return "/home/user/.config/holdfast/policy.yaml"


class _Events(_Part):
    def _of(self, filter: EventFilter, after: int) -> list[LoggedEvent]:
        return [e for e in self.bench.log if e.id > after and filter.admits(e.event)]

    async def read(self, filter: EventFilter, after: int = 0, limit: int = 1000) -> Page[LoggedEvent]:
        return Page(items=tuple(self._of(filter, after)[:limit]))

    async def page_before(
        self, session_id: str, before: int | None = None, limit: int = 200
    ) -> Page[LoggedEvent]:
        self.bench.reach()
        own = [e for e in self.bench.log if e.event.session_id == session_id]
        ended = {e.event.run_id for e in own if e.event.type in RUN_ENDS}
        own = [e for e in own if before is None or e.id < before]
        own = [e for e in own if e.event.type not in DELTAS or e.event.run_id not in ended]
        start = max(0, len(own) - limit)
        while start > 0 and own[start].event.type != "run.started":
            start -= 1
        return Page(items=tuple(own[start:]))

    async def follow(self, filter: EventFilter, after: int | None = None) -> AsyncIterator[LoggedEvent]:
        cursor = len(self.bench.log) if after is None else after
        while True:
            self.bench.reach()
            for logged in self._of(filter, cursor):
                cursor = logged.id
                yield logged
            async with self.bench._news:
                if not self._of(filter, cursor) and not self.bench.lost:
                    await self.bench._news.wait()


class _Files(_Part):
    async def list(self, session_id: str) -> tuple[FileEntry, ...]:
        self.bench.reach()
        return tuple(self.bench.files_by_session.get(session_id, {}).values())

    async def read(self, session_id: str, path: str) -> FileContent:
        if (session_id, path) not in self.bench.contents:
            raise NotFoundError(f"There is no file {path}.")
        return self.bench.contents[session_id, path]

    async def attach(self, session_id: str, path: str) -> ImagePart | FilePart:
        if path not in self.bench.project_files:
            raise NotFoundError(f"There is no file {path}.")
        self.bench.attached.append(path)
        return FilePart(blob="2" * 64, media_type="text/plain", name=path, size=10)

    async def attach_data(self, session_id: str, name: str, data: Upload) -> ImagePart | FilePart:
        content = data if isinstance(data, bytes) else data.read()
        self.bench.received[name] = content
        return FilePart(blob="3" * 64, media_type="text/plain", name=name, size=len(content))

    async def download(self, session_id: str, path: str, version: str | None = None) -> Download:
        content = (self.bench.contents[session_id, path].text or "").encode()
        left = [content]

        async def read() -> bytes:
            return left.pop() if left else b""

        async def close() -> None:
            left.clear()

        return Download(path.rpartition("/")[2], "text/plain", len(content), read, close)

    async def upload(self, session_id: str, path: str, data: bytes, expected: str | None = None) -> None:
        now = (self.bench.contents[session_id, path].text or "").encode()
        if expected != hashlib.sha256(now).hexdigest():
            raise ConflictError(f"{path} was changed meanwhile.")
        self.bench.put_file(session_id, path, data.decode(), "")

    async def complete(self, session_id: str, prefix: str, limit: int = 20) -> tuple[str, ...]:
        return tuple(p for p in self.bench.project_files if prefix.lower() in p.lower())[:limit]

    async def undo(self, session_id: str, run_id: str | None = None) -> tuple[FileEntry, ...]:
        files = self.bench.files_by_session.get(session_id, {})
        made = [entry for entry in files.values() if entry.state == "created"]
        if not made:
            raise ConflictError("report.md was changed since; nothing was undone.")
        for entry in made:
            files[entry.path] = entry.model_copy(update={"state": "deleted"})
        self.bench.undone += [entry.path for entry in made]
        return tuple(files.values())

    async def redo(self, session_id: str, run_id: str | None = None) -> tuple[FileEntry, ...]:
        files = self.bench.files_by_session.get(session_id, {})
        gone = [entry for entry in files.values() if entry.state == "deleted"]
        for entry in gone:
            files[entry.path] = entry.model_copy(update={"state": "created"})
        return tuple(files.values())


class _Models(_Part):
    async def providers(self) -> tuple[ProviderInfo, ...]:
        return self.bench.provider_infos

    async def list(self) -> tuple[ModelInfo, ...]:
        return self.bench.model_infos

    async def choose(self, agent: str, project: str | None = None, flag: str | None = None) -> ModelChoice:
        if flag:
            return ModelChoice(model=flag, source="flag")
        return ModelChoice(model="offline", source="default", hint=self.bench.hint)


class _Keys(_Part):
    async def list(self) -> tuple[Credential, ...]:
        return ()

    async def check_provider(
        self, provider: str, key: str | None = None, url: str | None = None
    ) -> ProviderCheck:
        self.bench.added.append(("check", provider, key or "", url or ""))
        await self.bench.answering.wait()
        state: Any = "right" if key == self.bench.right_key else "refused"
        return ProviderCheck(provider=provider, state=state, message=f"{provider} says: {state}.")

    async def set_address(self, provider: str, url: str | None = None) -> None:
        self.bench.added.append(("address", provider, "", url or ""))

    async def providers(self) -> dict[str, str]:
        return {}

    async def set_provider(self, provider: str, key: str) -> str:
        self.bench.added.append(("key", provider, key, ""))
        return "keyring"

    async def remove_provider(self, provider: str) -> None:
        return None


class _Users(_Part):
    async def me(self) -> Principal:
        return self.bench.principal

    async def list(self) -> tuple[User, ...]:
        return ()

    async def agreements(self) -> tuple[Agreement, ...]:
        return (self.bench.agreement,)

    async def accept(self, name: str) -> Agreement:
        self.bench.agreement = self.bench.agreement.model_copy(update={"accepted_at": self.bench.time()})
        return self.bench.agreement


class FakeSettings:
    """Settings in memory; `wrong` is a value that cannot be."""

    def __init__(self) -> None:
        self.given: dict[str, SettingValue] = {}

    def report(self) -> SettingsReport:
        return SettingsReport(
            file="/home/user/settings.yaml", sections=sections(), settings=tuple(map(self._setting, leaves()))
        )

    def _setting(self, leaf: Leaf) -> Setting:
        return Setting(
            key=leaf.key,
            about=leaf.about,
            kind=leaf.kind,
            expected=leaf.expected,
            choices=leaf.choices,
            optional=leaf.optional,
            value=self.given.get(leaf.key, leaf.default),
            default=leaf.default,
            source="user" if leaf.key in self.given else "default",
        )

    def set(self, key: str, value: SettingValue) -> Setting:
        if value == "wrong":
            raise InvalidError(f"{key}: `wrong` cannot be.")
        self.given[key] = (
            {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
        )
        return self._setting(leaf_of(key)[0])

    def unset(self, key: str) -> Setting:
        self.given.pop(key, None)
        return self._setting(leaf_of(key)[0])


class _Engine(_Part):
    async def listeners(self) -> tuple[Listener, ...]:
        return ()

    async def status(self) -> EngineStatus:
        self.bench.reach()
        return EngineStatus(
            version=self.bench.version,
            pid=1,
            started_at=NOON,
            home="/home/user",
            address="",
            log="",
            sessions=len(self.bench.sessions_by_id),
            active_runs=self.bench.executing,
            waiting=0,
            last_event_id=len(self.bench.log),
            sandbox=Protection(guard=Guard.BUBBLEWRAP),
        )

    async def settings(self, project: str | None = None) -> Settings:
        return self.bench.settings

    async def health(self) -> EngineHealth:
        self.bench.reach()
        return EngineHealth(
            started_at=NOON,
            processes=(
                ProcessHealth(name="engine", pid=1, memory_bytes=90_000_000),
                ProcessHealth(name="models"),
                ProcessHealth(name="knowledge"),
            ),
            database_bytes=1_200_000,
            knowledge_bytes=0,
            blobs_bytes=40_000,
            free_bytes=90_000_000_000,
        )

    async def describe_settings(self, project: str | None = None) -> SettingsReport:
        return self.bench.settings_file.report()

    async def set_setting(self, key: str, value: SettingValue) -> Setting:
        return self.bench.settings_file.set(key, value)

    async def unset_setting(self, key: str) -> Setting:
        return self.bench.settings_file.unset(key)

    async def log(
        self,
        name: str = "engine",
        limit: int = 200,
        level: str = "debug",
        words: str = "",
        before: str | None = None,
        after: str | None = None,
    ) -> LogPage:
        if before is None and after is None:
            return LogPage(lines=self.bench.log_lines, before="1.0", after="1.9")
        return LogPage(lines=(), after="1.9")

    async def stop(self, idle_only: bool = False) -> None:
        if idle_only and self.bench.executing:
            raise ConflictError("The engine is busy with 1 run; try again when it is idle.")
        self.bench.stops.append(idle_only)

    async def check(self, repair: bool = False) -> tuple[CheckResult, ...]:
        return self.bench.checks


def failure(message: str) -> ErrorInfo:
    return ErrorInfo(kind=ErrorKind.UPSTREAM, code="model_failed", message=message)
