"""Signing in to Sage in a real Chromium: what its rules for cookies, forms and sites make of our pages."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.listener import listening
from tests.fakes.oidc_server import CLIENT_SECRET, FakeProvider
from tests.web.chromium import Page, chromium, find_chromium

pytestmark = pytest.mark.thorough

PASSWORD = "correct horse battery staple"


@pytest.fixture
def program() -> str:
    found = find_chromium()
    if found is None and os.environ.get("HOLDFAST_TEST_REQUIRE_ALL") != "1":
        pytest.skip("there is no Chromium on this machine")
    assert found, "HOLDFAST_TEST_REQUIRE_ALL is set, and there is no Chromium"
    return found


@pytest.fixture
def site(open_bench: Any, tmp_path: Path) -> Callable[..., Any]:
    """Opens a listener with the settings of accounts; gives its address and the workbench."""

    @asynccontextmanager
    async def opened(**accounts: Any) -> AsyncIterator[tuple[str, Any]]:
        async with (
            open_bench(more_settings={"accounts": accounts}) as bench,
            listening(bench.workbench, tmp_path) as listener,
        ):
            yield listener.state.url, bench.workbench

    return opened


async def click(page: Page, selector: str) -> None:
    await page.js(f"document.querySelector({selector!r}).click()")


async def test_a_password_signs_in_leads_on_and_signs_out(program: str, tmp_path: Path, site: Any) -> None:
    async with site() as (url, workbench), chromium(program, tmp_path / "profile") as browser:
        await workbench.users.add("ann", password=PASSWORD)
        page = await browser.page()
        await page.open(f"{url}/sage/login?next=/sage/login%3Fgone=on")
        await page.until("document.querySelector('#password') !== null")
        assert await page.js("getComputedStyle(document.querySelector('main')).borderTopWidth") == "1px"
        await page.js("document.querySelector('#name').focus()")
        await page.type("ann")
        await page.js("document.querySelector('#password').focus()")
        await page.type(PASSWORD)
        await page.enter()
        await page.until("location.search === '?gone=on' && document.body.innerText.includes('ann')")
        assert await page.js("document.cookie") == ""
        await click(page, "form button")
        await page.until(
            "location.pathname === '/sage/login' && document.querySelector('#password') !== null"
        )
        assert page.problems == []


async def test_a_browser_comes_back_from_another_site(program: str, tmp_path: Path, site: Any) -> None:
    with FakeProvider(host="localhost").serving() as fake:
        async with (
            site(mode="oauth", providers=[fake.settings()]) as (url, workbench),
            chromium(program, tmp_path / "profile") as browser,
        ):
            await workbench.keys.set_provider("login.corp", CLIENT_SECRET)
            page = await browser.page()
            await page.open(f"{url}/sage/login?next=/sage/login%3Fgone=on")
            await page.until("document.querySelector('a.button') !== null")
            await click(page, "a.button")
            await page.until("location.search === '?gone=on' && document.body.innerText.includes('alice')")
            assert any(asked.startswith(f"{fake.url}/authorize?") for asked in page.urls)
            assert page.problems == []
