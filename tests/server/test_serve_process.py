"""`holdfast serve` as a process beside a real engine: who may end what, and what goes on."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from holdfast.core.config.paths import Paths
from holdfast.core.domain.errors import ConflictError
from holdfast.server.lock import is_held
from holdfast.server.native.client import RemoteWorkbench
from holdfast.server.spawn import EngineAddress, find_engine

pytestmark = pytest.mark.thorough

CLI = [sys.executable, "-c", "import sys; from holdfast.cli.main import main; sys.exit(main())"]
AGENT = "version: 1\nname: talker\nmodel: scripted/{script}\ntools: []\n"


def until(condition: Callable[[], object], timeout: float = 20) -> None:
    """Waits, bounded, until `condition()` holds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def is_open(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


class Serving:
    """A `holdfast serve` that listens."""

    def __init__(self, home: Home, *options: str) -> None:
        self.process = subprocess.Popen(
            [*CLI, "serve", "--port", "0", "--json", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        home.started.append(self.process)
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        assert first, self.process.communicate()[1]
        self.listener = json.loads(first)
        self.url: str = self.listener["url"]
        self.port: int = self.listener["port"]

    def end(self, number: signal.Signals, timeout: float = 20) -> tuple[int, str, str]:
        """Sends a signal; returns status, what was printed since, and errors."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=timeout)
        return self.process.returncode, out, err


class Home:
    """A home with a real engine, which starts when a command needs it."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.started: list[subprocess.Popen[str]] = []

    @property
    def engine(self) -> EngineAddress:
        found = find_engine(self.paths)
        assert found is not None
        return found

    def run(self, *args: str, status: int = 0) -> str:
        """Runs a command; returns what it printed on stdout, on stderr when it failed."""
        done = subprocess.run([*CLI, *args], capture_output=True, encoding="utf-8", timeout=60, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stderr if status else done.stdout

    def key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.run('keys', 'create', 'test', '--scope', 'admin').strip()}"}

    def kill_engine(self) -> int:
        pid = self.engine.pid
        os.kill(pid, signal.SIGKILL)
        return pid

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        if (address := find_engine(self.paths)) is not None:
            os.kill(address.pid, signal.SIGTERM)
        until(lambda: not is_held(self.paths.lock))


@pytest.fixture
def home(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setenv("HOLDFAST_HOME", str(paths.runtime))
    monkeypatch.setenv("HOLDFAST_MODELS__OLLAMA_URL", "http://127.0.0.1:9")
    made = Home(paths)
    yield made
    made.close()


def test_serve_answers_with_a_key_and_at_sigterm_closes_its_listener_alone(home: Home) -> None:
    serving = Serving(home)
    key = home.key()
    engine = home.engine
    with httpx.Client(base_url=serving.url, trust_env=False) as client:
        assert client.get("/me").status_code == 401
        assert client.get("/me", headers=key).json()["name"] == "local"
        assert client.get("/holdfast/v1/sessions", headers=key).status_code == 200
        assert client.get("/openai/v1/models", headers=key).status_code == 200
        with client.stream("GET", "/events/stream", headers=key) as stream:
            heard = stream.iter_raw()
            assert next(heard).startswith(b"id: ")
            status, out, err = serving.end(signal.SIGTERM)
            assert list(heard) == []
    first, last = err.splitlines()
    assert (status, first) == (0, "There is no key yet: `holdfast keys create NAME` makes one.")
    assert last == "holdfast: the port is closed; the engine goes on"
    told = [(line["path"], line["status"], line["principal"]) for line in map(json.loads, out.splitlines())]
    assert told[:3] == [("/me", 401, ""), ("/me", 200, "local"), ("/holdfast/v1/sessions", 200, "local")]
    assert ("/events/stream", 200, "local") in told
    assert not is_open(serving.port)
    assert home.engine == engine
    assert '"listeners": []' in home.run("engine", "status", "--json")
    assert key["Authorization"][7:] not in home.paths.engine_log.read_text() + out


def test_kill_9_of_serve_closes_its_listener(home: Home) -> None:
    serving = Serving(home)
    assert is_open(serving.port)
    serving.end(signal.SIGKILL)
    until(lambda: not is_open(serving.port))
    assert home.run("serve", "list", "--json") == "[]\n"


def test_kill_9_of_the_engine_brings_another_with_the_listener_on_its_port(home: Home) -> None:
    serving = Serving(home)
    key = home.key()
    killed = home.kill_engine()
    until(lambda: (found := find_engine(home.paths)) is not None and found.pid != killed)
    until(lambda: is_open(serving.port))
    assert httpx.get(f"{serving.url}/me", headers=key, trust_env=False).status_code == 200
    status, _, err = serving.end(signal.SIGINT)
    assert status == 0
    assert "the engine went away; it is started again" in err


def test_a_drain_lets_a_run_end_and_its_follower_see_it(
    home: Home, short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_SCRIPTED", "1")
    script = short_folder / "script.json"
    steps = [[{"type": "text", "text": "word ", "repeat": 60}]]
    script.write_text(json.dumps({"steps": steps, "delay_s": 0.02}))
    home.paths.agents.mkdir()
    (home.paths.agents / "talker.yaml").write_text(AGENT.format(script=script))
    serving = Serving(home, "--drain", "30")
    types: list[str] = []
    with httpx.Client(base_url=serving.url, headers=home.key(), timeout=30, trust_env=False) as client:
        session = client.post("/sessions", json={"agent": "talker"}).json()["id"]
        with client.stream("GET", f"/events/stream?session_id={session}&after=0") as stream:
            body = {"parts": [{"type": "text", "text": "go"}]}
            assert client.post(f"/sessions/{session}/runs", json=body).status_code == 202
            for line in stream.iter_lines():
                if not line.startswith("event: "):
                    continue
                types.append(line[7:])
                if line[7:] == "part.started":
                    serving.process.send_signal(signal.SIGTERM)
                    until(lambda: not is_open(serving.port))
    assert types[-1] == "run.completed"
    serving.process.communicate(timeout=20)
    assert serving.process.returncode == 0


def test_a_listener_in_the_background_outlives_its_command_and_a_restart(home: Home) -> None:
    opened = json.loads(home.run("serve", "--background", "--port", "0", "--no-auth", "--json"))
    before = home.engine
    assert opened["pid"] == before.pid
    assert httpx.get(f"{opened['url']}/me", trust_env=False).json()["name"] == "local"
    home.run("engine", "restart")
    assert home.engine.pid != before.pid
    assert httpx.get(f"{opened['url']}/me", trust_env=False).json()["name"] == "local"
    log = Path(opened["log"])
    assert log.parent == home.paths.logs
    until(lambda: log.read_text().count("GET /me 200") == 2)
    assert home.run("serve", "stop") == f"closed {opened['url']}\n"
    assert not is_open(opened["port"])


async def test_an_engine_that_is_relied_on_is_not_idle(home: Home) -> None:
    Serving(home)
    remote = RemoteWorkbench(home.engine.socket)
    with pytest.raises(ConflictError, match="listens at http"):
        await remote.engine.stop(idle_only=True)
    assert (await remote.engine.status()).listeners[0].leased
    await remote.close()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "is in use by another program"),
        (("--host", "0.0.0.0", "--no-auth"), "Leave --no-auth out"),
        (("--tls-cert", "/no/such.pem"), "/no/such.pem cannot be read"),
        (("--root", "holdfast,nothing", "--port", "0"), "There is no API 'nothing'"),
    ],
)
def test_what_cannot_be_opened_is_one_clear_line(home: Home, options: tuple[str, ...], says: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done: Any = subprocess.run(
            [*CLI, "serve", "--port", port, *options], capture_output=True, encoding="utf-8", timeout=60
        )
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert says in done.stderr
    assert done.stderr.startswith("holdfast: ") and done.stderr.count("\n") == 1
    assert home.run("serve", "list", "--json") == "[]\n"
