"""Agents' scripts in their processes: what they may, and hostile ones."""

from __future__ import annotations

import asyncio
import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.config.settings import SandboxSettings
from holdfast.core.domain.confinement import Guard
from holdfast.core.domain.errors import (
    DeadlineError,
    HoldfastError,
    SandboxRequired,
    ScriptFailed,
    TooLargeError,
)
from holdfast.core.domain.processes import Ending, ProcessResult, ProcessSpec, Reach
from holdfast.core.sandbox import scripts as starter
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.sandbox.scripts import Query, QueryFailed, ScriptProcesses
from holdfast.core.sandbox.view import Places, view_of

ESCAPE = """
found = [c for c in ().__class__.__base__.__subclasses__() if c.__name__ == "_wrap_close"]
system = found[0].__init__.__globals__
"""
"""What every list of escapes begins with: from a tuple to the functions of the system."""
WIRE = f"""{ESCAPE}
for fd in range(3, 256):
    try:
        system['{{}}'](fd{{}})
    except OSError:
        pass
"""
"""Does something with all that is open, the line to the engine among it."""
IOCTL = """
    try:
        system['get_terminal_size'](0)
    except OSError as error:
        if error.errno == 1: raise
""".strip()
FLOOD = WIRE.format("write", r""", b'\0\0\0\x0e{"printed":""}' * 500""")


class Listener:
    """Answers each query with the number of its messages."""

    def __init__(self) -> None:
        self.queries: list[Query] = []
        self.asked = asyncio.Event()
        self.out: list[str] = []
        self.pieces: list[str] = []

    async def query(self, query: Query) -> str:
        self.queries.append(query)
        self.asked.set()
        if query.model == "broken":
            raise QueryFailed("there is no such model")
        if query.model == "hangs":
            await asyncio.Event().wait()
        return f"{query.model} has {len(query.messages)}"

    async def printed(self, text: str) -> None:
        self.out.append(text)

    async def said(self, text: str) -> None:
        self.pieces.append(text)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def scripts(processes: ChildProcesses) -> ScriptProcesses:
    """Without a sandbox: what the process does by itself has to hold."""
    return ScriptProcesses(processes, {"SECRET_KEY": "canary", "LC_ALL": "C"})


@pytest.fixture
def with_filter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Makes the filter of system calls one that does nothing, and that was taken or not."""

    def made(taken: bool) -> None:
        main = tmp_path / "script_main.py"
        shutil.copy(starter._MAIN, main)
        main.with_name("syscalls.py").write_text(f"def compute_only() -> bool:\n    return {taken}\n")
        monkeypatch.setattr(starter, "_MAIN", str(main))

    return made


def said(content: str = "Hi") -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


async def failure(scripts: ScriptProcesses, code: str, *, own_s: float = 60) -> HoldfastError:
    with pytest.raises(HoldfastError) as caught:
        await scripts.run(code, said(), Listener(), own_s=own_s)
    return caught.value


async def test_the_functions_build_the_conversation_that_models_see(
    scripts: ScriptProcesses, listener: Listener
) -> None:
    code = """
first = query("a", conversation)
add("user", {"step": 2}, conversation)
attach("more", conversation)
attach("before", conversation, location="beginning")
other = attach("alone", [])
result = query("b", conversation) + other[0]["content"]
"""
    ended = await scripts.run(code, said(), listener, own_s=60)
    assert ended.result == "b has 3alone"
    assert [query.model for query in listener.queries] == ["a", "b"]
    assert listener.queries[1].messages == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "a has 1"},
        {"role": "user", "content": 'before\n{"step": 2}\nmore'},
    ]


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ('response = "b"\nfinal_response = "a"\nresult = "c"', "a"),
        ("result = [1, {}]", "[1, {}]"),
        ('add("assistant", "said", conversation)', "said"),
        ('print("Hello"); print("World")', "Hello\nWorld"),
        ('import datetime\nresponse = datetime.datetime.strptime("2026", "%Y").strftime("%Y")', "2026"),
    ],
)
async def test_the_result_is_the_first_that_there_is(
    scripts: ScriptProcesses, listener: Listener, code: str, result: str
) -> None:
    assert (await scripts.run(code, said(), listener, own_s=60)).result == result


async def test_only_a_query_that_is_certain_to_be_the_result_is_asked_for_as_such(
    scripts: ScriptProcesses, listener: Listener
) -> None:
    code = """
response = query("early", conversation)
if response:
    response = query("last", conversation)
else:
    other = query("never", conversation)
"""
    assert (await scripts.run(code, said(), listener, own_s=60)).result is None
    code = 'final_response = "given"\nresponse = query("late", conversation)'
    assert (await scripts.run(code, said(), listener, own_s=60)).result == "given"
    code = 'from string import digits as response\nquery("beside", conversation)'
    assert (await scripts.run(code, said(), listener, own_s=60)).result == "0123456789"
    assert [(query.model, query.result) for query in listener.queries] == [
        ("early", False),
        ("last", True),
        ("late", False),
        ("beside", False),
    ]


async def test_what_a_generator_yields_is_said_piece_by_piece(
    scripts: ScriptProcesses, listener: Listener
) -> None:
    code = 'def parts():\n    yield "one, "\n    yield query("m", conversation)\nresponse = parts()'
    assert (await scripts.run(code, said(), listener, own_s=60)).result is None
    assert listener.pieces == ["one, ", "m has 1"]


async def test_many_small_words_are_told_together(scripts: ScriptProcesses, listener: Listener) -> None:
    code = """
for number in range(9000):
    print(number % 10, end="")
def letters():
    for _ in range(30_000):
        yield "x"
    yield query("m", conversation)
response = letters()
"""
    assert (await scripts.run(code, said(), listener, own_s=60)).result is None
    assert "".join(listener.out) == "0123456789" * 900
    assert "".join(listener.pieces) == "x" * 30_000 + "m has 1"
    assert len(listener.out) + len(listener.pieces) < 1_000


async def test_words_of_two_kinds_in_turn_are_told_together(
    scripts: ScriptProcesses, listener: Listener
) -> None:
    code = """
def parts():
    for n in range(30_000):
        print("a", end="")
        yield "b"
response = parts()
"""
    assert (await scripts.run(code, said(), listener, own_s=60)).result is None
    assert ("".join(listener.out), "".join(listener.pieces)) == ("a" * 30_000, "b" * 30_000)


async def test_a_script_has_the_processor_for_as_long_as_it_has_time(
    scripts: ScriptProcesses, listener: Listener, with_filter: Callable[[bool], None]
) -> None:
    with_filter(True)  # none in truth: it would not let a script ask
    code = f"{ESCAPE}of = system['sys'].modules['resource']\nresponse = of.getrlimit(of.RLIMIT_CPU)[0]"
    ended = await scripts.run(code, said(), listener, own_s=600)
    assert ended.result is not None and int(ended.result) >= 600


async def test_a_script_whose_queries_all_fail_is_ended(scripts: ScriptProcesses, listener: Listener) -> None:
    code = """
while True:
    try:
        query("broken", conversation)
    except QueryError:
        pass
"""
    with pytest.raises(ScriptFailed, match="More than 100 queries"):
        await scripts.run(code, said(), listener, own_s=60)
    assert len(listener.queries) == 101


async def test_where_the_kernel_takes_no_filter_a_script_runs_by_the_setting_only(
    scripts: ScriptProcesses, listener: Listener, with_filter: Callable[[bool], None]
) -> None:
    with_filter(False)
    with pytest.raises(SandboxRequired, match="unconfined_scripts true"):
        await scripts.run("response = 'ran'", said(), listener, own_s=60)
    ended = await scripts.run("response = 'ran'", said(), listener, own_s=60, unconfined=True)
    assert ended.result == "ran"


async def test_a_process_that_cannot_be_started_is_a_failure_of_the_script(listener: Listener) -> None:
    class Full(ChildProcesses):
        async def run(self, *given: Any, **more: Any) -> ProcessResult:
            raise BlockingIOError(11, "Resource temporarily unavailable")

    with pytest.raises(ScriptFailed, match="could not be started: Resource"):
        await ScriptProcesses(Full(), {}).run("1", said(), listener, own_s=60)


async def test_a_failed_query_can_be_handled(scripts: ScriptProcesses, listener: Listener) -> None:
    code = """
try:
    query("broken", conversation)
except QueryError as error:
    response = f"{error}: " + query("whole", conversation)
"""
    ended = await scripts.run(code, said(), listener, own_s=60)
    assert ended.result == "there is no such model: whole has 1"
    error = await failure(scripts, 'query("broken", conversation)')
    assert isinstance(error, ScriptFailed) and error.details == {"line": 1, "query": True}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x = 1\n1 / 0", "in line 2: ZeroDivisionError"),
        ("import os", "in line 1: ImportError: a script cannot import os"),
        ("def (", "in line 1: SyntaxError"),
        ("x = 1", "it gave no result"),
        ('add("robot", "x", conversation)', "there is no role 'robot'"),
        ('attach("x", conversation, "middle")', "there is no location 'middle'"),
        ('open("/etc/passwd")', "NameError"),
        (
            'raise ValueError("\\x1b]0;title\\x07 red \\x1b[31m" + "x" * 9999)',
            "ValueError: ]0;title red [31mxx",
        ),
        ("class E(Exception):\n    def __str__(self):\n        raise self\nraise E()", "in line 4: E"),
        ("raise SystemExit(0)", "SystemExit"),
        ("conversation.append(1)", "TypeError"),
        ("response = []\nresponse.append(response)", "ValueError: Circular"),
    ],
)
async def test_a_mistake_names_its_line_and_is_fit_for_a_terminal(
    scripts: ScriptProcesses, code: str, said: str
) -> None:
    error = await failure(scripts, code)
    assert error.code == "script_failed" and said in error.message
    assert error.message.isprintable() and len(error.message) < 600


async def test_who_gets_out_of_the_language_finds_nothing_outside(
    scripts: ScriptProcesses, listener: Listener, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    attempts = {
        "read": "system['__builtins__']['open']('/etc/passwd').read()",
        "write": f"system['__builtins__']['open']({str(made)!r}, 'w').write('x')",
        "list": "system['listdir']('/')",
        "fork": "system['fork']()",
        "start": "system['execv']('/bin/sh', ['sh'])",
        "shell": "system['posix_spawn']('/bin/sh', ['sh'], {})",
        "kill": "system['kill'](system['getppid']() if False else 1, 0)",
        "socket": "system['sys'].modules['_socket'].socket()",
        "signal by a file": "system['get_blocking'](0)",
        "signal by a device": IOCTL,
        "link": f"system['symlink']('/etc', {str(made)!r})",
    }
    tries = "".join(
        f"try:\n    {what}\n    seen.append({name!r})\nexcept (OSError, KeyError, ImportError):\n    pass\n"
        for name, what in attempts.items()
    )
    code = f"{ESCAPE}seen = []\n{tries}response = [seen, dict(system['environ'])]"
    ended = await scripts.run(code, said(), listener, own_s=60)
    assert ended.result is not None and ended.result.startswith("[[], ")
    assert "canary" not in ended.result and str(Path.home()) not in ended.result
    assert not made.exists()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (f"{ESCAPE}while True: system['fork']()", "PermissionError"),
        ("x = []\nwhile True: x.append('x' * 10**7)", "MemoryError"),
        ("response = 'x' * 10**7", "at once"),
        (f"while True:\n{textwrap.indent(FLOOD, '    ')}", "more than 20000 messages"),
        (f"{ESCAPE}while True: system['write'](1, b'x' * 9999)", "past `print`"),
        (WIRE.format("close", ""), ""),
        (f"{ESCAPE}system['_exit'](7)", "status 7"),
        (WIRE.format("write", r", b'\0\0\0\2{}'"), "not for it"),
        (WIRE.format("write", r", b'\0\0\1\0' + b'[' * 256"), "not for it"),
        (WIRE.format("write", r", b'\xff' * 64"), "at once"),
        ("def f(): return f()\nf()", "RecursionError"),
    ],
)
async def test_a_hostile_script_ends_as_a_failure(scripts: ScriptProcesses, code: str, said: str) -> None:
    error = await failure(scripts, code)
    assert error.code == "script_failed" and said in error.message


async def test_an_endless_loop_ends_with_its_time(scripts: ScriptProcesses) -> None:
    error = await failure(scripts, "while True: pass", own_s=0.5)
    assert isinstance(error, DeadlineError) and error.code == "script_timeout"


async def test_halves_of_characters_do_not_come_through(scripts: ScriptProcesses, listener: Listener) -> None:
    ended = await scripts.run("response = chr(0xD800) + 'a'", said(), listener, own_s=60)
    assert ended.result == "?a"


async def test_a_conversation_that_no_frame_holds_is_refused(scripts: ScriptProcesses) -> None:
    with pytest.raises(TooLargeError):
        await scripts.run("1", said("x" * 3_000_000), Listener(), own_s=60)


async def test_what_a_listener_raises_ends_the_script(scripts: ScriptProcesses) -> None:
    class Refusing(Listener):
        async def query(self, query: Query) -> str:
            raise DeadlineError("over")

    with pytest.raises(DeadlineError, match="over"):
        await scripts.run('query("m", conversation)', said(), Refusing(), own_s=60)


async def test_nothing_is_left_of_a_script_that_is_cancelled(
    scripts: ScriptProcesses, processes: ChildProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[Ending | type[BaseException]] = []
    run = processes.run

    async def watched(spec: ProcessSpec) -> Any:
        try:
            return await run(spec)
        except asyncio.CancelledError:
            ended.append(asyncio.CancelledError)
            raise

    monkeypatch.setattr(processes, "run", watched)
    listener = Listener()
    task = asyncio.create_task(scripts.run('query("hangs", conversation)', said(), listener, own_s=60))
    async with asyncio.timeout(30):
        await listener.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert ended == [asyncio.CancelledError]


async def test_where_nothing_confines_scripts_they_run_by_a_setting_only(scripts: ScriptProcesses) -> None:
    with pytest.raises(SandboxRequired, match="unconfined_scripts"):
        await scripts.check(unconfined=False)
    await scripts.check(unconfined=True)


@pytest.mark.parametrize("guard", [Guard.BUBBLEWRAP, Guard.LANDLOCK])
async def test_a_bare_process_sees_no_home_and_a_confined_script_runs(
    confine: Any, guard: Guard, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "plain.txt").write_text("canary")
    processes = confine(guard, home=home, temporary=(tmp_path,))
    spec = ProcessSpec(
        command=("/bin/sh", "-c", f"cat {home}/plain.txt /etc/hostname /root/.profile"),
        cwd=Path("/"),
        environment={},
        timeout_s=20,
        reach=Reach(bare=True, readable=(tmp_path,)),
    )
    ran = await processes.run(spec)
    assert "canary" not in ran.head and ran.exit_code != 0
    scripts = ScriptProcesses(processes, {})
    await scripts.check(unconfined=False)
    ended = await scripts.run('import re\nresponse = re.sub("a", "b", "aa")', said(), Listener(), own_s=60)
    assert ended.result == "bb"


def test_what_is_bare_hides_homes_even_where_the_home_is_the_root() -> None:
    spec = ProcessSpec(command=("true",), cwd=Path("/"), environment={}, timeout_s=1, reach=Reach(bare=True))
    hidden = view_of(spec, SandboxSettings(), Places(home=Path("/"))).hidden
    assert Path("/home") in hidden and Path("/") not in hidden
