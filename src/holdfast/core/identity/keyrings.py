"""The operating system's keyring, when there is one that can be trusted and that answers."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from holdfast.core.domain.errors import UnavailableError

FIND_S = 3.0
"""Seconds that a keyring may take to be found."""
ANSWER_S = 60.0
"""Seconds that it may take to answer: a person may have to type a password."""

Result = TypeVar("Result")


class Keyring(Protocol):
    """What is needed of a keyring."""

    def get(self, service: str, name: str) -> str | None: ...

    def set(self, service: str, name: str, secret: str) -> None: ...

    def delete(self, service: str, name: str) -> None:
        """Removes a secret; one that is not there is no error."""
        ...


def find_keyring(environ: Mapping[str, str]) -> Keyring | None:
    """Returns the system's keyring, or None where there is none that keeps secrets encrypted.

    Never waits longer than `FIND_S`. Without a session bus, on Linux, nothing is even loaded.
    """
    if sys.platform.startswith("linux") and not _session_bus(environ):
        return None
    try:
        backend = _bounded(_usable_backend, FIND_S)
    except UnavailableError:
        return None
    return None if backend is None else SystemKeyring(backend)


class SystemKeyring:
    """A backend of the keyring package. Every method raises `UnavailableError` when it does not answer."""

    def __init__(self, backend: Any, timeout_s: float = ANSWER_S) -> None:
        self._backend = backend
        self._timeout_s = timeout_s

    def get(self, service: str, name: str) -> str | None:
        found: str | None = _bounded(lambda: self._backend.get_password(service, name), self._timeout_s)
        return found

    def set(self, service: str, name: str, secret: str) -> None:
        _bounded(lambda: self._backend.set_password(service, name, secret), self._timeout_s)

    def delete(self, service: str, name: str) -> None:
        if self.get(service, name) is not None:
            _bounded(lambda: self._backend.delete_password(service, name), self._timeout_s)


def usable(backend: Any) -> bool:
    """Says whether a backend of the keyring package keeps secrets: not fail, null or a plain file."""
    name = f"{type(backend).__module__}.{type(backend).__name__}".lower()
    # The package itself recommends backends from priority 1 on; files of keyrings.alt are below.
    return backend.priority >= 1 and not any(word in name for word in ("fail", "null", "plaintext"))


def _usable_backend() -> Any:
    import keyring  # slow to load, and not needed where keys come from the environment

    backend = keyring.get_keyring()
    chained = getattr(backend, "backends", None)
    candidates = list(chained) if chained is not None else [backend]
    return next((one for one in candidates if usable(one)), None)


def _session_bus(environ: Mapping[str, str]) -> bool:
    if environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return True
    runtime = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return (Path(runtime) / "bus").exists()


def _bounded(action: Callable[[], Result], timeout_s: float) -> Result:
    """Returns what `action` gives. Raises `UnavailableError` when it fails or does not end in time.

    A daemon thread, because a call into the bus cannot be cancelled and must not hold up the exit.
    """
    results: list[Result] = []
    errors: list[BaseException] = []
    done = threading.Event()

    def work() -> None:
        try:
            results.append(action())
        except _failures() as error:
            errors.append(error)
        finally:
            done.set()

    threading.Thread(target=work, name="keyring", daemon=True).start()
    if not done.wait(timeout_s):
        raise UnavailableError("the keyring does not answer", code="keyring_unavailable")
    if not results:
        cause = errors[0] if errors else None
        kind = f" ({type(cause).__name__})" if cause else ""
        raise UnavailableError(f"the keyring failed{kind}", code="keyring_unavailable") from cause
    return results[0]


def _failures() -> tuple[type[BaseException], ...]:
    """Returns what backends raise when their system fails; asked for only once something was raised."""
    import keyring.errors

    known: list[type[BaseException]] = [keyring.errors.KeyringError, OSError, RuntimeError, ImportError]
    for module, name in (("secretstorage", "SecretStorageException"), ("jeepney", "DBusErrorResponse")):
        if module in sys.modules:
            known.append(getattr(sys.modules[module], name))
    return tuple(known)
