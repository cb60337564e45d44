"""What the SDK calls: the workbench as one agent of the protocol, with sessions of every agent in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import wraps
from pathlib import PurePath
from typing import Any, ParamSpec, TypeVar

from acp import PROTOCOL_VERSION, RequestError
from acp.helpers import (
    ContentBlock,
    update_agent_message_text,
    update_available_commands,
    update_current_mode,
)
from acp.interfaces import Client
from acp.schema import (
    AgentCapabilities,
    AuthenticateResponse,
    AvailableCommand,
    ClientCapabilities,
    CloseSessionResponse,
    ConfigOptionUpdate,
    ForkSessionResponse,
    Implementation,
    InitializeResponse,
    ListSessionsResponse,
    LoadSessionResponse,
    McpCapabilities,
    NewSessionResponse,
    PromptCapabilities,
    PromptResponse,
    ResumeSessionResponse,
    SessionCapabilities,
    SessionCloseCapabilities,
    SessionForkCapabilities,
    SessionInfo,
    SessionListCapabilities,
    SessionResumeCapabilities,
    SetSessionConfigOptionResponse,
    SetSessionModeResponse,
    StopReason,
    TextContentBlock,
)

from holdfast import __version__
from holdfast.acp.choices import (
    AGENT,
    DEFAULT_MODEL,
    MODE,
    MODEL,
    mode_named,
)
from holdfast.acp.errors import request_error
from holdfast.acp.prompts import command_in, message_of
from holdfast.acp.sessions import EditorSession
from holdfast.acp.turn import RunError, Turn
from holdfast.acp.updates import Translator
from holdfast.core.domain.errors import ConflictError, HoldfastError, InvalidError, NotFoundError
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.messages import UserPart
from holdfast.core.domain.runs import Session
from holdfast.core.domain.text import sanitize_line
from holdfast.core.services.attaching import Attach
from holdfast.core.services.workbench import Workbench

P = ParamSpec("P")
T = TypeVar("T")
_PAGE = 1_000
_LISTED = 50


def _request(
    method: Callable[P, Awaitable[T]],
) -> Callable[P, Coroutine[Any, Any, T]]:
    """Makes a method of `EditorAgent` attach to the engine, and raise the protocol's error for ours."""

    @wraps(method)
    async def called(*args: P.args, **kwargs: P.kwargs) -> T:
        agent = args[0]
        assert isinstance(agent, EditorAgent), "it decorates its methods alone"
        try:
            async with agent.attached():
                return await method(*args, **kwargs)
        except HoldfastError as error:
            raise request_error(error) from error

    return called


class EditorAgent:
    """Implements the SDK's `Agent` on a workbench.

    `agent` and `model` are those of new sessions; an empty agent is the setting `default_agent`. With
    `elsewhere` the engine is on another machine, which knows nothing of the editor's folders. `attach` is
    what starts an engine that has stopped meanwhile, to which `workbench` leads again then; None: none stops.
    """

    def __init__(
        self,
        workbench: Workbench,
        *,
        attach: Attach | None = None,
        agent: str = "",
        model: str | None = None,
        elsewhere: bool = False,
    ) -> None:
        self._workbench = workbench
        self._attach = attach
        self._agent = agent
        self._model = model
        self._elsewhere = elsewhere
        self._client: Client | None = None
        self._open: dict[str, EditorSession] = {}
        self._background: set[asyncio.Task[None]] = set()

    def on_connect(self, conn: Client) -> None:
        """Takes the editor's side."""
        self._client = conn

    def attached(self) -> AbstractAsyncContextManager[object]:
        """Has the engine running when a request begins."""
        return nullcontext() if self._attach is None else self._attach()

    async def close(self) -> None:
        """Ends what goes on beside requests; runs go on in the engine."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    # --- the connection

    async def initialize(
        self,
        protocol_version: int,
        client_capabilities: ClientCapabilities | None = None,
        client_info: Implementation | None = None,
        **kwargs: Any,
    ) -> InitializeResponse:
        """Says what is supported. Nobody has to sign in: the engine's socket is the owner's own."""
        return InitializeResponse(
            protocol_version=PROTOCOL_VERSION,
            agent_info=Implementation(name="holdfast", title="Holdfast", version=__version__),
            auth_methods=[],
            agent_capabilities=AgentCapabilities(
                load_session=True,
                prompt_capabilities=PromptCapabilities(image=True, embedded_context=True, audio=False),
                mcp_capabilities=McpCapabilities(http=False, sse=False),
                session_capabilities=SessionCapabilities(
                    list=SessionListCapabilities(),
                    resume=SessionResumeCapabilities(),
                    fork=SessionForkCapabilities(),
                    close=SessionCloseCapabilities(),
                ),
            ),
        )

    async def authenticate(self, method_id: str, **kwargs: Any) -> AuthenticateResponse | None:
        """There is no method to sign in by."""
        raise request_error(InvalidError("Holdfast asks an editor for no sign-in.", code="no_auth_method"))

    async def ext_method(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        raise RequestError.method_not_found(f"_{method}")

    async def ext_notification(self, method: str, params: dict[str, Any]) -> None:
        """Extensions of editors are not known, and a notification needs no answer."""

    # --- sessions

    @_request
    async def new_session(
        self, cwd: str, mcp_servers: Sequence[Any] | None = None, **kwargs: Any
    ) -> NewSessionResponse:
        project = self._project(cwd)
        agent = self._agent or (await self._workbench.engine.settings(project or None)).default_agent
        session = await self._workbench.sessions.create(agent, project, model=self._model)
        opened = await self._opened(session, mcp_servers)
        modes, options = await opened.choices()
        return NewSessionResponse(session_id=session.id, modes=modes, config_options=options)

    @_request
    async def load_session(
        self, cwd: str, session_id: str, mcp_servers: Sequence[Any] | None = None, **kwargs: Any
    ) -> LoadSessionResponse:
        session = await self._workbench.sessions.get(session_id)
        opened = await self._opened(session, mcp_servers)
        modes, options = await opened.choices()
        self._go_on(opened, await self._replay(opened))
        return LoadSessionResponse(modes=modes, config_options=options)

    @_request
    async def resume_session(
        self, session_id: str, cwd: str, mcp_servers: Sequence[Any] | None = None, **kwargs: Any
    ) -> ResumeSessionResponse:
        session = await self._workbench.sessions.get(session_id)
        opened = await self._opened(session, mcp_servers)
        self._go_on(opened, session.last_event_id)
        modes, options = await opened.choices()
        return ResumeSessionResponse(modes=modes, config_options=options)

    @_request
    async def fork_session(
        self, session_id: str, cwd: str, mcp_servers: Sequence[Any] | None = None, **kwargs: Any
    ) -> ForkSessionResponse:
        session = await self._workbench.sessions.fork(session_id)
        opened = await self._opened(session, mcp_servers)
        modes, options = await opened.choices()
        return ForkSessionResponse(session_id=session.id, modes=modes, config_options=options)

    @_request
    async def list_sessions(
        self, cwd: str | None = None, cursor: str | None = None, **kwargs: Any
    ) -> ListSessionsResponse:
        page = await self._workbench.sessions.list(limit=_LISTED, cursor=cursor)
        found = [
            SessionInfo(
                session_id=each.id,
                cwd=each.project or each.workspace,
                title=sanitize_line(each.title) or None,
                updated_at=each.updated_at.isoformat(),
            )
            for each in page.items
            if cwd is None or self._elsewhere or PurePath(each.project) == PurePath(cwd)
        ]
        return ListSessionsResponse(sessions=found, next_cursor=page.next_cursor)

    @_request
    async def close_session(self, session_id: str, **kwargs: Any) -> CloseSessionResponse | None:
        opened = self._open.pop(session_id, None)
        if opened is not None:
            await self._cancel(opened)
        return CloseSessionResponse()

    def _project(self, cwd: str) -> str:
        if self._elsewhere:
            return ""
        if not PurePath(cwd).is_absolute():
            raise InvalidError(f"The folder {cwd!r} is not a whole path.", code="invalid_path")
        return cwd

    async def _opened(self, session: Session, mcp_servers: Sequence[Any] | None) -> EditorSession:
        kept = self._open.get(session.id)
        opened = kept or EditorSession(self._workbench, session)
        opened.session = session
        self._open[session.id] = opened
        if mcp_servers:
            names = ", ".join(sanitize_line(server.name) for server in mcp_servers)
            opened.notes.append(
                f"Not used: MCP servers of the editor ({names}); agents have their own tools."
            )
        self._later(self._tell_commands(session.id, await opened.look_at_agent()))
        return opened

    async def _tell_commands(self, session_id: str, commands: list[AvailableCommand]) -> None:
        # After the answer to the request: before it the editor does not know the session.
        await asyncio.sleep(0)
        await self._editor.session_update(session_id=session_id, update=update_available_commands(commands))

    async def _replay(self, opened: EditorSession) -> int:
        """Shows what the session holds; returns the id of the last event."""
        session = opened.session
        translator = Translator(session.workspace, window=opened.window, replay=True)
        only = EventFilter(session_id=session.id, deltas=False)
        after = 0
        while items := (await self._workbench.events.read(only, after=after, limit=_PAGE)).items:
            for logged in items:
                for update in translator.take(logged.event):
                    await self._editor.session_update(session_id=session.id, update=update)
            after = items[-1].id
        return after

    def _go_on(self, opened: EditorSession, after: int) -> None:
        """Follows a run that is under way already, beside the requests."""
        session = opened.session
        if session.run_id is None or session.status is None or session.status.ended or opened.turns:
            return
        self._later(self._watch(opened, self._turn(opened, after), session.run_id))

    async def _watch(self, opened: EditorSession, turn: Turn, run_id: str) -> None:
        opened.turns.append(turn)
        try:
            await turn.watch(run_id)
            await self._tell_agent(opened, turn)
        except (RunError, HoldfastError) as error:
            said = error.info.message if isinstance(error, RunError) else error.message
            update = update_agent_message_text(f"\n\nThe run failed: {said}\n")
            await self._editor.session_update(session_id=opened.session.id, update=update)
        finally:
            opened.turns.remove(turn)
        opened.waiting = turn if turn.question is not None else None

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        async def worked() -> None:
            try:
                await work
            except ConnectionError:
                return  # the editor has gone, and nobody is left to be told

        task = asyncio.create_task(worked())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    # --- what can be chosen

    @_request
    async def set_session_mode(
        self, session_id: str, mode_id: str, **kwargs: Any
    ) -> SetSessionModeResponse | None:
        opened = await self._named(session_id)
        await self._workbench.approvals.set_mode(session_id, mode_named(mode_id))
        _, options = await opened.choices()
        update = ConfigOptionUpdate(session_update="config_option_update", config_options=options)
        await self._editor.session_update(session_id=session_id, update=update)
        return SetSessionModeResponse()

    @_request
    async def set_config_option(
        self, config_id: str, session_id: str, value: str | bool, **kwargs: Any
    ) -> SetSessionConfigOptionResponse | None:
        opened = await self._named(session_id)
        chosen = str(value)
        match config_id:
            case "mode":
                mode = mode_named(chosen)
                await self._workbench.approvals.set_mode(session_id, mode)
                await self._editor.session_update(
                    session_id=session_id, update=update_current_mode(mode.value)
                )
            case "model":
                model = "" if chosen == DEFAULT_MODEL else chosen
                opened.session = await self._workbench.sessions.configure(session_id, model=model)
            case "agent":
                opened.session = await self._workbench.sessions.configure(session_id, agent=chosen)
                self._later(self._tell_commands(session_id, await opened.look_at_agent()))
            case _:
                known = ", ".join((MODE, MODEL, AGENT))
                raise InvalidError(
                    f"There is no option {config_id!r}; there are {known}.", code="unknown_option"
                )
        _, options = await opened.choices()
        return SetSessionConfigOptionResponse(config_options=options)

    # --- turns

    @_request
    async def prompt(self, session_id: str, prompt: Sequence[ContentBlock], **kwargs: Any) -> PromptResponse:
        opened = await self._named(session_id)
        for note in opened.taken_notes():
            await self._editor.session_update(session_id=session_id, update=update_agent_message_text(note))
        for turn in [turn for turn in opened.turns if turn.question is not None]:
            await turn.ended.wait()  # it is at its end already
        waiting, opened.waiting = opened.waiting, None
        if waiting is not None:
            reason = await self._answer(opened, waiting, prompt)
            if reason is not None:
                return PromptResponse(stop_reason=reason)
        session = await self._workbench.sessions.get(session_id)
        parts = await self._message(opened, prompt)
        turn = self._turn(opened, session.last_event_id)
        work = turn.send(parts)
        return PromptResponse(stop_reason=await self._during(opened, turn, work))

    async def _message(self, opened: EditorSession, blocks: Sequence[ContentBlock]) -> tuple[UserPart, ...]:
        """Returns the parts of a message; a command at its beginning is the prompt of its name, filled in."""
        first = blocks[0].text if blocks and isinstance(blocks[0], TextContentBlock) else ""
        command, session_id = command_in(first, opened.prompts), opened.session.id
        made: tuple[UserPart, ...] = ()
        if command is not None:
            name, line = command
            found = await self._workbench.prompts.resolve(name, line=line, session_id=session_id)
            made, blocks = found.parts, blocks[1:]
        if made and not blocks:
            return made
        rest = await message_of(self._workbench.files, session_id, blocks, elsewhere=self._elsewhere)
        return (*made, *rest)

    async def cancel(self, session_id: str, **kwargs: Any) -> None:
        """Cancels what goes on in a session; one that is not open here is left alone."""
        opened = self._open.get(session_id)
        if opened is not None:
            await self._cancel(opened)

    async def _answer(
        self, opened: EditorSession, turn: Turn, prompt: Sequence[ContentBlock]
    ) -> StopReason | None:
        """Gives a run the words that it waits for; None when it does not wait for them any more."""
        words = "".join(block.text for block in prompt if isinstance(block, TextContentBlock)).strip()
        try:
            await turn.answer(words)
        except (ConflictError, NotFoundError):
            return None
        return await self._during(opened, turn, turn.follow())

    async def _during(
        self, opened: EditorSession, turn: Turn, work: Coroutine[Any, Any, StopReason]
    ) -> StopReason:
        opened.turns.append(turn)
        try:
            reason = await work
            await self._tell_agent(opened, turn)
            return reason
        except RunError as error:
            raise request_error(error.info) from error
        finally:
            opened.turns.remove(turn)
            opened.waiting = turn if turn.question is not None else None

    async def _tell_agent(self, opened: EditorSession, turn: Turn) -> None:
        """Shows the agent and its commands that the conversation has been handed over to."""
        if not turn.handed_over:
            return
        opened.session = await self._workbench.sessions.get(opened.session.id)
        await self._tell_commands(opened.session.id, await opened.look_at_agent())
        _, options = await opened.choices()
        update = ConfigOptionUpdate(session_update="config_option_update", config_options=options)
        await self._editor.session_update(session_id=opened.session.id, update=update)

    async def _cancel(self, opened: EditorSession) -> None:
        turns = [*opened.turns, *([opened.waiting] if opened.waiting is not None else [])]
        opened.waiting = None
        for turn in turns:
            try:
                await turn.cancel()
            except HoldfastError as error:  # a notification has no answer that could say it
                await turn.say(error.message)

    async def _named(self, session_id: str) -> EditorSession:
        """Returns a session, also one that this process did not open yet. Raises `NotFoundError`."""
        opened = self._open.get(session_id)
        if opened is None:
            opened = await self._opened(await self._workbench.sessions.get(session_id), None)
        return opened

    def _turn(self, opened: EditorSession, after: int) -> Turn:
        translator = Translator(opened.session.workspace, window=opened.window)
        return Turn(self._workbench, self._editor, opened.session, translator, after)

    @property
    def _editor(self) -> Client:
        assert self._client is not None, "a request has come, so somebody is connected"
        return self._client
