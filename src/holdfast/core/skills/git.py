"""Skills of a git repository: fetched without running anything of it, and without checking anything out.

The clone is bare, of one commit, and packed as a zip by git itself; the zip is then read like any other.
No hook, filter, submodule, credential helper or configuration of the user's or the system's has a part in it,
and git connects to the very address that was checked.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from holdfast.core.domain.addresses import Resolver, WebAddress, checked_addresses, system_resolver
from holdfast.core.domain.errors import InvalidError, ToolError
from holdfast.core.domain.processes import Ending, ProcessRunner, ProcessSpec, Reach
from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.core.skills.limits import MAX_PACKED_BYTES

MAX_CLONE_BYTES = 64 * 2**20
"""Bytes of the largest file that git may write: everything comes in one pack."""
MAX_MEMORY_BYTES = 2 * 2**30
TIMEOUT_S = 90.0
"""Seconds for the clone, and for packing it."""
OLDEST_GIT = (2, 37)
"""The first git that can be told which address a name stands for; an older one would look it up again."""
_VERSION = re.compile(r"git version (\d+)\.(\d+)")
_PREFIX = "git+"
_BLOCK = 512
_ADVICE = (
    "Private and loopback addresses are fetched only where the settings allow it (tools.allow_private_hosts)."
)
# Limits that git inherits; the numbers are ours, and git's arguments stand apart as "$@".
_LIMITED = f'ulimit -f {MAX_CLONE_BYTES // _BLOCK}; ulimit -v {MAX_MEMORY_BYTES // 1024}; exec git "$@"'


def is_git(source: str) -> bool:
    """Says whether a source names a repository: `git+https://…`, `https://….git`, or a form of ssh."""
    return source.startswith((_PREFIX, "git@", "git://", "ssh://", "file://")) or (
        "://" in source and source.rstrip("/").endswith(".git")
    )


class GitFetcher:
    """`resolve` turns names into addresses; `protocols` are those that git may speak."""

    def __init__(
        self,
        processes: ProcessRunner,
        environment: Mapping[str, str],
        *,
        resolve: Resolver = system_resolver,
        protocols: str = "https",
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._processes = processes
        self._environment = environment
        self._resolve = resolve
        self._protocols = protocols
        self._timeout_s = timeout_s
        self._new_enough = False

    async def fetch(self, source: str, folder: str = "", *, allow_private: bool) -> bytes:
        """Returns the newest commit of a repository's main branch as a zip, or one folder of it.

        Raises `InvalidError` for an address that is not https, `ForbiddenError` for one that is not public,
        `ToolError` (`unreachable`) when git is too old, or cannot fetch it within the limits.
        """
        url = source.removeprefix(_PREFIX)
        if not url.startswith("https://"):
            raise InvalidError(
                f"{shorten(url, 200)!r} is not an https address; git is not asked for anything else.",
                code="invalid_source",
            )
        address = WebAddress.parse(url)
        ips = await checked_addresses(address, self._resolve, allow_private=allow_private, advice=_ADVICE)
        await self._check_version()
        pinned = f"http.curloptResolve={address.host}:{address.port}:{ips[0]}"
        return await self.packed(str(address), folder, ("-c", pinned))

    async def packed(self, url: str, folder: str = "", options: tuple[str, ...] = ()) -> bytes:
        """Returns the newest commit at `url`, as git takes it, or one folder of it, as a zip."""
        with tempfile.TemporaryDirectory(prefix="holdfast-skill-") as name:
            place = Path(name)
            bare, packed = place / "clone", place / "skill.zip"
            only = ("--", folder) if folder else ()
            clone = ("clone", "--bare", "--depth=1", "--single-branch", "--no-tags", "--template=", "--quiet")
            await self._git(place, *options, *clone, "--", url, str(bare), network=True)
            archive = ("archive", "--format=zip", f"--output={packed}", "HEAD", *only)
            await self._git(place, f"--git-dir={bare}", *archive)
            return await asyncio.to_thread(_read, packed)

    async def _check_version(self) -> None:
        if self._new_enough:
            return
        with tempfile.TemporaryDirectory(prefix="holdfast-skill-") as name:
            said = await self._git(Path(name), "version")
        found = _VERSION.search(said)
        if found is None or (int(found[1]), int(found[2])) < OLDEST_GIT:
            wanted = ".".join(map(str, OLDEST_GIT))
            raise ToolError(
                f"git {wanted} or newer is needed on the engine's machine; there is: "
                f"{shorten(sanitize_line(said).strip(), 100)}",
                code="unreachable",
            )
        self._new_enough = True

    async def _git(self, folder: Path, *arguments: str, network: bool = False) -> str:
        """Returns what git says."""
        result = await self._processes.run(
            ProcessSpec(
                command=("/bin/sh", "-c", _LIMITED, "git", *_SAFE, *arguments),
                cwd=folder,
                environment=self._clean(folder),
                timeout_s=self._timeout_s,
                keep_chars=4_000,
                max_output_bytes=2**20,
                reach=Reach(writable=(folder,), network=network),
            )
        )
        if result.ending is Ending.TIMED_OUT:
            raise ToolError(f"git did not end within {self._timeout_s:g} s.", code="tool_timeout")
        if result.exit_code == 127:
            raise ToolError("git is not installed on the engine's machine.", code="unreachable")
        if result.exit_code != 0:
            said = shorten(" ".join(sanitize(result.head + result.tail).split()), 400)
            raise ToolError(
                f"git cannot fetch it (at most {MAX_CLONE_BYTES // 2**20} MiB are taken): {said}",
                code="unreachable",
            )
        return result.head

    def _clean(self, folder: Path) -> dict[str, str]:
        kept = {name: self._environment[name] for name in ("PATH", "LANG") if name in self._environment}
        return {
            **kept,
            "HOME": str(folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "GIT_ALLOW_PROTOCOL": self._protocols,
            "GIT_LITERAL_PATHSPECS": "1",
        }


_SAFE = tuple(
    word
    for setting in (
        "core.hooksPath=/dev/null",
        "credential.helper=",
        "http.followRedirects=false",
        "http.proxy=",
        "submodule.recurse=false",
        "fetch.unpackLimit=1",
        "transfer.fsckObjects=true",
        "core.bigFileThreshold=1m",
        "pack.threads=1",
    )
    for word in ("-c", setting)
)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_PACKED_BYTES + 1)
