"""What the engine says of a script, as the app's form of an agent reads it."""

from __future__ import annotations

import json
from typing import Any

from holdfast.tui.presenters.details import SNIPPETS, mistakes_of


def file_with(code: str) -> str:
    return f"version: 1\nname: script\nscript: {{code: {json.dumps(code)}}}\n"


async def test_mistakes_of_a_script_are_said_with_its_lines(open_bench: Any) -> None:
    async with open_bench([]) as bench:
        agents = bench.workbench.agents
        for _, code, _ in SNIPPETS:
            assert [one for one in await agents.check(file_with(code)) if not one.warning] == []
        for code, lines in (
            ("x = 1\nimport os\n\nimport sys\n", [2, 4]),
            ("x = 1\ny = = 2\n", [2]),
            ("", [1]),
        ):
            said = [one.message for one in await agents.check(file_with(code))]
            assert [line for line, _ in mistakes_of(said)] == lines
