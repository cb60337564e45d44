"""Operations of Sage's API: what the server says of itself."""

from __future__ import annotations

import time

from holdfast.server.dialects.sage.answering import ok
from holdfast.server.dialects.sage.mapping_accounts import system_info
from holdfast.server.dialects.sage.wire import Envelope, Nothing
from holdfast.server.dialects.sage.wire_accounts import Health, SystemInfo, SystemSettings
from holdfast.server.dialects.sage.words import locale_of
from holdfast.server.kit.operations import Call, Operation

REGISTRATION = "accounts.registration"


async def info(call: Call) -> Envelope[SystemInfo]:
    """Tells how people can sign in."""
    ways = await call.workbench.accounts.ways()
    return ok(call, system_info(ways, locale_of(call.request.headers)), "system_read")


async def update_settings(call: Call) -> Envelope[Nothing]:
    """Says whether people may make accounts themselves."""
    await call.workbench.engine.set_setting(REGISTRATION, call.body.allow_registration)
    return ok(call, Nothing(), "settings_updated")


async def health(call: Call) -> Envelope[Health]:
    """Says that the server is there."""
    said = Health(status="healthy", timestamp=time.time(), service="SagePlatform")
    return ok(call, said, "healthy")


async def active(call: Call) -> str:
    """Says that the server is there, to who only wants that."""
    return "Service is available."


OPERATIONS: tuple[Operation, ...] = (
    Operation("system_info", "GET", "/api/system/info", info, result=Envelope[SystemInfo], public=True),
    Operation(
        "update_system_settings",
        "POST",
        "/api/system/update_settings",
        update_settings,
        body=SystemSettings,
        result=Envelope[Nothing],
    ),
    Operation("health", "GET", "/api/health", health, result=Envelope[Health], public=True),
    Operation("health_alias", "GET", "/health", health, result=Envelope[Health], public=True),
    Operation("active", "GET", "/active", active, result=str, public=True),
)
