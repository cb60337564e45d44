"""A2A under `/a2a`. The SDK is imported at the first request."""

from __future__ import annotations

import importlib
import logging

from holdfast.server.kit.compose import Api, LateApi
from holdfast.server.kit.operations import Door

PREFIX = "/a2a"
NAME = "a2a"


def a2a_api(door: Door, *, log: logging.Logger) -> Api:
    """Returns the API at `PREFIX`."""

    def made() -> Api:
        routes = importlib.import_module("holdfast.server.a2a.routes")
        found: Api = routes.made_api(NAME, PREFIX, door, log)
        return found

    return LateApi(NAME, PREFIX, made)
