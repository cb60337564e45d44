"""The catalogue: which models there are, what is known of them, and which one a session uses."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from holdfast.core.config.settings import ModelsSettings
from holdfast.core.domain.errors import ModelNotFound
from holdfast.core.domain.models import ModelChoice, ModelInfo
from holdfast.core.models.credentials import Keys, qualify
from holdfast.core.models.prices import Facts, facts, facts_table
from holdfast.core.models.providers import OFFLINE, PROVIDERS, SCRIPTED, environment_key, key_hint

PROBE_S = 0.3
"""Longest wait in seconds for an Ollama that may not run."""
PROBE_KEPT_S = 15.0
"""Seconds for which the answer of the probe is used again."""

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
    ) -> None:
        """`keys` returns a provider's key from wherever it is kept, the environment included."""
        self._keys = keys
        self._settings = settings
        self._environment = environment
        self._scripted = scripted
        self._ollama: tuple[float, tuple[str, ...]] | None = None
        self._probing = asyncio.Lock()

    async def list(self) -> tuple[ModelInfo, ...]:
        """Returns `offline`, the models of a running Ollama, and all known ones, usable providers first."""
        local = [_ollama_info(name) for name in await self._ollama_models()]
        table = await asyncio.to_thread(facts_table)
        available = await asyncio.to_thread(lambda: {name: self._available(name) for name in PROVIDERS})
        known = [
            _info(f, available[f.provider]) for f in table.values() if not f.provider.startswith("ollama")
        ]
        order = {name: at for at, name in enumerate(PROVIDERS)}
        known.sort(key=lambda m: (not m.available, order[m.provider], m.name))
        return (_OFFLINE_INFO, *local, *known)

    async def get(self, model: str) -> ModelInfo:
        """Returns what is known of a model; of one that the table does not have, only its provider.

        Raises `ModelNotFound`, with the nearest names, when its provider is not known.
        """
        if model == OFFLINE:
            return _OFFLINE_INFO
        if model.startswith(f"{SCRIPTED}/"):
            return self._scripted_info(model)
        provider, name = await asyncio.to_thread(qualify, model)
        if provider == "ollama_chat":
            return _ollama_info(name.removeprefix("ollama_chat/"))
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
        self, *, flag: str | None, session: str | None, agent: str | None, settings: str | None
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
                await self.get(named)
                return ModelChoice.model_validate({"model": named, "source": source})
        by_key = await asyncio.to_thread(self._by_key)
        if by_key is not None:
            return by_key
        running = await self._ollama_models()
        if running:
            hint = f"Chosen because Ollama runs at {self._settings.ollama_url}; {_CHANGE}"
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

    async def _ollama_models(self) -> tuple[str, ...]:
        async with self._probing:
            now = time.monotonic()
            if self._ollama is None or now - self._ollama[0] > PROBE_KEPT_S:
                found = await asyncio.to_thread(probe_ollama, self._settings.ollama_url)
                self._ollama = (now, found)
            return self._ollama[1]


def probe_ollama(url: str) -> tuple[str, ...]:
    """Returns the models that the Ollama at `url` has, latest first; empty when none answers in time.

    With the standard library's client: importing a larger one would cost more than the whole probe.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=PROBE_S)
        try:
            connection.request("GET", f"{parts.path.rstrip('/')}/api/tags")
            answer = connection.getresponse()
            body = json.loads(answer.read()) if answer.status == 200 else {}
        finally:
            connection.close()
        return tuple(str(m["name"]) for m in body.get("models", ()))
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, AttributeError):
        return ()  # nothing there, or something else than an Ollama


def _info(found: Facts, available: bool) -> ModelInfo:
    return ModelInfo(
        name=found.name,
        provider=found.provider,
        context_window=found.context_window,
        max_output_tokens=found.max_output_tokens,
        input_usd_per_million=found.input_usd_per_million,
        output_usd_per_million=found.output_usd_per_million,
        takes_images=found.images,
        takes_pdf=found.pdf,
        takes_tools=found.tools,
        available=available,
        note="" if available else f"no key: {key_hint(found.provider)}",
    )


def _ollama_info(name: str) -> ModelInfo:
    return ModelInfo(
        name=f"ollama_chat/{name}",
        provider="ollama_chat",
        input_usd_per_million=0.0,
        output_usd_per_million=0.0,
        takes_images=True,
        note="on this machine, through Ollama",
    )


_OFFLINE_INFO = ModelInfo(
    name=OFFLINE,
    provider=OFFLINE,
    input_usd_per_million=0.0,
    output_usd_per_million=0.0,
    note="no language model: follows explicit requests and quotes files, without key and network",
)
