"""One agent as a form: what it is, where and how it runs, who may call it, and what it has used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.keys import foot, shown
from holdfast.tui.presenters.figures import age, cost, counted
from holdfast.tui.presenters.spans import BLANK, Line, fit, line
from holdfast.tui.presenters.status import EngineState, engine_note

if TYPE_CHECKING:
    from datetime import datetime

    from holdfast.core.domain.agents import AgentInfo
    from holdfast.core.domain.identity import Credential
    from holdfast.core.domain.usage import UsageSummary

EXT = "genlabs"
"""Under which name what only GenLabs' API knows of an agent is kept with it."""
LABEL = 13
How = Literal["line", "text", "script", "plan", "region", "number", "key", "switch", "tools", "copy"]
_NO_EFFECT = "It has no effect on the plan decentralized."
_DEDICATED = "Only on the plan dedicated; this agent has another, or none."


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that can be changed."""

    id: str
    label: str
    how: How
    about: str
    path: str = ""
    """Its key in the agent's file, with dots."""


FIELDS = (
    Field("name", "name", "line", "What people are shown instead of the file's name.", "display_name"),
    Field("id", "agent id", "copy", "What programs call it by; it stays. enter copies it."),
    Field("script", "script", "script", "Python that drives the conversation: query, add, attach.", "script"),
    Field("system", "system", "text", "The system message: put before every conversation.", "instructions"),
    Field("plan", "plan", "plan", "How it is charged for: by the query, or by the token.", "plan"),
    Field("region", "region", "region", "Where it runs; one that is no more falls back.", "region"),
    Field("key", "key", "key", "The key that calls it; with none, any of yours may.", f"ext.{EXT}.key"),
    Field("top_p", "top-p", "number", "From how many words it chooses, 0 to 1.", "model_settings.top_p"),
    Field("temperature", "temperature", "number", "How much chance there is in a reply, 0 to 2.",
          "model_settings.temperature"),
    Field("stream", "stream", "switch", "Whether GenLabs' API answers in pieces.", f"ext.{EXT}.stream"),
    Field("logging", "logging", "switch", "Whether what is said is logged; v2 needs it.", "logging"),
    Field("alpha", "alpha", "switch", "Features that are tried out: images in messages.", f"ext.{EXT}.alpha"),
    Field("tools", "tools", "tools", "What it may call.", "tools"),
)  # fmt: skip
BY_ID = {one.id: one for one in FIELDS}
PLANS = (
    ("none", "No plan", "It is charged as any model is; nothing of credits holds for it."),
    (
        "decentralized",
        "Decentralized",
        "Cheaper, by the query: machines of a pool, less reliable, no region.",
    ),
    ("dedicated", "Dedicated", "By the token, in a region, steadier."),
)


@dataclass(frozen=True, slots=True)
class AgentView:
    """What is known of the agent. Texts are sanitised, but for the script's code, which is edited."""

    name: str
    id: str
    layer: str
    values: Mapping[str, Any]
    """By the ids of fields; None: the agent says nothing."""
    script_file: str = ""
    """The file beside the agent's that has the script; empty: it stands in the agent's own."""
    script_more: bool = False
    """Whether something else is said of the script: its models, its time."""
    created_at: datetime | None = None


@dataclass(slots=True)
class DetailsState:
    """What the screen of one agent shows."""

    agent: str = ""
    """Its name; empty: none is chosen yet."""
    view: AgentView | None = None
    """None: not read yet, or its file has mistakes."""
    regions: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    """Names of keys by their ids."""
    usage: list[Line] = field(default_factory=list)
    error: str = ""

    @property
    def plan(self) -> str | None:
        return self.view.values["plan"] if self.view is not None else None


def agent_view(info: AgentInfo) -> AgentView | None:
    """Returns an agent as it is shown; None for one whose file has mistakes."""
    spec = info.spec
    if spec is None:
        return None
    kept = spec.ext.get(EXT, {})
    script = spec.script
    values: dict[str, Any] = {
        "name": sanitize_line(info.display_name or info.name),
        "id": info.id,
        "script": script.code if script is not None else None,
        "system": sanitize(spec.instructions),
        "plan": spec.plan,
        "region": spec.region,
        "key": kept.get("key"),
        "top_p": spec.model_settings.top_p,
        "temperature": spec.model_settings.temperature,
        "stream": kept.get("stream") is True,
        "logging": spec.logging,
        "alpha": kept.get("alpha") is True,
        "tools": spec.tool_names,
    }
    return AgentView(
        name=sanitize_line(info.name),
        id=info.id,
        layer=info.layer.value,
        values=values,
        script_file=sanitize_line(script.file or "") if script is not None else "",
        script_more=script is not None and bool(script.model_fields_set - {"code", "file"}),
        created_at=info.created_at,
    )


def key_names(keys: Iterable[Credential], now: datetime) -> dict[str, str]:
    """Returns the names of keys that let somebody in, by their ids."""
    return {one.id: sanitize_line(one.name) for one in keys if not one.ended(now)}


def usage_lines(summary: UsageSummary, now: datetime) -> list[Line]:
    """Returns what an agent was asked, and what that took."""
    total = summary.total
    last = max((one.last_at for one in summary.groups if one.last_at is not None), default=None)
    ago = (f"  last {age(last, now)}" if last is not None else "", "muted")
    return [
        line(("requests  ", "muted"), f"{total.runs:,}", ago),
        line(
            ("credits   ", "muted"),
            f"{total.credits:,.6g}",
            (f"  {cost(total.cost_usd, total.unpriced)}", "muted"),
        ),
    ]


def greyed(state: DetailsState, field_id: str) -> str:
    """Returns why a field means nothing for the agent's plan; empty where it does."""
    if field_id in ("region", "alpha") and state.plan != "dedicated":
        return _DEDICATED
    if field_id in ("top_p", "temperature") and state.plan == "decentralized":
        return _NO_EFFECT
    return ""


def changes_of(state: DetailsState, field_id: str, value: Any) -> dict[str, Any]:
    """Returns what of the agent's file changes with a field; None: it is taken out."""
    if field_id == "plan":
        plan = None if value == "none" else value
        if plan != "dedicated":
            return {"plan": plan, "region": None}
        known = state.view.values["region"] if state.view is not None else None
        return {"plan": plan, "region": known or next(iter(state.regions), None)}
    if field_id == "script" and value is not None:
        code = value if value.endswith("\n") else f"{value}\n"  # a line alone may be the name of a file
        alone = state.view is None or not state.view.script_more
        return {"script": code} if alone else {"script.code": code}
    return {BY_ID[field_id].path: value}


def number_of(field_id: str, text: str) -> float | None:
    """Returns what was typed as a number; None for an empty text. Raises `ValueError` with what fits."""
    if not text.strip():
        return None
    low, most = (0.0, 2.0) if field_id == "temperature" else (0.0, 1.0)
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not low <= value <= most or (field_id == "top_p" and value == 0):
        raise ValueError(
            f"{BY_ID[field_id].label}: a number from {low:g} to {most:g}; left empty, as the model does"
        )
    return value


# --- what is shown


def headline(state: DetailsState, engine: EngineState = "ready") -> Line:
    """Returns the first line."""
    view = state.view
    where = {"shipped": "comes with Holdfast", "project": "of this folder", "user": "your own"}
    said = f"  {where[view.layer]}" if view is not None else ""
    return line(
        ("Agent  ", "brand"),
        engine_note(engine),
        (sanitize_line(state.agent) or "none yet", "strong"),
        (said, "muted"),
    )


def field_rows(state: DetailsState, words: list[str], width: int) -> list[tuple[str, tuple[Line, ...]]]:
    """Returns the fields that the words fit, each with its value."""
    if state.view is None:
        return []
    found = [one for one in FIELDS if all(word in f"{one.label} {one.about}".casefold() for word in words)]
    return [(one.id, (_row(state, one, width),)) for one in found]


def _row(state: DetailsState, one: Field, width: int) -> Line:
    grey = bool(greyed(state, one.id))
    text, role = _said(state, one)
    return line("  ", (f"{one.label:<{LABEL}}", "muted"),
                (fit(text, max(8, width - LABEL - 3)), "muted" if grey else role))  # fmt: skip


def _said(state: DetailsState, one: Field) -> tuple[str, str]:
    """Returns a field's value in words, and how it looks."""
    view = state.view
    value = view.values[one.id] if view is not None else None
    if one.how == "switch":
        return ("● on", "success") if value else ("○ off", "")
    if one.id == "region":
        return _region(state, value)
    if one.id == "key":
        return (state.keys.get(value, "a key that is no more"), "") if value else ("any of yours", "muted")
    if one.id == "tools":
        return (", ".join(map(sanitize_line, value)), "") if value else ("none", "muted")
    if one.id == "script" and view is not None and view.script_file:
        return f"in {view.script_file}", ""
    if value is None or value == "":
        said = {"plan": "none", "script": "none: the usual loop", "system": "none"}
        return said.get(one.id, "as the model does"), "muted"
    if isinstance(value, str):
        rows = value.strip().split("\n")
        more = f" +{len(rows) - 1}" if len(rows) > 1 else ""
        return sanitize_line(rows[0]) + more, ""
    return f"{value:g}", ""


def _region(state: DetailsState, value: str | None) -> tuple[str, str]:
    if not value:
        return "none", "muted"
    if value in state.regions or not state.regions:
        return sanitize_line(value), ""
    return f"{sanitize_line(value)} → {state.regions[0]}: it is no more", "warning"


def note_lines(state: DetailsState, *, some: bool) -> list[Line]:
    """Returns what stands below the fields."""
    if state.error:
        return [line((state.error, "error"))]
    if not state.agent:
        return [line((shown("details.agent"), "key"), (" chooses an agent.", "muted"))]
    if state.view is None:
        return [line(("Reading the agent …", "muted"))]
    return [] if some else [line(("No field fits.", "muted"))]


def detail_lines(state: DetailsState, current: str | None) -> list[Line]:
    """Returns what a field is about with all of its value, and what the agent has used."""
    if state.view is None:
        return []
    lines: list[Line] = []
    one = BY_ID.get(current or "")
    if one is not None:
        lines = [line((one.label, "heading"), (f"  {one.path}" if one.path else "", "code")), line(one.about)]
        if reason := greyed(state, one.id):
            lines.append(line((reason, "warning")))
        lines += [BLANK, *_whole(state, one), BLANK]
    lines += [line(("What it has used", "heading")), *state.usage]
    lines.append(line((shown("details.runs"), "key"), (" shows its runs, with what each took", "muted")))
    if state.view.created_at is not None:
        lines.append(line(("made      ", "muted"), f"{state.view.created_at:%Y-%m-%d %H:%M} UTC"))
    return lines


def _whole(state: DetailsState, one: Field) -> list[Line]:
    value = state.view.values[one.id] if state.view is not None else None
    if one.id == "tools" and value:
        return [line(("· ", "muted"), sanitize_line(name)) for name in value]
    if isinstance(value, str) and "\n" in value:
        role = "code" if one.id == "script" else ""
        return [line((row.expandtabs(4), role)) for row in sanitize(value).rstrip("\n").split("\n")]
    return [line(_said(state, one))]


def footer(state: DetailsState, current: str | None, *, typing: bool = False) -> list[tuple[str, str, str]]:
    """Returns the keys, the most useful first."""
    back, last = foot("details.back"), foot("details.help")
    if typing:
        return [back, (shown("words.to_list"), "to the list", ""), last]
    if state.view is None:
        return [back, foot("details.agent"), last]
    names = ("change", "playground", "chat", "file", "agent", "words")
    return [back, *(foot(f"details.{name}") for name in names), last]


# --- scripts

SNIPPETS: tuple[tuple[str, str, str], ...] = (
    ("query", 'response = query("{model}", conversation)\n', "Asks a model with the conversation so far."),
    ("add", 'add("user", "…", conversation)\n', "Adds a message to the conversation."),
    ("attach", 'attach("…", conversation, location="end")\n', "Adds text to the last message."),
    (
        "chain of thought",
        'initial_response = query("{model}", conversation)\n'
        'follow_up = add("user", "Explain your reasoning for that", conversation)\n'
        'final_response = query("{model}", conversation)\n',
        "Asks for the reasoning, and then once more.",
    ),
    (
        "by length",
        "if len(conversation) > 10:\n"
        '    response = query("{model}", conversation)  # a faster one for long conversations\n'
        "else:\n"
        '    response = query("{model}", conversation)\n',
        "Another model where the conversation is long.",
    ),
)
"""What can be put into a script: its name, the code, and what it does."""


def mistakes_of(messages: Iterable[str]) -> list[tuple[int, str]]:
    """Returns the mistakes of a script by their lines, out of what the engine says of a file in which the
    script stands on one line: `line 3 of the script: …`. What is said of the whole has the line 1."""
    found = []
    for message in messages:
        head, mark, rest = message.partition(" of the script: ")
        number = head.removeprefix("line ")
        found.append((int(number), rest) if mark and number.isdigit() else (1, message))
    return sorted(found)


def mistake_lines(mistakes: list[tuple[int, str]], most: int = 4) -> list[Line]:
    """Returns mistakes as they stand below a script."""
    if not mistakes:
        return [line(("✓ no mistakes", "success"))]
    lines = [
        line((f"line {number}  ", "muted"), (sanitize_line(text), "error"))
        for number, text in mistakes[:most]
    ]
    more = len(mistakes) - most
    return [*lines, *([line((f"and {counted(more, 'more mistake')}", "muted"))] if more > 0 else [])]
