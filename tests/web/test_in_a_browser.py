"""The whole of `holdfast web` in a real Chromium: sign in, ask, see the reply, and nobody else's sessions."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.chromium import Page, chromium, find_chromium

from holdfast.core.config.paths import Paths
from holdfast.server.lock import is_held

pytestmark = pytest.mark.thorough

CLI = [sys.executable, "-c", "import sys; from holdfast.cli.main import main; sys.exit(main())"]


@pytest.fixture
def program() -> str:
    found = find_chromium()
    if found is None and os.environ.get("HOLDFAST_TEST_REQUIRE_ALL") != "1":
        pytest.skip("there is no Chromium on this machine")
    assert found, "HOLDFAST_TEST_REQUIRE_ALL is set, and there is no Chromium"
    return found


def run(*args: str) -> str:
    done = subprocess.run([*CLI, *args], capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def site(_own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running `holdfast web` on a home with a real engine, and its one-time link."""
    monkeypatch.setenv("HOLDFAST_MODELS__OLLAMA_URL", "http://127.0.0.1:9")
    serving = subprocess.Popen(
        [*CLI, "web", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )
    try:
        assert serving.stdout is not None
        lines = [serving.stdout.readline() for _ in range(3)]
        assert "#" in lines[-1], lines
        yield serving, lines[-1].strip()
    finally:
        serving.send_signal(signal.SIGTERM)
        said, _ = serving.communicate(timeout=30)
        run("engine", "stop")
        assert not is_held(Paths.resolve({"HOLDFAST_HOME": str(_own_home)}).lock)
        assert serving.returncode == 0, said


async def sign_in(page: Page, url: str, key: str) -> None:
    await page.open(url)
    await page.until("!!document.getElementById('key')")
    await page.js(f"document.getElementById('key').value = '{key}'; document.forms[0].submit()")


async def test_two_users_in_a_browser(
    program: str, site: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    _, link = site
    url = link.partition("/login")[0]
    await asyncio.to_thread(run, "users", "add", "ada")
    key = (await asyncio.to_thread(run, "keys", "create", "laptop", "--user", "ada")).strip()
    async with chromium(program, tmp_path / "profile") as browser:
        owner, ada = await browser.page(), await browser.page()
        await owner.open(link)
        await owner.until("document.body.classList.contains('-first-byte')")
        assert await owner.js("location.href") == f"{url}/", "the code of the link is nowhere any more"
        await owner.until_shown("general answers with offline", "offline · engine ●", "works now")
        await owner.type("Who are you, then?")
        await owner.until_shown("│ Who are you, then?")
        await owner.enter()
        await owner.until_shown("I am offline, the planner that works without a key")
        assert await owner.colours() > 20, "the terminal is really painted"

        await sign_in(ada, url, "hf_wrong")
        await ada.until("document.getElementById('problem')?.textContent.startsWith('This key is not known')")
        await sign_in(ada, url, key)
        shown = await ada.until_shown("general answers with offline", "No sessions yet")
        assert "Who are you, then?" not in shown
        assert await ada.js("document.cookie") == ""

        for page in (owner, ada):
            place = url.partition("://")[2]
            assert {each.split("/")[2] for each in page.urls} == {place}, "nothing comes from elsewhere"
        assert not owner.problems
        await owner.js("document.forms[0].submit()")
        await owner.until("location.pathname === '/login'")
        assert key not in "".join(
            file.read_text() for file in Path(os.environ["HOLDFAST_HOME"]).glob("logs/*.log")
        )
