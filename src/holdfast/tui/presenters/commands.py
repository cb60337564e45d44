"""Everything that can be done, once: the palette, the slash commands and the help are made from it."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.tui.presenters.spans import BLANK, Line, line


@dataclass(frozen=True, slots=True)
class Command:
    """One thing to do. `name` is what the app dispatches on."""

    name: str
    title: str
    help: str
    slash: str = ""
    argument: str = ""
    """How the slash command's argument is called; in brackets when it may be left out."""
    keys: str = ""
    local: bool = False
    """Whether it works without the engine."""


COMMANDS: tuple[Command, ...] = (
    Command("new", "New session", "Choose an agent and start afresh", "new", "[agent]", "ctrl+n"),
    Command("agent", "Change the agent", "Which agent answers from now on", "agent", "[name]"),
    Command("model", "Change the model", "Which model answers from now on", "model", "[name]"),
    Command("sessions", "Sessions", "Go to the list of sessions", "sessions", "", "ctrl+o", local=True),
    Command("rename", "Rename the session", "Give it another title", "rename", "[title]"),
    Command("fork", "Fork the session", "Go on in a copy, up to the selected message", "fork"),
    Command("delete", "Delete the session", "With its messages and its own files", "delete"),
    Command(
        "export", "Export the session", "To Markdown or JSON in this folder", "export", "[markdown|json]"
    ),
    Command("undo", "Undo file changes", "Take back what the last run changed", "undo"),
    Command("redo", "Redo file changes", "Bring back what undo took", "redo"),
    Command("approvals", "Approvals", "Go to what waits for you", "approvals", "", "f2", local=True),
    Command("files", "Files", "Go to the session's files", "files", "", "f3", local=True),
    Command("run", "Run", "Go to plan, steps, tokens and cost", "run", "", "f4", local=True),
    Command(
        "knowledge", "Knowledge of the answers", "What each answer was made from", "", "", "f5", local=True
    ),
    Command(
        "collections", "Knowledge", "Collections, documents, search, ingestion", "knowledge", "[collection]"
    ),
    Command("sources", "Sources", "Open what the last answer cites", "sources", "[number]"),
    Command("memory", "Memory", "Blocks and entries that outlive sessions", "memory"),
    Command("continue", "Continue the run", "Go on where it was interrupted", "continue", "", "ctrl+g"),
    Command("interrupt", "Interrupt the run", "Stop it; what it has done stays", "stop", "", "esc"),
    Command("pause", "Pause the run", "Hold it before its next step", "pause"),
    Command("resume", "Resume the run", "Let a paused run go on", "resume"),
    Command("finish", "Finish the run", "Let the model conclude now", "finish"),
    Command("prompt", "Use a prompt", "One of the agent's own texts, filled in by you", "prompt", "[name]"),
    Command("steer", "Steer the run", "Say something before its next step", "steer", "text"),
    Command(
        "find", "Find in the session", "Mark words in the transcript", "find", "[text]", "ctrl+f", local=True
    ),
    Command("theme", "Change the theme", "Colours, dark or light", "theme", "[name]", local=True),
    Command(
        "trust",
        "Trust this folder",
        "Let its agents use their allow rules, knowledge, memory",
        "trust",
        "[yes|no]",
    ),
    Command("reconnect", "Reconnect", "Look for the engine again, now", "reconnect"),
    Command("restart", "Restart the engine", "An idle one; what waits for you goes on waiting", "restart"),
    Command("help", "Help", "The keys of where you are", "help", "", "f1", local=True),
    Command("quit", "Quit", "Close the app; runs go on", "quit", "", "ctrl+q", local=True),
)

BY_NAME = {command.name: command for command in COMMANDS}
BY_SLASH = {command.slash: command for command in COMMANDS if command.slash}


def complete(prefix: str) -> list[Command]:
    """Returns the slash commands that begin with `prefix`, then those that hold it."""
    first = [c for c in COMMANDS if c.slash and c.slash.startswith(prefix)]
    return first + [c for c in COMMANDS if c.slash and prefix in c.slash and c not in first]


RANKS = ("meaning 3 · words 1", "the passage is third by meaning, first by words; then the score of both")
"""What the figures of a passage say."""

KEYS: dict[str, tuple[tuple[str, str], ...]] = {
    "Message": (
        ("enter", "send; while a run is busy, queue"),
        ("ctrl+j, shift+enter", "new line; alt+enter, too"),
        ("@", "attach a file"),
        ("/", "command"),
        ("↑ ↓", "take back the last queued message; earlier messages"),
        ("esc", "interrupt the run"),
    ),
    "What waits (from an empty message field, or after F2)": (
        ("y", "approve once"),
        ("s", "approve for this session"),
        ("a a", "approve always: adds the rule that is shown to your policy"),
        ("e", "edit the arguments, then approve"),
        ("n", "deny"),
        ("r", "deny with a reason that the model sees"),
        ("1-9", "choose an answer"),
        ("ctrl+y", "approve once, also in the middle of a message"),
        ("enter", "in the list: see the whole of it"),
    ),
    "Sessions": (
        ("enter", "open"),
        ("/", "search titles and messages"),
        ("n", "new"),
        ("r", "rename"),
        ("f", "fork"),
        ("d", "delete"),
        ("x", "export"),
    ),
    "Files": (
        ("enter", "preview"),
        ("o", "open in $EDITOR"),
        ("u", "undo the last run's changes"),
        ("U", "redo"),
    ),
    "Knowledge of the answers": (
        ("← →", "the answer before, after"),
        ("enter", "open the document at the passage"),
        ("o", "all collections"),
        RANKS,
    ),
    "Knowledge (/knowledge)": (
        ("n", "new collection"),
        ("a", "add files, a folder or an address"),
        ("y", "sync with its folders: only what changed"),
        ("w", "watch its folders, or no longer"),
        ("/", "filter documents, or the words to search for"),
        ("f s j", "documents, search, jobs"),
        ("m", "how to search"),
        ("enter", "documents of a collection; open a document or a passage"),
        ("c r", "jobs: cancel; try again what failed"),
        ("d", "delete the collection, remove the document"),
        RANKS,
    ),
    "Document": (
        ("n p", "next passage, the one before"),
        ("c", "list of the passages"),
        ("↑ ↓ pgup pgdn home end", "scroll"),
    ),
    "Memory (/memory)": (
        ("← →", "blocks, entries"),
        ("n", "new block or entry"),
        ("enter", "edit the text"),
        ("o", "of a block: where it is put, what agents may do, default, public"),
        ("p t", "of an entry: pin, tags"),
        ("/", "search entries"),
        ("d", "delete"),
    ),
    "Transcript": (
        ("↑ ↓ pgup pgdn home end", "move"),
        ("[ ]", "entry before, after"),
        ("1-9", "open what [1] to [9] of the answer cites; more digits for more"),
        ("enter", "open or close a tool call; choose a message to fork at"),
        ("ctrl+f", "find; n and N go to the next and the one before"),
    ),
    "Everywhere": (
        ("ctrl+p", "all commands"),
        ("ctrl+n", "new session"),
        ("ctrl+o", "sessions"),
        ("F2 F3 F4 F5", "approvals, files, run, knowledge"),
        ("ctrl+g", "continue an interrupted run"),
        ("tab", "next pane"),
        ("esc", "close what is open; back to the message field"),
        ("F1", "this help; ? outside of text fields"),
        ("ctrl+c", "copy what is selected; twice: quit"),
        ("ctrl+q", "quit; runs go on in the engine"),
    ),
}

PLACES = {
    "composer": "Message",
    "approvals": "What waits (from an empty message field, or after F2)",
    "sessions": "Sessions",
    "files": "Files",
    "transcript": "Transcript",
    "knowledge": "Knowledge of the answers",
    "collections": "Knowledge (/knowledge)",
    "document": "Document",
    "memory": "Memory (/memory)",
}


def help_lines(place: str) -> list[Line]:
    """Returns the help, the keys of `place` first."""
    here = PLACES.get(place)
    order = sorted(KEYS, key=lambda title: title != here)
    lines: list[Line] = []
    for title in order:
        lines.append(line((title, "heading"), ("  · you are here" if title == here else "", "accent")))
        lines += [line("  ", (f"{keys:<24}", "key"), what) for keys, what in KEYS[title]]
        lines.append(BLANK)
    lines.append(line(("Slash commands", "heading")))
    for command in COMMANDS:
        if command.slash:
            name = f"/{command.slash} {command.argument}".strip()
            lines.append(line("  ", (f"{name:<24}", "key"), command.help))
    return lines


FOOTERS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "composer": (),
    "sessions": (("enter", "open", ""), ("/", "search", ""), ("n", "new", "new"), ("r", "rename", "rename")),
    "approvals": (("enter", "whole", ""),),
    "files": (("enter", "preview", ""), ("o", "editor", ""), ("u", "undo", "undo"), ("U", "redo", "redo")),
    "transcript": (("enter", "open", ""), ("1-9", "source", ""), ("ctrl+f", "find", "find")),
    "knowledge": (("enter", "open", ""), ("← →", "answers", ""), ("o", "collections", "collections")),
    "run": (),
}
COMMON = (
    ("^o", "sessions", "sessions"),
    ("F2", "approvals", "approvals"),
    ("F3", "files", "files"),
    ("F4", "run", "run"),
    ("F5", "knowledge", "knowledge"),
    ("^n", "new", "new"),
    ("^p", "palette", "palette"),
)
LAST = (("F1", "help", "help"), ("^q", "quit", "quit"))


def footer(place: str, busy: bool, continuable: bool) -> list[tuple[str, str, str]]:
    """Returns key, label and command of each key in the footer, the most useful here first."""
    now: list[tuple[str, str, str]] = []
    if place != "composer":
        now.append(("esc", "back", ""))
    elif busy:
        now.append(("esc", "interrupt", "interrupt"))
    if continuable and not busy:
        now.append(("^g", "continue", "continue"))
    return [*now, *FOOTERS.get(place, ()), *COMMON, *LAST]
