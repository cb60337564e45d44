"""The panel of the guided tour, above the message field."""

from __future__ import annotations

from holdfast.tui.widgets.strips import Strip


class TourPanel(Strip):
    """Says what to do next."""

    DEFAULT_CSS = """
    TourPanel { height: auto; padding: 0 1; background: $accent 12%; border-left: thick $accent; }
    .-short TourPanel { max-height: 3; text-wrap: wrap; }
    """
