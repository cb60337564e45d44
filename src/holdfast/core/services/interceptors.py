"""What all principals of one engine share of hooks: files, what signs, what decides, and those of a run."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from holdfast.core.config.paths import Paths
from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.hooks import HANDED_DOWN, HookPlace, HookSpec
from holdfast.core.domain.identity import LOCAL, Role
from holdfast.core.domain.processes import ProcessRunner
from holdfast.core.hooks.decider import Decider
from holdfast.core.hooks.expressions import Expressions
from holdfast.core.hooks.hooks_file import HooksFile
from holdfast.core.hooks.ids import apart
from holdfast.core.hooks.python_hook import PythonHooks
from holdfast.core.hooks.rules import RuleHooks
from holdfast.core.hooks.webhook_hook import WebhookHooks
from holdfast.core.identity.secret_store import SecretStore
from holdfast.core.runs.emitter import Emitter
from holdfast.core.runs.interception import RunHooks
from holdfast.core.runs.timer import WorkTimer
from holdfast.core.store.accounts import Accounts

logger = logging.getLogger(__name__)

_PREFIX = "hfh_"


class Interceptors:
    """The hooks of all users."""

    def __init__(
        self,
        paths: Paths,
        accounts: Accounts,
        keys: SecretStore,
        processes: ProcessRunner,
        environment: Mapping[str, str],
        allow_private: Callable[[], bool],
    ) -> None:
        """`allow_private` says whether hooks reach addresses that are not public."""
        self._paths = paths
        self._accounts = accounts
        self._keys = keys
        self._files: dict[str, HooksFile] = {}
        self._making = asyncio.Lock()
        self.decider = Decider(
            RuleHooks(Expressions(processes, environment)),
            WebhookHooks(self.secret, allow_private),
            PythonHooks(processes, environment),
        )

    def file(self, owner: str) -> HooksFile:
        """Returns the file with a user's hooks; one object each, for it has a lock."""
        if owner not in self._files:
            self._files[owner] = HooksFile(self._paths.user_hooks(owner))
        return self._files[owner]

    async def of(self, owner: str) -> tuple[HookSpec, ...]:
        """Returns a user's hooks. Raises `InvalidError` for a file with a mistake."""
        return await asyncio.to_thread(self.file(owner).read)

    async def run(
        self,
        owner: str,
        spec: AgentSpec,
        folder: Path,
        emitter: Emitter,
        timer: WorkTimer,
        *,
        above: RunHooks | None = None,
    ) -> RunHooks:
        """Returns the hooks of a run of the agent: its owner's, the agent's, and for a sub-agent those that
        the run `above` hands down. Raises `InvalidError`: where the file has a mistake nothing runs, for what
        it was to keep back is not known."""
        own = await self.of(owner)
        theirs = apart(own, (*(above.handed_down if above else ()), *spec.hooks))
        handed_down = tuple(hook for hook in theirs if hook.point in HANDED_DOWN)
        hooks = in_order(own, theirs)
        place = await self.place(owner, folder)
        return RunHooks(hooks, self.decider, place, spec, emitter, timer, handed_down)

    async def place(self, owner: str, folder: Path) -> HookPlace:
        """Returns for whom hooks decide in a folder."""
        user = await self._accounts.user(owner)
        admin = owner == LOCAL or (user is not None and user.role is Role.ADMIN)
        return HookPlace(owner, folder, programs=admin)

    async def secret(self, owner: str, *, renew: bool = False) -> str:
        """Returns what signs the requests of a user's hooks; made when it is first needed. Raises what a
        `SecretStore` raises."""
        async with self._making:
            found = None if renew else await asyncio.to_thread(self._keys.get, _kept_as(owner))
            if found is None:
                found = _PREFIX + secrets.token_urlsafe(32)
                await asyncio.to_thread(self._keys.set, _kept_as(owner), found)
        return found

    async def forget_user(self, owner: str) -> None:
        """Removes what signs for a user who is gone; his file goes with his folder."""
        self._files.pop(owner, None)
        try:
            await asyncio.to_thread(self._keys.remove, _kept_as(owner))
        except (HoldfastError, OSError) as error:
            logger.warning("what signs for the hooks of %s is still kept: %s", owner, error)


def in_order(own: tuple[HookSpec, ...], agents: tuple[HookSpec, ...]) -> list[HookSpec]:
    """Returns hooks in the order in which they act."""
    return sorted((*own, *agents), key=lambda hook: hook.order)


def _kept_as(owner: str) -> str:
    return f"hooks.{owner}"
