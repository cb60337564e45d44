"""`holdfast releases` and `holdfast objects`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pytest
from cli_fakes import FakeDoors, FakeWorkbench

from holdfast.core.domain.objects import StoredObject
from holdfast.core.domain.releases import NewRelease, Release

Cli = Callable[..., Any]
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Releases:
    def __init__(self) -> None:
        self.kept: dict[str, Release] = {}

    async def list(self) -> tuple[Release, ...]:
        return tuple(self.kept.values())

    async def add(self, release: NewRelease) -> Release:
        self.kept[release.version] = Release(**release.model_dump(), published_at=AT)
        return self.kept[release.version]

    async def import_newest(self) -> Release:
        return await self.add(NewRelease(version="2.0.0"))

    async def remove(self, version: str) -> None:
        del self.kept[version]


class Objects:
    def __init__(self) -> None:
        self.kept: dict[str, StoredObject] = {}

    async def list(self) -> tuple[StoredObject, ...]:
        return tuple(self.kept.values())

    async def put(self, name: str, data: IO[bytes], path: str = "") -> StoredObject:
        size = len(data.read())
        made = StoredObject(
            id="secret-id",
            owner="u",
            key=path + name,
            name=name,
            media_type="text/plain",
            size=size,
            created_at=AT,
        )
        self.kept[made.id] = made
        return made

    async def remove(self, id: str) -> None:
        del self.kept[id]


@pytest.fixture
def bench(fake: FakeDoors) -> FakeWorkbench:
    made = FakeWorkbench()
    made.releases, made.objects = Releases(), Objects()  # type: ignore[attr-defined]
    fake.build = lambda: made
    return made


def test_releases_are_added_listed_and_removed(bench: FakeWorkbench, cli: Cli) -> None:
    file = "darwin-aarch64=https://example.org/app.dmg?a=b"
    assert cli("releases", "add", "1.2.3", "--file", file, "--notes", "n").status == 0
    assert "2.0.0" in cli("releases", "import").out
    listed = json.loads(cli("releases", "list", "--json").out)
    assert listed[0]["artifacts"][0]["installer_url"] == "https://example.org/app.dmg?a=b"
    assert "darwin-aarch64" in cli("releases", "list").out
    assert cli("releases", "add", "1.2.4", "--file", "nonsense").status != 0
    assert cli("releases", "remove", "1.2.3").status == 0
    assert "1.2.3" not in cli("releases", "list").out


def test_objects_are_kept_listed_and_removed(bench: FakeWorkbench, cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "chart.txt"
    file.write_text("twelve bytes")
    put = cli("objects", "put", str(file), "--path", "reports/")
    assert put.status == 0 and "/holdfast/v1/objects/secret-id/data" in put.out
    assert json.loads(cli("objects", "list", "--json").out)[0]["size"] == 12
    assert "reports/chart.txt" in cli("objects", "list").out
    assert cli("objects", "put", str(tmp_path / "none.txt")).status != 0
    assert cli("objects", "remove", "secret-id").status == 0
    assert "There is none" in cli("objects", "list").out
