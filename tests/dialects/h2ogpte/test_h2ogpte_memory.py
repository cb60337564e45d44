"""Memory blocks through h2oGPTe's API."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.domain.identity import Scope

BLOCKS = "/h2ogpte/api/v1/memory_blocks"
DEFAULTS = "/h2ogpte/api/v1/users/current/default_memory_blocks"
READ, EDIT = "h2ogpte/memory_block/read", "h2ogpte/memory_block/edit"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.mark.covers(
    "h2ogpte.create_memory_block",
    "h2ogpte.get_memory_block",
    "h2ogpte.update_memory_block",
    "h2ogpte.delete_memory_block",
)
async def test_a_block_is_made_changed_and_deleted(serve: Any) -> None:
    async with serve() as served:
        http = served.http
        given = {
            "name": "Notes",
            "content": "a",
            "system_prompt_amendment": "Keep it.",
            "injection_mode": "agent_file",
            "access_mode": "write",
            "max_content_length": 5,
        }
        answer = await http.post(BLOCKS, json=given)
        made = answer.json()
        assert answer.status_code == 201
        assert given.items() <= made.items()
        assert (made["username"], made["is_owner"], made["can_edit"], made["is_public"]) == (
            "local",
            True,
            True,
            False,
        )
        assert (await http.get(f"{BLOCKS}/{made['id']}")).json() == made
        changed = await http.put(f"{BLOCKS}/{made['id']}", json={"content": "ü"})
        assert (changed.status_code, changed.content) == (204, b"")
        after = (await http.get(f"{BLOCKS}/{made['id']}")).json()
        assert after == {**made, "content": "ü", "updated_at": after["updated_at"]}
        assert (await http.delete(f"{BLOCKS}/{made['id']}")).status_code == 204
        for gone in (await http.get(f"{BLOCKS}/{made['id']}"), await http.delete(f"{BLOCKS}/{made['id']}")):
            assert (gone.status_code, gone.json()["code"]) == (404, 404)


@pytest.mark.covers("h2ogpte.create_memory_block")
async def test_what_is_left_out_of_a_block_is_as_the_guide_says(serve: Any) -> None:
    async with serve() as served:
        made = (await served.http.post(BLOCKS, json={"name": "a"})).json()
    wanted = {"content": "", "system_prompt_amendment": "", "injection_mode": "system_prompt"}
    assert (wanted | {"access_mode": "read_write", "max_content_length": 10_000}).items() <= made.items()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": "a", "injection_mode": "agent_tool"}, "injection_mode"),
        ({"name": "a", "access_mode": "none"}, "access_mode"),
        ({"name": "a", "max_content_length": -1}, "max_content_length"),
        ({"name": "a", "content": "abc", "max_content_length": 2}, "content"),
        ({"name": "a", "content": None}, "content"),
        ([], ""),
    ],
)
async def test_what_cannot_be_a_block_is_refused(serve: Any, given: Any, field: str) -> None:
    async with serve() as served:
        answer = await served.http.post(BLOCKS, json=given)
    assert (answer.status_code, answer.json()["code"]) == (400, 400)
    assert field in answer.json()["message"]


async def test_a_name_is_there_once(serve_users: Any) -> None:
    async with serve_users() as served:
        bob = await served.user("bob")
        first, second = [(await served.http.post(BLOCKS, json={"name": name})).json() for name in "ab"]
        assert (await served.http.post(BLOCKS, json={"name": "a"})).status_code == 409
        assert (await served.http.put(f"{BLOCKS}/{second['id']}", json={"name": "a"})).status_code == 409
        assert (await served.http.put(f"{BLOCKS}/{first['id']}", json={"name": "a"})).status_code == 204
        assert (await served.http.post(BLOCKS, json={"name": "a"}, headers=bob)).status_code == 201


@pytest.mark.covers("h2ogpte.list_memory_blocks")
async def test_blocks_are_listed_in_parts_with_how_many_there_are(serve: Any) -> None:
    async with serve() as served:
        http = served.http
        made = [(await http.post(BLOCKS, json={"name": name})).json() for name in ("Pa", "Pb", "pc", "x")]

        async def names(**params: Any) -> tuple[list[str], int]:
            listed = (await http.get(BLOCKS, params=params)).json()
            return [each["name"] for each in listed["items"]], listed["total"]

        assert await names() == (["Pa", "Pb", "pc", "x"], 4)
        assert await names(offset=1, limit=2) == (["Pb", "pc"], 4)
        assert await names(offset=9) == ([], 4)
        assert await names(limit=0) == ([], 4)
        assert await names(name_filter="p", limit=1) == (["Pa"], 3)
        await http.put(f"{BLOCKS}/{made[2]['id']}", json={"content": "new"})
        at = (await http.get(f"{BLOCKS}/{made[2]['id']}")).json()["updated_at"]
        assert await names(updated_after=at) == (["pc"], 1)
        assert (await http.get(BLOCKS, params={"offset": -1})).status_code == 400
        assert (await http.get(BLOCKS, params={"updated_after": "now"})).status_code == 400


@pytest.mark.covers(
    "h2ogpte.share_memory_block",
    "h2ogpte.unshare_memory_block",
    "h2ogpte.list_memory_block_permissions",
)
async def test_a_block_is_shared_to_read_and_to_edit(serve_users: Any) -> None:
    async with serve_users() as served:
        http, bob = served.http, await served.user("bob")
        one = f"{BLOCKS}/{(await http.post(BLOCKS, json={'name': 'a'})).json()['id']}"
        assert (await http.get(one, headers=bob)).status_code == 404
        assert (await http.put(f"{one}/permissions/bob")).status_code == 204
        seen = (await http.get(one, headers=bob)).json()
        assert (seen["is_owner"], seen["can_edit"], seen["username"]) == (False, False, "local")
        assert (await http.get(BLOCKS, headers=bob)).json() == {"items": [seen], "total": 1}
        assert (await http.put(one, json={"content": "b"}, headers=bob)).status_code == 403
        assert (await http.put(f"{one}/permissions/bob", json={"permissions": [READ, EDIT]})).is_success
        assert (await http.put(one, json={"content": "b"}, headers=bob)).status_code == 204
        assert (await http.put(one, json={"name": "b"}, headers=bob)).status_code == 403
        assert (await http.delete(one, headers=bob)).status_code == 403
        assert (await http.get(f"{one}/permissions", headers=bob)).status_code == 403
        assert (await http.put(f"{one}/permissions/local", headers=bob)).status_code == 403
        shared = (await http.get(f"{one}/permissions")).json()
        assert shared == [{"username": "bob", "permissions": [READ, EDIT]}]
        assert (await http.get(one)).json()["user_count"] == 1
        assert (await http.delete(f"{one}/permissions/bob")).status_code == 204
        assert (await http.get(one, headers=bob)).status_code == 404
        assert (await http.get(f"{one}/permissions")).json() == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/permissions/nobody", {}, 404),
        ("/permissions/nobody", {"permissions": ["everything"]}, 400),
        ("/permissions/local", {}, 400),
        ("/privacy", {}, 400),
        ("/privacy", None, 400),
    ],
)
async def test_what_cannot_be_shared_is_refused(serve: Any, path: str, body: Any, status: int) -> None:
    async with serve() as served:
        one = f"{BLOCKS}/{(await served.http.post(BLOCKS, json={'name': 'a'})).json()['id']}"
        answer = await served.http.put(f"{one}{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, status)


@pytest.mark.covers("h2ogpte.set_memory_block_privacy", "h2ogpte.list_public_memory_block_permissions")
async def test_a_block_is_public_to_read_unless_editing_is_named(serve_users: Any) -> None:
    async with serve_users() as served:
        http, bob = served.http, await served.user("bob")
        one = f"{BLOCKS}/{(await http.post(BLOCKS, json={'name': 'a'})).json()['id']}"
        assert (await http.put(f"{one}/privacy", json={"is_public": True}, headers=bob)).status_code == 404
        for given, permissions, status in (([], [READ], 403), ([EDIT], [READ, EDIT], 204)):
            body = {"is_public": True, "permissions": given}
            assert (await http.put(f"{one}/privacy", json=body)).status_code == 204
            assert (await http.get(f"{one}/public_permissions", headers=bob)).json() == permissions
            assert (await http.put(one, json={"content": "b"}, headers=bob)).status_code == status
        assert (await http.put(f"{one}/privacy", json={"is_public": True}, headers=bob)).status_code == 403
        assert (await http.put(f"{one}/privacy", json={"is_public": False})).status_code == 204
        assert (await http.get(one, headers=bob)).status_code == 404
        assert (await http.get(f"{one}/public_permissions")).json() == []


@pytest.mark.covers("h2ogpte.get_default_memory_blocks", "h2ogpte.set_default_memory_block")
async def test_defaults_are_set_and_cleared_for_each_scope(serve_users: Any) -> None:
    async with serve_users() as served:
        http, bob = served.http, await served.user("bob")
        block = (await http.post(BLOCKS, json={"name": "a"})).json()
        none = {"defaults": {"llm": None, "agent": None}}
        assert (await http.get(DEFAULTS)).json() == none
        wanted = {"scope": "llm", "memory_block_id": block["id"]}
        assert (await http.put(DEFAULTS, json=wanted)).json() == {"scope": "llm", "memory_block": block}
        assert (await http.get(DEFAULTS)).json() == {"defaults": {"llm": block, "agent": None}}
        assert (await http.get(DEFAULTS, headers=bob)).json() == none
        assert (await http.put(DEFAULTS, json=wanted, headers=bob)).status_code == 404
        cleared = await http.put(DEFAULTS, json={"scope": "llm"})
        assert (cleared.status_code, cleared.json()) == (200, {"scope": "llm", "memory_block": None})
        assert (await http.get(DEFAULTS)).json() == none
        for body, status in (({"scope": "all"}, 400), ({"scope": "llm", "memory_block_id": NOBODY}, 404)):
            answer = await http.put(DEFAULTS, json=body)
            assert (answer.status_code, answer.json()["error"]) == (status, answer.json()["message"])


async def test_a_form_says_the_same_as_json(serve_users: Any) -> None:
    """The guide's own helper sends its second argument as the files of a form."""
    async with serve_users() as served:
        http = served.http
        await served.user("bob")
        one = f"{BLOCKS}/{(await http.post(BLOCKS, json={'name': 'a'})).json()['id']}"
        assert (await http.put(one, files={"content": ("content", "Grüße")})).status_code == 204
        assert (await http.get(one)).json()["content"] == "Grüße"
        shared = {"permissions": (READ, EDIT)}
        assert (await http.put(f"{one}/permissions/bob", files=shared)).status_code == 204
        assert (await http.get(f"{one}/permissions")).json()[0]["permissions"] == [READ, EDIT]
        public = {"is_public": ("is_public", "True")}
        assert (await http.put(f"{one}/privacy", files=public)).status_code == 204
        assert (await http.get(one)).json()["is_public"] is True
        scope = {"scope": ("scope", "agent")}
        assert (await http.put(DEFAULTS, files=scope)).json() == {"scope": "agent", "memory_block": None}
        assert (await http.put(one, files={"content": ("content", b"\xff")})).status_code == 400


async def test_a_key_that_may_not_make_blocks_is_told_so(serve_users: Any) -> None:
    async with serve_users() as served:
        reader = await served.user("reader", Scope.READ)
        assert (await served.http.get(BLOCKS, headers=reader)).status_code == 200
        refused = await served.http.post(BLOCKS, json={"name": "a"}, headers=reader)
        assert (refused.status_code, refused.json()["code"]) == (403, 403)
        unknown = await served.http.get(BLOCKS, headers={"Authorization": "Bearer hf_nothing"})
        assert (unknown.status_code, unknown.json()["code"]) == (401, 401)
