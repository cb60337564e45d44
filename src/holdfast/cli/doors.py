"""Where commands get their doors to the rest of Holdfast: the bootstrap module, or what a test puts there.

This module imports nothing at run time, so that the way to the terminal app stays short.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from pathlib import Path
    from typing import Any

    from holdfast.core.config.paths import Paths
    from holdfast.core.domain.accounts import SignInWays
    from holdfast.core.domain.errors import Diagnostic
    from holdfast.core.domain.status import CheckResult
    from holdfast.core.services.workbench import Workbench
    from holdfast.web.serve import WebOptions


class EngineAddress(Protocol):
    """A running engine, as its lock file names it."""

    @property
    def pid(self) -> int: ...

    @property
    def socket(self) -> Path | str: ...

    @property
    def version(self) -> str: ...


class RemoteEngine(Protocol):
    """An engine elsewhere: its address, and the key to it."""

    @property
    def url(self) -> str: ...

    @property
    def place(self) -> str:
        """The URL without its scheme."""
        ...

    @property
    def key(self) -> str: ...

    @property
    def login(self) -> str:
        """Of whom the key is a login that was kept; empty: the key was given."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether others on the way can read everything, a password too."""
        ...


class Login(Protocol):
    """A login to an engine elsewhere that is kept."""

    @property
    def url(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def expires_at(self) -> datetime | None: ...


class Doors(Protocol):
    """What commands use of `holdfast.bootstrap`."""

    def workbench(
        self, *, in_process: bool = False, own: bool = False
    ) -> AbstractAsyncContextManager[Workbench]:
        """Attaches to the engine elsewhere that the environment names, or to the home's own, which is
        started when it does not run; with `own` always to the home's own."""
        ...

    def engine_version(self, workbench: Workbench) -> str:
        """Returns the version of the engine behind a workbench that was used; empty where it is not known."""
        ...

    def elsewhere(self, url: str = "", key: str = "", ca_file: str = "") -> RemoteEngine | None:
        """Returns the engine at `url`, else the one that the environment names; None: the home's own."""
        ...

    async def knock(self, address: Any) -> None:
        """Asks an engine elsewhere whether it lets us in. Raises why it does not."""
        ...

    async def ways(self, address: Any) -> SignInWays | None:
        """Returns how people can sign in at an engine elsewhere; None where it knows no accounts."""
        ...

    async def sign_in(self, address: Any, name: str, password: str, *, expires_s: int = ...) -> RemoteEngine:
        """Signs in with an account, and keeps the login for the engine's address, for `expires_s` seconds;
        returns the engine with it."""
        ...

    async def sign_out(self, url: str) -> tuple[Login, bool] | None:
        """Ends the login that is kept for an address, and forgets it. Returns it, and whether its engine was
        told; None where none is kept."""
        ...

    def kept_logins(self) -> Sequence[Login]: ...

    def attach_tui(
        self,
        address: Any,
        *,
        session: str | None = None,
        agent: str | None = None,
        model: str | None = None,
        project: str = "",
    ) -> int:
        """Runs the terminal app on an engine elsewhere, as `elsewhere` gave it."""
        ...

    def find_engine(self) -> EngineAddress | None:
        """Returns the running engine; starts none."""
        ...

    def stop_engine(self, timeout_s: float, drain_s: float = 0) -> bool:
        """Says whether an engine was running and has ended within `timeout_s` seconds, after it has waited
        up to `drain_s` seconds for its runs."""
        ...

    def engine_log(self) -> Path: ...

    def run_engine(self) -> int:
        """Is the engine, until it stops."""
        ...

    def run_tui(
        self,
        *,
        session: str | None = None,
        agent: str | None = None,
        model: str | None = None,
        in_process: bool = False,
    ) -> int: ...

    def serve_web(self, options: WebOptions, say: Callable[[str], None]) -> int:
        """Serves the terminal app to browsers until a signal comes; `say` prints a line."""
        ...

    def run_demo(self) -> int:
        """Runs the terminal app as a guided tour, on a home of its own that is gone afterwards."""
        ...

    def serve_acp(self, *, agent: str = "", model: str | None = None) -> int:
        """Speaks the Agent Client Protocol on stdin and stdout, until stdin ends."""
        ...

    def serve_mcp(self, *, agents: Sequence[str] = (), project: str = "") -> int:
        """Is an MCP server on stdin and stdout, until stdin ends."""
        ...

    def paths(self) -> Paths: ...

    def validate_agent(self, path: Path) -> list[Diagnostic]: ...

    def agent_schema(self) -> dict[str, Any]: ...

    def new_agent_text(self, name: str) -> str: ...

    def check_offline(self, repair: bool) -> list[CheckResult]:
        """The checks of `doctor` that need no engine."""
        ...


_installed: Doors | None = None


def doors() -> Doors:
    """Returns the doors to use."""
    if _installed is not None:
        return _installed
    from holdfast import bootstrap  # start-up time: `--help` and `--version` come without it

    real: Doors = bootstrap
    return real


def use(replacement: Doors | None) -> None:
    """Puts other doors in place, for tests; None goes back to the real ones."""
    global _installed
    _installed = replacement
