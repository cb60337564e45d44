"""Programs that try what they must not: under bubblewrap, and under Landlock where that can promise it."""

import asyncio
import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.confinement import Guard
from holdfast.core.domain.processes import Ending, ProcessResult, ProcessSpec, Reach
from holdfast.core.sandbox.process import ChildProcesses

CANARY = "canary-of-a-secret"
CONNECT = f"{sys.executable} -I -S -c 'import socket, sys; socket.socket({{}}).connect({{}})'"
DAEMON = f"""{sys.executable} -I -S -c '
import fcntl, os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        lock = open("lock", "w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        print("locked", flush=True)
        time.sleep(600)
    os._exit(0)
'; """


class Land:
    """A machine in a folder: a home, Holdfast's own home, a workspace, and something beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home, self.own, self.workspace, self.temporary = (
            root / name for name in ("home", "holdfast", "workspace", "temporary")
        )
        self.key = self.own / "config" / "keys.yaml"
        self.outside = root / "outside"
        for folder in (self.home / ".ssh", self.key.parent, self.workspace, self.temporary):
            folder.mkdir(parents=True)
        for secret in (
            self.key,
            self.home / ".ssh" / "id",
            self.home / ".npmrc",
            self.home / ".bash_history",
        ):
            secret.write_text(CANARY)
        for plain in (self.outside, self.home / ".gitconfig"):
            plain.write_text("before")

    def spec(self, script: str, **more: Any) -> ProcessSpec:
        # All of it is shown, so that what is hidden is hidden by name and not because /tmp is private.
        reach = Reach(writable=(self.workspace,), readable=(self.root,), **more.pop("reach", {}))
        given: dict[str, Any] = {"cwd": self.workspace, "timeout_s": 20, "reach": reach, **more}
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.home), "LC_ALL": "C"}
        return ProcessSpec(command=("/bin/sh", "-c", script), environment=environment, **given)


@pytest.fixture
def land(tmp_path: Path) -> Land:
    return Land(tmp_path.resolve())


@pytest.fixture(params=[Guard.BUBBLEWRAP, Guard.LANDLOCK])
def guard(request: pytest.FixtureRequest) -> Guard:
    return Guard(request.param)


@pytest.fixture
async def confined(land: Land, guard: Guard, confine: Callable[..., Any]) -> ChildProcesses:
    processes = confine(guard, home=land.home, closed=(land.own,), temporary=(land.temporary,))
    assert (await processes.protection()).guard is guard
    return processes


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


async def test_keys_of_holdfast_and_of_the_home_are_not_there(confined: ChildProcesses, land: Land) -> None:
    reading = f"cat {land.key} {land.home}/.ssh/id {land.home}/.npmrc {land.home}/.bash_history"
    unconfined = await ChildProcesses().run(land.spec(reading))
    assert unconfined.head.count(CANARY) == 4
    result = await confined.run(land.spec(f"{reading}; cd ~; cat .gitconfig"))
    assert CANARY not in result.head
    assert result.head.endswith("before"), "the rest of the home can be read"


async def test_nothing_outside_of_the_workspace_can_be_changed(confined: ChildProcesses, land: Land) -> None:
    script = f"""
    echo in > inside
    echo out > {land.outside}; echo out >> ~/.gitconfig; echo out > ~/new; rm -f {land.outside}
    mv {land.outside} moved; ln {land.outside} linked; mkdir {land.root}/made; truncate -s 0 {land.outside}
    {sys.executable} -I -S -c 'import os; os.truncate("{land.outside}", 0)'
    """
    await confined.run(land.spec(script))
    assert (land.workspace / "inside").read_text() == "in\n"
    assert land.outside.read_text() == "before"
    assert (land.home / ".gitconfig").read_text() == "before"
    assert not (land.home / "new").exists()
    assert not (land.root / "made").exists()


async def test_a_link_in_the_workspace_does_not_lead_out(confined: ChildProcesses, land: Land) -> None:
    (land.workspace / "link").symlink_to(land.outside)
    (land.workspace / "folder").symlink_to(land.home)
    (land.workspace / "keys").symlink_to(land.own)
    result = await confined.run(
        land.spec("echo out > link; echo out > folder/new; cat keys/config/keys.yaml; cat link")
    )
    assert land.outside.read_text() == "before"
    assert not (land.home / "new").exists()
    assert CANARY not in result.head
    assert result.head.endswith("before"), "what can be read anyway can be read by a link"


async def test_the_environment_of_the_engine_cannot_be_read(confined: ChildProcesses, land: Land) -> None:
    script = f"tr '\\0' '\\n' < /proc/{os.getpid()}/environ"
    assert (await ChildProcesses().run(land.spec(script))).exit_code == 0
    result = await confined.run(land.spec(script))
    assert result.exit_code != 0
    assert "PATH=" not in result.head


async def test_other_processes_cannot_be_killed(
    confined: ChildProcesses, guard: Guard, land: Land, victim: subprocess.Popen[bytes], landlock_version: int
) -> None:
    if guard is Guard.LANDLOCK and landlock_version < 6:
        pytest.skip("the kernel's Landlock does not keep from signals")
    result = await confined.run(land.spec(f"kill -9 {victim.pid}"))
    assert result.exit_code != 0
    assert victim.poll() is None


@pytest.mark.parametrize("guard", [Guard.BUBBLEWRAP])
async def test_the_socket_of_the_engine_is_not_there(
    confined: ChildProcesses, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(land.own)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind("engine.sock")
        engine.listen()
        script = f"cd {land.own}; " + CONNECT.format("socket.AF_UNIX", '"engine.sock"')
        assert (await ChildProcesses().run(land.spec(script))).exit_code == 0
        assert "No such file" in (await confined.run(land.spec(script))).head


@pytest.mark.parametrize("how", ["not asked for", "denied", "allowed"])
async def test_the_network_is_there_for_commands_unless_it_is_denied(
    land: Land, guard: Guard, how: str, confine: Callable[..., Any]
) -> None:
    setting = {"network": "deny"} if how == "denied" else {}
    processes = confine(guard, setting, home=land.home, temporary=(land.temporary,))
    with socket.create_server(("127.0.0.1", 0)) as server:
        script = CONNECT.format("", f'("127.0.0.1", {server.getsockname()[1]})')
        result = await processes.run(land.spec(script, reach={"network": how != "not asked for"}))
    assert (result.exit_code == 0) == (how == "allowed")


async def test_a_daemon_is_gone_when_the_call_is_cancelled(confined: ChildProcesses, land: Land) -> None:
    locked = asyncio.Event()
    task = asyncio.create_task(
        confined.run(land.spec(f"{DAEMON} sleep 600"), on_output=lambda text: locked.set())
    )
    await asyncio.wait_for(locked.wait(), 10)
    with (land.workspace / "lock").open() as lock:
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, timeout=10)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


async def test_what_is_left_in_the_background_ends_with_the_command(
    confined: ChildProcesses, land: Land
) -> None:
    script = f"{DAEMON} while ! [ -s lock ] && ! [ -e lock ]; do sleep 0.02; done; echo done"
    result = await asyncio.wait_for(confined.run(land.spec(script)), 15)
    assert result.ending is Ending.EXITED
    with (land.workspace / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


async def test_a_program_may_clean_up_before_it_is_killed_confined(
    confined: ChildProcesses, land: Land
) -> None:
    script = "trap 'echo cleaned; exit 7' TERM; sleep 600 & wait"
    result = await confined.run(land.spec(script, timeout_s=0.7))
    assert (result.ending, result.head, result.exit_code) == (Ending.TIMED_OUT, "cleaned\n", 7)


async def test_folder_exit_code_signal_and_limits_are_as_without(
    confined: ChildProcesses, land: Land
) -> None:
    async def run(script: str) -> ProcessResult:
        return await confined.run(land.spec(script))

    assert (await run("pwd; exit 3")).head == f"{land.workspace}\n"
    assert (await run("exit 3")).exit_code == 3
    assert (await run("kill -SEGV $$")).exit_code == 128 + signal.SIGSEGV
    limits = (await run("ulimit -c; ulimit -f; grep NoNewPrivs /proc/self/status; id -u")).head.split()
    assert (limits[0], limits[1] != "unlimited", limits[3], limits[4]) == ("0", True, "1", str(os.getuid()))


async def test_the_workspace_of_a_session_is_open_inside_of_the_hidden_home(
    confined: ChildProcesses, land: Land
) -> None:
    folder = land.own / "data" / "workspaces" / "s1"
    folder.mkdir(parents=True)
    (folder.parent / "s2").mkdir()
    (folder.parent / "s2" / "file").write_text(CANARY)
    script = "echo in > file && cat file; cat ../s2/file; cat ../../../config/keys.yaml; echo out > ../other"
    spec = ProcessSpec(("/bin/sh", "-c", script), folder, {"PATH": "/usr/bin:/bin"}, 20)
    result = await confined.run(spec)
    assert result.head.startswith("in\n")
    assert CANARY not in result.head
    assert not (folder.parent / "other").exists()


@pytest.mark.parametrize("guard", [Guard.BUBBLEWRAP])
async def test_what_is_hidden_inside_of_a_workspace_cannot_be_moved_to_another_name(
    land: Land, guard: Guard, confine: Callable[..., Any]
) -> None:
    inside = land.workspace / ".local" / "share" / "holdfast"
    inside.mkdir(parents=True)
    (inside / "key").write_text(CANARY)
    processes = confine(guard, home=land.home, closed=(inside,), temporary=(land.temporary,))
    await processes.run(land.spec("mv .local moved; mv .local/share moved; rm -rf .local"))
    result = await processes.run(
        land.spec("cat moved/share/holdfast/key moved/holdfast/key; echo in > .local/new")
    )
    assert CANARY not in result.head
    assert (inside / "key").read_text() == CANARY
    assert (land.workspace / ".local" / "new").exists()


async def test_settings_show_hide_and_open_paths(
    land: Land, guard: Guard, confine: Callable[..., Any]
) -> None:
    (land.home / "cache").mkdir()
    setting = {
        "readable": ("~/.npmrc",),
        "hidden": (str(land.outside), "~/none"),
        "writable": ("~/cache",),
    }
    processes = confine(guard, setting, home=land.home, closed=(land.own,), temporary=(land.temporary,))
    script = f"cat ~/.npmrc; cat {land.outside}; echo in > ~/cache/file; cat ~/.ssh/id; echo out > ~/.npmrc"
    result = await processes.run(land.spec(script))
    assert result.head.count(CANARY) == 1
    assert "before" not in result.head
    assert (land.home / "cache" / "file").read_text() == "in\n"
    assert (land.home / ".npmrc").read_text() == CANARY


@pytest.mark.parametrize("guard", [Guard.BUBBLEWRAP])
async def test_the_folder_for_temporary_files_is_private_to_a_workspace_and_lasts(
    confined: ChildProcesses, land: Land
) -> None:
    other = land.root / "other"
    other.mkdir()
    (land.temporary / "of-the-system").write_text(CANARY)

    async def run(script: str, folder: Path, *, keeps: bool = True) -> str:
        reach = Reach(writable=(folder,), keeps_temporary=keeps)
        spec = ProcessSpec(
            ("/bin/sh", "-c", script), folder, {"PATH": "/bin", "TMPDIR": "/gone"}, 20, reach=reach
        )
        return (await confined.run(spec)).head

    listing = "ls $TMPDIR | grep -v pytest; true"
    assert await run("echo mine > /tmp/left; echo $TMPDIR", land.workspace) == "/tmp\n"
    assert "left" in await run(listing, land.workspace)
    assert "left" not in await run(listing, other)
    assert "left" not in await run(listing, land.workspace, keeps=False)
    assert not Path("/tmp/left").exists()


@pytest.mark.parametrize("guard", [Guard.BUBBLEWRAP])
async def test_a_hidden_file_looks_empty_and_is_no_mistake(confined: ChildProcesses, land: Land) -> None:
    result = await confined.run(land.spec("cat ~/.npmrc && wc -c < ~/.npmrc && ls -A ~/.ssh"))
    assert (result.exit_code, result.head.strip()) == (0, "0")
