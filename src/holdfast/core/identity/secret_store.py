"""Secrets by name, in the keyring where there is one, else in a 0600 file."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

from holdfast.core.domain.errors import InvalidError, UnavailableError
from holdfast.core.identity.key_file import KeyFile
from holdfast.core.identity.keyrings import Keyring

_log = logging.getLogger(__name__)

Kept = Literal["keyring", "file"]


class SharedKeyring:
    """The keyring of all stores: looked for at first use, and given up when it does not answer."""

    def __init__(self, keyring: Keyring | Callable[[], Keyring | None] | None) -> None:
        self._keyring = keyring

    def find(self) -> Keyring | None:
        """Returns the keyring; None when there is none that answers."""
        if callable(self._keyring):
            self._keyring = self._keyring()
        return self._keyring

    def give_up(self) -> None:
        """Asks it no more in this process."""
        self._keyring = None


class SecretStore:
    """Secrets of one kind. Methods may block on the keyring: call them from a thread."""

    def __init__(
        self, file: KeyFile, service: str, keyring: SharedKeyring, seen: Callable[[str], None]
    ) -> None:
        """`service` tells its secrets from others' in the keyring; `seen` is told each secret."""
        self._file = file
        self._service = service
        self._keyring = keyring
        self._seen = seen

    def get(self, name: str) -> str | None:
        """Returns a secret, or None. Raises `ForbiddenError`, `InvalidError` for a bad file."""
        found = self.find(name)
        return found[0] if found else None

    def find(self, name: str) -> tuple[str, Kept] | None:
        """Returns a secret and where it is. Raises what `get` raises."""
        in_keyring = self.in_keyring(name)
        secret = in_keyring or self._file.read().get(name)
        if not secret:
            return None
        self._seen(secret)
        return secret, "keyring" if in_keyring else "file"

    def set(self, name: str, secret: str) -> Kept:
        """Stores a secret and returns where: the keyring if there is one, else the file.

        Raises what the file raises.
        """
        self._seen(secret)
        keyring = self._keyring.find()
        if keyring is not None:
            try:
                keyring.set(self._service, name, secret)
            except UnavailableError:
                self._keyring.give_up()
            else:
                self._file.remove(name)
                return "keyring"
        self._file.set(name, secret)
        return "file"

    def remove(self, name: str) -> None:
        """Removes a secret from keyring and file; one that is not there is no error.

        Raises `UnavailableError` when the keyring does not answer, and what the file raises.
        """
        keyring = self._keyring.find()
        if keyring is not None:
            keyring.delete(self._service, name)
        self._file.remove(name)

    def names_in_file(self) -> tuple[str, ...]:
        """Returns the names in the file. Raises what `get` raises."""
        return tuple(self._file.read())

    def in_keyring(self, name: str) -> str | None:
        keyring = self._keyring.find()
        if keyring is None:
            return None
        try:
            return keyring.get(self._service, name)
        except UnavailableError:
            self._keyring.give_up()
            return None

    def in_file(self) -> frozenset[str]:
        """Returns the secrets in the file, also in one that `get` refuses: they must not be shown either."""
        try:
            return frozenset(self._file.read(check_mode=False).values())
        except InvalidError as error:
            _log.warning("keys cannot be redacted: %s", error)
            return frozenset()
