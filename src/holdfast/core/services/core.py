"""What a workbench of an engine is made of, and what all its principals share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from holdfast.core.agents.editor import AgentEditor
from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.agents.trust import TrustStore
from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import AccountSettings, Settings
from holdfast.core.config.settings_file import SettingsFile
from holdfast.core.domain.identity import LOCAL, Principal, Role, Scope
from holdfast.core.domain.indexing import KnowledgeIndex
from holdfast.core.domain.models import ModelCatalog, ModelClient
from holdfast.core.domain.own_models import OwnModelDesk
from holdfast.core.domain.processes import ProcessRunner
from holdfast.core.domain.providers import ProviderDesk
from holdfast.core.domain.status import Listeners
from holdfast.core.domain.traces import EventSource, Tracing
from holdfast.core.domain.values import utc_now
from holdfast.core.domain.webhook_formats import FormatSource, no_formats
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.identity.codes import Codes
from holdfast.core.identity.keys import ProviderKeys
from holdfast.core.identity.oidc import OidcClient
from holdfast.core.identity.passwords import Hasher, PasswordCost
from holdfast.core.identity.redaction import Redactor, StreamRedactor
from holdfast.core.knowledge.retrieval.searcher import Searcher
from holdfast.core.prompts.folders import PromptFolders
from holdfast.core.runs.afterwards import Afterwards
from holdfast.core.runs.broker import Broker
from holdfast.core.runs.compaction import Compactor
from holdfast.core.runs.executor import Executor
from holdfast.core.runs.knowledge.desk import KnowledgePorts
from holdfast.core.runs.loop import Loop
from holdfast.core.runs.modes import Modes
from holdfast.core.runs.replies import ReplyCheck
from holdfast.core.runs.sampling import Sampler
from holdfast.core.runs.scripts import ScriptRuns
from holdfast.core.runs.steps import Stepper
from holdfast.core.runs.supervisor import Supervisor
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.sandbox.scripts import ScriptProcesses
from holdfast.core.services.access import Access
from holdfast.core.services.agent_shares import AgentShares
from holdfast.core.services.asking import OFFLINE, ModelAsker
from holdfast.core.services.attachments import Attachments
from holdfast.core.services.budgets import Budgets, check_unlimited
from holdfast.core.services.custom_tools import CustomTools
from holdfast.core.services.deleting import Deletion
from holdfast.core.services.draft_tasks import DraftTasks
from holdfast.core.services.fetching import DocumentFetcher
from holdfast.core.services.folders import Folders
from holdfast.core.services.hooks import Hooks
from holdfast.core.services.identity import Gate
from holdfast.core.services.ingestion import Ingestion
from holdfast.core.services.injecting import Injection
from holdfast.core.services.interceptors import Interceptors
from holdfast.core.services.keeping import FolderKeeper
from holdfast.core.services.library import Library
from holdfast.core.services.logs import LogReader
from holdfast.core.services.mailing import Mailer
from holdfast.core.services.mcp_reading import McpReading
from holdfast.core.services.mcp_servers import McpServers
from holdfast.core.services.memory_store import MemoryStore
from holdfast.core.services.oauth import Authorization
from holdfast.core.services.objects import ObjectContents
from holdfast.core.services.own_prompts import OwnPrompts
from holdfast.core.services.people import PasswordDesk, People
from holdfast.core.services.policies import Policies
from holdfast.core.services.prepare import Preparation
from holdfast.core.services.prompt_finding import PromptFinder
from holdfast.core.services.registering import Registration
from holdfast.core.services.releases import GitHubReleases
from holdfast.core.services.shutdown import Shutdown
from holdfast.core.services.signing_in import Proxied, SignIns
from holdfast.core.services.skill_places import SkillPlaces
from holdfast.core.services.skills import jailed, trusted_by
from holdfast.core.services.sources import folder_walk
from holdfast.core.services.staging import Staging
from holdfast.core.services.summaries import Summaries
from holdfast.core.services.trash import Places, TrashCan
from holdfast.core.services.upstream import ProviderWeb, UpstreamSignIns
from holdfast.core.services.upstream_users import UpstreamUsers
from holdfast.core.services.usage import Figures
from holdfast.core.services.watching import Changes
from holdfast.core.services.workspaces import Workspaces
from holdfast.core.skills.editor import SkillEditor
from holdfast.core.skills.registry import SkillRegistry
from holdfast.core.store.accounts import Accounts
from holdfast.core.store.agent_shares import AgentShareTable
from holdfast.core.store.custom_tools import CustomToolTables
from holdfast.core.store.idempotency import AnswerStore
from holdfast.core.store.identities import IdentityTable
from holdfast.core.store.log import EventLog
from holdfast.core.store.oauth import OAuthTables
from holdfast.core.store.objects import ObjectTable
from holdfast.core.store.passwords import PasswordTable
from holdfast.core.store.prompts import PromptTable
from holdfast.core.store.releases import ReleaseTable
from holdfast.core.tools.registry import ToolRegistry
from holdfast.core.tools.web import WebFetcher


@dataclass(frozen=True, slots=True)
class Parts:
    """What a workbench is made of; `bootstrap` and tests choose them."""

    paths: Paths
    settings: Callable[[Path | None], Settings]
    """Loads the settings that hold in a folder."""
    blobs: FileBlobs
    client: ModelClient
    catalog: ModelCatalog
    tools: ToolRegistry
    keys: ProviderKeys
    environment: Mapping[str, str]
    """For child processes: without keys."""
    setting_variables: Mapping[str, str] = field(default_factory=dict)
    """What the environment says of settings."""
    processes: ProcessRunner = field(default_factory=ChildProcesses)
    address: str = ""
    """The engine's socket; empty when in process."""
    stop: Callable[[], None] | None = None
    """Asks the engine to stop; None when in process."""
    listeners: Listeners | None = None
    """The engine's doors on TCP; None when in process."""
    tracing: Callable[[EventSource], Tracing] | None = None
    """Makes the traces of a log; None: there are none."""
    knowledge: KnowledgeIndex | None = None
    """The index of documents; None: there is no knowledge."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Waits before a model call is made again."""
    providers: ProviderDesk | None = None
    """Knows the providers of models, and asks them; None: none can be added."""
    own_models: OwnModelDesk | None = None
    """Keeps models of one's own; None: there are none."""
    changes: Changes | None = None
    """Tells what changes in watched folders; None: the system does."""
    web: WebFetcher = field(default_factory=WebFetcher)
    """Fetches documents of the web."""
    formats: FormatSource = no_formats
    """Knows how other systems' clients are told of events by webhooks."""
    now: Callable[[], datetime] = utc_now
    """The clock that limits go by, in UTC."""
    password_cost: PasswordCost = field(default_factory=PasswordCost)
    """How much work the hash of a password is."""


class Core:
    """What all principals of one engine share: the log, the runs, the registries."""

    def __init__(self, parts: Parts, log: EventLog, redactor: Redactor) -> None:
        self.parts = parts
        self.log = log
        self.redact = redactor.redact
        self.started_at = utc_now()
        self.accounts = Accounts(log.writer, log.reader)
        self.gate = Gate(self.accounts)
        self.oauth = OAuthTables(log.writer, log.reader)
        self.authorization = Authorization(self.oauth, self.accounts, parts.now, self._account_settings)
        self.people = self._people()
        self.memory = MemoryStore(log, self.accounts, redactor.redact)
        self.answers = AnswerStore(log.writer)
        self.policies = Policies(parts.paths, self.accounts)
        self.trust = TrustStore(parts.paths.trust)
        self.custom_tools = CustomTools(
            CustomToolTables(log.writer, log.reader),
            parts.keys.tools,
            parts.tools,
            parts.web,
            parts.processes,
        )
        self.mcp = McpServers(
            *(parts.paths, self.accounts, parts.keys.mcp, parts.environment),
            confiner=parts.processes,
            confines=lambda: parts.settings(None).sandbox.mode == "require",
        )
        self.mcp_reading = McpReading(self.mcp, self.policies)
        self.interceptors = Interceptors(
            parts.paths,
            self.accounts,
            parts.keys.webhooks,
            parts.processes,
            parts.environment,
            lambda: parts.settings(None).tools.allow_private_hosts,
        )
        self.agent_shares = AgentShares(AgentShareTable(log.writer, log.reader), self.accounts)
        self.registry = AgentRegistry(
            parts.paths,
            parts.tools.names,
            self.trust,
            own_tools=self.custom_tools.names,
            shared=self.agent_shares.of_user,
        )
        self.editor = AgentEditor(self.registry)
        self.own_prompts = OwnPrompts(PromptTable(log.writer, log.reader), parts.blobs)
        self.skills = SkillRegistry(parts.paths, trusted_by(self.trust), jailed)
        self.skill_editor = SkillEditor(self.skills, parts.paths.removed_skills)
        self.skill_places = SkillPlaces(self.skills, self.editor)
        self.prompts = PromptFinder(
            PromptFolders(parts.paths, trusted_by(self.trust), jailed), self.own_prompts, self.mcp_reading
        )
        self.workspaces = Workspaces(parts.paths, parts.blobs)
        self.attachments = Attachments(log.reader)
        self.broker = Broker()
        self.modes = Modes(log, lambda: parts.settings(None).auto)
        self.replies = ReplyCheck(parts.processes, parts.environment)
        self.staging = Staging(log, parts.blobs, parts.settings, parts.now)
        self.library = self._library()
        self.keeper = FolderKeeper(
            self.library, folder_walk(parts.paths), self._access, parts.settings, changes=parts.changes
        )
        self.budgets = Budgets(
            log, self.accounts, parts.catalog, lambda: parts.settings(None).limits, parts.now
        )
        self.draft_tasks = DraftTasks(parts.now)
        self.preparation = self._preparation(redactor)
        self.supervisor = Supervisor(log, self._loop(redactor), self.broker, self.preparation, self.budgets)
        self.trash = TrashCan(
            log,
            self.supervisor,
            parts.blobs,
            self.workspaces,
            Places(
                self.memory,
                self.editor,
                self.library,
                self.skill_editor,
                self.skill_places,
                self.own_prompts,
                self.custom_tools,
                self.keeper.follow,
            ),
            self.trash_days,
        )
        self.library.deletes(Deletion(self.library, self.trash, self.keeper.follow))
        self.settings_file = SettingsFile(parts.paths, parts.setting_variables)
        self.logs = LogReader(parts.paths, redactor.redact)
        self.figures = Figures(
            log, self.supervisor, self.started_at, parts.listeners, lambda: self.library.jobs.active
        )
        self.hooks = Hooks(
            log,
            parts.blobs,
            self.accounts,
            parts.keys.webhooks,
            redactor.redact,
            parts.formats,
            self.custom_tools.names,
        )
        self.releases = ReleaseTable(log.writer, log.reader)
        self.github = GitHubReleases(parts.web, parts.settings, parts.now)
        self.objects = ObjectContents(
            parts.paths.objects, ObjectTable(log.writer, log.reader), parts.keys, parts.settings
        )
        self.tracing = parts.tracing(log) if parts.tracing else None
        self.shutdown = Shutdown(self.supervisor, parts.stop)
        self.sweep: asyncio.Task[None] | None = None

    async def _account_settings(self) -> AccountSettings:
        return (await asyncio.to_thread(self.parts.settings, None)).accounts

    def _people(self) -> People:
        settings = self._account_settings
        passwords = PasswordTable(self.log.writer, self.log.reader)
        hasher = Hasher(self.parts.password_cost)
        mailer = Mailer(lambda: self.parts.keys.get("smtp"))
        sign_ins = SignIns(self.accounts, passwords, hasher, settings)
        return People(
            sign_ins,
            Proxied(self.accounts, settings),
            Registration(self.accounts, hasher, Codes(), mailer, settings),
            PasswordDesk(self.accounts, passwords, hasher, sign_ins, self.gate, self.may_make_keys),
            mailer,
            UpstreamSignIns(
                self.accounts,
                UpstreamUsers(self.accounts, IdentityTable(self.log.writer, self.log.reader), self.gate),
                OidcClient(ProviderWeb(self.parts.web, lambda: self.parts.settings(None))),
                settings,
                self.parts.keys.get,
            ),
            settings,
        )

    def _library(self) -> Library:
        parts, index = self.parts, self.parts.knowledge
        if index is None:
            return Library(self.log, None, parts.paths.knowledge, None, None)
        folders = Folders(index)
        ingestion = Ingestion(
            index,
            folder_walk(parts.paths),
            DocumentFetcher(parts.web, parts.blobs, parts.settings),
            lambda model, owner: Summaries(ModelAsker(parts.client, model, self.redact, owner=owner)),
            folders,
            sleep=parts.sleep,
        )
        return Library(self.log, index, parts.paths.knowledge, folders, ingestion)

    async def _access(self, user_id: str) -> Access:
        """Returns what a user may see and name, whoever asks."""
        user = await self.accounts.user(user_id)
        role = Role.ADMIN if user_id == LOCAL else Role.USER if user is None else user.role
        principal = Principal(user_id=user_id, name=user_id, role=role, scope=Scope.ADMIN)
        return Access(principal, self.log.reader, self.parts.paths)

    def _loop(self, redactor: Redactor) -> Loop:
        parts, settings = self.parts, self.parts.settings(None)
        executor = Executor(
            self.broker,
            parts.blobs,
            parts.environment,
            lambda run: self.workspaces.watch(run.workspace),
            Sampler(parts.client, redactor.redact),
            command_timeout_s=settings.tools.command_timeout_s,
            allow_private_hosts=settings.tools.allow_private_hosts,
        )
        stepper = Stepper(
            parts.client,
            parts.blobs,
            redactor.redact,
            retries=settings.models.retries,
            sleep=parts.sleep,
        )
        scripts = ScriptRuns(
            ScriptProcesses(parts.processes, parts.environment),
            stepper,
            parts.catalog,
            self.replies,
            lambda: parts.settings(None).sandbox.unconfined_scripts,
            lambda: parts.settings(None).models.names,
        )
        compactor, afterwards = Compactor(parts.client), Afterwards(parts.client)
        return Loop(stepper, executor, compactor, parts.catalog, self.replies, scripts, afterwards)

    def _preparation(self, redactor: Redactor) -> Preparation:
        return Preparation(
            self.log,
            self.registry,
            self.trust,
            self.parts.catalog,
            self.custom_tools,
            self.workspaces,
            self.broker,
            self.modes,
            self.policies,
            lambda: StreamRedactor(redactor),
            self.parts.settings,
            self.replies,
            self.memory,
            Injection(self.log, self.workspaces, self.parts.blobs),
            self._knowledge(),
            self.skills,
            self.mcp,
            self.interceptors,
            self.budgets,
        )

    def _knowledge(self) -> KnowledgePorts | None:
        """Returns what runs need to search; None where there is no knowledge."""
        index, client = self.parts.knowledge, self.parts.client
        if index is None:
            return None
        return KnowledgePorts(
            index,
            Searcher(index),
            lambda model, owner, api_base, used: (
                None
                if model in ("", OFFLINE)
                else ModelAsker(
                    client,
                    model,
                    self.redact,
                    used=used,
                    catalog=self.parts.catalog,
                    api_base=api_base,
                    owner=owner,
                )
            ),
            keeper=self.keeper,
            exists=lambda: self.library.exists,
        )

    async def start_tracing(self) -> None:
        """Starts the traces, before the runs of the last engine are taken up or closed."""
        if self.tracing is not None:
            reader = self.log.reader
            runs = await reader.open_runs()
            self.tracing.start(await reader.last_event_id(), [run.id for run in runs])

    async def forget_user(self, user_id: str) -> None:
        """Ends what goes on for a user who is gone: nobody else could. Runs before what they use."""
        await self.hooks.remove_user(user_id)
        runs = await self.log.reader.open_runs(user_id)
        await asyncio.gather(*(self.supervisor.cancel(run.id, "its user was removed") for run in runs))
        await self.draft_tasks.forget_user(user_id)
        await self.agent_shares.forget_user(user_id)
        await asyncio.to_thread(self.workspaces.forget_user, user_id)
        await self.custom_tools.forget_user(user_id)
        await self.mcp.forget_user(user_id)
        await self.interceptors.forget_user(user_id)
        await self.keeper.forget_user(user_id)
        await self.staging.forget_user(user_id)
        await self.memory.forget_user(user_id)
        await self.trash.forget_user(user_id)
        await self.budgets.forget_user(user_id)
        if self.parts.own_models is not None:
            await asyncio.to_thread(self.parts.own_models.forget_user, user_id)
        await self.objects.forget_user(user_id)

    def may_make_keys(self, principal: Principal) -> None:
        """Raises `ForbiddenError` for who acts by a key that has limits."""
        check_unlimited(self.budgets, principal)

    async def trash_days(self) -> int:
        return (await asyncio.to_thread(self.parts.settings, None)).trash_days

    async def default_agent(self) -> str:
        return (await asyncio.to_thread(self.parts.settings, None)).default_agent

    async def tidy(self) -> None:
        """Ends what was kept for long enough, and what nobody needs any more."""
        await self.trash.purge()
        await self.staging.tidy()
        await self.authorization.sweep()
        await self.remove_unused_blobs()

    async def remove_unused_blobs(self) -> None:
        used = await self.log.reader.all_blobs()
        await asyncio.to_thread(self.parts.blobs.sweep, used)
