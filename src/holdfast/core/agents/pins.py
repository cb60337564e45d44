"""Arguments that an agent's file pins and a tool does not know: they have no effect, and are told of."""

from __future__ import annotations

from collections.abc import Callable, Collection

from holdfast.core.config.mistakes import did_you_mean
from holdfast.core.config.nodes import compose
from holdfast.core.config.syntax import shown
from holdfast.core.domain.errors import Diagnostic

ArgumentsOf = Callable[[str], "Collection[str] | None"]
"""Returns the arguments of a tool by its name; None where they are not known."""


def pin_warnings(text: str, file: str, arguments_of: ArgumentsOf) -> tuple[Diagnostic, ...]:
    """Returns a warning for each argument that `text`, an agent's file, pins in vain."""
    document, _ = compose(text, file)
    tools = document.find(("tools",)) if document is not None else None
    if document is None or tools is None:
        return ()
    found: list[Diagnostic] = []
    for index, item in enumerate(tools.items):
        name = item.fields["tool"].value if "tool" in item.fields else None
        pinned = item.fields["arguments"].fields if "arguments" in item.fields else {}
        known = arguments_of(name) if isinstance(name, str) and pinned else None
        if known is None:
            continue
        for argument in pinned:
            if argument not in known:
                mistake = document.mistake(
                    ("tools", index, "arguments", argument),
                    f"{shown(str(name))} has no argument `{shown(argument)}`: it is dropped",
                    expected="one of " + ", ".join(sorted(known)) if known else "no arguments",
                    hint=did_you_mean(argument, known),
                    of_key=True,
                )
                found.append(mistake.model_copy(update={"warning": True}))
    return tuple(found)
