"""The workbench in this process: every service, wired to one home."""

from __future__ import annotations

import asyncio

from holdfast.core.domain.idempotency import KeptAnswers
from holdfast.core.domain.identity import LOCAL_PRINCIPAL, Principal
from holdfast.core.domain.limits import Payer
from holdfast.core.identity.redaction import Redactor
from holdfast.core.services.access import Access
from holdfast.core.services.accounts import AccountService
from holdfast.core.services.agent_files import AgentFileService
from holdfast.core.services.agents import AgentService
from holdfast.core.services.agreements import Agreements
from holdfast.core.services.approvals import ApprovalService
from holdfast.core.services.budgets import check_countable
from holdfast.core.services.catalog import KeyService, ModelService
from holdfast.core.services.contexts import ContextReader
from holdfast.core.services.core import Core, Parts
from holdfast.core.services.counted_asking import CountedAsker
from holdfast.core.services.drafting import DraftService
from holdfast.core.services.engine import EngineService
from holdfast.core.services.files import FileService
from holdfast.core.services.hooking import HookService
from holdfast.core.services.identity import ApiKeys, UserService
from holdfast.core.services.jobs import JobService
from holdfast.core.services.knowledge import KnowledgeService
from holdfast.core.services.mcp import McpService
from holdfast.core.services.memory import MemoryService
from holdfast.core.services.needs import Guarded
from holdfast.core.services.oauth import OAuthService
from holdfast.core.services.objects import ObjectService
from holdfast.core.services.own_models import OwnModelService
from holdfast.core.services.prompt_resolving import PromptResolver
from holdfast.core.services.prompts import PromptService
from holdfast.core.services.protocols.accounts import Accounts
from holdfast.core.services.protocols.agent_files import AgentFiles
from holdfast.core.services.protocols.approvals import Approvals
from holdfast.core.services.protocols.drafts import Drafts
from holdfast.core.services.protocols.engine import Engine
from holdfast.core.services.protocols.files import Files
from holdfast.core.services.protocols.hooks import Hooks
from holdfast.core.services.protocols.identity import Keys, Users
from holdfast.core.services.protocols.knowledge import Jobs, Knowledge
from holdfast.core.services.protocols.mcp import Mcp
from holdfast.core.services.protocols.memory import Memory
from holdfast.core.services.protocols.oauth import AuthorizationServer, OAuth
from holdfast.core.services.protocols.objects import Objects
from holdfast.core.services.protocols.prompts import Prompts
from holdfast.core.services.protocols.releases import Releases
from holdfast.core.services.protocols.runs import Runs
from holdfast.core.services.protocols.sessions import Sessions, Trash
from holdfast.core.services.protocols.skills import Skills
from holdfast.core.services.protocols.tools import Tools
from holdfast.core.services.protocols.usage import UsageReports
from holdfast.core.services.protocols.webhooks import Webhooks
from holdfast.core.services.releases import ReleaseService
from holdfast.core.services.runs import EventService, RunService
from holdfast.core.services.sessions import SessionService
from holdfast.core.services.skills import SkillService, SkillSources
from holdfast.core.services.sources import folder_walk
from holdfast.core.services.titles import Titles
from holdfast.core.services.tools import AloneSessions, ToolService, ToolSources
from holdfast.core.services.trash import TrashService
from holdfast.core.services.usage import UsageService
from holdfast.core.services.webhooks import WebhookService
from holdfast.core.services.workbench import (
    Agents,
    Events,
    Models,
    Workbench,
    nouns,
)
from holdfast.core.skills.git import GitFetcher
from holdfast.core.store.agreements import AgreementTable
from holdfast.core.store.log import EventLog
from holdfast.core.store.usage import UsageTable

__all__ = ["LocalWorkbench", "Parts"]


class LocalWorkbench:
    """A `Host`: it runs everything itself. Made by `open`, ended by `close`.

    Each principal has a view of his own on the same core; that of `open` is the local user's.
    """

    def __init__(self, core: Core, principal: Principal = LOCAL_PRINCIPAL) -> None:
        self._core = core
        parts, log = core.parts, core.log
        access = Access(principal, log.reader, parts.paths)
        self.principal = principal
        self.agents: Agents = AgentService(
            access,
            core.registry,
            core.editor,
            core.trust,
            core.trash,
            core.custom_tools.arguments,
            UsageTable(log.reader).agents,
            core.agent_shares,
        )
        self.agent_files: AgentFiles = AgentFileService(
            access, core.registry, core.workspaces, parts.web, parts.settings
        )
        payer = Payer(owner=principal.user_id, key=principal.key_id)
        self.drafts: Drafts = DraftService(
            principal.user_id,
            CountedAsker(parts.client, core.budgets, log, core.redact, payer),
            parts.catalog,
            parts.settings,
            core.registry,
            core.draft_tasks,
        )
        self.sessions: Sessions = SessionService(
            access,
            log,
            core.supervisor,
            core.registry,
            parts.catalog,
            core.workspaces,
            core.trash,
            core.default_agent,
            Titles(
                log,
                core.registry,
                parts.client,
                parts.catalog,
                parts.settings,
                core.redact,
                lambda: check_countable(core.budgets, principal),
            ),
        )
        self.trash: Trash = TrashService(core.trash, principal)
        self.runs: Runs = RunService(
            access,
            log,
            core.supervisor,
            core.broker,
            core.attachments,
            ContextReader(log, parts.blobs),
            core.budgets,
            core.registry,
        )
        self.approvals: Approvals = ApprovalService(
            access, log, core.broker, core.modes, core.policies, core.registry, parts.tools
        )
        self.events: Events = EventService(access, log)
        self.files: Files = FileService(
            access,
            log,
            core.supervisor,
            core.workspaces,
            parts.blobs,
            core.attachments,
            parts.web,
            parts.settings,
        )
        self.tools: Tools = ToolService(
            access,
            log,
            core.supervisor,
            ToolSources(parts.tools, core.custom_tools, core.mcp),
            core.budgets,
            core.preparation,
            core.trash,
            AloneSessions(self.sessions, core.supervisor, core.trash, core.default_agent),
        )
        self.mcp: Mcp = McpService(access, core.mcp, core.mcp_reading, self.tools, core.redact, log)
        self.skills: Skills = SkillService(
            access,
            core.skills,
            core.skill_editor,
            core.skill_places,
            SkillSources(parts.web, GitFetcher(parts.processes, parts.environment), parts.settings),
            core.registry,
            core.trash,
        )
        self.prompts: Prompts = PromptService(
            access,
            core.prompts,
            core.own_prompts,
            PromptResolver(core.workspaces, parts.blobs),
            core.registry,
            core.attachments,
        )
        self.knowledge: Knowledge = KnowledgeService(
            access,
            core.library,
            core.keeper.follow,
            core.staging,
            folder_walk(parts.paths),
            parts.client,
            parts.catalog,
            parts.settings,
            core.redact,
            lambda: check_countable(core.budgets, principal),
        )
        self.jobs: Jobs = JobService(access, core.library)
        self.memory: Memory = MemoryService(access, core.memory)
        self.models: Models = ModelService(
            access,
            parts.catalog,
            core.registry,
            parts.settings,
            parts.providers,
            OwnModelService(access, parts.own_models, parts.web, parts.settings, parts.keys.see),
        )
        self.keys: Keys = KeyService(
            parts.keys, ApiKeys(core.accounts, core.gate, principal, core.may_make_keys), parts.providers
        )
        self.users: Users = UserService(
            core.accounts,
            core.gate,
            principal,
            core.forget_user,
            Agreements(AgreementTable(log.writer, log.reader), principal.user_id, parts.now),
            log,
            core.people.desk,
        )
        self.accounts: Accounts = AccountService(core.accounts, core.people, principal, core.may_make_keys)
        self.oauth: OAuth = OAuthService(core.oauth, principal, parts.now)
        self.hooks: Hooks = HookService(access, core.interceptors, core.registry)
        self.webhooks: Webhooks = WebhookService(access, core.hooks)
        self.usage: UsageReports = UsageService(access, log, core.budgets, core.accounts, core.registry)
        self.releases: Releases = ReleaseService(core.releases, core.github, parts.now)
        self.objects: Objects = ObjectService(access, core.objects, parts.web, parts.now)
        self.engine: Engine = EngineService(
            access,
            log,
            core.supervisor,
            parts.catalog,
            core.registry,
            parts.blobs,
            parts.paths,
            core.library,
            address=parts.address,
            shutdown=core.shutdown,
            listeners=parts.listeners,
            settings=parts.settings,
            started_at=core.started_at,
            purge=core.trash.purge,
            processes=parts.processes,
            figures=core.figures.read,
            file=core.settings_file,
            logs=core.logs,
            budgets=core.budgets,
        )

    @classmethod
    async def open(cls, parts: Parts) -> LocalWorkbench:
        """Opens the home's database and takes up the runs that wait. Raises `StoreError`."""
        await asyncio.to_thread(
            parts.keys.secrets
        )  # the first look may ask a keyring, which may take a while
        redactor = Redactor(parts.keys.secrets)
        log = await EventLog.open(parts.paths.database, parts.blobs, redactor.redact)
        try:
            core = Core(parts, log, redactor)
            await core.answers.prune()
            await core.start_tracing()
            await core.hooks.read_secrets()
            await core.custom_tools.read()
            await core.agent_shares.read()
            await core.budgets.read()
            await core.supervisor.recover()
            await core.hooks.start()
            await core.library.start()
            core.keeper.start()
            workbench = cls(core)
        except BaseException:
            await log.close()  # its threads would keep the process alive
            raise
        # Contents that were kept for an undo and never needed, or whose session is gone; the old trash.
        core.sweep = asyncio.create_task(core.tidy())
        return workbench

    def as_principal(self, principal: Principal) -> Workbench:
        """Returns the view of `principal`, which refuses what his role or his credential does not allow."""
        if principal == self.principal == LOCAL_PRINCIPAL:
            return self
        view = LocalWorkbench(self._core, principal)
        for noun, protocol in nouns().items():
            setattr(view, noun, Guarded(noun, getattr(view, noun), protocol, principal))
        return view

    async def authenticate(self, secret: str) -> Principal:
        """Returns who shows `secret`. Raises `UnauthenticatedError`."""
        return await self._core.gate.authenticate(secret)

    async def until_refused(self, secret: str) -> None:
        """Returns when `secret` is not let in, or no longer."""
        await self._core.gate.until_refused(secret)

    @property
    def authorization(self) -> AuthorizationServer:
        """What browsers and clients are answered that ask by OAuth 2.0."""
        return self._core.authorization

    @property
    def answers(self) -> KeptAnswers:
        """What was answered to requests that may be repeated."""
        return self._core.answers

    async def close(self) -> None:
        """Stops the runs (those that wait for a person stay as they are) and closes the database."""
        core = self._core
        if core.sweep is not None:
            core.sweep.cancel()
        core.shutdown.cancel()
        await core.draft_tasks.close()
        await core.supervisor.close()
        await core.mcp.close()
        await core.keeper.close()
        await core.library.close()
        if core.tracing is not None:
            await core.tracing.close()
        await core.hooks.close()
        await core.parts.client.close()
        await core.log.close()
