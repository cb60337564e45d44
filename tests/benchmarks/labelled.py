"""Passages and questions with known answers, made from the documentation strings of the standard library.

The text comes from the source of the Python that runs, read and never imported: nothing is downloaded, and
the same Python gives the same set. A documentation string of more than a sentence gives a question (its first
sentence, without the name of what it describes) and the passage that answers it (the rest). One of a single
sentence is a passage that answers nothing. Each passage stands under the full name of what it describes, as
in any reference.
"""

from __future__ import annotations

import ast
import hashlib
import re
import sysconfig
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

PASSAGE_CHARS = 1_100
"""Longer strings are cut at a line, so that each passage is one chunk."""
_PASSAGE_WORDS = 8
_QUESTION_WORDS = 4
"""Telling words of a question at least: "Initialize the object" asks nothing."""
_SAME_PASSAGE = 0.7
_SAME_QUESTION = 0.6
"""Shares of words from which two texts count as the same."""
_OTHERS = {
    "test",
    "tests",
    "idlelib",
    "lib2to3",
    "site-packages",
    "dist-packages",
    "turtledemo",
    "pydoc_data",
}
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n\s*\n")
_WORD = re.compile(r"[^\W_]+")
_Holder = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_PLAIN = frozenset(
    """
    a an and are as at be by can do does for from has have if in into is it its no not of on one or so than
    that the them then there these this to was when which will with you
    """.split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Passage:
    name: str
    """Of what it describes: `json.encoder.JSONEncoder.encode`."""
    text: str

    @property
    def page(self) -> str:
        """The passage under its name, in Markdown."""
        return f"# {self.name}\n\n{self.text}\n"


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    passage: int
    """The passage that answers it; its place in the set."""

    @property
    def tuning(self) -> bool:
        """Whether it belongs to the half that constants are chosen on. The other half is reported."""
        return hashlib.sha256(b"1:" + self.text.encode()).digest()[0] % 2 == 0


@dataclass(frozen=True, slots=True)
class Labelled:
    passages: tuple[Passage, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class _Documented:
    first: str
    """The first sentence."""
    rest: str
    """What follows it; empty when nothing does."""
    path: str
    """The full name."""

    @property
    def passage(self) -> str:
        return self.rest or self.first


def labelled(packages: Sequence[str] | None = None) -> Labelled:
    """Returns the set; `packages`: only of these modules and packages at the top of the library."""
    texts = list(_documented(packages))
    groups = _groups([text.passage for text in texts])
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    asked = _asked(texts, [numbers[group] for group in groups])
    passages = tuple(Passage(texts[group].path, texts[group].passage) for group in numbers)
    return Labelled(passages, tuple(question for question in asked if _apart(question, passages)))


def _documented(packages: Sequence[str] | None) -> Iterator[_Documented]:
    root = Path(sysconfig.get_path("stdlib"))
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if _OTHERS & set(parts) or (packages is not None and parts[0] not in packages):
            continue
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            continue  # kept broken on purpose, for the library's own tests
        for full, node in _nodes(".".join(parts).removesuffix(".__init__"), tree):
            text = _split(full, ast.get_docstring(node) or "")
            if len(_words(text.passage)) >= _PASSAGE_WORDS:
                yield text


def _nodes(name: str, node: _Holder) -> Iterator[tuple[str, _Holder]]:
    """Yields what can have a documentation string, with its full name."""
    yield name, node
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _nodes(f"{name}.{child.name}", child)


def _split(path: str, text: str) -> _Documented:
    first, *rest = _SENTENCE_END.split(text.strip(), maxsplit=1)
    whole = rest[0].strip() if rest else ""
    if len(_words(whole)) < _PASSAGE_WORDS:
        return _Documented(text.strip()[:PASSAGE_CHARS], "", path)
    if len(whole) > PASSAGE_CHARS:
        whole = whole[: whole.rfind("\n", 0, PASSAGE_CHARS) + 1 or PASSAGE_CHARS].rstrip()
    return _Documented(" ".join(first.split()), whole, path)


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _telling(text: str) -> frozenset[str]:
    return frozenset(_words(text)) - _PLAIN


def _groups(passages: Sequence[str]) -> list[int]:
    """Returns for each passage the first one that says the same."""
    group: list[int] = []
    for number, (_, alike) in enumerate(_alike([_pairs(text) for text in passages], _SAME_PASSAGE)):
        group.append(min((group[other] for other in alike if other < number), default=number))
    return group


def _pairs(text: str) -> frozenset[str]:
    return frozenset(f"{one} {two}" for one, two in pairwise(_words(text)))


def _alike(sets: Sequence[frozenset[str]], share: float) -> Iterator[tuple[int, list[int]]]:
    """Yields for each set those others that have at least `share` of both in common with it."""
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for number, each in enumerate(sets):
        for word in each:
            holders[word].append(number)
    for number, each in enumerate(sets):
        # Two sets that have so much in common share one of the rarest members of either.
        rare = sorted(each, key=lambda word: (len(holders[word]), word))
        probes = rare[: len(rare) - int(share * len(rare)) + 1]
        near = {other for word in probes for other in holders[word]} - {number}
        yield number, [other for other in near if _share(each, sets[other]) >= share]


def _share(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / (len(one | other) or 1)


def _asked(texts: Sequence[_Documented], passages: Sequence[int]) -> Iterator[Question]:
    """Yields the questions that one passage alone answers."""
    candidates = [_without_name(text) for text in texts]
    sentences = [*enumerate(candidates), *_sentences(texts)]
    alike = _alike([_telling(sentence) for _, sentence in sentences], _SAME_QUESTION)
    for (number, others), text, question in zip(alike, texts, candidates, strict=False):
        if not text.rest or "->" in question or len(_telling(question)) < _QUESTION_WORDS:
            continue
        if all(passages[sentences[other][0]] == passages[number] for other in others):
            yield Question(question, passages[number])


def _sentences(texts: Sequence[_Documented]) -> Iterator[tuple[int, str]]:
    for number, text in enumerate(texts):
        for sentence in _SENTENCE_END.split(text.rest):
            yield number, sentence


def _without_name(text: _Documented) -> str:
    named = re.compile(rf"[\w.]*\b{re.escape(text.path.rpartition('.')[2])}\b(\([^)]*\))?", re.IGNORECASE)
    return " ".join(named.sub(" ", text.first).split()).strip(" -:,")


def _apart(question: Question, passages: Sequence[Passage]) -> bool:
    """Whether the question does not name what the passage is about, and the passage does not repeat it."""
    passage, words = passages[question.passage], _words(question.text)
    if passage.name.rpartition(".")[2].lower() in {*words, *question.text.lower().split()}:
        return False
    return " ".join(words) not in " ".join(_words(passage.text))


def summary(made: Labelled) -> Counter[str]:
    """Returns how many there are of what."""
    halves: Iterable[str] = ("tuning" if question.tuning else "reported" for question in made.questions)
    return Counter({"passages": len(made.passages), "questions": len(made.questions)}) + Counter(halves)
