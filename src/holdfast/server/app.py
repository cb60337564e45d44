"""The engine's APIs as one ASGI application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from starlette.types import ASGIApp

from holdfast.server.a2a.http import a2a_api
from holdfast.server.dialects.every import dialect_apis
from holdfast.server.kit.compose import Api, Composed
from holdfast.server.kit.meter import Meter, Metered
from holdfast.server.kit.operations import Door
from holdfast.server.mcp.http import mcp_api
from holdfast.server.native.routes import HostSource, native_api
from holdfast.server.openai.routes import openai_api

DEFAULT_ROOT = ("holdfast",)
"""The APIs that also answer without their prefix, when nobody says which."""


def engine_apis(
    host: HostSource, *, log: logging.Logger, closing: asyncio.Event, meter: Meter | None = None
) -> tuple[Api, ...]:
    """Returns every API of the engine; the first one answers what none has."""
    door = Door(host, closing)
    return (
        native_api(host, log=log, closing=closing, meter=meter),
        openai_api(door, log=log),
        mcp_api(host, log=log, closing=closing),
        a2a_api(door, log=log),
        *dialect_apis(door, log=log),
    )


def engine_app(
    host: HostSource,
    *,
    log: logging.Logger,
    closing: asyncio.Event,
    root: Sequence[str] = DEFAULT_ROOT,
    meter: Meter | None = None,
) -> ASGIApp:
    """Returns the application of one door: each API under its prefix, those of `root` at the root too.

    `closing` ends the open streams of the door when set. `meter` counts its requests; all doors of an
    engine share one. Raises `InvalidError` for a `root` that cannot be.
    """
    meter = meter or Meter()
    return Metered(composed_apis(host, log=log, closing=closing, root=root, meter=meter), meter)


def composed_apis(
    host: HostSource, *, log: logging.Logger, closing: asyncio.Event, root: Sequence[str], meter: Meter
) -> Composed:
    """Returns what `engine_app` counts the requests of."""
    return Composed(engine_apis(host, log=log, closing=closing, meter=meter), root)
