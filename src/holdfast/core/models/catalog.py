"""The catalogue: which models there are, what is known of them, and which one a session uses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from holdfast.core.config.settings import ModelsSettings
from holdfast.core.domain.errors import ModelNotFound
from holdfast.core.domain.models import ModelChoice, ModelInfo
from holdfast.core.domain.own_models import LOCAL, OWN
from holdfast.core.models.credentials import Addresses, Keys, qualify
from holdfast.core.models.own import OwnModels, info_of
from holdfast.core.models.prices import Facts, facts, facts_table
from holdfast.core.models.providers import (
    CUSTOM,
    OFFLINE,
    OLLAMA,
    PROVIDERS,
    SCRIPTED,
    environment_key,
    key_hint,
)
from holdfast.core.models.served import quietly

PROBE_S = 0.3
"""Longest wait in seconds for a server that may not run."""
PROBE_KEPT_S = 15.0
"""Seconds for which the answer of the probe is used again."""

_SERVERS = tuple(name for name, each in PROVIDERS.items() if each.own_server and name not in OLLAMA)

_CHANGE = (
    "change it with --model, with `model:` in the agent's file, or with `models.default` in the settings"
)
_ADD = (
    "No model is configured, so this is `offline`, which is no language model: "
    "run `holdfast keys provider set openai`, or start Ollama"
)


class Catalog:
    """Implements `ModelCatalog` over LiteLLM's table of models, the keys, and a running Ollama."""

    def __init__(
        self,
        keys: Keys,
        settings: ModelsSettings,
        environment: Mapping[str, str],
        *,
        scripted: bool = False,
        addresses: Addresses | None = None,
        own: OwnModels | None = None,
    ) -> None:
        """`keys` returns a provider's key from wherever it is kept, the environment included; `addresses`
        says where servers of one's own are; `own` knows models of one's own."""
        self._keys = keys
        self._settings = settings
        self._environment = environment
        self._scripted = scripted
        self._addresses = addresses or Addresses(settings.ollama_url, environment=environment)
        self._own = own
        self._seen: dict[str, tuple[float, str, tuple[str, ...]]] = {}
        """What the servers of one's own had, when they were asked last, and at which address."""
        self._probing = asyncio.Lock()

    async def list(self, owner: str = "") -> tuple[ModelInfo, ...]:
        """Returns `offline`, the models of servers of one's own, and all known ones, usable ones first."""
        own = await asyncio.to_thread(self._own.infos, owner) if self._own is not None else ()
        local = [_ollama_info(name) for name in await self._served("ollama")]
        for provider in _SERVERS:
            local += [_served_info(provider, name) for name in await self._served(provider)]
        table = await asyncio.to_thread(facts_table)
        available = await asyncio.to_thread(lambda: {name: self._available(name) for name in PROVIDERS})
        known = [
            _info(f, available[f.provider]) for f in table.values() if not f.provider.startswith("ollama")
        ]
        order = {name: at for at, name in enumerate(PROVIDERS)}
        known.sort(key=lambda m: (not m.available, order[m.provider], m.name))
        return (_OFFLINE_INFO, *own, *local, *known)

    async def get(self, model: str, owner: str = "") -> ModelInfo:
        """Returns what is known of a model; of one that the table does not have, only its provider.

        Raises `ModelNotFound`, with the nearest names, when its provider is not known.
        """
        if model == OFFLINE:
            return _OFFLINE_INFO
        if model.startswith(f"{SCRIPTED}/"):
            return self._scripted_info(model)
        if self._own is not None and model.startswith((f"{OWN}/", f"{LOCAL}/")):
            return await asyncio.to_thread(self._own.info_called, model, owner)
        provider, name = await asyncio.to_thread(qualify, model)
        if provider == "ollama_chat":
            return _ollama_info(name.removeprefix("ollama_chat/"))
        if provider == CUSTOM:
            known = self._addresses.of(CUSTOM) is not None
            return _served_info(CUSTOM, name.removeprefix(f"{CUSTOM}/"), available=known)
        found = await asyncio.to_thread(facts, name)
        available = await asyncio.to_thread(self._available, provider)
        if found is not None:
            return _info(found, available).model_copy(update={"name": model})
        return ModelInfo(
            name=model,
            provider=provider,
            takes_images=True,
            takes_pdf=True,
            available=available,
            note="not in the table of models: window and price are not known",
        )

    async def choose(
        self,
        *,
        flag: str | None,
        session: str | None,
        agent: str | None,
        settings: str | None,
        owner: str = "",
    ) -> ModelChoice:
        """Returns the first that is given of: flag, session, agent, settings, a key, Ollama, `offline`.

        Raises `ModelNotFound` when the one that was named has no known provider.
        """
        for source, named in (
            ("flag", flag),
            ("session", session),
            ("agent", agent),
            ("settings", settings),
        ):
            if named:
                await self.get(named, owner)
                return ModelChoice.model_validate({"model": named, "source": source})
        by_key = await asyncio.to_thread(self._by_key)
        if by_key is not None:
            return by_key
        for provider in _SERVERS:
            if served := await self._served(provider):
                hint = f"Chosen because {PROVIDERS[provider].title} is at {self._addresses.of(provider)}; "
                model = f"{provider}/{served[0]}"
                return ModelChoice(model=model, source="environment", hint=f"{hint}{_CHANGE}")
        running = await self._served("ollama")
        if running:
            hint = f"Chosen because Ollama runs at {self._addresses.of('ollama')}; {_CHANGE}"
            return ModelChoice(model=f"ollama_chat/{running[0]}", source="ollama", hint=hint)
        return ModelChoice(model=OFFLINE, source="default", hint=_ADD)

    def _by_key(self) -> ModelChoice | None:
        for provider in PROVIDERS.values():
            if provider.default_model and self._keys(provider.name):
                hint = f"Chosen because {self._key_origin(provider.name)}; {_CHANGE}"
                return ModelChoice(model=provider.default_model, source="environment", hint=hint)
        return None

    def _available(self, provider: str) -> bool:
        known = PROVIDERS[provider]
        return not known.needs_key or bool(self._keys(provider))

    def _key_origin(self, provider: str) -> str:
        known = PROVIDERS[provider]
        if environment_key(provider, self._environment):
            variable = next(v for v in known.key_variables if self._environment.get(v))
            return f"{variable} is set"
        return f"a key for {known.title} is kept"

    def _scripted_info(self, model: str) -> ModelInfo:
        if not self._scripted:
            raise ModelNotFound(f"{model}: scripted models are for tests", details={"model": model})
        return ModelInfo(name=model, provider=SCRIPTED, takes_images=True, takes_pdf=True, note="for tests")

    async def _served(self, provider: str) -> tuple[str, ...]:
        """Returns the models that a server of one's own has; none where it does not run."""
        url = self._addresses.of(provider)
        if url is None:
            return ()
        async with self._probing:
            at, asked, names = self._seen.get(provider, (0.0, "", ()))
            if asked != url or time.monotonic() - at > PROBE_KEPT_S:
                names = await asyncio.to_thread(self._probe, provider, url)
                self._seen[provider] = (time.monotonic(), url, names)
            return names

    def _probe(self, provider: str, url: str) -> tuple[str, ...]:
        ollama = provider in OLLAMA
        key = None if ollama else self._keys(provider)
        return quietly(url, key, ollama=ollama, timeout_s=PROBE_S)


def _info(found: Facts, available: bool) -> ModelInfo:
    note = "" if available else f"no key: {key_hint(found.provider)}"
    return info_of(found, available).model_copy(update={"note": note})


def _ollama_info(name: str) -> ModelInfo:
    return ModelInfo(
        name=f"ollama_chat/{name}",
        provider="ollama_chat",
        input_usd_per_million=0.0,
        output_usd_per_million=0.0,
        takes_images=True,
        note="on this machine, through Ollama",
    )


def _served_info(provider: str, name: str, *, available: bool = True) -> ModelInfo:
    return ModelInfo(
        name=f"{provider}/{name}",
        provider=provider,
        takes_images=True,
        available=available,
        note="on a server of your own" if available else f"no address: {key_hint(provider)}",
    )


_OFFLINE_INFO = ModelInfo(
    name=OFFLINE,
    provider=OFFLINE,
    input_usd_per_million=0.0,
    output_usd_per_million=0.0,
    note="no language model: follows explicit requests and quotes files, without key and network",
)
