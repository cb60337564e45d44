"""One place for what libraries raise over a document that is not as its format wants it."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from xml.parsers.expat import ExpatError

from holdfast.core.domain.errors import HoldfastError, InvalidError
from holdfast.core.domain.text import sanitize_line, shorten

_RAISED: tuple[type[Exception], ...] = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, TypeError, ValueError),
    *(NotImplementedError, SyntaxError),  # lxml's errors of syntax are of the latter
    *(struct.error, zlib.error, zipfile.BadZipFile, ExpatError),
)
"""What readers raise when they trust a document too far. Anything else is a fault of ours, and ends the
parser."""


@contextmanager
def reading(name: str, *more: type[Exception]) -> Iterator[None]:
    """Makes a `HoldfastError` (`document_broken`) of what a library raises; `more` are errors of its own."""
    try:
        yield
    except HoldfastError:
        raise
    except _RAISED + more as error:
        raise broken(name, f"{type(error).__name__}: {error}") from error


def broken(name: str, reason: str) -> InvalidError:
    """Returns the error for a damaged document."""
    return InvalidError(
        f"{name} is damaged, or not of the kind that it seems to be: open it in the program that made it and "
        "save it anew",
        code="document_broken",
        details={"reason": shorten(sanitize_line(reason), 300)},
    )


def encrypted(name: str) -> InvalidError:
    """Returns the error for a document that only opens with a password."""
    return InvalidError(
        f"{name} is encrypted: save a copy without the password, and take that in", code="document_encrypted"
    )
