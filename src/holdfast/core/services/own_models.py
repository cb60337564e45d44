"""Models of one's own as a service: who may name files and addresses of the engine's machine."""

from __future__ import annotations

import asyncio

from holdfast.core.domain.errors import ForbiddenError, UnsupportedError
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.own_models import (
    Forgotten,
    ModelFile,
    ModelLookup,
    OllamaServer,
    OwnModel,
    OwnModelDesk,
    OwnModelState,
)
from holdfast.core.services.access import Access


class OwnModelService:
    """The part of the workbench's `Models` that is about models of one's own. What is kept is the engine's,
    as the keys of providers are: every user's runs can have them."""

    def __init__(self, access: Access, desk: OwnModelDesk | None) -> None:
        self._access = access
        self._kept = desk

    async def states(self) -> tuple[OwnModelState, ...]:
        """See `Models.own`."""
        desk = self._kept
        if desk is None:
            return ()
        return await asyncio.to_thread(lambda: tuple(desk.state(each) for each in desk.all()))

    async def keep(self, model: OwnModel, key: str | None) -> OwnModel:
        """See `Models.keep`."""
        if model.kind == "file":
            self._check_place(model.path)
        return await asyncio.to_thread(self._desk.keep, model, key)

    async def forget(self, name: str, file: bool) -> Forgotten:
        """See `Models.forget`."""
        if file:
            self._access.machine("Deleting a file of the engine's machine")
        deleted = await asyncio.to_thread(lambda: self._desk.forget(name, file=file))
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
        return await asyncio.to_thread(self._desk.look_up, model)

    def _check_place(self, path: str) -> None:
        """Raises `ForbiddenError` for who may name no files of the machine, and for Holdfast's folders."""
        self._access.machine("Naming a file of the engine's machine")
        self._access.not_own(path)

    @property
    def _desk(self) -> OwnModelDesk:
        if self._kept is None:
            raise UnsupportedError("This engine keeps no models of your own.", code="no_own_models")
        return self._kept
