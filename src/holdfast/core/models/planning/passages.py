"""Finding passages by words: keywords, sentences, and the passages that hold most of them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_][\w'’-]*")
_STOP_WORDS = """
a about above after again all also am an and any are as at be because been before being below
between both but by can come comes could did do does doing down during each every few find for from
further get give had has have having he her here hers him his how i if in into is it its just let
like list look make many me more most much my need no nor not now of off on once only or other our
out over own please really same say says she should show so some such tell than that the their them
then there these they thing this those through to too under until up us use very want was we were
what when where which while who whom why will with would you your file files document documents know
mean means explain describe anything something
"""
_STOP = frozenset(_STOP_WORDS.split())
_SENTENCE = re.compile(r"(?<![A-Z]\.)(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9ÄÖÜÉ])")
_HEADING = re.compile(r"\s*#{1,6}\s")
_FURNITURE = re.compile(r"^\s*(?:#{1,6}\s|\||```|~~~|[-*_=]{3,}\s*$|<[!/a-z])")
_BULLET = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")
_MARK = re.compile(r"\*\*|__|`|!?\[([^\]]*)\]\([^)]*\)")

MAX_PASSAGE = 500
"""Longest quotation, in characters."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a source."""

    source: str
    line: int
    """Of its first line, from 1."""
    text: str


def keywords(text: str) -> list[str]:
    """Returns the words of `text` that say what it is about, in lower case, each once."""
    words = (w.lower().rstrip("'’-").removesuffix("'s").removesuffix("’s") for w in _WORD.findall(text))
    return list(dict.fromkeys(w for w in words if len(w) > 1 and w not in _STOP))


def stem(word: str) -> str:
    """Returns the beginning that inflected forms of an English word share."""
    for ending in ("ations", "ation", "ings", "ing", "ies", "ied", "es", "ed", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return word[: -len(ending)]
    return word


def pattern_for(words: list[str]) -> str:
    """Returns a regular expression that finds the words and their inflected forms in any case."""
    return rf"(?i)\b({'|'.join(re.escape(stem(w)) for w in words)})"


def sentences(text: str) -> list[str]:
    """Returns the sentences of prose and lists; headings, tables, code and rules are left out."""
    found: list[str] = []
    fenced = False
    for block in re.split(r"\n\s*\n", text):
        lines: list[str] = []
        for line in block.splitlines():
            if line.lstrip().startswith(("```", "~~~")):
                fenced = not fenced
            elif not fenced and not _FURNITURE.match(line):
                if _BULLET.match(line):
                    found += _split(lines)
                    lines = []
                lines.append(_BULLET.sub("", line).strip())
        found += _split(lines)
    return [s for s in found if len(keywords(s)) >= 2]


def best_passages(question: str, sources: list[tuple[str, str]], limit: int = 4) -> list[Passage]:
    """Returns the passages of the sources (name, text) that hold most of the question's words, best first."""
    wanted = {stem(w) for w in keywords(question)}
    found = [(p, _stems(p.text) & wanted) for name, text in sources for p in passages(name, text)]
    total = len(found) or 1
    seen_in = {w: sum(w in hits for _, hits in found) for w in wanted}
    weight = {w: math.log(1 + total / n) for w, n in seen_in.items() if n}

    def score(passage: Passage, hits: set[str]) -> float:
        asks = passage.text.rstrip().endswith("?")  # a question is no answer
        return sum(weight[w] for w in hits) * (0.4 if asks else 1.0)

    ranked = sorted(((score(p, hits), p) for p, hits in found if hits), key=lambda x: -x[0])
    return [p for value, p in ranked if value >= 0.5 * ranked[0][0]][:limit]


def passages(name: str, text: str) -> list[Passage]:
    """Returns the blocks of a text, each with its line."""
    found: list[Passage] = []
    start = 1
    block: list[str] = []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if line.strip() or (block and _HEADING.match(block[-1])):  # a heading belongs to what follows it
            if not block:
                start = number
            block.append(line)
        elif block:
            found.extend(_blocks(name, start, block))
            block = []
    return found


def _blocks(name: str, start: int, lines: list[str]) -> list[Passage]:
    """A short block is one passage; a long one (a table, a list, code) is cut between its lines."""
    found: list[Passage] = []
    at, size = 0, 0
    for index, line in enumerate(lines):
        if size and size + len(line) > MAX_PASSAGE:
            found.append(Passage(name, start + at, "\n".join(lines[at:index])))
            at, size = index, 0
        size += len(line) + 1
    found.append(Passage(name, start + at, "\n".join(lines[at:])[: 4 * MAX_PASSAGE]))
    return found


def _stems(text: str) -> set[str]:
    return {stem(w) for w in keywords(text)}


def _split(lines: list[str]) -> list[str]:
    text = _MARK.sub(lambda m: m[1] or "", " ".join(lines)).strip()
    return [s.strip() for s in _SENTENCE.split(text) if s.strip()]
