"""The engine's worker processes, of models and of knowledge: what they are given, how they start and end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

STOP_S = 2.0
"""Seconds that a worker gets to end by itself."""

_KEPT = frozenset(
    {
        *("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    }
)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def worker_environment(environment: Mapping[str, str], also: Collection[str] = ()) -> dict[str, str]:
    """Returns what a worker needs of `environment`: no key, whatever its name, is among it. `also` names
    more that it needs."""
    kept = {
        name: value
        for name, value in environment.items()
        if name.upper() in _KEPT or name.upper() in also or name.startswith("LC_")
    }
    if any(name.upper().endswith("_PROXY") for name in kept):
        # Servers on this machine (Ollama, Chroma, the warm-up) are not behind a proxy.
        named = kept.get("NO_PROXY") or kept.get("no_proxy") or ""
        hosts = [host.strip() for host in named.split(",") if host.strip()]
        kept["NO_PROXY"] = kept["no_proxy"] = ",".join(dict.fromkeys([*hosts, *_LOOPBACK]))
    return kept


async def spawn(
    command: Sequence[str], environment: Mapping[str, str], log_file: Path, *, limit: int
) -> asyncio.subprocess.Process:
    """Starts a worker with pipes to its input and output; `log_file` takes what it prints otherwise, `limit`
    is its longest line in bytes. Raises `OSError`."""
    log_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    with os.fdopen(os.open(log_file, flags, 0o600), "ab") as log:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env=environment,
            cwd="/",  # no project of a stranger is the worker's folder
            limit=limit,
            start_new_session=True,  # an interrupt in the terminal is not for it
        )


async def end(process: asyncio.subprocess.Process, reading: asyncio.Task[None]) -> None:
    """Ends a worker and waits for `reading`, which reads its output; by force when it does not by itself."""
    if process.stdin is not None:
        process.stdin.close()
    done, _ = await asyncio.wait({reading}, timeout=STOP_S)
    if not done:
        process.kill()
        await reading
