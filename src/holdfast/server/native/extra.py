"""Routes of the native API that are no methods of the workbench: probes, version, metrics, document."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.domain.identity import Role, Scope
from holdfast.core.services.needs import Needs
from holdfast.server.native.operation import PREFIX
from holdfast.server.native.swagger import DOCS_PATH


@dataclass(frozen=True, slots=True)
class ExtraRoute:
    """A `GET` beside the table of operations."""

    name: str
    path: str
    """The whole one."""
    summary: str
    media_type: str = "application/json"
    needs: Needs | None = None
    """What the caller must be allowed to; None: it needs no key."""
    statuses: tuple[int, ...] = (200,)


LIVE = ExtraRoute(
    "health.live", f"{PREFIX}/health/live", 'Answers `{"status":"live"}` as soon as the process is there.'
)
READY = ExtraRoute(
    "health.ready",
    f"{PREFIX}/health/ready",
    'Answers `{"status":"ready"}` when the database answers, else 503.',
    statuses=(200, 503),
)
VERSION = ExtraRoute("version", f"{PREFIX}/version", "Returns the versions of the engine and of this API.")
METRICS = ExtraRoute(
    "metrics",
    f"{PREFIX}/metrics",
    "Returns numbers about the engine, its runs and its requests, in the text format of Prometheus.",
    media_type="text/plain; version=0.0.4; charset=utf-8",
    needs=Needs(Scope.READ, Role.ADMIN),
)
OPENAPI = ExtraRoute("openapi", f"{PREFIX}/openapi.json", "Returns this document.")
DOCS = ExtraRoute(
    "docs", DOCS_PATH, "Shows this document in a browser, with Swagger UI.", media_type="text/html"
)
EXTRA_ROUTES = (LIVE, READY, VERSION, METRICS, OPENAPI, DOCS)
"""All of them, but for the files that the page of `DOCS` loads."""
