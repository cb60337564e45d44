"""Sage's files of agents: in one folder for each user and agent, out of which no path leads."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.dialects.sage.asking import Asking, id_of, users

OUTSIDE = "访问被拒绝：文件路径超出工作空间范围"
ESCAPES = ("../secret.txt", "docs/../../secret.txt", "/etc/passwd", "link/secret.txt")


async def agent(asking: Asking) -> str:
    return str((await asking.data("POST", "/agent/create", {"name": "Clerk"}))["agent_id"])


@pytest.mark.covers(
    "sage.list_file_workspace",
    "sage.upload_workspace_file",
    "sage.download_workspace_file",
    "sage.delete_workspace_file",
)
async def test_files_are_sent_listed_fetched_and_deleted(serve_users: Any) -> None:
    async with serve_users() as served:
        (ann,) = await users(served, "ann")
        id = await agent(ann)
        path = f"/agent/{id}/file_workspace"
        empty = await ann("POST", path)
        assert (empty.json()["message"], empty.json()["data"]["files"]) == ("工作空间为空", [])
        sent = await ann(
            "POST", f"{path}/upload", data={"target_path": "docs"}, files={"file": ("n.txt", b"five5")}
        )
        assert sent.json()["data"] == {"filename": "n.txt", "path": "docs/n.txt", "size": 5}
        assert sent.json()["message"] == "文件 n.txt 上传成功"
        listed = await ann.data("POST", path, params={"session_id": "s", "path": "", "junk": "1"})
        found = [(each["name"], each["path"], each["size"], each["is_directory"]) for each in listed["files"]]
        assert found == [("docs", "docs", 0, True), ("n.txt", "docs/n.txt", 5, False)]
        me = await id_of(served, "ann")
        assert listed["workspace_path"] == f"agents/{me}/{id}" and listed["user_id"] == me
        flat = await ann.data("POST", path, params={"max_depth": 0})
        assert len(flat["files"]) == 1 and flat["truncated_by_depth"]
        got = await ann("GET", f"{path}/download", params={"file_path": "docs/n.txt"})
        assert got.content == b"five5" and "attachment" in got.headers["content-disposition"]
        assert got.headers["content-type"].startswith("text/plain")
        packed = await ann("GET", f"{path}/download", params={"file_path": "docs"})
        assert 'filename="docs.zip"' in packed.headers["content-disposition"]
        with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
            assert archive.read("n.txt") == b"five5"
        assert await ann.refused("POST", path, params={"path": "docs/n.txt"}) == (500, "路径不是目录")
        deleted = await ann("DELETE", f"{path}/delete", params={"file_path": "docs/n.txt"})
        assert deleted.json()["message"] == "文件 docs/n.txt 已删除" and deleted.json()["data"] == {}
        gone = {"params": {"file_path": "docs/n.txt"}}
        assert await ann.refused("DELETE", f"{path}/delete", **gone) == (500, "文件不存在: docs/n.txt")
        assert await ann.refused("GET", f"{path}/download", **gone) == (500, "文件不存在: docs/n.txt")
        again = {"params": {"file_path": "docs/n.txt", "missing_ok": "true"}}
        assert (await ann("DELETE", f"{path}/delete", **again)).status_code == 200
        for method, verb in (("GET", "download"), ("DELETE", "delete")):
            assert await ann.refused(method, f"{path}/{verb}") == (500, "缺少必要的路径参数")


async def test_no_path_leads_out(serve_users: Any, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("outside-42")
    async with serve_users() as served:
        (ann,) = await users(served, "ann")
        id = await agent(ann)
        path = f"/agent/{id}/file_workspace"
        await ann.data("POST", f"{path}/upload", files={"file": ("n.txt", b"x")})
        folder = next(served.bench.home.rglob("n.txt")).parent
        (folder / "link").symlink_to(tmp_path)
        for named in ESCAPES:
            for method, verb in (("GET", "download"), ("DELETE", "delete")):
                refused = await ann.refused(method, f"{path}/{verb}", params={"file_path": named})
                assert refused == (500, OUTSIDE)
        for named in ("..", "docs/../..", "link"):
            assert await ann.refused("POST", path, params={"path": named}) == (500, OUTSIDE)
            file = {"file": ("n.txt", b"over")}
            refused = await ann.refused("POST", f"{path}/upload", data={"target_path": named}, files=file)
            assert refused == (500, OUTSIDE)
        for name in ("../n.txt", "a/b.txt", "..", " "):
            sent = await ann("POST", f"{path}/upload", files={"file": (name, b"x")})
            assert sent.json()["message"] == "非法文件名", name
        assert (tmp_path / "secret.txt").read_text() == "outside-42"
        long = await ann("POST", f"{path}/upload", files={"file": ("n" * 300, b"x")})
        assert long.json()["message"] == "非法文件名"
        assert (await ann("POST", f"{path}/upload", files={"other": (None, "x")})).status_code == 422
        stats = await ann("POST", f"{path}/stat", {"paths": ["/etc/passwd"]})
        assert stats.json()["data"]["files"][0]["error_code"] == "ACCESS_DENIED"
        download = await ann("GET", f"{path}/download", params={"file_path": "/etc/passwd"})
        for answer in (stats, download):
            assert str(served.bench.home) not in answer.text


@pytest.mark.covers("sage.stat_workspace_files", "sage.delete_agent_workspace")
async def test_paths_are_looked_at_and_all_files_deleted(serve_users: Any) -> None:
    async with serve_users() as served:
        ann, bob = await users(served, "ann", "bob")
        id = await agent(ann)
        path = f"/agent/{id}/file_workspace"
        file = {"file": ("n.txt", b"five5")}
        await ann.data("POST", f"{path}/upload", data={"target_path": "docs"}, files=file)
        wanted = ["docs/n.txt", "docs", "none.txt", "../x", "\0"]
        found = (await ann.data("POST", f"{path}/stat", {"paths": wanted}))["files"]
        assert [each["exists"] for each in found] == [True, True, False, False, False]
        assert found[0]["content_hash"] == hashlib.md5(b"five5").hexdigest()
        assert (found[0]["hash_algorithm"], found[0]["content_type"]) == ("md5", "text/plain")
        assert found[1]["is_directory"] and found[1]["content_hash"] is None
        codes = [each["error_code"] for each in found[2:]]
        assert codes == ["FILE_NOT_FOUND", "ACCESS_DENIED", "INVALID_PATH"]
        me = await id_of(served, "ann")
        body = {"agent_id": id, "user_id": me}
        assert await bob.refused("POST", "/agent/workspace/delete", body) == (500, "无权访问")
        await ann.data("POST", "/agent/workspace/delete", body)
        assert (await ann.data("POST", path))["files"] == []
        missing = await bob.refused("POST", path)
        assert missing == (500, f"Agent '{id}' 不存在")


async def test_of_a_large_file_no_hash_is_told(serve_users: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.core.services.agent_files._MOST_HASHED", 4)
    async with serve_users() as served:
        (ann,) = await users(served, "ann")
        path = f"/agent/{await agent(ann)}/file_workspace"
        for name in ("four", "five5"):
            await ann.data("POST", f"{path}/upload", files={"file": (name, name.encode())})
        found = (await ann.data("POST", f"{path}/stat", {"paths": ["four", "five5"]}))["files"]
        assert found[0]["content_hash"] == hashlib.md5(b"four").hexdigest()
        assert (found[1]["size"], found[1]["content_hash"], found[1]["hash_algorithm"]) == (5, None, None)


@pytest.mark.covers("sage.download_workspace_file_from_url")
async def test_what_the_web_has_is_taken_in_but_not_of_private_hosts(serve_users: Any) -> None:
    async with serve_users() as served:
        (ann,) = await users(served, "ann")
        path = f"/agent/{await agent(ann)}/file_workspace"
        body = {"source_url": "http://127.0.0.1:1/n.txt", "filename": "n.txt", "target_path": "docs"}
        status, _ = await ann.refused("POST", f"{path}/download_from_url", body)
        assert status == 500
        assert (await ann.data("POST", path))["files"] == []
    async with serve_users(more_settings={"tools": {"allow_private_hosts": True}}) as served:
        (ann,) = await users(served, "anna")
        path = f"/agent/{await agent(ann)}/file_workspace"
        body["source_url"] = f"{served.address}/holdfast/v1/health/live"
        made = await ann.data("POST", f"{path}/download_from_url", body)
        assert (made["filename"], made["path"]) == ("n.txt", "docs/n.txt") and made["size"] > 0


async def test_a_chat_works_in_the_folder_of_its_agent(serve_users: Any, call: Any, say: Any) -> None:
    steps = [call(("read_file", '{"path": "docs/n.txt"}')), say("It says five5.")]
    async with serve_users(steps) as served:
        (ann,) = await users(served, "ann")
        id = await agent(ann)
        file = {"file": ("n.txt", b"content-of-77")}
        await ann.data("POST", f"/agent/{id}/file_workspace/upload", data={"target_path": "docs"}, files=file)
        asked = {
            "messages": [{"role": "user", "content": "What is in it?"}],
            "agent_id": id,
            "session_id": "s",
        }
        answer = await ann("POST", "/stream", asked)
        assert answer.status_code == 200 and '"stream_end"' in answer.text
        assert "content-of-77" in str(served.bench.model.requests[1].messages)
