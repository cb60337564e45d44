"""What users agree to: kept with its date and its text, each user's own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast.core.domain.agreements import DECENTRALIZED, Agreement
from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.core.domain.values import utc_now


async def test_an_agreement_is_accepted_once_with_its_date(open_bench) -> None:
    async with open_bench() as bench:
        users = bench.workbench.users
        (before,) = await users.agreements()
        assert (before.title, before.accepted_at) == ("Decentralized Inference Agreement", None)
        assert "machines" in before.text
        accepted = await users.accept(DECENTRALIZED)
        assert accepted == before.model_copy(update={"accepted_at": accepted.accepted_at})
        assert accepted.accepted_at is not None
        assert utc_now() - accepted.accepted_at < timedelta(minutes=1)
        assert await users.accept(DECENTRALIZED) == accepted
        assert await users.agreements() == (accepted,)
        with pytest.raises(NotFoundError):
            await users.accept("eternal-life")


async def test_what_one_user_accepts_binds_nobody_else_and_goes_with_him(open_bench) -> None:
    async with open_bench() as bench:
        ann = await bench.workbench.users.add("ann")
        principal = Principal(user_id=ann.id, name="ann", role=Role.USER, scope=Scope.ADMIN)
        hers = bench.workbench.as_principal(principal)
        await hers.users.accept(DECENTRALIZED)
        assert [each.accepted_at for each in await bench.workbench.users.agreements()] == [None]
        await bench.workbench.users.remove("ann")
        assert [each.accepted_at for each in await hers.users.agreements()] == [None]


async def test_another_wording_is_asked_for_again(open_bench, monkeypatch) -> None:
    new = Agreement(name=DECENTRALIZED, title="New", text="Other words.")
    async with open_bench() as bench:
        old = await bench.workbench.users.accept(DECENTRALIZED)
        monkeypatch.setattr("holdfast.core.services.agreements.known_agreements", lambda: (new,))
        assert await bench.workbench.users.agreements() == (old,)
        again = await bench.workbench.users.accept(DECENTRALIZED)
        assert (again.text, await bench.workbench.users.agreements()) == (new.text, (again,))
