"""The message field with what belongs to it: notices above it, completions, the strip of what waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.presenters.commands import BY_SLASH, Command, by_slash, complete
from holdfast.tui.presenters.draft import Draft, History, Mention, Token, command_of
from holdfast.tui.presenters.notices import PLACEHOLDER
from holdfast.tui.presenters.prompts import Slash, completions, prompt_given
from holdfast.tui.presenters.spans import Line, line
from holdfast.tui.widgets.composer.area import MessageArea
from holdfast.tui.widgets.strips import Strip

if TYPE_CHECKING:
    from holdfast.tui.widgets.composer.popup import CompletionPopup


class MessageBox(Vertical):
    """What a person says: messages, commands, decisions."""

    @dataclass
    class MessageSent(Message):
        """A message was sent; the field is empty again."""

        text: str
        mentions: list[Mention]
        steer: bool = False
        """Whether it is for the run under way, instead of behind it."""

    @dataclass
    class CommandGiven(Message):
        """A slash command was given."""

        name: str
        """The command's name in the table, not the word after the slash."""
        argument: str

    @dataclass
    class UnknownCommand(Message):
        word: str

    @dataclass
    class FilesWanted(Message):
        """Paths that fit `prefix` are wanted: answer with `offer_files`."""

        prefix: str

    @dataclass
    class ArgumentsWanted(Message):
        """Arguments of a command that fit `typed` are wanted: answer with `offer_arguments`. Without a name
        the prompts that can be sent are: answer with `offer_prompts`."""

        name: str
        typed: str

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._popup: CompletionPopup | None = None
        self._listed: Token | None = None
        """What stood before the cursor when the list was made."""
        self._prompts: list[Slash] | None = None
        """The prompts that can be sent from here; None: not read yet."""

    def compose(self) -> ComposeResult:
        area = MessageArea(id="message")
        area.placeholder = PLACEHOLDER
        yield area

    async def mount_rest(self) -> None:
        """Adds what is not needed to type."""
        from holdfast.tui.widgets.composer.popup import CompletionPopup  # start-up time

        popup = CompletionPopup(id="completions")
        popup.display = False
        strips = [Strip(id=f"{name}-strip") for name in ("skew", "trust", "decide", "queue", "hint")]
        await self.mount(*strips, popup, before="#message")
        self._popup = popup
        self.area.on_popup_key = self._press

    @property
    def area(self) -> MessageArea:
        return self.query_one("#message", MessageArea)

    @property
    def draft(self) -> Draft:
        return self.area.draft

    @property
    def history(self) -> History:
        return self.area.history_of_messages

    def notice(self, name: str) -> Strip:
        """Returns the strip of a name: skew, trust, decide, queue or hint."""
        return self.query_one(f"#{name}-strip", Strip)

    def focus_text(self) -> None:
        self.area.focus()

    def set_text(self, text: str) -> None:
        self.area.set_text(text)
        self.focus_text()

    def give_back(self, text: str) -> None:
        """Puts back what could not be sent, unless something else was written meanwhile."""
        if not self.area.text:
            self.set_text(text)

    def set_placeholder(self, text: str) -> None:
        if self.area.placeholder != text:
            self.area.placeholder = text

    # --- sending

    @on(MessageArea.Sent)
    def _send(self, event: MessageArea.Sent) -> None:
        event.stop()
        if not event.text.strip():
            return
        command = command_of(event.text)
        prompt = prompt_given(event.text, [one.word for one in self._prompts or []])
        if prompt is not None and (command is None or command[0] not in BY_SLASH):
            self._give_prompt(*prompt)
            return
        if command is not None:
            self._give(*command)
            return
        mentions = self.draft.mentions(event.text)
        self.post_message(self.MessageSent(self.area.take_text(), mentions, event.steer))

    @on(MessageArea.ModeWanted)
    def _next_mode(self, event: MessageArea.ModeWanted) -> None:
        event.stop()
        self.post_message(self.CommandGiven("mode.next", ""))

    def _give(self, word: str, argument: str) -> None:
        command = by_slash(word)
        if command is None and self._prompts is None:  # it may be a prompt: the engine knows
            self._give_prompt(word, argument)
            return
        if command is None:
            self.post_message(self.UnknownCommand(word))
            return
        self.area.take_text()
        self.post_message(self.CommandGiven(command.name, argument))

    def _give_prompt(self, word: str, written: str) -> None:
        self.area.take_text()
        self.post_message(self.CommandGiven("prompts.send", f"{word} {written}".strip()))

    # --- completion

    @on(MessageArea.TokenChanged)
    def _complete(self, event: MessageArea.TokenChanged) -> None:
        event.stop()
        token = event.token
        if token is None:
            self._close()
        elif token.kind == "command":
            self._offer_commands(token)
        elif token.kind == "argument":
            self._want_arguments(token)
        else:
            self.post_message(self.FilesWanted(token.text))

    def _offer_commands(self, token: Token) -> None:
        if not token.text:  # a slash: what there is may have changed
            self.post_message(self.ArgumentsWanted("", ""))
        self._list_commands(token)

    def _list_commands(self, token: Token) -> None:
        fitting = completions(token.text, complete(token.text), self._prompts or [])
        self._open(token, [_completion(one) for one in fitting])

    def offer_prompts(self, prompts: list[Slash]) -> None:
        """Takes the prompts that can be sent from here, and lists them with the commands."""
        known, self._prompts = self._prompts, prompts
        token = self.area.token
        if token is not None and token.kind == "command" and known != prompts:
            self._list_commands(token)

    def _want_arguments(self, token: Token) -> None:
        command = BY_SLASH.get(token.command)
        if command is not None and command.argument:
            self.post_message(self.ArgumentsWanted(command.name, token.text))
        else:
            self._close()

    def offer_arguments(self, name: str, typed: str, rows: list[tuple[str, Line]]) -> None:
        """Shows the arguments that fit, if `typed` still stands before the cursor."""
        token = self.area.token
        command = BY_SLASH.get(token.command) if token is not None else None
        if token is None or command is None or command.name != name or token.text != typed:
            return
        self._open(token, rows)

    def ask_for_files(self) -> None:
        """Asks again for the paths of what stands before the cursor: nobody could answer until now."""
        token = self.area.token
        if token is not None and token.kind == "file":
            self.post_message(self.FilesWanted(token.text))

    def offer_files(self, prefix: str, paths: tuple[str, ...]) -> None:
        """Shows the paths that fit, if `prefix` still stands before the cursor."""
        token = self.area.token
        if token is None or token.kind != "file" or token.text != prefix:
            return
        self._open(token, [(path, line(("@", "accent"), sanitize_line(path))) for path in paths])

    def _open(self, token: Token, rows: list[tuple[str, Line]]) -> None:
        self._listed = token
        if self._popup is not None:
            self._popup.show(rows)
            self.area.popup_open = self._popup.is_open

    def _close(self) -> None:
        if self._popup is not None:
            self._popup.close()
        self.area.popup_open = False

    def close_popup(self) -> bool:
        """Closes the list of completions; says whether it was open."""
        was = self.area.popup_open
        self._close()
        return was

    def _press(self, name: str) -> bool:
        """Does what a key is for in the list; says whether the list was for what stands there now."""
        if self._popup is None or (name != "close" and not self._keep_up(self._popup)):
            self._close()
            return False
        chosen = self._popup.press(name)
        self.area.popup_open = self._popup.is_open
        if chosen is not None:
            self._put_in(chosen)
        return True

    def _keep_up(self, popup: CompletionPopup) -> bool:
        """Makes the list follow what was typed faster than it could; says whether something in it fits."""
        token, listed = self.area.token, self._listed
        if token == listed or token is None or listed is None:
            return token is not None
        if token.kind == "command":
            self._list_commands(token)
        elif (token.kind, token.command) == (listed.kind, listed.command):
            popup.go_to(token.text)
        else:
            return False
        return popup.is_open and popup.highlighted is not None

    def on_completion_popup_chosen(self, event: CompletionPopup.Chosen) -> None:
        event.stop()
        self.area.popup_open = False
        self._put_in(event)

    def _put_in(self, event: CompletionPopup.Chosen) -> None:
        token = self.area.token
        if token is None:
            return
        if token.kind == "file":
            self.area.complete(self.draft.choose(event.value))
            return
        if token.kind == "argument":
            self.area.complete(event.value)
            if event.sent:
                self._give(token.command, event.value)
            return
        command = BY_SLASH.get(event.value)
        if command is None:
            self._put_in_prompt(event)
            return
        if (event.sent and not command.argument) or (
            event.sent and command.argument.startswith("[") and token.text == command.slash
        ):
            self._give(command.slash, "")
        else:
            self.area.complete(f"/{command.slash} " if command.argument else f"/{command.slash}")

    def _put_in_prompt(self, event: CompletionPopup.Chosen) -> None:
        asks = next((one.hint for one in self._prompts or [] if one.word == event.value), "")
        if event.sent and not asks:
            self._give_prompt(event.value, "")
        else:
            self.area.complete(f"/{event.value} ")


def _completion(one: Command | Slash) -> tuple[str, Line]:
    if isinstance(one, Slash):
        return one.word, _command_line(one.word, one.hint, one.help)
    return one.slash, _command_line(one.slash, one.argument, one.help)


def _command_line(slash: str, argument: str, help: str) -> Line:
    return line((f"/{slash}", "key"), (f" {argument} ".ljust(22 - len(slash)), "muted"), (help, "muted"))
