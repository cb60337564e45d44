"""The table of operations against the protocol, and each operation over a real socket."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel
from server_fakes import AT

from holdfast.core.config.settings import Settings
from holdfast.core.domain.accounts import (
    AccountMode,
    CodeSent,
    Mail,
    SignInProvider,
    SignInWays,
    UserName,
    UserPage,
)
from holdfast.core.domain.agent_files import AgentFileInfo, AgentFolder
from holdfast.core.domain.agents import (
    AgentInfo,
    AgentShare,
    AgentSource,
    AgentSpec,
    AvailableAgent,
    Layer,
    ToolAssignment,
    Trust,
)
from holdfast.core.domain.agreements import Agreement
from holdfast.core.domain.approvals import (
    Approval,
    ApprovalStatus,
    ApproveMode,
    Decision,
    Rules,
    Verdict,
)
from holdfast.core.domain.configuring import Setting, SettingsReport, SettingsSection
from holdfast.core.domain.context import Compaction, ContextPart, RunContext
from holdfast.core.domain.conversations import (
    Conversation,
    SaidMessage,
    SessionsFound,
    SharedConversation,
)
from holdfast.core.domain.custom_tools import CustomTool, HttpToolSpec, PythonToolSpec, ToolVersion
from holdfast.core.domain.drafts import (
    AgentDraft,
    DraftTask,
    MessageDraft,
    PromptDraft,
    PromptFindings,
    PromptSections,
)
from holdfast.core.domain.errors import Diagnostic
from holdfast.core.domain.events import EventFilter, LoggedEvent, SessionRenamed
from holdfast.core.domain.figures import EngineFigures
from holdfast.core.domain.files import (
    Change,
    FileContent,
    FileEntry,
    FileVersion,
    WorkspaceStats,
    WrittenFile,
)
from holdfast.core.domain.given_tools import GivenTool, GivenTools
from holdfast.core.domain.health import EngineHealth, ModelFailure, ProcessHealth
from holdfast.core.domain.hooks import HookInfo, HookSecret, HookSpec, HookTest
from holdfast.core.domain.identity import LOCAL_PRINCIPAL, Credential, NewCredential, Role, Scope, User
from holdfast.core.domain.jobs import Job, JobProgress, JobStatus
from holdfast.core.domain.knowledge import (
    Chunk,
    Chunking,
    Collection,
    ContextRecord,
    Document,
    IngestRequest,
    IngestResult,
    Passage,
    Place,
    Retrieval,
    RetrievalSettings,
    RetrievalStep,
    Retrieved,
    StagedUpload,
    Submission,
    SubmissionsFound,
)
from holdfast.core.domain.limits import Allowance, Budget, LimitState, Tier
from holdfast.core.domain.logs import LogLine, LogPage
from holdfast.core.domain.mcp import McpContent, McpLeftOut, McpResource, McpServer, McpServerSpec, McpState
from holdfast.core.domain.memory import MemoryBlock, MemoryDefaults, MemoryEntry, MemoryHit, MemoryShare
from holdfast.core.domain.messages import FilePart, ImagePart, TextPart, ToolCallPart
from holdfast.core.domain.models import ModelChoice, ModelInfo
from holdfast.core.domain.modes import AutoLimits, SessionMode
from holdfast.core.domain.oauth import NewOAuthClient, OAuthClient, OAuthGrant
from holdfast.core.domain.objects import StoredObject
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.own_models import (
    AddedModel,
    Forgotten,
    ModelFile,
    ModelLookup,
    OllamaModel,
    OllamaServer,
    OwnModel,
    OwnModelCheck,
    OwnModelState,
    Tried,
)
from holdfast.core.domain.plans import CREDIT_TIERS, CreditState, ModelPrice, PlanTerms
from holdfast.core.domain.prompts import (
    FoundPrompt,
    PromptArgument,
    PromptInfo,
    PromptOrigin,
    PromptSpec,
    ResolvedPrompt,
)
from holdfast.core.domain.providers import KeptKey, ProviderCheck, ProviderInfo
from holdfast.core.domain.releases import Artifact, NewRelease, Release
from holdfast.core.domain.rules import PastCall, RuleEntry, RuleSuggestion, RuleWeight
from holdfast.core.domain.run_log import (
    RunEntry,
    RunMap,
    RunReport,
    RunsFound,
    StepReport,
    ToolReport,
)
from holdfast.core.domain.runs import (
    QueuedMessage,
    Run,
    RunOptions,
    RunStatus,
    SearchHit,
    Session,
    SessionCounts,
    Submitted,
    TextMatches,
    ToolRun,
)
from holdfast.core.domain.skills import Skill, SkillInfo, SkillScope, SkillSync
from holdfast.core.domain.status import CheckResult, Listener
from holdfast.core.domain.tools import ArgumentsBlock, DiffBlock, PlanItem, Question, Risk, ToolInfo
from holdfast.core.domain.trash import Trashed
from holdfast.core.domain.upstream import UpstreamAnswer, UpstreamEnd, UpstreamStart
from holdfast.core.domain.usage import ModelUsage, UsageCounts, UsageGroup, UsageSummary
from holdfast.core.domain.values import Page
from holdfast.core.domain.webhooks import Delivery, DeliveryStatus, NewWebhook, Webhook
from holdfast.server.native.codec import codec
from holdfast.server.native.operation import names_in, workbench_methods
from holdfast.server.native.operations import OPERATIONS, operations, places

SPEC = AgentSpec(
    version=1,
    name="analyst",
    tools=(ToolAssignment(tool="read_file", id="0" * 8 + "-0000-0000-0000-" + "0" * 12),),
    approvals=Rules(allow=("read_file",)),
)
AGENT = AgentInfo(
    id="a1", name="analyst", display_name="Größe", tags=("x",), layer=Layer.USER, path="/a.yaml", spec=SPEC
)
MCP_SERVER = McpServer(
    spec=McpServerSpec(name="files", command=("run", "ü"), env={"KEY": "${secret:A.b-1}"}),
    state=McpState.FAILED,
    reason="it fell over",
    failures=2,
    started_at=AT,
    tools=3,
    left_out=(McpLeftOut(tool="a", reason="wrong"),),
    missing=("A.b-1",),
    log="ü\n",
)
WAYS = SignInWays(
    mode=AccountMode.NATIVE,
    registration=True,
    passwords="admins",
    providers=(SignInProvider(id="native", type="native", name="Größe"),),
)
CUSTOM_TOOL = CustomTool(
    id="t1",
    number=3,
    owner="local",
    spec=HttpToolSpec(
        name="find_stock",
        description="Größe",
        parameters={"type": "object", "properties": {"n": {"type": "number", "default": 2.5}}},
        endpoint="https://shop.test/{n}",
        headers={"X-Key": "${secret:KEY}"},
    ),
    created_at=AT,
    updated_at=AT,
    missing=("KEY",),
)
PYTHON_TOOL = CUSTOM_TOOL.model_copy(update={"spec": PythonToolSpec(code="def ü(): ...", name="b")})
SOURCE = AgentSource(text="# ü\r\nname: a", digest="00", path="/a.yaml")
MISTAKE = Diagnostic(file="a.yaml", line=1, column=2, key_path="tools[0]", message="unknown")
TRUST = Trust(path="/p", trusted=True, decided_at=AT)
SESSION = Session(
    id="s1", title="Größe", agent="analyst", project="/p", workspace="/w", created_at=AT, updated_at=AT
)
TRASHED = Trashed(kind="session", id="s1", title="\u00fc", deleted_at=AT, purged_at=AT + timedelta(days=30))
RUN = Run(id="r1", session_id="s1", agent="analyst", model="offline", status=RunStatus.WAITING, started_at=AT)
IMAGE = ImagePart(blob="00", media_type="image/png")
FILE = FilePart(blob="11", media_type="text/csv", name="a.csv", size=3)
PROVIDER = ProviderInfo(
    name="custom",
    title="Any",
    needs_key=False,
    takes_url=True,
    key_from="keyring",
    url="http://h/v1",
    served=("qwen3",),
)
OWN_MODEL = OwnModel(name="a/b c", kind="server", url="http://h/v1", ext={"dexto": {"provider": "litellm"}})
CHECKED = ProviderCheck(
    provider="custom", state="right", message="It answers.", models=("qwen3",), took_ms=1.5
)
_SHOWN = ContextPart(kind="result", name="read_file", text="north", tokens=9, event_id=3)
RUN_CONTEXT = RunContext(
    session_id="s1",
    run_id="r1",
    step=2,
    model="m",
    window=128_000,
    tokens=9,
    reported=None,
    parts=(_SHOWN,),
)
RUN_ENTRY = RunEntry(id="r1", session_id="s1", agent="a", model="m", status="completed", started_at=AT)
RUN_REPORT = RunReport(
    run=RUN_ENTRY,
    prompt="ü",
    way=(
        StepReport(event_id=1, at=AT, step=1, purpose="tool_choice", model="m", total_ms=1.5),
        ToolReport(event_id=2, at=AT, call_id="c", step=1, name="t", arguments={"x": [1]}),
    ),
)
COMPACTION = Compaction(
    session_id="s1",
    run_id="r1",
    event_id=7,
    at=AT,
    summary="s",
    tokens_before=9,
    tokens_after=2,
    dropped=(_SHOWN,),
    kept=(),
)
SETTING = Setting(
    key="tui.keys",
    about="a",
    kind="mapping",
    expected="e",
    value={"a": "b"},
    default={},
    source="user",
    place="/s.yaml",
)
SETTINGS_REPORT = SettingsReport(
    file="/s.yaml", sections=(SettingsSection(name="tui", about="The app."),), settings=(SETTING,)
)
HEALTH = EngineHealth(
    started_at=AT,
    processes=(ProcessHealth(name="engine", pid=7, memory_bytes=9), ProcessHealth(name="models")),
    database_bytes=1,
    knowledge_bytes=2,
    blobs_bytes=3,
    failures=(ModelFailure(provider="openai", model="openai/x", at=AT, message="It said no."),),
)
LOG = LogPage(
    lines=(LogLine(at="2026-11-22 03:27:35,332", level="error", source="holdfast", text="a\n  b"),),
    before="1.2",
    after="1.9",
)
PARTS = (TextPart(text="Hällo\n\u2028?&=#"), IMAGE, FILE)
QUEUED = QueuedMessage(id="m1", session_id="s1", parts=PARTS, queued_at=AT)
SUBMITTED = Submitted(session_id="s1", message_id="m1", run_id="r1")
OPTIONS = RunOptions(model="offline", response_format={"type": "object"})
QUESTION = Question(id="q1", session_id="s1", run_id="r1", call_id="c1", text="Which?", choices=("a", "b"))
APPROVAL = Approval(
    id="a1",
    session_id="s1",
    run_id="r1",
    call_id="c1",
    agent="analyst",
    tool="write_file",
    risk=Risk.WRITE,
    subject="r.md",
    arguments={"path": "r.md", "n": [1, None, 2.5]},
    preview=(DiffBlock(path="r.md", diff="+x"), ArgumentsBlock(arguments={"a": 1})),
    requested_at=AT,
    decision=Decision(outcome="deny", reason="no"),
)
RULE_ENTRY = RuleEntry(
    rule="write_file(ü/*)", verdict=Verdict.ALLOW, origin="session", where="s1", removable=True
)
RULE_WEIGHT = RuleWeight(
    rule="write_file(ü/*)",
    exact=False,
    covered=1,
    calls=(
        PastCall(
            approval_id="a1",
            tool="write_file",
            subject="ü/a",
            agent="x",
            status=ApprovalStatus.APPROVED,
            at=AT,
        ),
    ),
    risks=("It does not look at what is written.",),
)
SESSION_MODE = SessionMode(
    mode=ApproveMode.AUTO, limits=AutoLimits(steps=3, cost_usd=None), since=AT, steps=2
)
EVENT = LoggedEvent(id=7, event=SessionRenamed(session_id="s1", title="x", at=AT))
ENTRY = FileEntry(path="a b/ü.md", size=3, modified_at=AT, state="created", run_id="r1")
CONTENT = FileContent(path="x.md", kind="markdown", media_type="text/markdown", size=2, text="# x")
TOOL = ToolInfo(name="read_file", description="Reads", risk=Risk.READ, parameters={"type": "object"})
GIVEN = GivenTools(
    agent="general",
    tools=(
        GivenTool(
            tool=TOOL,
            by="memory",
            pinned={"path": "a"},
            unknown=("b",),
            verdict=Verdict.ASK,
            reason="no rule allows it",
            rules=("your policy allows read_file(*.md)",),
        ),
    ),
    missing=("clock: it is disabled",),
)
TOOL_RUN = ToolRun(
    session_id="s1",
    run_id="r1",
    call_id="c1",
    tool="read_file",
    status=RunStatus.COMPLETED,
    outcome="ok",
    content=(TextPart(text="x"),),
    display=(DiffBlock(path="r.md", diff="+x"),),
)
WRITTEN = WrittenFile(path="a", size=1, digest="00", change=Change.CREATED)
VERSION = FileVersion(at=AT, origin="api", change=Change.MODIFIED, size=1, digest="00", kept=True)
STATS = WorkspaceStats(workspace="/w", sessions=("s1",), files=1, total_bytes=2, largest="a", changed_at=AT)
CREDITS = CreditState(user="u1", label="ann", counted=True, balance=-0.5, spent=3, tier=CREDIT_TIERS[0])
AGREEMENT = Agreement(name="a", title="A ü", text="# A", accepted_at=AT)
USER = User(id="u1", name="ann", role=Role.USER, created_at=AT)
RELEASE = Release(
    version="1.2",
    artifacts=(Artifact(platform="linux-x86_64", installer_url="https://h/a.deb"),),
    published_at=AT,
)
OBJECT = StoredObject(
    id="t", owner="u", key="a/b.png", name="b.png", media_type="image/png", size=4, created_at=AT
)
OAUTH_CLIENT = OAuthClient(id="c1", name="Notes", redirect_uris=("https://a.example/cb",), created_at=AT)
KEY = Credential(
    id="k1", kind="key", user_id="u1", name="ci", scope=Scope.CHAT, last_four="abcd", created_at=AT
)
LISTENER = Listener(
    id="l1",
    url="https://[::1]:9",
    host="::1",
    port=9,
    tls=True,
    auth=True,
    root=("holdfast",),
    started_at=AT,
    log="/l.log",
)
HOOK = HookSpec(
    id="0190b5a0-0000-7000-8000-00000000000a",
    point="before_tool",
    type="rule",
    rules=({"when": "path CONTAINS x"},),
)
WEBHOOK = Webhook(id="w1", owner="u1", url="https://a.test/", events=("run.*",), created_at=AT, cursor=7)
DELIVERY = Delivery(
    id="d1", webhook_id="w1", event_id=7, type="run.completed", status=DeliveryStatus.PENDING, created_at=AT
)
BLOCK = MemoryBlock(id="b1", owner="u1", name="Größe", content="a\u2028", created_at=AT, updated_at=AT)
MEMORY = MemoryEntry(
    id="e1", content="x", tags=("a", "ü"), metadata={"n": [1, None]}, created_at=AT, updated_at=AT
)
SHARE = MemoryShare(user="ann b", can_edit=True)
CHECK = CheckResult(name="database", state="ok", message="fine")
COLLECTION = Collection(id="k1", name="Größe", metadata={"n": [1, None]}, created_at=AT, updated_at=AT)
SAID = SaidMessage(
    **{"role": "assistant", "id": "1", "run_id": "r1", "at": AT, "agent": "a", "text": "ü\u2028"},
    calls=(ToolCallPart(call_id="c", name="n", arguments={"ü": [1]}),),
)
SUBMISSION = Submission(
    **{"id": "d1", "collection_id": "k1", "name": "ü.md", "source": "upload:ü.md", "status": "failed"},
    **{"job_id": "j1", "metadata": {"a": [1]}, "added_at": "2026-11-01T12:00:00Z"},
)
DOCUMENT = Document(
    id="d1",
    collection_id="k1",
    name="a/ü.md",
    source="/p/a/ü.md",
    media_type="text/markdown",
    size=3,
    digest="00",
    metadata={"year": 2020},
    added_at=AT,
)
PLACE = Place(start=0, end=2, line=1, headings=("A", "B"))
CHUNK = Chunk(id=5, document_id="d1", number=0, text="x\u2028", place=PLACE)
PASSAGE = Passage(
    chunk_id=5,
    number=0,
    collection_id="k1",
    collection="Größe",
    document_id="d1",
    document="a/ü.md",
    source="/p/a/ü.md",
    text="x",
    place=PLACE,
    score=0.5,
    vector_rank=1,
)
RETRIEVAL = Retrieval(
    query="ü?",
    method="hybrid",
    passages=(PASSAGE,),
    steps=(RetrievalStep(action="search", text="ü?", found=1),),
)
CONTEXT = ContextRecord(
    id="c1",
    query="ü?",
    retrieval=RETRIEVAL,
    max_tokens=100,
    text="[1] x",
    items=(Retrieved(number=1, passage=PASSAGE),),
    created_at=AT,
)
STAGED = StagedUpload(
    id="u1", name="ü a.pdf", blob="0" * 64, size=2, ext={"a": {"n": 1}}, created_at=AT, expires_at=AT
)
JOB = Job(
    id="j1",
    kind="ingest",
    title="Take in 1 file",
    collection_id="k1",
    status=JobStatus.RUNNING,
    progress=JobProgress(done=1, total=2, eta_s=0.5),
    failures=(IngestResult(source="/a", name="a", status="failed"),),
    request=IngestRequest(collection_id="k1", urls=("https://a.test/",)),
    started_at=AT,
)
USES = (KnowledgeUse(collection="docs", top_k=2, where={"year": {"$gte": 2020}}),)


def page(*items: Any, more: str | None = None, of: Any = None) -> Page[Any]:
    return Page[of or type(items[0])](items=items, next_cursor=more)  # type: ignore[misc]


EVENTS = page(EVENT, more="7")
LIMIT_STATE = LimitState(
    kind="key",
    subject="k1",
    label="ci",
    owner="local",
    tier="free",
    allowances=(
        Allowance(period="minute", unit="requests", limit=10, used=2, left=8),
        Allowance(period="day", unit="usd", limit=1.5, used=1.5, left=0, resets_at=AT),
    ),
    nearly_used=True,
)
USAGE = UsageSummary(
    by="model",
    since=AT,
    until=None,
    total=UsageCounts(runs=2, steps=3, input_tokens=4, cost_usd=0.5),
    groups=(UsageGroup(key="offline", runs=1, estimated=True),),
    left_out=1,
)
FIGURES = EngineFigures(
    version="1",
    started_at=AT,
    sessions=1,
    executing_runs=1,
    open_runs={"running": 1},
    runs_ended={"failed": 2},
    waiting_approvals=1,
    waiting_questions=0,
    listeners=1,
    events_appended=5,
    last_event_id=7,
    usage=(ModelUsage(model="offline", output_tokens=3),),
)

PROMPT_SPEC = PromptSpec(
    name="review",
    arguments=(PromptArgument(name="a-b", default="x"), PromptArgument(name="B", required=True)),
    text="{{a-b}} $1 ü",
)
PROMPT = FoundPrompt(
    info=PromptInfo(
        key="own:review",
        name="review",
        arguments=PROMPT_SPEC.arguments,
        words=1,
        origin=PromptOrigin.OWN,
        attachment=FilePart(blob="0" * 64, media_type="text/csv", name="a.csv", size=3),
        id="i",
        updated_at=AT,
        problems=(MISTAKE,),
    ),
    text=PROMPT_SPEC.text,
    digest="00",
)

SKILL = SkillInfo(
    name="minutes",
    description="Writes minutes.",
    scope=SkillScope.USER,
    path="/s",
    more={"license": "MIT", "metadata": {"n": [1, 2.5, None]}},
    problems=(MISTAKE,),
)

FOLDER = AgentFolder(
    agent_id="a",
    path="ü",
    files=(AgentFileInfo(path="ü/b.txt", is_folder=False, size=3, changed_at=AT, md5="00"),),
    cut=True,
)
AGENT_DRAFT = AgentDraft(
    display_name="Clerk ü", description="d", instructions="i", workflows={"w": ("s",)}, by="template"
)
PROMPT_DRAFT = PromptDraft(
    text="t",
    sections=PromptSections(role="r"),
    findings=PromptFindings(language="l"),
    original_length=1,
    by="model",
    model="m",
)
DRAFT_TASK = DraftTask(id="t1", kind="prompt", status="running", created_at=AT, updated_at=AT)

CALLS: list[tuple[str, dict[str, Any], Any]] = [
    ("agents.list", {"project": "/p x/&=%2F"}, (AGENT,)),
    ("agents.list", {}, ()),
    ("agents.get", {"name": "analyst", "project": "/p"}, AGENT),
    ("agents.validate", {"path": "/a.yaml"}, (MISTAKE,)),
    ("agents.read", {"path": "/a b/ü.yaml"}, "systemPrompt: ü\n"),
    ("agents.source", {"name": "analyst", "project": "/p"}, SOURCE),
    ("agents.check", {"yaml": "version: 1\nname: ü\u2028\n"}, (MISTAKE,)),
    ("agents.check", {"yaml": "version: 1\n", "name": "analyst", "project": "/p"}, ()),
    ("agents.schema", {}, {"title": "Holdfast agent", "properties": {"name": {"type": "string"}}}),
    ("agents.template", {"name": "analyst"}, "version: 1\nname: analyst\n"),
    ("agents.create", {"yaml": "version: 1\nname: a\n"}, AGENT),
    ("agents.update", {"name": "a b..%2Fc", "yaml": "", "expected": "00"}, AGENT),
    ("agents.update", {"name": "a", "yaml": "x"}, AGENT),
    ("agents.update", {"name": "a", "yaml": "x", "project": "/p x"}, AGENT),
    ("agents.compose", {"values": {"display_name": "ü", "ext": {"x": {"n": [1, 2.5, None]}}}}, AGENT),
    ("agents.edit", {"name": "a b", "changes": {"limits.max_steps": 3, "model": None}}, AGENT),
    ("agents.edit", {"name": "a", "changes": {}, "expected": "00", "project": "/p x"}, AGENT),
    ("agents.delete", {"name": "check"}, None),
    ("agents.share", {"name": "a b", "users": ("ann", "ü")}, (AgentShare(user_id="u", name="ann"),)),
    ("agents.share", {"name": "a", "users": ()}, ()),
    ("agents.shared_with", {"name": "a"}, (AgentShare(user_id="u", name="ann"),)),
    ("agent_files.list", {"agent": "a b", "path": "ü/b", "depth": 0}, FOLDER),
    ("agent_files.list", {"agent": "a"}, FOLDER),
    ("agent_files.look", {"agent": "a", "path": "ü/b.txt"}, FOLDER.files[0]),
    ("agent_files.upload", {"agent": "a", "path": "ü?&.bin", "data": b"\0\xff"}, FOLDER.files[0]),
    ("agent_files.fetch", {"agent": "a", "path": "b", "url": "https://a.test/b"}, FOLDER.files[0]),
    ("agent_files.delete", {"agent": "a", "path": "ü/b.txt"}, None),
    ("agent_files.clear", {"agent": "a"}, None),
    ("drafts.agent", {"description": "ü", "tools": ("read_file",), "language": "zh-CN"}, AGENT_DRAFT),
    ("drafts.agent", {"description": "ü"}, AGENT_DRAFT),
    ("drafts.prompt", {"text": "ü", "goal": "better"}, PROMPT_DRAFT),
    (
        "drafts.message",
        {"text": "ü", "before": "b"},
        MessageDraft(text="t", original_length=1, by="template"),
    ),
    ("drafts.submit_agent", {"description": "ü", "tools": ()}, DRAFT_TASK),
    ("drafts.submit_prompt", {"text": "ü", "language": "zh"}, DRAFT_TASK),
    ("drafts.task", {"id": "t1"}, DRAFT_TASK.model_copy(update={"prompt": PROMPT_DRAFT})),
    ("drafts.cancel", {"id": "t1"}, DRAFT_TASK),
    ("agents.available", {}, (AvailableAgent(name="coder", tags=("code",), installed=True),)),
    ("agents.install", {"source": "/a b/ü.yaml"}, AGENT),
    ("agents.uninstall", {"name": "coder"}, None),
    ("agents.trust", {"path": "/p", "trusted": False}, TRUST),
    ("agents.trusted", {"path": "/p"}, TRUST),
    ("agents.trusted", {"path": "/p"}, None),
    ("sessions.list", {"query": "a+b ü", "limit": 5, "cursor": "x=_-"}, page(SESSION, more="y=")),
    ("sessions.create", {"agent": "analyst", "project": "/p", "model": "offline", "id": "s1"}, SESSION),
    ("sessions.create", {"agent": "a", "workspace": "agent"}, SESSION),
    ("sessions.get", {"session_id": "search"}, SESSION),
    ("sessions.get", {"session_id": ".."}, SESSION),
    ("sessions.get", {"session_id": "a b?c#d%2e"}, SESSION),
    ("sessions.rename", {"session_id": "s1", "title": ""}, SESSION),
    ("sessions.configure", {"session_id": "s1", "model": ""}, SESSION),
    ("sessions.annotate", {"session_id": "s1", "ext": {"powabase": {"a": [1]}}}, SESSION),
    ("sessions.delete", {"session_id": "s1"}, None),
    ("sessions.delete", {"session_id": "s1", "permanent": True}, None),
    ("sessions.counts", {}, SessionCounts(sessions=3, unread=1)),
    ("sessions.tally", {"api": "h2ogpte", "key": "collection_id"}, {"c": 2}),
    ("sessions.star", {"session_id": "s1", "starred": False}, SESSION),
    ("sessions.archive", {"session_id": "s1", "archived": False}, SESSION),
    ("sessions.see", {"session_id": "s1", "through": 7}, SESSION),
    ("sessions.take_in", {"data": b"# T\n\n## You\n", "name": "\u00fc.md", "agent": "analyst"}, (SESSION,)),
    ("trash.list", {"kind": "session", "limit": 3}, page(TRASHED, more="x=")),
    ("skills.list", {"project": "/p x", "agent": "a"}, (SKILL,)),
    ("skills.list", {}, ()),
    ("skills.get", {"name": "a b", "project": "/p", "agent": "x"}, Skill(info=SKILL, text="ü", digest="0")),
    ("skills.install", {"source": "https://a.test/x.zip", "folder": "a/b", "replace": True}, SKILL),
    ("skills.upload", {"data": b"PK", "name": "a.zip", "folder": "b", "replace": True}, SKILL),
    ("skills.install", {"source": "/a b/ü", "agent": "clerk", "shared": True}, SKILL),
    ("skills.upload", {"data": b"PK", "agent": "ü", "shared": True}, SKILL),
    ("skills.copy", {"name": "a b", "agent": "clerk", "replace": True}, SKILL),
    ("skills.list", {"scope": SkillScope.SHARED}, (SKILL,)),
    ("skills.sync", {"agent": "a b", "names": ("minutes",), "purge": True}, SkillSync(copied=("minutes",))),
    ("skills.sync", {"agent": "clerk"}, SkillSync(removed=("ü",))),
    ("skills.save", {"name": "minutes", "text": "---\n", "expected": "00"}, SKILL),
    ("skills.save", {"name": "minutes", "text": "ü", "agent": "clerk", "shared": True}, SKILL),
    ("skills.remove", {"name": "a b"}, None),
    ("skills.remove", {"name": "a b", "agent": "clerk", "shared": True}, None),
    ("prompts.list", {"session_id": "s", "project": "/p x", "agent": "a"}, (PROMPT.info,)),
    ("prompts.list", {}, ()),
    ("prompts.get", {"name": "mcp:files:ü", "session_id": "s"}, PROMPT),
    ("prompts.parse", {"name": "review", "source": "---\nü: x\n---\n"}, PROMPT_SPEC),
    ("prompts.create", {"prompt": PROMPT_SPEC}, PROMPT),
    ("prompts.update", {"name": "own:review", "prompt": PROMPT_SPEC, "expected": "00"}, PROMPT),
    ("prompts.delete", {"name": "review"}, None),
    ("prompts.attach", {"name": "review", "data": b"\x00PK", "file_name": "ü b.bin"}, PROMPT),
    ("prompts.detach", {"name": "review"}, PROMPT),
    (
        "prompts.resolve",
        {"name": "own:review", "arguments": {"a-b": "$1 {{x}}"}, "words": ("a b", "ü"), "line": 'c "d"'},
        ResolvedPrompt(key="own:review", parts=(TextPart(text="ü"),), resources=("files:mem://a",)),
    ),
    ("trash.restore", {"kind": "memory_block", "id": "a b?c"}, None),
    ("trash.empty", {}, 2),
    ("trash.empty", {"kind": "agent", "id": "a1"}, 1),
    (
        "sessions.browse",
        {
            **{"text": "ü%", "agent": "a b", "order": "title", "descending": False},
            **{"offset": 2, "limit": 3, "api": "sage"},
        },
        SessionsFound(items=(SESSION,), total=5, user_messages={"s1": 2}),
    ),
    (
        "sessions.conversation",
        {"session_id": "s1"},
        Conversation(session=SESSION, messages=(SAID,), last_event_id=7),
    ),
    ("sessions.plan", {"session_id": "s1"}, (PlanItem(text="ü", status="completed"),)),
    ("sessions.share", {"session_id": "s1", "shared": False}, SESSION),
    (
        "sessions.shared",
        {"session_id": "s1", "api": "sage"},
        SharedConversation(id="s1", title="ü", agent="a", created_at=AT, updated_at=AT, messages=(SAID,)),
    ),
    ("sessions.fork", {"session_id": "s1", "before": 0}, SESSION),
    ("sessions.search", {"query": "x", "limit": 3}, page(of=SearchHit)),
    (
        "sessions.search",
        {"query": "x"},
        page(
            SearchHit(session_id="s1", session_title="t", event_id=1, role="user", excerpt="\x02x\x03", at=AT)
        ),
    ),
    ("sessions.export", {"session_id": "s1", "format": "markdown"}, "# Title\n\nü\u2028"),
    ("sessions.queue", {"session_id": "s1"}, (QUEUED,)),
    ("sessions.pull_back", {"session_id": "s1", "message_id": "m1"}, QUEUED),
    ("sessions.empty_queue", {"session_id": "s1"}, (QUEUED,)),
    ("sessions.entitle", {"session_id": "s1"}, SESSION),
    ("sessions.clear", {"session_id": "s1", "since": "r1"}, SESSION),
    (
        "sessions.find",
        {"text": "\u00fc b", "role": "tool", "session_id": "s1", "offset": 2, "limit": 3},
        TextMatches(total=0, items=(), sessions=()),
    ),
    (
        "runs.follow_up",
        {"session_id": "s1", "parts": PARTS, "kind": "background", "options": OPTIONS},
        QUEUED,
    ),
    ("runs.send", {"session_id": "s1", "parts": PARTS, "options": OPTIONS, "message_id": "m1"}, SUBMITTED),
    ("runs.send", {"session_id": "s1", "parts": (TextPart(text="x" * 5_000_000),)}, SUBMITTED),
    ("runs.get", {"run_id": "r1"}, RUN),
    ("runs.of_message", {"message_id": "m1"}, RUN),
    ("runs.list", {"session_id": "s1", "limit": 2, "cursor": "c"}, page(RUN)),
    ("runs.cancel", {"run_id": "r1"}, RUN),
    ("runs.pause", {"run_id": "r1"}, RUN),
    ("runs.resume", {"run_id": "r1"}, RUN),
    ("runs.finish", {"run_id": "r1"}, RUN),
    ("runs.steer", {"run_id": "r1", "parts": PARTS}, None),
    ("runs.go_on", {"session_id": "s1", "options": OPTIONS}, SUBMITTED),
    ("models.providers", {}, (PROVIDER,)),
    ("models.look_up", {"model": "openrouter/a/b:c"}, ModelLookup(model="a/b", state="undecided")),
    ("models.own", {}, (OwnModelState(model=OWN_MODEL, problem="gone"),)),
    ("models.keep", {"model": OWN_MODEL, "key": "sk-1", "private": True}, OWN_MODEL),
    ("models.add", {"model": OWN_MODEL, "key": "sk-1"}, AddedModel(model=OWN_MODEL, added=True)),
    (
        "models.check",
        {"model": OWN_MODEL, "key": "sk-1", "abilities": ("images",)},
        OwnModelCheck(url="http://h", model="m", connection=Tried(supported=True, response="OK")),
    ),
    (
        "models.forget",
        {"name": "a/b c", "file": True, "private": True},
        Forgotten(name="a/b c", file_deleted=True),
    ),
    ("models.check_file", {"path": "/m/x y.gguf"}, ModelFile(path="/m/x y.gguf", size_bytes=4)),
    (
        "models.ollama",
        {"url": "http://h:11434"},
        OllamaServer(url="http://h", available=True, models=(OllamaModel(name="m", modified_at=AT),)),
    ),
    ("keys.provider", {"provider": "openai"}, KeptKey(provider="openai", source="file", shown="sk-...1")),
    ("keys.check_provider", {"provider": "custom", "key": "sk-1", "url": "http://h/v1"}, CHECKED),
    ("keys.set_address", {"provider": "custom", "url": "http://h/v1"}, None),
    (
        "runs.search",
        {
            "text": "ü &",
            "agent": "a",
            "status": RunStatus.COMPLETED,
            "since": AT,
            "sort": "response_time",
            "descending": False,
            "offset": 100,
            "limit": 2,
        },
        RunsFound(runs=(RUN_ENTRY,), total=103, agents={"a": 103}),
    ),
    ("runs.report", {"run_id": "r1"}, RUN_REPORT),
    (
        "runs.map",
        {"session_id": "s1", "limit": 2, "before": "77"},
        RunMap(session_id="s1", title="T", runs=(RUN_REPORT,), older="7"),
    ),
    ("runs.context", {"run_id": "r1", "step": 2}, RUN_CONTEXT),
    ("runs.compaction", {"run_id": "r1", "event_id": 7}, COMPACTION),
    ("runs.suggest", {"session_id": "s1", "count": 2}, ("Why?", "And then?")),
    ("runs.compact", {"session_id": "s1", "focus": "the figures"}, SUBMITTED),
    ("runs.questions", {"session_id": "s1"}, page(QUESTION)),
    ("runs.answer", {"question_id": "q1", "answer": "a"}, None),
    ("approvals.list", {"session_id": "s1", "pending": False}, page(APPROVAL)),
    ("approvals.get", {"approval_id": "a1"}, APPROVAL),
    (
        "approvals.decide",
        {"approval_id": "a1", "decision": Decision(outcome="approve", arguments={"path": "y"})},
        APPROVAL,
    ),
    ("approvals.rules", {}, Rules(deny=("run_command(rm *)",))),
    ("approvals.policy_path", {}, "/p/policy.yaml"),
    (
        "approvals.history",
        {"query": "write ü", "status": ApprovalStatus.DENIED, "since": AT, "session_id": "s1", "limit": 3},
        page(APPROVAL),
    ),
    ("approvals.sources", {"session_id": "s1"}, (RULE_ENTRY,)),
    ("approvals.weigh", {"rule": "write_file(docs/*)"}, RULE_WEIGHT),
    ("approvals.suggestions", {}, (RuleSuggestion(kind="folder", approved=4, weight=RULE_WEIGHT),)),
    ("approvals.add_rule", {"rule": "write_file(ü/*)"}, Rules(allow=("write_file(ü/*)",))),
    ("approvals.remove_rule", {"rule": "write_file(ü/*)", "verdict": Verdict.DENY}, Rules()),
    ("approvals.drop_grants", {"session_id": "s1", "rules": ("a", "b(c, d)")}, None),
    ("approvals.mode", {"session_id": "s1"}, None),
    ("approvals.mode", {"session_id": "s1"}, SESSION_MODE),
    (
        "approvals.set_mode",
        {"session_id": "s1", "mode": ApproveMode.AUTO, "limits": AutoLimits(steps=3, cost_usd=None)},
        SESSION_MODE,
    ),
    ("events.read", {"filter": EventFilter(run_id="r1", deltas=False), "after": 3, "limit": 2}, EVENTS),
    ("events.read", {"filter": EventFilter()}, page(of=LoggedEvent)),
    ("events.page_before", {"session_id": "s1", "before": 4, "limit": 1}, page(EVENT, EVENT)),
    ("files.list", {"session_id": "s1"}, (ENTRY,)),
    ("files.read", {"session_id": "s1", "path": "../a b"}, CONTENT),
    ("files.image", {"session_id": "s1", "blob": "2" * 64}, CONTENT),
    ("files.attach", {"session_id": "s1", "path": "a.csv"}, FILE),
    ("files.attach", {"session_id": "s1", "path": "a.png"}, IMAGE),
    ("files.complete", {"session_id": "s1", "prefix": "a/", "limit": 2}, ("a/b", "a/c")),
    ("files.write", {"session_id": "s1", "path": "a b/ü.md", "text": "x\u2028", "expected": ""}, WRITTEN),
    ("files.upload", {"session_id": "s1", "path": "ü?&.bin", "data": b"\0\xff" * 900_000}, WRITTEN),
    ("files.upload", {"session_id": "s1", "path": "e", "data": b"", "expected": ""}, WRITTEN),
    ("files.delete", {"session_id": "s1", "path": "a b/ü.md"}, None),
    ("files.versions", {"session_id": "s1", "path": "a"}, (VERSION,)),
    ("files.stats", {}, (STATS,)),
    ("files.stats", {"session_id": "s1", "contents": True}, (STATS,)),
    ("files.made", {"session_id": "s1"}, (ENTRY,)),
    ("files.clear", {"session_id": "s1"}, 2),
    ("files.attach_url", {"session_id": "s1", "url": "https://a.test/x.png"}, FILE),
    ("files.attach_data", {"session_id": "s1", "name": "ü a.csv", "data": b"a,b"}, FILE),
    ("files.undo", {"session_id": "s1", "run_id": "r1"}, (ENTRY,)),
    ("files.redo", {"session_id": "s1"}, (ENTRY,)),
    ("tools.list", {"project": "/p"}, (TOOL,)),
    ("tools.list", {"servers": True}, (TOOL,)),
    ("tools.given", {"agent": "general"}, GIVEN),
    (
        "tools.given",
        {"agent": "a b", "project": "/p", "session_id": "s1", "mode": ApproveMode.EDITS},
        GIVEN,
    ),
    ("tools.get", {"name": "find_stock"}, CUSTOM_TOOL),
    ("tools.create", {"spec": CUSTOM_TOOL.spec}, CUSTOM_TOOL),
    ("tools.create", {"spec": PythonToolSpec(code="def a(): ...")}, PYTHON_TOOL),
    ("tools.update", {"name": "find_stock", "spec": CUSTOM_TOOL.spec, "expected": 1}, CUSTOM_TOOL),
    ("tools.delete", {"name": "find_stock"}, None),
    (
        "tools.versions",
        {"name": "find_stock"},
        (ToolVersion(version=1, spec=CUSTOM_TOOL.spec, created_at=AT),),
    ),
    ("tools.set_secret", {"name": "find_stock", "secret": "A.b-1", "value": "p ü&="}, CUSTOM_TOOL),
    ("tools.set_secret", {"name": "find_stock", "secret": "KEY"}, CUSTOM_TOOL),
    ("tools.run_alone", {"name": "read_file", "arguments": {"path": "ü/?"}}, TOOL_RUN),
    (
        "tools.run_alone",
        {"name": "a b", "arguments": {}, "agent": "clerk", "options": RunOptions(timeout_s=3)},
        TOOL_RUN,
    ),
    (
        "tools.run",
        {
            "session_id": "s1",
            "name": "read_file",
            "arguments": {"path": "ü/?", "n": [None, 2.5]},
            "options": RunOptions(approvals="deny", timeout_s=3),
            "wait_s": 1.5,
        },
        TOOL_RUN,
    ),
    ("tools.run", {"session_id": "s1", "name": "read_file", "arguments": {}}, TOOL_RUN),
    ("tools.result", {"run_id": "r1", "wait_s": 100.0}, TOOL_RUN),
    ("mcp.list", {}, (MCP_SERVER,)),
    ("mcp.get", {"name": "files"}, MCP_SERVER),
    ("mcp.add", {"server": MCP_SERVER.spec}, MCP_SERVER),
    ("mcp.add", {"server": MCP_SERVER.spec, "secrets": {"A": "ü&="}, "connect": True}, MCP_SERVER),
    ("mcp.replace", {"name": "files", "server": MCP_SERVER.spec}, MCP_SERVER),
    ("mcp.replace", {"name": "files", "server": MCP_SERVER.spec, "secrets": {}, "connect": True}, MCP_SERVER),
    ("mcp.enable", {"name": "files", "enabled": False}, MCP_SERVER),
    ("mcp.set_secret", {"name": "files", "secret": "A.b-1", "value": "p ü&="}, MCP_SERVER),
    ("mcp.remove", {"name": "files"}, None),
    ("mcp.test", {"name": "files"}, MCP_SERVER),
    ("mcp.tools", {"name": "files"}, (TOOL,)),
    ("mcp.resources", {"name": "files"}, (McpResource(server="files", uri="a://{b}", template=True),)),
    (
        "mcp.read",
        {"name": "files", "uri": "a://ü/?b=c#d"},
        (McpContent(uri="a://x", media_type="text/plain", text="p"),),
    ),
    (
        "mcp.call",
        {
            "session_id": "s1",
            "name": "files",
            "tool": "ü/?",
            "arguments": {"path": "a", "n": [None, 2.5]},
            "options": RunOptions(approvals="deny", timeout_s=3),
            "wait_s": 1.5,
        },
        TOOL_RUN,
    ),
    ("knowledge.list", {}, (COLLECTION,)),
    (
        "knowledge.create",
        {"name": "docs ü", "chunking": Chunking(max_chars=200), "metadata": {"a": [1, {"b": None}]}},
        COLLECTION,
    ),
    ("knowledge.get", {"collection": "a b ü?"}, COLLECTION),
    ("knowledge.update", {"collection": "..", "retrieval": RetrievalSettings(top_k=3)}, COLLECTION),
    ("knowledge.delete", {"collection": "k1"}, None),
    (
        "knowledge.add",
        {"collection": "k1", "paths": ("/a ü", "/b"), "urls": ("https://a.test/?x=1",), "summaries": True},
        JOB,
    ),
    (
        "knowledge.upload",
        {
            "collection": "k1",
            "name": "ü a.pdf",
            "data": b"\0\xff",
            "metadata": {"a": "ü&=", "n": [1, 2.5, None, True]},
            "summaries": True,
            "model": "m",
        },
        JOB,
    ),
    ("knowledge.upload", {"collection": "k1", "name": "e", "data": b""}, JOB),
    ("knowledge.stage", {"name": "ü a.pdf", "data": b"\0\xff", "ext": {"a": {"n": [1, "ü&="]}}}, STAGED),
    ("knowledge.staged", {}, (STAGED,)),
    ("knowledge.unstage", {"upload_id": "u1"}, None),
    (
        "knowledge.take_in",
        {"collection": "k1", "uploads": ("u1", "u2"), "metadata": {"u1": {"a": [1]}}, "replace": False},
        JOB,
    ),
    ("knowledge.sync", {"collection": "k1"}, JOB),
    ("knowledge.watch", {"collection": "k1", "path": "/a ü", "on": False}, COLLECTION),
    ("knowledge.reembed", {"collection": "k1", "model": "openai/x"}, JOB),
    ("knowledge.documents", {"collection": "k1", "query": "ü", "limit": 2, "cursor": "c"}, page(DOCUMENT)),
    (
        "knowledge.every_document",
        {"where": {"a": {"$gt": 1}}, "order": "size", "descending": False, "limit": 2, "cursor": "c"},
        page(DOCUMENT),
    ),
    ("knowledge.passages", {"chunk_ids": (3, 1), "collection": "k1"}, (PASSAGE,)),
    ("knowledge.document", {"document_id": "d1"}, DOCUMENT),
    ("knowledge.chunks", {"document_id": "d1", "limit": 2, "cursor": "c"}, page(CHUNK, more="x")),
    ("knowledge.text", {"document_id": "d1", "start": 3, "characters": 10}, "ü\u2028"),
    ("knowledge.describe", {"document_id": "d1", "questions": ("a?",), "metadata": {}}, DOCUMENT),
    ("knowledge.copy", {"document_id": "d1", "collection": "k1"}, JOB),
    ("knowledge.remove", {"document_id": "d1"}, None),
    (
        "knowledge.submissions",
        {
            **{"collection": "k1", "query": "ü%", "statuses": ("failed", "waiting")},
            **{"job_id": "j1", "offset": 3, "limit": 2},
        },
        SubmissionsFound(items=(SUBMISSION,), total=4, counts={"failed": 3, "waiting": 1}),
    ),
    ("knowledge.submission", {"document_id": "d1"}, SUBMISSION),
    ("knowledge.redo", {"collection": "k1", "documents": ("d1",), "job_id": "j1"}, JOB),
    ("knowledge.clear", {"collection": "k1"}, COLLECTION),
    ("knowledge.embed", {"texts": ("ü", "b"), "model": "openai/x"}, ((0.5, -1.0), (0.25, 0.0))),
    ("knowledge.nearest", {"collection": "k1", "vector": (0.5, -1.0), "top_k": 3}, (PASSAGE,)),
    ("knowledge.search", {"query": "ü?", "collections": USES, "method": "hyde1", "top_k": 3}, RETRIEVAL),
    ("knowledge.keep", {"query": "ü?", "collections": USES, "max_tokens": 100}, CONTEXT),
    ("knowledge.contexts", {"limit": 2, "cursor": "c"}, page(CONTEXT)),
    ("knowledge.context", {"context_id": "c1"}, CONTEXT),
    ("knowledge.drop", {"context_id": "c1"}, None),
    ("jobs.list", {"collection_id": "k1", "limit": 2, "cursor": "c"}, page(JOB)),
    ("jobs.pending", {}, 2),
    ("jobs.get", {"job_id": "j1", "wait_s": 1.5}, JOB),
    ("jobs.cancel", {"job_id": "j1"}, JOB),
    ("jobs.forget", {"job_id": "j1"}, None),
    ("jobs.delete_knowledge", {"collections": ("k1",), "documents": ("d1", "d2"), "collection": "k"}, JOB),
    ("jobs.delete_sessions", {"sessions": ("s1", "s2")}, JOB),
    ("jobs.retry", {"job_id": "j1"}, JOB),
    ("memory.blocks", {"query": "a%", "limit": 5, "cursor": "c"}, page(BLOCK, more="d")),
    ("memory.count_blocks", {"query": "a%", "changed_since": AT}, 3),
    ("memory.block", {"block": "a b?ü"}, BLOCK),
    (
        "memory.create_block",
        {"name": "ü", "content": "x\u2028", "injection": "file", "access": "write", "max_chars": 0},
        BLOCK,
    ),
    ("memory.update_block", {"block": "b1", "content": "", "access": "read"}, BLOCK),
    ("memory.delete_block", {"block": "b1"}, None),
    ("memory.shares", {"block": "b1"}, (SHARE,)),
    ("memory.share", {"block": "b1", "user": "ann b", "can_edit": True}, (SHARE,)),
    ("memory.unshare", {"block": "b1", "user": "ann b"}, ()),
    ("memory.publish", {"block": "b1", "public": False, "can_edit": True}, BLOCK),
    ("memory.defaults", {}, MemoryDefaults(chat="b1")),
    ("memory.set_default", {"scope": "agent", "block": "b1"}, MemoryDefaults(agent="b1")),
    ("memory.set_default", {"scope": "chat"}, MemoryDefaults()),
    ("memory.entries", {"tag": "a,b&", "source": "agent", "pinned": False, "limit": 2}, page(MEMORY)),
    ("memory.entry", {"entry_id": "e1"}, MEMORY),
    ("memory.search", {"query": "a+b ü", "limit": 3}, (MemoryHit(entry=MEMORY, score=1.5),)),
    (
        "memory.remember",
        {
            "content": "x",
            "tags": ("a", "b"),
            "source": "system",
            "pinned": True,
            "metadata": {"n": {"a": [1.5]}},
        },
        MEMORY,
    ),
    ("memory.update_entry", {"entry_id": "e1", "tags": (), "pinned": False}, MEMORY),
    ("memory.forget", {"entry_id": "e1"}, None),
    ("models.list", {}, (ModelInfo(name="offline", provider="offline"),)),
    (
        "models.choose",
        {"agent": "analyst", "flag": "m"},
        ModelChoice(model="m", source="flag"),
    ),
    (
        "keys.create",
        {"name": "ci", "scope": Scope.READ, "expires_s": 60, "user": "ann"},
        NewCredential(credential=KEY, secret="hf_x"),
    ),
    ("keys.list", {}, (KEY,)),
    ("keys.find", {"key": "hf_x"}, KEY),
    ("keys.revoke", {"id": "k1"}, KEY),
    ("users.me", {}, LOCAL_PRINCIPAL),
    ("users.annotations", {}, {"a": {"n": 1}}),
    ("users.annotate", {"ext": {"a": {"n": [1, "ü"]}}}, {"a": {"n": 1}}),
    ("users.agreements", {}, (AGREEMENT,)),
    ("users.accept", {"name": "a b"}, AGREEMENT),
    ("users.list", {}, (USER,)),
    (
        "users.add",
        {
            "name": "ann",
            "role": Role.ADMIN,
            "password": "größer als 8",
            "email": "a@b.example",
            "phone": "+1 2",
        },
        USER,
    ),
    ("users.seen", {}, {"u1": AT}),
    ("users.page", {"number": 2, "size": 5}, UserPage(users=(USER,), total=6)),
    (
        "users.update",
        {"name": "ann b", "role": Role.USER, "email": "", "phone": "3", "display_name": "Änn"},
        USER,
    ),
    ("users.set_password", {"name": "ann b", "password": "größer als 8"}, None),
    ("users.remove", {"name": "ann b"}, None),
    ("users.login", {"expires_s": 5, "scope": Scope.READ}, NewCredential(credential=KEY, secret="hf_y")),
    ("users.logins", {}, (KEY,)),
    ("users.logout", {"id": "k1"}, None),
    ("releases.list", {}, (RELEASE,)),
    ("releases.latest", {}, RELEASE),
    ("releases.add", {"release": NewRelease(version="1.2", artifacts=RELEASE.artifacts)}, RELEASE),
    ("releases.remove", {"version": "1.2+b"}, None),
    ("releases.import_newest", {}, RELEASE),
    ("objects.list", {}, (OBJECT,)),
    ("objects.put", {"name": "ü b.png", "data": b"\x89PNG", "path": "a/"}, OBJECT),
    ("objects.fetch", {"url": "https://h/a.png"}, OBJECT),
    ("objects.look", {"id": "a b"}, OBJECT),
    ("objects.remove", {"id": "a b"}, None),
    ("oauth.clients", {}, (OAUTH_CLIENT,)),
    (
        "oauth.add_client",
        {
            "name": "Größe",
            "redirect_uris": ("https://a.example/cb",),
            "scope": "openid",
            "auth_method": "client_secret_post",
            "consent": False,
            "id": "notes",
        },
        NewOAuthClient(client=OAUTH_CLIENT, secret="hf_w"),
    ),
    ("oauth.enable_client", {"id": "a b", "enabled": False}, OAUTH_CLIENT),
    ("oauth.remove_client", {"id": "a b"}, None),
    (
        "oauth.grants",
        {},
        (OAuthGrant(id="g1", client_id="c", user_id="u1", scope="openid", created_at=AT, expires_at=AT),),
    ),
    ("oauth.end_grant", {"id": "a b"}, None),
    ("accounts.ways", {}, WAYS),
    (
        "accounts.sign_in",
        {"name": "ann b", "password": "größer als 8", "expires_s": 5},
        NewCredential(credential=KEY, secret="hf_z"),
    ),
    ("accounts.send_code", {"email": "ü@b.example"}, CodeSent()),
    (
        "accounts.register",
        {"name": "a", "password": "größer als 8", "email": "a@b.example", "code": "012345", "phone": "+1"},
        USER,
    ),
    ("accounts.change_password", {"old": "größer als 8", "new": "ein neues"}, None),
    (
        "accounts.outbox",
        {},
        (Mail(id="m1", to="a@b.example", subject="ü", text="012345\n", at=AT, reason="none"),),
    ),
    ("accounts.me", {}, USER),
    ("accounts.names", {}, (UserName(id="u1", name="ann"),)),
    (
        "accounts.begin_upstream",
        {"provider": "corp", "callback": "https://us/back", "next": "/home"},
        UpstreamStart(url="https://corp/authorize?state=s", browser="b"),
    ),
    (
        "accounts.finish_upstream",
        {
            "provider": "corp",
            "answer": UpstreamAnswer(state="s", code="c", issuer="https://corp"),
            "browser": "b",
            "expires_s": 60,
        },
        UpstreamEnd(credential=NewCredential(credential=KEY, secret="hf_y"), next="/home"),
    ),
    (
        "accounts.proxied",
        {"address": "10.0.0.1", "name": "ann"},
        NewCredential(credential=KEY, secret="hf_z"),
    ),
    (
        "hooks.list",
        {"project": "/p", "agent": "coder"},
        (HookInfo(hook=HOOK, source="agent", agent="coder"),),
    ),
    ("hooks.add", {"hook": HOOK}, HookInfo(hook=HOOK, source="user")),
    ("hooks.enable", {"id": HOOK.id, "enabled": False}, HookInfo(hook=HOOK, source="user")),
    ("hooks.remove", {"id": HOOK.id}, None),
    (
        "hooks.test",
        {"id": HOOK.id, "given": {"a": 1}, "output": "b", "tool": "t", "project": "/p", "agent": "coder"},
        HookTest(outcome="modify", data={"a": 2}, duration_ms=1.5),
    ),
    ("hooks.secret", {"renew": True}, HookSecret(secret="hfh_x")),
    ("webhooks.list", {}, (WEBHOOK,)),
    ("webhooks.get", {"id": "w1"}, WEBHOOK),
    (
        "webhooks.add",
        {
            "url": "https://a.test/x?y=1",
            "events": ("run.*",),
            "session_id": "s1",
            "name": "ü",
            "secret": "12",
            "format": "dexto",
            "ext": {"dexto": {"description": "x"}},
        },
        NewWebhook(webhook=WEBHOOK, secret="hfw_x"),
    ),
    ("webhooks.update", {"id": "w1", "enabled": False, "events": ()}, WEBHOOK),
    ("webhooks.remove", {"id": "w1"}, None),
    ("webhooks.test", {"id": "w1"}, DELIVERY),
    ("webhooks.deliveries", {"id": "w1", "limit": 5, "cursor": "c"}, Page[Delivery](items=(DELIVERY,))),
    ("webhooks.redeliver", {"delivery_id": "d1"}, DELIVERY),
    ("keys.providers", {}, {"openai": "keyring"}),
    ("keys.set_provider", {"provider": "openai", "key": "sk-1"}, "keyring"),
    ("keys.remove_provider", {"provider": "openai"}, None),
    ("usage.report", {}, USAGE),
    (
        "usage.report",
        {"since": AT, "until": AT + timedelta(days=1), "by": "model", "all_users": True, "limit": 3},
        USAGE,
    ),
    ("usage.report", {"by": "message", "session": "s 1", "agent": "helper", "key": ""}, USAGE),
    ("usage.report", {"by": "user", "user": "ann"}, USAGE),
    ("usage.tools", {"days": 7, "agent": "helper"}, {"read_file": 2}),
    ("usage.limits", {"all_users": True}, (LIMIT_STATE,)),
    (
        "usage.set_limit",
        {
            "kind": "agent",
            "subject": "a b",
            "tier": "free",
            "budgets": (Budget(amount=2.5, unit="credits", period="day"), Budget(amount=0)),
            "user": "ann",
            "project": "/p",
        },
        LIMIT_STATE,
    ),
    ("usage.remove_limit", {"kind": "user", "subject": "ü", "user": "ann"}, None),
    ("usage.tiers", {}, (Tier(name="free", per_minute=10), Tier(name="paid"))),
    (
        "usage.plans",
        {},
        PlanTerms(
            counted=True,
            regions=("eu-west-1",),
            prices=(ModelPrice(model="gpt-4", decentralized=1, input=0.5, output=2),),
        ),
    ),
    ("usage.credits", {"user": "ü"}, CREDITS),
    ("usage.set_credits", {"balance": 12.5, "user": "ann"}, CREDITS),
    ("engine.figures", {}, FIGURES),
    ("engine.stop", {}, None),
    ("engine.check", {"repair": True}, (CHECK,)),
    ("engine.listeners", {}, (LISTENER,)),
    (
        "engine.listen",
        {"host": "::1", "port": 0, "root": (), "tls_cert": "/c.pem", "allow_hosts": ("x.org",), "lease_s": 2},
        LISTENER,
    ),
    ("engine.unlisten", {"listener_id": "l1", "drain_s": 1.5}, None),
    ("engine.settings", {"project": "/p"}, Settings()),
    ("engine.health", {}, HEALTH),
    ("engine.describe_settings", {"project": "/p"}, SETTINGS_REPORT),
    ("engine.set_setting", {"key": "tui.keys.a.b", "value": {"a": "ctrl+t"}}, SETTING),
    ("engine.set_setting", {"key": "models.retries", "value": 3}, SETTING),
    ("engine.set_setting", {"key": "models.retries", "value": None}, SETTING),
    ("engine.unset_setting", {"key": "tui.theme"}, SETTING),
    ("engine.log", {"name": "models", "limit": 5, "level": "error", "words": "a b", "before": "1.2"}, LOG),
    ("engine.log", {"after": "1.2"}, LOG),
]


def test_every_workbench_method_has_one_operation_and_every_operation_a_method() -> None:
    names = [operation.name for operation in OPERATIONS]
    assert sorted(names) == sorted(workbench_methods())
    assert len(set(names)) == len(names)


def test_no_two_operations_answer_one_request() -> None:
    routes = [(place.operation.method, place.path) for place in places()]
    assert len(set(routes)) == len(routes)


def test_no_fixed_path_hides_an_id_of_another_operation_with_the_same_method() -> None:
    def hides(one: str, other: str) -> bool:
        left, right = one.split("/"), other.split("/")
        matched = (b.startswith("{") or a == b for a, b in zip(left, right, strict=False))
        return len(left) == len(right) and one != other and all(matched)

    assert not [
        (a.path, b.path)
        for a in places()
        for b in places()
        if a.operation.method == b.operation.method and hides(a.path, b.path)
    ]


def test_every_path_names_only_parameters_of_its_method() -> None:
    assert not [p.path for p in places() if not set(names_in(p.path)) <= set(codec(p.operation).names)]


def test_what_looks_for_the_object_of_an_alias_takes_what_the_alias_names() -> None:
    for operation in OPERATIONS:
        for alias in operation.aliases:
            fields = codec(operations()[alias.of]).arguments.model_fields
            assert tuple(name for name, field in fields.items() if field.is_required()) == names_in(
                alias.path
            )


def test_every_post_that_makes_something_says_what_a_repetition_does() -> None:
    makers = [o for o in OPERATIONS if o.method == "POST" and o.status in (201, 202)]
    assert [o.name for o in makers if not o.once] == []
    assert [o.name for o in OPERATIONS if o.once and o.method != "POST"] == []


def test_no_answer_with_a_secret_is_kept() -> None:
    def has_secret(hint: Any) -> bool:
        fields = hint.model_fields if isinstance(hint, type) and issubclass(hint, BaseModel) else {}
        parts = (has_secret(field.annotation) for field in fields.values())
        return "secret" in fields or any(parts) or any(map(has_secret, get_args(hint)))

    secret = [o for o in OPERATIONS if has_secret(get_type_hints(workbench_methods()[o.name])["return"])]
    assert {"keys.create", "users.login"} <= {o.name for o in secret}
    assert [o.name for o in secret if o.once == "kept"] == []


def test_the_calls_below_cover_every_operation() -> None:
    streams = {"events.follow", "engine.access"}
    files = {
        "agent_files.download",
        "files.download",
        "skills.file",
        "knowledge.original",
        "sessions.bundle",
        "prompts.attachment",
        "objects.open",
    }
    covered = {name for name, _, _ in CALLS} | streams | files | {"engine.status"}
    assert covered == set(workbench_methods())


def test_every_method_says_what_it_needs() -> None:
    assert not [name for name, method in workbench_methods().items() if not hasattr(method, "__needs__")]


async def test_every_call_arrives_as_made_and_every_result_as_given(served: Any) -> None:
    for name, arguments, result in CALLS:
        served.fake.calls.clear()
        served.fake.results[name] = result
        noun, verb = name.split(".")
        assert await getattr(getattr(served.remote, noun), verb)(**arguments) == result, name
        made = [made for made in served.fake.calls if made[0] != "engine.settings" or name == made[0]]
        assert made == [(name, (), arguments)]


async def test_positional_arguments_arrive_under_their_names(served: Any) -> None:
    served.fake.results["approvals.decide"] = APPROVAL
    decision = Decision(outcome="deny", reason="not that file")
    await served.remote.approvals.decide("a1", decision)
    assert served.fake.calls == [("approvals.decide", (), {"approval_id": "a1", "decision": decision})]


async def test_a_page_of_events_has_the_shape_of_the_stream(served: Any) -> None:
    served.fake.results["events.read"] = EVENTS
    answer = await served.http.get("/events", params={"after": 3, "deltas": "false"})
    event = {
        "id": 7,
        "session_id": "s1",
        "run_id": None,
        "at": "2026-03-01T12:30:00Z",
        "type": "session.renamed",
        "title": "x",
        "automatic": False,
    }
    assert answer.json() == {"items": [event], "next_cursor": "7"}
    assert served.fake.calls[0][2] == {"filter": EventFilter(deltas=False), "after": 3}
