"""What the planner says: help, quotations with citations, figures that answer a question, and refusals."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from holdfast.core.models.planning.passages import best_passages, keywords, stem
from holdfast.core.models.planning.reports import TABLE_SUFFIXES, Source, changes, group_table
from holdfast.core.models.planning.series import Series, series
from holdfast.core.models.planning.tables import (
    Figures,
    Group,
    Numbers,
    figures,
    groups,
    number,
    parse_table,
)

MAX_SHOWN = 8000
"""Most characters of a file or an output that an answer shows."""

ADD_A_MODEL = (
    "To work with a language model: `holdfast keys provider set openai` (or another provider), "
    "or start Ollama, or write `model: PROVIDER/NAME` into the agent's YAML file."
)
HELP = f"""\
I am `offline`, the planner that works without a key and without a network. I am no language model: I follow \
explicit requests, and answer questions by quoting your files.

You can ask me to

- read, list and search: `read notes.md`, `list files`, `search for TODO`
- summarise: `summarise sales.csv and save a report to report.md` (real figures of tables, sentences of texts)
- write and edit: `write 'text' to FILE`, `replace 'a' with 'b' in FILE`
- run: ``run `pytest -q` ``, `python print(2 ** 10)`, `fetch https://…`
- plan and ask: `plan the release: build, test, ship`, `ask me which colour (red, blue)`
- answer a question from the files and from your documents: `which region sold the most?`
- hand work to another agent, where there are some: `delegate to writer: write 'text' to FILE`
- load a skill, where the agent has some: `load the skill minutes`
- remember: `remember that the deadline is Friday`, `what do you remember about the deadline?`

Several requests can be joined with "then". Every call goes through your policy and your approval.

{ADD_A_MODEL}"""

Label = Callable[[int], str]
"""What a file is cited by: its number, or a letter where numbers stand for passages of documents."""

_HIGH = re.compile(r"\b(?:most|highest|best|top|largest|biggest|greatest|maximum|max|leading)\b", re.I)
_LOW = re.compile(r"\b(?:least|lowest|worst|smallest|fewest|minimum|min|weakest)\b", re.I)
_MEAN = re.compile(r"\b(?:average|mean|typical)\b", re.I)
_COUNT = re.compile(r"\bhow many\b|\bnumber of\b|\bcount\b", re.I)
_TOTAL = re.compile(r"\b(?:total|sum|overall|altogether|how much|by|per|each|figures|compare)\b", re.I)


def answer_question(question: str, sources: Sequence[Source], label: Label = str) -> str | None:
    """Returns an answer in quotations and figures, with citations and the list of sources; None when the
    sources say nothing of it."""
    parts: list[str] = []
    cited: list[str] = []
    for source in sources:
        found = _figures_for(question, source)
        if found is not None:
            cited.append(source.name)
            parts.append(f"{found} [{label(len(cited))}]")
    tables = set(cited)
    texts = [(s.name, s.text) for s in sources if s.name not in tables]
    places: list[str] = [""] * len(cited)
    for passage in best_passages(question, texts, limit=2 if tables else 4):
        if passage.source not in cited:
            cited.append(passage.source)
            places.append(f", line {passage.line}")
        quoted = "\n".join(f"> {line}" for line in passage.text.splitlines())
        parts.append(f"{quoted} [{label(cited.index(passage.source) + 1)}]")
    if not parts:
        return None
    notes = "".join(f"\n\n*{s.note}*" for s in sources if s.note and s.name in cited)
    body = "\n\n".join(parts)
    return f"The files say:\n\n{body}{notes}\n\n{sources_list(cited, places, label)}"


def nothing_found(question: str, where: str = "the files") -> str:
    """Returns the answer when nothing says anything of it."""
    words = keywords(question)
    if not words:
        return HELP
    looked = ", ".join(f"“{w}”" for w in words[:6])
    return (
        f"I found nothing in {where} about {looked}. I am `offline`, which is no language model: "
        f"I can only quote what stands in {where} and carry out explicit requests (`help` lists them). "
        f"{ADD_A_MODEL}"
    )


def refused(tool: str, reason: str) -> str:
    """Returns what is said when a call was denied."""
    why = reason.strip().rstrip(".")
    return (
        f"`{tool}` was not allowed{f': {why}' if why else ''}. I have stopped here and changed nothing more."
    )


def failed(tool: str, text: str) -> str:
    """Returns what is said when a call failed."""
    return f"`{tool}` failed, so I stopped:\n\n{code_block(text)}"


def missing(tool: str, concluding: bool) -> str:
    """Returns what is said when the call that is needed cannot be made."""
    if concluding:
        return f"I was asked to conclude. `{tool}` would have been the next call; I have not made it."
    return (
        f"This needs the tool `{tool}`, which this agent has not: add it under `tools:` in the agent's file."
    )


def letter(number: int) -> str:
    """Returns the letters that stand for a number: a, b … z, aa, ab …"""
    name = ""
    while number > 0:
        number, at = divmod(number - 1, 26)
        name = chr(ord("a") + at) + name
    return name


def sources_list(names: Sequence[str], places: Sequence[str] = (), label: Label = str) -> str:
    """Returns the numbered list of sources."""
    where = list(places) + [""] * (len(names) - len(places))
    placed = enumerate(zip(names, where, strict=True), 1)
    lines = [f"[{label(i)}] `{name}`{place}" for i, (name, place) in placed]
    return "Sources:\n\n" + "  \n".join(lines)


def listing(text: str) -> str:
    """Returns what a listing of files says."""
    if not text.strip() or text.startswith("No files"):
        return text.strip() or "No files."
    return f"The files:\n\n{code_block(text)}"


def code_block(text: str) -> str:
    """Returns a text in a fence that its own fences cannot end, shortened when it is long."""
    shown = text.strip("\n")
    cut = ""
    if len(shown) > MAX_SHOWN:
        cut = f"\n\n*… {len(shown) - MAX_SHOWN:,} characters more*"
        shown = shown[:MAX_SHOWN]
    longest = max((len(m) for m in re.findall(r"`{3,}", shown)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{shown}\n{fence}{cut}" if shown.strip() else "(nothing)"


def _figures_for(question: str, source: Source) -> str | None:
    """Returns the figures of a table that a question asks for, or None when it asks for none."""
    if not source.name.lower().endswith(TABLE_SUFFIXES):
        return None
    table = parse_table(source.text, source.name)
    if table is None:
        return None
    found = figures(table)
    wanted = {stem(w) for w in keywords(re.sub(r"[_-]", " ", question))}
    measure = _named(found.numbers, wanted) or found.measure
    about = _about_values(found, measure, wanted)
    if about is None and not any(p.search(question) for p in (_HIGH, _LOW, _MEAN, _COUNT, _TOTAL)):
        return None
    by = next((i for i in found.categories if _stems(table.header[i]) & wanted), None)
    if about is not None and by is None:
        answer = about
    elif by is None:
        answer = _whole(question, found, measure)
    else:
        counted = _COUNT.search(question) and not _named(found.numbers, wanted)
        measure = None if counted else measure
        answer = _by_group(question, table.header[by], measure, groups(found, by, measure))
    return f"{answer}\n\nComputed from {len(table.rows):,} rows"


def _about_values(found: Figures, measure: Numbers | None, wanted: set[str]) -> str | None:
    """Returns what the table says of the categories' values that a question names."""
    for by in found.categories if measure is not None else ():
        ranked = groups(found, by, measure)
        named = [g for g in ranked if _stems(g.value) & wanted]
        if not named or len(named) == len(ranked) > 2:
            continue
        assert measure is not None
        lines = [f"- {g.value}: {number(g.total)} {measure.name} in {g.rows:,} rows" for g in named]
        over_time = series(found, by, measure)
        if over_time is not None:
            picked = Series(
                over_time.by,
                over_time.measure,
                over_time.periods,
                {g.value: over_time.lines[g.value] for g in named},
            )
            lines += [f"- {line}" for line in changes(picked)]
        return "\n".join(lines)
    return None


def _by_group(question: str, name: str, measure: Numbers | None, ranked: list[Group]) -> str:
    if measure is not None and _MEAN.search(question):
        ranked = sorted(ranked, key=lambda g: -g.total / g.rows)
        lines = "\n".join(f"- {g.value}: {number(g.total / g.rows)}" for g in ranked)
        return f"Mean {measure.name} by {name}:\n\n{lines}"
    pick = ranked[-1] if _LOW.search(question) else ranked[0] if _HIGH.search(question) else None
    what = measure.name if measure else "number of rows"
    lead = ""
    if pick is not None:
        value = number(pick.total) if measure else f"{pick.rows:,}"
        lead = (
            f"**{pick.value}** has the {'lowest' if pick is ranked[-1] else 'highest'} {what}: {value}.\n\n"
        )
    return f"{lead}{group_table(name, measure, ranked)}"


def _whole(question: str, found: Figures, measure: Numbers | None) -> str:
    rows = len(found.table.rows)
    if measure is None or (_COUNT.search(question) and not _TOTAL.search(question)):
        return f"There are {rows:,} rows."
    return (
        f"{measure.name}: total {number(measure.total)}, mean {number(measure.mean)}, "
        f"smallest {number(measure.smallest)}, largest {number(measure.largest)}."
    )


def _named(numbers: Sequence[Numbers], wanted: set[str]) -> Numbers | None:
    return next((n for n in numbers if n.summable and _stems(n.name) & wanted), None)


def _stems(name: str) -> set[str]:
    return {stem(w) for w in keywords(re.sub(r"[_-]", " ", name))}
