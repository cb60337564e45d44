"""Holdfast: the terminal workbench for agents."""

__version__ = "0.1.0"
