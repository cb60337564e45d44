"""The table of keys: one row for each thing that keys do in one place. `keys.py` reads it.

It is on the way to the first paint: nothing heavy is imported here.
"""

from __future__ import annotations

from typing import NamedTuple


class Key(NamedTuple):
    """One thing that keys do in one place."""

    id: str
    """`place.name`: what the setting `tui.keys` calls it."""
    keys: str
    """Its keys as Textual writes them, between commas."""
    action: str
    """Textual's action; empty where the widget itself looks the key up, by `named`."""
    what: str
    """One line for the help; neighbours of the same words share a line there."""
    label: str = ""
    """One or two words for the footer; empty: it is not shown there."""
    priority: bool = False
    """Whether it goes before the keys of what has the focus."""
    same: str = ""
    """The id whose keys do it: this row only says what they do here."""
    fixed: bool = False
    """Whether it is no key to be remapped, but a sign in a text, or a key of Textual's own."""
    gives: str = ""
    """The command that it gives, where the action does not say so itself."""

    @property
    def place(self) -> str:
        return self.id.partition(".")[0]

    @property
    def name(self) -> str:
        return self.id.partition(".")[2]

    @property
    def command(self) -> str:
        """The command that it gives; empty for what is no command."""
        if self.place == "decide" and not self.gives:
            return self.id
        name = self.action.removeprefix("app.").removeprefix("command('").removesuffix("')")
        return self.gives or (
            name if name.replace(".", "").isidentifier() and "command(" in self.action else ""
        )


def _command(name: str, keys: str, what: str, label: str = "", command: str = "") -> Key:
    return Key(f"everywhere.{name}", keys, f"command('{command or name}')", what, label, priority=True)


def _undelete(place: str) -> Key:
    return Key(f"{place}.undelete", "u", "app.command('undelete')", "bring back what was deleted last")


def _leaving(place: str) -> tuple[Key, Key]:
    """Returns the last two rows of a whole screen."""
    back = Key(f"{place}.back", "escape", "back", "back", "back")
    return back, Key(f"{place}.help", "f1,question_mark", "help", "this help", "help")


def _list(place: str) -> tuple[Key, ...]:
    """Returns the last rows of a screen with a list that is filtered."""
    return Key(f"{place}.words", "slash", "words", "filter", "filter"), *_leaving(place)


KEYS: tuple[Key, ...] = (
    # What is written. The field asks for these by `named`.
    Key("composer.send", "enter", "", "send; while a run is busy, queue"),
    Key("composer.steer", "ctrl+s", "", "while a run is busy: steer it, before its next step", gives="steer"),
    Key("composer.mode", "shift+tab", "", "next mode: ask, accept edits, plan, autonomous", gives="mode"),
    Key("composer.new_line", "ctrl+j,shift+enter,alt+enter", "", "new line"),
    Key("composer.mention", "@", "", "attach a file", fixed=True),
    Key("composer.command", "/", "", "command", fixed=True),
    Key("composer.older", "up", "", "take back the last queued message; earlier messages"),
    Key("composer.newer", "down", "", "take back the last queued message; earlier messages"),
    Key(
        "composer.interrupt",
        "",
        "",
        "interrupt the run",
        same="everywhere.back",
        gives="interrupt",
    ),
    # The list of completions; it has its keys from the message field.
    Key("completion.before", "up", "", "in the list of completions: the one before, after"),
    Key("completion.after", "down", "", "in the list of completions: the one before, after"),
    Key("completion.take", "tab", "", "put it in"),
    Key("completion.run", "enter", "", "put it in; a command that needs no more is given"),
    Key("completion.close", "escape", "", "close the list"),
    # What waits.
    Key("decide.once", "y", "app.decide('y')", "approve once"),
    Key("decide.session", "s", "app.decide('s')", "approve for this session"),
    Key(
        "decide.always",
        "a",
        "app.decide('a')",
        "approve always, pressed twice: adds the rule that is shown to your policy",
    ),
    Key("decide.edit", "e", "app.decide('e')", "edit the arguments, then approve"),
    Key("decide.deny", "n", "app.decide('n')", "deny"),
    Key("decide.reason", "r", "app.decide('r')", "deny with a reason that the model sees"),
    Key(
        "decide.alike",
        "g",
        "app.decide('g')",
        "look at all that are alike, or marked, and decide them at once",
        gives="batch",
    ),
    *(Key(f"choice.{n}", str(n), f"app.decide('{n}')", "choose an answer") for n in range(1, 10)),
    Key("approvals.mark", "space", "mark", "in the list: mark, to decide several at once", "mark"),
    Key("batch.approve", "y", "rule('y')", "several calls: approve, each on its own"),
    Key("batch.deny", "n", "rule('n')", "several calls: deny"),
    Key("batch.reason", "r", "rule('r')", "several calls: deny with a reason that the model sees"),
    Key("batch.toggle", "space", "pick", "several calls: take one out, or in again"),
    Key("batch.all", "a", "pick_all", "several calls: all, or none"),
    Key("approvals.once", "", "", "approve once, also in the middle of a message", same="everywhere.once"),
    Key("approvals.whole", "", "", "in the list: see the whole of it", "whole", same="list.choose"),
    # The notices above the message field, while it is empty.
    Key("notice.trust", "t", "app.command('trust','yes')", "trust the agents of this folder"),
    Key("notice.ignore", "i", "app.command('trust','no')", "let the agents of this folder ask first"),
    Key("notice.restart", "u", "app.command('restart')", "restart an engine of another version"),
    Key("notice.later", "l", "app.command('later')", "leave an engine of another version be"),
    # A new session.
    *(
        Key(
            f"welcome.try_{n}",
            f"alt+{n}",
            f"app.command('try','{n}')",
            "put one of the things to try into an empty message field",
            priority=True,
        )
        for n in range(1, 4)
    ),
    Key("welcome.provider", "alt+p", "app.command('provider')", "add a provider of models", priority=True),
    Key("tour.skip", "alt+n", "app.command('tour')", "go on with the guided tour", priority=True),
    # The panes.
    Key("sessions.open", "", "", "open", "open", same="list.choose"),
    Key("sessions.search", "slash", "search", "search titles and messages", "search"),
    Key("sessions.new", "n", "app.command('new')", "new", "new"),
    Key("sessions.rename", "r", "app.command('rename')", "rename", "rename"),
    Key("sessions.fork", "f", "app.command('fork')", "fork"),
    Key("sessions.delete", "d,delete", "app.command('delete')", "delete, into the trash", "delete"),
    _undelete("sessions"),
    Key("sessions.export", "x", "app.command('export')", "export"),
    Key(
        "sessions.mark", "space", "app.command('session.mark')", "mark, to do something with several", "mark"
    ),
    Key("sessions.mark_all", "ctrl+a", "app.command('session.mark_all')", "mark all that are shown, or none"),
    Key("sessions.star", "s", "app.command('star')", "star, or no longer", "star"),
    Key("sessions.archive", "a", "app.command('archive')", "archive, or out of it", "archive"),
    Key("sessions.archived", "v", "app.command('archived')", "show the archive, all, the others"),
    Key("sessions.group", "g", "app.command('group')", "by date, project, agent; a tree of forks", "group"),
    Key("sessions.import", "i", "app.command('import')", "import conversations from a file"),
    Key("files.preview", "", "", "preview", "preview", same="list.choose"),
    Key("files.editor", "o", "edit", "open in $EDITOR", "editor"),
    Key("files.undo", "u", "app.command('undo')", "undo the last run's changes", "undo"),
    Key("files.redo", "U", "app.command('redo')", "redo", "redo"),
    Key("knowledge.open", "", "", "open the document at the passage", "open", same="list.choose"),
    Key(
        "knowledge.before",
        "left,left_square_bracket",
        "screen.step_answer(-1)",
        "the answer before, after",
        "answers",
    ),
    Key(
        "knowledge.after",
        "right,right_square_bracket",
        "screen.step_answer(1)",
        "the answer before, after",
        "answers",
    ),
    Key("knowledge.collections", "o", "app.command('collections')", "all collections", "collections"),
    Key("transcript.up", "up,k", "move(-1)", "move"),
    Key("transcript.down", "down,j", "move(1)", "move"),
    Key("transcript.page_up", "pageup", "page(-1)", "move"),
    Key("transcript.page_down", "pagedown", "page(1)", "move"),
    Key("transcript.begin", "home", "begin", "move"),
    Key("transcript.end", "end", "follow", "move"),
    Key("transcript.before", "left_square_bracket", "step(-1)", "entry before, after"),
    Key("transcript.after", "right_square_bracket", "step(1)", "entry before, after"),
    Key(
        "transcript.open",
        "enter,space",
        "activate",
        "open or close a tool call; choose a message to fork at",
        "open",
    ),
    Key(
        "transcript.copy",
        "c",
        "copy",
        "copy what is selected, the code or link at the cursor, or its entry",
        "copy",
        gives="copy",
    ),
    Key(
        "transcript.edit",
        "e",
        "edit_message",
        "of a message: edit it, and send it in a copy from there",
        gives="edit_message",
    ),
    Key(
        "transcript.again",
        "R",
        "app.command('regenerate')",
        "answer again, with a model of your choice",
        "again",
    ),
    Key("transcript.message_after", "m", "jump('message', 1)", "message after, before"),
    Key("transcript.message_before", "M", "jump('message', -1)", "message after, before"),
    Key("transcript.call_after", "t", "jump('call', 1)", "tool call after, before"),
    Key("transcript.call_before", "T", "jump('call', -1)", "tool call after, before"),
    Key("transcript.file_after", "f", "jump('file', 1)", "change of a file after, before"),
    Key("transcript.file_before", "F", "jump('file', -1)", "change of a file after, before"),
    Key("transcript.approval_after", "w", "jump('approval', 1)", "approval or question after, before"),
    Key("transcript.approval_before", "W", "jump('approval', -1)", "approval or question after, before"),
    Key("transcript.error_after", "x", "jump('error', 1)", "error after, before"),
    Key("transcript.error_before", "X", "jump('error', -1)", "error after, before"),
    Key("transcript.code_after", "b", "spot('code', 1)", "block of code after, before"),
    Key("transcript.code_before", "B", "spot('code', -1)", "block of code after, before"),
    Key("transcript.link_after", "l", "spot('link', 1)", "link after, before; enter opens it"),
    Key("transcript.link_before", "L", "spot('link', -1)", "link after, before; enter opens it"),
    Key("transcript.outline", "o", "app.command('outline')", "list of all that is in the session", "outline"),
    Key(
        "transcript.fold",
        "z",
        "fold_all",
        "close all calls and reasoning, open them, as they come",
        "fold",
        gives="fold",
    ),
    Key(
        "transcript.look",
        "p",
        "app.command('look')",
        "the table, chart or image at the cursor, alone",
        "look",
    ),
    Key(
        "transcript.diff",
        "v",
        "diff_layout",
        "changes side by side, one below the other, as it fits",
        gives="diff",
    ),
    *(
        Key(
            f"transcript.source_{n}",
            str(n),
            f"type_digit('{n}')",
            "open what the answer cites by that number",
            "source" if n else "",
        )
        for n in range(10)
    ),
    Key("transcript.find", "", "", "find", "find", same="everywhere.find"),
    Key("find.next", "down", "step(1)", "while words are typed to find: next place; enter, too", "next"),
    Key(
        "find.before",
        "up,shift+enter",
        "step(-1)",
        "while words are typed to find: the place before",
        "before",
    ),
    Key("found.after", "n", "step_hit(True)", "what was found: the next, the one before"),
    Key("found.before", "N", "step_hit(False)", "what was found: the next, the one before"),
    # Lists and texts, wherever they are.
    Key("list.up", "up", "cursor_up", "move in a list"),
    Key("list.down", "down", "cursor_down", "move in a list"),
    Key("list.page_up", "pageup", "page_up", "move in a list"),
    Key("list.page_down", "pagedown", "page_down", "move in a list"),
    Key("list.first", "home", "first", "move in a list"),
    Key("list.last", "end", "last", "move in a list"),
    Key("list.choose", "enter", "select", "choose"),
    Key("words.to_list", "down", "to_list", "from the words to the list"),
    Key("lines.up", "up,k", "scroll_up", "scroll a text"),
    Key("lines.down", "down,j", "scroll_down", "scroll a text"),
    Key("lines.page_up", "pageup", "page_up", "scroll a text"),
    Key("lines.page_down", "pagedown,space", "page_down", "scroll a text"),
    Key("lines.top", "home,g", "scroll_home", "scroll a text"),
    Key("lines.end", "end,G", "scroll_end", "scroll a text"),
    # The screens.
    Key("collections.new", "n", "act('new')", "new collection", "new"),
    Key("collections.add", "a", "act('add')", "add files, a folder or an address", "add"),
    Key("collections.sync", "y", "act('sync')", "sync with its folders: only what changed", "sync"),
    Key("collections.watch", "w", "act('watch')", "watch its folders, or no longer", "watch"),
    Key("collections.words", "slash", "words", "filter documents, or the words to search for", "filter"),
    Key("collections.documents", "f", "tab('documents')", "documents, search, jobs", "documents"),
    Key("collections.search", "s", "tab('search')", "documents, search, jobs", "search"),
    Key("collections.jobs", "j", "tab('jobs')", "documents, search, jobs", "jobs"),
    Key("collections.method", "m", "act('method')", "how to search", "method"),
    Key(
        "collections.open",
        "",
        "",
        "documents of a collection; open a document or a passage",
        "open",
        same="list.choose",
    ),
    Key("collections.cancel", "c", "act('cancel')", "jobs: cancel; try again what failed", "cancel"),
    Key("collections.retry", "r", "act('retry')", "jobs: cancel; try again what failed", "retry"),
    Key(
        "collections.delete",
        "d,delete",
        "act('delete')",
        "delete the collection, into the trash; remove the document, not to be undone",
    ),
    _undelete("collections"),
    *_leaving("collections"),
    Key(
        "search.open",
        "",
        "",
        "open the session at this place, from the words too",
        "open",
        same="list.choose",
    ),
    Key("search.words", "slash", "words", "back to the words"),
    Key("search.archive", "ctrl+t", "archive", "in the archive too, or not", "archive", priority=True),
    Key("search.back", "escape", "back", "back", "back"),
    Key(
        "document.after", "n,right_square_bracket", "step(1)", "next passage, the one before", "next passage"
    ),
    Key("document.before", "p,left_square_bracket", "step(-1)", "next passage, the one before", "before"),
    Key("document.passages", "c", "passages", "list of the passages", "passages"),
    Key("document.close", "escape,q", "leave", "close", "close"),
    Key("document.help", "f1,question_mark", "help", "this help"),
    Key("memory.blocks", "left", "tab('blocks')", "blocks, entries", "blocks"),
    Key("memory.entries", "right", "tab('entries')", "blocks, entries", "entries"),
    Key("memory.new", "n", "act('new')", "new block or entry", "new"),
    Key("memory.open", "", "", "edit the text", "edit", same="list.choose"),
    Key("memory.edit", "e", "act('edit')", "edit the text", "edit"),
    Key(
        "memory.options",
        "o",
        "act('options')",
        "of a block: where it is put, what agents may do, default, public",
        "options",
    ),
    Key("memory.pin", "p", "act('pin')", "of an entry: pin, tags", "pin"),
    Key("memory.tags", "t", "act('tags')", "of an entry: pin, tags", "tags"),
    Key("memory.words", "slash", "words", "search entries", "search"),
    Key("memory.delete", "d,delete", "act('delete')", "delete, into the trash", "delete"),
    _undelete("memory"),
    *_leaving("memory"),
    Key("tools.choose", "", "", "try it: fill in its arguments, and run it", same="list.choose"),
    Key("tools.try", "t", "act('try')", "try it: fill in its arguments, and run it", "try it"),
    Key("tools.new", "n", "act('new')", "new tool of your own: HTTP or Python", "new"),
    Key("tools.edit", "e", "act('edit')", "of your own: edit it here, in $EDITOR", "edit"),
    Key("tools.editor", "o", "act('editor')", "of your own: edit it here, in $EDITOR", "editor"),
    Key(
        "tools.versions", "v", "act('versions')", "of your own: what it has been; bring that back", "versions"
    ),
    Key("tools.export", "x", "act('export')", "of your own: write it into a file", "export"),
    Key("tools.secret", "s", "act('secret')", "of your own: set a secret of its headers", "secret"),
    Key("tools.delete", "d,delete", "act('delete')", "of your own: delete, into the trash", "delete"),
    _undelete("tools"),
    Key("tools.before", "left", "turn(-1)", "the agent's tools, yours, all"),
    Key("tools.after", "right", "turn(1)", "the agent's tools, yours, all", "next list"),
    *_list("tools"),
    Key("tried.again", "e", "again", "a tool that was tried: other arguments", "again"),
    Key("hooks.new", "n", "act('new')", "add a hook of all your runs", "add"),
    Key("hooks.enable", "space", "act('enable')", "of your own: enable or disable it", "enable"),
    Key("hooks.remove", "d,delete", "act('remove')", "of your own: remove it; asks first", "remove"),
    *_list("hooks"),
    Key("mcp.read", "", "", "all that is known of the server", "read", same="list.choose"),
    Key("mcp.new", "n", "act('new')", "add a server: a program or an address", "add"),
    Key("mcp.test", "t,r", "act('test')", "start it anew, and list its tools", "test"),
    Key("mcp.enable", "space", "act('enable')", "enable or disable it", "enable"),
    Key("mcp.secret", "s", "act('secret')", "set a secret that it refers to", "secret"),
    Key("mcp.remove", "d,delete", "act('remove')", "remove it; asks first", "remove"),
    *_list("mcp"),
    Key("skills.read", "", "", "read its instructions", "read", same="list.choose"),
    Key("skills.new", "n", "act('new')", "install one: a folder, a zip, git, an address", "install"),
    Key("skills.edit", "e", "act('edit')", "edit its SKILL.md, where it is your own", "edit"),
    Key("skills.trust", "t", "act('trust')", "trust the folder that it is from; asks first", "trust"),
    Key("skills.remove", "d,delete", "act('remove')", "remove it, into the trash", "remove"),
    _undelete("skills"),
    *_list("skills"),
    # Prompts.
    Key("prompts.use", "", "", "put it into the message field, filled in", "use", same="list.choose"),
    Key("prompts.try", "t", "act('try')", "show what would be sent, with values", "try"),
    Key("prompts.new", "n", "act('new')", "write one", "new"),
    Key("prompts.edit", "e", "act('edit')", "edit it, where it is your own", "edit"),
    Key("prompts.attach", "a", "act('attach')", "attach a file to it, or take it away", "attach"),
    Key("prompts.remove", "d,delete", "act('remove')", "delete it, into the trash", "delete"),
    _undelete("prompts"),
    *_list("prompts"),
    # Models.
    Key("models.choose", "", "", "let it answer from the next message on", same="list.choose"),
    Key("models.use", "u", "act('use')", "let it answer from the next message on", "use"),
    Key("models.alpha", "a", "act('alpha')", "switch alpha features on, or off", "alpha"),
    Key("models.before", "left", "turn(-1)", "usable models, all, prices in credits, support"),
    Key("models.after", "right", "turn(1)", "usable models, all, prices in credits, support", "next list"),
    *_list("models"),
    # Keys to Holdfast, and agreements.
    Key("keys.new", "n", "act('new')", "make a key; it is shown this once", "new key"),
    Key("keys.limit", "l", "act('limit')", "how much the key may use", "limit"),
    Key("keys.revoke", "d,delete", "act('revoke')", "revoke the key; asks first", "revoke"),
    *_list("keys"),
    Key("secret.copy", "c", "copy_secret", "a new key: copy it", "copy"),
    Key("agreements.read", "", "", "read the whole of it", "read", same="list.choose"),
    Key("agreements.accept", "a", "act('accept')", "accept it", "accept"),
    *_list("agreements"),
    Key("agreement.accept", "y", "accept", "an agreement that is asked for: accept it"),
    # One agent as a form.
    Key("details.change", "", "", "change the field; a switch at once", "change", same="list.choose"),
    Key("details.playground", "t", "act('playground')", "try it in the playground", "playground"),
    Key("details.chat", "c", "act('chat')", "try it in a new session", "chat"),
    Key("details.file", "o", "act('file')", "open its file in the editor", "file"),
    Key("details.agent", "g", "act('agent')", "another agent", "agent"),
    *_list("details"),
    Key("script.next", "ctrl+l", "next", "a script: to the next mistake", priority=True),
    Key("script.put", "ctrl+t", "put", "a script: put in a call or an example", priority=True),
    # The playground.
    Key("playground.write", "", "", "write the message", same="list.choose"),
    Key("playground.run", "r", "act('run')", "let the agent answer the last message", "run"),
    Key("playground.waiting", "w", "act('waiting')", "see what the run waits for", "decide"),
    Key("playground.stop", "x", "act('stop')", "cancel the run", "stop"),
    Key("playground.results", "t", "act('results')", "say what your tools gave, and go on", "results"),
    Key("playground.keep", "k", "act('keep')", "put the reply into the conversation", "keep reply"),
    Key("playground.new", "n", "act('new')", "add a message", "add"),
    Key("playground.edit", "e", "act('edit')", "write the message", "write"),
    Key("playground.role", "o", "act('role')", "whose message it is: system, user, assistant", "role"),
    Key("playground.up", "K,shift+up", "act('up')", "move the message up, down"),
    Key("playground.down", "J,shift+down", "act('down')", "move the message up, down"),
    Key("playground.remove", "d,delete", "act('remove')", "take the message out", "remove"),
    Key("playground.clear", "N", "act('clear')", "begin a conversation anew"),
    Key("playground.agent", "g", "act('agent')", "another agent", "agent"),
    Key("playground.tools", "f", "act('tools')", "describe tools that you execute yourself", "tools"),
    Key("playground.dialect", "a", "act('dialect')", "code: of the next API", "next API"),
    Key("playground.language", "l", "act('language')", "code: in the next language", "language"),
    Key("playground.copy", "c", "act('copy')", "copy the reply, the JSON or the code", "copy"),
    Key("playground.before", "left", "turn(-1)", "the reply, raw JSON, code"),
    Key("playground.after", "right", "turn(1)", "the reply, raw JSON, code", "raw, code"),
    *_list("playground"),
    # The log of runs, and the map of a session.
    Key("runs.open", "", "", "open its session where it begins", "open", same="list.choose"),
    Key("runs.map", "m", "act('map')", "the map of its session", "map"),
    Key("runs.agent", "g", "act('agent')", "the runs of one agent, or of all", "agent"),
    Key("runs.sort", "s", "act('sort')", "sort by time, agent, response time, credits, cost", "sort"),
    Key("runs.reverse", "S", "act('reverse')", "sort the other way round", "turn round"),
    Key("runs.logging", "l", "act('logging')", "keep nothing its agent is told or says, or all", "logging"),
    Key("runs.refresh", "u", "act('refresh')", "read it again"),
    *_list("runs"),
    Key("map.go", "", "", "to its place in the transcript", "go there", same="list.choose"),
    Key("map.fold", "space", "act('fold')", "fold what is below it, or unfold it", "fold"),
    Key("map.all", "z", "act('all')", "fold all runs, or unfold everything", "fold all"),
    Key("map.older", "o", "act('older')", "read the runs before those that are shown", "older"),
    Key("map.copy", "c", "act('copy')", "copy the map as text", "copy"),
    Key("map.refresh", "u", "act('refresh')", "read it again"),
    *_leaving("map"),
    Key("parts.read", "", "", "read the part", "read", same="list.choose"),
    Key("parts.before", "left,left_square_bracket", "step(-1)", "the step before, after", "steps"),
    Key("parts.after", "right,right_square_bracket", "step(1)", "the step before, after", "steps"),
    Key("parts.back", "escape,q", "leave", "back to the list, then away", "back"),
    Key("parts.help", "f1,question_mark", "help", "this help"),
    Key("settings.edit", "", "", "change it; a truth value at once", "change", same="list.choose"),
    Key("settings.reset", "d,delete", "reset", "take it out of your file: the default again", "reset"),
    Key("settings.words", "slash", "words", "search", "search"),
    Key("settings.changed", "c", "changed", "only those that are no default, or all", "changed only"),
    *_leaving("settings"),
    Key("logs.follow", "f", "follow", "follow what is written, or stand still", "follow"),
    Key("logs.level", "l", "level", "from which level on", "level"),
    Key("logs.next", "n,right", "next(1)", "the next log, the one before", "next log"),
    Key("logs.before", "p,left", "next(-1)", "the next log, the one before"),
    Key("logs.words", "slash", "words", "only lines with these words", "search"),
    Key("logs.older", "o", "older", "older lines", "older"),
    Key("logs.copy", "c", "copy", "copy the lines", "copy"),
    *_leaving("logs"),
    Key("health.refresh", "u", "refresh", "look again, and check", "check"),
    Key("health.repair", "R", "repair", "repair what can be repaired", "repair"),
    Key("health.restart", "r", "give('restart')", "restart an idle engine", "restart", gives="restart"),
    Key("health.logs", "l", "give('logs')", "logs", "logs", gives="logs"),
    *_leaving("health"),
    Key("author.save", "ctrl+s", "save", "save; of an agent that comes with Holdfast, a copy", "save", True),
    Key("author.form", "ctrl+e", "form", "to the form of the common fields, and back", "form", True),
    Key("author.change", "", "", "in the form: change the field", "change", same="list.choose"),
    Key("author.next", "ctrl+l", "next", "to the next mistake", "next mistake", True),
    Key("author.complete", "ctrl+space,ctrl+@", "complete", "what can be written here", "complete"),
    Key("author.try", "f9", "try", "save it, and try it in a new session", "try it", True),
    Key("author.back", "escape", "back", "from the form to the text, from there away", "back"),
    Key("author.help", "f1", "help", "this help", "help"),
    # Dialogs.
    Key("dialog.close", "escape", "leave", "leave a dialog"),
    Key("form.submit", "ctrl+s", "submit", "a form: do it with what is filled in", priority=True),
    Key("field.next", "enter", "", "a form: next field; in JSON a new line"),
    Key("field.new_line", "ctrl+j,shift+enter,alt+enter", "", "a form: new line in a text"),
    Key("field.before", "up", "", "a form: the field before, after"),
    Key("field.after", "down", "", "a form: the field before, after"),
    Key("choices.before", "left", "step(-1)", "a form: the choice before, after"),
    Key("choices.after", "right", "step(1)", "a form: the choice before, after"),
    Key("choices.pick", "space", "pick", "a form: choose, or no longer"),
    Key("between.before", "up", "go(-1)", "a form: the field before, after"),
    Key("between.after", "down,enter", "go(1)", "a form: the field before, after"),
    Key("editor.save", "ctrl+s", "save", "save, or approve, what was edited", priority=True),
    Key("adding.keep", "ctrl+s", "keep", "keep what is typed without a test", priority=True),
    Key("confirm.yes", "y", "answer(True)", "do it"),
    Key("confirm.no", "n,escape", "answer(False)", "leave it"),
    Key("choose.up", "up", "move(-1)", "move in a list to choose from", priority=True),
    Key("choose.down", "down", "move(1)", "move in a list to choose from", priority=True),
    Key("table.view", "v", "view", "the table as a chart, the chart as a table", "table or chart"),
    Key("table.column", "c", "column", "chart: the next column of numbers", "column"),
    Key("table.along", "x", "along", "chart: another column along the axis", "axis"),
    Key("table.kind", "b", "kind", "chart: bars, a line, points", "kind"),
    Key("table.next", "n", "next", "the next table", "next"),
    Key("table.copy", "m", "copy", "copy the table as Markdown", "copy"),
    Key("table.editor", "o", "edit", "open the file in $EDITOR", "editor"),
    Key("table.close", "escape,q", "leave", "close", "close"),
    Key("usage.by", "g", "by", "by day, month, model, agent, key, session", "by"),
    Key("usage.limits", "l", "limits", "what may still be used", "limits"),
    Key("compare.keep_first", "f", "keep(0)", "go on with the first answer", "first", priority=True),
    Key("compare.keep_again", "o", "keep(1)", "go on with the other answer", "other", priority=True),
    Key("compare.switch", "tab,left,right", "switch", "to the other answer", "switch"),
    Key("compare.leave", "escape,q", "leave", "close; both stay", "close"),
    Key("whole.diff", "v", "diff_layout", "the whole of an approval: changes side by side, or below"),
    Key("viewer.close", "escape,q", "leave", "close what is shown"),
    Key("viewer.editor", "o", "edit", "open the file in $EDITOR"),
    # Everywhere.
    _command("palette", "ctrl+p", "all commands", "palette"),
    _command("new", "ctrl+n", "new session", "new"),
    _command("sessions", "ctrl+o", "sessions", "sessions"),
    _command("approvals", "f2", "approvals, files, run, knowledge", "approvals"),
    _command("files", "f3", "approvals, files, run, knowledge", "files"),
    _command("run", "f4", "approvals, files, run, knowledge", "run"),
    _command("knowledge", "f5", "approvals, files, run, knowledge", "knowledge"),
    _command("transcript", "f6", "the transcript: read, copy, jump", "transcript"),
    _command("continue", "ctrl+g", "continue an interrupted run", "continue"),
    _command("find", "ctrl+f", "find words in the session", "find"),
    _command("search_all", "ctrl+r", "search all sessions", "search"),
    Key("everywhere.undelete", "ctrl+z", "command('undelete')", "bring back what was deleted last"),
    Key("everywhere.once", "ctrl+y", "decide('y')", "approve once what waits", priority=True),
    Key("everywhere.next_pane", "tab", "", "next pane", fixed=True),
    Key("everywhere.back", "escape", "step_back", "close what is open; back to the message field", "back"),
    _command("edit_agent", "alt+e", "edit an agent's file", command="agent.edit"),
    _command("mouse", "f8", "give the mouse to the terminal, or take it back"),
    _command("help", "f1", "this help", "help"),
    Key("everywhere.question", "question_mark", "command('help')", "this help, outside of text fields"),
    Key("everywhere.copy", "ctrl+c", "copy_or_quit", "copy what is selected; twice: quit", priority=True),
    _command("quit", "ctrl+q", "quit; runs go on in the engine", "quit"),
)
