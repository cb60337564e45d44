"""Runs the script that `run_python` wrote, then saves open figures. A program: nothing imports it, but
`analyse_main.py` runs its script as this does.
"""

from __future__ import annotations

import atexit
import itertools
import linecache
import sys
import traceback
import types
import warnings
from pathlib import Path

_NAME = "script.py"


def _run(script: Path, names: dict[str, object] | None = None) -> None:
    """Runs the script, which knows `names` without an import."""
    source = script.read_text(encoding="utf-8")
    main = types.ModuleType("__main__")
    main.__file__ = str(script)
    main.__dict__.update(names or {})
    sys.modules["__main__"] = main
    sys.argv = [_NAME]
    sys.excepthook = _print_error
    atexit.register(_save_figures)
    warnings.filterwarnings("ignore", message=".*FigureCanvasAgg is non-interactive.*")
    linecache.cache[_NAME] = (len(source), None, source.splitlines(keepends=True), _NAME)
    exec(compile(source, _NAME, "exec"), main.__dict__)


def _print_error(kind: type[BaseException], error: BaseException, trace: types.TracebackType | None) -> None:
    """Prints a traceback that begins in the program, not in this file."""
    while trace is not None and trace.tb_frame.f_code.co_filename != _NAME:
        trace = trace.tb_next
    traceback.print_exception(kind, error, trace)


def _save_figures() -> None:
    plots = sys.modules.get("matplotlib.pyplot")
    if plots is None:
        return
    free = (path for n in itertools.count(1) if not (path := Path(f"figure-{n}.png")).exists())
    for number in plots.get_fignums():
        path = next(free)
        plots.figure(number).savefig(path, format="png")
        print(f"[figure saved as {path}]")


if __name__ == "__main__":
    _run(Path(sys.argv[1]))
