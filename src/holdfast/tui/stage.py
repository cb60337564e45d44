"""The stage of the guided tour: a home and a project folder with what it needs, and nothing of a person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from holdfast.tui.presenters.tour import AGENT

_FILES = {
    "sales.csv": "region,Q2,Q3\nnorth,1200,1710\nsouth,980,1004\neast,640,655\nwest,1105,1290\n",
    "notes.md": "# Notes\n\n- The north opened two shops in July.\n- The report is due on Friday.\n",
}
_REPORT = """# Sales, third quarter

Revenue rose in every region, most of all in the **north**.

| region | Q2 | Q3 | change |
|---|---:|---:|---:|
| north | 1,200 | 1,710 | +42 % |
| south | 980 | 1,004 | +2 % |
| east | 640 | 655 | +2 % |
| west | 1,105 | 1,290 | +17 % |
"""
_AGENT = """version: 1
name: {name}
description: Leads through the tour; its replies are written down beforehand.
model: {model}
instructions: You show a newcomer what Holdfast does, with a report on sales.csv.
tools: [read_file, list_files, write_file]
workspace: project
"""
_LATER = (
    "My replies are written down for this tour, and these were all. With a model of yours I would go on here."
)


def set_stage(folder: Path) -> tuple[dict[str, str], Path]:
    """Fills an empty folder; returns the environment of an engine on it, and the project folder."""
    home, project = folder / "home", folder / "project"
    agents = home / "config" / "agents"
    agents.mkdir(mode=0o700, parents=True)
    project.mkdir()
    for name, text in _FILES.items():
        (project / name).write_text(text, encoding="utf-8")
    script = folder / "script.json"
    script.write_text(
        json.dumps({"steps": _steps(), "delay_s": 0.03, "by": "conversation"}), encoding="utf-8"
    )
    text = _AGENT.format(name=AGENT, model=json.dumps(f"scripted/{script}"))
    (agents / f"{AGENT}.yaml").write_text(text, encoding="utf-8")
    environment = {
        "HOLDFAST_HOME": str(home),
        "HOLDFAST_SCRIPTED": "1",
        "HOLDFAST_MODELS__DEFAULT": "offline",  # a key in the environment is not to be used
    }
    return environment, project


def _steps() -> list[list[dict[str, Any]]]:
    north, shorter = "The north grew most. I write that down. ", "I could make the notes shorter as well. "
    return [
        [*_said("I look at the figures first. "), _call("read_file", path="sales.csv"), _used(830, 24)],
        [*_said(north), _call("write_file", path="report.md", content=_REPORT), _used(910, 150)],
        [
            *_said(shorter),
            _call("write_file", path="notes.md", content="Everything is in report.md.\n"),
            _used(1090, 60),
        ],
        [
            *_said(
                "**report.md** is there: revenue rose in every region, in the north by 42 %. As for "
                "`notes.md`, what you decided holds."
            ),
            _used(1180, 40),
        ],
        *([[*_said(_LATER), _used(1250, 30)]] * 20),
    ]


def _used(given: int, said: int) -> dict[str, Any]:
    return {"type": "usage", "input_tokens": given, "output_tokens": said, "cost_usd": 0, "estimated": True}


def _said(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": f"{word} "} for word in text.split()]


def _call(name: str, **arguments: str) -> dict[str, Any]:
    return {"type": "tool_call", "key": "1", "name": name, "arguments": arguments}
