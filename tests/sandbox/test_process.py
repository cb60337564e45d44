import asyncio
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from holdfast.core.domain.errors import StoreError, UnavailableError
from holdfast.core.domain.processes import Ending, ProcessSpec
from holdfast.core.sandbox.environment import child_environment
from holdfast.core.sandbox.process import ChildProcesses

Shell = Callable[..., ProcessSpec]
DETACHED = f"""{sys.executable} -I -S -c '
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("pid", os.getpid(), flush=True)
        time.sleep(600)
    os._exit(0)
' & """


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def full_disk() -> Iterator[BinaryIO]:
    with Path("/dev/full").open("wb", buffering=0) as device:
        yield cast(BinaryIO, device)


class Listener:
    """Collects output and lets a test wait for a text in it."""

    def __init__(self) -> None:
        self.text = ""
        self.came = asyncio.Event()

    def __call__(self, text: str) -> None:
        self.text += text
        self.came.set()

    async def wait_for(self, text: str, times: int = 1) -> None:
        async with asyncio.timeout(5):
            while self.text.count(text) < times:
                self.came.clear()
                await self.came.wait()

    @property
    def pids(self) -> list[int]:
        lines = [line.split() for line in self.text.splitlines()]
        return [int(words[1]) for words in lines if words[:1] == ["pid"]]


async def test_output_and_exit_code_come_back(processes: ChildProcesses, shell: Shell) -> None:
    result = await processes.run(shell("echo out; echo err >&2; pwd; exit 3", environment={"X": "y"}))
    assert (result.ending, result.exit_code, result.complete) == (Ending.EXITED, 3, True)
    assert result.head == f"out\nerr\n{shell('').cwd}\n"


async def test_a_signal_is_told_as_a_shell_tells_it(processes: ChildProcesses, shell: Shell) -> None:
    assert (await processes.run(shell("kill -SEGV $$"))).exit_code == 128 + signal.SIGSEGV


async def test_a_program_that_does_not_exist_is_said(processes: ChildProcesses, tmp_path: Path) -> None:
    result = await processes.run(ProcessSpec(("/no/such",), tmp_path, {}, 5))
    assert (result.exit_code, result.head) == (127, "/no/such: No such file or directory\n")
    with pytest.raises(UnavailableError):
        await processes.run(ProcessSpec(("/bin/true",), tmp_path / "nowhere", {}, 5))
    with pytest.raises(UnavailableError):
        await processes.run(ProcessSpec(("/bin/echo", "a\0b"), tmp_path, {}, 5))


async def test_standard_input_is_empty_unless_given(processes: ChildProcesses, shell: Shell) -> None:
    assert (await processes.run(shell("cat; echo end"))).head == "end\n"
    assert (await processes.run(shell("cat", stdin=b"given" * 50_000))).total_bytes == 250_000


async def test_the_child_sees_only_the_environment_it_is_given(
    processes: ChildProcesses, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-1")
    monkeypatch.setenv("SOMETHING", "canary-2")
    result = await processes.run(
        shell("env; cat /proc/$PPID/environ", environment=child_environment(os.environ))
    )
    assert "PATH=" in result.head
    assert "canary" not in result.head


async def test_it_has_no_core_dumps_no_new_privileges_and_no_descriptors_of_ours(
    processes: ChildProcesses, shell: Shell, tmp_path: Path
) -> None:
    (tmp_path / "open").write_text("")
    with (tmp_path / "open").open() as ours:
        os.set_inheritable(ours.fileno(), True)
        result = await processes.run(shell("ulimit -c; grep NoNewPrivs /proc/self/status; ls /proc/self/fd"))
    lines = result.head.split()
    assert lines[0] == "0"
    assert lines[1:3] == ["NoNewPrivs:", "1"]
    assert set(lines[3:]) <= {"0", "1", "2", "3"}


async def test_a_time_limit_ends_the_whole_group(processes: ChildProcesses, shell: Shell) -> None:
    heard = Listener()
    script = "trap '' TERM; sleep 600 & echo pid $!; echo pid $$; sleep 600"
    began = time.monotonic()
    result = await processes.run(shell(script, timeout_s=0.5), on_output=heard)
    assert result.ending is Ending.TIMED_OUT
    assert result.exit_code == 128 + signal.SIGKILL
    assert time.monotonic() - began < 5
    assert len(heard.pids) == 2
    assert not any(running(pid) for pid in heard.pids)


async def test_a_program_may_clean_up_before_it_is_killed(processes: ChildProcesses, shell: Shell) -> None:
    result = await processes.run(shell("trap 'echo cleaned; exit 7' TERM; sleep 600 & wait", timeout_s=0.5))
    assert (result.head, result.exit_code) == ("cleaned\n", 7)


async def test_cancelling_leaves_nothing_not_even_a_detached_grandchild(
    processes: ChildProcesses, shell: Shell
) -> None:
    heard = Listener()
    task = asyncio.create_task(
        processes.run(shell(DETACHED + "echo pid $$; sleep 600 & echo pid $!; wait"), on_output=heard)
    )
    await heard.wait_for("pid", times=3)
    assert all(running(pid) for pid in heard.pids)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, timeout=10)
    assert not any(running(pid) for pid in heard.pids)


async def test_being_cancelled_again_while_ending_changes_nothing(
    processes: ChildProcesses, shell: Shell
) -> None:
    heard = Listener()
    task = asyncio.create_task(processes.run(shell("trap '' TERM; echo pid $$; sleep 600"), on_output=heard))
    await heard.wait_for("pid")
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, timeout=10)
    assert not any(running(pid) for pid in heard.pids)


async def test_what_a_command_leaves_in_the_background_is_ended_with_it(
    processes: ChildProcesses, shell: Shell
) -> None:
    result = await processes.run(shell(DETACHED + "sleep 600 & echo pid $!; sleep 0.5"))
    pids = [int(line.split()[1]) for line in result.head.splitlines()]
    assert result.ending is Ending.EXITED
    assert len(pids) == 2
    assert not any(running(pid) for pid in pids)


ENGINE = """
import asyncio, sys
from pathlib import Path
from holdfast.core.domain.processes import ProcessSpec
from holdfast.core.sandbox.process import ChildProcesses
spec = ProcessSpec(("/bin/sh", "-c", sys.argv[1]), Path("/"), {"PATH": "/usr/bin:/bin"}, 600)
asyncio.run(ChildProcesses(grace_s=0.1).run(spec, on_output=lambda text: print(text, end="", flush=True)))
"""


def test_nothing_survives_the_engine(tmp_path: Path) -> None:
    script = DETACHED + "echo pid $$; wait; sleep 600"
    with subprocess.Popen(
        [sys.executable, "-c", ENGINE, script], stdout=subprocess.PIPE, text=True
    ) as engine:
        assert engine.stdout is not None
        pids = [int(engine.stdout.readline().split()[1]) for _ in range(2)]
        engine.kill()
    until = time.monotonic() + 10
    while any(running(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(running(pid) for pid in pids)


async def test_a_command_that_kills_its_warden_dies_too(processes: ChildProcesses, shell: Shell) -> None:
    heard = Listener()
    result = await asyncio.wait_for(
        processes.run(
            shell("sleep 600 & echo pid $!; echo pid $$; kill -9 $PPID; sleep 600"), on_output=heard
        ),
        15,
    )
    assert result.exit_code == 128 + signal.SIGKILL
    assert not any(running(pid) for pid in heard.pids)


async def test_a_hundred_thousand_lines_cost_little_and_stay_bounded(
    processes: ChildProcesses, shell: Shell
) -> None:
    calls = 0
    chars = 0

    def count(text: str) -> None:
        nonlocal calls, chars
        calls += 1
        chars += len(text)

    before = resource.getrusage(resource.RUSAGE_SELF)
    with tempfile.TemporaryFile() as spool:
        result = await processes.run(
            shell('i=0; while [ $i -lt 100000 ]; do i=$((i+1)); echo "line $i"; done', keep_chars=1000),
            on_output=count,
            spool=spool,
        )
        after = resource.getrusage(resource.RUSAGE_SELF)
        spool.seek(0)
        assert spool.read() == "".join(f"line {i}\n" for i in range(1, 100_001)).encode()
    assert result.head.startswith("line 1\nline 2\n")
    assert result.tail.endswith("line 99999\nline 100000\n")
    assert len(result.head) + len(result.tail) == 1000
    assert result.omitted == chars - 1000
    assert result.total_bytes == chars
    assert calls < 2_000
    # About 0.02 s; a wake-up for every line would need seconds.
    assert after.ru_utime - before.ru_utime < 1


async def test_output_without_end_is_ended(processes: ChildProcesses, shell: Shell) -> None:
    result = await processes.run(shell("yes", max_output_bytes=3 * 2**20))
    assert result.ending is Ending.OUTPUT_LIMIT
    assert 3 * 2**20 < result.total_bytes < 8 * 2**20


async def test_output_comes_while_the_command_runs(
    processes: ChildProcesses, shell: Shell, tmp_path: Path
) -> None:
    heard = Listener()
    task = asyncio.create_task(
        processes.run(
            shell("echo first; while [ ! -e go ]; do sleep 0.02; done; echo second"), on_output=heard
        )
    )
    await heard.wait_for("first")
    (tmp_path / "go").touch()
    result = await asyncio.wait_for(task, timeout=10)
    assert result.head == "first\nsecond\n"


async def test_a_spool_that_is_full_ends_the_command(
    processes: ChildProcesses, shell: Shell, full_disk: BinaryIO
) -> None:
    with pytest.raises(StoreError):
        await processes.run(shell("echo x; sleep 600"), spool=full_disk)


async def test_many_at_once_leave_no_descriptor_open(processes: ChildProcesses, shell: Shell) -> None:
    await processes.run(shell("true"))
    before = len(list(Path("/proc/self/fd").iterdir()))
    results = await asyncio.gather(*(processes.run(shell(f"echo {n}")) for n in range(12)))
    assert [result.head for result in results] == [f"{n}\n" for n in range(12)]
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
