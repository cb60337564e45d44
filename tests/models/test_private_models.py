"""Models that one user alone has: nobody else sees, names or changes them, and their keys go nowhere else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.fakes.openai_server import FakeOpenAI

from holdfast.core.config.settings import ModelsSettings, Settings
from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    ModelError,
    ModelNotFound,
    ModelRequestRefused,
    NotFoundError,
    UnsupportedError,
)
from holdfast.core.domain.identity import LOCAL_PRINCIPAL, Principal, Role, Scope
from holdfast.core.domain.messages import Message, TextPart
from holdfast.core.domain.models import ModelRequest, TextDelta
from holdfast.core.domain.own_models import OwnModel
from holdfast.core.models import own as own_module
from holdfast.core.models.catalog import Catalog
from holdfast.core.models.credentials import Addresses
from holdfast.core.models.own import OwnModels
from holdfast.core.models.router import ModelRouter
from holdfast.core.services.access import Access
from holdfast.core.services.own_models import OwnModelService
from holdfast.core.tools.web import WebFetcher

ANN, BOB = "user-ann", "user-bob"
KEY = "sk-ann-0123456789abcdef"
MINE = OwnModel(name="mine", kind="server", url="https://models.example.com/v1", model="m")


class Secrets(dict[str, str]):
    def set(self, name: str, secret: str) -> None:
        self[name] = secret

    def remove(self, name: str) -> None:
        del self[name]


class Blobs:
    def get(self, digest: str) -> bytes:
        return b""


class Kept:
    def __init__(self, folder: Path) -> None:
        self.secrets = Secrets()
        self.file = folder / "own-models.json"
        self.own = OwnModels(self.file, self.secrets, Addresses(None), {"openai": "sk-of-engine"}.get)

    def catalog(self) -> Catalog:
        return Catalog(lambda _: None, ModelsSettings(), {}, addresses=Addresses(None), own=self.own)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def request(model: str, owner: str, **said: Any) -> ModelRequest:
    messages = (Message(role="user", parts=(TextPart(text="hi"),)),)
    return ModelRequest(model=model, messages=messages, owner=owner, **said)


def user(user_id: str, role: Role = Role.USER) -> Principal:
    return Principal(user_id=user_id, name=user_id, role=role, scope=Scope.ADMIN)


def resolving(*addresses: str) -> Callable[[str, int], Any]:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


class Desk:
    """The service as users have it."""

    def __init__(self, kept: Kept, **web: Any) -> None:
        self._kept, self._web = kept, WebFetcher(**{"resolve": resolving("93.184.216.34"), **web})
        self.settings = Settings()
        self.seen: list[str] = []

    def of(self, principal: Principal) -> OwnModelService:
        access = Access(principal, None, None)  # type: ignore[arg-type]
        return OwnModelService(access, self._kept.own, self._web, lambda _: self.settings, self.seen.append)


# --- who has what


async def test_nobody_else_sees_names_or_removes_what_a_user_keeps(kept: Kept) -> None:
    desk = Desk(kept)
    made = await desk.of(user(ANN)).keep(MINE, KEY, None)
    assert made.private and not made.anywhere and made.key_shown == "sk-a...cdef"
    assert [each.model.id for each in await desk.of(user(ANN)).states()] == [made.id]
    for other in (user(BOB), user(BOB, Role.ADMIN), LOCAL_PRINCIPAL):
        assert await desk.of(other).states() == ()
        with pytest.raises(NotFoundError):
            await desk.of(other).forget("mine", False, True)
    catalog = kept.catalog()
    assert (await catalog.get("own/mine", ANN)).name == "own/mine"
    assert "own/mine" in {each.name for each in await catalog.list(ANN)}
    for owner in (BOB, ""):
        assert "own/mine" not in {each.name for each in await catalog.list(owner)}
        with pytest.raises(ModelNotFound):
            await catalog.get("own/mine", owner)
        with pytest.raises(ModelNotFound):
            await catalog.choose(flag="own/mine", session=None, agent=None, settings=None, owner=owner)
        with pytest.raises(ModelNotFound):
            kept.own.resolved(request("own/mine", owner))
        assert kept.own.look_up("own/mine", owner).state == "not_known"
    call = kept.own.resolved(request("own/mine", ANN))
    assert (call.key, call.request.settings.api_base, call.guarded) == (KEY, MINE.url, True)
    assert call.request.owner == ""


async def test_what_an_administrator_keeps_is_the_engines_unless_he_says_otherwise(kept: Kept) -> None:
    desk = Desk(kept)
    admin = desk.of(user(BOB, Role.ADMIN))
    shared = await admin.keep(MINE, "sk-shared-0123456789", None)
    assert not shared.private
    assert await desk.of(user(ANN)).states() == ()  # what she may use she finds in the list of models
    assert (await kept.catalog().get("own/mine", ANN)).name == "own/mine"
    home = OwnModel(name="mine", kind="server", url="http://127.0.0.1:8080/v1")
    private = await admin.keep(home, "", True)
    assert private.private and private.anywhere
    assert kept.own.resolved(request("own/mine", BOB)).request.settings.api_base == home.url
    assert kept.own.resolved(request("own/mine", BOB)).guarded is False
    assert kept.own.resolved(request("own/mine", ANN)).request.settings.api_base == MINE.url
    assert {each.model.id for each in await admin.states()} == {shared.id, private.id}
    await admin.forget("mine", False, True)
    assert kept.own.resolved(request("own/mine", BOB)).request.settings.api_base == MINE.url


async def test_what_was_kept_before_users_had_their_own_is_still_the_engines(kept: Kept) -> None:
    kept.file.write_text(
        '[{"name":"old","id":"1","kind":"server","url":"http://10.0.0.5:8000/v1","key_of":"openai"}]'
    )
    call = kept.own.resolved(request("own/old", ANN))
    assert (call.key, call.guarded) == ("sk-of-engine", False)
    assert [each.name for each in kept.own.all()] == ["old"] and kept.own.all(ANN) == ()


def test_one_is_added_once_and_names_are_free(kept: Kept) -> None:
    kept.own.keep(MINE, None)  # the engine's of that name stays what runs of others mean
    first = kept.own.add(MINE, KEY, ANN)
    assert (first.added, first.model.name) == (True, "mine-2")
    again = kept.own.add(MINE.model_copy(update={"url": f"{MINE.url}/"}), KEY, ANN)
    assert (again.added, again.model) == (False, first.model)
    other = kept.own.add(MINE, "sk-another-0123456789", ANN)
    assert (other.added, other.model.name) == (True, "mine-3")
    assert kept.own.add(MINE, KEY, BOB).model.id != first.model.id


def test_a_user_keeps_only_so_many(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_module, "MAX_PRIVATE", 1)
    kept.own.add(MINE, KEY, ANN)
    with pytest.raises(ConflictError):
        kept.own.add(MINE, "", ANN)
    kept.own.add(MINE, KEY, BOB)


def test_who_is_gone_leaves_neither_models_nor_keys(kept: Kept) -> None:
    kept.own.add(MINE, KEY, ANN)
    kept.own.add(MINE, KEY, BOB)
    kept.own.forget_user(ANN)
    assert kept.own.all(ANN) == () and len(kept.secrets) == 1 and len(kept.own.all(BOB)) == 1


def test_temperatures_hold_where_nothing_else_is_said(kept: Kept) -> None:
    kept.own.add(MINE.model_copy(update={"temperature": 0.0, "top_p": 0.5}), "", ANN)
    settings = kept.own.resolved(request("own/mine", ANN)).request.settings
    assert (settings.temperature, settings.top_p) == (0.0, 0.5)


# --- what users may say


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"kind": "file", "path": "/m.gguf", "url": "", "model": ""}, "admin_only"),
        ({"kind": "ollama"}, "admin_only"),
        ({"key_of": "openai"}, "admin_only"),
    ],
    ids=["file", "ollama", "key_of"],
)
async def test_files_ollamas_and_keys_of_providers_are_administrators(
    kept: Kept, said: dict[str, Any], code: str
) -> None:
    with pytest.raises(ForbiddenError) as refused:
        await Desk(kept).of(user(ANN)).keep(MINE.model_copy(update=said), None, None)
    assert refused.value.code == code and kept.own.all(ANN) == ()


def test_a_private_model_never_gets_the_key_of_a_provider(kept: Kept) -> None:
    with pytest.raises(InvalidError):
        kept.own.keep(MINE.model_copy(update={"key_of": "openai"}), None, ANN)


@pytest.mark.parametrize(
    "found", [("127.0.0.1",), ("10.0.0.5",), ("169.254.169.254",), ("93.184.216.34", "::1")]
)
async def test_addresses_of_private_networks_are_refused_when_a_model_is_kept(
    kept: Kept, found: tuple[str, ...]
) -> None:
    desk = Desk(kept, resolve=resolving(*found))
    ann = desk.of(user(ANN))
    for call in (ann.keep(MINE, KEY, None), ann.add(MINE, KEY), ann.check(MINE, KEY, ())):
        with pytest.raises(ForbiddenError) as refused:
            await call
        assert refused.value.code == "private_address"
    assert kept.own.all(ANN) == () and kept.secrets == {}
    assert (await desk.of(user(BOB, Role.ADMIN)).keep(MINE, KEY, True)).anywhere
    desk.settings = Settings.model_validate({"tools": {"allow_private_hosts": True}})
    assert not (await ann.keep(MINE, KEY, None)).anywhere


async def test_a_name_that_leads_elsewhere_later_is_refused_at_the_call(kept: Kept, tmp_path: Path) -> None:
    kept.own.keep(MINE, KEY, ANN)
    blobs: Any = Blobs()
    router = ModelRouter(
        *(lambda _: None, blobs, tmp_path / "log", {}), own=kept.own, resolve=resolving("127.0.0.1")
    )
    with pytest.raises(ModelRequestRefused) as refused:
        async for _ in router.stream(request("own/mine", ANN)):
            pass
    assert refused.value.code == "private_address"
    await router.close()


_CONNECTS = """
import asyncio, socket, sys
from holdfast.core.models.public_only import stay_public
stay_public()
port = int(sys.argv[1])
def plainly(host):
    socket.socket().connect((host, port))
async def opened(host):
    await asyncio.open_connection(host, port)
async def httpx_asked(url):
    import httpx
    async with httpx.AsyncClient(follow_redirects=True) as client:
        await client.get(url)
for attempt in (
    lambda: plainly("127.0.0.1"),
    lambda: plainly("localhost"),
    lambda: asyncio.run(opened("127.0.0.1")),
    lambda: asyncio.run(opened("localhost")),
    lambda: asyncio.run(httpx_asked(f"http://127.0.0.1:{port}/v1/models")),
):
    try:
        attempt()
    except Exception as error:
        print(type(error).__name__)
    else:
        print("connected")
"""


def test_a_process_that_stays_public_connects_to_nothing_else_however_it_is_led_there() -> None:
    with FakeOpenAI([]) as server:
        said = subprocess.run(
            [sys.executable, "-c", _CONNECTS, str(server.port)], capture_output=True, text=True, timeout=60
        )
    ends = said.stdout.split()  # a name may have one address, or one of each kind
    assert len(ends) == 5 and {*ends} <= {"PermissionError", "OSError", "ConnectError"}
    assert not server.requests


@pytest.mark.thorough
async def test_the_worker_of_private_models_reaches_no_private_network(kept: Kept, tmp_path: Path) -> None:
    blobs: Any = Blobs()
    with FakeOpenAI([{"text": "From inside."}], key=KEY) as server:
        inside = MINE.model_copy(update={"url": server.url})
        kept.own.keep(inside, KEY, ANN)
        public = resolving("93.184.216.34")  # as a name that leads elsewhere a moment later
        router = ModelRouter(*(lambda _: None, blobs, tmp_path / "log", {}), own=kept.own, resolve=public)
        with pytest.raises(ModelError):
            async for _ in router.stream(request("own/mine", ANN)):
                pass
        assert server.requests == []
        await router.close()
        allowed = ModelRouter(
            *(lambda _: None, blobs, tmp_path / "log", {}), own=kept.own, allow_private=lambda: True
        )
        said = [
            each async for each in allowed.stream(request("own/mine", ANN)) if isinstance(each, TextDelta)
        ]
        assert "".join(each.text for each in said) == "From inside."
        await allowed.close()


# --- what a model can do


def _answer(status: int, body: Any) -> httpx.Response:
    return httpx.Response(status, stream=httpx.ByteStream(json.dumps(body).encode()))


def answering(replies: dict[str, Any]) -> Any:
    """Returns a transport that answers as a server of models, and what it was asked."""
    asked: list[httpx.Request] = []

    def answer(sent: httpx.Request) -> httpx.Response:
        asked.append(sent)
        body = sent.read().decode()
        kind = "images" if "image_url" in body else "structured" if "json_schema" in body else "text"
        said = replies[kind]
        if isinstance(said, int):
            return _answer(said, {"error": {"message": f"no, not with {KEY}"}})
        if said.startswith("http"):
            return httpx.Response(307, headers={"location": said})
        return _answer(200, {"choices": [{"message": {"content": said}}]})

    return asked, lambda: httpx.MockTransport(answer)


async def test_what_a_model_can_do_is_found_out_by_asking_it(kept: Kept) -> None:
    asked, transport = answering({"text": "OK", "images": "Red.", "structured": '{"capital": "Paris"}'})
    desk = Desk(kept, transport=transport)
    found = await desk.of(user(ANN)).check(MINE, KEY, ("images", "structured"))
    assert found.connection.supported and found.images and found.images.supported
    assert found.structured is not None and found.structured.supported
    assert {each.headers["authorization"] for each in asked} == {f"Bearer {KEY}"}
    assert asked[0].url.host == "93.184.216.34" and asked[0].headers["host"] == "models.example.com"
    assert desk.seen == [KEY]


async def test_what_a_model_cannot_is_told_without_its_key(kept: Kept) -> None:
    for replies in ({"text": 401}, {"text": "http://169.254.169.254/"}, {"text": "OK", "images": "Blue"}):
        asked, transport = answering({"images": 400, "structured": "Paris", **replies})
        desk = Desk(kept, transport=transport)
        found = await desk.of(user(ANN)).check(MINE, KEY, ("images", "structured"))
        assert KEY not in found.model_dump_json()
        if found.connection.supported:
            assert found.images is not None and not found.images.supported
            assert found.structured is not None and not found.structured.supported
        else:
            assert found.images is None and len(asked) == 1
    with pytest.raises(UnsupportedError):
        await Desk(kept).of(user(ANN)).check(OwnModel(name="a", kind="provider", model="openai/x"), KEY, ())


@pytest.mark.parametrize(
    "key", ["ключ", "a\r\nX-More: b", "a b", "a" * 9_000], ids=["letters", "lines", "space", "long"]
)
async def test_a_key_that_no_header_can_have_is_neither_sent_nor_kept(kept: Kept, key: str) -> None:
    asked, transport = answering({"text": "OK"})
    ann = Desk(kept, transport=transport).of(user(ANN))
    for call in (ann.check(MINE, key, ()), ann.add(MINE, key), ann.keep(MINE, key, None)):
        with pytest.raises(InvalidError) as refused:
            await call
        assert refused.value.code == "invalid_key"
    assert asked == [] and kept.own.all(ANN) == ()


async def test_a_kept_key_is_asked_with_only_by_its_keeper_and_only_at_its_server(kept: Kept) -> None:
    made = kept.own.keep(MINE, KEY, ANN)
    elsewhere = made.model_copy(update={"url": "https://evil.example.org/v1"})
    for principal, model, key in (
        (user(ANN), made, KEY),
        (user(ANN), elsewhere, None),
        (user(BOB), made, None),
        (user(BOB, Role.ADMIN), made, None),
    ):
        asked, transport = answering({"text": "OK"})
        await Desk(kept, transport=transport).of(principal).check(model, None, ())
        assert asked[0].headers.get("authorization") == (f"Bearer {key}" if key else None)
