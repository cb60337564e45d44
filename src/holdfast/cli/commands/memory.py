"""`holdfast memory`: what outlives sessions, blocks that agents are shown and entries that they search."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli import selecting
from holdfast.cli.calling import call
from holdfast.cli.editing import draft
from holdfast.cli.options import Json, examples, group
from holdfast.cli.output import ago, say, say_fields, say_json, say_table, short_ids, when
from holdfast.cli.reading import read_text
from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.values import all_items

if TYPE_CHECKING:
    from holdfast.core.domain.memory import MemoryBlock, MemoryEntry, MemoryShare
    from holdfast.core.services.workbench import Workbench


class Injection(StrEnum):
    SYSTEM_PROMPT = "system_prompt"
    USER_INSTRUCTION = "user_instruction"
    FILE = "file"


class Access(StrEnum):
    READ = "read"
    WRITE = "write"
    READ_WRITE = "read_write"


class Source(StrEnum):
    USER = "user"
    AGENT = "agent"
    SYSTEM = "system"


class Scope(StrEnum):
    CHAT = "chat"
    AGENT = "agent"


app = group("See and change what agents remember beyond a session.")

BlockName = Annotated[str, typer.Argument(metavar="NAME", help="A block's name; of others' blocks its id.")]
EntryId = Annotated[str, typer.Argument(metavar="ENTRY", help="An id, its start, or `last`.")]
_MAX_SHOWN = 200


# --- blocks


@app.command()
def blocks(
    query: Annotated[str, typer.Argument(metavar="[TEXT]", help="A part of the name.")] = "",
    as_json: Json = False,
) -> None:
    """List the blocks that you may see: your own, and those that others share."""

    async def found(workbench: Workbench) -> tuple[str, tuple[MemoryBlock, ...]]:
        me = (await workbench.users.me()).user_id
        return me, await all_items(lambda limit, at: workbench.memory.blocks(query, limit, at))

    me, known = call(found)
    if as_json:
        say_json(known)
        return
    say_table(
        ("NAME", "SHOWN", "AGENTS", "LENGTH", "CHANGED", "WHOSE"),
        [
            (
                each.name,
                each.injection,
                each.access,
                _length(each),
                ago(each.updated_at),
                _whose(each, me),
            )
            for each in known
        ],
        empty="There is no memory block; `holdfast memory set NAME TEXT` makes one.",
    )


@app.command()
def show(name: BlockName, as_json: Json = False) -> None:
    """Show a block with its content."""
    block = call(lambda workbench: workbench.memory.block(name))
    if as_json:
        say_json(block)
        return
    say_fields(_fields(block))
    if block.content:
        say()
        say(block.content)


@app.command(
    "set",
    epilog=examples(
        'holdfast memory set project "We use Python 3.11."',
        "holdfast memory set style @style.md --injection user_instruction",
        "holdfast memory set project",
    ),
)
def set_block(
    name: BlockName,
    text: Annotated[
        str | None,
        typer.Argument(metavar="[TEXT|@FILE|-]", help="The content, a file with it, or `-` for stdin."),
    ] = None,
    instructions: Annotated[str | None, typer.Option(help="What models are to do with it.")] = None,
    injection: Annotated[Injection | None, typer.Option(help="Where it is put before models.")] = None,
    access: Annotated[Access | None, typer.Option(help="What agents may do with it.")] = None,
    max_chars: Annotated[int | None, typer.Option(min=0, help="Longest content; 0: a million.")] = None,
    rename: Annotated[str | None, typer.Option(metavar="NAME", help="Another name.")] = None,
    as_json: Json = False,
) -> None:
    """Change a block, or make it when there is none. Without a text and an option, $EDITOR opens."""
    changes: dict[str, Any] = {
        "instructions": instructions,
        "injection": injection and injection.value,
        "access": access and access.value,
        "max_chars": max_chars,
        "name": rename,
        "content": None if text is None else _text(text),
    }
    given = {key: value for key, value in changes.items() if value is not None}
    before = call(lambda workbench: _block_or_none(workbench, name))

    def kept(**given: Any) -> MemoryBlock:
        if before is None:
            made = {"name": name, **given}
            return call(lambda workbench: workbench.memory.create_block(**made))
        return call(lambda workbench: workbench.memory.update_block(before.id, **given))

    if given:
        block = kept(**given)
    else:
        with draft(before.content if before else "", "memory", ".md") as path:
            block = kept(content=read_text(path))
    if as_json:
        say_json(block)
        return
    say(f"{'made' if before is None else 'changed'} the memory block {block.name} ({_length(block)})")


@app.command()
def rm(name: BlockName) -> None:
    """Delete a block of your own, for all that it is shared with."""
    call(lambda workbench: workbench.memory.delete_block(name))
    say(f"removed the memory block {name}")


@app.command()
def share(
    name: BlockName,
    user: Annotated[str | None, typer.Argument(metavar="[USER]", help="Whom to share it with.")] = None,
    edit: Annotated[bool, typer.Option("--edit", help="Let them change the content.")] = False,
    as_json: Json = False,
) -> None:
    """Share a block with another user; without one, show with whom it is shared."""

    async def shared(workbench: Workbench) -> tuple[MemoryShare, ...]:
        if user is None:
            return await workbench.memory.shares(name)
        return await workbench.memory.share(name, user, edit)

    _say_shares(call(shared), as_json)


@app.command()
def unshare(
    name: BlockName, user: Annotated[str, typer.Argument(metavar="USER")], as_json: Json = False
) -> None:
    """Take a share back."""
    _say_shares(call(lambda workbench: workbench.memory.unshare(name, user)), as_json)


@app.command()
def publish(
    name: BlockName,
    edit: Annotated[bool, typer.Option("--edit", help="Let all users change the content.")] = False,
    off: Annotated[bool, typer.Option("--off", help="Take it back.")] = False,
) -> None:
    """Let all users of the engine see a block."""
    block = call(lambda workbench: workbench.memory.publish(name, not off, edit))
    state = "not public" if not block.public else "public, to be changed" if block.public_edit else "public"
    say(f"the memory block {block.name} is {state}")


@app.command()
def default(
    scope: Annotated[
        Scope | None, typer.Argument(metavar="chat|agent", help="Agents without tools, or with tools.")
    ] = None,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The block.")] = None,
    off: Annotated[bool, typer.Option("--off", help="Have none.")] = False,
    as_json: Json = False,
) -> None:
    """Set the block of agents that name none; without arguments, show the defaults."""
    if scope is not None and (name is None) != off:
        raise InvalidError("name the block, or say --off")

    async def done(workbench: Workbench) -> tuple[Any, dict[str, str]]:
        memory = workbench.memory
        found = await (memory.set_default(scope.value, name) if scope else memory.defaults())
        ids = (found.chat, found.agent)
        return found, {id: (await memory.block(id)).name for id in ids if id is not None}

    defaults, names = call(done)
    if as_json:
        say_json(defaults)
        return
    say_fields(
        [
            ("chat", names.get(defaults.chat, "none")),
            ("agent", names.get(defaults.agent, "none")),
        ]
    )


# --- entries


@app.command()
def entries(
    tag: Annotated[str | None, typer.Option(help="Those that have this tag.")] = None,
    source: Annotated[Source | None, typer.Option(help="Those that this has made.")] = None,
    pinned: Annotated[bool, typer.Option("--pinned", help="Pinned ones only.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many.")] = 50,
    as_json: Json = False,
) -> None:
    """List what is remembered, latest changed first."""
    found = call(
        lambda workbench: all_items(
            lambda limit, at: workbench.memory.entries(
                tag, source.value if source else None, True if pinned else None, limit, at
            ),
            limit,
        )
    )
    narrowed = tag is not None or source is not None or pinned
    none = "Nothing is remembered; `holdfast memory remember TEXT` keeps something."
    _say_entries(found, as_json, "No entry is of that kind." if narrowed else none)


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(metavar="WORDS", help="Any of them is looked for.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many.")] = 20,
    as_json: Json = False,
) -> None:
    """Search what is remembered; what fits best comes first."""
    hits = call(lambda workbench: workbench.memory.search(" ".join(words), limit))
    if as_json:
        say_json(hits)
        return
    _say_entries([hit.entry for hit in hits], False, "Nothing is remembered about that.")


@app.command(
    epilog=examples('holdfast memory remember "Orders are counted on Fridays." --tag orders'),
)
def remember(
    text: Annotated[str, typer.Argument(metavar="TEXT|@FILE|-", help="What to remember.")],
    tag: Annotated[list[str] | None, typer.Option("--tag", help="A word to sort it by; repeatable.")] = None,
    pin: Annotated[bool, typer.Option("--pin", help="Let agents find it with every search.")] = False,
    as_json: Json = False,
) -> None:
    """Keep something that agents can find; the same text is kept once."""
    content, tags = _text(text), tuple(tag or ())
    entry = call(lambda workbench: workbench.memory.remember(content, tags, pinned=pin))
    if as_json:
        say_json(entry)
        return
    say(f"remembered as {entry.id}")


@app.command()
def forget(entry: EntryId) -> None:
    """Delete something that is remembered; `holdfast trash restore` brings it back."""

    async def forgotten(workbench: Workbench) -> MemoryEntry:
        found = await selecting.memory_entry(workbench, entry)
        await workbench.memory.forget(found.id)
        return found

    say(f"forgot: {_line(call(forgotten).content)}")


@app.command()
def pin(
    entry: EntryId,
    off: Annotated[bool, typer.Option("--off", help="Take the pin away.")] = False,
    as_json: Json = False,
) -> None:
    """Let agents find an entry with every search."""

    async def pinned(workbench: Workbench) -> MemoryEntry:
        found = await selecting.memory_entry(workbench, entry)
        return await workbench.memory.update_entry(found.id, pinned=not off)

    changed = call(pinned)
    if as_json:
        say_json(changed)
        return
    say(f"{'pinned' if changed.pinned else 'not pinned'}: {_line(changed.content)}")


async def _block_or_none(workbench: Workbench, name: str) -> MemoryBlock | None:
    try:
        return await workbench.memory.block(name)
    except NotFoundError:
        return None  # it is made


def _text(given: str) -> str:
    """Returns the text that an argument means: itself, a file's, or that of stdin."""
    if given == "-":
        return sys.stdin.read()
    if not given.startswith("@"):
        return given
    return read_text(given[1:])


def _say_shares(shares: Iterable[MemoryShare], as_json: bool) -> None:
    if as_json:
        say_json(tuple(shares))
        return
    say_table(
        ("USER", "MAY"),
        [(each.user, "read and change" if each.can_edit else "read") for each in shares],
        empty="The block is shared with nobody by name.",
    )


def _say_entries(found: Iterable[MemoryEntry], as_json: bool, empty: str) -> None:
    found = tuple(found)
    if as_json:
        say_json(found)
        return
    ids = short_ids(each.id for each in found)
    say_table(
        ("ID", "PINNED", "FROM", "CHANGED", "TAGS", "CONTENT"),
        [
            (
                ids[each.id],
                "yes" if each.pinned else "",
                each.agent or each.source,
                ago(each.updated_at),
                ", ".join(each.tags),
                _line(each.content),
            )
            for each in found
        ],
        empty=empty,
    )


def _line(text: str) -> str:
    return shorten(sanitize_line(" ".join(text.split())), _MAX_SHOWN)


def _fields(block: MemoryBlock) -> list[tuple[str, Any]]:
    return [
        ("id", block.id),
        ("name", block.name),
        ("instructions", block.instructions),
        ("shown", block.injection),
        ("agents", block.access),
        ("length", _length(block)),
        ("public", ("to be changed" if block.public_edit else "yes") if block.public else ""),
        ("changed", when(block.updated_at)),
    ]


def _length(block: MemoryBlock) -> str:
    return f"{len(block.content)} of {block.max_chars}" if block.max_chars else str(len(block.content))


def _whose(block: MemoryBlock, me: str) -> str:
    if block.owner == me:
        return "yours, public" if block.public else "yours"
    return f"another's: {block.id}"
