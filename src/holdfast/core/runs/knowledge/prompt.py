"""What the system prompt says of knowledge."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.runs.knowledge.assigned import Assigned
from holdfast.core.tools.builtin.search_knowledge import SEARCH_KNOWLEDGE

KNOWLEDGE_HEADER = "# Knowledge"
_LONGEST = 300
_CITE = (
    "- Passages have a number in brackets. Behind each statement that rests on one, cite it by its number: "
    "[2], or [1][3]. Cite nothing else, and invent no numbers."
)
_SAY_SO = "- Where what was found does not answer the question, say so."


def knowledge_section(
    there: Sequence[Assigned], tools: Sequence[str], *, cited: bool, cite: bool = True
) -> str:
    """Returns the section of the system prompt; empty when the run has no knowledge.

    `cited`: whether passages were retrieved in the session before; `cite`: whether they are to be cited.
    """
    searched = (
        [each for each in there if each.mode in ("tool", "agentic")] if SEARCH_KNOWLEDGE in tools else []
    )
    if not there and not cited:
        return ""
    lines = [KNOWLEDGE_HEADER]
    if searched:
        lines.append(f"- Search these collections with `{SEARCH_KNOWLEDGE}` before you answer from memory:")
        lines += [f"  - {_described(each)}" for each in searched]
    return "\n".join([*lines, *([_CITE] if cite else ()), _SAY_SO])


def _described(each: Assigned) -> str:
    description = shorten(sanitize_line(each.collection.description).strip(), _LONGEST)
    return f"{sanitize_line(each.collection.name)}{': ' if description else ''}{description}"
