"""Memories through Dexto's API."""

from __future__ import annotations

from typing import Any

import pytest

MEMORY = "/dexto/api/memory"
SAMPLE = {"content": "string", "tags": ["string"], "metadata": {"source": "user", "pinned": True}}
NONE = "00000000-0000-4000-8000-000000000000"


async def keep(served: Any, content: str, **more: Any) -> Any:
    answer = await served.http.post(MEMORY, json={"content": content, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["memory"]


async def listed(served: Any, **query: str) -> list[str]:
    answer = await served.http.get(MEMORY, params=query)
    assert answer.status_code == 200, answer.text
    return [each["content"] for each in answer.json()["memories"]]


@pytest.mark.covers("dexto.create_memory", "dexto.get_memory")
async def test_the_sample_of_the_page_is_kept_as_it_is_given(serve: Any) -> None:
    async with serve() as served:
        made = (await served.http.post(MEMORY, json=SAMPLE)).json()
        memory = made["memory"]
        assert made == {"ok": True, "memory": memory}
        times = {"createdAt": memory["createdAt"], "updatedAt": memory["updatedAt"]}
        assert memory == {"id": memory["id"], **SAMPLE, **times}
        assert memory["createdAt"] == memory["updatedAt"] > 1_700_000_000_000
        assert (await served.http.get(f"{MEMORY}/{memory['id']}")).json() == made


async def test_what_is_not_said_stays_absent(serve: Any) -> None:
    async with serve() as served:
        assert set(await keep(served, "a")) == {"id", "content", "createdAt", "updatedAt"}
        empty = await keep(served, "b", tags=[], metadata={})
        assert (empty["tags"], empty["metadata"]) == ([], {})
        assert (await keep(served, "c", metadata={"place": 7}))["metadata"] == {"place": 7}


@pytest.mark.covers("dexto.update_memory")
async def test_metadata_is_laid_over_what_there_is_and_tags_take_the_others_place(serve: Any) -> None:
    async with serve() as served:
        made = await keep(served, "a", tags=["x"], metadata={"source": "user", "place": {"n": 1}})
        place = f"{MEMORY}/{made['id']}"
        given = {"tags": ["y", "z"], "metadata": {"source": "system", "pinned": True, "mood": "good"}}
        changed = (await served.http.put(place, json=given)).json()["memory"]
        said = {"source": "system", "place": {"n": 1}, "pinned": True, "mood": "good"}
        assert (changed["content"], changed["tags"], changed["metadata"]) == ("a", ["y", "z"], said)
        again = (await served.http.put(place, json={"content": "b"})).json()["memory"]
        assert (again["content"], again["tags"], again["metadata"]) == ("b", ["y", "z"], said)


async def test_an_empty_change_only_moves_the_time(serve: Any) -> None:
    async with serve() as served:
        made = await keep(served, "a", tags=["x"])
        changed = (await served.http.put(f"{MEMORY}/{made['id']}", json={})).json()["memory"]
        assert changed.pop("updatedAt") >= made.pop("updatedAt")
        assert changed == made


@pytest.mark.covers("dexto.list_memories")
async def test_memories_are_found_by_any_tag_source_and_pin(serve: Any) -> None:
    async with serve() as served:
        await keep(served, "one", tags=["a"], metadata={"source": "user"})
        await keep(served, "two", tags=["b", "c"], metadata={"source": "system", "pinned": True})
        await keep(served, "three", tags=["d"])
        assert await listed(served) == ["three", "two", "one"]
        assert await listed(served, tags="a,c") == ["two", "one"]
        assert await listed(served, source="system") == ["two"]
        assert await listed(served, pinned="true") == ["two"]
        assert await listed(served, pinned="false") == ["three", "one"]
        assert await listed(served, pinned="maybe", limit="x") == ["three", "two", "one"]
        assert await listed(served, limit="1", offset="1") == ["two"]
        wrong = await served.http.get(MEMORY, params={"source": "agent"})
        assert wrong.status_code == 400
        assert wrong.json()["error"]["issues"][0]["code"] == "invalid_enum_value"


async def test_entries_made_elsewhere_are_shown_whole(serve: Any) -> None:
    async with serve() as served:
        await served.bench.workbench.memory.remember("native", source="system")
        (found,) = (await served.http.get(MEMORY)).json()["memories"]
        assert found["metadata"] == {"source": "system", "pinned": False}


@pytest.mark.covers("dexto.delete_memory")
async def test_a_memory_is_deleted_once(serve: Any) -> None:
    async with serve() as served:
        place = f"{MEMORY}/{(await keep(served, 'a'))['id']}"
        gone = await served.http.delete(place)
        assert gone.json() == {"ok": True, "message": "Memory deleted successfully"}
        for answer in (await served.http.delete(place), await served.http.get(place)):
            assert answer.status_code == 404
            told = answer.json()
            assert (told["code"], told["scope"], told["type"]) == (
                "MEMORY_NOT_FOUND",
                "memory",
                "not_found",
            )
            assert {"traceId", "endpoint", "method"} <= set(told)


REFUSED: list[tuple[Any, Any]] = [
    ({}, {"code": "invalid_type", "path": ["content"], "message": "Required"}),
    ({"content": ""}, {"code": "too_small", "path": ["content"]}),
    ({"content": "a" * 10_001}, {"code": "too_big", "path": ["content"]}),
    ({"content": "a", "tags": ["x"] * 11}, {"code": "too_big", "path": ["tags"]}),
    ({"content": "a", "tags": [""]}, {"code": "too_small", "path": ["tags", 0]}),
    ({"content": "a", "more": 1}, {"code": "unrecognized_keys", "keys": ["more"], "path": []}),
    ({"content": "a", "metadata": {"source": "x"}}, {"path": ["metadata", "source"]}),
]


async def test_a_memory_that_cannot_be_is_refused_as_zod_does(serve: Any) -> None:
    async with serve() as served:
        for body, issue in REFUSED:
            answer = await served.http.post(MEMORY, json=body)
            assert answer.status_code == 400
            told = answer.json()
            assert (told["success"], told["error"]["name"]) == (False, "ZodError")
            found = told["error"]["issues"][0]
            assert {name: found[name] for name in issue} == issue
