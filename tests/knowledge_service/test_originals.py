"""The bytes of documents as they were taken in."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.domain.errors import NotFoundError


async def only(shelf: Any) -> str:
    (document,) = (await shelf.workbench.knowledge.documents("docs")).items
    id: str = document.id
    return id


async def test_an_upload_comes_back_byte_by_byte(shelf: Any) -> None:
    knowledge = shelf.workbench.knowledge
    job = await knowledge.upload("docs", "paper.md", b"\xef\xbb\xbf# Title\r\n")
    assert (await shelf.workbench.jobs.get(job.id, wait_s=10)).status == "completed"
    found = await knowledge.original(await only(shelf))
    assert (found.name, found.size) == ("paper.md", 12)
    assert await found.read() == b"\xef\xbb\xbf# Title\r\n"


async def test_a_file_comes_while_it_is_the_same(shelf: Any) -> None:
    knowledge = shelf.workbench.knowledge
    path = shelf.file("a.md", "one")
    await shelf.added(path)
    document_id = await only(shelf)
    assert await (await knowledge.original(document_id)).read() == b"one"
    path.write_text("two")
    for _ in range(2):
        with pytest.raises(NotFoundError) as caught:
            await knowledge.original(document_id)
        assert caught.value.code == "original_gone"
        path.unlink(missing_ok=True)


async def test_the_original_of_anothers_document_is_not_there(shelf: Any) -> None:
    await shelf.added(shelf.file("a.md", "one"))
    document_id = await only(shelf)
    with pytest.raises(NotFoundError) as caught:
        await shelf.view().knowledge.original(document_id)
    assert caught.value.code == "document_not_found"
