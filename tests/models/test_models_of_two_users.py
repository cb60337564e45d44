"""A model that one user has, in runs: his own find it, those of others do not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.runs.conftest import door, open_bench, text

from holdfast.core.domain.errors import ModelNotFound, NotFoundError
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.own_models import OwnModel
from holdfast.core.domain.runs import RunOptions

__all__ = ["door", "open_bench"]

URL = "https://models.example.com/v1"
PRIVATE = {"tools": {"allow_private_hosts": True}}


async def user(bench: Any, name: str) -> Any:
    await bench.workbench.users.add(name)
    made = await bench.workbench.keys.create(name, Scope.ADMIN, user=name)
    return bench.workbench.as_principal(await bench.workbench.authenticate(made.secret))


@pytest.mark.parametrize("door", ["local"])
async def test_runs_find_the_models_of_their_owner_and_of_nobody_else(open_bench: Any, door: str) -> None:
    async with open_bench([text("Mine.")], known_models=True, more_settings=PRIVATE) as bench:
        ann, bob = await user(bench, "ann"), await user(bench, "bob")
        kept = await ann.models.keep(OwnModel(name="mine", kind="server", url=URL), "sk-ann-0123456789")
        assert [each.model.id for each in await ann.models.own()] == [kept.id]
        for other in (bob, bench.workbench):
            assert await other.models.own() == ()
            assert "own/mine" not in {each.name for each in await other.models.list()}
            assert (await other.models.look_up("own/mine")).state == "not_known"
            with pytest.raises(ModelNotFound):
                await other.models.choose("general", flag="own/mine")
            with pytest.raises(ModelNotFound):
                await other.sessions.create("general", model="own/mine")
            session = await other.sessions.create("general")
            with pytest.raises(ModelNotFound):
                await other.runs.send(session.id, (TextPart(text="hi"),), RunOptions(model="own/mine"))
            with pytest.raises(NotFoundError):
                await other.models.forget("mine", private=True)
        me = (await ann.users.me()).user_id
        session = await ann.sessions.create("general", model="own/mine")
        submitted = await ann.runs.send(session.id, (TextPart(text="hi"),), RunOptions())
        async with asyncio.timeout(20):
            async for logged in ann.events.follow(EventFilter(run_id=submitted.run_id), 0):
                if logged.event.type == "run.completed":
                    break
        asked = bench.model.requests[-1]
        assert (asked.model, asked.owner) == ("own/mine", me)
        await bench.workbench.users.remove("ann")
        assert not list(bench.home.rglob("users/*/own-models.json"))
