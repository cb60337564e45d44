"""`holdfast models`: models of one's own, added, listed, looked at and removed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import FakeDoors, FakeWorkbench

from holdfast.core.domain.models import ModelInfo
from holdfast.core.domain.own_models import (
    Forgotten,
    ModelFile,
    ModelLookup,
    OllamaModel,
    OllamaServer,
    OwnModel,
    OwnModelCheck,
    OwnModelState,
    Tried,
)

Cli = Callable[..., Any]


class Models:
    """Models of one's own in memory, as the service keeps them."""

    def __init__(self) -> None:
        self.kept: dict[str, OwnModel] = {}
        self.keys: dict[str, str | None] = {}
        self.running = True

    async def own(self) -> tuple[OwnModelState, ...]:
        return tuple(
            OwnModelState(model=each, problem="gone" if each.kind == "file" else "")
            for each in self.kept.values()
        )

    async def keep(self, model: OwnModel, key: str | None = None, private: bool | None = None) -> OwnModel:
        self.private = private
        self.keys[model.name] = key
        self.kept[model.name] = model.model_copy(update={"has_key": bool(key)})
        return self.kept[model.name]

    async def forget(self, name: str, file: bool = False, private: bool | None = None) -> Forgotten:
        del self.kept[name]
        return Forgotten(name=name, file_deleted=file)

    async def check(self, model: OwnModel, key: str | None, abilities: tuple[str, ...]) -> OwnModelCheck:
        assert key is None and abilities == ("images", "structured")
        works = model.name == "sees"
        seen = Tried(supported=False, response="Blue\x1b[2J") if works else None
        return OwnModelCheck(
            connection=Tried(supported=works, response="OK" if works else "401"), images=seen
        )

    async def check_file(self, path: str) -> ModelFile:
        return ModelFile(
            path=path, size_bytes=2**20, title="Tiny\x1b[2J", architecture="llama", context_length=4_096
        )

    async def ollama(self, url: str | None = None) -> OllamaServer:
        if not self.running:
            return OllamaServer(url="http://h", available=False, problem="Nothing answers at http://h.")
        rows = (OllamaModel(name="llama3:8b", size_bytes=2**30, digest="365c0bd3c000abcdef"),)
        return OllamaServer(url=url or "http://h", available=True, version="0.12", models=rows)

    async def look_up(self, model: str) -> ModelLookup:
        info = ModelInfo(name=model, provider="openai", context_window=128_000, input_usd_per_million=2.5)
        return ModelLookup(model=model, state="known", info=info)


@pytest.fixture
def models(fake: FakeDoors) -> Models:
    made = Models()

    def build() -> FakeWorkbench:
        workbench = FakeWorkbench()
        workbench.models = made  # type: ignore[attr-defined]
        return workbench

    fake.build = build
    return made


def test_models_of_ones_own_are_added_where_they_are(models: Models, cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "tiny.gguf"
    assert cli("models", "add", "qwen", "--url", "http://h/v1", "--window", "8000").out == "added own/qwen\n"
    assert cli("models", "add", "tiny", "--file", str(file)).out == "added local/tiny\n"
    cli("models", "add", "l3", "--ollama", "--model", "llama3:8b")
    cli("models", "add", "s", "--of", "openrouter/a/b", "--title", "Mine")
    kinds = {name: (each.kind, each.url, each.path, each.model) for name, each in models.kept.items()}
    assert kinds == {
        "qwen": ("server", "http://h/v1", "", ""),
        "tiny": ("file", "", str(file), ""),
        "l3": ("ollama", "", "", "llama3:8b"),
        "s": ("provider", "", "", "openrouter/a/b"),
    }
    assert models.kept["qwen"].context_window == 8_000
    out = cli("models", "own").out
    assert "local/tiny" in out and "gone" in out and "Mine" in out
    assert [each["model"]["name"] for each in json.loads(cli("models", "own", "--json").out)] == list(kinds)


def test_a_key_is_read_and_never_shown(models: Models, cli: Cli) -> None:
    done = cli("models", "add", "qwen", "--url", "http://h/v1", "--key", stdin="sk-secret-1\n")
    assert models.keys == {"qwen": "sk-secret-1"}
    assert "sk-secret" not in done.out + done.err + cli("models", "own").out


def test_it_has_to_be_said_where_a_model_is(models: Models, cli: Cli) -> None:
    for wrong in ((), ("--url", "http://h", "--of", "a/b"), ("--file", "/a.gguf", "--ollama")):
        done = cli("models", "add", "m", *wrong)
        assert done.status != 0 and "say where it is" in done.err
    assert cli("models", "add", "\x1b", "--url", "http://h").status != 0
    assert models.kept == {}


def test_a_model_is_removed_with_its_file_only_when_asked(models: Models, cli: Cli) -> None:
    cli("models", "add", "m", "--url", "http://h/v1")
    assert cli("models", "remove", "m").out == "removed m\n"
    cli("models", "add", "m", "--url", "http://h/v1")
    assert cli("models", "remove", "m", "--file").out == "removed m and its file\n"


def test_files_names_and_ollamas_are_looked_at(models: Models, cli: Cli, tmp_path: Path) -> None:
    out = cli("models", "check", str(tmp_path / "a.gguf")).out
    assert "4,096 tokens" in out and "\x1b" not in out
    assert "128,000 tokens" in cli("models", "known", "openrouter/openai/gpt-4o").out
    out = cli("models", "ollama", "http://x").out
    assert "llama3:8b" in out and "http://x has 1 model" in out
    models.running = False
    done = cli("models", "ollama")
    assert done.status == 1 and "Nothing answers" in done.err


def test_a_model_on_a_server_is_asked_what_it_can_do(models: Models, cli: Cli) -> None:
    for name in ("sees", "fails"):
        assert cli("models", "add", name, "--url", "http://127.0.0.1:1/v1", "--private").status == 0
    assert models.private is True
    shown = cli("models", "probe", "sees")
    assert shown.status == 0 and "yes: OK" in shown.out and "no: Blue" in shown.out
    assert "\x1b" not in shown.out
    assert cli("models", "probe", "fails").status == 1
    assert cli("models", "probe", "none").status != 0
