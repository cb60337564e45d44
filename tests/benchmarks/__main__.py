"""Runs the benchmarks: `python -m tests.benchmarks [NAME…] [--json FILE]`.

Every `bench_*.py` beside this file has `run() -> list[dict]`: rows with `name`, `value`, `unit`, and where
there is one a `reference` measured in the same run, the `ratio` to it, the `goal` and whether it is met
(`ok`). Rows without a goal are reported only. `docs/performance.md` holds the latest table.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="parts of benchmark names; all when none is given")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    options = parser.parse_args()
    sys.path.insert(0, str(HERE))
    rows: list[dict[str, Any]] = []
    for path in sorted(HERE.glob("bench_*.py")):
        if options.names and not any(name in path.stem for name in options.names):
            continue
        print(f"{path.stem} …", file=sys.stderr, flush=True)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module  # dataclasses look there
        spec.loader.exec_module(module)
        rows.extend(module.run())
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}\n")
    print(table(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


def table(rows: list[dict[str, Any]]) -> str:
    """Returns the rows as a Markdown table."""
    lines = ["| measure | value | reference | ratio | goal | met |", "|---|---|---|---|---|---|"]
    for row in rows:
        met = "" if row.get("ok") is None else ("yes" if row["ok"] else "**no**")
        cells = (
            row["name"],
            f"{_number(row['value'])} {row['unit']}",
            _number(row.get("reference")),
            _number(row.get("ratio")),
            row.get("goal") or "",
            met,
        )
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


if __name__ == "__main__":
    sys.exit(main())
