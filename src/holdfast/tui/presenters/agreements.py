"""What a person has agreed to, and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.keys import foot, shown
from holdfast.tui.presenters.spans import BLANK, Line, fit, line
from holdfast.tui.presenters.status import EngineState, engine_note

if TYPE_CHECKING:
    from datetime import datetime

    from holdfast.core.domain.agreements import Agreement


@dataclass(frozen=True, slots=True)
class AgreementView:
    """One agreement, sanitised."""

    name: str
    title: str
    text: str
    accepted_at: datetime | None


@dataclass(slots=True)
class AgreementsState:
    """What the screen of agreements shows."""

    agreements: list[AgreementView] | None = None
    """None: not read yet."""
    error: str = ""

    def find(self, name: str | None) -> AgreementView | None:
        return next((one for one in self.agreements or [] if one.name == name), None)


def agreement_views(agreements: Iterable[Agreement]) -> list[AgreementView]:
    """Returns agreements as they are shown."""
    return [
        AgreementView(one.name, sanitize_line(one.title), sanitize(one.text), one.accepted_at)
        for one in agreements
    ]


def headline(state: AgreementsState, engine: EngineState = "ready") -> Line:
    """Returns the first line."""
    accepted = sum(one.accepted_at is not None for one in state.agreements or [])
    said = f"  {accepted} of {len(state.agreements)} accepted" if state.agreements else ""
    return line(("Agreements", "brand"), engine_note(engine), (said, "muted"))


def agreement_rows(
    state: AgreementsState, words: list[str], width: int
) -> list[tuple[str, tuple[Line, ...]]]:
    """Returns the agreements that the words fit, two lines each."""
    return [
        (one.name, (line((fit(one.title, width), "strong")), _date(one)))
        for one in state.agreements or []
        if all(word in one.title.casefold() for word in words)
    ]


def _date(one: AgreementView) -> Line:
    if one.accepted_at is None:
        return line(("  not accepted", "warning"))
    return line(("  ✓ accepted ", "success"), (f"{one.accepted_at:%Y-%m-%d %H:%M} UTC", "muted"))


def note_lines(state: AgreementsState, *, some: bool) -> list[Line]:
    """Returns what stands below the list."""
    if state.error:
        return [line((state.error, "error"))]
    if state.agreements is None:
        return [line(("Reading the agreements …", "muted"))]
    if not some:
        return [
            line(("No agreement fits." if state.agreements else "There is nothing to agree to.", "muted"))
        ]
    return []


def detail_lines(state: AgreementsState, current: str | None) -> list[Line]:
    """Returns the text of an agreement."""
    one = state.find(current)
    if one is None:
        return []
    lines = [_date(one)]
    if one.accepted_at is None:
        lines.append(line(("  It is asked for when an agent gets the plan decentralized; ", "muted"),
                          (shown("agreements.accept"), "key"), (" accepts it now.", "muted")))  # fmt: skip
    return [*lines, BLANK, *map(_paragraph, _paragraphs(one.text))]


def _paragraphs(text: str) -> list[str]:
    """Returns paragraphs as a line each, with empty ones between them as they stand."""
    found: list[str] = []
    for row in text.strip().split("\n"):
        begins = not row.strip() or not found or not found[-1] or row[:1] in "#-" or row[:1].isdigit()
        if begins:
            found.append(row.strip())
        else:
            found[-1] += f" {row.strip()}"
    return found


def _paragraph(text: str) -> Line:
    plain = text.replace("*", "")
    return line((plain.lstrip("# "), "heading")) if plain.startswith("#") else line(plain)


def footer(
    state: AgreementsState, current: str | None, *, typing: bool = False
) -> list[tuple[str, str, str]]:
    """Returns the keys for what is under the cursor."""
    back, last = foot("agreements.back"), foot("agreements.help")
    if typing:
        return [back, (shown("words.to_list"), "to the list", ""), last]
    one = state.find(current)
    accept = [foot("agreements.accept")] if one is not None and one.accepted_at is None else []
    return [back, foot("agreements.read"), *accept, foot("agreements.words"), last]
