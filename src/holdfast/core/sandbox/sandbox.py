"""How children are confined: by bubblewrap where it works, else by Landlock, else not at all.

Which of them works is not guessed: a small program is confined and tries what it must not be able to do
(`probe.py`), once, before the first child.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import threading
import weakref
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.core.config.settings import SandboxSettings
from holdfast.core.domain.confinement import Guard, Protection
from holdfast.core.domain.errors import SandboxRequired
from holdfast.core.domain.processes import ProcessResult, ProcessSpec
from holdfast.core.sandbox import bubblewrap
from holdfast.core.sandbox.probe import Trial, failure
from holdfast.core.sandbox.view import Places, View, view_of

if TYPE_CHECKING:
    from holdfast.core.sandbox.landlock import Rules

LEAST_LANDLOCK = 4
"""The first version that also keeps from truncating files (3) and from TCP (4): Linux 6.7."""
UNCONFINED = Protection(
    guard=Guard.LIMITS, mode="off", reason="Nothing confines the programs of this engine."
)
"""Where there is no `Sandbox`."""
_KEPT = 100
"""Workspaces whose temporary files are kept."""
_INSTALL = "Install bubblewrap (`apt install bubblewrap`, `dnf install bubblewrap`, `pacman -S bubblewrap`)"
_ALLOW = "Let your user make user namespaces: `bwrap --unshare-user --ro-bind / / true` must work"


@dataclass(frozen=True, slots=True)
class Launch:
    """What is really started for a child."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    confined: str = ""
    """As the warden takes it."""


Run = Callable[[ProcessSpec, Launch], Awaitable[ProcessResult]]


def plain_launch(spec: ProcessSpec) -> Launch:
    """Returns what starts the child unconfined."""
    return Launch(spec.command, spec.environment)


def _landlock_version() -> int:
    from holdfast.core.sandbox.landlock import version  # loads ctypes, which an engine's start need not

    return version()


class Sandbox:
    """Confines children as the settings say, which are asked for anew for each of them.

    `find` returns the path of bubblewrap, None where there is none; `version` that of the kernel's Landlock.
    """

    def __init__(
        self,
        settings: Callable[[], SandboxSettings],
        places: Places,
        *,
        find: Callable[[], str | None] = lambda: shutil.which("bwrap"),
        version: Callable[[], int] = _landlock_version,
    ) -> None:
        self._settings = settings
        self._places = places
        self._find = find
        self._version = version
        self._trial: Trial | None = None
        self._trying = asyncio.Lock()
        self._temporary: dict[Path, Path] = {}
        """By workspace, the one that was used last at the end."""
        self._making = threading.Lock()

    @property
    def known(self) -> Protection | None:
        """What `protection` returns; None when it takes a trial that was not made yet."""
        settings = self._settings()
        if settings.mode == "off":
            return _off()
        return None if self._trial is None else _said(self._trial, settings)

    async def protection(self, run: Run, *, anew: bool = False) -> Protection:
        """Returns what is in force; `run` starts the trials' programs."""
        settings = await asyncio.to_thread(self._settings)
        if settings.mode == "off":
            return _off()
        return _said(await self._tried(run, anew=anew), settings)

    async def launch(self, spec: ProcessSpec, run: Run) -> Launch:
        """Returns what starts the child of `spec`; `run` starts a trial's program, should there be a need.
        Raises `SandboxRequired`."""
        settings = await asyncio.to_thread(self._settings)
        if settings.mode == "off":
            return plain_launch(spec)
        trial = await self._tried(run)
        protection = _said(trial, settings)
        if protection.refuses:
            raise SandboxRequired(
                "No program is run: the setting `sandbox.mode` is `require`, and nothing confines programs "
                f"here. {protection.reason} {protection.hint}; or set `sandbox.mode` to `auto`."
            )
        return await asyncio.to_thread(self._confined, spec, settings, trial, self._places)

    async def _tried(self, run: Run, *, anew: bool = False) -> Trial:
        async with self._trying:
            if self._trial is None or anew:
                self._trial = await self._best(run)
            return self._trial

    async def _best(self, run: Run) -> Trial:
        program = await asyncio.to_thread(self._find)
        why, hint = "bubblewrap is not installed.", _INSTALL
        if program is not None:
            trial = Trial(Guard.BUBBLEWRAP, program)
            said = await self._failure(trial, run)
            if not said:
                return trial
            why, hint = f"bubblewrap ({program}) does not work: {said}.", _ALLOW
        version = await asyncio.to_thread(self._version)
        if version < LEAST_LANDLOCK:
            has = f"has version {version} of Landlock" if version else "has no Landlock"
            why = f"{why} The kernel {has}; {LEAST_LANDLOCK} is needed."
            return Trial(Guard.LIMITS, reason=why, hint=hint)
        trial = Trial(Guard.LANDLOCK, reason=why, hint=hint)
        said = await self._failure(trial, run)
        return (
            replace(trial, guard=Guard.LIMITS, reason=f"{why} Landlock does not work: {said}.")
            if said
            else trial
        )

    async def _failure(self, trial: Trial, run: Run) -> str:
        async def confined(spec: ProcessSpec, places: Places) -> ProcessResult:
            return await run(spec, self._confined(spec, SandboxSettings(), trial, places))

        return await failure(trial.guard, self._places, confined)

    def _confined(self, spec: ProcessSpec, settings: SandboxSettings, trial: Trial, places: Places) -> Launch:
        view = view_of(spec, settings, places)
        match trial.guard:
            case Guard.BUBBLEWRAP:
                command = bubblewrap.wrapped(
                    trial.program, view, spec.command, self._temporary_of(view, places), places.temporary
                )
                return Launch(command, bubblewrap.environment_of(spec.environment), "bubblewrap")
            case Guard.LANDLOCK:
                return Launch(spec.command, spec.environment, json.dumps(_rules(view, places)))
            case Guard.LIMITS:
                return plain_launch(spec)

    def _temporary_of(self, view: View, places: Places) -> Path | None:
        """Returns the folder that children of one workspace find as /tmp, one after the other: what a command
        leaves there, the next one expects. It goes with the engine. None: it gets an empty one."""
        if not view.keeps_temporary:
            return None
        with self._making:
            folder = self._temporary.pop(view.cwd, None)
            if folder is None or not folder.is_dir():
                folder = Path(tempfile.mkdtemp(prefix="holdfast-tmp-", dir=places.temporary[0]))
                weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            self._temporary[view.cwd] = folder
            if len(self._temporary) > _KEPT:
                oldest = self._temporary.pop(next(iter(self._temporary)))
                shutil.rmtree(oldest, ignore_errors=True)
        return folder


def _off() -> Protection:
    return Protection(
        guard=Guard.LIMITS,
        mode="off",
        reason="The setting `sandbox.mode` is `off`.",
        hint="`holdfast settings set sandbox.mode auto` confines programs again",
    )


def _said(trial: Trial, settings: SandboxSettings) -> Protection:
    return Protection(
        guard=trial.guard,
        mode=settings.mode,
        network="allow" if trial.guard is Guard.LIMITS else settings.network,
        reason=trial.reason,
        hint=trial.hint,
    )


def _rules(view: View, places: Places) -> Rules:
    return {
        "own": [str(path) for path in (*view.own, *view.readable)],
        "writable": [str(path) for path in view.writable],
        "allowed": [str(path) for path in (*view.allowed, *places.temporary)],
        "hidden": [str(path) for path in view.hidden],
        "network": view.network,
    }
