"""Agents of GenLabs behind the real application, and a client that asks them."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.fixture
def put_agent(open_bench: Any) -> Any:
    """Puts an agent file there, by its keys beside `version`, `name` and `model`; returns the agent's id."""
    count = 0

    def put(name: str = "helper", **more: Any) -> str:
        nonlocal count
        count += 1
        id = f"0197aaaa-0000-7000-8000-{count:012d}"
        said = {"version": 1, "name": name, "id": id, "model": "scripted", "instructions": "Help.", **more}
        open_bench.paths.agents.mkdir(parents=True, exist_ok=True)
        (open_bench.paths.agents / f"{name}.yaml").write_text(json.dumps(said))
        return id

    return put
