"""The page on observing: every command on it is executed, and its table names every metric."""

from __future__ import annotations

import re

import examples
import pytest
from shells import Shell
from tests.e2e.presence import program

PAGE = "docs/how-to/observe.md"
NEEDED = ("bash", "curl", "jq")


@pytest.fixture(scope="module")
def observed(shell: Shell) -> Shell:
    """A shell with an engine in which one run has ended."""
    for name in NEEDED:
        program(name)
    shell.run("holdfast run general hello")
    return shell


def blocks() -> list[str]:
    """Returns the page's blocks of shell, with ports that nobody else has."""
    return [
        block.replace("--port 8700", "--port 0").replace(":4318", ":9")
        for block in examples.blocks_of(PAGE, "sh")
    ]


@pytest.mark.thorough
def test_every_block_of_the_page_works_as_it_stands(observed: Shell) -> None:
    said = [observed.run(block).out for block in blocks()]
    assert "offline" in said[0]
    assert "holdfast_runs_ended_total" in "".join(said)


def test_the_table_names_every_metric_and_no_other(observed: Shell) -> None:
    page = (examples.ROOT / PAGE).read_text(encoding="utf-8")
    named = set(re.findall(r"`(holdfast_\w+)", page))
    text = observed.run(next(block for block in blocks() if "/v1/metrics" in block)).out
    families = set(re.findall(r"^# TYPE (holdfast_\w+)", text, re.MULTILINE))
    # The loop's lag is there from the second reading on.
    assert named - families <= {"holdfast_event_loop_lag_seconds"}
    assert families - named <= {"holdfast_event_loop_lag_max_seconds"}
