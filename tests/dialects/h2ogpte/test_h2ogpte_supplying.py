"""Documents that are laid before an agent of h2oGPTe's as files."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any, cast

import pytest

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.transfer import Download
from holdfast.core.domain.values import Page
from holdfast.server.dialects.h2ogpte import supplying


class Bench:
    """A workbench of one collection and one chat."""

    def __init__(self, documents: dict[str, bytes], there: tuple[str, ...] = (), gone: str = "") -> None:
        self.laid: dict[str, bytes] = {}
        self._documents = documents
        self._there = there
        self._gone = gone
        self.knowledge = self.files = self

    async def list(self, chat_id: str) -> list[Any]:
        return [SimpleNamespace(path=path) for path in self._there]

    async def documents(self, collection_id: str, query: str, limit: int, cursor: Any) -> Any:
        sizes = {name: len(data) for name, data in self._documents.items()}
        every = [SimpleNamespace(id=name, name=name, size=size) for name, size in sizes.items()]
        return Page[Any](items=tuple(every[:limit]))

    async def original(self, document_id: str) -> Download:
        if document_id == self._gone:
            raise NotFoundError("It is not kept.")
        file = io.BytesIO(self._documents[document_id])

        async def read() -> bytes:
            return file.read(2)

        async def close() -> None:
            file.close()

        return Download(document_id, "text/plain", len(self._documents[document_id]), read, close)

    async def upload(self, chat_id: str, path: str, data: Any, expected: str | None = None) -> None:
        assert expected == ""
        self.laid[path] = data.read()


async def supplied(bench: Bench) -> dict[str, bytes]:
    await supplying.supply(cast(Any, bench), "chat", "collection")
    return bench.laid


async def test_what_is_there_already_or_not_kept_is_left_out() -> None:
    bench = Bench({"a": b"one", "b": b"two", "c": b"three"}, there=("a",), gone="b")
    assert await supplied(bench) == {"c": b"three"}


async def test_a_document_for_which_there_is_no_room_leaves_it_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supplying, "MOST_BYTES", 8)
    documents = {"a": b"123", "large": b"1234567", "b": b"123", "c": b"123"}
    assert set(await supplied(Bench(documents))) == {"a", "b"}
    assert set(await supplied(Bench(documents, there=("a", "b")))) == set()
