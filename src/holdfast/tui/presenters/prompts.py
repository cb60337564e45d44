"""Prompts as a list, as slash commands and as forms: where each is from, what it asks for, what it says."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.keys import foot, shown
from holdfast.tui.presenters.commands import BY_SLASH, Command
from holdfast.tui.presenters.figures import counted
from holdfast.tui.presenters.fuzzy import match
from holdfast.tui.presenters.spans import BLANK, Line, fit, line, space
from holdfast.tui.presenters.status import EngineState, engine_note

if TYPE_CHECKING:
    from holdfast.core.domain.errors import Diagnostic
    from holdfast.core.domain.messages import UserPart
    from holdfast.core.domain.prompts import FoundPrompt, PromptInfo

Origin = Literal["agent", "project", "own", "file", "mcp"]
ORIGINS: dict[Origin, str] = {
    "own": "your own",
    "file": "a file in your folder of prompts",
    "project": "of this project folder",
    "agent": "of the agent's file",
    "mcp": "of an MCP server",
}
"""Where a prompt is from, in words; of one name the first that has it counts."""
_GIVEN = re.compile(r"/(\S+)(?:\s+(.*))?", re.DOTALL)
NEW = """---
description: What it is for.
arguments:
  - { name: file, description: Which file, required: true }
---
Review {{file}}. $ARGUMENTS
"""
"""What a new prompt begins as."""


@dataclass(frozen=True, slots=True)
class ArgumentView:
    """What a prompt asks for, sanitised."""

    name: str
    about: str
    required: bool
    default: str


@dataclass(frozen=True, slots=True)
class PromptView:
    """One prompt, sanitised."""

    key: str
    name: str
    title: str
    description: str
    hint: str
    """What is to be written after its name."""
    arguments: tuple[ArgumentView, ...]
    takes_words: bool
    """Whether words have places in it beside what it asks for by name."""
    origin: Origin
    whose: str
    """The agent's or the server's name."""
    path: str
    trusted: bool
    shadowed: bool
    attachment: str
    """The name of the file that goes with it."""
    problems: tuple[str, ...]

    @property
    def usable(self) -> bool:
        return self.trusted and not self.problems

    @property
    def word(self) -> str:
        """What stands after the slash: its name, or its key where that means something else."""
        return self.key if self.shadowed or self.name in BY_SLASH else self.name


@dataclass(frozen=True, slots=True)
class Slash:
    """A prompt as a slash command."""

    word: str
    hint: str
    help: str


@dataclass(frozen=True, slots=True)
class PromptText:
    """What was read of one prompt."""

    text: str
    """Sanitised."""
    source: str
    """As it is edited."""
    digest: str


@dataclass(slots=True)
class PromptsState:
    """What the screen of prompts shows."""

    prompts: list[PromptView] | None = None
    """None: not read yet."""
    texts: dict[str, PromptText] = field(default_factory=dict)
    """By keys."""
    error: str = ""
    wanted: str = ""
    """Where the cursor is to go when it is drawn next."""

    def prompt(self, key: str | None) -> PromptView | None:
        return next((one for one in self.prompts or [] if one.key == key), None)


def prompt_views(prompts: Iterable[PromptInfo]) -> list[PromptView]:
    """Returns prompts as they are shown, by origin and name."""
    order = list(ORIGINS)
    return sorted(map(_view, prompts), key=lambda one: (order.index(one.origin), one.whose, one.name))


def _view(one: PromptInfo) -> PromptView:
    return PromptView(
        key=sanitize_line(one.key),
        name=sanitize_line(one.name),
        title=sanitize_line(one.title),
        description=sanitize_line(one.description),
        hint=sanitize_line(one.hint),
        arguments=tuple(
            ArgumentView(
                each.name, sanitize_line(each.description), each.required, sanitize(each.default or "")
            )
            for each in one.arguments
        ),
        takes_words=one.takes_rest or one.words > 0,
        origin=one.origin.value,
        whose=sanitize_line(one.agent or one.server),
        path=sanitize_line(one.path),
        trusted=one.trusted,
        shadowed=one.shadowed,
        attachment=sanitize_line(one.attachment.name) if one.attachment is not None else "",
        problems=tuple(map(_problem, one.problems)),
    )


def _problem(one: Diagnostic) -> str:
    """Returns a mistake without the folder, which is said anyway."""
    near = one.model_copy(update={"file": one.file.rpartition("/")[2]})
    return sanitize_line(str(near))


def text_of(found: FoundPrompt) -> PromptText:
    """Returns what a prompt says, as it is shown and edited."""
    return PromptText(sanitize(found.text), found.source, found.digest)


def message_of(parts: Iterable[UserPart]) -> tuple[str, tuple[UserPart, ...]]:
    """Returns the text of a message and what goes along with it."""
    known = tuple(parts)
    texts = [part.text for part in known if part.type == "text"]
    return "\n\n".join(texts), tuple(part for part in known if part.type != "text")


# --- slash commands


def slashes(prompts: Iterable[PromptView]) -> list[Slash]:
    """Returns the prompts that can be sent, as slash commands; each says where it is from."""
    return [
        Slash(one.word, one.hint, f"{one.description or one.title or 'a prompt'} ({_from(one)})")
        for one in sorted(prompts, key=lambda one: one.word)
        if one.usable
    ]


def _from(one: PromptView) -> str:
    whose = f"{one.origin} {one.whose}".strip()
    return f"{whose}; /{one.name} is a command" if one.name in BY_SLASH else whose


def prompt_given(text: str, words: Collection[str]) -> tuple[str, str] | None:
    """Returns the prompt that a message names after a slash, among `words`, and what is written behind it."""
    found = _GIVEN.fullmatch(text.strip())
    return (found[1], found[2] or "") if found is not None and found[1] in words else None


def completions(prefix: str, commands: Sequence[Command], prompts: Sequence[Slash]) -> list[Command | Slash]:
    """Returns what fits what was typed after a slash, the best first: `commands` are those that do; what
    begins with it goes before what only fits."""
    begun = [one for one in prompts if _begins(one.word, prefix)]
    scored = [(match(prefix, f"{one.word} {one.help}"), one) for one in prompts if one not in begun]
    fitting = sorted(((hit.score, one) for hit, one in scored if hit), key=lambda pair: -pair[0])
    first = [one for one in commands if one.slash.startswith(prefix)]
    rest = [one for one in commands if one not in first]
    exact = [one for one in begun if one.word == prefix]
    others = [one for one in begun if one.word != prefix]
    return [*exact, *first, *others, *rest, *(one for _, one in fitting)]


def _begins(word: str, prefix: str) -> bool:
    return word.startswith(prefix) or word.rpartition(":")[2].startswith(prefix)


# --- forms


def schema_of(arguments: Iterable[ArgumentView]) -> dict[str, Any]:
    """Returns the JSON Schema of what a prompt asks for."""
    known = list(arguments)
    return {
        "type": "object",
        "properties": {
            one.name: {
                "type": "string",
                "description": one.about,
                **({"minLength": 1} if one.required else {}),
                **({"default": one.default} if one.default else {}),
            }
            for one in known
        },
        "required": [one.name for one in known if one.required],
    }


def about_lines(one: PromptView) -> list[Line]:
    """Returns where a prompt is from, and what it asks for."""
    whose = f" ({one.whose})" if one.whose else ""
    head = [line((one.name, "heading"), (f"  {ORIGINS[one.origin]}{whose}", "muted"))]
    return [*head, *([line(one.description)] if one.description else []), *_arguments(one)]


# --- the list


def headline(state: PromptsState, waiting: int, engine: EngineState = "ready") -> Line:
    """Returns the first line."""
    said = f"  {counted(len(state.prompts), 'prompt')}" if state.prompts else ""
    return line(
        ("Prompts", "brand"),
        engine_note(engine),
        (f"{said}  messages that are sent by a slash and their name", "muted"),
        (f"  ⚠ {waiting}" if waiting else "", "warning"),
    )


def prompt_rows(state: PromptsState, words: list[str], width: int) -> list[tuple[str, tuple[Line, ...]]]:
    """Returns the prompts that fit the words, two lines each."""
    found = [
        one
        for one in state.prompts or []
        if all(word in f"{one.name} {one.description} {one.origin} {one.whose}".casefold() for word in words)
    ]
    return [(one.key, _row(one, width)) for one in found]


def _row(one: PromptView, width: int) -> tuple[Line, Line]:
    sign = ("✗ ", "error") if one.problems else ("⊘ ", "warning") if not one.trusted else ("/ ", "accent")
    where = f"{one.origin} {one.whose}".strip()
    room = max(4, width - len(where) - 3)
    name = fit(one.word if one.usable else one.name, room)
    said = one.problems[0] if one.problems else one.description or one.title or one.hint
    if not one.trusted:
        said = f"not trusted, so it cannot be sent · {said}"
    return (
        line(sign, (name, "strong"), (f"{space(name, room)}{where}", "muted")),
        line("  ", (fit(said, max(4, width - 2)), "error" if one.problems else "muted")),
    )


def note_lines(state: PromptsState, *, some: bool) -> list[Line]:
    """Returns what stands below the list: loading, nothing there, what went wrong."""
    if state.error:
        return [line((state.error, "error"))]
    if state.prompts is None:
        return [line(("Reading the prompts …", "muted"))]
    if some:
        return []
    if state.prompts:
        return [line(("No prompt fits.", "muted"))]
    return [
        line("No prompt yet."),
        BLANK,
        line((shown("prompts.new"), "key"), (" writes one. Agents, projects", "muted")),
        line(("and MCP servers bring some, too.", "muted")),
    ]


def prompt_detail(state: PromptsState, key: str | None) -> list[Line]:
    """Returns all that is known of a prompt."""
    one = state.prompt(key)
    if one is None:
        return []
    lines = [*about_lines(one)[:1]]
    if one.title:
        lines.append(line((one.title, "strong")))
    if one.path:
        lines.append(line((one.path, "muted")))
    if one.usable:
        lines.append(line(("/", "accent"), (f"{one.word} {one.hint}".strip(), "code")))
    if one.name in BY_SLASH:
        lines.append(line((f"/{one.name} is a command of the app, so it is sent by its key.", "warning")))
    elif one.shadowed:
        lines.append(line((f"/{one.name} is another prompt, so it is sent by its key.", "warning")))
    if not one.trusted:
        lines.append(
            line(("⊘ This folder is not trusted, so it cannot be sent: ", "warning"), ("/trust", "key"))
        )
    lines += [line((f"✗ {problem}", "error")) for problem in one.problems]
    if one.description:
        lines += [BLANK, line(one.description)]
    lines += _arguments(one)
    if one.attachment:
        lines += [BLANK, line(("goes along: ", "muted"), one.attachment)]
    known = state.texts.get(one.key)
    if one.origin == "mcp":
        return [*lines, BLANK, line((f"{one.whose} fills it in when it is sent.", "muted"))]
    if known is None:
        return lines
    return [*lines, BLANK, *(line(each.expandtabs(4)) for each in known.text.split("\n"))]


def _arguments(one: PromptView) -> list[Line]:
    if not one.arguments:
        return []
    rows = [
        line((each.name, "code"), (f"  {_kind(each)}", "muted"), f"  {each.about}" if each.about else "")
        for each in one.arguments
    ]
    return [BLANK, *rows]


def _kind(one: ArgumentView) -> str:
    if one.required:
        return "needed"
    return f"else {sanitize_line(one.default)}" if one.default else "may be left out"


def footer(one: PromptView | None, *, typing: bool = False) -> list[tuple[str, str, str]]:
    """Returns the keys for what is under the cursor."""
    back, last = foot("prompts.back"), foot("prompts.help")
    if typing:
        return [back, (shown("words.to_list"), "to the list", ""), last]
    if one is None:
        return [back, foot("prompts.new"), last]
    use = [foot("prompts.use"), foot("prompts.try")] if one.usable else []
    own = (
        [foot("prompts.edit"), foot("prompts.attach"), foot("prompts.remove")] if one.origin == "own" else []
    )
    return [back, *use, foot("prompts.new"), *own, foot("prompts.words"), last]
