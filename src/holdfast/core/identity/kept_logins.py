"""Logins to engines elsewhere, by their addresses: the secrets where keys are kept, the rest in a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from holdfast.core.config.paths import Paths
from holdfast.core.config.private import write_private
from holdfast.core.domain.errors import InvalidError
from holdfast.core.identity.key_file import KeyFile
from holdfast.core.identity.keyrings import Keyring
from holdfast.core.identity.secret_store import SecretStore, SharedKeyring


@dataclass(frozen=True, slots=True)
class KeptLogin:
    """A login without its secret."""

    url: str
    """The engine's address, which alone is shown the secret."""
    name: str
    """Of the user, as the engine says it."""
    id: str
    """By which it is ended."""
    expires_at: datetime | None = None
    ca_file: str = ""
    """Certificates to trust at this address instead of the usual ones; empty: the usual ones."""


class KeptLogins:
    """Keeps logins. Methods may block on the keyring: call them from a thread, or before there is a loop."""

    def __init__(self, paths: Paths, keyring: Keyring | Callable[[], Keyring | None] | None) -> None:
        """`keyring` is a keyring, or a function that finds one at first use; None: there is none."""
        self._path = paths.logins
        self._secrets = SecretStore(
            KeyFile(paths.login_secrets, "Logins to engines elsewhere"),
            f"holdfast {paths.config} logins",
            SharedKeyring(keyring),
            lambda secret: None,
        )

    def all(self) -> tuple[KeptLogin, ...]:
        """Returns all logins, by their addresses. Raises `InvalidError` for a damaged file."""
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ()
        try:
            found = [KeptLogin(**each) for each in json.loads(text)]
            return tuple(replace(one, expires_at=_time(one.expires_at)) for one in found)
        except (ValueError, TypeError):
            raise InvalidError(
                f"{self._path} cannot be read; remove it, and sign in again", code="invalid_logins"
            ) from None

    def get(self, url: str) -> KeptLogin | None:
        """Returns the login for an address. Raises as `all`."""
        return next((one for one in self.all() if one.url == url), None)

    def secret(self, url: str) -> str | None:
        """Returns the secret for an address. Raises what `SecretStore.get` raises."""
        return self._secrets.get(url)

    def keep(self, login: KeptLogin, secret: str) -> None:
        """Keeps a login in the place of the one that there was for its address. Raises as `all`, and
        `OSError`."""
        others = [one for one in self.all() if one.url != login.url]
        self._secrets.set(login.url, secret)
        self._write([*others, login])

    def forget(self, url: str) -> None:
        """Forgets the login for an address; that there is none is no error. Raises as `keep`."""
        self._secrets.remove(url)
        self._write([one for one in self.all() if one.url != url])

    def _write(self, logins: list[KeptLogin]) -> None:
        rows = [
            {**asdict(one), "expires_at": one.expires_at.isoformat() if one.expires_at else None}
            for one in sorted(logins, key=lambda one: one.url)
        ]
        write_private(self._path, json.dumps(rows, indent=1))


def _time(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None
