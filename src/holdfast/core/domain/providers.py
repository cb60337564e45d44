"""Providers of models as people add them: which there are, what is known of them, whether a key works."""

from __future__ import annotations

from typing import Literal, Protocol

from holdfast.core.domain.values import Value


class ProviderInfo(Value):
    """One provider of models."""

    name: str
    """As the part before the slash in a model's name."""
    title: str
    """As its maker writes it."""
    needs_key: bool
    takes_url: bool
    """Whether it is a server that somebody runs, so that its address is to be said."""
    key_from: Literal["", "environment", "keyring", "file"] = ""
    """Where its key comes from; empty: there is none."""
    variable: str = ""
    """The environment variable that its key is looked for in."""
    key_page: str = ""
    """Where its maker gives keys out."""
    url: str = ""
    """Its address, where it is not at its maker's own."""
    model: str = ""
    """The model that is used where nothing names another one."""
    served: tuple[str, ...] = ()
    """Models that a server of one's own has at this moment."""


class KeptKey(Value):
    """The key of a provider, as far as it may be shown."""

    provider: str
    source: Literal["", "environment", "keyring", "file"] = ""
    """Where it comes from; empty: there is none."""
    shown: str = ""
    """Its beginning and its end, so that its owner knows it again."""
    variable: str = ""
    """The environment variable that it is looked for in first."""


class ProviderCheck(Value):
    """What came of one short call to a provider."""

    provider: str
    state: Literal["right", "refused", "unreachable", "untested"]
    """`right`: it answered, or knows the key; `refused`: it does not take the key; `unreachable`: nothing, or
    something else, answered; `untested`: no call is cheap and sure enough."""
    message: str
    """The same in words, with what to do where that is known. Never holds the key."""
    model: str = ""
    """The model that was asked."""
    models: tuple[str, ...] = ()
    """Those that a server of one's own has."""
    url: str = ""
    """The address that was asked, where it is not the maker's own."""
    took_ms: float = 0.0


class ProviderDesk(Protocol):
    """Knows providers and asks them."""

    async def list(self) -> tuple[ProviderInfo, ...]: ...

    async def check(self, provider: str, key: str | None, url: str | None) -> ProviderCheck:
        """Raises `NotFoundError` for a provider that is not known, `InvalidError` for an address that cannot
        be one, `UnsupportedError` for one of a provider that is at its maker's address only."""
        ...

    async def set_url(self, provider: str, url: str | None) -> None:
        """Keeps a provider's address; None: forgets it. Raises as `check` for an address."""
        ...
