"""Models as a list: what they cost in dollars and in credits, and what plans of agents support."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.keys import foot, shown
from holdfast.tui.presenters.figures import counted, tokens
from holdfast.tui.presenters.spans import BLANK, Line, fit, line, space
from holdfast.tui.presenters.status import EngineState, engine_note

if TYPE_CHECKING:
    from collections.abc import Iterable

    from holdfast.core.domain.models import ModelInfo
    from holdfast.core.domain.plans import CreditState, PlanTerms

TABS = ("usable", "all", "prices", "support")
WIDE = 48
"""Cells of a row from which on it has room for more than one figure."""
CREDITS_PER_USD = 1000
"""Ten credits are a cent."""
PLANS = ("decentralized", "dedicated", "OpenAI")
SUPPORT: dict[str, tuple[str, str, str]] = {
    "text generation": ("yes", "yes", "yes"),
    "assistants": ("yes", "yes", "yes"),
    "vision": ("no", "alpha", "yes"),
    "image generation": ("alpha", "alpha", "yes"),
}
"""What can be done on which plan, and what models of OpenAI's can."""
MEANS = {
    "text generation": "A reply in words, at once or as it is written.",
    "assistants": "Conversations that the server keeps, and tools.",
    "vision": "Images in the messages of a conversation.",
    "image generation": "Images that the agent makes, by its tool for that.",
}
STYLES = {"yes": "success", "no": "error", "alpha": "warning"}


@dataclass(frozen=True, slots=True)
class ModelView:
    """One model, sanitised. Prices are of a million tokens."""

    name: str
    provider: str = ""
    window: int | None = None
    output: int | None = None
    usd: tuple[float, float] | None = None
    """In and out; None: not known."""
    credits: tuple[float, float] | None = None
    query: float | None = None
    """Credits of a hundred queries on the plan `decentralized`; None: it has no price there."""
    takes: tuple[str, ...] = ()
    available: bool = True
    note: str = ""


@dataclass(slots=True)
class ModelsState:
    """What the screen of models shows."""

    models: list[ModelView] | None = None
    """None: not read yet."""
    prices: list[ModelView] = field(default_factory=list)
    """The list of prices of agents with a plan."""
    tiers: list[str] = field(default_factory=list)
    regions: tuple[str, ...] = ()
    credits: str = ""
    """What the person owns, in words."""
    alpha: bool = False
    """Whether alpha features are on."""
    error: str = ""

    def of_tab(self, tab: str) -> list[ModelView]:
        if tab == "prices":
            return self.prices
        return [one for one in self.models or [] if one.available or tab == "all"]

    def find(self, tab: str, name: str | None) -> ModelView | None:
        return next((one for one in self.of_tab(tab) if one.name == name), None)


def model_views(models: Iterable[ModelInfo], terms: PlanTerms, credits_per_usd: float) -> list[ModelView]:
    """Returns models as they are shown, with what they are charged for in credits."""
    from holdfast.core.domain.plans import PlanPrice, price_of  # start-up time: it needs pydantic

    known = {one.model: PlanPrice(one.decentralized, one.input, one.output) for one in terms.prices}
    views = []
    for info in models:
        price = price_of(info.name, known)
        usd = _pair(info.input_usd_per_million, info.output_usd_per_million)
        if price is not None:
            credits: tuple[float, float] | None = (price.input_million, price.output_million)
        else:
            credits = None if usd is None else (usd[0] * credits_per_usd, usd[1] * credits_per_usd)
        takes = (("images", info.takes_images), ("PDF", info.takes_pdf), ("tools", info.takes_tools))
        views.append(
            ModelView(
                name=sanitize_line(info.name),
                provider=sanitize_line(info.provider),
                window=info.context_window,
                output=info.max_output_tokens,
                usd=usd,
                credits=credits,
                query=None if price is None else price.hundred_queries,
                takes=("text", *(word for word, yes in takes if yes)),
                available=info.available,
                note=sanitize_line(info.note),
            )
        )
    return views


def price_views(terms: PlanTerms) -> list[ModelView]:
    """Returns the list of prices as it is shown."""
    return [
        ModelView(
            name=sanitize_line(one.model),
            usd=(one.input / CREDITS_PER_USD, one.output / CREDITS_PER_USD),
            credits=(one.input, one.output),
            query=one.decentralized,
        )
        for one in terms.prices
    ]


def tier_lines(terms: PlanTerms) -> list[str]:
    """Returns how often runs may be asked for, by the credits that one owns."""
    said = []
    for one in terms.tiers:
        most = "above" if one.up_to is None else f"to {one.up_to:,.0f}"
        said.append(f"{one.name:<7} {one.per_minute:>4} a minute  {one.per_day:>7,} a day  {most}")
    return said


def credits_line(state: CreditState) -> str:
    """Returns what a person owns, in words."""
    if not state.counted:
        return "Credits do not count here: limits.credits switches that on."
    return f"{state.balance:,.2f} credits left, {state.spent:,.2f} spent: {state.tier.name}"


def _pair(first: float | None, second: float | None) -> tuple[float, float] | None:
    return None if first is None or second is None else (first, second)


# --- the lists


def headline(state: ModelsState, engine: EngineState = "ready") -> Line:
    """Returns the first line."""
    usable = sum(one.available for one in state.models or [])
    said = f"  {counted(usable, 'model')} can be used now" if state.models is not None else ""
    return line(("Models", "brand"), engine_note(engine), (said, "muted"))


def counts(state: ModelsState) -> dict[str, str]:
    """Returns the tabs; only of the models that can be used how many they are: four names take the room."""
    return {tab: str(len(state.of_tab(tab)) or "") if tab == "usable" else "" for tab in TABS}


def model_rows(
    state: ModelsState, tab: str, words: list[str], width: int
) -> list[tuple[str, tuple[Line, ...]]]:
    """Returns the rows of a tab that fit the words."""
    if tab == "support":
        return [(name, (_support_row(name, state.alpha, width),)) for name in SUPPORT if _fits(name, words)]
    found = [one for one in state.of_tab(tab) if _fits(f"{one.name} {one.provider}", words)]
    return [(one.name, (_row(one, tab, width),)) for one in found]


def _fits(text: str, words: list[str]) -> bool:
    return all(word in text.casefold() for word in words)


def _row(one: ModelView, tab: str, width: int) -> Line:
    if tab == "prices":
        right = f"{one.query:>6,.0f}" + (f" {_amounts(one.credits):>14}" if width >= WIDE else "")
    else:
        window = f"{tokens(one.window) if one.window else '?':>6} " if width >= WIDE else ""
        right = f"{window}{_dollars(one.usd):>13}"
    room = max(8, width - len(right) - 4)
    name = fit(one.name, room)
    sign = ("", "") if tab == "prices" else ("● ", "success") if one.available else ("✗ ", "muted")
    return line(sign, (name, "strong" if one.available else "muted"), (space(name, room), ""),
                (right, "muted"))  # fmt: skip


def _amounts(pair: tuple[float, float] | None) -> str:
    return "?" if pair is None else " / ".join(f"{one:,.10g}" for one in pair)


def _dollars(pair: tuple[float, float] | None) -> str:
    if pair is None:
        return "?"
    return "free" if pair == (0, 0) else " / ".join(f"${one:,.4g}" for one in pair)


def _support_row(name: str, alpha: bool, width: int) -> Line:
    said = [(f"{one:<7}", "success" if one == "alpha" and alpha else STYLES[one]) for one in SUPPORT[name]]
    room = max(8, width - sum(len(text) for text, _ in said) - 1)
    return line((fit(name, room), "strong"), (space(name, room), ""), *said)


def _support(word: str, alpha: bool) -> str:
    return f"alpha: {'on' if alpha else 'off'}" if word == "alpha" else word


def note_lines(state: ModelsState, tab: str, *, some: bool) -> list[Line]:
    """Returns what stands below the list."""
    if state.error:
        return [line((state.error, "error"))]
    if state.models is None:
        return [line(("Reading the models …", "muted"))]
    if not some:
        return [line(("No model fits.", "muted"))]
    said = {
        "usable": "window, $ in / out for a million tokens",
        "all": "window, $ in / out for a million tokens",
        "prices": "credits: 100 queries, in / out for a million tokens",
        "support": " · ".join(PLANS),
    }
    return [line((said[tab], "muted"))]


def detail_lines(state: ModelsState, tab: str, current: str | None) -> list[Line]:
    """Returns all that is known of what is under the cursor."""
    if tab == "support":
        return _support_lines(state, current)
    one = state.find(tab, current)
    if one is None:
        return []
    lines = [line((one.name, "heading"), (f"  {one.provider}", "muted"))]
    if tab != "prices":
        lines += [
            line(("window  ", "muted"), counted(one.window, "token") if one.window else "not known",
                 (f", of which {counted(one.output, 'token')} a reply" if one.output else "", "muted")),
            line(("takes   ", "muted"), ", ".join(one.takes)),
        ]  # fmt: skip
    lines += [
        BLANK,
        line(("A million tokens, in and out", "heading")),
        line(("dollars       ", "muted"), _dollars(one.usd)),
        line(("credits       ", "muted"), _amounts(one.credits), ("  on the plan dedicated", "muted")),
    ]
    if one.query is not None:
        each = one.query / 100
        lines += [
            BLANK,
            line(("A hundred queries", "heading")),
            line(("credits       ", "muted"), f"{one.query:,.10g}", ("  on the plan decentralized", "muted")),
            line(("each          ", "muted"), f"{each:,.10g} credits, ${each / CREDITS_PER_USD:,.4g}"),
        ]
    if one.note:
        lines += [BLANK, line(one.note)]
    elif not one.available:
        lines += [BLANK, line(("No key is known. ", "warning"),
                              (f"holdfast keys provider set {one.provider}", "key"))]  # fmt: skip
    if tab == "prices":
        lines += _terms(state)
    return lines


def _terms(state: ModelsState) -> list[Line]:
    lines = [BLANK, line(("What you own", "heading")), line(state.credits), BLANK]
    lines.append(line(("How often runs may be asked for, by credits", "heading")))
    lines += [line((one, "code")) for one in state.tiers]
    regions = ", ".join(state.regions)
    return [*lines, BLANK, line(("regions  ", "muted"), regions),
            line(("10 credits are a cent. Calls of tools are free.", "muted"))]  # fmt: skip


def _support_lines(state: ModelsState, current: str | None) -> list[Line]:
    lines = []
    if current in SUPPORT:
        lines += [line((current, "heading")), line((MEANS[current], "")), BLANK]
        for plan, word in zip(PLANS, SUPPORT[current], strict=True):
            lines.append(line((f"{plan:<15}", "muted"), (_support(word, state.alpha), STYLES[word])))
    switched = ("on", "success") if state.alpha else ("off", "warning")
    lines += [BLANK, line("Alpha features are ", switched, (".  ", ""), (shown("models.alpha"), "key"),
                          (" switches them.", "muted"))]  # fmt: skip
    return lines


def footer(state: ModelsState, tab: str, *, typing: bool = False) -> list[tuple[str, str, str]]:
    """Returns the keys, the most useful first."""
    back, last = foot("models.back"), foot("models.help")
    if typing:
        return [back, (shown("words.to_list"), "to the list", ""), last]
    mine = {"prices": [], "support": [foot("models.alpha")]}.get(tab, [foot("models.use")])
    return [back, *mine, foot("models.words"), foot("models.after"), last]
