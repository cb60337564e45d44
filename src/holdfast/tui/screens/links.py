"""Links that a model wrote, wherever they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.tui.widgets.transcript.inline import FILE_LINK

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp


def follow_link(app: HoldfastApp, url: str) -> None:
    """Opens a link of the web, and previews a file of the session, which a model may name as well as the app;
    every other is only named: it may be anything."""
    if url.startswith(FILE_LINK):
        app.do("preview", url.removeprefix(FILE_LINK))
    elif url.startswith(("https://", "http://")):
        app.open_url(url)
    else:
        app.main.say(f"This link is not opened: {url}")
