"""Links that a model wrote, wherever they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp


def follow_link(app: HoldfastApp, url: str) -> None:
    """Opens a link of the web; every other is only named: it may be anything."""
    if url.startswith(("https://", "http://")):
        app.open_url(url)
    else:
        app.main.say(f"This link is not opened: {url}")
