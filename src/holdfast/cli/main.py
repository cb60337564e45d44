"""The console script. It imports next to nothing: what a command needs, it imports when it runs."""

from __future__ import annotations

import io
import os
import sys
from types import TracebackType

from holdfast import __version__

_TUI_OPTIONS = ("--session", "--agent", "--model")


def main(argv: list[str] | None = None) -> int:
    """Runs `holdfast` with `argv` (default: the process's arguments) and returns the exit status.

    0 done, 1 failed, 2 wrong usage or an invalid agent file, 3 an approval or a question waits and
    nobody can be asked, 130 interrupted.
    """
    args = sys.argv[1:] if argv is None else argv
    if args in (["--version"], ["-V"]):
        print(f"holdfast {__version__}")
        return 0
    sys.excepthook = _on_bug
    _never_fail_to_print()
    try:
        status = _dispatch(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _silence_stdout()
        return 1
    # An `except` expression is evaluated only when something was raised: no pydantic until then.
    except _expected_errors() as error:
        from holdfast.cli.failures import report

        return report(error)
    return status


def tui_options(args: list[str]) -> dict[str, str | bool] | None:
    """Returns the keyword arguments of `run_tui` that `args` asks for; None when Typer must look at them."""
    options: dict[str, str | bool] = {}
    rest = iter(args)
    for arg in rest:
        if arg == "--in-process":
            options["in_process"] = True
            continue
        name, equals, value = arg.partition("=")
        if name not in _TUI_OPTIONS:
            return None
        if not equals:
            value = next(rest, "")
        if not value or value.startswith("-"):
            return None
        options[name[2:]] = value
    return options


def _dispatch(args: list[str]) -> int:
    completing = "_HOLDFAST_COMPLETE" in os.environ  # a shell asks for completions, with no arguments
    options = None if completing else tui_options(args)
    if options is None:
        from holdfast.cli.app import run_app

        return run_app(args)
    from holdfast.cli.opening import open_tui

    return open_tui(options)


def _expected_errors() -> tuple[type[Exception], ...]:
    from holdfast.core.domain.errors import HoldfastError

    return (HoldfastError, OSError)


def _never_fail_to_print() -> None:
    """Characters that the terminal's encoding lacks are written as escapes, lone surrogates too."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _silence_stdout() -> None:
    """The reader has gone; what is still buffered must not raise again when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _on_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    from holdfast.cli.failures import report_bug

    report_bug(kind, error, trace)
