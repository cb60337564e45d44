"""Releases as a service: kept in a table, or taken over from GitHub."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from holdfast.core.config.settings import Settings
from holdfast.core.domain.addresses import WebAddress
from holdfast.core.domain.errors import ConflictError, NotFoundError, ToolError
from holdfast.core.domain.releases import MANIFEST, NewRelease, Release, assets, of_github, signed
from holdfast.core.domain.text import shorten
from holdfast.core.store.releases import ReleaseTable
from holdfast.core.tools.web import WebFetcher, WebPage

MOST = 1_000
KEPT_S = 900
"""Seconds for which GitHub's answer is used again."""
_ANSWER, _SMALL = 4_000_000, 200_000
_SIGNATURES = 20
"""Signatures that are fetched of one release."""


class GitHubReleases:
    """Asks GitHub for the newest release of a repository; one for all users."""

    def __init__(
        self, web: WebFetcher, settings: Callable[[Path | None], Settings], now: Callable[[], datetime]
    ) -> None:
        self._web = web
        self._settings = settings
        self._now = now
        self._kept: tuple[str, datetime, NewRelease] | None = None
        self._asking = asyncio.Lock()

    async def newest(self) -> NewRelease:
        """Returns it. Raises as `Releases.import_newest`."""
        settings = await asyncio.to_thread(self._settings, None)
        said = settings.releases
        if not said.repository:
            raise ConflictError(
                "No repository is named: say OWNER/NAME in the setting `releases.repository`.",
                code="no_release_repository",
            )
        url = f"{said.github_url.rstrip('/')}/repos/{said.repository}/releases/latest"
        private = settings.tools.allow_private_hosts
        async with self._asking:
            kept = self._kept
            if kept is not None and kept[0] == url and (self._now() - kept[1]).total_seconds() < KEPT_S:
                return kept[2]
            found = await self._fetched(url, private)
            self._kept = (url, self._now(), found)
        return found

    async def _fetched(self, url: str, private: bool) -> NewRelease:
        answer = _object(await self._read(url, _ANSWER, private), url)
        files = assets(answer)
        manifest = next((place for name, place in files if name == MANIFEST), None)
        told = _object(await self._read(manifest, _SMALL, private), manifest) if manifest else {}
        signatures: dict[str, str] = {}
        for name, place in list(signed(files).items())[:_SIGNATURES]:
            signatures[name] = (await self._read(place, _SMALL, private)).decode(errors="replace").strip()
        try:
            return of_github(answer, told, signatures)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, wrong["loc"]))
            raise _no_release(url, f"{place}: {wrong['msg']}") from None

    async def _read(self, url: str, most: int, private: bool) -> bytes:
        address = WebAddress.parse(url)
        https = address.scheme == "https"
        page = await self._web.fetch(
            address, max_bytes=most, allow_private=private, any_site=True, https_only=https
        )
        if not isinstance(page, WebPage) or page.status != 200 or page.cut:
            why = "it leads elsewhere" if not isinstance(page, WebPage) else f"the answer is {page.status}"
            raise _no_release(url, why)
        return page.data


class ReleaseService:
    """Implements the `Releases` of a workbench."""

    def __init__(self, table: ReleaseTable, github: GitHubReleases, now: Callable[[], datetime]) -> None:
        self._table = table
        self._github = github
        self._now = now

    async def list(self) -> tuple[Release, ...]:
        return await self._table.all()

    async def latest(self) -> Release | None:
        return await self._table.latest()

    async def add(self, release: NewRelease) -> Release:
        made = Release(**release.model_dump(), published_at=self._now())
        if not await self._table.add(made, MOST):
            known = {each.version for each in await self._table.all()}
            if made.version in known:
                raise ConflictError(f"There is a release {made.version} already.", code="release_exists")
            raise ConflictError(f"There are {len(known)} releases already.", code="too_many_releases")
        return made

    async def remove(self, version: str) -> None:
        if not await self._table.remove(version):
            raise NotFoundError(f"There is no release {shorten(version, 100)!r}.", code="release_not_found")

    async def import_newest(self) -> Release:
        found = await self._github.newest()
        kept = next((each for each in await self._table.all() if each.version == found.version), None)
        return kept or await self.add(found)


def _object(data: bytes, url: str) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _no_release(url, "this is no JSON object")
    return found


def _no_release(url: str, why: str) -> ToolError:
    return ToolError(f"{shorten(url, 200)} has no release: {why}.", code="no_release")
