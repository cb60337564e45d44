"""Routes whose parameters may hold slashes, written as `%2F`, and that take a slash at the end of a path."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from starlette.routing import Match, Route
from starlette.types import Scope

_SLASH = "\x1f"
"""Stands for a slash within a parameter while the path is matched: a control character."""


class LooseRoute(Route):
    """A route of an API whose clients write ids with slashes into paths."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http":
            return Match.NONE, {}
        match, child = super().matches({**scope, "path": _told_apart(scope)})
        if match is not Match.NONE:
            given: dict[str, Any] = child["path_params"]
            child["path_params"] = {name: _whole(value) for name, value in given.items()}
        return match, child


def _told_apart(scope: Scope) -> str:
    """Returns the path of a request, in which slashes within parameters are not slashes."""
    raw = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    path = unquote(raw.replace("%2f", "%1f").replace("%2F", "%1f"))
    return path.rstrip("/") or "/"


def _whole(value: Any) -> Any:
    return value.replace(_SLASH, "/") if isinstance(value, str) else value
