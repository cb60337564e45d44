"""The transcript: one column of rows, drawn by lines."""

from __future__ import annotations

from holdfast.tui.widgets.transcript.widget import Transcript, warm

__all__ = ["Transcript", "warm"]
