"""The walk-through with documents, offline: take them in, search, ask, and read the passage that is cited."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.bench import Bench
from tests.e2e.over_tcp import Reader, open_door
from tests.e2e.wheel import CHECKOUT

pytestmark = pytest.mark.thorough

GUIDES = CHECKOUT / "docs" / "how-to"
QUESTION = "How do I revoke a key?"
QUOTE = re.compile(r"^> ?(.*?)(?: \[\d+\])?$", re.MULTILINE)
BROKEN = b"%PDF-1.7 this is none \x00\xff"


def quotes(reply: str) -> set[str]:
    """Returns the lines that a reply quotes."""
    return {line for line in QUOTE.findall(reply) if line.strip()}


def numbers(reply: str) -> set[int]:
    return {int(number) for number in re.findall(r"\[(\d+)\]", reply)}


def cited_reply(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the last text of a run that cites something."""
    return [each for each in events if each["type"] == "part.completed" and each["citations"]][-1]


def test_take_in_search_ask_and_find_the_quoted_words_at_the_cited_place(bench: Bench) -> None:
    folder = bench.project / "guides"
    shutil.copytree(GUIDES, folder)
    (folder / "scan.pdf").write_bytes(BROKEN)
    count = len(list(GUIDES.glob("*.md")))
    bench.done("knowledge", "create", "guides")
    added = bench.run("knowledge", "add", "guides", "./guides")
    assert added.returncode == 1, added.stderr
    assert added.stdout.startswith(f"{count} added, 1 failed; ")
    assert "✗ scan.pdf: " in added.stderr
    assert f"{count + 1}/{count + 1} files" in added.stderr

    best, *_ = bench.json("knowledge", "search", "guides", QUESTION)["passages"]
    assert best["lexical_rank"] or best["vector_rank"]
    assert "revoke" in best["text"].lower()

    run = bench.run("run", "librarian", QUESTION, "--json")
    assert run.returncode == 0, run.stderr
    reply = cited_reply([json.loads(line) for line in run.stdout.splitlines()])
    assert numbers(reply["text"]) == {each["number"] for each in reply["citations"]}
    cited = [Path(bench.project, "guides", each["document"]) for each in reply["citations"]]
    places = [each["place"] for each in reply["citations"]]
    lines = {
        line.rstrip()
        for path, place in zip(cited, places, strict=True)
        for line in path.read_text(encoding="utf-8").splitlines()[place["line"] - 1 : place["last_line"]]
    }
    assert quotes(reply["text"]) <= lines
    assert any("revoke" in line for line in quotes(reply["text"]))

    (folder / "scan.pdf").unlink()
    assert bench.done("knowledge", "sync", "guides") == f"{count} unchanged\n"


async def test_the_same_over_http_with_the_context_before_the_first_step(bench: Bench) -> None:
    workbench = bench.start_engine()
    door = await open_door(workbench)
    await workbench.close()
    guide = (GUIDES / "serve.md").read_bytes()
    async with asyncio.timeout(30), door.client() as client:
        made = await client.post("/knowledge/collections", json={"name": "guides"})
        assert made.status_code == 201
        below = f"/knowledge/collections/{made.json()['id']}"
        for name, data in (("a/serve.md", guide), ("scan.pdf", BROKEN)):
            sent = await client.post(f"{below}/uploads", params={"name": name}, content=data)
            assert sent.status_code == 202, sent.text
            job = (await client.get(f"/jobs/{sent.json()['id']}", params={"wait_s": 20})).json()
            assert (job["status"], len(job["failures"])) == ("completed", int(data == BROKEN))
        events = (await client.get(f"/jobs/{job['id']}/events")).json()["items"]
        assert [events[0]["type"], events[-1]["type"]] == ["job.started", "job.completed"]

        asked = {"query": QUESTION, "collections": [{"collection": "guides", "top_k": 3}]}
        found = (await client.post("/knowledge/search", json=asked)).json()["passages"]
        assert found[0]["document"] == "a/serve.md"

        session = (await client.post("/sessions", json={"agent": "general"})).json()
        source = {"type": "knowledge", "collections": [{"collection": "guides"}]}
        message = {
            "parts": [{"type": "text", "text": QUESTION}],
            "options": {"context_source": source, "tools": []},
        }
        run = (await client.post(f"/sessions/{session['id']}/runs", json=message)).json()["run_id"]
        reader = Reader(client, f"/runs/{run}/events")
        await reader.read_once(enough=lambda: reader.has("run.completed"))
        types = [each["type"] for each in reader.events]
        assert types.index("retrieval.completed") < types.index("step.started")
        reply = cited_reply(reader.events)
        (document,) = {each["document_id"] for each in reply["citations"]}
        text = (await client.get(f"/knowledge/documents/{document}/text")).json()
        for each in reply["citations"]:
            passage = text[each["place"]["start"] : each["place"]["end"]]
            assert passage.startswith(each["excerpt"][:40])
        assert quotes(reply["text"]) <= {line.rstrip() for line in text.splitlines()}
        assert any("revoke" in line for line in quotes(reply["text"]))
