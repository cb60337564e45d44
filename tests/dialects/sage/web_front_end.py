"""Sage's web pages as far as they talk to the server: their requests, and how they take the answers."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import httpx
from tests.dialects.sage.stream_talk import records
from tests.skills.conftest import packed, skill_text

ANN, BOSS, SECRET = "ann", "boss", "correct horse battery"
TOLD_BY_STATUS = {401: "UNAUTHORIZED", 403: "权限不足", 404: "404", 400: "请求失败 (400)"}
"""What people are shown in the place of what the server says."""
_PLACE = re.compile(r"{(\w+)}")


class WebError(Exception):
    """What a page shows of a request that went wrong."""

    def __init__(self, code: int | str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def taken(answer: httpx.Response) -> Any:
    """Returns the data of an answer. Raises `WebError` as the pages' helper does: the texts of some statuses
    are lost, that of 500 is shown, and so is that of a 200 with another code inside."""
    status = answer.status_code
    if status in TOLD_BY_STATUS:
        raise WebError(status, TOLD_BY_STATUS[status])
    said = answer.json()
    if status != 200:
        raise WebError(status, said.get("message") or str(said["detail"]))
    if isinstance(said, dict) and "code" in said:
        if said["code"] != 200:
            raise WebError(said["code"], said["message"])
        return said["data"]
    return said


class Page:
    """The pages of one user, who has signed in."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def sign_in(self, name: str) -> None:
        body = {"username_or_email": name, "password": SECRET}
        assert set(await self.ask("POST", "/api/auth/login", body)) >= {"access_token", "expires_in"}

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """Returns the data of an answer, or the records of a stream, or the bytes of a file."""
        answer = await self.http.request(
            method, f"/sage{path}", json=body, headers={"X-accept-language": "zh"}, **more
        )
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if kind == "text/plain" and "content-disposition" not in answer.headers:
            return records(answer.text)
        return taken(answer) if kind == "application/json" else answer.content


class World:
    """Things that requests need, made by requests, each when it is first named."""

    def __init__(self, bench: Any, ann: Page, boss: Page, models: str) -> None:
        self.bench, self.pages = bench, {ANN: ann, BOSS: boss}
        self._models = models
        self._made: dict[str, str] = {}

    async def filled(self, value: Any) -> Any:
        """Returns a value with the ids of things in the places of their names in braces."""
        if isinstance(value, dict):
            return {name: await self.filled(each) for name, each in value.items()}
        if isinstance(value, list):
            return [await self.filled(each) for each in value]
        if isinstance(value, str):
            for name in _PLACE.findall(value):
                value = value.replace(f"{{{name}}}", await self.id(name))
        return value

    async def id(self, name: str) -> str:
        if name not in self._made:
            self._made[name] = await getattr(self, f"_make_{name}")()
        return self._made[name]

    async def _ann(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        return await self.pages[ANN].ask(method, path, body, **more)

    async def _make_models(self) -> str:
        return self._models

    async def _make_user(self) -> str:
        made = await self.bench.workbench.users.add("bob", password=SECRET)
        return str(made.id)

    async def _make_code(self) -> str:
        await self._ann("POST", "/api/auth/register/send-code", {"email": "new@example.org"})
        (mail,) = await self.bench.workbench.accounts.outbox()
        found = re.search(r"\b\d{6}\b", mail.text)
        assert found is not None
        return found[0]

    async def _make_agent(self) -> str:
        agent = {"name": "Clerk", "agentMode": "simple", "maxLoopCount": 10}
        return str((await self._ann("POST", "/api/agent/create", agent))["agent_id"])

    async def _make_task(self) -> str:
        body = {"agent_description": "Finds hotels"}
        return str((await self._ann("POST", "/api/agent/auto-generate/submit", body))["task_id"])

    async def _make_session(self) -> str:
        body = {"messages": [{"role": "user", "content": "Count"}], "agent_id": await self.id("agent")}
        lines = await self._ann(
            "POST", "/api/web-stream", {**body, "session_id": "s-1", "agent_mode": "simple"}
        )
        assert lines[-1]["type"] == "stream_end"
        return "s-1"

    async def _make_shared(self) -> str:
        session = await self.id("session")
        workbench = await self.workbench()
        (found,) = (await workbench.sessions.list()).items
        await workbench.sessions.share(found.id)
        return session

    async def workbench(self) -> Any:
        """Returns the workbench as the user of the pages has it."""
        secret = self.pages[ANN].http.cookies["sage_session"]
        return self.bench.workbench.as_principal(await self.bench.workbench.authenticate(secret))

    async def _make_file(self) -> str:
        path = f"/api/agent/{await self.id('agent')}/file_workspace/upload"
        sent = {"file": ("n.txt", b"lamps", "text/plain")}
        return str((await self._ann("POST", path, files=sent, data={"target_path": "docs"}))["path"])

    async def _make_kdb(self) -> str:
        body = {"name": "Docs", "type": "document", "intro": "i"}
        return str((await self._ann("POST", "/api/knowledge-base/add", body))["kdb_id"])

    async def _make_job(self) -> str:
        form = {"data": {"kdb_id": await self.id("kdb"), "override": "false"}, "files": [DOCUMENT]}
        made = await self._ann("POST", "/api/knowledge-base/doc/add_by_files", **form)
        await (await self.workbench()).jobs.get(made["taskId"], wait_s=20)
        return str(made["taskId"])

    async def _make_doc(self) -> str:
        await self.id("job")
        listed = await self._ann("GET", f"/api/knowledge-base/doc/list?kdb_id={await self.id('kdb')}")
        return str(listed["list"][0]["id"])

    async def _make_skill(self) -> str:
        await self._ann("POST", "/api/skills/upload", files={"file": SKILL})
        return "minutes"

    async def _make_provider(self) -> str:
        made = await self._ann("POST", "/api/llm-provider/create", provider(self._models))
        return str(made["provider_id"])

    async def _make_version(self) -> str:
        body = {"version": "1.2.3", "release_notes": "n", "artifacts": [ARTIFACT]}
        return str((await self.pages[BOSS].ask("POST", "/api/system/version", body))["version"])

    async def _make_policy(self) -> str:
        await (await self.workbench()).approvals.add_rule("list_files")
        return "list_files"


DOCUMENT = ("files", ("r.md", b"The wick is trimmed at dusk.", "text/markdown"))
SKILL = ("minutes.zip", packed({"minutes/SKILL.md": skill_text()}), "application/zip")
ARTIFACT = {"platform": "linux-x86_64", "updater_url": "https://h.example/u.gz", "updater_signature": "sig"}
KEY = "sk-abcdefgh-1234"


def provider(url: str, **more: Any) -> dict[str, Any]:
    """Returns a provider as its page sends it."""
    return {"name": "Mine", "base_url": url, "api_keys": [KEY], "model": "fake-model", **more}


async def first_event(http: httpx.AsyncClient, path: str) -> Any:
    """Returns the first event of a stream of server-sent events."""
    async with asyncio.timeout(10), http.stream("GET", f"/sage{path}") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                return json.loads(line.removeprefix("data: "))
    raise AssertionError("no event")


def fits(value: Any, shape: Any, where: str = "data") -> None:
    """Raises `AssertionError` unless a value has a shape: a type, one of several types, None, a dictionary
    with the keys that are read, or a list whose items have the one shape in it and which is not empty."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), where
        for name, each in shape.items():
            assert name in value, f"{where} has no {name}: {sorted(value)}"
            fits(value[name], each, f"{where}.{name}")
    elif isinstance(shape, list):
        assert isinstance(value, list) and value, f"{where}: {value!r}"
        for item in value:
            fits(item, shape[0], f"{where}[]")
    elif shape is None:
        assert value is None, f"{where}: {value!r}"
    else:
        assert isinstance(value, shape) and not (shape is int and isinstance(value, bool)), (
            f"{where}: {value!r}"
        )
