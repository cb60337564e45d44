"""`run_javascript`: programs in Node.js, where it is installed, and what is said where it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.e2e.presence import program

from holdfast.core.domain.errors import UnavailableError


@pytest.fixture
def environment() -> dict[str, str]:
    """An environment that finds Node.js; the test is skipped where there is none."""
    return {"PATH": f"{program('node').parent}:/usr/bin:/bin"}


async def test_a_program_runs_as_a_module_with_require_in_the_workspace(
    bench: Any, text: Any, environment: dict[str, str]
) -> None:
    bench.workspace.write("helper.mjs", b"export const twice = (number) => number * 2\n")
    code = """
import { twice } from "./helper.mjs"
import { writeFileSync } from "node:fs"
const path = require("node:path")
writeFileSync("made.txt", String(await Promise.resolve(twice(21))))
console.log(path.basename("/a/b"), process.cwd())
console.error(process.stdin.read())
"""
    output = await bench.run("run_javascript", {"code": code}, environment=environment)
    assert text(output) == f"b {bench.workspace.root}\nnull\n[exit code 0]"
    assert bench.workspace.read("made.txt") == b"42"


async def test_a_mistake_names_its_line_and_nothing_of_the_engine(
    bench: Any, text: Any, environment: dict[str, str]
) -> None:
    environment = {**environment, "LANG": "C"}
    code = "console.log(Object.keys(process.env).join())\n\nthrow new Error('broken')"
    output = await bench.run("run_javascript", {"code": code}, environment=environment)
    shown = text(output)
    assert output.is_error and ":3" in shown and "broken" in shown
    assert set(shown.splitlines()[0].split(",")) <= {"PATH", "LANG", "LC_CTYPE"}


async def test_a_program_that_does_not_end_is_ended(
    bench: Any, text: Any, environment: dict[str, str]
) -> None:
    output = await bench.run(
        "run_javascript", {"code": "while (true) {}"}, environment=environment, timeout_s=0.5
    )
    assert "ended after the time limit" in text(output)


async def test_the_program_is_shown_and_rules_match_it(bench: Any) -> None:
    preview = await bench.preview("run_javascript", {"code": "1"})
    assert (preview.blocks[0].language, preview.blocks[0].text) == ("javascript", "1")
    assert bench.subjects("run_javascript", {"code": "1"}) == ("1",)


async def test_without_node_the_call_says_what_to_do(bench: Any, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"Install Node\.js") as caught:
        await bench.run("run_javascript", {"code": "1"}, environment={"PATH": str(tmp_path)})
    assert (caught.value.code, caught.value.retryable) == ("node_missing", False)
