"""The code that the app's playground shows does what it says, at the real server."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.runs.conftest import text

from holdfast.tui.presenters.playground.code import KEY, code_of
from holdfast.tui.presenters.playground.requests import SNIPPETS, Snippet
from holdfast.tui.presenters.playground.state import PlaygroundState, PlayMessage

SAID = (
    PlayMessage("system", "You are brief."),
    PlayMessage("user", 'What\'s "2 + 2"? $HOME `pwd` \\n ü {session}'),
    PlayMessage("assistant", "Four."),
    PlayMessage("user", "And then: it's 'over', ${1 + 1} 'JSON'\nJSON\n€"),
)
REPLY = "Five, of course."
NAMES = [one.title for one in SNIPPETS]
WHOLE = ("Holdfast", "OpenAI", "h2oGPTe", "GenLabs v1")
"""The APIs that are told the whole conversation."""


async def state_for(served: Any) -> PlaygroundState:
    """Returns the playground with an agent of the workbench that is logged."""
    info = await served.bench.workbench.agents.get("tester")
    return PlaygroundState(
        agent=info.name, agent_id=info.id, address=served.address, served=True, messages=list(SAID)
    )


def run_python(code: str) -> str:
    said: list[str] = []
    exec(compile(code, "playground.py", "exec"), {"print": lambda value: said.append(str(value))})
    return "\n".join(said)


async def run_program(*command: str) -> str:
    made = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, KEY: "k"}
    )
    said, wrong = await asyncio.wait_for(made.communicate(), 60)
    assert made.returncode == 0, wrong.decode()
    return said.decode()


async def answered(serve: Any, snippet: Snippet, run: Any, language: str) -> None:
    async with serve([text(REPLY), text(REPLY)]) as served:
        state = await state_for(served)
        printed = await run(code_of(state, snippet, language))
        assert REPLY in printed or _pieces(REPLY, printed), printed
        request = served.bench.model.requests[-1]  # GenLabs' agents are asked for tools before
        texts = [one.text for one in request.messages]
        assert texts[-1] == SAID[-1].text
        if snippet.title in WHOLE:
            assert [text for text in texts if text in (SAID[1].text, SAID[2].text)] == [
                SAID[1].text,
                SAID[2].text,
            ]
            assert SAID[0].text in texts[0]


def _pieces(reply: str, printed: str) -> bool:
    """Whether a stream of events holds the reply."""
    return all(word in printed for word in reply.split())


@pytest.mark.parametrize("snippet", SNIPPETS, ids=NAMES)
async def test_python_that_is_shown_gets_the_reply(
    snippet: Snippet, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, "k")

    async def run(code: str) -> str:
        return await asyncio.to_thread(run_python, code)

    await answered(serve, snippet, run, "Python")


@pytest.mark.skipif(not (shutil.which("jq") and shutil.which("curl")), reason="needs curl and jq")
@pytest.mark.thorough
@pytest.mark.parametrize("snippet", SNIPPETS, ids=NAMES)
async def test_a_command_line_that_is_shown_gets_the_reply(snippet: Snippet, serve: Any) -> None:
    async def run(code: str) -> str:
        return await run_program("bash", "-c", code)

    await answered(serve, snippet, run, "curl")


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
@pytest.mark.thorough
@pytest.mark.parametrize("snippet", SNIPPETS, ids=NAMES)
async def test_javascript_that_is_shown_gets_the_reply(snippet: Snippet, serve: Any, tmp_path: Path) -> None:
    async def run(code: str) -> str:
        file = tmp_path / "playground.mjs"
        file.write_text(code, "utf-8")
        return await run_program("node", str(file))

    await answered(serve, snippet, run, "JavaScript")
