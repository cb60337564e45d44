"""What `holdfast --version` and `holdfast --help` cost, as ratios to bare programs of the same run."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Any

ROUNDS = 15

_TYPER = """
import typer
app = typer.Typer({settings})
@app.command()
def first(name: str): print(name)
@app.command()
def second(name: str): print(name)
app()
"""
_HOLDFAST = "import sys; from holdfast.cli.main import main; sys.exit(main())"

PROGRAMS = {
    "python -c pass": ["-c", "pass"],
    "bare Typer program --help": ["-c", _TYPER.format(settings=""), "--help"],
    "bare Typer program without Rich --help": [
        "-c",
        _TYPER.format(settings="rich_markup_mode=None"),
        "--help",
    ],
    "holdfast --version": ["-c", _HOLDFAST, "--version"],
    "holdfast --help": ["-c", _HOLDFAST, "--help"],
}
GOALS = [
    ("holdfast --version", "python -c pass", 4.0),
    ("holdfast --help", "bare Typer program --help", 1.3),
    ("holdfast --help", "bare Typer program without Rich --help", 1.3),
]


def run() -> list[dict[str, Any]]:
    """Returns a row for each goal; times are medians in milliseconds, the programs taken in turns."""
    times = {name: [_once(arguments)] for name, arguments in PROGRAMS.items()}  # the first one warms up
    for _ in range(ROUNDS):
        for name, arguments in PROGRAMS.items():
            times[name].append(_once(arguments))
    medians = {name: statistics.median(taken[1:]) for name, taken in times.items()}
    return [_row(name, reference, goal, medians) for name, reference, goal in GOALS]


def _once(arguments: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - started) * 1000


def _row(name: str, reference: str, goal: float, medians: dict[str, float]) -> dict[str, Any]:
    ratio = medians[name] / medians[reference]
    return {
        "name": f"{name} / {reference}",
        "value": round(medians[name], 1),
        "unit": "ms",
        "reference": round(medians[reference], 1),
        "ratio": round(ratio, 2),
        "goal": goal,
        "ok": ratio <= goal,
    }


if __name__ == "__main__":
    for row in run():
        print(row)
