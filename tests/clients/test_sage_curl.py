"""The thirteen examples of Sage's documentation, by `curl` itself, against an engine that has accounts."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shlex
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from clients_running import run_program
from sage_examples import EXAMPLES, HOST
from tests.e2e.bench import Bench
from tests.e2e.presence import program
from tests.fakes.listener import listening
from tests.runs.conftest import open_bench
from tests.skills.conftest import packed, skill_text

from holdfast.core.tools.web import WebFetcher

__all__ = ["door", "open_bench"]

pytestmark = pytest.mark.thorough

NOTHING: Mapping[str, str] = {}
CALLBACK = "https://client.example.com/callback"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
README = "# Lamps\n\nHow does login work? With the lantern at the gate: show it and be let in.\n"
FOUND = {"results": [{"title": "Sage, the herb", "url": "https://herbs.example/sage", "content": "Grows."}]}
SKILL = packed({"market-research/SKILL.md": skill_text("market-research", "Looks at markets.")})
_FIELD = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


@pytest.fixture
def door() -> str:
    """How `open_bench` reaches its workbench."""
    return "local"


@dataclass(frozen=True, slots=True)
class Answer:
    """What `curl` has printed."""

    status: int
    body: str

    def json(self) -> Any:
        return json.loads(self.body)

    def data(self) -> Any:
        """Returns what the envelope of an answer holds that went well."""
        said = self.json()
        assert (self.status, said["code"]) == (200, 200), self.body
        return said["data"]

    def lines(self) -> list[dict[str, Any]]:
        """Returns the records of a stream."""
        assert self.status == 200, self.body
        return [json.loads(line) for line in self.body.splitlines() if line]


class Curl:
    """Runs command lines in a folder that keeps the cookies."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        self.folder = folder / "curl"
        self.folder.mkdir()
        # What is said to `curl` besides the examples stands here, so that they stay as they are.
        (self.folder / ".curlrc").write_text('silent\nshow-error\nwrite-out = "\\n%{http_code}"\n')
        self._environment = {
            "PATH": f"{program('curl').parent}:/usr/bin:/bin",
            "CURL_HOME": str(self.folder),
            "no_proxy": "*",
            "LANG": "C.UTF-8",
        }

    async def example(
        self, number: int, changed: Mapping[str, str] = NOTHING, *, cookie: bool = False
    ) -> Answer:
        """Runs an example. `changed` says what stands in the place of what, `cookie` adds what it forgets."""
        command = EXAMPLES[number].strip().replace(HOST, self.url)
        for old, new in changed.items():
            assert old in command, old
            command = command.replace(old, new)
        return await self.run(command.replace("curl ", "curl -b cookies.txt ", 1) if cookie else command)

    async def get(self, path: str, *more: str) -> Answer:
        """Asks with the cookie."""
        return await self.run(shlex.join(["curl", "-b", "cookies.txt", *more, f"{self.url}{path}"]))

    async def post(self, path: str, body: Any) -> Any:
        """Sends JSON with the cookie and returns the data of the answer."""
        header = ("-H", "Content-Type: application/json")
        return (await self.get(path, *header, "-d", json.dumps(body))).data()

    async def run(self, command: str) -> Answer:
        out = await run_program(
            program("bash"), "-c", command, cwd=self.folder, environment=self._environment
        )
        body, _, status = out.rpartition("\n")
        return Answer(int(status), body)


class _Search(BaseHTTPRequestHandler):
    """SearXNG, which finds the same whatever is looked for."""

    def do_GET(self) -> None:
        answer = json.dumps(FOUND).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        return


class _Body(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield SKILL


@pytest.fixture
def search() -> Iterator[str]:
    """The address of a search engine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Search)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture
async def curl(bench: Bench, search: str) -> AsyncIterator[Curl]:
    """`curl` before an engine that serves Sage's API at its root, and lets people make accounts."""
    model = bench.script("s", [{"type": "text", "text": "Three "}, {"type": "text", "text": "folders."}])
    bench.environment |= {
        "HOLDFAST_MODELS__DEFAULT": model,
        "HOLDFAST_WEB_SEARCH__PROVIDER": "searxng",
        "HOLDFAST_WEB_SEARCH__URL": search,
    }
    url = bench.json("serve", "--background", "--port", "0", "--root", "sage")["url"]
    bench.done("accounts", "register", "on")
    yield Curl(bench.root, url)


async def sign_up(bench: Bench, curl: Curl) -> dict[str, Any]:
    """Makes the account of the examples, with the code that the first one has sent, and signs in to it."""
    assert (await curl.example(1)).data() == {"expires_in": 300, "retry_after": 30}
    (mail,) = bench.json("accounts", "outbox")
    code = re.search(r"\b\d{6}\b", mail["text"])
    assert code is not None
    body = {"username": "alice", "password": "StrongPassword123", "email": "user@example.com"}
    await curl.post("/api/auth/register", {**body, "phonenum": "13800000000", "verification_code": code[0]})
    signed_in: dict[str, Any] = (await curl.example(2)).data()
    assert set(signed_in) == {"access_token", "refresh_token", "expires_in"}
    assert "sage_session" in (curl.folder / "cookies.txt").read_text()
    return signed_in


async def test_who_has_signed_in_makes_an_agent_and_chats(bench: Bench, curl: Curl) -> None:
    await sign_up(bench, curl)
    me = (await curl.example(3)).data()
    assert (me["user"]["username"], me["user"]["email"]) == ("alice", "user@example.com")
    assert (await curl.run(f"curl {curl.url}/api/auth/session")).status == 401

    agent = (await curl.example(6)).data()["agent_id"]
    made = (await curl.get(f"/api/agent/{agent}")).data()
    assert (made["name"], made["maxLoopCount"], made["agentMode"]) == ("Research Agent", 10, "simple")
    assert (made["availableTools"], made["availableSkills"]) == (["web_search"], ["market-research"])

    lines = (await curl.example(4, {"agent_abc": agent})).lines()
    said = "".join(line["content"] for line in lines if line["type"] == "do_subtask_result")
    assert said == "Three folders."
    assert [line["type"] for line in lines[-2:]] == ["token_usage", "stream_end"]

    forgotten = await curl.example(5)
    assert (forgotten.status, forgotten.json()["message"]) == (401, "未授权")
    (end,) = (await curl.example(5, cookie=True)).lines()
    assert (end["type"], end["session_id"], end["resume_fallback"]) == ("stream_end", "sess_123", True)
    assert (await curl.example(5, {"=15": "=1"}, cookie=True)).lines() == lines[1:]

    assert (await curl.get("/sage/api/auth/session")).data() == (await curl.example(3)).data(), "there too"


async def test_documents_tools_and_files_are_used(bench: Bench, curl: Curl) -> None:
    signed_in = await sign_up(bench, curl)
    base = {"name": "Product Docs", "type": "rag", "intro": "Internal product documents", "language": "en"}
    kdb = (await curl.post("/api/knowledge-base/add", base))["kdb_id"]
    (curl.folder / "README.md").write_text(README)
    task = (await curl.example(8, {"kdb_xxx": kdb})).data()["taskId"]
    while True:
        asked = f"/api/knowledge-base/doc/task_process?kdb_id={kdb}&task_id={task}"
        process = (await curl.get(asked)).data()
        if process["success"] + process["fail"] == process["total"]:
            break
    assert (process["success"], process["taskProcess"]) == (1, 100.0)
    found = (await curl.example(7, {"kdb_xxx": kdb})).data()["results"]
    assert "lantern at the gate" in found[0]["doc_content"]
    assert found[0]["title"] == "README.md"
    assert (await curl.example(7)).json()["message"] == "知识库不存在"

    refused = (await curl.example(9)).json()
    assert refused["message"].startswith("无权使用该工具: This call needs a person's approval."), refused
    bearer = f"Authorization: Bearer {signed_in['access_token']}"
    rule = shlex.join(["-H", bearer, "-H", "Content-Type: application/json", "-d", '{"rule": "web_search"}'])
    assert (await curl.run(f"curl {rule} {curl.url}/holdfast/v1/policy/rules")).status == 200
    searched = (await curl.example(9)).data()
    assert searched["parsed"]["success"] is True, searched
    assert "1. Sage, the herb" in searched["tool_response"]

    (curl.folder / "example.png").write_bytes(PIXEL)
    assert (await curl.example(11)).status == 401
    url = (await curl.example(11, cookie=True)).data()["url"]
    assert url.startswith(f"{curl.url}/") and url.endswith("/uploads/images/example.png")
    await curl.run(f"curl -o fetched.png {shlex.quote(url)}")
    assert (curl.folder / "fetched.png").read_bytes() == PIXEL


async def test_a_skill_is_imported_from_the_web(open_bench: Any, tmp_path: Path) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return {"example.com": ["93.184.216.34"]}[host]

    web = WebFetcher(resolve=resolve, transport=lambda: httpx.MockTransport(_skill))
    async with (
        open_bench(web=web) as bench,
        listening(bench.workbench, tmp_path, root=("sage",)) as listener,
    ):
        alice = await bench.workbench.users.add("alice", password="StrongPassword123")
        curl = Curl(tmp_path, listener.state.url)
        (curl.folder / "cookies.txt").touch()
        assert (await curl.example(10)).status == 401
        assert (await curl.example(2)).status == 200
        assert (await curl.example(10)).data() == {"user_id": alice.id}
        (skill,) = (await curl.get("/api/skills")).data()["skills"]
        assert (skill["name"], skill["owner_user_id"]) == ("market-research", alice.id)


def _skill(request: httpx.Request) -> httpx.Response:
    assert (request.headers["host"], request.url.path) == ("example.com", "/skill.zip")
    return httpx.Response(200, stream=_Body())


async def test_a_program_is_let_in_by_oauth(bench: Bench, curl: Curl) -> None:
    await sign_up(bench, curl)
    told = (await curl.example(12)).json()
    assert told["token_endpoint"] == f"{curl.url}/oauth2/token"
    made = bench.json("oauth", "clients", "add", "Reader", "--public", "--redirect-uri", CALLBACK)
    client, verifier = made["client"]["id"], "v" * 60
    code = await code_of(curl, told["authorization_endpoint"], client, verifier)
    values = {"AUTH_CODE": code, "PKCE_VERIFIER": verifier}
    nobody = await curl.example(13, values)
    assert (nobody.status, nobody.json()["error"]) == (401, "invalid_client"), "it names no client"
    values |= {"grant_type=": f"client_id={client}&grant_type="}
    named = await curl.example(13, values)
    tokens = named.json()
    assert (named.status, tokens["token_type"], tokens["expires_in"]) == (200, "Bearer", 3600)
    bearer = f"Authorization: Bearer {tokens['access_token']}"
    who = await curl.run(shlex.join(["curl", "-H", bearer, told["userinfo_endpoint"]]))
    assert (who.json()["preferred_username"], who.json()["email"]) == ("alice", "user@example.com")
    as_key = await curl.run(shlex.join(["curl", "-H", bearer, f"{curl.url}/api/auth/session"]))
    assert as_key.status == 401, "it is no key to the API"
    again = await curl.example(13, values)
    assert (again.status, again.json()["error"]) == (400, "invalid_grant")


async def code_of(curl: Curl, endpoint: str, client: str, verifier: str) -> str:
    """Returns the code that a client is given when the user of the cookie agrees on the page."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = f"response_type=code&client_id={client}&redirect_uri={quote(CALLBACK, safe='')}&state=s1"
    asked = f"{endpoint}?{query}&code_challenge={challenge}&code_challenge_method=S256"
    page = await curl.run(shlex.join(["curl", "-b", "cookies.txt", asked]))
    assert page.status == 200, page.body
    form = [
        argument
        for name, value in (*_FIELD.findall(page.body), ("consent_decision", "allow"))
        for argument in ("--data-urlencode", f"{html.unescape(name)}={html.unescape(value)}")
    ]
    told = ("-H", f"Origin: {curl.url}", "-D", "back.txt")
    back = await curl.get("/oauth2/consent", *told, *form)
    assert back.status in (302, 303), back.body
    headers = Path(curl.folder, "back.txt").read_text()
    location = re.search(r"^location: (\S+)", headers, re.IGNORECASE | re.MULTILINE)
    assert location is not None and location[1].startswith(f"{CALLBACK}?")
    said = parse_qs(urlsplit(location[1]).query)
    assert said["state"] == ["s1"]
    return said["code"][0]
