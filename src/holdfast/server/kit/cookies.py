"""Cookies, as they can be relied on."""

from __future__ import annotations

from starlette.datastructures import Headers


def cookie_of(headers: Headers, name: str) -> str:
    """Returns the cookie of this name; empty where a request has none, or several: a page of a neighbouring
    host can set one beside ours, which would sign people in as somebody else.

    What else a browser keeps does not count, whatever it looks like: other programs of a host share it.
    """
    pairs = (each.partition("=") for line in headers.getlist("cookie") for each in line.split(";"))
    found = [value.strip().strip('"') for key, _, value in pairs if key.strip() == name]
    return found[0] if len(found) == 1 else ""
