"""The envelope around what handlers answer."""

from __future__ import annotations

import time
from typing import TypeVar

from holdfast.server.dialects.sage.wire import Envelope
from holdfast.server.dialects.sage.words import locale_of, worded
from holdfast.server.kit.operations import Call

T = TypeVar("T")


def ok(call: Call, data: T, said: str = "", **values: object) -> Envelope[T]:
    """Returns the answer to a call that went well. `said` names a text of `words.WORDS`, `values` are put
    into it."""
    return {
        "success": True,
        "code": 200,
        "message": worded(said, locale_of(call.request.headers), values),
        "data": data,
        "error_detail": None,
        "timestamp": time.time(),
    }
