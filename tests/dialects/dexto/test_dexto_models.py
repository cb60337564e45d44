"""OpenRouter's models, models in files, and Ollama through Dexto's API."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.fakes.gguf_file import head
from tests.fakes.openai_server import FakeOpenAI

from holdfast.core.domain.identity import Scope
from holdfast.server.app import engine_app
from holdfast.server.kit.auth import ask_for_key

MODELS = "/dexto/api/models"
NOWHERE = "http://127.0.0.1:9"


def gguf(folder: Path, name: str = "tiny.gguf", **values: Any) -> Path:
    file = folder / name
    known = {"general.architecture": "llama", "general.name": "Tiny", "llama.context_length": 2_048}
    file.write_bytes(head({**known, **values}))
    return file


async def added(served: Any, file: Path, name: str = "tiny") -> None:
    body = {"name": name, "provider": "local", "filePath": str(file)}
    answer = await served.http.post("/dexto/api/llm/custom-models", json=body)
    assert answer.json() == {"ok": True, "model": body}, answer.text


@pytest.mark.covers("dexto.list_local_models", "dexto.delete_local_model")
async def test_a_model_in_a_file_is_listed_and_removed_with_it(serve: Any, tmp_path: Path) -> None:
    async with serve() as served:
        file = gguf(tmp_path)
        await added(served, file)
        listed = (await served.http.get(f"{MODELS}/local")).json()
        row = {
            "id": "tiny",
            "displayName": "Tiny",
            "filePath": str(file),
            "sizeBytes": file.stat().st_size,
            "contextLength": 2_048,
            "source": "manual",
        }
        assert listed == {"models": [row]}
        kept = await served.http.request("DELETE", f"{MODELS}/local/tiny", json={"deleteFile": False})
        assert kept.json() == {"success": True, "modelId": "tiny", "fileDeleted": False}
        assert file.exists()
        await added(served, file)
        gone = await served.http.delete(f"{MODELS}/local/tiny")
        assert gone.json() == {"success": True, "modelId": "tiny", "fileDeleted": True}
        assert not file.exists() and (await served.http.get(f"{MODELS}/local")).json() == {"models": []}
        missing = await served.http.delete(f"{MODELS}/local/tiny")
        assert missing.status_code == 404
        assert missing.json() == {
            "success": False,
            "modelId": "tiny",
            "fileDeleted": False,
            "error": "Model 'tiny' not found",
        }


async def test_a_model_on_a_server_is_no_local_model(serve: Any) -> None:
    async with serve() as served:
        body = {"name": "mine", "baseURL": f"{NOWHERE}/v1"}
        assert (await served.http.post("/dexto/api/llm/custom-models", json=body)).status_code == 200
        assert (await served.http.get(f"{MODELS}/local")).json() == {"models": []}
        assert (await served.http.delete(f"{MODELS}/local/mine")).status_code == 404


@pytest.mark.covers("dexto.validate_local_model")
async def test_a_file_that_cannot_be_a_model_is_not_valid(serve: Any, tmp_path: Path) -> None:
    async with serve() as served:

        async def checked(path: str) -> Any:
            answer = await served.http.post(f"{MODELS}/local/validate", json={"filePath": path})
            assert answer.status_code == 200, answer.text
            return answer.json()

        file = gguf(tmp_path)
        assert await checked(str(file)) == {"valid": True, "sizeBytes": file.stat().st_size}
        (tmp_path / "folder.gguf").mkdir()
        (tmp_path / "text.gguf").write_text("no model")
        (tmp_path / "bin.bin").write_bytes(file.read_bytes())
        places = [f"{tmp_path}/{name}" for name in ("bin.bin", "none.gguf", "folder.gguf", "text.gguf")]
        for path in ("tiny.gguf", *places, "/" + "x" * 300 + ".gguf"):
            found = await checked(path)
            assert found["valid"] is False and found["error"], path
        own = served.bench.home / "config" / "x.gguf"
        own.write_bytes(file.read_bytes())
        assert "Holdfast" in (await checked(str(own)))["error"]
        empty = await served.http.post(f"{MODELS}/local/validate", json={"filePath": ""})
        assert empty.status_code == 400 and empty.json()["success"] is False


@pytest.mark.covers("dexto.list_ollama_models")
async def test_an_ollama_says_what_it_has(serve: Any) -> None:
    with FakeOpenAI(ollama=["llama3:8b"]) as ollama:
        async with serve() as served:
            url = ollama.url.removesuffix("/v1")
            found = (await served.http.get(f"{MODELS}/ollama", params={"baseURL": url})).json()
            row = {"name": "llama3:8b", "size": 4_661_224_676, "digest": "365c0bd3c000"}
            assert found == {
                "available": True,
                "version": "0.12.9",
                "models": [{**row, "modifiedAt": "2026-11-01T08:00:00.500Z"}],
            }
            none = (await served.http.get(f"{MODELS}/ollama", params={"baseURL": NOWHERE})).json()
            said = {"available": False, "models": [], "error": "Ollama server is not running"}
            assert none == said
            assert (await served.http.get(f"{MODELS}/ollama")).json() == said
            wrong = await served.http.get(f"{MODELS}/ollama", params={"baseURL": "no url"})
            assert wrong.json()["error"]["issues"][0]["validation"] == "url"


@pytest.mark.covers("dexto.validate_openrouter_model", "dexto.refresh_openrouter_cache")
async def test_what_openrouter_has_is_said_as_far_as_it_is_known(serve: Any) -> None:
    async with serve() as served:

        async def state(model: str) -> Any:
            answer = await served.http.get(f"/dexto/api/openrouter/validate/{model}")
            assert answer.status_code == 200
            return answer.json()

        known = await state("anthropic%2Fclaude-sonnet-4.5")
        assert known == {
            "valid": True,
            "modelId": "anthropic/claude-sonnet-4.5",
            "status": "valid",
            "info": {"contextLength": known["info"]["contextLength"]},
        }
        for model, status in (("openai%2Fgpt-99", "invalid"), ("nobody%2Fx", "unknown"), ("bare", "invalid")):
            found = await state(model)
            assert (found["valid"], found["status"]) == (False, status) and found["error"]
        assert (await state("openai%2Fgpt-4o:free"))["valid"] is True
        refreshed = (await served.http.post("/dexto/api/openrouter/refresh-cache")).json()
        assert refreshed["ok"] is True and refreshed["message"]


async def test_only_administrators_name_files_and_servers(open_bench: Any, tmp_path: Path) -> None:
    file = str(gguf(tmp_path))
    async with open_bench() as bench:
        await bench.workbench.users.add("ann")
        made = await bench.workbench.keys.create("k", Scope.ADMIN, user="ann")

        async def host() -> Any:
            return bench.workbench

        app = engine_app(host, log=logging.getLogger("holdfast.tests"), closing=asyncio.Event())

        async def keyed(scope: Any, receive: Any, send: Any) -> None:
            ask_for_key(scope, bench.workbench.authenticate)
            await app(scope, receive, send)

        ann = httpx.AsyncClient(
            transport=httpx.ASGITransport(keyed),
            base_url="http://engine/dexto/api",
            headers={"Authorization": f"Bearer {made.secret}"},
        )

        async def status(method: str, path: str, **body: Any) -> int:
            return (await ann.request(method, path, **body)).status_code

        assert await status("GET", "/llm/catalog") == await status("GET", "/llm/current") == 200
        assert await status("POST", "/models/local/validate", json={"filePath": file}) == 403
        assert await status("GET", f"/models/ollama?baseURL={NOWHERE}") == 403
        assert await status("POST", "/llm/custom-models", json={"name": "a", "baseURL": NOWHERE}) == 403
        assert await status("DELETE", "/models/local/a") == 404  # he has none of his own
        assert await status("GET", "/llm/key/openai") == 403
        await ann.aclose()


async def test_a_model_in_a_file_or_of_an_ollama_is_switched_to(serve: Any, tmp_path: Path) -> None:
    async with serve(known_models=True) as served:
        await added(served, gguf(tmp_path))

        async def switched(**body: Any) -> Any:
            answer = await served.http.post("/dexto/api/llm/switch", json=body)
            assert answer.status_code == 200, answer.text
            return answer.json()["config"]

        config = await switched(provider="local", model="tiny")
        assert (config["provider"], config["model"], config["maxInputTokens"]) == ("local", "tiny", 2_048)
        listed = (await served.http.get("/dexto/api/llm/catalog", params={"provider": "local"})).json()
        assert [each["name"] for each in listed["providers"]["local"]["models"]] == ["tiny"]
        config = await switched(provider="ollama", model="llama3:8b", baseURL=NOWHERE)
        assert (config["provider"], config["baseURL"]) == ("ollama", NOWHERE)
        assert (await switched(provider="ollama", model="other"))["model"] == "other"
        for provider in ("local", "bedrock", "openai-compatible"):
            body = {"provider": provider, "model": "none"}
            wrong = await served.http.post("/dexto/api/llm/switch", json=body)
            assert (wrong.status_code, wrong.json()["name"]) == (400, "DextoValidationError")


async def test_models_of_every_provider_can_be_added(serve: Any) -> None:
    async with serve() as served:
        for provider in ("openrouter", "glama", "bedrock", "ollama", "vertex", "dexto"):
            body = {"name": f"{provider}/some-model", "provider": provider}
            answer = await served.http.post("/dexto/api/llm/custom-models", json=body)
            assert answer.status_code == 200, answer.text
            assert answer.json()["model"]["provider"] == provider
        listed = (await served.http.get("/dexto/api/llm/custom-models")).json()["models"]
        assert len(listed) == 6
