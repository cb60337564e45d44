"""MCP servers: listed, tested, added, switched off and removed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.mcp import McpServer, McpServerSpec, secrets_of
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.control.base import Context
from holdfast.tui.control.listed import ListedControl
from holdfast.tui.presenters.choices import kind_choices
from holdfast.tui.presenters.figures import counted
from holdfast.tui.presenters.server_form import server_form, server_values
from holdfast.tui.presenters.servers import (
    ServersState,
    ServerView,
    Transport,
    server_detail,
    server_view,
    tool_rows,
)

if TYPE_CHECKING:
    from holdfast.tui.control.desk import Action
    from holdfast.tui.screens.modelled import ModelScreen

KINDS: tuple[tuple[Transport, str, str], ...] = (
    (
        "program",
        "A program on the engine's machine",
        "It is started there, and speaks over stdin and stdout.",
    ),
    ("http", "An address", "Streamable HTTP: what servers on the web speak today."),
    ("sse", "An address, older way", "HTTP with server-sent events, for servers that are not newer."),
)


class ServersControl(ListedControl[ServersState]):
    """What a person does with MCP servers. Nothing is asked for before somebody looks."""

    PARTS = ("servers",)

    def __init__(self, context: Context) -> None:
        super().__init__(context, context.model.servers)
        self._current = ""
        self._drawn: tuple[object, ...] = ()
        """What was drawn by `watch` last."""
        self.actions: dict[str, Action] = {
            "mcp": self.show,
            "mcp.new": self.new,
            "mcp.test": self.test,
            "mcp.enable": self.enable,
            "mcp.secret": self.secret,
            "mcp.remove": self.remove,
            "mcp.read": self.read,
        }

    # --- what is shown

    def _screen(self) -> type[ModelScreen]:
        from holdfast.tui.screens.servers import ServersScreen  # start-up time: when it is opened

        return ServersScreen

    async def _read(self) -> None:
        """Reads how the servers are."""
        state = self._state
        state.servers = [_view(one) for one in await self._context.workbench.mcp.list()]
        state.error = ""
        known = {one.name for one in state.servers}
        state.whole = {name: one for name, one in state.whole.items() if name in known}
        if state.server(self._current) is None:
            self._current = next((one.name for one in state.servers), "")
        await self._read_whole(self._current)

    async def watch(self) -> None:
        """Reads again how the servers are. Draws only what has changed, or how long they run now: a screen
        above another one is drawn whole each time."""
        await self._try_to_read()
        state, minute = self._state, self._context.app.start.now().replace(second=0, microsecond=0)
        seen = (state.servers, dict(state.whole), dict(state.tools), state.error, minute)
        if seen != self._drawn:
            self._drawn = seen
            self.mark()

    async def look_at(self, name: str) -> None:
        """Reads the whole of a server, with the end of its log."""
        self._current = name
        await self._read_whole(name)
        self.mark()

    async def _read_whole(self, name: str) -> None:
        one = self._state.server(name)
        if one is None:
            return
        mcp = self._context.workbench.mcp
        try:
            self._state.whole[name] = _view(await mcp.get(name))
            if one.tools is not None and one.state not in ("disabled", "failed"):
                self._state.tools[name] = tool_rows(name, await mcp.tools(name))
        except HoldfastError as error:  # gone meanwhile, or ended: the next look says how it is
            self._state.whole.pop(name, None)
            self._state.tools.pop(name, None)
            if one.state == "ready":
                self._state.error = sanitize_line(error.message)

    async def read(self, name: str) -> None:
        """Shows all that is known of a server on the whole screen."""
        await self.look_at(name)
        now = self._context.app.start.now()
        lines = server_detail(self._state, name, 100, now)
        if lines:
            self._context.app.dialogs.show_lines(name, "MCP server", lines[1:])

    # --- what is done

    async def test(self, name: str) -> None:
        """Starts a server anew, and says how it went."""
        if self._state.server(name) is None or name in self._state.testing:
            return
        self._state.testing.add(name)
        self.mark()
        try:
            found = _view(await self._context.workbench.mcp.test(name))
        finally:
            self._state.testing.discard(name)
            await self.reload()
        view = self._context.view
        if found.state == "ready":
            view.say(f"{name} runs, with {counted(found.tools or 0, 'tool')}.")
        else:
            view.say_error(f"{name}: {found.reason or 'it did not start'}")

    async def enable(self, name: str) -> None:
        """Lets agents have the tools of a server, or no longer."""
        one = self._state.server(name)
        if one is None:
            return
        await self._context.workbench.mcp.enable(name, one.state == "disabled")
        self._state.tools.pop(name, None)
        await self.reload()

    async def remove(self, name: str) -> None:
        """Removes a server, after a question: it is in no trash."""
        if self._state.server(name) is None:
            return
        question = f"Remove the MCP server {name}, with its secrets and its log? Agents lose its tools."
        if await self._context.app.dialogs.confirm(question, "remove it"):
            await self._context.workbench.mcp.remove(name)
            await self.reload()

    async def secret(self, name: str) -> None:
        """Asks for a secret that a server refers to, and keeps it."""
        one = self._state.whole.get(name)
        if one is None or not one.secrets:
            self._context.view.say("It refers to no secret: ${secret:NAME} in a header or variable does.")
            return
        wanted: str | None = one.secrets[0]
        if len(one.secrets) > 1:
            wanted = await self._context.app.dialogs.choose_word("Which secret?", one.secrets)
        if wanted is not None:
            await self._ask_secret(name, wanted)
            await self.reload()

    async def _ask_secret(self, name: str, secret: str) -> bool:
        """Says whether it was given."""
        question = f"{secret}, a secret of {name}: it is kept where keys are kept"
        value = await self._context.app.dialogs.ask_hidden(question)
        if value:
            await self._context.workbench.mcp.set_secret(name, secret, value)
        return bool(value)

    async def new(self, _: str = "") -> None:
        """Adds a server by a form, asks for its secrets, and tests it."""
        dialogs = self._context.app.dialogs
        chosen = await dialogs.choose("Where is the MCP server?", kind_choices(KINDS))
        if chosen is None:
            return
        transport = cast("Transport", chosen)
        spec: list[McpServerSpec] = []
        form = server_form(transport)
        if await dialogs.form("Add an MCP server", form, "add it", partial(self._add, transport, spec)):
            await self._added(spec[-1])

    async def _add(
        self, transport: Transport, made: list[McpServerSpec], filled: dict[str, Any]
    ) -> dict[str, str] | None:
        values, wrong = server_values(transport, filled)
        if wrong:
            return wrong
        try:
            spec = McpServerSpec.model_validate(values)
        except ValidationError as error:
            known = {"name", "command", "url", "env", "headers", "cwd", "timeout_s"}
            return {
                str(one["loc"][0]) if one["loc"] and one["loc"][0] in known else "name": _said(one)
                for one in error.errors()
            }
        await self._context.workbench.mcp.add(spec)
        made.append(spec)
        return None

    async def _added(self, spec: McpServerSpec) -> None:
        await self.show()
        given = [await self._ask_secret(spec.name, each) for each in secrets_of(spec)]
        await self.reload()
        self._state.wanted = spec.name
        self.mark()
        if all(given):
            await self.test(spec.name)


def _view(server: McpServer) -> ServerView:
    return server_view(server, secrets_of(server.spec))


def _said(error: Any) -> str:
    if error["type"] == "string_pattern_mismatch":
        return "Small letters and digits, with - or _ between them."
    return sanitize_line(str(error["msg"]))
