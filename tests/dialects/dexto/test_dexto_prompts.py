"""Prompts through Dexto's API."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

PROMPTS = "/dexto/api/prompts"
CUSTOM = f"{PROMPTS}/custom"
DATA = base64.b64encode(b"hello").decode()
SAMPLE = {
    "name": "string",
    "title": "string",
    "description": "string",
    "content": "Hello {{name}}",
    "arguments": [{"name": "name", "description": "string", "required": True}],
    "resource": {"data": DATA, "mimeType": "text/plain", "filename": "a.txt"},
}
OF_AGENT = """
prompts:
  - name: review
    title: Review
    description: Looks it over.
    text: "Review $1 as {{tone}}: $ARGUMENTS costs $$5"
    arguments: [{name: tone, default: a friend}]
"""


async def make(served: Any, **body: Any) -> Any:
    answer = await served.http.post(CUSTOM, json={"content": "text", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()["prompt"]


async def resolve(served: Any, prompt: str, status: int = 200, context: str = "", /, **args: Any) -> Any:
    query = {"args": json.dumps(args), "context": context}
    answer = await served.http.get(f"{PROMPTS}/{prompt}/resolve", params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.mark.covers("dexto.create_custom_prompt", "dexto.list_prompts", "dexto.get_prompt")
async def test_the_sample_of_the_page_is_made_and_found(serve: Any) -> None:
    async with serve() as served:
        made = await make(served, **SAMPLE)
        times = {name: made["metadata"].pop(name) for name in ("createdAt", "updatedAt")}
        assert times["updatedAt"] >= times["createdAt"] > 1_700_000_000_000
        said = {name: SAMPLE[name] for name in ("name", "title", "description", "arguments")}
        digest = hashlib.sha256(b"hello").hexdigest()
        kept = {"originalName": "string", "resourceUri": f"blob:{digest}", "mimeType": "text/plain"}
        names = {"displayName": "string", "commandName": "string"}
        assert made == {**said, "source": "custom", "metadata": kept, **names}
        made["metadata"] |= times
        assert made in (await served.http.get(PROMPTS)).json()["prompts"]
        assert (await served.http.get(f"{PROMPTS}/string")).json() == {"definition": said}


async def test_a_name_becomes_small_letters_and_hyphens(serve: Any) -> None:
    async with serve() as served:
        made = await make(served, name="Bad Name!")
        assert made["name"] == "bad-name"
        assert {"title", "description", "arguments"}.isdisjoint(made)


async def test_a_name_that_is_taken_is_refused(serve: Any) -> None:
    async with serve() as served:
        await make(served, name="one")
        answer = await served.http.post(CUSTOM, json={"name": "One", "content": "x"})
        assert answer.status_code == 400
        told = answer.json()
        assert (told["name"], told["errorCount"]) == ("DextoValidationError", 1)
        assert told["issues"][0]["code"] == "prompt_already_exists"


REFUSED: list[tuple[Any, Any]] = [
    ({"content": "x"}, ["name"]),
    ({"name": "", "content": "x"}, ["name"]),
    ({"name": "x"}, ["content"]),
    ({"name": "x", "content": ""}, ["content"]),
    ({"name": "x", "content": "x", "more": 1}, []),
    ({"name": "x", "content": "x", "arguments": [{"name": "a", "b": 1}]}, ["arguments", 0]),
    ({"name": "x", "content": "x", "resource": {"data": "a"}}, ["resource", "mimeType"]),
    ({"name": "x", "content": "x", "resource": {"data": "?", "mimeType": "a/b"}}, ["resource", "data"]),
    ({"name": "!!!", "content": "x"}, ["name"]),
    ({"name": "x", "content": "x", "arguments": [{"name": "a"}, {"name": "a"}]}, ["arguments"]),
]


async def test_a_prompt_that_cannot_be_is_refused_as_zod_does(serve: Any) -> None:
    async with serve() as served:
        for body, path in REFUSED:
            answer = await served.http.post(CUSTOM, json=body)
            assert answer.status_code == 400
            told = answer.json()
            assert told["error"]["name"] == "ZodError"
            assert told["error"]["issues"][0]["path"] == path
        assert not [each for each in await served.bench.workbench.prompts.list() if each.origin == "own"]


@pytest.mark.covers("dexto.resolve_prompt")
async def test_a_prompt_is_resolved_with_values_by_name_and_by_place(serve: Any) -> None:
    async with serve(agent=OF_AGENT) as served:
        await make(served, **SAMPLE)
        digest = hashlib.sha256(b"hello").hexdigest()
        found = await resolve(served, "string", name="Ann", more={"a": 1})
        assert found == {"text": "Hello Ann", "resources": [f"blob:{digest}"]}
        added = await resolve(served, "string", 200, "Be brief.", name=7)
        assert added["text"] == "Hello 7\n\nBe brief."


async def test_prompts_of_the_active_agent_are_named_as_config(serve: Any) -> None:
    async with serve(agent=OF_AGENT) as served:
        users = served.bench.workbench.users
        await users.annotate({"dexto": {"agent": "tester"}})
        (found,) = [
            each
            for each in (await served.http.get(PROMPTS)).json()["prompts"]
            if each["name"] == "config:review"
        ]
        assert (found["source"], found["displayName"], found["title"]) == ("config", "review", "Review")
        for name in ("review", "config:review"):
            said = await resolve(served, name, _positional=["a.py", "and", "b.py"])
            assert said == {"text": "Review a.py as a friend: and b.py costs $5", "resources": []}
        said = (await served.http.get(f"{PROMPTS}/review")).json()["definition"]
        assert said["name"] == "config:review"


async def test_what_a_prompt_does_not_describe_may_be_left_out(serve: Any) -> None:
    async with serve() as served:
        await make(served, name="one", content="Hello {{ name }}, $1!")
        assert (await resolve(served, "one"))["text"] == "Hello , !"
        assert (await resolve(served, "one", name="Ann", _positional=["now"]))["text"] == "Hello Ann, now!"


async def test_what_is_missing_is_named(serve: Any) -> None:
    async with serve() as served:
        await make(served, **SAMPLE)
        told = await resolve(served, "string", 400)
        (issue,) = told["issues"]
        assert issue["code"] == "prompt_missing_required_arguments"
        assert issue["context"] == {"missingNames": ["name"]}
        broken = await served.http.get(f"{PROMPTS}/string/resolve", params={"args": "{no json"})
        assert broken.status_code == 400
        assert broken.json()["issues"] == told["issues"]


@pytest.mark.covers("dexto.delete_custom_prompt")
async def test_a_custom_prompt_is_deleted_and_no_other(serve: Any) -> None:
    async with serve(agent=OF_AGENT) as served:
        await served.bench.workbench.users.annotate({"dexto": {"agent": "tester"}})
        await make(served, name="one")
        gone = await served.http.delete(f"{CUSTOM}/one")
        assert (gone.status_code, gone.content) == (204, b"")
        for name in ("one", "config:review", "review"):
            answer = await served.http.delete(f"{CUSTOM}/{name}")
            assert answer.status_code == 404
            assert (answer.json()["code"], answer.json()["scope"]) == ("prompt_not_found", "prompt")
        for path in ("one", "one/resolve"):
            answer = await served.http.get(f"{PROMPTS}/{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "prompt_not_found")
