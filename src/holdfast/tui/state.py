"""What the terminal app remembers between two starts: one small JSON file, read before the first paint."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

MOST_ENGINES = 50


@dataclass(slots=True)
class UiState:
    """The remembered things."""

    theme: str = "auto"
    """The theme that was chosen; `auto`: by the terminal's background."""
    theme_data: dict[str, Any] = field(default_factory=dict)
    """The theme as it was last time, so that the first paint needs no YAML."""
    grouping: str = "date"
    """How the list of sessions is put in order."""
    agent: str = ""
    """The agent of the last new session."""
    recent: list[str] = field(default_factory=list)
    """What was chosen in the command palette lately, the latest first."""
    agents: dict[str, str] = field(default_factory=dict)
    """The same for engines elsewhere, by their URLs."""

    def last_agent(self, engine: str) -> str:
        """Returns the agent of the last new session on the engine of a URL; empty: this machine's."""
        return str(self.agents.get(engine, "")) if engine else self.agent

    def remember_agent(self, engine: str, name: str) -> None:
        """Notes the agent of a new session."""
        if not engine:
            self.agent = name
            return
        self.agents.pop(engine, None)
        self.agents[engine] = name
        for oldest in list(self.agents)[:-MOST_ENGINES]:
            del self.agents[oldest]


def load(path: Path) -> UiState:
    """Returns the remembered state; a missing or damaged file gives the defaults."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return UiState()
    if not isinstance(raw, dict):
        return UiState()
    state = UiState()
    for name, value in raw.items():
        if isinstance(value, type(getattr(state, name, None))):
            setattr(state, name, value)
    return state


def save(path: Path, state: UiState) -> None:
    """Writes the state so that a crash leaves the old or the new one. Raises `OSError`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(asdict(state)), encoding="utf-8")
    temporary.replace(path)
