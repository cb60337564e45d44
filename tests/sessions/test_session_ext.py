"""What clients of other systems keep with a session, and the runs of messages."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from tests.runs.conftest import door, open_bench, say

from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.session_events import SessionAnnotated

__all__ = ["door", "open_bench", "say"]


async def test_what_is_kept_with_a_session_comes_back_as_it_was(open_bench) -> None:
    kept = {"h2ogpte": {"collection_id": "c1", "list": [1, {"ü": None}]}}
    async with open_bench() as bench:
        sessions = bench.workbench.sessions
        session = await bench.session(ext=kept)
        assert session.ext == (await sessions.get(session.id)).ext == kept
        assert (await sessions.list()).items[0].ext == kept
    async with open_bench() as again:
        assert (await again.workbench.sessions.get(session.id)).ext == kept


async def test_each_api_changes_only_what_is_its_own(open_bench) -> None:
    async with open_bench() as bench:
        sessions = bench.workbench.sessions
        session = await bench.session(ext={"sage": {"a": 1}})
        assert (await sessions.annotate(session.id, {"dexto": {"b": 2}})).ext == {
            "sage": {"a": 1},
            "dexto": {"b": 2},
        }
        assert (await sessions.annotate(session.id, {"sage": {}})).ext == {"dexto": {"b": 2}}
        with pytest.raises(NotFoundError):
            await sessions.annotate("nothing", {"dexto": {"b": 2}})


async def test_what_several_apis_keep_has_a_bound_together(open_bench) -> None:
    async with open_bench() as bench:
        session = await bench.session(ext={"sage": {"a": "x" * 40_000}})
        with pytest.raises(InvalidError, match="64 KiB"):
            await bench.workbench.sessions.annotate(session.id, {"dexto": {"b": "y" * 40_000}})
        assert set((await bench.workbench.sessions.get(session.id)).ext) == {"sage"}


async def test_a_session_begins_with_no_more_than_fits(open_bench) -> None:
    async with open_bench() as bench:
        with pytest.raises(InvalidError) as caught:
            await bench.session(ext={"sage": {"a": "x" * 70_000}})
        assert caught.value.code == "invalid_ext"
        assert (await bench.workbench.sessions.list()).items == ()


async def test_a_fork_has_what_is_kept_with_its_session(open_bench) -> None:
    async with open_bench() as bench:
        session = await bench.session()
        await bench.workbench.sessions.annotate(session.id, {"sage": {"a": 1}})
        fork = await bench.workbench.sessions.fork(session.id)
        assert fork.ext == {"sage": {"a": 1}}


def test_what_is_kept_has_a_bound() -> None:
    for ext in ({"a": {"x": "y" * 70_000}}, {"No": {"x": 1}}, {"a": 1}):
        with pytest.raises(ValidationError):
            SessionAnnotated(session_id="s1", ext=ext)


async def test_a_message_leads_to_its_run_also_one_that_entered_it_later(open_bench, say) -> None:
    async with open_bench([say("One"), say("Two")]) as bench:
        runs = bench.workbench.runs
        session = await bench.session()
        parts = (TextPart(text="Hello"),)
        first = await runs.send(session.id, parts, message_id="mine")
        await bench.end(first.run_id)
        second = await runs.send(session.id, parts)
        await bench.end(second.run_id)
        assert (await runs.of_message("mine")).id == first.run_id
        assert (await runs.of_message(second.message_id)).id == second.run_id
        with pytest.raises(NotFoundError):
            await runs.of_message("nobody's")
        await bench.workbench.sessions.delete(session.id, permanent=True)
        with pytest.raises(NotFoundError):
            await runs.of_message("mine")
