"""What can be asked for: one type for each kind of request."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Help:
    """A greeting, or the question what this is."""


@dataclass(frozen=True, slots=True)
class Read:
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListFiles:
    path: str | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Search:
    pattern: str
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Write:
    path: str
    content: str


@dataclass(frozen=True, slots=True)
class Edit:
    path: str
    old: str
    new: str
    all: bool


@dataclass(frozen=True, slots=True)
class RunCommand:
    command: str


@dataclass(frozen=True, slots=True)
class RunPython:
    code: str


@dataclass(frozen=True, slots=True)
class Fetch:
    url: str
    save_to: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    question: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summarise:
    sources: tuple[str, ...]
    """Empty: what is attached, or the file that fits `about` best."""
    target: str | None
    about: str


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    sources: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class AskDocuments:
    """A question that the documents alone are to answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Remember:
    content: str


@dataclass(frozen=True, slots=True)
class Recall:
    query: str
    """Empty: all that there is."""


@dataclass(frozen=True, slots=True)
class LoadSkill:
    name: str


@dataclass(frozen=True, slots=True)
class Delegate:
    agent: str
    task: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """A request that lacks something."""

    hint: str


Intent = (
    Unclear
    | Help
    | Read
    | ListFiles
    | Search
    | Write
    | Edit
    | RunCommand
    | RunPython
    | Fetch
    | Ask
    | Plan
    | Summarise
    | Remember
    | Recall
    | AskDocuments
    | LoadSkill
    | Delegate
    | Question
)
