"""What clients of other systems keep with a user."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.domain.errors import ForbiddenError, InvalidError
from holdfast.core.domain.identity import Scope


async def test_each_api_keeps_its_own_for_each_user(open_bench: Any) -> None:
    async with open_bench() as bench:
        host = bench.workbench
        await host.users.add("ann")
        key = await host.keys.create("a", Scope.CHAT, user="ann")
        anns = host.as_principal(await host.authenticate(key.secret))
        assert await host.users.annotations() == {}
        assert await host.users.annotate({"one": {"a": 1}, "two": {"b": ["ü"]}}) != {}
        assert await host.users.annotate({"one": {"a": 2}}) == {"one": {"a": 2}, "two": {"b": ["ü"]}}
        assert await host.users.annotate({"two": {}}) == {"one": {"a": 2}}
        assert await anns.users.annotations() == {}
        await anns.users.annotate({"one": {"mine": True}})
        assert await host.users.annotations() == {"one": {"a": 2}}
        await host.users.remove("ann")
        await host.users.add("ann")
        key = await host.keys.create("b", Scope.READ, user="ann")
        anns = host.as_principal(await host.authenticate(key.secret))
        assert await anns.users.annotations() == {}
        with pytest.raises(ForbiddenError):
            await anns.users.annotate({"one": {"a": 1}})


async def test_only_so_much_is_kept(open_bench: Any) -> None:
    async with open_bench() as bench:
        host = bench.workbench
        await host.users.annotate({"one": {"a": "x" * 40_000}})
        with pytest.raises(InvalidError) as caught:
            await host.users.annotate({"two": {"a": "x" * 40_000}})
        assert caught.value.code == "invalid_ext"
        assert set(await host.users.annotations()) == {"one"}
