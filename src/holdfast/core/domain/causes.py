"""Why something outside could not be reached: what is behind an error of a library."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator


def behind(error: BaseException | None) -> Iterator[BaseException]:
    """Yields `error` and what is behind it; of several attempts the first."""
    while error is not None:
        yield error
        several = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
        error = several[0] if several else error.__cause__ or error.__context__


def words_of(error: BaseException | None) -> str:
    """Returns the reason as the system says it ("Connection refused"), else as the error does; without a full
    stop at its end."""
    system = (_of_system(each) for each in behind(error) if isinstance(each, OSError) and each.errno)
    return next(system, str(error or "")).rstrip(".")


def _of_system(error: OSError) -> str:
    own = isinstance(error, ssl.SSLError) or (error.errno or 0) < 0  # their numbers are no errno
    return (error.strerror or str(error)) if own else os.strerror(error.errno or 0)
