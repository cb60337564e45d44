"""Knowledge bases through Powabase's API, on an index in memory."""

from __future__ import annotations

import pytest
from tests.knowledge_service.conftest import MemoryIndex

from holdfast.core.domain.knowledge import RetrievalSettings

ROOT = "/powabase/api/knowledge-bases"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.mark.covers(
    "powabase.create_knowledge_base",
    "powabase.list_knowledge_bases",
    "powabase.get_knowledge_base",
    "powabase.update_knowledge_base",
    "powabase.delete_knowledge_base",
    "powabase.add_knowledge_base_source",
    "powabase.list_knowledge_base_sources",
    "powabase.delete_knowledge_base_source",
    "powabase.search_knowledge_base",
)
async def test_a_knowledge_base_lives_its_life(serve, index: MemoryIndex) -> None:
    async with serve([], knowledge=index) as served:
        http = served.http
        body = {"name": "prices", "description": "What things cost", "retrieval_config": {"top_k": 3}}
        made = await http.post(ROOT, json=body)
        assert made.status_code == 201, made.text
        base = f"{ROOT}/{made.json()['id']}"
        assert made.json()["retrieval_config"]["top_k"] == 3
        listed = (await http.get(ROOT)).json()
        assert (listed["total"], listed["knowledge_bases"][0]["name"]) == (1, "prices")
        text = {"name": "hotels.md", "text": "Hotels cost ninety euros.", "metadata": {"kind": "hotel"}}
        taken = await http.post(f"{base}/sources", json=text)
        assert (taken.status_code, taken.json()["status"], taken.json()["chunks"]) == (201, "indexed", 1)
        form = {"file": ("trains.txt", b"Trains cost ten.", "text/plain")}
        file = await http.post(f"{base}/sources", files=form)
        assert (file.status_code, file.json()["name"]) == (201, "trains.txt")
        sources = (await http.get(f"{base}/sources")).json()
        assert [each["name"] for each in sources["sources"]] == ["hotels.md", "trains.txt"]
        asked = {"query": "hotels", "retrieval_method": "full_text"}
        found = (await http.post(f"{base}/search", json=asked)).json()
        assert (found["total_results"], found["retrieval_method"]) == (1, "full_text")
        assert found["results"][0]["source_id"] == taken.json()["id"]
        changed = await http.patch(base, json={"description": "Prices", "retrieval_config": {"top_k": 5}})
        assert (changed.json()["description"], changed.json()["retrieval_config"]["top_k"]) == ("Prices", 5)
        gone = await http.delete(f"{base}/sources/{taken.json()['id']}")
        assert (gone.status_code, gone.content) == (204, b"")
        assert (await http.get(base)).json()["source_counts"]["total"] == 1
        assert (await http.delete(base)).json() == {"deleted": True}
        assert (await http.get(base)).status_code == 404


async def test_what_is_wrong_is_said_in_powabases_shape(serve, index: MemoryIndex) -> None:
    async with serve([], knowledge=index) as served:
        http = served.http
        answers = [
            (400, await http.post(ROOT, json={})),
            (400, await http.post(ROOT, json={"name": "x", "retrieval_config": {"retrieval_method": "odd"}})),
            (400, await http.post(ROOT, json={"name": "x", "retrieval_config": {"retrieval_method": [1]}})),
            (400, await http.post(ROOT, json={"name": "x", "indexing_config": {"chunk_size": 1}})),
            (400, await http.post(ROOT, json={"name": "x", "indexing_config": {"embedding_model": 5}})),
            (404, await http.get(f"{ROOT}/{NOBODY}")),
            (404, await http.post(f"{ROOT}/{NOBODY}/search", json={"query": "x"})),
            (400, await http.post(f"{ROOT}/{NOBODY}/search", json={})),
            (400, await http.post(f"{ROOT}/{NOBODY}/sources", json={"name": "a"})),
            (404, await http.post(f"{ROOT}/{NOBODY}/sources", json={"name": "a", "text": "b"})),
            (404, await http.delete(f"{ROOT}/{NOBODY}/sources/{NOBODY}")),
        ]
        for status, answer in answers:
            assert answer.status_code == status, answer.text
            assert set(answer.json()) <= {"error", "code"}


@pytest.mark.covers("powabase.add_knowledge_base_source")
async def test_a_source_that_is_not_taken_in_is_not_the_one_of_before(serve, index: MemoryIndex) -> None:
    async with serve([], knowledge=index) as served:
        base = f"{ROOT}/{(await served.http.post(ROOT, json={'name': 'prices'})).json()['id']}/sources"
        first = await served.http.post(base, json={"name": "./rooms/a.md", "text": "Ninety."})
        assert (first.json()["name"], first.json()["status"]) == ("rooms/a.md", "indexed")
        again = await served.http.post(base, json={"name": "rooms/a.md", "text": "Ninety."})
        assert again.json()["id"] == first.json()["id"]
        bad = (await served.http.post(base, json={"name": "rooms/a.md", "text": "BAD"})).json()
        assert (bad["status"], bad["error"]) == ("failed", "It is bad.")


@pytest.mark.covers("powabase.get_knowledge_base", "powabase.update_knowledge_base")
async def test_what_powabase_has_no_word_for_is_shown_and_kept(serve, index: MemoryIndex) -> None:
    async with serve([], knowledge=index) as served:
        knowledge = served.bench.workbench.knowledge
        made = await knowledge.create("prices", retrieval=RetrievalSettings(method="wide", rerank=True))
        shown = (await served.http.get(f"{ROOT}/{made.id}")).json()
        assert shown["retrieval_config"]["retrieval_method"] == "wide"
        answer = await served.http.patch(f"{ROOT}/{made.id}", json=shown)
        assert answer.status_code == 200, answer.text
        assert (await knowledge.get(made.id)).retrieval == made.retrieval
