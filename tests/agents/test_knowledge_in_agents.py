"""Knowledge and memory in an agent file: what may be written, how it is inherited, who may name a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from agent_folders import Agents

from holdfast.core.agents.loader import parse_agent
from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.domain.agents import ALL_COLLECTIONS
from holdfast.core.domain.errors import Diagnostic
from holdfast.core.domain.memory import MemorySpec

BASE = """\
knowledge:
  - docs
  - collection: handbook
    id: 11111111-2222-4333-8444-555555555555
    path: ./handbook
    retrieval: { mode: context, top_k: 4, method: lexical, max_tokens: 500, where: { year: 2020 } }
memory: { blocks: [project], recall: true }
"""


def only(text: str) -> Diagnostic:
    found = parse_agent("version: 1\nname: a\n" + text, Path("a.yaml")).problems
    assert len(found) == 1, found
    return found[0]


def test_a_name_alone_is_a_collection_that_the_model_searches(agents: Agents) -> None:
    agents.write("user", "mine", BASE)
    docs, handbook = agents.spec("mine").knowledge
    assert (docs.collection, docs.path, docs.retrieval.mode) == ("docs", None, "tool")
    assert (handbook.path, handbook.retrieval.mode, handbook.retrieval.top_k) == ("./handbook", "context", 4)
    assert handbook.retrieval.where == {"year": 2020}
    assert handbook.id == "11111111-2222-4333-8444-555555555555"


def test_a_collection_without_an_id_has_one_that_stays(agents: Agents) -> None:
    agents.write("user", "mine", BASE)
    before = agents.spec("mine").knowledge[0].id
    agents.write("user", "mine", BASE + "description: changed\n")
    assert before is not None
    assert agents.spec("mine").knowledge[0].id == before


@pytest.mark.parametrize(
    ("text", "line", "column", "key_path"),
    [
        ("knowledge:\n  - docs\n  - docs\n", 5, 5, "knowledge[1]"),
        ("knowledge:\n  - { collection: docs, retreival: {} }\n", 4, 25, "knowledge[0].retreival"),
        (
            "knowledge:\n  - collection: docs\n    retrieval: { mode: often }\n",
            5,
            24,
            "knowledge[0].retrieval.mode",
        ),
        (
            "knowledge: [{ collection: docs, retrieval: { top_k: 0 } }]\n",
            3,
            53,
            "knowledge[0].retrieval.top_k",
        ),
        ('knowledge: [{ collection: "*", path: ./docs }]\n', 3, 38, "knowledge[0].path"),
        ("knowledge: [3]\n", 3, 13, "knowledge[0]"),
        ("memory: { blocks: [a, b, a] }\n", 3, 26, "memory.blocks[2]"),
        ("memory: { recal: true }\n", 3, 11, "memory.recal"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, line: int, column: int, key_path: str) -> None:
    found = only(text)
    assert (found.key_path, found.line, found.column) == (key_path, line, column)


def test_two_collections_with_one_id_are_a_mistake() -> None:
    id = "11111111-2222-4333-8444-555555555555"
    text = f"knowledge: [{{ collection: a, id: {id} }}, {{ collection: b, id: {id} }}]\n"
    assert only(text).key_path == "knowledge[1].id"


def test_all_collections_may_be_named() -> None:
    file = parse_agent('version: 1\nname: a\nknowledge: ["*"]\n', Path("a.yaml"))
    assert file.problems == ()
    assert file.values["knowledge"] == [ALL_COLLECTIONS]


def test_what_is_inherited_has_ids_of_its_own(agents: Agents) -> None:
    agents.write("shipped", "base", BASE)
    agents.write("user", "child", "extends: base\nmemory: { recall: false }\n")
    base, child = agents.spec("base"), agents.spec("child")
    assert [one.collection for one in child.knowledge] == ["docs", "handbook"]
    assert child.knowledge[1].path == "./handbook"
    assert {one.id for one in base.knowledge}.isdisjoint({one.id for one in child.knowledge})
    assert child.memory == MemorySpec(blocks=("project",), recall=False)


def test_knowledge_of_its_own_takes_the_place_of_what_is_inherited(agents: Agents) -> None:
    agents.write("shipped", "base", BASE)
    agents.write("user", "child", "extends: base\nknowledge: [notes]\n")
    assert [one.collection for one in agents.spec("child").knowledge] == ["notes"]


def test_in_a_folder_without_trust_an_agent_searches_nothing(agents: Agents) -> None:
    agents.write("project", "theirs", 'knowledge: ["*"]\n')
    assert agents.spec("theirs").knowledge == ()
    agents.trust.set(agents.project, True)
    assert [one.collection for one in agents.spec("theirs").knowledge] == ["*"]


class TestAgentsOfOtherUsers:
    @pytest.mark.parametrize("path", ["/etc", "~/notes"])
    def test_a_whole_path_is_refused(self, agents: Agents, path: str) -> None:
        text = f"version: 1\nname: a\nknowledge: [{{ collection: docs, path: {path} }}]\n"
        problems = agents.registry.check(text, owner="anna").problems
        assert [one.key_path for one in problems] == ["knowledge[0].path"]

    def test_a_folder_outside_of_the_project_is_not_kept(self, agents: Agents) -> None:
        registry: AgentRegistry = agents.registry
        folder = agents.paths.user_agents("anna")
        folder.mkdir(parents=True)
        (folder / "mine.yaml").write_text(
            "version: 1\nname: mine\n"
            "knowledge: [{ collection: out, path: ../.. }, { collection: in, path: docs }]\n"
        )
        spec = registry.get("mine", agents.project, "anna").spec
        assert spec is not None
        assert [(one.collection, one.path) for one in spec.knowledge] == [("out", None), ("in", "docs")]
