"""Keys of model providers: from the environment, the keyring, or a 0600 file, in that order."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Literal
from urllib.parse import unquote

from holdfast.core.config.paths import Paths
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.providers import KeptKey
from holdfast.core.identity.key_file import KeyFile
from holdfast.core.identity.keyrings import Keyring, find_keyring
from holdfast.core.identity.secret_store import SecretStore, SharedKeyring

Source = Literal["environment", "keyring", "file"]

_PROVIDER = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_LONGEST_KEY = 8_192
_HEADERS_VARIABLE = re.compile(r"OTEL_EXPORTER_OTLP_([A-Z]+_)?HEADERS")
_SECRET_HEADER = re.compile(r"auth|key|token|secret|pass", re.IGNORECASE)
_SECRET_VARIABLE = re.compile(
    r"(^|_)(API_?KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY|TOKEN|SECRET|PASSWORD|PASSWD)$", re.IGNORECASE
)


class ProviderKeys:
    """Finds, stores and removes keys. Methods may block on the keyring: call them from a thread."""

    def __init__(
        self,
        paths: Paths,
        environ: Mapping[str, str],
        variables: Mapping[str, tuple[str, ...]],
        keyring: Keyring | Callable[[], Keyring | None] | None = None,
    ) -> None:
        """`variables` names the environment variables of each known provider, the first that is set counts.

        `keyring` is a keyring, or a function that finds one at first use (see `system_keyring`); None:
        there is none.
        """
        self._environ = environ
        self._variables = variables
        self._seen: frozenset[str] = frozenset()
        self._stored_first: frozenset[str] = frozenset()
        """Providers whose stored key was set to count before the environment's."""
        self._lock = threading.Lock()
        self._loaded = False
        # A keyring is shared by all homes of a user; each home has keys of its own in it.
        service, shared = f"holdfast {paths.config}", SharedKeyring(keyring)
        self._stored = SecretStore(KeyFile(paths.keys), service, shared, self._see)
        self.webhooks = SecretStore(
            KeyFile(paths.webhook_secrets, "Secrets of webhooks"), f"{service} webhooks", shared, self._see
        )
        """Secrets of webhooks, by the webhook's id: in the same places, and redacted as well."""
        self.tools = SecretStore(
            KeyFile(paths.tool_secrets, "Secrets of tools"), f"{service} tools", shared, self._see
        )
        """Secrets of users' own tools, kept and redacted alike."""
        self.mcp = SecretStore(
            KeyFile(paths.mcp_secrets, "Secrets of MCP servers"), f"{service} mcp", shared, self._see
        )
        """Secrets of MCP servers, by user, server and name."""

        self.models = SecretStore(
            KeyFile(paths.model_secrets, "Keys of models of one's own"),
            f"{service} models",
            shared,
            self._see,
        )
        """Keys of models of one's own, by the model's id: kept and redacted alike."""

    def get(self, provider: str) -> str | None:
        """Returns the key of a provider, or None. Raises `ForbiddenError`, `InvalidError` for a bad file."""
        found = self._find(provider)
        return found[0] if found else None

    def set(self, provider: str, key: str, *, over_environment: bool = False) -> Source:
        """Stores a key and returns where: the keyring if there is one, else the file. With `over_environment`
        this process asks the environment no more for this provider.

        Raises `InvalidError` for what can be no name or key, and what the file raises.
        """
        if not _PROVIDER.fullmatch(provider):
            raise InvalidError(f"{provider!r} cannot be a provider's name", code="invalid_provider")
        key = key.strip()
        if not key:
            raise InvalidError("the key is empty", code="invalid_key")
        if len(key) > _LONGEST_KEY:
            raise InvalidError(f"a key has at most {_LONGEST_KEY} characters", code="invalid_key")
        if not key.isprintable() or " " in key:
            raise InvalidError("a key has no spaces and no control characters", code="invalid_key")
        stored = self._stored.set(provider, key)
        if over_environment:
            with self._lock:
                self._stored_first |= {provider}
        return stored

    def remove(self, provider: str) -> None:
        """Removes a provider's key from keyring and file; the environment is left alone.

        Raises `UnavailableError` when the keyring does not answer, and what the file raises.
        """
        self._stored.remove(provider)
        with self._lock:
            self._stored_first -= {provider}

    def kept(self, provider: str) -> KeptKey:
        """Returns where the key of a provider comes from, and what may be shown of it. Raises as `get`."""
        found = self._find(provider)
        variables = self._variables.get(provider, ())
        return KeptKey(
            provider=provider,
            source=found[1] if found else "",
            shown=masked(found[0]) if found else "",
            variable=variables[0] if variables else "",
        )

    def sources(self) -> dict[str, Source]:
        """Returns where the key of each provider that has one comes from."""
        names = sorted({*self._variables, *self._stored.names_in_file()})
        return {name: found[1] for name in names if (found := self._find(name)) is not None}

    def secrets(self) -> frozenset[str]:
        """Returns every secret that this process knows of, for redaction: keys that were removed too.

        The first call reads all keys and may wait for the keyring; later ones cost nothing. A file that
        `get` refuses is read all the same: its keys must not be shown either.
        """
        if not self._loaded:
            self._loaded = True
            self._remember(secret_values(self._environ))
            self._remember(self._stored.in_file() | self.webhooks.in_file() | self.tools.in_file())
            self._remember(self.mcp.in_file() | self.models.in_file())
            for provider in self._variables:
                known = {self._from_environment(provider), self._stored.in_keyring(provider)}
                self._remember(known - {None})
        return self._seen

    def see(self, secret: str) -> None:
        """Notes a secret that is kept nowhere yet, so that it is redacted all the same."""
        if secret:
            self._see(secret)

    def _see(self, secret: str) -> None:
        self._remember({secret})

    def _remember(self, secrets: Collection[str | None]) -> None:
        with self._lock:
            if new := {secret for secret in secrets if secret} - self._seen:
                self._seen |= new

    def _find(self, provider: str) -> tuple[str, Source] | None:
        key = None if provider in self._stored_first else self._from_environment(provider)
        if key is None:
            return self._stored.find(provider)
        self._see(key)
        return key, "environment"

    def _from_environment(self, provider: str) -> str | None:
        values = (self._environ.get(name, "").strip() for name in self._variables.get(provider, ()))
        return next((value for value in values if value), None)


def masked(key: str) -> str:
    """Returns what may be shown of a key, so that its owner knows it again: of one so short that this would
    be all of it, nothing."""
    if len(key) <= 8:
        return "..."
    return f"{key[: 4 if len(key) < 12 else 7]}...{key[-4:]}"


def system_keyring(environ: Mapping[str, str]) -> Callable[[], Keyring | None]:
    """Returns a function that finds the operating system's keyring when a key is first asked for."""
    return lambda: find_keyring(environ)


def secret_values(environ: Mapping[str, str]) -> frozenset[str]:
    """Returns the values of the variables that are named like secrets, and of the headers that go with
    traces; a path is none."""
    named = frozenset(
        value.strip()
        for name, value in environ.items()
        if _SECRET_VARIABLE.search(name) and not value.startswith("/")
    )
    return named | {
        secret
        for name, value in environ.items()
        if _HEADERS_VARIABLE.fullmatch(name)
        for secret in _in_headers(value)
    }


def _in_headers(text: str) -> set[str]:
    """Returns the values in `NAME=VALUE,NAME=VALUE` whose names are those of keys, as they stand and as they
    are sent, and without a scheme such as `Bearer`."""
    pairs = (each.partition("=") for each in text.split(","))
    values = {value.strip() for name, _, value in pairs if _SECRET_HEADER.search(name)}
    plain = values | {unquote(value) for value in values}
    return plain | {value.rpartition(" ")[2] for value in plain}
