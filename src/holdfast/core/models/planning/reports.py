"""Reports and short answers in Markdown, from figures and from texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from holdfast.core.models.planning.passages import keywords, sentences, stem
from holdfast.core.models.planning.series import Series, period_column, series
from holdfast.core.models.planning.tables import (
    Figures,
    Group,
    Numbers,
    figures,
    groups,
    number,
    parse_table,
)

TABLE_SUFFIXES = (".csv", ".tsv", ".tab", ".json")
MAX_SENTENCES = 6
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
_DEFINITION = re.compile(
    r"^(?:export\s+|pub\s+|public\s+)*(?:async\s+)?(?:class|def|function|func|fn|struct|interface|enum|trait)\s+"
    r"\w+[^\n{:]*",
    re.MULTILINE,
)
CODE_SUFFIXES = (".py", ".js", ".ts", ".go", ".rs", ".java", ".c", ".cpp", ".rb", ".php")


@dataclass(frozen=True, slots=True)
class Source:
    """A text that was read, and what it is called."""

    name: str
    text: str
    note: str = ""
    """Set when only a part was read."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A document to save, and a few lines of it to say."""

    document: str
    spoken: str


def summarise(source: Source, citation: str = "1") -> Summary:
    """Returns the summary of one source: figures for a table, telling sentences for a text."""
    if source.name.lower().endswith(TABLE_SUFFIXES):
        table = parse_table(source.text, source.name)
        if table is not None:
            return _of_table(source, figures(table), citation)
    return _of_text(source, citation)


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """Returns a Markdown table whose columns after the first are aligned to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(_cell(c) for c in line)} |" for line in lines)


def group_table(name: str, measure: Numbers | None, rows: list[Group]) -> str:
    """Returns the table of groups, with each one's share of the measure."""
    if measure is None:
        return markdown_table([name, "rows"], [[g.value, f"{g.rows:,}"] for g in rows])
    whole = sum(g.total for g in rows)
    return markdown_table(
        [name, "rows", measure.name, "share"],
        [[g.value, f"{g.rows:,}", number(g.total), f"{g.total / whole:.1%}" if whole else "–"] for g in rows],
    )


def series_table(found: Series) -> str:
    """Returns the table of a series, one row for each period."""
    names = list(found.lines)
    rows = [
        [period, *(number(found.lines[name][at]) for name in names)]
        for at, period in enumerate(found.periods)
    ]
    return markdown_table(["period", *names], rows)


def changes(found: Series | None) -> list[str]:
    """Returns a line for what each category did from the first period to the last, and who passed whom."""
    if found is None:
        return []
    first, last = found.periods[0], found.periods[-1]
    lines = [
        f"{name}: {number(v[0])} in {first}, {number(v[-1])} in {last}{_relative(v[0], v[-1])}"
        for name, v in found.lines.items()
    ]
    return lines + [f"{who} has been over {whom} since {when}" for who, whom, when in found.passings()]


def _relative(first: Decimal, last: Decimal) -> str:
    return f" ({(last - first) / first:+.1%})" if first > 0 else ""


def _of_table(source: Source, found: Figures, citation: str) -> Summary:
    table, measure = found.table, found.measure
    headline = _headlines(found)
    parts = [
        f"# Report on {source.name}",
        f"{len(table.rows):,} rows and {len(table.header)} columns: {', '.join(table.header)}."
        + (f" {source.note}" if source.note else ""),
        "## At a glance",
        "\n".join(f"- {line}" for line in headline),
    ]
    if found.numbers:
        parts += ["## Numbers", _number_table(found)]
    for index in found.categories[:3]:
        parts += [
            f"## {measure.name if measure else 'Rows'} by {table.header[index]}",
            group_table(table.header[index], measure, groups(found, index, measure)),
        ]
    over_time = series(found, found.categories[0] if found.categories else None, measure)
    if over_time is not None:
        parts += [f"## {over_time.measure} over time", series_table(over_time)]
    parts.append(
        f"*Every figure was computed from the rows of `{source.name}` by Holdfast's `offline` model, "
        "which is no language model: it counts, it does not interpret.*"
    )
    spoken = "\n".join(f"- {line} [{citation}]" for line in headline)
    return Summary("\n\n".join(parts) + "\n", spoken)


def _headlines(found: Figures) -> list[str]:
    table, measure = found.table, found.measure
    lines = [f"{len(table.rows):,} rows"]
    when = period_column(found)
    if when is not None:
        values = sorted(v for v in table.column(when) if v)
        lines[0] += f", from {values[0]} to {values[-1]}"
    if measure is not None:
        lines.append(
            f"Total {measure.name}: {number(measure.total)} (mean {number(measure.mean)}, "
            f"from {number(measure.smallest)} to {number(measure.largest)})"
        )
    for index in found.categories[:2]:
        ranked = groups(found, index, measure)
        lines.append(_ranking(table.header[index], measure, ranked))
    lines += changes(series(found, found.categories[0], measure)) if found.categories else []
    missing = [n for n in found.numbers if n.missing]
    if missing:
        lines.append("Empty cells: " + ", ".join(f"{n.name} {n.missing:,}" for n in missing))
    return lines


def _ranking(name: str, measure: Numbers | None, ranked: list[Group]) -> str:
    first, last = ranked[0], ranked[-1]
    if measure is None:
        return f"Most rows by {name}: {first.value} ({first.rows:,}); fewest: {last.value} ({last.rows:,})"
    whole = sum(g.total for g in ranked)
    share = f", {first.total / whole:.1%} of all" if whole else ""
    return (
        f"{name} with the highest {measure.name}: {first.value} ({number(first.total)}{share}); "
        f"lowest: {last.value} ({number(last.total)})"
    )


def _number_table(found: Figures) -> str:
    rows = [
        [
            n.name,
            f"{n.count:,}",
            number(n.total) if n.summable else "–",
            number(n.mean) if n.summable else "–",
            number(n.smallest) if n.summable else str(n.smallest),
            number(n.largest) if n.summable else str(n.largest),
        ]
        for n in found.numbers
    ]
    return markdown_table(["column", "values", "sum", "mean", "smallest", "largest"], rows)


def _of_text(source: Source, citation: str) -> Summary:
    chosen = telling_sentences(source.text)
    outline = _outline(source)
    parts = [f"# Summary of {source.name}"]
    if source.note:
        parts.append(source.note)
    if chosen:
        parts.append("\n".join(f"- {s}" for s in chosen))
    if outline:
        parts += ["## Outline", "\n".join(f"- {o}" for o in outline)]
    if not chosen and not outline:
        parts.append("The file is empty.")
    parts.append(
        f"*These are sentences of `{source.name}`, unchanged, chosen by the frequency of their words by "
        "Holdfast's `offline` model, which is no language model.*"
    )
    said = chosen or outline[:MAX_SENTENCES] or ["The file is empty."]
    return Summary("\n\n".join(parts) + "\n", "\n".join(f"- {s} [{citation}]" for s in said))


def telling_sentences(text: str, limit: int = MAX_SENTENCES) -> list[str]:
    """Returns the sentences whose words are most frequent in the text, in the order of the text."""
    found = sentences(text)
    weights: dict[str, int] = {}
    for sentence in found:
        for word in set(keywords(sentence)):
            weights[stem(word)] = weights.get(stem(word), 0) + 1

    def score(index: int) -> float:
        words = {stem(w) for w in keywords(found[index])}
        early = 1.25 if index == 0 else 1.0
        return early * sum(weights[w] for w in words) / (len(words) + 3) if words else 0.0

    best = sorted(range(len(found)), key=lambda i: (-score(i), i))[:limit]
    return [found[i] for i in sorted(best) if score(i) > 0]


def _outline(source: Source) -> list[str]:
    if source.name.lower().endswith(CODE_SUFFIXES):
        return [f"`{m[0].strip()}`" for m in _DEFINITION.finditer(source.text)][:30]
    return [m[1] for m in _HEADING.finditer(source.text)][:30]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
