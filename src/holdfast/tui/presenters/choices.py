"""Lists to choose from: agents and models with what one should know of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.presenters.blocks import text_lines
from holdfast.tui.presenters.figures import tokens
from holdfast.tui.presenters.prompts import PromptView, about_lines
from holdfast.tui.presenters.spans import BLANK, Line, line

if TYPE_CHECKING:
    from holdfast.core.domain.agents import AgentInfo
    from holdfast.core.domain.models import ModelInfo


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose."""

    value: str
    label: Line
    detail: list[Line]
    text: str
    """What the filter looks in."""
    valid: bool = True


def kind_choices(kinds: Iterable[tuple[str, str, str]]) -> list[Choice]:
    """Returns kinds of something to choose from: the value, the title, and what it is, of each."""
    return [
        Choice(kind, line(title), [line((title, "heading")), line((about, "muted"))], f"{kind} {title}")
        for kind, title, about in kinds
    ]


def agent_choices(agents: Iterable[AgentInfo]) -> list[Choice]:
    """Returns agents to choose from; those with mistakes are listed with them, and cannot be chosen."""
    return sorted((_agent(info) for info in agents), key=lambda choice: not choice.valid)


def _agent(info: AgentInfo) -> Choice:
    name, called = sanitize_line(info.name), sanitize_line(info.display_name)
    description = " · ".join(part for part in (called, sanitize_line(info.description)) if part)
    if info.spec is None:
        label = line(("✗ ", "error"), name, ("  has mistakes", "error"))
        problems: list[Line] = [line((sanitize_line(info.path), "muted")), BLANK]
        for problem in info.problems:
            problems += text_lines(str(problem), "error")
        return Choice(info.name, label, problems, f"{name} {description}", valid=False)
    spec = info.spec
    label = line((name, "strong"), (f"  {description}", "muted"))
    detail = [
        line((name, "heading"), (f"  {info.layer.value}", "muted")),
        line(description),
        BLANK,
        line(("model  ", "muted"), sanitize_line(spec.model or "the usual order")),
        line(("tools  ", "muted"), sanitize_line(", ".join(spec.tool_names)) or "none"),
        line(("files  ", "muted"), sanitize_line(spec.workspace)),
        line((sanitize_line(info.path), "muted")),
    ]
    if not info.trusted:
        detail += [BLANK, line(("This folder is not trusted: the agent asks before everything.", "warning"))]
    for problem in info.problems:
        detail += text_lines(sanitize(str(problem)), "warning")
    return Choice(info.name, label, detail, f"{name} {description}")


def prompt_choices(prompts: Iterable[PromptView]) -> list[Choice]:
    """Returns the prompts that can be sent, to choose from."""
    return [
        Choice(
            one.key,
            line((one.name, "strong"), (f"  {one.description or one.title}", "muted")),
            about_lines(one),
            f"{one.name} {one.title} {one.description} {one.origin} {one.whose}",
        )
        for one in prompts
        if one.usable
    ]


def model_choices(models: Iterable[ModelInfo], current: str) -> list[Choice]:
    """Returns models to choose from, those that can be used first; the first goes back to the order."""
    usual = Choice(
        "default",
        line(("the usual model", "strong"), ("  flag, agent, settings, key, Ollama, offline", "muted")),
        [line("The first of these that names a model or has a key decides.")],
        "default usual",
    )
    rows = sorted((_model(info, current) for info in models), key=lambda choice: not choice.valid)
    return [usual, *rows]


def _model(info: ModelInfo, current: str) -> Choice:
    name = sanitize_line(info.name)
    mark = (
        ("● ", "success") if info.name == current else ("○ ", "muted") if info.available else ("✗ ", "error")
    )
    why = "" if info.available else "  no key"
    label = line(mark, (name, "strong" if info.available else "muted"), (why, "muted"))
    takes = [word for word, yes in (("images", info.takes_images), ("PDF", info.takes_pdf)) if yes]
    detail = [
        line((name, "heading")),
        line(("window ", "muted"), tokens(info.context_window) if info.context_window else "not known"),
        line(("price  ", "muted"), _price(info)),
        line(("takes  ", "muted"), ", ".join(["text", *takes])),
    ]
    if info.note:
        detail += [BLANK, *text_lines(info.note)]
    if not info.available:
        command = f"holdfast keys provider set {sanitize_line(info.provider)}"
        detail += [BLANK, line(("No key is known. ", "warning"), (command, "key"))]
    return Choice(info.name, label, detail, f"{name} {sanitize_line(info.provider)}", info.available)


def _price(info: ModelInfo) -> str:
    if info.input_usd_per_million is None or info.output_usd_per_million is None:
        return "not known"
    if info.input_usd_per_million == info.output_usd_per_million == 0:
        return "free"
    return f"${info.input_usd_per_million:g} in, ${info.output_usd_per_million:g} out per million tokens"


def theme_choices(
    themes: Iterable[dict[str, Any]], current: str, by_ground: Mapping[bool, str], dark: bool | None
) -> list[Choice]:
    """Returns themes to choose from: `auto` first, then dark and light ones by name. `dark` says whether the
    terminal's background is; None: it has not said so."""
    known = sorted(themes, key=lambda data: (not data.get("dark", True), str(data["name"])))
    found = {True: "is dark", False: "is light", None: "has not said what it is"}[dark]
    detail = [
        line("Follows the terminal:"),
        line(("on dark    ", "muted"), sanitize_line(by_ground[True])),
        line(("on light   ", "muted"), sanitize_line(by_ground[False])),
        line((f"The terminal {found}.", "muted")),
    ]
    auto = Choice(
        "auto", line("auto", ("  as the terminal is", "muted"), *_now("auto", current)), detail, "auto"
    )
    return [auto, *(_theme(data, current) for data in known)]


def _theme(data: dict[str, Any], current: str) -> Choice:
    name = sanitize_line(str(data["name"]))
    kind = "dark" if data.get("dark", True) else "light"
    colors = [
        line((f"{key:<12}", "muted"), sanitize_line(str(value))) for key, value in data["colors"].items()
    ]
    label = line(name, (f"  {kind}", "muted"), *_now(str(data["name"]), current))
    return Choice(str(data["name"]), label, colors, f"{name} {kind}")


def _now(name: str, current: str) -> tuple[tuple[str, str], ...]:
    return ((" ✓ chosen", "success"),) if name == current else ()
