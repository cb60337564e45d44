"""The system's keyring: found only when it is one, and never waited for without end."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from keyring.backends import fail, null
from keyring.errors import KeyringLocked

from holdfast.core.domain.errors import UnavailableError
from holdfast.core.identity.keyrings import SystemKeyring, find_keyring, usable


class Backend:
    """A backend as the keyring package has them."""

    priority = 5.0

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, name: str) -> str | None:
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, secret: str) -> None:
        self.kept[service, name] = secret

    def delete_password(self, service: str, name: str) -> None:
        del self.kept[service, name]


class PlaintextKeyring(Backend):
    pass


class FileKeyring(Backend):
    priority = 0.5


class Locked(Backend):
    def get_password(self, service: str, name: str) -> str | None:
        raise KeyringLocked("the user said no")


class Silent(Backend):
    def __init__(self) -> None:
        super().__init__()
        self.end = threading.Event()

    def get_password(self, service: str, name: str) -> str | None:
        self.end.wait(30)
        return None


def test_a_secret_is_kept_returned_and_removed() -> None:
    ring = SystemKeyring(Backend())
    ring.set("holdfast", "openai", "key")
    assert ring.get("holdfast", "openai") == "key"
    ring.delete("holdfast", "openai")
    ring.delete("holdfast", "openai")
    assert ring.get("holdfast", "openai") is None


def test_backends_that_keep_nothing_or_keep_it_open_do_not_count() -> None:
    assert usable(Backend())
    for backend in (fail.Keyring(), null.Keyring(), PlaintextKeyring(), FileKeyring()):
        assert not usable(backend)


def test_a_locked_keyring_is_unavailable_and_says_nothing_of_the_secret() -> None:
    with pytest.raises(UnavailableError, match="KeyringLocked"):
        SystemKeyring(Locked()).get("holdfast", "openai")


def test_a_silent_keyring_is_given_up() -> None:
    backend = Silent()
    with pytest.raises(UnavailableError, match="does not answer"):
        SystemKeyring(backend, timeout_s=0.05).get("holdfast", "openai")
    backend.end.set()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the session bus is Linux's")
def test_without_a_session_bus_nothing_is_loaded() -> None:
    code = (
        "import sys\n"
        "from holdfast.core.identity.keyrings import find_keyring\n"
        "print(find_keyring({'XDG_RUNTIME_DIR': '/nonexistent'}), 'keyring' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.split() == ["None", "False"]


@pytest.mark.parametrize(
    "backend", ["keyring.backends.null.Keyring", "keyring.backends.fail.Keyring", "no.such.Backend"]
)
def test_a_backend_that_was_configured_but_is_none_counts_as_none(
    monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", backend)
    monkeypatch.setattr("keyring.core._keyring_backend", None)
    assert find_keyring({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}) is None
