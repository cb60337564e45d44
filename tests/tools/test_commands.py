import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.tools.commands import subjects_of


@pytest.mark.parametrize(
    "command",
    [
        "git log",
        "pytest -q tests/a.py",
        "ls -la 2>/dev/null",
        "make 2>&1",
        "echo 'a; b && c | d'",
        'echo "a > b"',
        r"echo a\;b",
        "grep 'x(y)' f",
        "cat < in.txt",
    ],
)
def test_a_simple_command_is_one_subject(command: str) -> None:
    assert subjects_of(f"  {command} ") == (command,)


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        ("git log; rm -rf x", {"git log", "rm -rf x"}),
        ("git log; rm\t-rf\tx", {"git log", "rm -rf x"}),
        ("rm${IFS}x", {"rm x"}),
        ("rm$IFS-rf x", {"rm -rf x"}),
        ("sudo -u root rm x", {"rm x"}),
        ("sudo -n /bin/rm x", {"rm x"}),
        ("nice -n 5 rm x", {"rm x"}),
        ("xargs -n 1 rm x", {"rm x"}),
        ("timeout 5 rm x", {"rm x"}),
        ("time -p rm x", {"rm x"}),
        ("stdbuf -o0 rm x", {"rm x"}),
        ("git log && rm x || ls", {"git log", "rm x", "ls"}),
        ("git log|sh", {"git log", "sh"}),
        ("git log &rm x", {"git log", "rm x"}),
        ("git log\nrm x", {"git log", "rm x"}),
        ("git log $(rm x)", {"git log", "rm x"}),
        ("git log `rm x`", {"git log", "rm x"}),
        ('git log "$(rm x)"', {"rm x"}),
        ('git log "`rm x`"', {"rm x"}),
        ("(rm x)", {"rm x"}),
        ("{ rm x; }", {"rm x"}),
        ("if true; then rm x; fi", {"true", "rm x"}),
        ("while ! rm x; do ls; done", {"rm x", "ls"}),
        ("echo 'unbalanced; rm x", {"rm x"}),
        ("cat <<E\nx\nE\nrm x", {"rm x"}),
        ("echo $'a\\'; rm x #'", {"rm x #'"}),
        ("echo hi # 'comment\nrm x", {"rm x"}),
        ("ls \\\n; rm x", {"rm x"}),
        ("diff <(rm x) y", {"rm x"}),
        ("FOO=1 rm x", {"FOO=1 rm x", "rm x"}),
        ("sudo -n rm x", {"sudo -n rm x", "rm x"}),
        ("env A=b nohup rm x", {"rm x"}),
        ("'r'm x", {"rm x"}),
        (r"r\m x", {"rm x"}),
        ("/bin/rm x", {"/bin/rm x", "rm x"}),
        ("echo x > ~/.bashrc", {"echo x > ~/.bashrc", "> ~/.bashrc"}),
        ("echo x >>log 2>err", {"> log", "> err"}),
        ("echo x &> out", {"> out"}),
        ("echo x >| 'my file'", {"> 'my file'"}),
        ("a=$(rm x)", {"rm x"}),
        ("A='b c' rm x", {"rm x"}),
        ('A="$(b) c d" rm x', {"b", "rm x"}),
        ('git log "$(echo "$(rm x)")"', {"rm x"}),
        ("A=\\\nb rm x", {"rm x"}),
        ("2>&1 rm x", {"rm x"}),
        (">'a b' <c rm x", {"> 'a b'", "rm x"}),
        ("$nothing rm x", {"rm x"}),
        ("${nothing:-rm x}", {"rm x}"}),
    ],
)
def test_the_commands_and_the_files_written_are_found(command: str, parts: set[str]) -> None:
    found = subjects_of(command)
    assert found[0] == command
    assert parts <= set(found)


def test_a_hostile_command_line_costs_little() -> None:
    for command in ("a=1 " * 7_000, "a;" * 15_000, "sudo " * 6_000, '"$(' * 10_000, "`" * 30_000):
        assert len(subjects_of(command)) < 200


@given(st.text(max_size=60))
def test_there_is_always_a_subject_and_never_an_error(command: str) -> None:
    found = subjects_of(command)
    assert found[0] == command.strip()
    assert len(set(found)) == len(found)


PIECES = st.sampled_from(
    [
        "echo",
        " ",
        "'",
        '"',
        "\\",
        ";",
        "&",
        "|",
        "$(",
        ")",
        "`",
        "\n",
        "#",
        "x",
        "$'",
        "(",
        "{ ",
        "; }",
        "&&",
        ">y",
    ]
)


@settings(derandomize=True, deadline=None, max_examples=150)
@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")
@given(before=st.lists(PIECES, max_size=6).map("".join), after=st.lists(PIECES, max_size=4).map("".join))
def test_a_command_that_a_shell_would_run_is_always_found(before: str, after: str) -> None:
    """The invariant that keeps allow rules from being escaped, asked of a real shell that runs nothing else.

    `hit` is a function that tells it was called; every other name is a builtin or does not exist.
    """
    command = f"{before} hit {after}"
    script = f"hit() {{ printf HIT >&3; }}\nPATH=\n{command}"
    with subprocess.Popen(
        ["/bin/sh", "-c", 'exec 3>&1 1>/dev/null 2>/dev/null </dev/null\neval "$1"', "sh", script],
        stdout=subprocess.PIPE,
        cwd="/proc",
        env={},
    ) as shell:
        out, _ = shell.communicate(timeout=10)
    if b"HIT" in out:
        names = {part.split()[0] for part in subjects_of(command) if part.split()}
        assert "hit" in names
