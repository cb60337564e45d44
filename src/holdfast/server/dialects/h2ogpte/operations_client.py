"""What h2oGPTe's own Python client asks beside the REST API: who it is, its uploads, its WebSocket."""

from __future__ import annotations

import re

from holdfast import __version__
from holdfast.core.domain.errors import UnsupportedError
from holdfast.server.dialects.h2ogpte.wire_client import Meta
from holdfast.server.kit.auth import principal_of
from holdfast.server.kit.operations import Call, Operation

VERSION = "1.7.5"
"""Of the client that this was made for."""

_VERSION = re.compile(r"\d{1,4}(\.\d{1,4}){1,3}[\w.-]{0,20}", re.ASCII)


async def meta(call: Call) -> Meta:
    """Says who asks, and what the server is: the version that the client has, so that it has nothing to warn
    of."""
    said = call.request.headers.get("x-client-version", "")
    principal = principal_of(call.request)
    return Meta(
        version=f"v{said if _VERSION.fullmatch(said) else VERSION}",
        build=f"holdfast-{__version__}",
        username=principal.name,
        user_id=principal.user_id,
        subject=principal.user_id,
        email=principal.name,
    )


async def no_remote_calls(call: Call) -> None:
    """Refuses the remote calls of old clients, for most of which the REST API has another way."""
    raise UnsupportedError("These remote calls are not offered; the REST API is.", code="no_remote_calls")


OPERATIONS = (
    Operation("rpc_meta", "GET", "/rpc/meta", meta, result=Meta),
    Operation("rpc_db", "POST", "/rpc/db", no_remote_calls),
    Operation("rpc_job", "POST", "/rpc/job", no_remote_calls),
)
