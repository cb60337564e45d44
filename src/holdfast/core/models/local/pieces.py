"""The text that a model writes, taken apart: what it says, what it thinks, and which tools it calls.

Most models that are run from files write calls and thoughts between tags; a tag may arrive in pieces.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from holdfast.core.domain.models import ModelDelta, ReasoningDelta, TextDelta, ToolCallDelta

_TAGS = {"<tool_call>": "</tool_call>", "<think>": "</think>"}
_MAX_CALL = 1_000_000
"""Characters of one call; more is text."""


@dataclass(slots=True)
class TaggedText:
    """Reads pieces of one reply."""

    tools: bool
    """Whether calls are looked for: without tools a tag is text."""
    calls: int = 0
    _held: str = ""
    _inside: str = field(default="")
    """The tag that is open."""

    def read(self, piece: str) -> Iterator[ModelDelta]:
        """Yields what is sure of the text so far."""
        self._held += piece
        while self._held:
            tag = _TAGS[self._inside] if self._inside else ""
            tags = (tag,) if tag else self._openings()
            at, found = _first(self._held, tags)
            if found:
                yield from self._said(self._held[:at], closed=bool(tag))
                self._held = self._held[at + len(found) :]
                self._inside = "" if tag else found
                continue
            if self._inside == "<tool_call>" and len(self._held) <= _MAX_CALL:
                return
            sure = len(self._held) - _begun(self._held, tags)
            if sure == 0:
                return
            said, self._held = self._held[:sure], self._held[sure:]
            yield from self._said(said, closed=False)

    def end(self) -> Iterator[ModelDelta]:
        """Yields what is left; a call that was not closed counts when it is whole."""
        rest, self._held = self._held, ""
        yield from self._said(rest, closed=self._inside == "<tool_call>")

    def _openings(self) -> tuple[str, ...]:
        return tuple(_TAGS) if self.tools else ("<think>",)

    def _said(self, text: str, *, closed: bool) -> Iterator[ModelDelta]:
        if not text:
            return
        if self._inside == "<think>":
            yield ReasoningDelta(text=text)
        elif self._inside == "<tool_call>" and closed:
            yield from self._call(text)
        else:
            yield TextDelta(text=text)

    def _call(self, text: str) -> Iterator[ModelDelta]:
        try:
            found = json.loads(text)
            name, arguments = found["name"], found.get("arguments", found.get("parameters", {}))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            yield TextDelta(text=text)  # no call: what the model said is shown
            return
        if not isinstance(name, str) or not name:
            yield TextDelta(text=text)
            return
        self.calls += 1
        given = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        yield ToolCallDelta(key=f"call-{self.calls}", name=name, arguments=given)


def _first(text: str, tags: tuple[str, ...]) -> tuple[int, str]:
    """Returns where the first of the tags stands, and which it is; empty: none."""
    places = [(at, tag) for tag in tags if (at := text.find(tag)) >= 0]
    return min(places) if places else (0, "")


def _begun(text: str, tags: tuple[str, ...]) -> int:
    """Returns how many characters at the end could be the beginning of a tag."""
    longest = min(len(text), max(map(len, tags)) - 1)
    return next(
        (n for n in range(longest, 0, -1) if any(tag.startswith(text[-n:]) for tag in tags)),
        0,
    )
