"""Makes a run ready: its agent, models, tools, workspace, system prompt and policy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from holdfast.core.agents.instructions import mode_sections, project_notes, system_sections
from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.agents.trust import TrustStore
from holdfast.core.approvals.policy import Layers, evaluate
from holdfast.core.config.settings import Settings
from holdfast.core.domain.agents import AgentInfo, AgentSpec, Layer
from holdfast.core.domain.approvals import ApproveMode, PolicyAnswer, Rules
from holdfast.core.domain.delegating import DELEGATE, SubAgent
from holdfast.core.domain.errors import ForbiddenError, InvalidError, ModelNotFound
from holdfast.core.domain.given_tools import GivenTools
from holdfast.core.domain.identity import LOCAL
from holdfast.core.domain.mcp import server_of
from holdfast.core.domain.memory import BLOCK_TOOL
from holdfast.core.domain.models import ModelCatalog
from holdfast.core.domain.runs import RunOptions, Session
from holdfast.core.domain.skills import LOAD_TOOL
from holdfast.core.domain.tools import Judged
from holdfast.core.domain.values import utc_now
from holdfast.core.identity.redaction import StreamRedactor
from holdfast.core.runs.active import ActiveRun
from holdfast.core.runs.broker import Broker
from holdfast.core.runs.emitter import Emitter
from holdfast.core.runs.grants import remember_grants
from holdfast.core.runs.knowledge.begin import run_knowledge, section
from holdfast.core.runs.knowledge.checking import check_knowledge
from holdfast.core.runs.knowledge.desk import KnowledgePorts
from holdfast.core.runs.modes import Modes, RunMode
from holdfast.core.runs.options import affordable, check_options, memory_tools, with_options, with_own_tools
from holdfast.core.runs.projections.context import ContextProjection
from holdfast.core.runs.projections.state import RunState
from holdfast.core.runs.replies import ReplyCheck
from holdfast.core.runs.timer import WorkTimer
from holdfast.core.runs.ways import way_sections, way_tools
from holdfast.core.services.budgets import Budgets
from holdfast.core.services.custom_tools import CustomTools
from holdfast.core.services.given_tools import given_tools
from holdfast.core.services.injecting import Injected, Injection
from holdfast.core.services.interceptors import Interceptors
from holdfast.core.services.mcp_servers import McpServers, RunMcp
from holdfast.core.services.memory_store import MemoryStore
from holdfast.core.services.policies import Policies, UserPolicy
from holdfast.core.services.remembering import RunMemory, choose_blocks
from holdfast.core.services.sessions import valid
from holdfast.core.services.skill_desk import RunSkills, check_skills, run_skills, skill_tools
from holdfast.core.services.sub_agents import (
    check_sub_agents,
    delegation_tools,
    described,
    run_sub_agents,
    sub_agents_section,
    within,
    within_cost,
    within_tools,
)
from holdfast.core.services.workspaces import Workspaces
from holdfast.core.skills.listing import skills_section
from holdfast.core.skills.registry import SkillRegistry
from holdfast.core.store.log import EventLog
from holdfast.core.tools.forced import forced


class Preparation:
    """Implements the supervisor's `Prepare`."""

    def __init__(  # noqa: PLR0913 (the one place where a run's ingredients meet)
        self,
        log: EventLog,
        registry: AgentRegistry,
        trust: TrustStore,
        catalog: ModelCatalog,
        tools: CustomTools,
        workspaces: Workspaces,
        broker: Broker,
        modes: Modes,
        policies: Policies,
        redactor: Callable[[], StreamRedactor],
        settings: Callable[[Path | None], Settings],
        replies: ReplyCheck,
        memory: MemoryStore,
        injection: Injection,
        knowledge: KnowledgePorts | None,
        skills: SkillRegistry,
        mcp: McpServers,
        hooks: Interceptors,
        budgets: Budgets,
    ) -> None:
        self._log = log
        self._registry = registry
        self._trust = trust
        self._catalog = catalog
        self._tools = tools
        self._workspaces = workspaces
        self._broker = broker
        self._modes = modes
        self._policies = policies
        self._redactor = redactor
        self._settings = settings
        self._replies = replies
        self._memory = memory
        self._injection = injection
        self._knowledge = knowledge
        self._skills = skills
        self._mcp = mcp
        self._hooks = hooks
        self._budgets = budgets

    async def models(self, session: Session, options: RunOptions) -> tuple[str, ...]:
        """Returns the chosen model and its fall-backs. Raises `ModelNotFound` for an unknown one,
        `ForbiddenError` (`untrusted_script`) for a script of a folder that is not trusted, and for options
        that cannot be kept to what `check_options`, `ReplyCheck.schema` and `affordable` raise."""
        info, spec = await self._agent(session)
        for name in options.own_tools:
            self._tools.get(name, session.owner)
        spec = with_own_tools(spec, options, self._tools.names(session.owner))
        if spec.script is not None and not info.trusted:
            raise ForbiddenError(
                f"The agent {spec.name} has a script, and its folder is not trusted. Look at the script, "
                "then run `holdfast trust` in the folder.",
                code="untrusted_script",
            )
        check_options(options, spec)
        await check_sub_agents(self._registry, session, spec, options, trusted=info.trusted)
        await check_skills(self._skills, session, info, options)
        await self._mcp.check(session.owner, spec, options)
        if options.memory is not None:
            await choose_blocks(self._memory, session, spec, options, trusted=info.trusted)
        await check_knowledge(options, session.owner, self._knowledge)
        if options.response_format is not None:
            await self._replies.schema(options.response_format)
        settings = await asyncio.to_thread(self._settings, Path(session.project))
        spec = await self._with_known_models(info, spec, session.owner)
        choice = await self._catalog.choose(
            flag=options.model,
            session=session.model,
            agent=spec.model,
            settings=settings.models.default,
            owner=session.owner,
        )
        names = (choice.model, *spec.fallback_models)
        return affordable({name: await self._catalog.get(name, session.owner) for name in names}, options)

    async def _with_known_models(self, info: AgentInfo, spec: AgentSpec, owner: str) -> AgentSpec:
        """Returns an agent that another user shares without the models that only he has: it is as if it named
        none. Any other one as it is."""
        if info.layer is not Layer.SHARED:
            return spec
        known = []
        for name in filter(None, (spec.model, *spec.fallback_models)):
            with suppress(ModelNotFound):
                known.append((await self._catalog.get(name, owner)).name)
        model = spec.model if spec.model in known else None
        others = tuple(name for name in spec.fallback_models if name in known)
        return spec.model_copy(update={"model": model, "fallback_models": others})

    async def plan(self, session: Session) -> str:
        """Returns the plan of a session's agent; empty: it has none."""
        return (await self._agent(session))[1].plan or ""

    async def _agent(self, session: Session) -> tuple[AgentInfo, AgentSpec]:
        """Returns the session's agent, which is valid, and what it says. Raises `ForbiddenError` for one of
        another user's that is not to be run here, whatever the run is at."""
        project = Path(session.project)
        info = valid(await asyncio.to_thread(self._registry.get, session.agent, project, session.owner))
        assert info.spec is not None
        if info.layer is Layer.SHARED:
            self._check_shared(info, info.spec, session)
        return info, described(info.spec, session)

    def _check_shared(self, info: AgentInfo, spec: AgentSpec, session: Session) -> None:
        whose = f"The agent {info.display_name} is {info.owner_name}'s"
        if spec.script is not None:
            raise ForbiddenError(
                f"{whose}, and has a script. Scripts of other users are not run.", code="untrusted_script"
            )
        if not self._workspaces.is_managed(session):
            raise ForbiddenError(
                f"{whose}: it does not work in a folder that you have named, as this session does. Start a "
                "session with it that has a folder of its own.",
                code="shared_agent_elsewhere",
            )

    async def run(
        self,
        session: Session,
        options: RunOptions,
        state: RunState,
        context: ContextProjection,
        models: tuple[str, ...],
        *,
        tool: str | None = None,
        parent: ActiveRun | None = None,
    ) -> ActiveRun:
        """Returns the run, ready for the loop. Raises `AgentFileError`, `NotFoundError`."""
        made: ActiveRun | None = None
        try:
            made = await self._made(session, options, state, context, models, tool=tool, parent=parent)
            return made
        finally:
            if made is None:
                self._mcp.release(session.owner, state.run_id)

    async def _made(
        self,
        session: Session,
        options: RunOptions,
        state: RunState,
        context: ContextProjection,
        models: tuple[str, ...],
        *,
        tool: str | None = None,
        parent: ActiveRun | None = None,
    ) -> ActiveRun:
        info, file = await self._agent(session)
        spec = with_options(with_own_tools(file, options, self._tools.names(session.owner)), options)
        if parent is not None:
            spec = within_cost(spec, file)
        workspace = self._workspaces.open(session)
        chosen = await choose_blocks(self._memory, session, spec, options, trusted=info.trusted)
        memory = RunMemory(self._memory, session, spec.name, options.memory, chosen)
        skills = await run_skills(self._skills, session, info, options)
        before = [call.name for call in state.open_calls]
        mcp = RunMcp()
        if tool is None:
            mcp = await self._mcp.run(session, spec, options, before, state.run_id)
        elif server_of(tool):
            mcp = RunMcp({tool: await self._mcp.direct(session, spec, tool, before)})
        agents: tuple[SubAgent, ...] = ()
        if tool is None:
            agents = await run_sub_agents(self._registry, session, spec, options, trusted=info.trusted)
        own = (tool,) if tool else await self._tool_names(spec, options, memory, skills)
        ways = way_tools(spec, options) if tool is None else ()
        own = (*own, *delegation_tools(agents, options, parent, spec), *ways)
        names = within_tools(tuple(dict.fromkeys((*own, *mcp.tools))), session, parent)
        if parent is not None:  # nobody would answer it
            names = tuple(name for name in names if not self._tools.is_client(name, session.owner))
        injected = Injected()
        if tool is None:
            injected = await self._injection.inject(
                memory, session, workspace, changes=BLOCK_TOOL in names, files=state.step == 0
            )
        credits = await self._budgets.credits(spec.plan)
        emitter = Emitter(self._log, state, context, self._redactor, credits, spec.plan or "")
        searched = self._tools.searched(names, session.owner)
        knowledge = run_knowledge(
            self._knowledge, session, spec, options, emitter, direct=tool is not None, more=searched
        )
        if parent is None:
            await remember_grants(self._log, self._broker, session)
            await self._modes.read(session.id)
        mode = RunMode(self._modes, state, options.approve) if parent is None else parent.mode
        judge = self._evaluator(session, spec, mode, await self._policies.of(session.owner))
        timer = WorkTimer(spec.limits.timeout_s)
        return ActiveRun(
            session_id=session.id,
            owner=session.owner,
            run_id=state.run_id,
            spec=spec,
            options=options,
            models=models,
            system=lambda: (
                *self._system(
                    session,
                    spec,
                    names,
                    injected.system,
                    section(knowledge, emitter, names, cite=options.citations),
                    skills_section(skills.skills) if LOAD_TOOL in names else "",
                ),
                *((sub_agents_section(agents),) if DELEGATE in names and agents else ()),
                *mcp.sections,
                *way_sections(spec, options, names),
                *mode_sections(mode.now()),
            ),
            tools=forced(
                {name: mcp.tools.get(name) or self._tools.tool(name, session.owner) for name in names},
                () if tool else spec.tools,
            ),
            workspace=workspace,
            evaluate=judge if parent is None else within(judge, parent),
            mode=mode,
            allow_always=self._policies.file(session.owner).add_allow,
            state=state,
            emitter=emitter,
            timer=timer,
            hooks=await self._hooks.run(
                session.owner, spec, workspace.root, emitter, timer, above=parent.hooks if parent else None
            ),
            spending=self._budgets,
            memory=memory,
            knowledge=knowledge,
            skills=skills,
            preface=injected.preface,
            connections=info.trusted and session.owner == LOCAL,
            parent=parent,
            sub_agents=agents,
            release=partial(self._mcp.release, session.owner, state.run_id) if options.mcp_servers else None,
            model_index=models.index(state.model) if state.model in models else 0,
        )

    async def _tool_names(
        self, spec: AgentSpec, options: RunOptions, memory: RunMemory, skills: RunSkills
    ) -> tuple[str, ...]:
        """Returns the tools of a run: the agent's, and those that its memory and its skills bring."""
        writes = await memory.may_write()
        brought = (*memory_tools(spec, options, writes=writes), *skill_tools(skills, options))
        return tuple(dict.fromkeys((*spec.tool_names, *brought)))

    def _evaluator(
        self, session: Session, spec: AgentSpec, mode: RunMode, policy: UserPolicy
    ) -> Callable[[Judged, tuple[str, ...]], PolicyAnswer]:
        def answer(tool: Judged, subjects: tuple[str, ...]) -> PolicyAnswer:
            if (refusal := policy.refuses(tool)) is not None:
                return refusal
            return evaluate(tool.name, tool.risk, subjects, self._layers(session, spec, policy), mode.now())

        return answer

    def _layers(self, session: Session, spec: AgentSpec, policy: UserPolicy) -> Layers:
        """Returns the rules that hold now."""
        unreadable = ""
        try:
            user = policy.rules()
        except (InvalidError, OSError) as error:
            user, unreadable = Rules(), str(error)
        whose = session.id if session.child_of is None else session.child_of.root_id
        granted = Rules(allow=self._broker.grants(whose, user))
        return Layers(user=user, session=granted, agent=spec.approvals, unreadable=unreadable)

    async def given(self, session: Session, mode: ApproveMode) -> GivenTools:
        """Returns the tools that a run of the session would have now, and what the rules say of each. Raises
        `AgentFileError`, `NotFoundError`."""
        info, spec = await self._agent(session)
        options, owner = RunOptions(), session.owner
        chosen = await choose_blocks(self._memory, session, spec, options, trusted=info.trusted)
        memory = RunMemory(self._memory, session, spec.name, None, chosen)
        skills = await run_skills(self._skills, session, info, options)
        mcp = await self._mcp.run(session, spec, options, ())
        agents = await run_sub_agents(self._registry, session, spec, options, trusted=info.trusted)
        own = (*await self._tool_names(spec, options, memory, skills),)
        brought = (*delegation_tools(agents, options, None, spec), *way_tools(spec, options))
        names = dict.fromkeys((*own, *brought, *mcp.tools))
        tools = {name: mcp.tools.get(name) or self._tools.tool(name, owner) for name in names}
        await remember_grants(self._log, self._broker, session)
        policy = await self._policies.of(owner)
        return given_tools(
            spec,
            forced(tools, spec.tools),
            mcp.unavailable,
            self._layers(session, spec, policy),
            mode,
            policy.refuses,
            {tool.name: tool.custom.id for tool in self._tools.of(owner)},
        )

    def _system(
        self,
        session: Session,
        spec: AgentSpec,
        tools: tuple[str, ...],
        memory: str,
        knowledge: str,
        skills: str,
    ) -> tuple[str, ...]:
        return system_sections(
            instructions=spec.instructions,
            today=utc_now().date(),
            # Who only asks an agent whose tools work elsewhere is not told of folders of this machine.
            workspace=session.workspace if self._tools.work_here(tools, session.owner) else "",
            tools=tools,
            project_notes=self._project_notes(session, spec),
            memory=memory,
            knowledge=knowledge,
            skills=skills,
        )

    def _project_notes(self, session: Session, spec: AgentSpec) -> str:
        """Returns the project's AGENTS.md when the agent works there and the folder is trusted."""
        if spec.workspace != "project":
            return ""
        try:
            trust = self._trust.get(Path(session.project))
        except InvalidError:
            return ""  # a trust file with a mistake trusts nothing; the agents' listing says so
        return project_notes(Path(session.project)) if trust is not None and trust.trusted else ""
