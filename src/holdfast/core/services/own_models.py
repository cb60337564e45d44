"""Models of one's own as a service: who may name files and addresses, and who has what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from holdfast.core.config.settings import Settings
from holdfast.core.domain.addresses import WebAddress
from holdfast.core.domain.errors import ForbiddenError, UnsupportedError
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.own_models import (
    Ability,
    AddedModel,
    Forgotten,
    ModelFile,
    ModelLookup,
    OllamaServer,
    OwnModel,
    OwnModelCheck,
    OwnModelDesk,
    OwnModelState,
)
from holdfast.core.models.own import checked_key
from holdfast.core.services.access import Access
from holdfast.core.services.model_checks import ModelChecker
from holdfast.core.tools.web import WebFetcher


class OwnModelService:
    """The part of the workbench's `Models` that is about models of one's own. What an administrator keeps is
    the engine's, as the keys of providers are: every user's runs can have it. What others keep is theirs."""

    def __init__(
        self,
        access: Access,
        desk: OwnModelDesk | None,
        web: WebFetcher,
        settings: Callable[[Path | None], Settings],
        seen: Callable[[str], None],
    ) -> None:
        """`web` looks where addresses lead, and asks servers; `seen` is told each key that comes in."""
        self._access = access
        self._kept = desk
        self._web = web
        self._settings = settings
        self._seen = seen

    async def states(self) -> tuple[OwnModelState, ...]:
        """See `Models.own`."""
        desk = self._kept
        if desk is None:
            return ()
        owners = [self._access.owner, ""] if self._access.principal.is_admin else [self._access.owner]
        return await asyncio.to_thread(
            lambda: tuple(desk.state(each) for owner in owners for each in desk.all(owner))
        )

    async def keep(self, model: OwnModel, key: str | None, private: bool | None) -> OwnModel:
        """See `Models.keep`."""
        owner = self._owner(private)
        await self._check(model)
        anywhere = self._access.principal.is_admin
        return await asyncio.to_thread(lambda: self._desk.keep(model, key, owner, anywhere=anywhere))

    async def add(self, model: OwnModel, key: str) -> AddedModel:
        """See `Models.add`."""
        await self._check(model)
        owner, anywhere = self._access.owner, self._access.principal.is_admin
        return await asyncio.to_thread(lambda: self._desk.add(model, key, owner, anywhere=anywhere))

    async def check(self, model: OwnModel, key: str | None, abilities: tuple[Ability, ...]) -> OwnModelCheck:
        """See `Models.check`."""
        if model.kind != "server":
            raise UnsupportedError(
                "Only a model on a server is asked so; `holdfast keys provider check` asks a provider.",
                code="not_checkable",
            )
        await self._check(model)
        if key is None and model.id:
            key = await asyncio.to_thread(self._key, model)
        elif key:
            key = checked_key(key)
            self._seen(key)
        checker = ModelChecker(self._web, allow_private=await self._anywhere())
        return await checker.check(model, key or "", abilities)

    async def forget(self, name: str, file: bool, private: bool | None) -> Forgotten:
        """See `Models.forget`."""
        if file:
            self._access.machine("Deleting a file of the engine's machine")
        owner = self._owner(private)
        deleted = await asyncio.to_thread(lambda: self._desk.forget(name, owner, file=file))
        return Forgotten(name=name, file_deleted=deleted)

    async def check_file(self, path: str) -> ModelFile:
        """See `Models.check_file`."""
        self._check_place(path)
        return await asyncio.to_thread(self._desk.check_file, path)

    async def ollama(self, url: str | None) -> OllamaServer:
        """See `Models.ollama`."""
        if url and not self._access.principal.scope.includes(Scope.ADMIN):
            raise ForbiddenError(
                "Asking a server at an address of your own needs a key of scope `admin`.",
                code="scope_missing",
            )
        return await asyncio.to_thread(self._desk.ollama, url)

    async def look_up(self, model: str) -> ModelLookup:
        """See `Models.look_up`."""
        return await asyncio.to_thread(self._desk.look_up, model, self._access.owner)

    def _owner(self, private: bool | None) -> str:
        """Returns whose a model is: the engine's (empty), or the user's own."""
        shared = self._access.principal.is_admin and not private
        return "" if shared else self._access.owner

    def _key(self, model: OwnModel) -> str | None:
        """Returns the kept key of a model that the user may see."""
        found = self._desk.key(model, self._access.owner)
        if found is None and self._access.principal.is_admin:
            found = self._desk.key(model)
        return found

    async def _anywhere(self) -> bool:
        """Says whether an address of the user's may be in a private network."""
        if self._access.principal.is_admin:
            return True
        return (await asyncio.to_thread(self._settings, None)).tools.allow_private_hosts

    async def _check(self, model: OwnModel) -> None:
        """Raises `ForbiddenError` for what only an administrator may keep, and for an address that leads into
        a private network; it is looked at again at every call."""
        if model.kind == "file":
            self._check_place(model.path)
        if self._access.principal.is_admin:
            return
        if model.kind == "ollama" or model.key_of:
            self._access.machine("A model of an Ollama, or with the key of a provider,")
        if model.url and not await self._anywhere():
            await self._web.check(WebAddress.parse(model.url), allow_private=False)

    def _check_place(self, path: str) -> None:
        """Raises `ForbiddenError` for who may name no files of the machine, and for Holdfast's folders."""
        self._access.machine("Naming a file of the engine's machine")
        self._access.not_own(path)

    @property
    def _desk(self) -> OwnModelDesk:
        if self._kept is None:
            raise UnsupportedError("This engine keeps no models of your own.", code="no_own_models")
        return self._kept
