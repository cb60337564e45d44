"""Asks for passwords: at a terminal twice and unseen, else the first line of stdin."""

from __future__ import annotations

import sys

import typer

from holdfast.cli.hidden import ask_password


def read_password(question: str = "Password") -> str:
    """Returns a password that is to be one from now on. Raises `typer.BadParameter` where the second does not
    repeat the first."""
    if not sys.stdin.isatty():
        return _line()
    first = ask_password(f"{question}: ")
    if ask_password(f"{question}, once more: ") != first:
        raise typer.BadParameter("The two were not the same; nothing was changed.")
    return first


def read_known_password(question: str) -> str:
    """Returns a password that is one already."""
    return ask_password(f"{question}: ") if sys.stdin.isatty() else _line()


def _line() -> str:
    return sys.stdin.readline().rstrip("\r\n")
