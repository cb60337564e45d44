"""Screens beside the main one that show parts of the model, and are drawn with it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

if TYPE_CHECKING:
    from holdfast.tui.presenters.model import Model


class ModelScreen(Screen[None]):
    """A screen that is told, like the panes, which parts of the model have changed."""

    def draw(self, parts: set[str], model: Model, now: datetime) -> None:
        """Draws `parts`; those that it does not show are none of its business."""
        raise NotImplementedError

    async def may_leave(self) -> bool:
        """Says whether nothing is lost when it is closed; may ask the person."""
        return True

    @property
    def is_there(self) -> bool:
        """Whether it has all its parts: it is mounted, and neither it nor the app is on the way out."""
        return is_there(self)


def is_there(screen: Screen[Any]) -> bool:
    """Says whether a screen has all its parts; see `ModelScreen.is_there`."""
    leaving = screen._closing or screen._pruning or screen.app._exit
    return screen.is_mounted and screen.is_attached and not leaving
