"""Where GenLabs' clients put their keys: in `Authorization` without `Bearer`, or in the body."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import Headers

from holdfast.server.kit.auth import shown_secret


def secret_of(headers: Headers) -> str:
    """Returns the key of `Authorization: KEY`; `Bearer` before it is allowed too."""
    given = headers.getlist("authorization")
    bare = given[0].strip() if len(given) == 1 and " " not in given[0].strip() else ""
    return shown_secret(headers) or bare


def login_or_key(body: Any) -> tuple[str, ...]:
    """Returns what counts of a body's `session_id` and `api_key`: the login if there is one, else the key."""
    return both(body)[:1]


def both(body: Any) -> tuple[str, ...]:
    """Returns a body's `session_id` and `api_key`, of which the first that lets in counts. One that is no
    text is there as well, and lets nobody in."""
    given = body if isinstance(body, dict) else {}
    found = (given.get("session_id"), given.get("api_key"))
    return tuple(one if isinstance(one, str) else "" for one in found if one)
