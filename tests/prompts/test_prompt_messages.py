"""What becomes of prompts: values, files and resources in messages, and what is refused."""

from __future__ import annotations

import asyncio
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.errors import (
    STATUS,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    OutsideWorkspace,
    TooLargeError,
    ToolError,
)
from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.core.domain.messages import FilePart, ImagePart, TextPart
from holdfast.core.domain.prompts import (
    GivenContent,
    PromptArgument,
    PromptInfo,
    PromptOrigin,
    PromptSpec,
    ServerPrompt,
)
from holdfast.core.domain.runs import RunOptions
from holdfast.core.domain.templates import Template
from holdfast.core.domain.text import sanitize
from holdfast.core.services.local import LocalWorkbench
from holdfast.core.services.prompt_resolving import MAX_TAKEN, Asked, given_for
from holdfast.server.kit.auth import LocalDoor
from holdfast.server.listener import listen
from holdfast.server.lock import bind_socket
from holdfast.server.native.client import RemoteWorkbench
from holdfast.server.native.routes import native_app

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


async def made(bench, text: str, line: str = "", *arguments: PromptArgument, **more):
    await bench.prompts.create(PromptSpec(name="it", text=text, arguments=arguments))
    return await bench.prompts.resolve("it", line=line, **more)


def texts(resolved) -> list[str]:
    return [part.text if isinstance(part, TextPart) else part.name for part in resolved.parts]


async def test_values_come_by_name_by_place_and_as_they_are_written(bench) -> None:
    text = "{{who}} says {{what}}."
    assert texts(await made(bench, text, 'Ann "good day" all')) == ["Ann says good day all."]
    named = await bench.prompts.resolve("it", {"who": "Bo", "what": "{{who}} $1"})
    assert texts(named) == ["Bo says {{who}} $1."]
    assert texts(await bench.prompts.resolve("it", {"what": "hi"}, words=("Cy",))) == ["Cy says hi."]


async def test_what_is_required_and_missing_is_named(bench) -> None:
    with pytest.raises(InvalidError, match="The prompt it needs b, c") as caught:
        await made(
            bench,
            "{{a}}{{b}}{{c}}{{d}}",
            "a=1",
            PromptArgument(name="a"),
            PromptArgument(name="b", required=True),
            PromptArgument(name="d", default="x"),
        )
    assert caught.value.code == "missing_arguments"
    assert caught.value.details == {"missing": ["b", "c"]}
    assert texts(await bench.prompts.resolve("it", {"b": "2", "c": "3", "d": ""})) == ["23x"]
    with pytest.raises(InvalidError) as caught:
        await bench.prompts.resolve("it", {"b": " ", "c": "3"})
    assert caught.value.details == {"missing": ["b"]}


async def test_a_prompt_that_would_be_empty_is_not_made(bench) -> None:
    with pytest.raises(InvalidError) as caught:
        await made(bench, "$ARGUMENTS")
    assert (caught.value.code, caught.value.details) == ("missing_arguments", {"missing": []})


async def test_an_argument_that_it_has_not_is_refused_with_the_nearest(bench) -> None:
    with pytest.raises(InvalidError, match="did you mean `file`") as caught:
        await made(bench, "{{file}}", "x")
        await bench.prompts.resolve("it", {"flie": "x"})
    assert caught.value.code == "unknown_argument"


async def test_terminal_escapes_and_unseen_letters_are_left_out(bench) -> None:
    assert texts(await made(bench, "a\x1b[31m{{b}}", "\x1b]0;x\x07c\U000e0041")) == ["a[31m]0;xc"]


@given(
    st.dictionaries(st.sampled_from("abc"), st.text(max_size=20)), st.lists(st.text(max_size=9), max_size=4)
)
def test_no_value_that_was_given_is_changed(named: dict[str, str], words: list[str]) -> None:
    info = PromptInfo(
        key="own:x",
        name="x",
        origin=PromptOrigin.OWN,
        arguments=tuple(PromptArgument(name=name) for name in "abc"),
    )
    template = Template("{{a}}|{{b}}|{{c}}")
    values = given_for(info, template, Asked(named, tuple(words)))
    assert {name: value for name, value in named.items() if value}.items() <= values.named.items()
    # The words are all there, in the names that were open or below.
    open_names = [name for name in "abc" if name not in named]
    rest = " ".join([*(values.named.get(name, "") for name in open_names), *values.words])
    assert sanitize(rest).split() == sanitize(" ".join(words)).split()


# --- files


async def test_a_mentioned_file_of_the_session_goes_along(bench) -> None:
    (bench.project / "notes.md").write_text("# Notes")
    (bench.project / "my plan.md").write_text("plan")
    session = await bench.session()
    found = await made(
        bench, "Compare @notes.md, @{{file}} and @nobody.", "my plan.md", session_id=session.id
    )
    assert texts(found) == ["Compare @notes.md, @my plan.md and @nobody.", "notes.md", "my plan.md"]
    assert found.resources == ("notes.md", "my plan.md")
    assert isinstance(found.parts[1], FilePart)
    assert bench.blobs.get(found.parts[1].blob) == b"# Notes"


async def test_a_mention_in_a_value_takes_nothing_along(bench) -> None:
    (bench.project / "secret.md").write_text("secret")
    session = await bench.session()
    found = await made(bench, "Look at {{a}} $ARGUMENTS", "a=@secret.md @secret.md", session_id=session.id)
    assert (texts(found), found.resources) == (["Look at @secret.md @secret.md"], ())


@pytest.mark.parametrize("path", ["../outside.md", "/etc/passwd", "link.md", "folder"])
async def test_nothing_outside_of_the_sessions_folders_goes_along(bench, tmp_path, path: str) -> None:
    (tmp_path / "outside.md").write_text("secret")
    (bench.project / "link.md").symlink_to(tmp_path / "outside.md")
    (bench.project / "folder").mkdir()
    session = await bench.session()
    with pytest.raises((OutsideWorkspace, NotFoundError, ForbiddenError, InvalidError)):
        await made(bench, "Read @{{file}}", path, session_id=session.id)
    await bench.prompts.update("it", PromptSpec(name="it", text=f"Read @{path}"))
    assert texts(await bench.prompts.resolve("it", session_id=session.id)) == [f"Read @{path}"]


async def test_a_file_that_was_named_needs_a_session(bench) -> None:
    with pytest.raises(InvalidError) as caught:
        await made(bench, "Read @{{file}}", "notes.md")
    assert caught.value.code == "session_missing"
    await bench.prompts.update("it", PromptSpec(name="it", text="Read @notes.md"))
    assert texts(await bench.prompts.resolve("it")) == ["Read @notes.md"]


async def test_only_so_many_files_go_along(bench) -> None:
    names = [f"{number}.txt" for number in range(MAX_TAKEN + 1)]
    for name in names:
        (bench.project / name).write_text(name)
    session = await bench.session()
    with pytest.raises(InvalidError) as caught:
        await made(bench, " ".join(f"@{name}" for name in names), session_id=session.id)
    assert caught.value.code == "too_many_attachments"


# --- MCP servers


async def test_a_resource_goes_along_by_its_server_and_address(bench) -> None:
    bench.servers.given = {
        "mem://a b?x": (GivenContent("text", name="mem://a/plan.md"), GivenContent(PNG, "image/png")),
    }
    found = await made(bench, "Read @files:mem://{{name}}?x and @todo:later.", "a b")
    assert texts(found) == ["Read @files:mem://a b?x and @todo:later.", "plan.md", "resource"]
    assert isinstance(found.parts[2], ImagePart)
    assert found.resources == ("files:mem://a b?x",)
    with pytest.raises(NotFoundError):
        await bench.prompts.resolve("it", {"name": "gone"})


async def test_a_value_names_no_server(bench) -> None:
    bench.servers.given = {"mem://a": (GivenContent("secret", name="mem://a"),)}
    session = await bench.session()
    with pytest.raises(NotFoundError):
        await made(bench, "Read @{{file}}", "files:mem://a", session_id=session.id)
    with pytest.raises(NotFoundError):
        await bench.prompts.update("it", PromptSpec(name="it", text="Read @{{server}}:mem://a"))
        await bench.prompts.resolve("it", {"server": "files"}, session_id=session.id)


async def test_a_servers_prompt_is_filled_in_by_the_server(bench) -> None:
    bench.servers.offered = [
        ServerPrompt(
            server="srv",
            name="Do It",
            arguments=(PromptArgument(name="x", required=True), PromptArgument(name="y")),
        )
    ]
    bench.servers.given = {
        "Do It": (
            GivenContent("Do \x1b[1mit @files:mem://a {{x}} $1"),
            GivenContent(PNG, "image/png", name="file:///a/b.png"),
        )
    }
    found = await bench.prompts.resolve("Do_It", line="one two three")
    assert bench.servers.asked == [("srv", "Do It", {"x": "one", "y": "two three"})]
    assert texts(found) == ["Do [1mit @files:mem://a {{x}} $1", "b.png"]
    with pytest.raises(InvalidError, match="needs x"):
        await bench.prompts.resolve("Do_It")
    bench.servers.given = {"Do It": (GivenContent("Hm?"), GivenContent("Ha.", role="assistant"))}
    assert texts(await bench.prompts.resolve("Do_It", {"x": "1"})) == ["user: Hm?", "assistant: Ha."]
    bench.servers.given = {}
    with pytest.raises(ToolError):
        await bench.prompts.resolve("Do_It", {"x": "1"})


# --- what is attached, and whose it is


async def test_an_attached_file_goes_with_every_message_and_larger_ones_are_refused(bench) -> None:
    await bench.prompts.create(PromptSpec(name="logo", text="Describe it."))
    found = await bench.prompts.attach("logo", PNG, "a/b/logo.png")
    assert found.info.attachment == ImagePart(
        blob=found.info.attachment.blob, media_type="image/png", name="logo.png"
    )
    resolved = await bench.prompts.resolve("logo")
    assert texts(resolved) == ["Describe it.", "logo.png"]
    with pytest.raises(TooLargeError) as caught:
        await bench.prompts.attach("logo", b"x" * (10 * 2**20 + 1), "large.bin")
    assert caught.value.code == "attachment_too_large"
    assert (await bench.prompts.get("logo")).info.attachment == found.info.attachment
    assert (await bench.prompts.detach("logo")).info.attachment is None
    assert texts(await bench.prompts.resolve("logo")) == ["Describe it."]


async def test_what_is_attached_is_kept_while_a_prompt_or_the_trash_has_it(bench) -> None:
    reader = bench.host._core.log.reader
    await bench.prompts.create(PromptSpec(name="logo", text="x"))
    blob = (await bench.prompts.attach("logo", PNG, "logo.png")).info.attachment.blob
    assert blob in await reader.all_blobs()
    await bench.prompts.delete("logo")
    assert blob in await reader.all_blobs()
    assert await reader.unused_blobs({blob, "0" * 64}) == {"0" * 64}
    (thing,) = (await bench.host.trash.list("prompt")).items
    await bench.host.trash.restore("prompt", thing.id)
    assert (await bench.prompts.get("logo")).info.attachment.blob == blob
    await bench.prompts.delete("logo")
    assert await bench.host.trash.empty("prompt") == 1
    assert blob not in await reader.all_blobs()


async def test_a_user_may_send_what_his_prompt_takes_along(bench) -> None:
    user = await bench.host.users.add("ann", Role.USER)
    ann = bench.host.as_principal(Principal(user_id=user.id, name="ann", role=Role.USER, scope=Scope.ADMIN))
    await ann.prompts.create(PromptSpec(name="logo", text="Describe it."))
    await ann.prompts.attach("logo", PNG, "logo.png")
    assert await bench.prompts.list() == ()
    bench.host._core.attachments._handed_in.clear()
    made = await ann.prompts.resolve("logo")
    await bench.host._core.attachments.check(
        Principal(user_id=user.id, name="ann", role=Role.USER, scope=Scope.CHAT),
        made.parts,
        RunOptions(),
    )


async def test_over_http_a_file_is_attached_resolved_and_refused_when_it_is_too_large(bench) -> None:
    stop, socket = asyncio.Event(), bench.paths.socket

    async def ready() -> LocalWorkbench:
        return bench.host

    app = native_app(ready, log=logging.getLogger("holdfast.tests"), closing=stop)
    server = asyncio.create_task(listen(LocalDoor(app), bind_socket(socket), stop))
    remote = RemoteWorkbench(socket)
    try:
        await remote.prompts.create(PromptSpec(name="it", text="Read {{what}} $1"))
        with pytest.raises(TooLargeError) as caught:
            await remote.prompts.attach("it", b"x" * (10 * 2**20 + 1), "large.bin")
        assert (caught.value.code, STATUS[caught.value.kind]) == ("attachment_too_large", 413)
        found = await remote.prompts.attach("own:it", b"a,b", "ü b.csv")
        assert found.info.attachment.name == "ü b.csv"
        made = await remote.prompts.resolve("it", {"what": "{{it}}"}, ("$1",))
        assert texts(made) == ["Read {{it}} $1", "ü b.csv"]
        with pytest.raises(InvalidError) as caught:
            await remote.prompts.resolve(found.info.id)
        assert caught.value.details == {"missing": ["what"]}
    finally:
        await remote.close()
        stop.set()
        async with asyncio.timeout(30):
            await server
