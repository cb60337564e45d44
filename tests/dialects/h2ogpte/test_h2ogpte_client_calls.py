"""What h2oGPTe's Python client asks beside the REST API."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.covers("h2ogpte.rpc_meta")
@pytest.mark.parametrize(
    ("said", "answered"),
    [
        ("1.7.0", "v1.7.0"),
        ("1.8.2rc3", "v1.8.2rc3"),
        (None, "v1.7.5"),
        ("<b>", "v1.7.5"),
        ("9" * 99, "v1.7.5"),
    ],
)
async def test_the_meta_have_the_version_of_the_client(serve: Any, said: str | None, answered: str) -> None:
    headers = {} if said is None else {"X-Client-Version": said}
    async with serve() as served:
        answer = await served.http.get("/h2ogpte/rpc/meta", headers=headers)
    assert answer.status_code == 200
    meta = answer.json()
    assert meta["version"] == answered
    assert meta["username"] == meta["email"] == "local"
    wanted = {"build", "user_id", "subject", "is_guest", "license_expired", "license_expiry_date"}
    wanted |= {"global_configs", "user_configs", "picture", "groups", "workspaces", "permissions"}
    assert wanted <= set(meta)
    assert (meta["ui_config"]["public_mode"], meta["ui_config"]["greeting"]) == (False, "")


@pytest.mark.covers("h2ogpte.rpc_db", "h2ogpte.rpc_job")
async def test_old_remote_calls_are_refused_as_their_callers_read_it(serve: Any) -> None:
    async with serve() as served:
        for path in ("db", "job"):
            answer = await served.http.post(f"/h2ogpte/rpc/{path}", json=["list_assistants"])
            said = answer.json()
            assert (answer.status_code, said["code"]) == (501, 501)
            assert said["error"] == said["message"] != ""


async def test_errors_have_the_shape_of_the_api(serve: Any) -> None:
    async with serve() as served:
        for method, path, status in (("GET", "/nothing", 404), ("PUT", "/rpc/meta", 405), ("GET", "", 404)):
            answer = await served.http.request(method, f"/h2ogpte{path}")
            said = answer.json()
            assert (answer.status_code, said["code"]) == (status, status)
            assert said["error"] == said["message"] != ""
            assert said["request_id"] == answer.headers["x-request-id"]


@pytest.mark.covers("h2ogpte.rpc_upload", "h2ogpte.rpc_uploads", "h2ogpte.rpc_delete_upload")
async def test_files_of_the_client_wait_until_they_are_taken_in_or_dropped(serve: Any) -> None:
    url = "/h2ogpte/rpc/fs"
    async with serve() as served:
        form = {"file": ("kites.md", b"# Kites"), "mtime": (None, "1700000000000"), "uri": (None, "")}
        made = await served.http.put(url, files=form)
        assert made.status_code == 200
        id = made.json()["id"]
        assert made.json() == {"id": id, "filename": "kites.md"}
        (staged,) = await served.bench.workbench.knowledge.staged()
        assert (staged.id, staged.ext) == (id, {"h2ogpte": {"mtime": "1700000000000"}})
        assert (await served.http.get(url)).json() == [id]
        dropped = await served.http.delete(url, params={"id": id})
        assert (dropped.status_code, dropped.json()) == (200, {"id": id})
        assert (await served.http.get(url)).json() == []
        again = await served.http.delete(url, params={"id": id})
        assert (again.status_code, again.json()["error"] != "") == (404, True)
        for body in (
            {"content": b"without a name"},
            {"data": {"mtime": "1"}, "files": {"nothing": (None, "x")}},
            {"files": [("a", ("a", b"1")), ("b", ("b", b"2"))]},
        ):
            refused = await served.http.put(url, **body)
            assert (refused.status_code, refused.json()["code"]) == (400, 400)
