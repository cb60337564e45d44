"""Prompts of a user's own: made, changed, put into the trash and brought back; nobody else's business."""

from __future__ import annotations

import pytest

from holdfast.core.domain.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.core.domain.prompts import PromptSpec
from holdfast.core.services import own_prompts


async def test_a_prompt_is_made_changed_and_found_by_name_key_and_id(bench) -> None:
    made = await bench.prompts.create(PromptSpec(name="greet", title="Greeting", text="Hello {{who}}"))
    for name in ("greet", "own:greet", made.info.id):
        assert await bench.prompts.get(name) == made
    spec = PromptSpec(name="hail", text="Hail $1")
    changed = await bench.prompts.update("own:greet", spec, made.digest)
    assert (changed.info.id, changed.info.name, changed.info.words) == (made.info.id, "hail", 1)
    assert changed.digest != made.digest
    with pytest.raises(ConflictError) as caught:
        await bench.prompts.update("hail", spec, made.digest)
    assert caught.value.code == "prompt_changed"
    assert [each.name for each in await bench.prompts.list()] == ["hail"]


async def test_a_name_is_taken_once_and_there_are_not_too_many(bench, monkeypatch) -> None:
    await bench.prompts.create(PromptSpec(name="a", text="x"))
    await bench.prompts.create(PromptSpec(name="b", text="x"))
    for attempt in (
        bench.prompts.create(PromptSpec(name="a", text="y")),
        bench.prompts.update("b", PromptSpec(name="a", text="y")),
    ):
        with pytest.raises(ConflictError) as caught:
            await attempt
        assert caught.value.code == "prompt_exists"
    monkeypatch.setattr(own_prompts, "MAX_PROMPTS", 2)
    with pytest.raises(ConflictError) as caught:
        await bench.prompts.create(PromptSpec(name="c", text="x"))
    assert caught.value.code == "too_many_prompts"


async def test_a_prompt_without_a_text_is_none(bench) -> None:
    with pytest.raises(InvalidError) as caught:
        await bench.prompts.create(PromptSpec(name="a", text=" \n"))
    assert caught.value.code == "invalid_prompt"


async def test_a_deleted_prompt_comes_back_unless_its_name_is_taken(bench) -> None:
    made = await bench.prompts.create(PromptSpec(name="a", text="first"))
    await bench.prompts.delete("a")
    with pytest.raises(NotFoundError):
        await bench.prompts.get(made.info.id)
    await bench.prompts.create(PromptSpec(name="a", text="second"))
    with pytest.raises(ConflictError):
        await bench.host.trash.restore("prompt", made.info.id)
    await bench.prompts.delete("a")
    await bench.host.trash.restore("prompt", made.info.id)
    assert await bench.prompts.get("a") == made


async def test_only_prompts_of_the_users_own_are_changed(bench) -> None:
    bench.write("a.md", "x")
    for attempt in (
        bench.prompts.update("a", PromptSpec(name="a", text="y")),
        bench.prompts.delete("a"),
        bench.prompts.attach("a", b"x", "x.txt"),
    ):
        with pytest.raises(NotFoundError) as caught:
            await attempt
        assert caught.value.code == "prompt_not_found"


async def test_users_see_their_own_prompts_alone_and_lose_them_with_their_account(bench) -> None:
    user = await bench.host.users.add("ann", Role.USER)

    def seen(scope: Scope):
        return bench.host.as_principal(Principal(user_id=user.id, name="ann", role=Role.USER, scope=scope))

    await seen(Scope.ADMIN).prompts.create(PromptSpec(name="hers", text="x"))
    await bench.prompts.create(PromptSpec(name="his", text="x"))
    assert [each.name for each in await seen(Scope.READ).prompts.list()] == ["hers"]
    with pytest.raises(NotFoundError):
        await seen(Scope.CHAT).prompts.resolve("his")
    with pytest.raises(ForbiddenError):
        await seen(Scope.CHAT).prompts.delete("hers")
    with pytest.raises(ForbiddenError):
        await seen(Scope.READ).prompts.list(project=str(bench.project))
    await bench.host.users.remove("ann")
    assert await bench.host._core.own_prompts.of(user.id) == ()
