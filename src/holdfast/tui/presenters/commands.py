"""Everything that can be done, once: the palette, the slash commands and the help are made from it."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.tui.keys import BY_ID, Key, all_shown, foot, keys_of, of_place, shown, shown_for
from holdfast.tui.presenters.fuzzy import match
from holdfast.tui.presenters.listing import SIGNS
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
    local: bool = False
    """Whether it works without the engine."""
    does: tuple[str, str] | None = None
    """The action and what it is given, where the name alone does not say so."""

    @property
    def keys(self) -> str:
        """The key that gives it, as people write it; empty where there is none."""
        return shown_for(self.name)


DECISIONS = (
    ("once", "Approve once", "This call, and no other", "approve"),
    ("session", "Approve for this session", "Calls like it are not asked for until it ends", "allow"),
    ("always", "Approve always", "Given twice: adds the rule that is shown to your policy", "always"),
    ("edit", "Approve with other arguments", "You edit them first", "amend"),
    ("deny", "Deny", "The agent is told so, and goes on without", "deny"),
    ("reason", "Deny with a reason", "The model reads it", "reason"),
)


def _decision(name: str, title: str, help: str, slash: str) -> Command:
    return Command(f"decide.{name}", title, help, slash, does=("decide", BY_ID[f"decide.{name}"].keys))


COMMANDS: tuple[Command, ...] = (
    Command("new", "New session", "Choose an agent and start afresh", "new", "[agent]"),
    Command("agent", "Change the agent", "Which agent answers from now on", "agent", "[name]"),
    Command("model", "Change the model", "Which model answers from now on", "model", "[name]"),
    Command("agent.edit", "Edit an agent", "Its file, mistakes marked as you type", "edit-agent", "[name]"),
    Command("agent.new", "New agent", "A file to start from, in the editor", "new-agent", "[name]"),
    Command("provider", "Add a provider", "Test a key or an address, and keep it", "provider", "[name]"),
    Command("sessions", "Sessions", "Go to the list of sessions", "sessions", local=True),
    Command("open", "Open a session", "By its title", "open", "[title]"),
    Command("rename", "Rename the session", "Give it another title", "rename", "[title]"),
    Command("fork", "Fork the session", "Go on in a copy, up to the selected message", "fork"),
    Command("delete", "Delete sessions", "The open one or those marked, into the trash", "delete"),
    Command("undelete", "Undo a deletion", "Bring back what was deleted last", "undo-delete"),
    Command("trash", "Trash", "Choose what is to be brought back", "trash"),
    Command("export", "Export sessions", "To Markdown or JSON in this folder", "export", "[markdown|json]"),
    Command("import", "Import conversations", "Sessions out of a file, ours or others'", "import", "[file]"),
    Command("star", "Star sessions", "To the top of the list, or no longer", "star"),
    Command("archive", "Archive sessions", "Out of the list, or back into it", "archive"),
    Command("share", "Share sessions", "With everybody who knows the id, or no longer", "share"),
    Command("archived", "Show the archive", "Then all sessions, then those not in it", "archived"),
    Command(
        "group",
        "Group the sessions",
        "How the list is put in order",
        "group",
        "[date|project|agent|tree|none]",
    ),
    Command("search_all", "Search all sessions", "Words that anyone has said, anywhere", "search", "[words]"),
    Command("undo", "Undo file changes", "Take back what the last run changed", "undo"),
    Command("redo", "Redo file changes", "Bring back what undo took", "redo"),
    Command("approvals", "Approvals", "Go to what waits for you", "approvals", local=True),
    *(_decision(*each) for each in DECISIONS),
    Command("files", "Files", "Go to the session's files", "files", local=True),
    Command("transcript", "Transcript", "Go there: read, copy, jump", "transcript", local=True),
    Command("run", "Run", "Go to plan, steps, tokens and cost", "run", local=True),
    Command("knowledge", "Knowledge of the answers", "What each answer was made from", "", local=True),
    Command(
        "collections", "Knowledge", "Collections, documents, search, ingestion", "knowledge", "[collection]"
    ),
    Command("knowledge.new", "New collection", "Of documents that agents search", "collect", "[name]"),
    Command("knowledge.add", "Add documents", "Files, a folder or an address", "add"),
    Command("knowledge.sync", "Sync the collection", "With its folders: only what changed", "sync"),
    Command("sources", "Sources", "Open what the last answer cites", "sources", "[number]"),
    Command("memory", "Memory", "Blocks and entries that outlive sessions", "memory"),
    Command("memory.new_block", "New memory block", "A text that is put before the model", "block"),
    Command("memory.new_entry", "New memory entry", "Something to remember", "remember"),
    Command("tools", "Tools", "What the agent has, and under which rules; try one", "tools"),
    Command("tools.new", "New tool", "Of your own: a request over HTTP, or Python", "new-tool"),
    Command("mcp", "MCP servers", "What they bring, how they are; add, test, disable", "mcp"),
    Command("mcp.new", "Add an MCP server", "A program or an address, by a form", "add-mcp"),
    Command("hooks", "Hooks", "What looks at runs and calls, and what it decided", "hooks"),
    Command("hooks.new", "Add a hook", "A rule, a question, a webhook, a function", "add-hook"),
    Command("skills", "Skills", "Instructions that agents load: read, install, edit", "skills"),
    Command("skills.new", "Install a skill", "A folder, a zip, git, an address", "add-skill", "[source]"),
    Command("models", "Models", "Windows and prices, in dollars and credits; what plans support", "models"),
    Command(
        "details", "Agent details", "Script, plan, region, key, tools, what it used", "details", "[agent]"
    ),
    Command("keys", "Keys", "That let programs in: make, limit, revoke", "keys"),
    Command("keys.new", "New key", "For a program; it is shown this once", "new-key"),
    Command("login", "Sign in", "To the engine elsewhere, with name and password", "login", "[name]"),
    Command("password", "Change your password", "Your other logins end", "password"),
    Command("admin", "Administration", "Users, mail, clients of OAuth, the engine", "admin"),
    Command("admin.new", "Add a user", "With a role, an e-mail address, a password", "add-user"),
    Command("agreements", "Agreements", "What you have accepted, and when", "agreements"),
    Command(
        "playground", "Playground", "Build a conversation, run it, see it as code", "playground", "[agent]"
    ),
    Command("runs", "Runs", "Their log: prompts, times and costs; find, sort, open", "runs", "[agent]"),
    Command("map", "Session map", "The open session as a graph of runs, steps, tools", "map"),
    Command("context", "What the model saw", "Its last request part by part, and how full it is", "context"),
    Command("subagent", "The sub-agent's session", "Of the chosen call, or the last; back again", "subagent"),
    Command("compaction", "What was compacted", "What a summary stands for, what stayed", "compaction"),
    Command(
        "compact", "Compact the context", "Put a summary in the place of older messages", "compact", "[focus]"
    ),
    Command("suggest", "Suggest questions", "What you could ask next", "suggest"),
    Command("continue", "Continue the run", "Go on where it was interrupted", "continue"),
    Command("interrupt", "Interrupt the run", "Stop it; what it has done stays", "stop"),
    Command("pause", "Pause the run", "Hold it before its next step", "pause"),
    Command("resume", "Resume the run", "Let a paused run go on", "resume"),
    Command("finish", "Finish the run", "Let the model conclude now", "finish"),
    Command("prompt", "Use a prompt", "Filled in, into the message field", "prompt", "[name]"),
    Command("prompts", "Prompts", "Messages by name: read, try, write, send", "prompts"),
    Command("prompts.new", "New prompt", "Of your own, with what it asks for", "new-prompt", "[name]"),
    Command("rules", "Rules", "What is allowed, asked and denied; add one, take one out", "rules", "[rule]"),
    Command("rules.undo", "Bring the rule back", "The one that was taken out last", "undorule"),
    Command("record", "Record of decisions", "Who allowed what, when and with what", "history"),
    Command("batch", "Decide several", "All calls that are alike, or marked, after a look", "batch"),
    Command(
        "mode",
        "Change the mode",
        "Ask, accept edits, plan, autonomous with limits",
        "mode",
        "[ask|edits|plan|auto]",
    ),
    Command("plan.approve", "Approve the plan", "Leave plan mode, and let the agent begin", "approveplan"),
    Command("steer", "Steer the run", "Say something before its next step", "steer", "text"),
    Command(
        "find", "Find in the session", "Words as you type them, read or not yet", "find", "[text]", local=True
    ),
    Command("outline", "Outline of the session", "Go to a message, a call, an approval, an error", "outline"),
    Command("edit_message", "Edit a message", "Send it once more, in a copy from there", "edit"),
    Command("regenerate", "Answer again", "By a model of your choice, beside the first", "again", "[model]"),
    Command(
        "look", "Look at a table or an image", "Of the call or reply at the cursor; as a chart, too", "look"
    ),
    Command(
        "usage",
        "What was used",
        "Tokens and money by day, as a chart",
        "usage",
        "[day|month|model|agent|key|session|limits]",
    ),
    Command("limits", "What may still be used", "Budgets and requests, with bars", "limits"),
    Command("fold", "Fold calls and reasoning", "Close all, open all, or as they come", "fold"),
    Command(
        "diff",
        "Layout of changes",
        "Side by side, one below the other, or as it fits",
        "diff",
        "[auto|side_by_side|unified]",
    ),
    Command("copy", "Copy", "What is selected, or what the transcript's cursor stands on", "copy"),
    Command("theme", "Change the theme", "Colours, dark or light", "theme", "[name]", local=True),
    Command("mouse", "Release the mouse", "To the terminal, or take it back", "mouse", "[app|terminal]"),
    Command(
        "trust",
        "Trust this folder",
        "Let its agents use their allow rules, knowledge, memory",
        "trust",
        "[yes|no]",
    ),
    Command("settings", "Settings", "What holds, why, and changes of it", "settings", "[key]"),
    Command("health", "Health", "Engine, workers, database, providers", "health"),
    Command("logs", "Logs", "Of the engine and its workers", "logs", "[engine|models|knowledge|app]"),
    Command("files.reload", "Read the files again", "What has changed in the workspace", "reload"),
    Command("pull_back", "Take back a message", "The last one that is queued", "unqueue"),
    Command("later", "Leave the engine's version be", "Until the next start of the app"),
    Command("screenshot", "Screenshot", "Save this screen as an SVG file", "screenshot", local=True),
    Command("reconnect", "Reconnect", "Look for the engine again, now", "reconnect"),
    Command("restart", "Restart the engine", "An idle one; what waits for you goes on waiting", "restart"),
    Command("help", "Help", "The keys of where you are", "help", local=True),
    Command("quit", "Quit", "Close the app; runs go on", "quit", local=True),
)

BY_NAME = {command.name: command for command in COMMANDS}
BY_SLASH = {command.slash: command for command in COMMANDS if command.slash}


def by_slash(word: str) -> Command | None:
    """Returns the slash command of a word, or the only one that begins with it; None where there is none."""
    begun = [command for command in COMMANDS if command.slash and command.slash.startswith(word)]
    return BY_SLASH.get(word) or (begun[0] if len(begun) == 1 else None)


def complete(prefix: str) -> list[Command]:
    """Returns the slash command `prefix`, those that begin with it, then those that fit, the best first."""
    slashes = [command for command in COMMANDS if command.slash]
    begun = [command for command in slashes if command.slash.startswith(prefix)]
    first = sorted(begun, key=lambda command: command.slash != prefix)  # enter gives the first one
    fitting = [(match(prefix, f"{one.slash} {one.title}"), one) for one in slashes if one not in first]
    hits = [(found.score, one) for found, one in fitting if found is not None]
    return first + [one for _, one in sorted(hits, key=lambda hit: -hit[0])]


RANKS = ("meaning 3 · words 1", "the passage is third by meaning, first by words; then the score of both")
"""What the figures of a passage say."""

PLACES: dict[str, tuple[str, tuple[str, ...]]] = {
    "composer": ("Message", ("composer", "completion")),
    "approvals": (
        "What waits (from an empty message field, or in its pane)",
        ("decide", "choice", "approvals", "batch"),
    ),
    "welcome": ("A new session", ("welcome", "tour")),
    "notice": ("Notices, while the message field is empty", ("notice",)),
    "sessions": ("Sessions", ("sessions",)),
    "search": ("Search in all sessions (/search)", ("search",)),
    "files": ("Files", ("files",)),
    "knowledge": ("Knowledge of the answers", ("knowledge",)),
    "collections": ("Knowledge (/knowledge)", ("collections",)),
    "document": ("Document", ("document",)),
    "memory": ("Memory (/memory)", ("memory",)),
    "tools": ("Tools (/tools)", ("tools", "tried")),
    "mcp": ("MCP servers (/mcp)", ("mcp",)),
    "hooks": ("Hooks (/hooks)", ("hooks",)),
    "skills": ("Skills (/skills)", ("skills",)),
    "prompts": ("Prompts (/prompts)", ("prompts",)),
    "models": ("Models (/models)", ("models",)),
    "details": ("Agent details (/details)", ("details", "script")),
    "keys": ("Keys (/keys)", ("keys", "secret")),
    "admin": ("Administration (/admin)", ("admin",)),
    "agreements": ("Agreements (/agreements)", ("agreements", "agreement")),
    "playground": ("Playground (/playground)", ("playground",)),
    "runs": ("Runs (/runs)", ("runs",)),
    "map": ("Session map (/map)", ("map",)),
    "parts": ("What the model saw (/context)", ("parts",)),
    "settings": ("Settings (/settings)", ("settings",)),
    "author": ("Agent editor (/edit-agent)", ("author",)),
    "logs": ("Logs (/logs)", ("logs",)),
    "health": ("Health (/health)", ("health",)),
    "transcript": ("Transcript", ("transcript", "find", "found")),
    "table": ("A table, a chart, what was used (/usage)", ("table", "usage")),
    "compare": ("Two answers", ("compare",)),
    "lists": ("Lists and texts", ("list", "words", "lines")),
    "dialogs": ("Dialogs", ("dialog", "choose", "adding", "confirm", "editor", "viewer", "whole")),
    "forms": ("Forms", ("form", "field", "choices", "between")),
    "everywhere": ("Everywhere", ("everywhere",)),
}
"""How the help calls a place, and which places of the table of keys belong to it."""
NOTES = {"sessions": SIGNS, "knowledge": (RANKS,), "collections": (RANKS,)}
"""What else the help says of a place."""


def spread(keys: list[str]) -> str:
    """Returns keys side by side; digits in a row as the first and the last of them."""
    if len(keys) > 2 and "".join(keys) in "0123456789":
        return f"{keys[0]}-{keys[-1]}"
    return " ".join(keys)


def rows_of(place: str) -> list[tuple[str, str]]:
    """Returns the keys of a place of `PLACES` and what they do; those of the same words share a row."""
    found: dict[str, list[Key]] = {}
    for key in (row for one in PLACES[place][1] for row in of_place(one)):
        if keys_of(key.id):
            found.setdefault(key.what, []).append(key)
    rows = [
        (all_shown(keys[0].id) if len(keys) == 1 else spread([shown(key.id) for key in keys]), what)
        for what, keys in found.items()
    ]
    return rows + list(NOTES.get(place, ()))


def help_lines(place: str) -> list[Line]:
    """Returns the help, the keys of `place` first."""
    lines: list[Line] = []
    for one in sorted(PLACES, key=lambda one: one != place):
        here = "  · you are here" if one == place else ""
        lines.append(line((PLACES[one][0], "heading"), (here, "accent")))
        lines += [line("  ", (f"{keys:<24} ", "key"), what) for keys, what in rows_of(one)]
        lines.append(BLANK)
    lines.append(line(("Slash commands", "heading")))
    for command in COMMANDS:
        if command.slash:
            name = f"/{command.slash} {command.argument}".strip()
            lines.append(line("  ", (f"{name:<24}", "key"), command.help))
    return lines


COMMON = ("sessions", "approvals", "files", "run", "knowledge", "new", "palette", "help", "quit")
"""What the footer shows everywhere; what comes last stays when there is little room."""


def footer(place: str, busy: bool, continuable: bool, answering: bool = False) -> list[tuple[str, str, str]]:
    """Returns key, label and command of each key in the footer, the most useful here first."""
    now: list[tuple[str, str, str]] = []
    if place != "composer":
        now.append(_foot("everywhere.back"))
    elif answering:
        now.append((shown("everywhere.back"), "message", ""))
    elif busy:
        now.append((shown("everywhere.back"), "interrupt", "interrupt"))
    if continuable and not busy:
        now.append(_foot("everywhere.continue"))
    common = [_foot(f"everywhere.{name}") for name in COMMON]
    return [*now, *_here(place), *common]


def _here(place: str) -> list[tuple[str, str, str]]:
    """Returns the keys of a place that have a label; those of the same label share it."""
    labels: dict[str, list[Key]] = {}
    for key in of_place(place):
        if key.label and keys_of(key.id):
            labels.setdefault(key.label, []).append(key)
    return [
        _foot(keys[0].id)
        if len(keys) == 1
        else (spread([shown(key.id, short=True) for key in keys]), label, "")
        for label, keys in labels.items()
    ]


def _foot(key_id: str) -> tuple[str, str, str]:
    """Returns what the footer shows of a key; a click gives its command, or presses it."""
    key, label, _ = foot(key_id)
    return key, label, BY_ID[key_id].command
