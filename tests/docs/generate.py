"""Writes the reference pages and the JSON Schema of agent files from the code.

    python tests/docs/generate.py

`test_reference.py` fails when they were not written again after a change.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from docpages.agent_file import agent_file_page, schema_text
from docpages.api import api_page
from docpages.cli import cli_page
from docpages.compat import compat_page
from docpages.errors import errors_page
from docpages.events import events_page
from docpages.providers import providers_page
from docpages.settings import settings_page
from docpages.tools import tools_page

from holdfast.server.dialects.every import DIALECTS

DOCS = Path(__file__).parents[2] / "docs"
COMMAND = "python tests/docs/generate.py"

GENERATED: dict[str, Callable[[], str]] = {
    "reference/settings.md": settings_page,
    "reference/agent-file.md": agent_file_page,
    "reference/tools.md": tools_page,
    "reference/cli.md": cli_page,
    "reference/providers.md": providers_page,
    "reference/events.md": events_page,
    "reference/errors.md": errors_page,
    "reference/api.md": api_page,
    "agent.schema.json": schema_text,
    **{f"reference/compat/{place.name}.md": partial(compat_page, place) for place in DIALECTS},
}
"""Each generated file under `docs/`, and what makes it."""


def main() -> None:
    """Writes all files, and says which were different."""
    for name, make in GENERATED.items():
        path = DOCS / name
        text = make()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"written: docs/{name}")


if __name__ == "__main__":
    main()
