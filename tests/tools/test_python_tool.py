import json
from typing import Any

import pytest

from holdfast.core.domain.custom_tools import CustomTool, PythonToolSpec
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.tools import ArgumentsBlock, CodeBlock, Risk
from holdfast.core.domain.values import utc_now
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.tools.python_source import described
from holdfast.core.tools.python_tool import PythonTool
from holdfast.core.tools.registry import schema

SHOUT = '''
import os

def _helper(text: str) -> str:
    return text.upper()

def shout(text: str, times: int = 1, *, ends: list[str] | None = None, how: Literal["a", "b"] = "a") -> dict:
    """Says it loudly."""
    print("printed")
    return {"said": _helper(text) * times, "keys": sorted(k for k in os.environ if "KEY" in k)}
'''


def tool(code: str, processes: ChildProcesses) -> PythonTool:
    spec = described(PythonToolSpec(code=code))
    now = utc_now()
    return PythonTool(
        CustomTool(id="t", number=1, owner="local", spec=spec, created_at=now, updated_at=now),
        spec,
        processes,
    )


def test_a_function_says_what_its_tool_is() -> None:
    spec = described(PythonToolSpec(code=SHOUT, name="other", description="A lie."))
    assert (spec.name, spec.description) == ("shout", "Says it loudly.")
    assert spec.parameters == {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "times": {"type": "integer"},
            "ends": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
            "how": {"enum": ["a", "b"]},
        },
        "required": ["text"],
        "additionalProperties": False,
    }


def test_the_code_is_read_and_not_run() -> None:
    code = 'raise SystemExit("run")\ndef a(x: int = print("run")) -> None:\n    """Reads."""\n'
    assert described(PythonToolSpec(code=code)).name == "a"


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("def a(x: int):\n    pass", "line 1: the function has no docstring"),
        ("def a(:", "line 1"),
        ("x = 1", "0 functions"),
        ("def a():\n    'a'\ndef b():\n    'b'", "2 functions"),
        ("def a(x):\n    'a'", "x has no type"),
        ("def a(x: set[int]):\n    'a'", "set"),
        ("def a(*x: int):\n    'a'", "by name only"),
        ("def A(x: int):\n    'a'", "name"),
        ("x = " + "(" * 500 + ")" * 500, "Python|line"),
        ("def a(x: " + "list[" * 60 + "int" + "]" * 60 + "):\n    'a'", "deep"),
        ("\0", "Python|null"),
    ],
)
def test_what_can_be_no_tool_is_refused(code: str, word: str) -> None:
    with pytest.raises(InvalidError, match=word):
        described(PythonToolSpec(code=code))


async def test_a_preview_shows_arguments_and_code(bench: Any, processes: ChildProcesses) -> None:
    made = tool(SHOUT, processes)
    shown = await bench.preview(made, {"text": "hi"})
    assert shown.blocks == (
        ArgumentsBlock(arguments={"text": "hi"}),
        CodeBlock(language="python", text=SHOUT),
    )
    assert (made.risk, bench.subjects(made, {"times": 2, "text": "hi"})) == (
        Risk.EXECUTE,
        ('{"text": "hi", "times": 2}',),
    )
    assert schema(made).parameters["required"] == ["text"]


async def test_a_call_runs_in_a_process_without_keys(
    bench: Any, processes: ChildProcesses, text: Any
) -> None:
    output = await bench.run(tool(SHOUT, processes), {"text": "hi", "times": 2})
    printed, result, end = text(output).splitlines()
    assert (printed, end) == ("printed", "[exit code 0]")
    assert json.loads(result) == {"said": "HIHI", "keys": []}


async def test_a_mistake_of_the_function_is_an_error_of_the_call(
    bench: Any, processes: ChildProcesses, text: Any
) -> None:
    code = 'async def fail(n: int) -> int:\n    """Divides."""\n    return 1 // n\n'
    output = await bench.run(tool(code, processes), {"n": 0})
    assert output.is_error
    assert 'File "tool.py", line 3, in fail' in text(output)
    assert "ZeroDivisionError" in text(output)
