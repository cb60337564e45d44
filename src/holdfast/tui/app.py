"""The terminal app. It paints first: whatever needs the domain's types is loaded after the first refresh."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Coroutine
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.binding import BindingType
from textual.screen import Screen
from textual.worker import Worker, WorkerFailed

from holdfast.tui.collecting import Collecting
from holdfast.tui.keys import bindings
from holdfast.tui.presenters.guard import Guard
from holdfast.tui.presenters.status import first_header
from holdfast.tui.screens.main import PLACES, MainScreen
from holdfast.tui.screens.modelled import ModelScreen
from holdfast.tui.start import Start
from holdfast.tui.terminal import BackgroundTold, TerminalApp
from holdfast.tui.theming import Theming
from holdfast.tui.widgets.composer.area import MessageArea
from holdfast.tui.widgets.composer.box import MessageBox

if TYPE_CHECKING:
    from holdfast.tui.control.desk import Desk
    from holdfast.tui.control.palette import Palette
    from holdfast.tui.presenters.model import Model
    from holdfast.tui.screens.opening import Dialogs

Job = Callable[[], Coroutine[Any, Any, None]]
QUIT_S = 2.0
ABOVE_SCREENS = (("command", "quit"), ("command", "palette"), ("command", "undelete"))
"""What keys do on every screen."""
REPEATABLE = ("files.reload", "budgets.reload", "search", "search.words", "sessions.count")
"""What is started anew when it is asked for while it is under way."""


class HoldfastApp(TerminalApp):
    """Shows the main screen and hands what a person does to the controllers."""

    CSS_PATH = Path(__file__).with_name("app.tcss")
    TITLE = "Holdfast"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("everywhere", "decide")]

    def __init__(self, start: Start) -> None:
        super().__init__()
        self.start = start
        self.guard = Guard()
        self.collecting = Collecting()
        self.desk: Desk | None = None
        self._quit_asked = float("-inf")
        self.left_to = ""
        """The other user who has signed in, for whom another app begins."""
        self.theming = Theming(self, start.themes, start.state_file)
        self.theming.first()
        self.main = MainScreen()

    @cached_property
    def model(self) -> Model:
        from holdfast.tui.presenters.model import Model  # start-up time: after the first paint

        agent = self.start.agent or self.theming.state.last_agent(self.start.engine_url)
        return Model(header=first_header(self.start), agent=agent, model_flag=self.start.model)

    @cached_property
    def dialogs(self) -> Dialogs:
        from holdfast.tui.screens.opening import Dialogs  # start-up time: after the first paint

        return Dialogs(self)

    @cached_property
    def palette(self) -> Palette:
        from holdfast.tui.control.palette import Palette  # start-up time: after the first paint

        return Palette(self)

    # --- start and end

    def get_default_screen(self) -> Screen[Any]:
        return self.main

    def on_background_told(self, event: BackgroundTold) -> None:
        self.theming.take_background(event.dark)

    def start_engine(self) -> None:
        """Begins to look for the engine; called when the screen has been painted."""
        self._spawn(self._run_desk, "engine")
        self._spawn(self.theming.watch, "themes")

    async def _run_desk(self) -> None:
        desk_type = await asyncio.to_thread(_load_desk)
        self.desk = desk_type(self)
        self.collecting.begin(self)
        await self.desk.connection.run()

    async def on_unmount(self) -> None:
        self.collecting.end()
        if self.desk is not None:
            await self.desk.close()

    def _fatal_error(self) -> None:
        """Ends the app after a bug: `run` raises it once the terminal is a person's again.

        Textual would print a traceback with all local values, contents of files among them.
        """
        self.bell()
        self._close_messages_no_wait()

    async def _close(self) -> None:
        """Closes the app, unless something would be lost by that."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, ModelScreen) and not await screen.may_leave():
                return
        self.exit(0)

    # --- doing things

    def command(self, name: str, argument: str = "") -> None:
        """Does a command of the table."""
        local: dict[str, Callable[[], object]] = {
            "help": lambda: self.dialogs.help(self.main.place),
            "quit": lambda: self._spawn(self._close, "quit"),
            "theme": lambda: self._show_theme(argument),
            "find": lambda: self.main.find(argument),
            "palette": lambda: self._spawn(self.palette.open, "open palette"),
            "screenshot": self.deliver_screenshot,
        }
        if name in local:
            local[name]()
        elif name in PLACES:
            self.main.go(name)
        else:
            self.do(name, argument)

    def action_command(self, name: str, argument: str = "") -> None:
        self.command(name, argument)

    def do(self, name: str, argument: str = "") -> None:
        """Lets a controller do something, in a worker of its own."""
        if self.desk is None:
            self.main.say("The engine is starting; try again in a moment.")
            return
        self._spawn(partial(self.desk.perform, name, argument), f"do {name}", exclusive=name in REPEATABLE)

    def _spawn(
        self, work: Callable[[], Coroutine[Any, Any, None]], group: str, exclusive: bool = False
    ) -> None:
        _worker: Worker[None] = self.run_worker(work, group=group, exclusive=exclusive)

    def work(self, work: Job, group: str, exclusive: bool = True) -> None:
        """Runs a controller's own work; what goes wrong is shown. `exclusive` ends what is under way."""
        if self.desk is not None:
            self._spawn(partial(self.desk.guarded, work), group, exclusive)

    def remember_agent(self, name: str) -> None:
        """Remembers the agent of the last new session."""
        self.theming.state.remember_agent(self.start.engine_url, name)
        self.theming.save()

    def _show_theme(self, name: str) -> None:
        if name:
            self.theming.show(name)
        else:
            self._spawn(self.theming.choose, "theme")

    def action_decide(self, key: str) -> None:
        if self.model.deciding() is not None:
            self.do("decide", key)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that work everywhere rest while a dialog is open, but for copying and leaving."""
        if (action, *parameters[:1]) in ABOVE_SCREENS:
            return True
        if action in ("command", "decide", "step_back") and len(self.screen_stack) > 1:
            return action == "decide" and getattr(self.screen, "DECIDES", False)
        return True

    def action_step_back(self) -> None:
        """Esc: closes what is open, then interrupts the run."""
        main = self.main
        if main.step_back():
            return
        if main.box.close_popup() or main.close_drawers():
            main.box.focus_text()
        elif self.model.confirming is not None:
            self.model.confirming = None
            main.mark("inbox")
        elif main.place != "composer":
            main.go_back()
        elif (question := self.model.answering()) is not None:
            self.model.not_answering.add(question.id)
            main.mark("inbox")
        elif self.model.run.busy:
            self.do("interrupt")

    @on(events.TextSelected)
    def _selected(self) -> None:
        """What was selected with the mouse is copied, unless the settings say otherwise."""
        text = self.screen.get_selected_text() if self.model.copy_on_select else ""
        if text and not text.isspace():
            self._copy(text)

    def _copy(self, text: str) -> None:
        from holdfast.tui.presenters.copying import copied  # start-up time: after the first paint

        self.copy_to_clipboard(text)
        self.notify(copied(text), timeout=2, markup=False)

    def action_copy_or_quit(self) -> None:
        """Copies what is selected; pressed twice without a selection, closes the app."""
        focused = self.focused
        text = self.screen.get_selected_text() or getattr(focused, "selected_text", "")
        if text:
            self._copy(text)
            return
        now = time.monotonic()
        if now - self._quit_asked < QUIT_S:
            self.command("quit")
            return
        self._quit_asked = now
        self.notify("Press ctrl+c again to quit. Runs go on in the engine.", timeout=QUIT_S)

    # --- what the screen says

    @on(MessageBox.MessageSent)
    def _send(self, event: MessageBox.MessageSent) -> None:
        if self.desk is None or not self.desk.context.connected:
            self.main.hold(event.text, event.mentions)
            return
        work = self.desk.runs.steer_with if event.steer else self.desk.runs.send
        self.work(partial(work, event.text, event.mentions), "send", exclusive=False)

    @on(MessageBox.CommandGiven)
    def _give_command(self, event: MessageBox.CommandGiven) -> None:
        self.command(event.name, event.argument)

    @on(MessageBox.UnknownCommand)
    def _unknown(self, event: MessageBox.UnknownCommand) -> None:
        self.main.say_error(f"There is no command /{event.word}. / alone lists them all.")

    @on(MessageBox.ArgumentsWanted)
    def _complete_argument(self, event: MessageBox.ArgumentsWanted) -> None:
        self._spawn(partial(self.palette.complete, event.name, event.typed), "complete", exclusive=True)

    @on(MessageBox.FilesWanted)
    def _complete(self, event: MessageBox.FilesWanted) -> None:
        if self.desk is not None and self.desk.context.connected:
            self.work(partial(self._offer, self.desk, event.prefix), "complete")

    async def _offer(self, desk: Desk, prefix: str) -> None:
        self.main.box.offer_files(prefix, await desk.files.complete(prefix))

    @on(MessageArea.Decided)
    def _decide(self, event: MessageArea.Decided) -> None:
        if event.key in "ti" and self.model.untrusted:
            self.do("trust", "yes" if event.key == "t" else "no")
        elif event.key in "ul" and self.model.skew is not None:
            self.do("restart" if event.key == "u" else "later")
        else:
            self.action_decide(event.key)

    @on(MessageArea.Changed, "#message")
    def _text_changed(self) -> None:
        if self.main.panes is not None:
            self.main.panes.text_changed()

    @on(MessageArea.PullBackWanted)
    def _pull_back(self) -> None:
        self.main.pull_back()


def _load_desk() -> type[Desk]:
    """Imports the domain, httpx and the rest; in a thread, so that keys are taken meanwhile."""
    from holdfast.tui.control.desk import Desk  # needs pydantic: not before the first paint
    from holdfast.tui.widgets.transcript import warm

    warm()
    return Desk


def run(start: Start) -> int:
    """Runs the app until it is closed, and one more for each other user who signs in within it; returns the
    exit status. Raises what a bug in the app has raised."""
    while True:
        gc.disable()  # while things load; enabled again when the engine is looked for
        app = HoldfastApp(start)
        app.run()
        gc.enable()
        if (error := app._exception) is not None:
            raise error.error if isinstance(error, WorkerFailed) else error
        if not app.left_to:
            return app.return_code or 0
        start = start.left_to(app.left_to)
