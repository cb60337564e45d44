"""Changes of agents that stand on what the agent says, many at once."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from holdfast.core.domain.agents import AgentInfo, AgentSource, AgentSpec, Layer
from holdfast.core.domain.errors import AgentFileError, ConflictError
from holdfast.server.kit.revising import revise

ID = "8c1f0a52-3f0e-4a86-9a43-0c0a5be1d001"


class Shelf:
    """One agent whose tags are changed; `foreign` changes of others come in between."""

    def __init__(self, *, foreign: int = 0, wrong: bool = False) -> None:
        self.tags: tuple[str, ...] = ()
        self.edits = 0
        self._foreign = foreign
        self._wrong = wrong
        self.bench: Any = SimpleNamespace(agents=self)

    async def source(self, name: str) -> AgentSource:
        await asyncio.sleep(0)
        digest = str(len(self.tags))
        return AgentSource(text="", digest=digest, path="", values={"tags": list(self.tags)})

    async def get(self, name: str) -> AgentInfo:
        await asyncio.sleep(0)
        spec = None if self._wrong else AgentSpec(version=1, name="a", tags=self.tags)
        return AgentInfo(id=ID, name="a", layer=Layer.USER, path="", spec=spec)

    async def edit(self, name: str, changes: dict[str, Any], expected: str) -> AgentInfo:
        await asyncio.sleep(0)
        self.edits += 1
        if self._foreign:
            self._foreign -= 1
            self.tags += ("other",)
        if expected != str(len(self.tags)):
            raise ConflictError("It has changed.", code="agent_changed")
        self.tags = tuple(changes["tags"])
        return await self.get(name)


def tagged(tag: str) -> Any:
    return lambda info, values: {"tags": [*values["tags"], tag]}


async def test_many_at_once_are_all_made_each_in_one_attempt() -> None:
    shelf = Shelf()
    await asyncio.gather(*(revise(shelf.bench, ID, tagged(str(number))) for number in range(30)))
    assert sorted(map(int, shelf.tags)) == list(range(30))
    assert shelf.edits == 30


async def test_a_change_of_somebody_else_is_kept() -> None:
    shelf = Shelf(foreign=3)
    await revise(shelf.bench, ID, tagged("mine"))
    assert shelf.tags == ("other", "other", "other", "mine") and shelf.edits == 4


async def test_where_nothing_changes_nothing_is_written() -> None:
    shelf = Shelf()
    assert (await revise(shelf.bench, ID, lambda info, values: {})).name == "a"
    assert shelf.edits == 0


async def test_a_file_with_mistakes_is_changed_only_to_mend_them() -> None:
    shelf = Shelf(wrong=True)
    with pytest.raises(AgentFileError):
        await revise(shelf.bench, ID, tagged("x"))
    await revise(shelf.bench, ID, tagged("x"), mistaken=True)
    assert shelf.tags == ("x",)
