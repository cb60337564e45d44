"""The Textual app that launch and idling are compared with: one field, and nothing else."""

from __future__ import annotations

BARE = """
import gc
from textual.app import App
from textual.widgets import Input
class Bare(App):
    def compose(self):
        yield Input()
Bare().run()
"""
