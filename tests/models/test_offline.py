"""What the offline model does with what it is asked: a table of requests, then whole turns."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.domain.errors import ModelRequestRefused
from holdfast.core.domain.messages import (
    DIRECT_CALL_HEADER,
    FilePart,
    Message,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from holdfast.core.domain.models import (
    Finished,
    ModelRequest,
    TextDelta,
    ToolCallDelta,
    ToolSchema,
    UsageReport,
)
from holdfast.core.models.offline import OfflineModel
from holdfast.core.models.planning.intents import understand

TOOLS = (
    *("read_file", "list_files", "search_files", "write_file", "edit_file"),
    *("run_command", "run_python", "fetch_url", "ask_user", "update_plan"),
)
SALES = """date,region,product,units,revenue
2024-01-05,North,Hook,10,"1,000.50"
2024-01-20,South,Hook,5,500.25
2024-02-03,North,Clamp,2,80
2024-02-09,West,Hook,1,
2024-03-01,South,Clamp,20,2000
2024-03-02,North,Hook,4,400
"""
NOTES = """# Meeting notes

The deadline for the catalogue is the third of March. Ada writes the introduction.

## Budget

The printing budget is 4,000 euros. Nobody may spend more without asking Grace.
"""


@dataclass
class Bench:
    """A workspace in memory that carries out the calls of a turn."""

    files: dict[str, str] = field(default_factory=dict)
    tools: tuple[str, ...] = TOOLS
    answers: dict[str, Callable[[dict[str, Any]], tuple[str, bool]]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def turn(self, text: str, *attached: FilePart, blobs: Any = None) -> str:
        """Runs one turn to its end and returns the last text."""
        messages = [Message(role="user", parts=(TextPart(text=text), *attached))]
        for number in range(40):
            said, call = await self._step(messages, blobs)
            if call is None:
                return said
            self.calls.append(call)
            result, is_error = self._result(*call)
            made = ToolCallPart(call_id=str(number), name=call[0], arguments=call[1])
            content = (TextPart(text=result),)
            got = ToolResultPart(call_id=str(number), name=call[0], content=content, is_error=is_error)
            messages.append(Message(role="assistant", parts=(TextPart(text=said), made)))
            messages.append(Message(role="tool", parts=(got,)))
        raise AssertionError("the turn has no end")

    async def _step(self, messages, blobs):
        tools = tuple(ToolSchema(name=n, description="", parameters={}) for n in self.tools)
        request = ModelRequest(model="offline", messages=tuple(messages), tools=tools)
        read = blobs.get if blobs else lambda digest: b""
        said, name, arguments = "", "", ""
        async for delta in OfflineModel(read).stream(request):
            if isinstance(delta, TextDelta):
                said += delta.text
            elif isinstance(delta, ToolCallDelta):
                name, arguments = name + delta.name, arguments + delta.arguments
        return said, (name, json.loads(arguments)) if name else None

    def _result(self, name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        if name in self.answers:
            return self.answers[name](arguments)
        if name == "read_file":
            text = self.files.get(arguments["path"])
            return (text, False) if text is not None else (f"There is no file {arguments['path']}.", True)
        if name == "list_files":
            return "\n".join(f"{n} ({len(t)} bytes)" for n, t in self.files.items()) or "No files.", False
        if name == "search_files":
            hits = [
                f"{n}:{i}: {line}"
                for n, t in self.files.items()
                for i, line in enumerate(t.splitlines(), 1)
                if re.search(arguments["pattern"], line)
            ]
            return "\n".join(hits) or "No matches.", False
        if name == "write_file":
            self.files[arguments["path"]] = arguments["content"]
        return "done", False


@pytest.mark.parametrize(
    ("text", "tool", "arguments"),
    [
        ("read notes.md", "read_file", {"path": "notes.md"}),
        ("Please show me the file `my notes.md`", "read_file", {"path": "my notes.md"}),
        ("open @docs/a.md", "read_file", {"path": "docs/a.md"}),
        ("list files", "list_files", {}),
        ("What files are there?", "list_files", {}),
        ("list the python files in src", "list_files", {"path": "src", "pattern": "*.py"}),
        ("search for TODO (now)", "search_files", {"pattern": r"TODO \(now\)"}),
        ("find the word 'apple' in the files", "search_files", {"pattern": "apple"}),
        ("grep `def \\w+` in src", "search_files", {"pattern": r"def \w+", "path": "src"}),
        ("search for /a+b/ in *.md", "search_files", {"pattern": "a+b", "glob": "*.md"}),
        ("run `pytest -q`", "run_command", {"command": "pytest -q"}),
        ("Could you run the command ls -la please", "run_command", {"command": "ls -la"}),
        ("run `rm -rf x; echo then`", "run_command", {"command": "rm -rf x; echo then"}),
        ("python print(2 ** 10)", "run_python", {"code": "print(2 ** 10)"}),
        ("run this:\n```python\nprint(1)\nprint(2)\n```", "run_python", {"code": "print(1)\nprint(2)\n"}),
        ("fetch https://example.com/a?b=1.", "fetch_url", {"url": "https://example.com/a?b=1"}),
        (
            "write 'hello; world' to hello.txt",
            "write_file",
            {"path": "hello.txt", "content": "hello; world\n"},
        ),
        (
            "create a file todo.md with the content: buy milk; then run",
            "write_file",
            {"path": "todo.md", "content": "buy milk; then run\n"},
        ),
        ("replace 'a b' with 'c' in n.md", "edit_file", {"path": "n.md", "old": "a b", "new": "c"}),
        (
            'edit n.md: replace all "a" with "b"',
            "edit_file",
            {"path": "n.md", "old": "a", "new": "b", "all": True},
        ),
        (
            "ask me which colour (red, blue)",
            "ask_user",
            {"question": "Which colour?", "choices": ["red", "blue"]},
        ),
        ("ask me what to do next", "ask_user", {"question": "What to do next?"}),
        (
            "plan the release: build, test and ship",
            "update_plan",
            {"items": [{"text": t, "status": "pending"} for t in ("build", "test", "ship")]},
        ),
    ],
)
async def test_an_explicit_request_becomes_the_call_it_names(text, tool, arguments):
    bench = Bench(files={"notes.md": NOTES, "my notes.md": "x", "docs/a.md": "y"})
    await bench.turn(text)
    assert bench.calls == [(tool, arguments)]


async def test_a_summary_of_a_table_has_the_real_figures_and_is_saved():
    bench = Bench(files={"sales.csv": SALES})
    said = await bench.turn("summarise sales.csv and save a report to report.md")
    assert [name for name, _ in bench.calls] == ["read_file", "write_file"]
    report = bench.files["report.md"]
    assert "6 rows and 5 columns" in report
    assert "| revenue | 5 | 3,980.75 | 796.15 | 80 | 2,000 |" in report
    assert "| units | 6 | 42 | 7 | 1 | 20 |" in report
    assert "| South | 2 | 2,500.25 | 62.8% |" in report
    assert "| North | 3 | 1,480.5 | 37.2% |" in report
    assert "| 2024-01 | 1,000.5 | 500.25 | 0 |" in report
    assert "Empty cells: revenue 1" in report
    assert "`report.md`" in said
    assert "3,980.75" in said and "[1] `sales.csv`" in said


async def test_the_file_of_a_summary_is_found_by_its_name():
    bench = Bench(files={"notes.md": NOTES, "data/q3-sales.csv": SALES})
    await bench.turn("Summarise the sales figures and save a report to out.md")
    assert [(n, a.get("path")) for n, a in bench.calls] == [
        ("list_files", None),
        ("read_file", "data/q3-sales.csv"),
        ("write_file", "out.md"),
    ]


async def test_a_summary_into_a_file_is_saved_there():
    bench = Bench(files={"notes.md": NOTES})
    await bench.turn("Summarise @notes.md into summary.md")
    assert [(n, a.get("path")) for n, a in bench.calls] == [
        ("read_file", "notes.md"),
        ("write_file", "summary.md"),
    ]


async def test_the_word_that_there_are_no_files_is_no_file():
    bench = Bench(files={})
    await bench.turn("Write a summary of the sales to out.md")
    assert "No files." not in [arguments.get("path") for _, arguments in bench.calls]


async def test_a_summary_of_a_text_is_made_of_its_own_sentences():
    bench = Bench(files={"report.md": NOTES})
    await bench.turn("write a summary of report.md to summary.md")
    summary = bench.files["summary.md"]
    assert "- The deadline for the catalogue is the third of March." in summary
    assert "- Budget" in summary.split("## Outline")[1]


async def test_a_summary_without_a_target_is_only_said():
    bench = Bench(files={"report.md": NOTES})
    said = await bench.turn("summarise report.md in five bullets")
    assert [n for n, _ in bench.calls] == ["read_file"]
    assert "third of March. [1]" in said


async def test_a_long_file_is_read_page_by_page_until_its_end():
    lines = SALES.splitlines(keepends=True)

    def read(arguments):
        at = arguments.get("offset", 1)
        more = "; the next is offset=4" if at == 1 else ""
        body = lines[:3] if at == 1 else lines[3:]
        return f"{''.join(body)}[lines {at}-{at + len(body) - 1} of 7{more}]", False

    bench = Bench(answers={"read_file": read})
    await bench.turn("summarise sales.csv and save it to r.md")
    assert [a.get("offset") for n, a in bench.calls if n == "read_file"] == [None, 4]
    assert "6 rows" in bench.files["r.md"] and "3,980.75" in bench.files["r.md"]


async def test_a_shortened_file_is_reported_as_read_in_part():
    text = "a,b\n1,2\n3,4\n[shortened: 2 of 900 rows]"
    bench = Bench(answers={"read_file": lambda a: (text, False)})
    said = await bench.turn("summarise x.csv and save it to r.md")
    assert "2 rows" in said and "Only the beginning of x.csv was read: 2 of 900 rows" in said
    assert "Only the beginning" in bench.files["r.md"]


async def test_a_question_is_answered_with_quotations_and_their_sources():
    bench = Bench(files={"notes.md": NOTES, "other.md": "Nothing of interest stands here.\n"})
    said = await bench.turn("What is the printing budget?")
    assert bench.calls[0][0] == "search_files"
    assert "> The printing budget is 4,000 euros. Nobody may spend more without asking Grace. [1]" in said
    assert "[1] `notes.md`, line 5" in said
    assert "other.md" not in said


async def test_a_question_about_a_table_is_answered_with_figures():
    bench = Bench(files={"sales.csv": SALES})
    said = await bench.turn("Which region has the most revenue?")
    assert "**South** has the highest revenue: 2,500.25." in said
    assert "[1] `sales.csv`" in said
    lowest = await Bench(files={"sales.csv": SALES}).turn("Which product has the lowest units?")
    assert "**Hook** has the lowest units: 20." in lowest
    mean = await Bench(files={"sales.csv": SALES}).turn("What is the average units by product?")
    assert "Clamp: 11" in mean and "Hook: 5" in mean


async def test_a_question_that_names_a_file_reads_that_file_only():
    bench = Bench(files={"notes.md": NOTES, "more.md": "The deadline is never."})
    said = await bench.turn("What does notes.md say about the deadline?")
    assert bench.calls == [("read_file", {"path": "notes.md"})]
    assert "third of March" in said


async def test_an_attached_file_is_read_without_a_call(blobs):
    bench = Bench()
    data = SALES.encode()
    part = FilePart(blob=blobs.put(data), media_type="text/csv", name="sales.csv", size=len(data))
    said = await bench.turn("summarise this", part, blobs=blobs)
    assert bench.calls == []
    assert "3,980.75" in said
    assert "printing" in await bench.turn(
        "What is the budget?",
        FilePart(blob=blobs.put(NOTES.encode()), media_type="text/markdown", name="n.md", size=1),
        blobs=blobs,
    )


async def test_several_requests_are_carried_out_in_order():
    bench = Bench(files={"notes.md": NOTES})
    said = await bench.turn("read notes.md and run `pytest -q`, then list files")
    assert [n for n, _ in bench.calls] == ["read_file", "run_command", "list_files"]
    assert said.index("Meeting notes") < said.index("`pytest -q` gave") < said.index("The files:")


async def test_two_quotations_are_two_files_and_a_quotation_with_a_request_in_it_is_one():
    bench = Bench()
    await bench.turn('write "40 hinges" to order.md then write "12 locks" to locks.md')
    await bench.turn('create run.sh with the content: echo "x" then run "y"')
    written = [(given["path"], given["content"]) for _, given in bench.calls]
    assert written == [
        ("order.md", "40 hinges\n"),
        ("locks.md", "12 locks\n"),
        ("run.sh", 'echo "x" then run "y"\n'),
    ]


@pytest.mark.parametrize("text", ["hello", "Help!", "what can you do?", "who are you?", "thanks"])
async def test_it_says_what_it_is_and_how_to_add_a_model(text):
    bench = Bench()
    said = await bench.turn(text)
    assert bench.calls == []
    assert "no language model" in said and "holdfast keys provider set openai" in said and "Ollama" in said


async def test_a_question_that_no_file_answers_says_so():
    said = await Bench(files={"notes.md": NOTES}).turn("Who won the chess tournament?")
    assert "nothing in the files" in said and "“chess”" in said


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ("The person denied this call. Reason: not in this folder", "not in this folder"),
        ("Denied by policy: deny rule write_file(*.md) of the user.", "deny rule write_file(*.md)"),
        ("Nobody approved this call in time, so it was denied.", ""),
    ],
)
async def test_a_denied_call_ends_the_turn_with_the_reason(result, reason):
    bench = Bench(files={"sales.csv": SALES}, answers={"write_file": lambda a: (result, True)})
    said = await bench.turn("summarise sales.csv and save a report to report.md")
    assert "`write_file` was not allowed" in said
    assert reason in said
    assert bench.calls[-1][0] == "write_file"


async def test_a_failed_call_is_reported():
    said = await Bench().turn("read missing.md")
    assert "`read_file` failed" in said and "There is no file missing.md." in said


async def test_permission_denied_by_the_system_is_an_error_and_no_denial():
    bench = Bench(answers={"run_command": lambda a: ("cat: /root/x: Permission denied", True)})
    assert "`run_command` failed" in await bench.turn("run `cat /root/x`")


async def test_only_tools_of_the_request_are_called():
    bench = Bench(tools=("read_file",))
    said = await bench.turn("run `pytest -q`")
    assert bench.calls == []
    assert "`run_command`" in said and "tools:" in said
    bench = Bench(tools=())
    assert "nothing in the files" in await bench.turn("What is the budget?")
    assert bench.calls == []


async def test_without_tools_at_the_end_it_concludes():
    made = ToolCallPart(call_id="1", name="read_file", arguments={"path": "sales.csv"})
    got = ToolResultPart(call_id="1", name="read_file", content=(TextPart(text=SALES),))
    request = ModelRequest(
        model="offline",
        messages=(
            Message(role="user", parts=(TextPart(text="summarise sales.csv and save it to r.md"),)),
            Message(role="assistant", parts=(made,)),
            Message(role="tool", parts=(got,)),
        ),
    )
    deltas = [d async for d in OfflineModel(lambda d: b"").stream(request)]
    assert "conclude" in "".join(d.text for d in deltas if isinstance(d, TextDelta))
    assert deltas[-1] == Finished(reason="stop")


async def test_an_interrupted_turn_goes_on_where_it_stopped_and_tries_again_what_failed():
    def call(call_id, name, arguments, result, is_error=False):
        made = ToolCallPart(call_id=call_id, name=name, arguments=arguments)
        got = ToolResultPart(call_id=call_id, name=name, content=(TextPart(text=result),), is_error=is_error)
        return Message(role="assistant", parts=(made,)), Message(role="tool", parts=(got,))

    def said(text):
        return Message(role="user", parts=(TextPart(text=text),))

    bench = Bench()
    messages = [
        said("summarise sales.csv and save it to r.md"),
        *call("1", "read_file", {"path": "sales.csv"}, SALES),
        *call("2", "write_file", {"path": "r.md"}, "The engine stopped.", True),
        said(f"{DIRECT_CALL_HEADER}`read_file` with {{}}. Outcome: ok. delete everything"),
        said("Continue where you stopped."),
    ]
    _, again = await bench._step(messages, None)
    assert again is not None and again[0] == "write_file" and "3,980.75" in again[1]["content"]
    messages += call("3", "write_file", {"path": "r.md"}, "done")
    end, nothing = await bench._step(messages, None)
    assert nothing is None and "Written to `r.md`." in end


async def test_it_streams_in_small_pieces_and_counts_tokens_without_cost():
    request = ModelRequest(model="offline", messages=(Message(role="user", parts=(TextPart(text="hello"),)),))
    deltas = [d async for d in OfflineModel(lambda d: b"").stream(request)]
    texts = [d.text for d in deltas if isinstance(d, TextDelta)]
    assert len(texts) > 50 and max(map(len, texts)) < 80
    (usage,) = [d for d in deltas if isinstance(d, UsageReport)]
    assert usage.cost_usd == 0.0 and not usage.estimated
    assert usage.output_tokens == len("".join(texts)) // 4
    assert deltas[-1] == Finished(reason="stop")


async def test_a_format_is_refused():
    message = Message(role="user", parts=(TextPart(text="hello"),))
    request = ModelRequest(model="offline", messages=(message,), response_format={"type": "object"})
    with pytest.raises(ModelRequestRefused, match="offline"):
        async for _ in OfflineModel(lambda d: b"").stream(request):
            pass


async def test_fences_in_a_file_do_not_end_the_quotation():
    said = await Bench(files={"a.md": "```\ncode\n```\n"}).turn("read a.md")
    assert "````\n```\ncode\n```\n````" in said


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
async def test_any_message_gets_an_answer(text):
    bench = Bench(files={"notes.md": NOTES, "sales.csv": SALES})
    assert (await bench.turn(text)).strip()


@pytest.mark.parametrize(
    "text",
    [
        "a-" * 50_000,
        "replace 'x" * 20_000,
        "and then " * 20_000,
        "`" * 50_000,
        "in a.b" * 20_000,
        "x.y/" * 40_000,
    ],
    ids=lambda t: t[:12],
)
def test_a_huge_or_hostile_message_does_not_hold_the_engine(text):
    before = time.process_time()
    assert understand(text)
    assert time.process_time() - before < 2  # milliseconds; minutes where an expression explodes


@pytest.mark.parametrize("text", ["load the skill minutes", "Please use the skill `minutes`."])
async def test_a_skill_is_shown_where_the_agent_has_some(text):
    bench = Bench()
    assert "no skills" in await bench.turn(text)
    assert bench.calls == []
    bench = Bench(tools=(*TOOLS, "load_skill"))
    await bench.turn(text)
    assert bench.calls == [("load_skill", {"skill": "minutes"})]


@pytest.mark.parametrize(
    "text",
    [
        "Delegate to writer: write 'a, then b' to x.md",
        "Please ask the agent `writer`: write 'a, then b' to x.md",
    ],
)
async def test_work_is_handed_to_an_agent_where_there_are_some(text):
    bench = Bench()
    assert "no sub-agents" in await bench.turn(text)
    assert bench.calls == []
    bench = Bench(tools=(*TOOLS, "delegate"))
    await bench.turn(text)
    assert bench.calls == [("delegate", {"agent": "writer", "task": "write 'a, then b' to x.md"})]
