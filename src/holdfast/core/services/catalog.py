"""Models and keys, as a workbench offers them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.config.settings import Settings
from holdfast.core.domain.errors import ModelNotFound, UnsupportedError
from holdfast.core.domain.identity import Credential, NewCredential, Scope
from holdfast.core.domain.models import ModelCatalog, ModelChoice, ModelInfo
from holdfast.core.domain.own_models import (
    Ability,
    AddedModel,
    Forgotten,
    ModelFile,
    ModelLookup,
    OllamaServer,
    OwnModel,
    OwnModelCheck,
    OwnModelState,
)
from holdfast.core.domain.providers import KeptKey, ProviderCheck, ProviderDesk, ProviderInfo
from holdfast.core.identity.keys import ProviderKeys
from holdfast.core.services.access import Access
from holdfast.core.services.identity import ApiKeys
from holdfast.core.services.own_models import OwnModelService


class ModelService:
    """Implements the `Models` of a workbench."""

    def __init__(
        self,
        access: Access,
        catalog: ModelCatalog,
        registry: AgentRegistry,
        settings: Callable[[Path | None], Settings],
        desk: ProviderDesk | None,
        own: OwnModelService,
    ) -> None:
        """`desk` knows the providers; None: there are none to be added. `own` has models of one's own."""
        self._access = access
        self._catalog = catalog
        self._registry = registry
        self._settings = settings
        self._desk = desk
        self._own = own

    async def own(self) -> tuple[OwnModelState, ...]:
        return await self._own.states()

    async def keep(self, model: OwnModel, key: str | None = None, private: bool | None = None) -> OwnModel:
        return await self._own.keep(model, key, private)

    async def add(self, model: OwnModel, key: str) -> AddedModel:
        return await self._own.add(model, key)

    async def check(
        self, model: OwnModel, key: str | None = None, abilities: tuple[Ability, ...] = ()
    ) -> OwnModelCheck:
        return await self._own.check(model, key, abilities)

    async def forget(self, name: str, file: bool = False, private: bool | None = None) -> Forgotten:
        return await self._own.forget(name, file, private)

    async def check_file(self, path: str) -> ModelFile:
        return await self._own.check_file(path)

    async def ollama(self, url: str | None = None) -> OllamaServer:
        return await self._own.ollama(url)

    async def look_up(self, model: str) -> ModelLookup:
        found = await self._own.look_up(model)
        if found.info is None:
            return found
        try:
            available = (await self._catalog.get(found.info.name, self._access.owner)).available
        except ModelNotFound:  # of a provider that is only known by its gateways
            available = False
        info = found.info.model_copy(update={"available": available})
        return found.model_copy(update={"info": info})

    async def providers(self) -> tuple[ProviderInfo, ...]:
        return () if self._desk is None else await self._desk.list()

    async def list(self) -> tuple[ModelInfo, ...]:
        return await self._catalog.list(self._access.owner)

    async def choose(self, agent: str, project: str | None = None, flag: str | None = None) -> ModelChoice:
        folder = self._access.folder(project)
        info = await asyncio.to_thread(self._registry.get, agent, folder, self._access.owner)
        model = info.spec.model if info.spec is not None else None
        settings = await asyncio.to_thread(self._settings, folder)
        return await self._catalog.choose(
            flag=flag,
            session=None,
            agent=model,
            settings=settings.models.default,
            owner=self._access.owner,
        )


class KeyService:
    """Implements the `Keys` of a workbench."""

    def __init__(self, keys: ProviderKeys, api_keys: ApiKeys, desk: ProviderDesk | None) -> None:
        self._keys = keys
        self._desk = desk
        self._api_keys = api_keys

    async def find(self, key: str) -> Credential:
        return await self._api_keys.find(key)

    async def create(
        self, name: str, scope: Scope = Scope.CHAT, expires_s: int | None = None, user: str | None = None
    ) -> NewCredential:
        return await self._api_keys.create(name, scope, expires_s, user)

    async def list(self) -> tuple[Credential, ...]:
        return await self._api_keys.list()

    async def revoke(self, id: str) -> Credential:
        return await self._api_keys.revoke(id)

    async def providers(self) -> dict[str, str]:
        return dict(await asyncio.to_thread(self._keys.sources))

    async def provider(self, provider: str) -> KeptKey:
        return await asyncio.to_thread(self._keys.kept, provider)

    async def set_provider(self, provider: str, key: str, over_environment: bool = False) -> str:
        return await asyncio.to_thread(
            lambda: self._keys.set(provider, key, over_environment=over_environment)
        )

    async def check_provider(
        self, provider: str, key: str | None = None, url: str | None = None
    ) -> ProviderCheck:
        return await self._providers.check(provider, key, url)

    async def set_address(self, provider: str, url: str | None = None) -> None:
        await self._providers.set_url(provider, url)

    @property
    def _providers(self) -> ProviderDesk:
        if self._desk is None:
            raise UnsupportedError("This engine asks no providers of models.", code="no_providers")
        return self._desk

    async def remove_provider(self, provider: str) -> None:
        await asyncio.to_thread(self._keys.remove, provider)
