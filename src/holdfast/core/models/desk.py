"""Providers as a person adds them: one short call says whether a key works, before it is kept."""

from __future__ import annotations

import asyncio
import difflib
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import Literal, Protocol

from holdfast.core.domain.errors import (
    ModelAuthError,
    ModelError,
    ModelRateLimited,
    ModelRequestRefused,
    ModelStreamCut,
    ModelUnavailable,
    NotFoundError,
    UnsupportedError,
)
from holdfast.core.domain.messages import Message, TextPart
from holdfast.core.domain.models import ModelDelta, ModelRequest, ModelSettings
from holdfast.core.domain.providers import ProviderCheck, ProviderInfo
from holdfast.core.models.credentials import Addresses, Keys
from holdfast.core.models.prices import facts_table
from holdfast.core.models.providers import OLLAMA, PROVIDERS, Provider
from holdfast.core.models.served import checked_url, quietly, served_models

CHECK_S = 45.0
"""Longest time of a check: the model worker may have to start for it."""
LIST_S = 5.0
"""Longest wait for a server of one's own, when a person asks for it."""
PROBE_S = 0.3
"""Longest wait for one when the list of providers is read: it may not run."""
ENOUGH = 16
"""Tokens of the reply that is asked for; some providers take no smaller number."""
_ABOUT_THE_KEY = re.compile(r"api.?key|credential|unauthori[sz]ed|authenticat", re.IGNORECASE)

State = Literal["right", "refused", "unreachable", "untested"]


class KeyedClient(Protocol):
    """A client that makes one call with a key that is kept nowhere yet."""

    def stream_with(self, request: ModelRequest, key: str | None) -> AsyncIterator[ModelDelta]: ...


class Providers:
    """Implements `ProviderDesk`."""

    def __init__(
        self,
        client: KeyedClient,
        keys: Keys,
        sources: Callable[[], Mapping[str, str]],
        addresses: Addresses,
        keep_url: Callable[[str, str | None], None],
        seen: Callable[[str], None],
    ) -> None:
        """`sources` says where each key comes from; `seen` is told a key that must be shown nowhere."""
        self._client = client
        self._keys = keys
        self._sources = sources
        self._addresses = addresses
        self._keep_url = keep_url
        self._seen = seen

    async def list(self) -> tuple[ProviderInfo, ...]:
        """Returns the providers that can be added, in the order in which their keys are looked for."""
        sources = await asyncio.to_thread(self._sources)
        known = [each for each in PROVIDERS.values() if each.name != "ollama_chat"]
        served = await asyncio.gather(*(asyncio.to_thread(self._served, each) for each in known))
        return tuple(self._info(one, sources, names) for one, names in zip(known, served, strict=True))

    def _served(self, provider: Provider) -> tuple[str, ...]:
        url = self._addresses.of(provider.name)
        if not provider.own_server or url is None:
            return ()
        ollama = provider.name in OLLAMA
        key = None if ollama else self._keys(provider.name)
        return quietly(url, key, ollama=ollama, timeout_s=PROBE_S)

    def _info(self, one: Provider, sources: Mapping[str, str], served: tuple[str, ...]) -> ProviderInfo:
        return ProviderInfo.model_validate(
            {
                "name": one.name,
                "title": one.title,
                "needs_key": one.needs_key,
                "takes_url": one.own_server,
                "key_from": sources.get(one.name, ""),
                "variable": one.key_variables[0] if one.key_variables else "",
                "key_page": one.key_page,
                "url": self._addresses.of(one.name) or "",
                "model": one.default_model or "",
                "served": served,
            }
        )

    async def check(self, provider: str, key: str | None, url: str | None) -> ProviderCheck:
        """Asks a provider once, with `key` and `url` or those that are known. Keeps nothing."""
        known = _provider(provider)
        if url:
            _check_movable(known)
        base = checked_url(url) if url else self._addresses.of(known.name)
        if key is None:
            key = await asyncio.to_thread(self._keys, known.name)
        else:
            key = key.strip()
            self._seen(key)
        began = time.perf_counter()
        if known.own_server:
            found = await self._ask_server(known, key, base)
        elif known.needs_key and not key:
            found = _said(known, "refused", f"There is no key for {known.title} yet.")
        else:
            found = await self._ask_model(known, key, base)
        took = round((time.perf_counter() - began) * 1000, 1)
        return found.model_copy(update={"took_ms": took, "url": base or ""})

    async def _ask_server(self, known: Provider, key: str | None, base: str | None) -> ProviderCheck:
        """Lists the models: a reply could take a minute, while the server loads a model."""
        if base is None:
            return _said(known, "unreachable", "Say the address of the server, such as http://HOST:8000/v1.")
        ollama = known.name in OLLAMA
        try:
            models = await asyncio.to_thread(
                lambda: served_models(base, None if ollama else key, ollama=ollama, timeout_s=LIST_S)
            )
        except ModelAuthError as error:
            return _said(known, "refused", error.message)
        except ModelError as error:
            return _said(known, "unreachable", error.message)
        if not models:
            hint = " `ollama pull NAME` gets one." if ollama else ""
            return _said(known, "right", f"{known.title} answers at {base}, but has no model.{hint}")
        count = "1 model" if len(models) == 1 else f"{len(models)} models"
        return _said(known, "right", f"{known.title} answers at {base} with {count}.", models[0], models)

    async def _ask_model(self, known: Provider, key: str | None, base: str | None) -> ProviderCheck:
        model = known.default_model or await asyncio.to_thread(_cheapest, known.name)
        if model is None:
            words = f"No model of {known.title} is there for every account, so the key was not tested."
            return _said(known, "untested", words)
        request = ModelRequest(
            model=model,
            messages=(Message(role="user", parts=(TextPart(text="Reply with OK."),)),),
            settings=ModelSettings(max_output_tokens=ENOUGH, api_base=base),
        )
        try:
            async with asyncio.timeout(CHECK_S):
                async with aclosing(self._client.stream_with(request, key)) as deltas:  # type: ignore[type-var]
                    async for _ in deltas:
                        break
        except TimeoutError:
            return _said(known, "unreachable", f"{known.title} did not answer in time.", model)
        except ModelError as error:
            return _failed(known, model, error)
        return _said(known, "right", f"{known.title} takes the key; {model} answered.", model)

    async def set_url(self, provider: str, url: str | None) -> None:
        """Keeps a provider's address; None: forgets it."""
        known = _provider(provider)
        _check_movable(known)
        await asyncio.to_thread(self._keep_url, known.name, checked_url(url) if url else None)


def _provider(name: str) -> Provider:
    known = PROVIDERS.get("ollama" if name == "ollama_chat" else name)
    if known is None:
        near = difflib.get_close_matches(name, PROVIDERS, 2)
        hint = f" Did you mean {' or '.join(near)}?" if near else " `custom` is any server with OpenAI's API."
        raise NotFoundError(f"No provider is called {name!r}.{hint}", code="provider_not_found")
    return known


def _check_movable(known: Provider) -> None:
    """Raises `UnsupportedError` for a provider that has one address: its key is to be sent nowhere else."""
    if not known.own_server and not known.base_variables:
        raise UnsupportedError(f"{known.title} is at its maker's address only.", code="fixed_address")


def _cheapest(provider: str) -> str | None:
    """Returns the model of a provider that costs least to ask."""
    priced = [
        (each.input_usd_per_million, each.name)
        for each in facts_table().values()
        if each.provider == provider and each.tools and each.input_usd_per_million
    ]
    return min(priced)[1] if priced else None


def _failed(known: Provider, model: str, error: ModelError) -> ProviderCheck:
    """Returns what an error says of the key: who limits or refuses a request has taken it."""
    if isinstance(error, ModelAuthError) or (
        isinstance(error, ModelRequestRefused) and _ABOUT_THE_KEY.search(error.message)
    ):  # a few say 400 to a key that they do not know
        page = f" Keys are made at {known.key_page}." if known.key_page else ""
        return _said(known, "refused", f"{known.title} refuses this key.{page}", model)
    if isinstance(error, ModelRateLimited):
        words = f"{known.title} takes the key, but no more requests at the moment: {error.message}"
        return _said(known, "right", words, model)
    if isinstance(error, ModelUnavailable | ModelStreamCut):
        return _said(known, "unreachable", error.message, model)
    return _said(known, "right", f"{known.title} takes the key. {error.message}", model)


def _said(
    known: Provider, state: State, message: str, model: str = "", models: tuple[str, ...] = ()
) -> ProviderCheck:
    return ProviderCheck(provider=known.name, state=state, message=message, model=model, models=models)
