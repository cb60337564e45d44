"""MCP servers on the whole screen."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import ClassVar

from textual.binding import BindingType

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.servers import footer, headline, note_lines, server_detail, server_rows
from holdfast.tui.presenters.spans import Line
from holdfast.tui.screens.listed import Keys, ListedScreen, Rows

REFRESH_S = 2.0
"""So often it is asked how the servers are: they start and fail by themselves."""


class ServersScreen(ListedScreen):
    """Shows the servers as they are now; what a person wants done goes to the controller."""

    PART = "servers"
    PLACE = "mcp"
    CHOOSE = "read"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("mcp")]

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(REFRESH_S, self._refresh_servers)

    def _refresh_servers(self) -> None:
        if self.app.desk is not None and self.app.screen is self and self.app.desk.context.connected:
            self.app.work(self.app.desk.servers.watch, "mcp")

    def headline(self, model: Model) -> Line:
        return headline(model.servers, len(model.inbox), model.header.engine)

    def rows(self, model: Model, width: int, now: datetime) -> Rows:
        return server_rows(model.servers, self.words, width)

    def detail(self, model: Model, current: str | None, width: int, now: datetime) -> list[Line]:
        return server_detail(model.servers, current, width, now)

    def notes(self, model: Model, *, some: bool) -> list[Line]:
        return note_lines(model.servers, some=some)

    def footer(self, model: Model, current: str | None, *, typing: bool) -> Keys:
        return footer(model.servers.server(current), typing=typing)

    def wanted(self, model: Model) -> str:
        wanted, model.servers.wanted = model.servers.wanted, ""
        return wanted

    def look_at(self, current: str) -> None:
        if current and self.app.desk is not None:
            self.app.work(partial(self.app.desk.servers.look_at, current), "mcp.look")
