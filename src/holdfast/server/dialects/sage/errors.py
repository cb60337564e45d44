"""Errors as Sage's clients read them.

The status of what a service refuses is 500, with the text in an envelope, which its web pages show to people.
What a role forbids, and a little more, is 200 with a `code` inside. Mistakes in a request are told as FastAPI
does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_json
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from holdfast.core.domain.errors import STATUS, ErrorInfo, ErrorKind, InvalidError
from holdfast.core.domain.text import shorten
from holdfast.server.dialects.sage.mapping_oauth import OAUTH, refused_by
from holdfast.server.dialects.sage.wire import PREFIX, Query
from holdfast.server.dialects.sage.words import WORDS, Locale, locale_of, worded
from holdfast.server.kit.errors import Render, headers_of, plain_message
from holdfast.server.kit.mistakes import mistakes_in

_SAID = "sage_said"
_VALUES = "sage_values"
_CODE = "sage_code"
_STATUS = "sage_status"
_DETAIL = "sage_detail"
_LONGEST_FIELD = 200


def failure(
    said: str, code: int = 500, *, status: int | None = None, detail: str = "", **values: object
) -> InvalidError:
    """Returns the error that says the text of this name of `words.WORDS`. `code` is what stands in the
    envelope, and the status where no other one is given; `detail` is what went wrong, in other words."""
    details = {_SAID: said, _VALUES: values, _CODE: code, _STATUS: status or code}
    return InvalidError(detail or worded(said, "en", values), code="sage_own", details=details)


def said_by(error: InvalidError, locale: Locale) -> str:
    """Returns what an error that `failure` has made says to people."""
    return worded(str(error.details[_SAID]), locale, error.details[_VALUES])


def refuse(error: ValidationError, kind: Any) -> InvalidError:
    """Returns the error that tells of mistakes in the body, or in the query."""
    place = "query" if isinstance(kind, type) and issubclass(kind, Query) else "body"
    detail = [
        {
            "type": one["type"],
            "loc": [
                place,
                *(shorten(part, _LONGEST_FIELD) if isinstance(part, str) else part for part in one["loc"]),
            ],
            "msg": one["msg"],
        }
        for one in mistakes_in(error)
    ]
    return InvalidError(str(detail[0]["msg"]), code="invalid_request", details={_DETAIL: detail})


def absent(field: str) -> InvalidError:
    """Returns the error that tells of a part of a form that is not there."""
    detail = [{"type": "missing", "loc": ["body", field], "msg": "Field required"}]
    return InvalidError(f"{field}: Field required", code="invalid_request", details={_DETAIL: detail})


def render_at(scope: Scope) -> Render:
    """Returns what makes the response of an error to a request."""
    if any(scope["path"].startswith(f"{PREFIX}{place}/") for place in (OAUTH, f"/api{OAUTH}")):
        return _by_oauth
    return partial(_response, locale_of(Headers(scope=scope)))


def told(info: ErrorInfo, locale: Locale) -> tuple[int, str]:
    """Returns the status of an error on a page, and its text for people."""
    _, body = _enveloped(info, locale, None)
    status = int(info.details[_STATUS]) if info.code == "sage_own" else STATUS[info.kind]
    return status, str(body["message"])


def _by_oauth(
    info: ErrorInfo, request_id: str, *, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    return refused_by(info, status, headers_of(info, headers))


def _response(
    locale: Locale,
    info: ErrorInfo,
    request_id: str,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    if (detail := _detail(info, status)) is not None:
        code, body = detail
    else:
        code, body = _enveloped(info, locale, status)
    return Response(to_json(body), code, headers_of(info, headers), media_type="application/json")


def _detail(info: ErrorInfo, status: int | None) -> tuple[int, dict[str, Any]] | None:
    """Returns what FastAPI itself would answer, where it is that which refuses."""
    if status is not None and status in _ROUTING:
        return status, {"detail": _ROUTING[status]}
    if info.code == "invalid_json":
        mistake = {"type": "json_invalid", "loc": ["body", 0], "msg": "JSON decode error"}
        return 422, {"detail": [mistake]}
    if info.code == "invalid_form":
        return 422, {"detail": [{"type": "value_error", "loc": ["body"], "msg": info.message}]}
    if info.code == "invalid_request":
        found = info.details.get(_DETAIL)
        if found is None:
            fields = info.details.get("fields") or [{"message": info.message}]
            found = [
                {
                    "type": "value_error",
                    "loc": ["body", *([one["field"]] if "field" in one else [])],
                    "msg": one["message"],
                }
                for one in fields
            ]
        return 422, {"detail": found}
    return None


_ROUTING = {404: "Not Found", 405: "Method Not Allowed"}


def _enveloped(info: ErrorInfo, locale: Locale, status: int | None) -> tuple[int, dict[str, Any]]:
    if info.code == "sage_own":
        said, values = str(info.details[_SAID]), info.details[_VALUES]
        code, status = int(info.details[_CODE]), int(info.details[_STATUS])
        return status, _body(code, worded(said, locale, values), info.message)
    if info.kind is ErrorKind.UNAUTHENTICATED:
        said = "unauthorized" if info.code == "key_missing" else "invalid_token"
        said = "session_expired" if info.code in ("key_expired", "key_revoked") else said
        return 401, _body(401, worded(said, locale), _UNAUTHENTICATED.get(info.code, info.message))
    if info.code == "admin_only":
        return 200, _body(403, worded("permission_denied", locale), info.message)
    code = status or (500 if info.kind in _BUSINESS else STATUS[info.kind])
    known = f"core.{info.code}"
    said = worded(known, locale) if known in WORDS else plain_message(info)
    if info.kind is ErrorKind.INTERNAL:
        return 500, _body(500, worded("internal", locale), info.message)
    return code, _body(code, said, plain_message(info))


_BUSINESS = (ErrorKind.NOT_FOUND, ErrorKind.FORBIDDEN, ErrorKind.CONFLICT, ErrorKind.INVALID)
"""What a service refuses: 500 in Sage, whose pages show the text of no other status."""
_UNAUTHENTICATED = {"key_missing": "missing auth session"}


def _body(code: int, message: str, detail: str) -> dict[str, Any]:
    return {
        "success": False,
        "code": code,
        "message": message,
        "data": None,
        "error_detail": detail,
        "timestamp": time.time(),
    }
