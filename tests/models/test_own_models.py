"""Models of one's own: what is kept of them, and what runs get of them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.gguf_file import head
from tests.fakes.ollama_server import FakeOllama
from tests.fakes.openai_server import FakeOpenAI

from holdfast.core.config.settings import ModelsSettings
from holdfast.core.domain.errors import (
    ConflictError,
    InvalidError,
    ModelNotFound,
    ModelRequestRefused,
    NotFoundError,
)
from holdfast.core.domain.messages import Message, TextPart
from holdfast.core.domain.models import ModelDelta, ModelRequest, ModelSettings, TextDelta
from holdfast.core.domain.own_models import OwnModel
from holdfast.core.models import own as own_module
from holdfast.core.models.catalog import Catalog
from holdfast.core.models.credentials import Addresses
from holdfast.core.models.local.client import LocalClient
from holdfast.core.models.own import OwnModels
from holdfast.core.models.router import ModelRouter

SERVER = OwnModel(name="vendor/m", kind="server", url="http://127.0.0.1:9/v1/", context_window=8_000)
KEY = "sk-own-0123456789abcdef"


class Secrets(dict[str, str]):
    """Keys by the id of their model."""

    def set(self, name: str, secret: str) -> None:
        self[name] = secret

    def remove(self, name: str) -> None:
        del self[name]


class Kept:
    """What is kept of one home."""

    def __init__(self, folder: Path, **keys: str) -> None:
        self.file = folder / "own.json"
        self.secrets = Secrets()
        self.own = OwnModels(self.file, self.secrets, Addresses(None), keys.get)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path, litellm_proxy="sk-gateway")


def gguf(folder: Path, name: str = "a.gguf", context: int = 4_096) -> Path:
    file = folder / name
    file.write_bytes(head({"general.architecture": "llama", "llama.context_length": context}))
    return file


def request(model: str, **said: Any) -> ModelRequest:
    messages = (Message(role="user", parts=(TextPart(text="hi"),)),)
    return ModelRequest(model=model, messages=messages, settings=ModelSettings(**said))


def test_a_model_is_kept_without_its_key_and_privately(kept: Kept) -> None:
    made = kept.own.keep(SERVER, KEY)
    assert (made.url, made.has_key) == ("http://127.0.0.1:9/v1", True)
    text = kept.file.read_text()
    assert KEY not in text and kept.file.stat().st_mode & 0o077 == 0
    assert kept.secrets == {made.id: KEY} and kept.own.all() == (made,)


def test_a_model_of_the_same_name_takes_the_others_place(kept: Kept) -> None:
    first = kept.own.keep(SERVER, KEY)
    again = kept.own.keep(SERVER.model_copy(update={"display_name": "Mine"}), None)
    assert (again.id, again.has_key, kept.own.all()) == (first.id, True, (again,))
    bare = kept.own.keep(SERVER, "")
    assert not bare.has_key and kept.secrets == {}
    assert kept.own.forget("vendor/m", file=True) is False and kept.own.all() == ()
    with pytest.raises(NotFoundError):
        kept.own.forget("vendor/m", file=False)


def test_a_key_is_not_taken_along_to_another_server(kept: Kept) -> None:
    kept.own.keep(SERVER, KEY)
    path = SERVER.model_copy(update={"url": "http://127.0.0.1:9/other"})
    assert kept.own.keep(path, None).has_key
    elsewhere = SERVER.model_copy(update={"url": "http://127.0.0.1:10/v1"})
    assert not kept.own.keep(elsewhere, None).has_key and kept.secrets == {}
    assert kept.own.resolved(request("own/vendor/m")).key is None
    gateway = OwnModel(name="vendor/m", kind="provider", model="openrouter/a/b")
    kept.own.keep(gateway, KEY)
    assert kept.own.keep(gateway.model_copy(update={"model": "openrouter/a/c"}), None).has_key
    assert not kept.own.keep(gateway.model_copy(update={"model": "openai/c"}), None).has_key


@pytest.mark.parametrize(
    "model",
    [
        OwnModel(name="a", kind="server"),
        OwnModel(name="a", kind="server", url="ftp://x"),
        OwnModel(name="a", kind="server", url="http://user:pass@host/v1"),
        OwnModel(name="a", kind="server", url="http://h/v1", path="/x.gguf"),
        OwnModel(name="a", kind="provider"),
        OwnModel(name="a", kind="provider", model="openai/gpt-4o", url="http://h/v1"),
        OwnModel(name="a", kind="file", path="/x.gguf", url="http://h/v1"),
    ],
)
def test_what_cannot_be_a_model_is_refused(kept: Kept, model: OwnModel) -> None:
    with pytest.raises(InvalidError):
        kept.own.keep(model, None)
    assert not kept.file.exists()


def test_a_model_of_a_provider_that_is_not_known_is_kept_and_cannot_be_used(kept: Kept) -> None:
    kept.own.keep(OwnModel(name="a", kind="provider", model="nobody/x"), None)
    info = kept.own.info_called("own/a")
    assert not info.available and info.note == "no provider is called nobody"


def test_there_are_only_so_many(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_module, "MAX_MODELS", 1)
    kept.own.keep(SERVER, None)
    kept.own.keep(SERVER, None)
    with pytest.raises(ConflictError):
        kept.own.keep(SERVER.model_copy(update={"name": "b"}), None)


def test_a_file_with_a_mistake_is_told_where_it_is_asked_for(kept: Kept) -> None:
    kept.file.write_text('[{"name": "a", "kind": "boat"}]')
    with pytest.raises(InvalidError, match=r"0\.kind"):
        kept.own.all()
    assert kept.own.infos() == ()


def test_a_call_goes_to_the_models_own_address_with_its_own_key_whatever_an_agent_says(kept: Kept) -> None:
    kept.own.keep(SERVER.model_copy(update={"max_output_tokens": 99, "reasoning_effort": "low"}), KEY)
    call = kept.own.resolved(request("own/vendor/m", api_base="http://elsewhere/v1", temperature=0.5))
    assert (call.request.model, call.key, call.given) == ("custom/vendor/m", KEY, True)
    settings = call.request.settings
    assert (settings.api_base, settings.temperature) == ("http://127.0.0.1:9/v1", 0.5)
    assert (settings.max_output_tokens, settings.reasoning_effort) == (99, "low")
    assert KEY not in repr(call)


def test_a_server_without_a_key_gets_none_but_its_gateways(kept: Kept) -> None:
    kept.own.keep(SERVER, None)
    assert kept.own.resolved(request("own/vendor/m")).key is None
    kept.own.keep(SERVER.model_copy(update={"key_of": "litellm_proxy"}), None)
    assert kept.own.resolved(request("own/vendor/m")).key == "sk-gateway"


def test_a_model_of_a_provider_uses_the_providers_key_unless_it_has_its_own(kept: Kept) -> None:
    made = OwnModel(name="mini", kind="provider", model="openai/gpt-4o-mini", context_window=9_000)
    kept.own.keep(made, None)
    call = kept.own.resolved(request("own/mini"))
    assert (call.request.model, call.given, call.request.settings.api_base) == (
        "openai/gpt-4o-mini",
        False,
        None,
    )
    info = kept.own.info_called("own/mini")
    assert (info.name, info.context_window, info.takes_images) == ("own/mini", 9_000, True)
    assert info.input_usd_per_million == 0.15
    kept.own.keep(made, KEY)
    assert kept.own.resolved(request("own/mini")).given is True


def test_a_file_is_run_with_no_more_than_it_was_made_for(kept: Kept, tmp_path: Path) -> None:
    file = gguf(tmp_path, context=4_096)
    for window, used in ((None, 4_096), (2_000, 2_000), (100_000, 4_096)):
        kept.own.keep(OwnModel(name="f", kind="file", path=str(file), context_window=window), None)
        assert kept.own.info_called("local/f").context_window == used
    gguf(tmp_path, context=1_000_000)
    kept.own.keep(OwnModel(name="f", kind="file", path=str(file)), None)
    assert kept.own.info_called("local/f").context_window == own_module.DEFAULT_WINDOW
    file.unlink()
    gone = kept.own.info_called("local/f")
    assert not gone.available and "no file" in gone.note


def test_only_a_model_is_deleted_with_its_name(kept: Kept, tmp_path: Path) -> None:
    file = gguf(tmp_path)
    model = OwnModel(name="f", kind="file", path=str(file))
    kept.own.keep(model, None)
    file.write_text("a letter to my mother")
    assert kept.own.forget("f", file=True) is False and file.exists()
    gguf(tmp_path)
    kept.own.keep(model, None)
    assert kept.own.forget("f", file=True) is True and not file.exists()


async def test_the_catalogue_knows_them_and_what_is_not_kept_is_not_found(kept: Kept, tmp_path: Path) -> None:
    kept.own.keep(SERVER, None)
    kept.own.keep(OwnModel(name="f", kind="file", path=str(gguf(tmp_path))), None)
    catalog = Catalog(lambda _: None, ModelsSettings(), {}, addresses=Addresses(None), own=kept.own)
    names = [each.name for each in await catalog.list()]
    assert names[:3] == ["offline", "local/f", "own/vendor/m"]
    assert (await catalog.get("own/vendor/m")).context_window == 8_000
    choice = await catalog.choose(flag=None, session="local/f", agent=None, settings=None)
    assert choice.model == "local/f"
    for name in ("own/none", "local/none"):
        with pytest.raises(ModelNotFound):
            await catalog.get(name)


def test_models_are_looked_up_without_asking_anybody(kept: Kept) -> None:
    known = (
        "gpt-4o",
        "openrouter/anthropic/claude-sonnet-4.5",
        "openrouter/openai/gpt-4o:free",
        "x-ai/grok-4.20",
        "openrouter/anthropic/claude-3.5-sonnet",  # of a cloud that has its maker's models
        "openrouter/qwen/qwen3-coder",
    )
    assert {kept.own.look_up(name).state for name in known} == {"known"}
    behind = kept.own.look_up("openrouter/anthropic/claude-3.5-sonnet").info
    assert behind is not None and behind.name == "openrouter/anthropic/claude-3.5-sonnet"
    assert behind.context_window == 200_000 and behind.takes_images
    assert kept.own.look_up("openrouter/openai/gpt-99").state == "not_known"
    assert kept.own.look_up("no-such-model").state == "not_known"
    assert kept.own.look_up("openrouter/nobody/x").state == "undecided"
    assert kept.own.look_up("own/none").state == "not_known"


# --- calls


class Blobs:
    def get(self, digest: str) -> bytes:
        return b""


async def said(stream: AsyncIterator[ModelDelta]) -> str:
    return "".join([delta.text async for delta in stream if isinstance(delta, TextDelta)])


@pytest.fixture
def router(kept: Kept, tmp_path: Path) -> ModelRouter:
    blobs: Any = Blobs()
    files = LocalClient(kept.own, blobs, tmp_path / "log", {}, package="no_such_package")
    return ModelRouter(
        lambda _: "sk-of-the-provider",
        blobs,
        tmp_path / "log",
        {},
        in_process=True,
        own=kept.own,
        local=files,
    )


@pytest.mark.thorough
async def test_servers_and_ollamas_of_ones_own_answer(kept: Kept, router: ModelRouter) -> None:
    with (
        FakeOpenAI([{"text": "From llama.cpp."}], key=KEY) as server,
        FakeOllama(["t"], ["Hel", "lo."]) as ollama,
    ):
        kept.own.keep(OwnModel(name="qwen", kind="server", url=server.url), KEY)
        kept.own.keep(OwnModel(name="mine", kind="ollama", model="tiny:1b", url=ollama.url), None)
        assert await said(router.stream(request("own/qwen"))) == "From llama.cpp."
        assert server.requests[0].body["model"] == "qwen"
        assert await said(router.stream(request("own/mine"))) == "Hello."
        assert ollama.asked[0]["model"] == "tiny:1b"
        state = kept.own.ollama(ollama.url)
        assert (state.available, state.version, state.models[0].name) == (True, "0.12.9", "t")
    await router.close()


async def test_without_llama_cpp_it_is_said_how_to_get_it(
    kept: Kept, router: ModelRouter, tmp_path: Path
) -> None:
    kept.own.keep(OwnModel(name="f", kind="file", path=str(gguf(tmp_path))), None)
    with pytest.raises(ModelRequestRefused, match=r"pip install 'holdfast\[local\]'"):
        await said(router.stream(request("local/f")))
    with pytest.raises(ModelNotFound):
        await said(router.stream(request("local/none")))
    await router.close()


def test_what_an_ollama_says_is_not_believed(kept: Kept) -> None:
    odd = FakeOpenAI(ollama=["a\x1b[2J" + "x" * 500])
    with odd as server:
        found = kept.own.ollama(server.url.removesuffix("/v1"))
    assert found.available and "\x1b" not in found.models[0].name and len(found.models[0].name) <= 200
    assert kept.own.ollama("http://127.0.0.1:9").available is False
    assert kept.own.ollama(None).problem
    assert json.loads(kept.own.ollama("http://127.0.0.1:9").model_dump_json())["models"] == []
