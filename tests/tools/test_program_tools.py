import asyncio
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.tools.shorten import shorten_output

FIGURES = """
import sys, types
plots = types.ModuleType("matplotlib.pyplot")
class Figure:
    def savefig(self, path, format):
        open(path, "wb").write(b"png")
plots.get_fignums = lambda: [1, 2]
plots.figure = lambda number: Figure()
sys.modules["matplotlib.pyplot"] = plots
"""


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_a_command_runs_in_the_workspace_and_says_how_it_ended(bench: Any, text: Any) -> None:
    output = await bench.run("run_command", {"command": "pwd; echo made > f; ls missing 2>/dev/null; exit 3"})
    assert text(output) == f"{bench.workspace.root}\n[exit code 3]"
    assert output.is_error
    block = output.display[0]
    assert (block.exit_code, block.cwd, block.output) == (
        3,
        str(bench.workspace.root),
        f"{bench.workspace.root}\n",
    )
    assert "".join(bench.progress) == block.output
    assert bench.workspace.read("f") == b"made\n"
    fine = await bench.run("run_command", {"command": "true"})
    assert (text(fine), fine.is_error) == ("[exit code 0]", False)


async def test_a_command_is_shown_before_it_runs(bench: Any) -> None:
    preview = await bench.preview("run_command", {"command": "touch f"})
    assert (preview.blocks[0].command, preview.blocks[0].cwd) == ("touch f", str(bench.workspace.root))
    assert preview.fingerprint == ""
    assert not (bench.workspace.root / "f").exists()
    assert bench.subjects("run_command", {"command": "a; b"}) == ("a; b", "a", "b")


async def test_programs_get_no_keys(bench: Any, text: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-process")
    shell = text(await bench.run("run_command", {"command": "env"}))
    python = text(await bench.run("run_python", {"code": "import os; print(dict(os.environ))"}))
    assert "PATH" in shell
    assert "PATH" in python
    assert "canary" not in shell + python


async def test_long_output_is_kept_whole_in_a_file_that_model_and_person_are_told(
    bench: Any, text: Any
) -> None:
    script = 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); echo "line $i"; done'
    output = await bench.run("run_command", {"command": script}, max_output_chars=2000)
    shown = text(output)
    assert len(shown) < 2400
    assert shown.startswith("line 1\n")
    assert shown.endswith("line 100000\n[exit code 0]")
    assert "the whole is in .holdfast/outputs/call-1.txt" in shown
    block = output.display[0]
    assert len(block.output) < 2400
    kept = bench.workspace.read(".holdfast/outputs/call-1.txt")
    assert kept.count(b"\n") == 100_000
    assert (block.whole, block.whole_bytes) == (".holdfast/outputs/call-1.txt", len(kept))
    assert "".join(bench.progress).encode() == kept
    assert shorten_output(output, bench.context(max_output_chars=2000)).content == output.content
    assert bench.workspace.read(block.whole) == kept
    assert len(bench.progress) < 2_000


async def test_a_time_limit_keeps_what_was_written(bench: Any, text: Any) -> None:
    output = await bench.run("run_command", {"command": "echo begun; sleep 600", "timeout_s": 0.3})
    assert text(output) == "begun\n[ended after the time limit of 0.3 s]"
    assert output.is_error


async def test_escape_sequences_never_reach_the_model(bench: Any, text: Any) -> None:
    script = r"printf '\033[31mred\033[0m \033]0;title\007done\r\n\001'"
    assert text(await bench.run("run_command", {"command": script})) == "red done\n[exit code 0]"


async def test_cancelling_a_call_ends_the_program(bench: Any) -> None:
    begun = asyncio.Event()
    seen: list[str] = []

    def progress(shown: str) -> None:
        seen.append(shown)
        begun.set()

    command = {"command": "echo $$; sleep 600"}
    task = asyncio.create_task(bench.run("run_command", command, progress=progress))
    await asyncio.wait_for(begun.wait(), timeout=10)
    pid = int("".join(seen).split()[0])
    assert alive(pid)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, timeout=10)
    assert not alive(pid)


async def test_python_runs_in_the_workspace_isolated_from_it(bench: Any, text: Any) -> None:
    bench.workspace.write("json.py", b"raise SystemExit('shadowed')")
    code = "import json, os\nprint(json.dumps(os.getcwd()), __name__)\nopen('out.txt', 'w').write('é')"
    assert (
        text(await bench.run("run_python", {"code": code}))
        == f'"{bench.workspace.root}" __main__\n[exit code 0]'
    )
    assert bench.workspace.read("out.txt").decode() == "é"
    assert sorted(s.path for s in bench.workspace.walk(hidden=True)) == ["json.py", "out.txt"]
    preview = await bench.preview("run_python", {"code": code})
    assert (preview.blocks[0].language, preview.blocks[0].text) == ("python", code)


async def test_an_error_is_shown_with_the_programs_own_lines(bench: Any, text: Any) -> None:
    shown = text(await bench.run("run_python", {"code": "def f():\n    return 1 / 0\nf()\n"}))
    assert shown.startswith(
        'Traceback (most recent call last):\n  File "script.py", line 3, in <module>\n    f()\n'
    )
    assert "ZeroDivisionError: division by zero\n[exit code 1]" in shown
    assert "python_main" not in shown
    assert "SyntaxError" in text(await bench.run("run_python", {"code": "def"}))
    assert text(await bench.run("run_python", {"code": "import sys; sys.exit(4)"})) == "[exit code 4]"


async def test_open_figures_become_files(bench: Any, text: Any) -> None:
    bench.workspace.write("figure-1.png", b"older")
    shown = text(await bench.run("run_python", {"code": f"{FIGURES}\nprint('drawn')"}))
    assert shown == "drawn\n[figure saved as figure-2.png]\n[figure saved as figure-3.png]\n[exit code 0]"
    assert bench.workspace.read("figure-1.png") == b"older"
    assert bench.workspace.read("figure-3.png") == b"png"
    failed = text(await bench.run("run_python", {"code": f"{FIGURES}\n1/0"}))
    assert "figure-4.png" in failed
    assert "Agg" in text(
        await bench.run("run_python", {"code": "import os; print(os.environ['MPLBACKEND'])"})
    )


class Answering:
    """The desk of a run without documents, whose model says yes."""

    async def texts(self, documents: Any, max_chars: int) -> tuple[()]:
        return ()

    async def ask(self, questions: Any) -> tuple[str, ...]:
        return ("yes",) * len(questions)


@pytest.mark.parametrize("lay", ["os.symlink({outside!r}, given)", "os.link({outside!r}, given)"])
async def test_a_program_over_documents_leads_the_engine_to_no_other_file(
    bench: Any, text: Any, tmp_path: Path, lay: str
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    given = "os.path.join(os.path.dirname(__file__), 'given.json')"
    code = (
        f"import os\ngiven = {given}\nos.remove(given)\n{lay.format(outside=str(outside))}\nprint(ask('?'))"
    )
    output = await bench.run("analyse_documents", {"code": code}, knowledge=Answering())
    assert text(output) == "yes\n[exit code 0]"
    assert outside.read_text() == "mine"
