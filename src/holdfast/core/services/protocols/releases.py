"""The noun `releases` of a workbench."""

from __future__ import annotations

from typing import Protocol

from holdfast.core.domain.identity import Role, Scope
from holdfast.core.domain.releases import NewRelease, Release
from holdfast.core.services.needs import needs


class Releases(Protocol):
    """Releases of the program that people use with this engine, for its updater and its page of downloads."""

    @needs(Scope.READ)
    async def list(self) -> tuple[Release, ...]:
        """Returns all, the newest first."""
        ...

    @needs(Scope.READ)
    async def latest(self) -> Release | None:
        """Returns the newest; null: there is none."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def add(self, release: NewRelease) -> Release:
        """Tells of a release from now on. Raises `ConflictError` (`release_exists`)."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def remove(self, version: str) -> None:
        """Tells of a release no more. Raises `NotFoundError` (`release_not_found`)."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def import_newest(self) -> Release:
        """Takes over the newest release of the repository on GitHub that the setting `releases.repository`
        names, unless there is one of its version already. GitHub is asked once in a quarter of an hour.

        Raises `ConflictError` (`no_release_repository`), `ToolError` and `ForbiddenError` for what cannot be
        fetched, `ToolError` (`no_release`) for what is no release.
        """
        ...
