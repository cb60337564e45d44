"""Wires the pieces together: for the engine, the terminal app, browsers, editors and commands.

Importing it costs nothing but the paths: every function imports what it needs when it is called, because
the terminal app's first paint, `--help` and the engine's start must not pay for each other.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.assembly import CA, KEY, URL, builtin_registry, open_workbench, read_settings, settings_file
from holdfast.core.config.paths import Paths
from holdfast.remote import client_of
from holdfast.remote import elsewhere as elsewhere
from holdfast.remote import kept_logins as kept_logins
from holdfast.remote import knock as knock
from holdfast.remote import sign_in as sign_in
from holdfast.remote import sign_out as sign_out
from holdfast.remote import ways as ways

if TYPE_CHECKING:
    import subprocess

    from holdfast.core.domain.errors import Diagnostic
    from holdfast.core.domain.status import CheckResult
    from holdfast.core.services.local import LocalWorkbench
    from holdfast.core.services.workbench import Workbench
    from holdfast.server.lock import EngineAddress, EngineLock
    from holdfast.server.native.address import EngineUrl
    from holdfast.tui.start import Elsewhere, Remote
    from holdfast.web.serve import WebOptions

ENGINE_COMMAND = (sys.executable, "-m", "holdfast.bootstrap")
"""Starts the engine of the home that the environment names."""

_PAGE = "page"
"""Behind `ENGINE_COMMAND`: the process is the app of a page, for the user whose id follows."""

_LOST_S = 0.5
"""After so long without a sign of life the terminal app says that the engine is lost."""


def paths() -> Paths:
    """Returns the folders of the home that the environment names."""
    return Paths.resolve(os.environ)


# --- the engine


def run_engine() -> int:
    """Is the engine process until it stops; returns its exit status."""
    gc.disable()  # until everything is loaded: the collector's stops are most of what a start costs
    from holdfast.server.engine import run_engine as serve
    from holdfast.server.listeners import TcpListeners

    where = paths()
    stop = asyncio.Event()
    listeners = TcpListeners(where.logs, lambda: read_settings(where, os.environ).server)

    async def make() -> LocalWorkbench:
        address = str(where.socket)
        return await open_workbench(where, os.environ, address=address, stop=stop.set, listeners=listeners)

    idle_stop_s = read_settings(where, os.environ).engine.idle_stop_s
    return serve(make, where, idle_stop_s=idle_stop_s, stop=stop, listeners=listeners)


def find_engine() -> EngineAddress | None:
    """Returns the engine that runs on the home; starts none."""
    from holdfast.server.spawn import find_engine as find

    return find(paths())


def engine_log() -> Path:
    """Returns the path of the engine's log."""
    return paths().engine_log


def stop_engine(timeout_s: float, drain_s: float = 0) -> bool:
    """Stops the engine of the home; says whether one ran and has ended within `timeout_s` seconds, after it
    has waited up to `drain_s` seconds for its runs."""
    import signal
    import time

    from holdfast.server.lock import is_held

    address = find_engine()
    if address is None:
        return False
    if drain_s:
        asyncio.run(_ask_to_stop(address, drain_s))
    else:
        os.kill(address.pid, signal.SIGTERM)
    deadline = time.monotonic() + timeout_s + drain_s
    while time.monotonic() < deadline:
        if not is_held(paths().lock):  # the socket closes first, the database last
            return True
        time.sleep(0.02)
    return False


async def _ask_to_stop(address: EngineAddress, drain_s: float) -> None:
    client = client_of(address.socket, "command line")
    try:
        await client.engine.stop(drain_s=drain_s)
    finally:
        await client.close()


# --- clients of the engine


@asynccontextmanager
async def workbench(
    *, in_process: bool = False, own: bool = False, client: str = "command line"
) -> AsyncIterator[Workbench]:
    """Attaches to the engine elsewhere that the environment names, or to the home's own, which is started
    when it does not run; detaches at the end. With `own` it is always the home's own. `client` is which
    program this is, one of `CLIENTS`."""
    address = None if in_process or own else elsewhere()
    if address is not None:
        opened = client_of(address, client)
    else:
        opened = await (_connect_in_process(client) if in_process else _connect(None, client))
    try:
        yield opened
    finally:
        await opened.close()


async def _connect_in_process(client: str) -> Workbench:
    """Opens the home in this process; it is the engine then, and holds its lock."""
    from holdfast.core.domain.identity import LOCAL_PRINCIPAL
    from holdfast.server.lock import EngineLock

    where = paths()
    where.make()
    lock = EngineLock(where.lock)
    if not lock.try_acquire():
        from holdfast.core.domain.errors import ConflictError

        raise ConflictError(
            f"An engine runs on {where.data} already; leave out --in-process to use it, "
            "or end it with `holdfast engine stop`.",
            code="engine_running",
        )
    try:
        opened = await open_workbench(where, os.environ)
        return _Locked(opened.as_principal(LOCAL_PRINCIPAL.model_copy(update={"client": client})), lock)
    except BaseException:
        lock.release()
        raise


class _Locked:
    """A workbench in this process, with the lock that goes when it closes."""

    def __init__(self, workbench: Workbench, lock: EngineLock) -> None:
        self._workbench = workbench
        self._lock = lock

    def __getattr__(self, noun: str) -> Any:
        return getattr(self._workbench, noun)

    async def close(self) -> None:
        try:
            await self._workbench.close()
        finally:
            self._lock.release()


async def _connect(
    started: subprocess.Popen[bytes] | None, client: str, *, patience_s: float | None = None
) -> Workbench:
    """Attaches to the home's engine; `patience_s` is how long its streams wait for one that went away."""
    from holdfast.server.spawn import ensure_engine

    address = await asyncio.to_thread(ensure_engine, paths(), ENGINE_COMMAND, started=started)

    # In a thread, because it imports: the terminal app paints and takes keys meanwhile.
    return await asyncio.to_thread(client_of, address.socket, client, patience_s)


def engine_version(workbench: Workbench) -> str:
    """Returns the version of the engine behind a workbench that was used; empty where it is this process."""
    from holdfast.server.native.client import RemoteWorkbench

    return workbench.engine_version if isinstance(workbench, RemoteWorkbench) else ""


# --- engines elsewhere


def attach_tui(
    address: EngineUrl,
    *,
    session: str | None = None,
    agent: str | None = None,
    model: str | None = None,
    project: str = "",
    at_hand: bool = True,
    state_file: Path | None = None,
    shown: Elsewhere | None = None,
) -> int:
    """Runs the terminal app on an engine elsewhere; starts none here. `project` is a folder over there.

    Without `at_hand` the person does not sit at this machine, whose files then are not theirs. `state_file`
    takes the place of the home's own, `shown` that of the engine's address before the person.
    """
    gc.disable()  # the app freezes and enables it after its first paint
    from holdfast.tui.start import Remote

    where = paths()

    reached = address

    async def connect() -> Workbench:
        return await asyncio.to_thread(client_of, reached, "app" if at_hand else "browser", _LOST_S)

    async def sign_in_again(name: str, password: str) -> None:
        nonlocal reached
        reached = await sign_in(address, name, password, client="app")

    remote = Remote(
        shown or address,
        project,
        lambda: read_settings(where, os.environ).tui,
        at_hand,
        (lambda: settings_file(where, os.environ)) if at_hand else None,
        sign_in_again if at_hand else None,
        address.login,
    )
    return _run_app(connect, session, agent, model, remote, state_file)


def run_tui(
    *,
    session: str | None = None,
    agent: str | None = None,
    model: str | None = None,
    in_process: bool = False,
) -> int:
    """Runs the terminal app; the engine is started first, so that it loads while the app paints."""
    if not in_process and (address := elsewhere()) is not None:
        return attach_tui(address, session=session, agent=agent, model=model)
    gc.disable()  # the app freezes and enables it after its first paint
    from holdfast.server.spawn import find_engine as find
    from holdfast.server.spawn import start_engine

    where = paths()
    try:
        first = None if in_process or find(where) is not None else start_engine(where, ENGINE_COMMAND)
    except OSError as error:
        print(
            f"holdfast: {error.filename or where.data} cannot be written: {error.strerror}. "
            "Check its permissions, or set HOLDFAST_HOME to a folder of yours.",
            file=sys.stderr,
        )
        return 1
    pending = [first]

    async def connect() -> Workbench:
        if in_process:
            return await _connect_in_process("app")
        # The app starts another one when it is lost: nobody else might.
        return await _connect(pending.pop() if pending else None, "app", patience_s=_LOST_S)

    return _run_app(connect, session, agent, model, None)


def run_demo() -> int:
    """Runs the terminal app as a guided tour: on a home and a folder of its own, with its engine inside, and
    a model whose replies are written down. Nothing of it is there afterwards."""
    import signal
    import tempfile

    gc.disable()  # the app freezes and enables it after its first paint
    from holdfast.tui.presenters.tour import AGENT
    from holdfast.tui.stage import set_stage

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)  # so that the folder is tidied up

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    here, environment = Path.cwd(), dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="holdfast-demo-", ignore_cleanup_errors=True) as folder:
        stage, project = set_stage(Path(folder).resolve())
        for name in (URL, KEY, CA):
            os.environ.pop(name, None)
        os.environ.update(stage)
        os.chdir(project)
        try:
            return _run_app(lambda: _connect_in_process("app"), None, AGENT, None, None, tour=True)
        finally:
            os.chdir(here)
            os.environ.clear()
            os.environ.update(environment)


def _run_app(
    connect: Callable[[], Awaitable[Workbench]],
    session: str | None,
    agent: str | None,
    model: str | None,
    remote: Remote | None,
    state_file: Path | None = None,
    *,
    tour: bool = False,
) -> int:
    # Textual draws nothing for so long after a drawing; a key that is typed while a reply comes waits for it.
    os.environ.setdefault("TEXTUAL_FPS", "120")
    from holdfast import __version__
    from holdfast.core.config.paths import shipped
    from holdfast.tui.app import run
    from holdfast.tui.start import Start

    where = paths()
    return run(
        Start(
            connect,
            folder=Path.cwd(),
            state_file=state_file or where.ui_state,
            themes=[where.themes, shipped("themes")],
            session=session,
            agent=agent,
            model=model,
            version=__version__,
            remote=remote,
            tour=tour,
        )
    )


# --- editors


def serve_acp(*, agent: str = "", model: str | None = None) -> int:
    """Speaks the Agent Client Protocol on stdin and stdout, until stdin ends; returns the exit status."""
    from holdfast.acp.stdio import keep_stdout

    stdout = keep_stdout()  # before anything could print what is no message
    from holdfast.acp.agent import EditorAgent
    from holdfast.acp.stdio import serve_stdio

    attach, there = partial(workbench, client="editor"), elsewhere() is not None

    async def served() -> None:
        async with attach() as opened:
            editor = EditorAgent(opened, attach=attach, agent=agent, model=model, elsewhere=there)
            await serve_stdio(editor, stdout)

    asyncio.run(served())
    return 0


# --- MCP clients


def serve_mcp(*, agents: Sequence[str] = (), project: str = "") -> int:
    """Is an MCP server on stdin and stdout until stdin ends; returns the exit status. `agents` are those that
    are shown (none: all), as they are seen from the folder `project` of the engine's machine.

    Raises `NotFoundError` for an agent that there is not, and why the engine cannot be reached.
    """
    from holdfast.server.log import open_log
    from holdfast.server.mcp.stdio import serve_stdio

    where = paths()
    where.make()
    open_log(where.logs / "mcp.log")

    asyncio.run(serve_stdio(partial(workbench, client="MCP client"), agents=agents, project=project))
    return 0


# --- browsers


def serve_web(options: WebOptions, say: Callable[[str], None]) -> int:
    """Serves the terminal app to browsers until a signal comes; returns the exit status. `say` prints a line.

    Raises what `holdfast.web.serve.serve_web` raises, and why the engine cannot be reached.
    """
    from holdfast.server.native.address import EngineUrl
    from holdfast.web.apps import AppCommand
    from holdfast.web.gate import Address, EngineGate
    from holdfast.web.serve import serve_web as serve

    where, remote = paths(), elsewhere()
    where.make()
    address = None if remote is None else Address(remote.url, remote.ca_file)

    def client(at: Address, key: str) -> Workbench:
        return client_of(EngineUrl.parse(at.url, key, at.ca_file), "browser")

    gate = EngineGate(workbench, client, address)
    # Without a key of their own for an engine elsewhere, nobody can be let in by a link.
    wanted = replace(options, link=options.link and (remote is None or bool(remote.key)))
    page = AppCommand((*ENGINE_COMMAND, _PAGE), where.logs / "web.log", ("own",) if remote is None else ())
    asyncio.run(serve(wanted, gate, page, say))
    return 0


def run_page(user_id: str, own: str = "") -> int:
    """Is the app of one page of `holdfast web`; the engine and the login are in its environment. With `own`
    the engine is the home's own."""
    address = elsewhere()
    os.environ.pop(KEY, None)
    if address is None:
        print("holdfast: the app of a page is started by `holdfast web`", file=sys.stderr)
        return 2
    from holdfast.tui.start import OwnEngine
    from holdfast.web.parent import end_with_parent

    end_with_parent()
    state = paths().page_state(user_id)
    return attach_tui(address, at_hand=False, state_file=state, shown=OwnEngine() if own else None)


# --- what needs no engine


def validate_agent(path: Path) -> list[Diagnostic]:
    """Returns every mistake in an agent file. Raises `NotFoundError` when there is none."""
    from holdfast.core.agents.pins import pin_warnings
    from holdfast.core.agents.registry import AgentRegistry
    from holdfast.core.config.yaml import read_file
    from holdfast.core.domain.identity import LOCAL
    from holdfast.core.store.custom_tools import own_tool_names

    where = paths()
    known = (*builtin_registry().names, *own_tool_names(where.database, LOCAL))
    problems = list(AgentRegistry(where, known).validate(path))
    text, _ = read_file(path)
    return [*problems, *(() if text is None else pin_warnings(text, str(path), builtin_arguments))]


def builtin_arguments(tool: str) -> list[str] | None:
    """Returns the arguments of a built-in tool; None for any other."""
    from holdfast.core.tools.registry import schema

    registry = builtin_registry()
    return list(schema(registry.get(tool)).parameters["properties"]) if tool in registry.names else None


def agent_schema() -> dict[str, Any]:
    """Returns the JSON Schema of agent files."""
    from holdfast.core.agents.schema import agent_schema as schema

    return schema()


def new_agent_text(name: str) -> str:
    """Returns a commented agent file to start from, with an id of its own."""
    from holdfast.core.agents.scaffold import new_agent_text as text
    from holdfast.core.domain.values import new_id

    return text(name, new_id())


def check_offline(repair: bool) -> list[CheckResult]:
    """Returns the checks of the home that need no engine."""
    from holdfast.core.services.checks import check_home

    return check_home(paths(), repair=repair)


if __name__ == "__main__":
    sys.exit(run_page(*sys.argv[2:]) if sys.argv[1:2] == [_PAGE] else run_engine())
