"""What a person sees of an error: one line that says what to do; of a bug: a reference into a log file."""

from __future__ import annotations

import os
import secrets
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from holdfast import __version__
from holdfast.cli.doors import doors
from holdfast.cli.output import advise, warn
from holdfast.core.domain.errors import AgentFileError, ErrorKind, HoldfastError, InvalidError

FAILED = 1
USAGE = 2

_NEXT_STEPS = {
    ErrorKind.UNAVAILABLE: "`holdfast doctor` looks for the cause; `holdfast engine logs` shows the log",
    ErrorKind.INTERNAL: "`holdfast engine logs` shows the log",
}


def report(error: Exception) -> int:
    """Prints an expected error to stderr and returns the exit status. Raises what is no expected error."""
    match error:
        case AgentFileError():
            warn("holdfast: the agent file is not valid:")
            for diagnostic in error.diagnostics:
                warn(str(diagnostic))
        case HoldfastError():
            advise(f"holdfast: {error.message}")
            if error.kind in _NEXT_STEPS and not _is_elsewhere(error):
                advise(f"  {_NEXT_STEPS[error.kind]}")
        case OSError(filename=str() | bytes() as name):
            warn(f"holdfast: {os.fsdecode(name)}: {error.strerror or error}")
        case _:
            raise error
    return USAGE if isinstance(error, InvalidError) else FAILED


def _is_elsewhere(error: HoldfastError) -> bool:
    """Says whether an engine is meant whose log and files are on another machine."""
    return "://" in str(error.details.get("address", ""))


def report_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Writes the traceback to a log file and prints one line with a reference to it."""
    reference = secrets.token_hex(4)
    text = "".join(traceback.format_exception(kind, error, trace))
    log = doors().paths().logs / "cli.log"
    try:
        _append(log, f"{datetime.now(UTC).isoformat()} {reference} holdfast {__version__}\n{text}\n")
    except OSError as unwritable:
        print(text, file=sys.stderr)
        warn(f"holdfast: that was a bug in Holdfast; its log could not be written ({unwritable})")
        return
    warn(f"holdfast: that was a bug in Holdfast ({kind.__name__}), reference {reference}; see {log}")


def _append(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(text)
