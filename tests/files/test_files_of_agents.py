"""The files of agents: one folder for each user and agent, in which nothing leads out."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.runs.conftest import open_bench as open_bench

from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError, OutsideWorkspace
from holdfast.core.files import packing


@pytest.fixture(params=["local", "remote"])
def door(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def names(bench: Any, **more: Any) -> list[str]:
    return [each.path for each in (await bench.workbench.agent_files.list("tester", **more)).files]


async def test_what_is_sent_is_listed_looked_at_and_fetched(open_bench: Any) -> None:
    async with open_bench() as bench:
        files = bench.workbench.agent_files
        assert (await files.list("tester")).files == ()
        sent = await files.upload("tester", "docs/a/n.txt", b"five5")
        assert (sent.path, sent.size, sent.is_folder) == ("docs/a/n.txt", 5, False)
        assert await names(bench) == ["docs", "docs/a", "docs/a/n.txt"]
        assert await names(bench, depth=0) == ["docs"]
        assert await names(bench, path="docs/a") == ["docs/a/n.txt"]
        assert (await files.list("tester", depth=1)).cut
        looked = await files.look("tester", "docs/a/n.txt")
        assert looked.md5 == hashlib.md5(b"five5").hexdigest() and looked.media_type == "text/plain"
        async with await files.download("tester", "docs/a/n.txt") as download:
            assert await download.read() == b"five5"
        session = await bench.session(workspace="agent")
        assert Path(session.workspace, "docs/a/n.txt").read_bytes() == b"five5"


async def test_a_folder_is_fetched_as_a_zip_without_what_leads_out(open_bench: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("outside-42")
    async with open_bench() as bench:
        files = bench.workbench.agent_files
        await files.upload("tester", "docs/n.txt", b"inside")
        folder = Path((await bench.session(workspace="agent")).workspace)
        (folder / "docs" / "link.txt").symlink_to(secret)
        (folder / "out").symlink_to(tmp_path)
        for path in ("docs", ""):
            async with await files.download("tester", path) as download:
                with zipfile.ZipFile(io.BytesIO(await download.read())) as archive:
                    read = {name: archive.read(name) for name in archive.namelist()}
            assert b"outside-42" not in read.values() and b"inside" in read.values()
            assert all("link" not in name and "out/" not in name for name in read)
        for path in ("docs/link.txt", "out/secret.txt", "../secret.txt", "/etc/passwd"):
            with pytest.raises(OutsideWorkspace):
                await files.download("tester", path)
            with pytest.raises(OutsideWorkspace):
                await files.upload("tester", f"{path}/x" if path == "docs/link.txt" else path, b"x")
        assert secret.read_text() == "outside-42"


async def test_what_is_too_large_to_be_packed_is_refused(
    open_bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from holdfast.core.domain.errors import TooLargeError

    monkeypatch.setattr(packing, "MOST_BYTES", 9)
    async with open_bench() as bench:
        await bench.workbench.agent_files.upload("tester", "docs/n.txt", b"0123456789")
        with pytest.raises(TooLargeError) as refused:
            await bench.workbench.agent_files.download("tester", "docs")
        assert refused.value.code == "folder_too_large"


async def test_files_and_folders_are_deleted(open_bench: Any) -> None:
    async with open_bench() as bench:
        files = bench.workbench.agent_files
        for path in ("a.txt", "docs/.hidden/b.txt", "docs/node_modules/c.txt", "d/e.txt"):
            await files.upload("tester", path, b"x")
        await files.delete("tester", "a.txt")
        await files.delete("tester", "docs")
        assert await names(bench) == ["d", "d/e.txt"]
        for path in ("a.txt", "docs"):
            with pytest.raises(NotFoundError):
                await files.delete("tester", path)
        with pytest.raises(InvalidError):
            await files.delete("tester", "")
        folder = Path((await bench.session(workspace="agent")).workspace)
        (folder / "d" / "link").symlink_to("/etc")
        with pytest.raises(ConflictError):
            await files.delete("tester", "d")
        assert os.path.lexists(folder / "d" / "link") and Path("/etc").is_dir()
        await files.clear("tester")
        assert await names(bench) == []


async def test_there_are_no_files_of_an_agent_that_is_not_there(open_bench: Any) -> None:
    async with open_bench() as bench:
        with pytest.raises(NotFoundError):
            await bench.workbench.agent_files.list("nobody")
        for path in ("a.txt", "docs"):
            with pytest.raises(NotFoundError):
                await bench.workbench.agent_files.download("tester", path)
