"""What is done to every JSON answer: values of keys that name a secret are left out, and it is made pretty
where a client asks for that."""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import from_json, to_json
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.types import Scope

from holdfast.server.dialects.dexto.wire import PREFIX

REDACTED = "[REDACTED]"
_SECRET = frozenset({"apikey", "api_key", "token", "access_token", "refresh_token", "password", "secret"})
_MAY_HAVE = re.compile(rb'"(?:api_?key|token|access_token|refresh_token|password|secret)"\s*:', re.IGNORECASE)


def finish(request: Request, body: bytes) -> bytes:
    """Returns the JSON of an answer as clients get it. What A2A clients get stays as it is."""
    if not _is_rest(request.scope):
        return body
    pretty = is_pretty(request.scope)
    if not pretty and not _MAY_HAVE.search(body):
        return body
    return to_json(redacted(from_json(body)), indent=2 if pretty else None)


def is_pretty(scope: Scope) -> bool:
    """Says whether a request wants its answer, or its error, to be made pretty."""
    return _is_rest(scope) and "pretty" in QueryParams(scope["query_string"])


def _is_rest(scope: Scope) -> bool:
    path: str = scope["path"]
    return path.startswith(f"{PREFIX}/api/")


def redacted(value: Any) -> Any:
    """Returns a JSON value without the values of keys that name a secret."""
    if isinstance(value, dict):
        return {
            key: REDACTED if key.lower() in _SECRET and each is not None else redacted(each)
            for key, each in value.items()
        }
    return [redacted(each) for each in value] if isinstance(value, list) else value
