"""Documents, chunks, words and vectors agree, whatever fails; where they do not, it is seen and mended."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.plain_index import Letters, Library

from holdfast.core.domain.errors import (
    KnowledgeUnavailable,
    ModelRateLimited,
    ModelRequestRefused,
    NotFoundError,
)
from holdfast.core.knowledge.index.stopping import Stop, Stopped
from holdfast.core.knowledge.index.vectors import VectorStore

pytestmark = pytest.mark.thorough

_CHANCE = random.Random(7)
LONG = "\n\n".join(
    "geese " + "".join(_CHANCE.choices("abcdefghijklmnopqrstuvwxyz", k=20)) for _ in range(600)
)
LONGER = "\n\n".join(
    "geese " + "".join(_CHANCE.choices("abcdefghijklmnopqrstuvwxyz", k=20)) for _ in range(1100)
)


class Failing(VectorStore):
    """Vectors whose server goes away when `down` is set."""

    down = False

    def upsert(self, *given: Any) -> None:
        self._reached()
        super().upsert(*given)

    def delete_documents(self, *given: Any) -> None:
        self._reached()
        super().delete_documents(*given)

    def _reached(self) -> None:
        if self.down:
            raise KnowledgeUnavailable("The Chroma server went away")


def failing_at(call: int, error: BaseException) -> Letters:
    """Embeddings that fail at the nth call."""
    letters = Letters()

    def before(_: str) -> None:
        if len(letters.calls) + 1 == call:
            letters.before = lambda _: None
            raise error

    letters.before = before
    return letters


@pytest.mark.parametrize("call", [1, 2, 3])
def test_a_model_that_fails_leaves_nothing(libraries: Callable[..., Library], call: int) -> None:
    library = libraries(embeddings=failing_at(call, ModelRateLimited("Later")))
    with pytest.raises(ModelRateLimited):
        library.add("long.md", LONG)
    assert library.find("geese", method="lexical") == ()
    assert library.index.check() == ()
    assert library.index.collection(library.id).documents == 0
    assert library.add("long.md", LONG).chunks == 600
    assert library.index.check() == ()


def test_a_document_that_the_model_refuses_fails_alone(libraries: Callable[..., Library]) -> None:
    library = libraries(embeddings=failing_at(2, ModelRequestRefused("It is too long")))
    result = library.add("long.md", LONG)
    assert result.status == "failed"
    assert result.error is not None
    assert result.error.code == "model_request_refused"
    assert library.index.check() == ()


def test_a_changed_document_that_fails_leaves_the_old_one(libraries: Callable[..., Library]) -> None:
    library = libraries(embeddings=failing_at(2, ModelRateLimited("Later")))
    library.add("a.md", "an owl")
    with pytest.raises(ModelRateLimited):
        library.add("a.md", "a fox")
    assert library.names("owl", method="lexical") == ["a.md"]
    assert library.index.check() == ()


def test_a_stopped_call_leaves_nothing(libraries: Callable[..., Library]) -> None:
    library = libraries()
    stop = Stop()
    library.embeddings.before = lambda _: stop.set()
    with pytest.raises(Stopped):
        library.add("long.md", LONG, stop=stop)
    assert library.index.check() == ()
    assert library.index.documents(library.id).items == ()


def test_chroma_out_of_reach_loses_nothing(libraries: Callable[..., Library], tmp_path: Path) -> None:
    vectors = Failing(tmp_path / "index" / "chroma")
    library = libraries(vectors=vectors)
    first = library.add("a.md", "an owl").document_id or ""
    library.index.deliver()
    vectors.down = True
    library.add("long.md", LONG)
    library.index.remove(first)
    library.index.deliver()
    assert library.names("geese", top_k=3) == ["long.md"]  # the waiting ones are searched
    with pytest.raises(KnowledgeUnavailable):
        library.add("more.md", "another owl")  # but they do not grow without end
    with pytest.raises(KnowledgeUnavailable):
        library.index.check()
    vectors.down = False
    assert library.index.check() == ()
    assert vectors.readable(library.id).keys() == {p.chunk_id for p in _all(library)}


def _all(library: Library) -> Sequence[Any]:
    from holdfast.core.domain.options import KnowledgeUse

    return library.index.all_passages([KnowledgeUse(collection=library.id)], 1 << 30)[0]


VICTIM = """
import random, sys
from pathlib import Path
from tests.fakes.plain_index import Library

library = Library(Path(sys.argv[1]))
print("ready", flush=True)
chance = random.Random(int(sys.argv[2]))
for turn in range(100_000):
    name = f"{chance.randrange(12)}.md"
    if chance.random() < 0.15:
        known = [d for d in library.index.documents(library.id).items if d.name == name]
        for document in known:
            library.index.remove(document.id)
    else:
        library.add(name, "\\n\\n".join(f"{name} {turn} about owls" for _ in range(chance.randrange(1, 90))))
    if chance.random() < 0.1:
        library.index.deliver()
"""


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_index_is_whole_when_it_is_opened_again(
    libraries: Callable[..., Library], tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    victim = subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(tmp_path), str(seed)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert victim.stdout is not None
    assert victim.stdout.readline() == b"ready\n"
    with pytest.raises(subprocess.TimeoutExpired):
        victim.wait(chance.uniform(0.3, 0.9))
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    victim.stdout.close()

    library = libraries()
    for document in library.index.documents(library.id).items:
        chunks = library.index.chunks(document.id, limit=1_000).items
        assert [chunk.number for chunk in chunks] == list(range(document.chunks))
        assert len({chunk.text for chunk in chunks}) == 1, "two versions in one document"
    assert library.index.check() == ()


# --- checking and repairing


def damage(library: Library, *statements: str) -> None:
    """Changes the database behind the index's back."""
    with sqlite3.connect(library.index.path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def repaired(library: Library) -> list[str]:
    """Repairs, and returns what was wrong; afterwards nothing is."""
    problems = library.index.check()
    mended = library.index.check(repair=True)
    assert {p.problem for p in problems} <= {p.problem for p in mended}
    assert all(p.repaired for p in mended)
    assert library.index.check() == ()
    return [problem.problem for problem in problems]


@pytest.fixture
def filled(library: Library) -> Library:
    library.add("long.md", LONG)
    library.add("a.md", "an owl\n\na fox")
    library.index.deliver()
    return library


def test_missing_and_surplus_vectors_are_found_and_mended(filled: Library) -> None:
    vectors = VectorStore(filled.folder / "index" / "chroma")
    ids = sorted(vectors.readable(filled.id))
    vectors.delete(filled.id, ids[:3])
    vectors.upsert(filled.id, [99_999], [1], Letters().embed("wordllama", ["x"]))
    assert repaired(filled) == ["3 of 602 chunks have no vector", "1 vectors belong to no chunk"]
    assert vectors.readable(filled.id).keys() == set(ids)


def test_missing_words_are_found_and_mended(filled: Library) -> None:
    damage(
        filled,
        "INSERT INTO words (words, rowid, headings, text, names) "
        "SELECT 'delete', id, headings, text, names FROM passages WHERE id = 601",
    )
    assert filled.names("owl", method="lexical") == []
    assert repaired(filled) == ["the words of 1 chunks are missing or too many"]
    assert filled.names("owl", method="lexical") == ["a.md"]


def test_vectors_of_no_collection_are_found_and_dropped(filled: Library) -> None:
    VectorStore(filled.folder / "index" / "chroma").create("unknown")
    assert repaired(filled) == ["vectors of no collection"]


def test_lost_chunks_are_told_of(filled: Library) -> None:
    damage(filled, "DELETE FROM passages WHERE id = 602")
    problems = [p.problem for p in filled.index.check()]
    assert "a.md has not all of its chunks; add it again" in problems


def test_chromas_folder_that_is_gone_is_told_of_and_made_anew(filled: Library) -> None:
    shutil.rmtree(filled.folder / "index" / "chroma")
    for attempt in (lambda: filled.find("owl"), lambda: filled.add("b.md", "a hen")):
        with pytest.raises(KnowledgeUnavailable, match="holdfast doctor --repair") as caught:
            attempt()
        assert caught.value.code == "chroma_missing"
    assert filled.names("owl", method="lexical") == ["a.md"]
    assert [d.name for d in filled.index.documents(filled.id).items] == ["a.md", "long.md"]
    assert repaired(filled) == ["its vectors are gone"]
    assert filled.names("an owl", method="vector")[0] == "a.md"


def test_lost_files_of_chroma_are_told_of_and_made_anew(filled: Library) -> None:
    filled.add("longer.md", LONGER)  # Chroma writes its files at a thousand vectors
    filled.index.deliver()
    filled.index.close()
    for folder in (filled.folder / "index" / "chroma").iterdir():
        if folder.is_dir():
            shutil.rmtree(folder)
    filled.index = filled.opened()
    assert repaired(filled) == ["its vectors cannot be read"]
    assert filled.names("an owl", method="vector")[0] == "a.md"


def test_a_folder_that_chroma_cannot_read_is_told_of(filled: Library) -> None:
    filled.index.close()
    (filled.folder / "index" / "chroma" / "chroma.sqlite3").write_bytes(b"from the future" * 1000)
    filled.index = filled.opened()
    for _ in range(2):
        with pytest.raises(KnowledgeUnavailable) as caught:
            filled.find("owl")
        assert caught.value.code == "chroma_unreadable"
    assert filled.names("owl", method="lexical") == ["a.md"]
    problems = repaired(filled)
    assert "Chroma cannot use its folder" in problems[0]
    assert filled.names("an owl", method="vector")[0] == "a.md"
    aside = [p for p in (filled.folder / "index").iterdir() if p.name.startswith("chroma.")]
    assert (aside[0] / "chroma.sqlite3").read_bytes().startswith(b"from the future"), "nothing is thrown away"


# --- another model


def test_a_collection_gets_another_model_when_all_its_documents_have(filled: Library) -> None:
    ids = [document.id for document in filled.index.documents(filled.id).items]
    assert filled.index.reembed(filled.id, "other/small", stop=Stop()) == 2
    assert filled.index.reembed(filled.id, "other/small", ids[0], stop=Stop()) == 2
    assert filled.index.collection(filled.id).embedding_model == "wordllama"
    assert filled.names("an owl", method="vector")[0] == "a.md"
    filled.add("new.md", "a hen came meanwhile")
    filled.reopen()
    filled.index.reembed(filled.id, "other/small", stop=Stop())  # as a job that is taken up again does
    filled.index.reembed(filled.id, "other/small", ids[1], stop=Stop())
    collection = filled.index.collection(filled.id)
    assert (collection.embedding_model, collection.dimensions) == ("other/small", 13)
    assert sum(n for model, n in filled.embeddings.calls if model == "other/small") == 603, (
        "none was made twice"
    )
    assert filled.index.reembed(filled.id, "other/small", ids[1], stop=Stop()) == 600
    assert filled.names("an owl", method="vector")[0] == "a.md"
    assert filled.index.check() == ()


def test_a_document_that_goes_while_vectors_are_made_anew_is_not_waited_for(filled: Library) -> None:
    ids = [document.id for document in filled.index.documents(filled.id).items]
    filled.index.reembed(filled.id, "other/small", stop=Stop())
    filled.index.reembed(filled.id, "other/small", ids[0], stop=Stop())
    filled.index.remove(ids[1])
    assert filled.index.collection(filled.id).embedding_model == "other/small"
    assert filled.index.check() == ()


def test_a_third_model_begins_anew(filled: Library) -> None:
    filled.embeddings.dimensions["third/model"] = 5
    first = filled.index.documents(filled.id).items[0].id
    filled.index.reembed(filled.id, "other/small", stop=Stop())
    filled.index.reembed(filled.id, "other/small", first, stop=Stop())
    filled.index.reembed(filled.id, "third/model", stop=Stop())
    for document in filled.index.documents(filled.id).items:
        filled.index.reembed(filled.id, "third/model", document.id, stop=Stop())
    assert filled.index.collection(filled.id).dimensions == 5
    assert filled.index.check() == ()


def test_an_empty_collection_has_its_new_model_at_once(library: Library) -> None:
    assert library.index.reembed(library.id, "other/small", stop=Stop()) == 0
    assert library.index.collection(library.id).embedding_model == "other/small"
    library.add("a.md", "an owl")
    assert library.index.collection(library.id).dimensions == 13


class Provider:
    """Holds the first call of a model until the test lets it go on."""

    def __init__(self, library: Library, model: str) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()
        self._model = model
        library.embeddings.before = self._wait

    def _wait(self, model: str) -> None:
        if model == self._model and not self.asked.is_set():
            self.asked.set()
            assert self.go_on.wait(10)


def test_a_slow_provider_holds_up_its_own_collection_alone(library: Library) -> None:
    slow = library.collection("slow", embedding_model="other/small")
    gone = library.collection("gone")
    provider = Provider(library, "other/small")
    with ThreadPoolExecutor(1) as threads:
        adding = threads.submit(library.add, "a.md", "an owl", collection=slow.id)
        assert provider.asked.wait(10)
        assert library.add("b.md", "a bat").status == "added"
        library.index.delete(gone.id)
        provider.go_on.set()
        assert adding.result(10).status == "added"
    assert library.index.check() == ()


def test_a_collection_that_goes_while_a_provider_is_asked_leaves_nothing(library: Library) -> None:
    library.add("b.md", "a bat")
    slow = library.collection("slow", embedding_model="other/small")
    provider = Provider(library, "other/small")
    with ThreadPoolExecutor(1) as threads:
        adding = threads.submit(library.add, "a.md", "an owl", collection=slow.id)
        assert provider.asked.wait(10)
        library.index.delete(slow.id)
        provider.go_on.set()
        with pytest.raises(NotFoundError):
            adding.result(10)
    assert library.index.check() == ()


def test_a_collection_that_gets_another_model_meanwhile_gets_its_vectors(library: Library) -> None:
    provider = Provider(library, "wordllama")
    with ThreadPoolExecutor(1) as threads:
        adding = threads.submit(library.add, "a.md", "an owl")
        assert provider.asked.wait(10)
        library.index.reembed(library.id, "other/small", stop=Stop())
        provider.go_on.set()
        assert adding.result(10).status == "added"
    assert library.index.collection(library.id).dimensions == 13
    assert library.embeddings.calls == [("wordllama", 1), ("other/small", 1)]
    assert library.index.check() == ()


def test_many_threads_leave_it_whole(library: Library) -> None:
    def work(seed: int) -> None:
        chance = random.Random(seed)
        for turn in range(12):
            name = f"{chance.randrange(8)}.md"
            match chance.randrange(5):
                case 0:
                    for document in library.index.documents(library.id, name).items:
                        with contextlib.suppress(NotFoundError):  # another thread was quicker
                            library.index.remove(document.id)
                case 1:
                    library.index.deliver()
                case _:
                    text = "\n\n".join(f"geese {seed} {turn}" for _ in range(chance.randrange(1, 40)))
                    assert library.add(f"{name}", text).status != "failed"
            for passage in library.find("geese", top_k=50):
                assert passage.text.startswith("geese")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    for document in library.index.documents(library.id).items:
        chunks = library.index.chunks(document.id, limit=1_000).items
        assert len({chunk.text for chunk in chunks}) == 1, "two versions in one document"
    assert library.index.check() == ()
