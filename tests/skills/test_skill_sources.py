"""Where skills come from over the network: https only, public addresses only, and git without its tricks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from holdfast.core.config.settings import Settings
from holdfast.core.domain.errors import ForbiddenError, InvalidError, TooLargeError, ToolError
from holdfast.core.domain.processes import Ending, ProcessResult, ProcessSpec
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.services.skills import SkillSources
from holdfast.core.skills.git import GitFetcher, is_git
from holdfast.core.skills.limits import MAX_PACKED_BYTES
from holdfast.core.skills.packed import unpacked
from holdfast.core.tools.web import WebFetcher

ADDRESSES = {"a.test": "93.184.215.14", "inside.test": "10.0.0.7", "meta.test": "169.254.169.254"}


async def resolve(host: str, port: int) -> Sequence[str]:
    return [ADDRESSES[host]]


class NoProcesses:
    """Runs nothing, and keeps what was asked; git says its version unless a result is given."""

    def __init__(self, result: ProcessResult | None = None, version: str = "git version 2.39.5\n") -> None:
        self.specs: list[ProcessSpec] = []
        self.version = None if result else ProcessResult(Ending.EXITED, 0, version, "", len(version), 0.1)
        self.result = result or ProcessResult(Ending.EXITED, 1, "no", "", 2, 0.1)

    async def run(self, spec: ProcessSpec, *, on_output: Any = None, spool: Any = None) -> ProcessResult:
        if self.version and spec.command[-1] == "version":
            assert not spec.reach or not spec.reach.network
            return self.version
        self.specs.append(spec)
        return self.result


def sources(answers: dict[str, httpx.Response] | None = None, processes: Any = None) -> SkillSources:
    def answer(request: httpx.Request) -> httpx.Response:
        return (answers or {})[f"{request.headers['host']}{request.url.path}"]

    web = WebFetcher(resolve=resolve, transport=lambda: httpx.MockTransport(answer))
    git = GitFetcher(
        NoProcesses() if processes is None else processes, {"PATH": os.environ["PATH"]}, resolve=resolve
    )
    return SkillSources(web, git, lambda project: Settings())


def page(body: bytes, status: int = 200) -> httpx.Response:
    async def stream() -> AsyncIterator[bytes]:
        yield body

    return httpx.Response(status, content=stream())


def moved(to: str) -> httpx.Response:
    return httpx.Response(302, headers={"location": to})


async def test_a_zip_and_a_text_are_fetched(pack: Any, text: Any) -> None:
    answers = {"a.test/s.zip": page(pack({"m/SKILL.md": text()})), "a.test/SKILL.md": page(text().encode())}
    assert set(await sources(answers).fetched("https://a.test/s.zip", "")) == {"m/SKILL.md"}
    assert await sources(answers).fetched("https://a.test/SKILL.md", "") == {"SKILL.md": text().encode()}


@pytest.mark.parametrize("address", ["http://a.test/s.zip", "ftp://a.test/s.zip", "https://u:p@a.test/x"])
async def test_what_is_not_https_is_refused(address: str) -> None:
    with pytest.raises(InvalidError):
        await sources().fetched(address, "")


@pytest.mark.parametrize("host", ["inside.test", "meta.test"])
async def test_an_address_that_is_not_public_is_refused_also_behind_a_redirection(host: str) -> None:
    with pytest.raises(ForbiddenError):
        await sources().fetched(f"https://{host}/s.zip", "")
    with pytest.raises(ForbiddenError):
        await sources({"a.test/s.zip": moved(f"https://{host}/s.zip")}).fetched("https://a.test/s.zip", "")


async def test_a_redirection_to_http_is_not_followed() -> None:
    answers = {"a.test/s.zip": moved("http://a.test/t.zip"), "a.test/t.zip": page(b"x")}
    with pytest.raises(ToolError, match="not https"):
        await sources(answers).fetched("https://a.test/s.zip", "")


async def test_what_is_not_there_and_what_is_too_large_is_told() -> None:
    answers = {"a.test/no": page(b"gone", 404), "a.test/big": page(bytes(MAX_PACKED_BYTES + 1))}
    with pytest.raises(ToolError, match="404"):
        await sources(answers).fetched("https://a.test/no", "")
    with pytest.raises(TooLargeError):
        await sources(answers).fetched("https://a.test/big", "")


@pytest.mark.parametrize(
    "source",
    [
        "git@a.test:x/y.git",
        "ssh://a.test/x.git",
        "git://a.test/x.git",
        "file:///tmp/x.git",
        "http://a.test/x.git",
        "git+ssh://a.test/x",
        "git+file:///etc",
        "git+ext::sh -c id",
    ],
)
async def test_git_speaks_https_alone(source: str) -> None:
    processes = NoProcesses()
    assert is_git(source)
    with pytest.raises(InvalidError):
        await sources(processes=processes).fetched(source, "")
    assert processes.specs == []


async def test_git_gets_no_private_address_and_connects_to_the_one_that_was_checked() -> None:
    processes = NoProcesses()
    with pytest.raises(ForbiddenError):
        await sources(processes=processes).fetched("https://inside.test/x.git", "")
    assert processes.specs == []
    with pytest.raises(ToolError):
        await sources(processes=processes).fetched("git+https://a.test/x", "")
    [spec] = processes.specs
    assert "http.curloptResolve=a.test:443:93.184.215.14" in spec.command
    assert spec.command[-2] == "https://a.test/x"
    assert "http.followRedirects=false" in spec.command
    assert spec.environment["GIT_ALLOW_PROTOCOL"] == "https"
    assert spec.environment["GIT_TERMINAL_PROMPT"] == "0"


@pytest.mark.parametrize(
    "said", ["git version 2.36.6", "git version 1.99.0", "git version 2.9.0", "none", ""]
)
async def test_a_git_that_would_look_the_name_up_again_is_refused(said: str) -> None:
    processes = NoProcesses(version=said)
    with pytest.raises(ToolError, match=r"git 2\.37 or newer is needed"):
        await sources(processes=processes).fetched("https://a.test/x.git", "")
    assert processes.specs == []


@pytest.mark.parametrize(
    "said", ["git version 2.37.0", "git version 2.50.1 (Apple Git-155)", "git version 3.0"]
)
async def test_a_git_that_is_new_enough_is_used(said: str) -> None:
    processes = NoProcesses(version=said)
    with pytest.raises(ToolError, match="git cannot fetch it"):
        await sources(processes=processes).fetched("https://a.test/x.git", "")
    assert len(processes.specs) == 1


async def test_a_git_that_hangs_or_is_not_there_is_told() -> None:
    for ending, code, wanted in [
        (Ending.TIMED_OUT, 143, "did not end"),
        (Ending.EXITED, 127, "not installed"),
    ]:
        processes = NoProcesses(ProcessResult(ending, code, "", "", 0, 1))
        with pytest.raises(ToolError, match=wanted):
            await sources(processes=processes).fetched("https://a.test/x.git", "")


def commit(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=x", "-c", "user.email=x@x.test", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, timeout=20)


async def test_a_real_repository_is_packed_without_its_hooks_and_links(tmp_path: Path, text: Any) -> None:
    repository, proof = tmp_path / "repository", tmp_path / "proof"
    (repository / "skills" / "minutes").mkdir(parents=True)
    (repository / "skills" / "minutes" / "SKILL.md").write_text(text())
    (repository / "link").symlink_to("/etc/passwd")
    commit(repository, "init", "--quiet")
    commit(repository, "add", ".")
    commit(repository, "commit", "--quiet", "--message=x")
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {proof}\n")
    hook.chmod(0o755)
    environment = {"PATH": os.environ["PATH"]}
    git = GitFetcher(ChildProcesses(), environment, protocols="file")
    url = repository.as_uri()
    assert set(unpacked(await git.packed(url, "skills/minutes"))) == {"skills/minutes/SKILL.md"}
    with pytest.raises(InvalidError, match="link"):
        unpacked(await git.packed(url))
    assert not proof.exists()
    # As it is used, git itself refuses local repositories too.
    with pytest.raises(ToolError, match="git cannot fetch it"):
        await GitFetcher(ChildProcesses(), environment).packed(url)
