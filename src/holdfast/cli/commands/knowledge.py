"""`holdfast knowledge`: collections of documents, and searches in them."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import selecting
from holdfast.cli.calling import call
from holdfast.cli.ingesting.showing import (
    collection_fields,
    document_fields,
    say_collections,
    say_documents,
    say_submissions,
)
from holdfast.cli.options import Json, examples, group
from holdfast.cli.output import counted, say, say_fields, say_json
from holdfast.cli.places import is_elsewhere
from holdfast.core.domain.paths import path_of

if TYPE_CHECKING:
    from holdfast.core.domain.knowledge import (
        Collection,
        Document,
        Retrieval,
        SubmissionsFound,
        SubmissionStatus,
    )
    from holdfast.core.services.workbench import Workbench

app = group("Give agents your documents: collections, and searches in them.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="A collection's name or id.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Show the progress until it ends.")]


class Method(StrEnum):
    """The domain's `Method`, known before the domain is imported."""

    HYBRID = "hybrid"
    VECTOR = "vector"
    LEXICAL = "lexical"
    HYDE1 = "hyde1"
    HYDE2 = "hyde2"
    WIDE = "wide"
    ALL = "all"
    AGENTIC = "agentic"


@app.command(
    epilog=examples(
        "holdfast knowledge create docs",
        'holdfast knowledge create laws --description "Federal law, in force" --chunk-chars 2000',
    )
)
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is to be called.")],
    description: Annotated[str, typer.Option(metavar="TEXT", help="What it is about; models read it.")] = "",
    model: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="The embedding model; default: that of the settings, offline."),
    ] = None,
    chunk_chars: Annotated[
        int | None, typer.Option(metavar="N", min=100, max=20_000, help="Characters of a chunk at most.")
    ] = None,
    questions: Annotated[
        bool, typer.Option("--questions", help="Take in tables of questions and answers, row by row.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make an empty collection."""
    from holdfast.core.domain.knowledge import Chunking

    cut = {"max_chars": chunk_chars} if chunk_chars else {}
    units = {"unit": "questions"} if questions else {}
    chunking = Chunking.model_validate(cut | units) if cut or units else None
    made = call(lambda workbench: workbench.knowledge.create(name, description, model, chunking))
    _say_collection(made, as_json)


@app.command(
    epilog=examples(
        "holdfast knowledge add docs ./handbook contract.pdf",
        "holdfast knowledge add docs https://example.org/terms --metadata year=2026",
    )
)
def add(
    name: Name,
    sources: Annotated[
        list[str], typer.Argument(metavar="PATH|URL", help="Folders, files and addresses of web pages.")
    ],
    metadata: Annotated[
        list[str] | None,
        typer.Option("--metadata", metavar="KEY=VALUE", help="Kept with each document; repeatable."),
    ] = None,
    summaries: Annotated[
        bool, typer.Option("--summaries", help="Let a model write a summary and questions of each document.")
    ] = False,
    model: Annotated[str | None, typer.Option(metavar="MODEL", help="The model that does.")] = None,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Take documents into a collection. A folder is kept in mind: `sync` takes in what has changed.

    A document that cannot be read is listed at the end with its reason, and stops no other. ^C stops
    looking; the work goes on in the engine.

    Exit status: 0 all was taken in, 1 something could not be, 130 cancelled or interrupted.
    """
    from holdfast.cli.ingesting.adding import Addition, add_here, add_there
    from holdfast.cli.ingesting.sources import read_metadata, read_sources

    asked = Addition(name, read_sources(sources), read_metadata(metadata or ()), summaries, model)
    take_in = add_there if is_elsewhere() else add_here
    raise typer.Exit(call(lambda workbench: take_in(workbench, asked, wait, as_json)))


@app.command(
    epilog=examples(
        'holdfast knowledge search docs "How long is the notice period?"',
        "holdfast knowledge search docs backup --method lexical --top-k 3",
    )
)
def search(
    name: Name,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="A question, or words.")],
    top_k: Annotated[
        int | None, typer.Option("--top-k", "-n", min=1, max=200, help="Passages at most.")
    ] = None,
    method: Annotated[Method | None, typer.Option(help="How; default: as the collection says.")] = None,
    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="For methods that ask a model: this one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Find passages, best first, with their scores and their ranks by meaning and by words."""
    from holdfast.cli.passages import say_passages
    from holdfast.core.domain.options import KnowledgeUse

    async def searched(workbench: Workbench) -> Retrieval:
        uses = (KnowledgeUse(collection=name),)
        return await workbench.knowledge.search(query, uses, method.value if method else None, top_k, model)

    found = call(searched)
    if as_json:
        say_json(found)
        return
    say_passages(found)


@app.command("list")
def list_collections(as_json: Json = False) -> None:
    """List your collections, by name."""
    found = call(lambda workbench: workbench.knowledge.list())
    if as_json:
        say_json(found)
        return
    say_collections(found)


@app.command()
def show(
    name: Name,
    document: Annotated[
        str | None,
        typer.Argument(metavar="DOCUMENT", help="A document's name, file, id, or the start of its id."),
    ] = None,
    documents: Annotated[bool, typer.Option("--documents", help="List its documents too.")] = False,
    as_json: Json = False,
) -> None:
    """Show a collection, or one document of it with its chunks."""
    from holdfast.cli.ingesting.reading import read_collection, read_document, say_chunks

    if document is not None:
        read = call(lambda workbench: read_document(workbench, name, document))
        if as_json:
            say_json({"document": read.document, "chunks": read.chunks})
            return
        say_fields(document_fields(read.document))
        say_chunks(read.chunks)
        return
    found, inside = call(lambda workbench: read_collection(workbench, name, documents))
    if as_json:
        say_json({"collection": found, "documents": inside} if documents else found)
        return
    say_fields(collection_fields(found))
    if documents:
        say()
        say_documents(inside)


@app.command()
def remove(
    name: Name,
    documents: Annotated[
        list[str] | None,
        typer.Argument(metavar="DOCUMENT", help="Only these documents, named as in `show`."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Put a collection into the trash, or delete documents of it for good; files on disk stay."""

    async def removed(workbench: Workbench) -> list[str]:
        if documents:
            return [await _remove(workbench, name, text) for text in documents]
        found = await workbench.knowledge.get(name)
        if not yes and not _confirmed(found):
            return []
        await workbench.knowledge.delete(found.id)
        return [found.name]

    gone = call(removed)
    if not gone:
        say("Nothing was deleted.")
        raise typer.Exit(1)
    for each in gone:
        say(f"removed {each}")


@app.command()
def sync(name: Name, wait: Wait = True, as_json: Json = False) -> None:
    """Bring a collection in step with its folders and addresses: only what changed, by content.

    Exit status as of `add`.
    """

    async def synced(workbench: Workbench) -> int:
        from holdfast.cli.ingesting.reporting import settle

        return await settle(workbench, await workbench.knowledge.sync(name), wait, as_json)

    raise typer.Exit(call(synced))


@app.command()
def watch(
    name: Name,
    path: Annotated[str, typer.Argument(metavar="FOLDER", help="A folder of the engine's machine.")],
    stop: Annotated[bool, typer.Option("--stop", help="Watch it no longer; its documents stay.")] = False,
    as_json: Json = False,
) -> None:
    """Keep a collection in step with a folder as it changes, while the engine runs."""
    folder = path if is_elsewhere() else str(path_of(path).resolve())
    changed = call(lambda workbench: workbench.knowledge.watch(name, folder, not stop))
    if as_json:
        say_json(changed)
    else:
        say(f"{folder} is {'no longer watched' if stop else 'watched'}")


@app.command()
def reembed(
    name: Name,
    model: Annotated[str, typer.Option(metavar="MODEL", help="The embedding model that it is to have.")],
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Make all vectors of a collection anew with another embedding model; searches go on meanwhile."""

    async def reembedded(workbench: Workbench) -> int:
        from holdfast.cli.ingesting.reporting import settle

        return await settle(workbench, await workbench.knowledge.reembed(name, model), wait, as_json)

    raise typer.Exit(call(reembedded))


@app.command()
def submissions(
    name: Name,
    failed: Annotated[bool, typer.Option("--failed", help="Only what could not be taken in.")] = False,
    job: Annotated[str | None, typer.Option(metavar="JOB", help="Only what came with this job.")] = None,
    as_json: Json = False,
) -> None:
    """List what a collection was given, latest first, and what became of it: the last 200."""
    statuses: tuple[SubmissionStatus, ...] = ("failed",) if failed else ()

    async def listed(workbench: Workbench) -> SubmissionsFound:
        job_id = None if job is None else (await selecting.job(workbench, job)).id
        return await workbench.knowledge.submissions(name, statuses=statuses, job_id=job_id)

    found = call(listed)
    if as_json:
        say_json(found)
        return
    say_submissions(found.items)
    if found.total > len(found.items):
        say(f"… and {found.total - len(found.items):,} more")


@app.command()
def redo(
    name: Name,
    documents: Annotated[
        list[str] | None,
        typer.Argument(metavar="DOCUMENT", help="Only these, by their ids as `submissions` shows them."),
    ] = None,
    job: Annotated[str | None, typer.Option(metavar="JOB", help="Only what came with this job.")] = None,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Take in again what a collection was given: what has failed, or is to be cut otherwise.

    What is as it was, and is cut as it was, costs nothing. Exit status as of `add`.
    """

    async def redone(workbench: Workbench) -> int:
        from holdfast.cli.ingesting.reporting import settle

        ids = [await selecting.submission(workbench, name, text) for text in documents or ()]
        job_id = None if job is None else (await selecting.job(workbench, job)).id
        return await settle(
            workbench, await workbench.knowledge.redo(name, tuple(ids), job_id), wait, as_json
        )

    raise typer.Exit(call(redone))


@app.command()
def clear(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete all documents of a collection for good; the collection stays, and so do files on disk."""

    async def cleared(workbench: Workbench) -> bool:
        found = await workbench.knowledge.get(name)
        if not yes and not _confirmed(found, "Delete all of its documents for good?"):
            return False
        await workbench.knowledge.clear(found.id)
        return True

    if not call(cleared):
        say("Nothing was deleted.")
        raise typer.Exit(1)
    say(f"{name} is empty")


async def _remove(workbench: Workbench, name: str, text: str) -> str:
    found: Document = await selecting.document(workbench, name, text)
    await workbench.knowledge.remove(found.id)
    return found.name


def _confirmed(found: Collection, question: str = "Put it into the trash?") -> bool:
    from holdfast.core.domain.errors import InvalidError

    if not sys.stdin.isatty():
        raise InvalidError("say --yes where nobody can be asked whether the collection may go")
    say(f"{found.name} ({counted(found.documents, 'document')}, {counted(found.chunks, 'chunk')})")
    return typer.confirm(question)


def _say_collection(made: Collection, as_json: bool) -> None:
    if as_json:
        say_json(made)
    else:
        say(f"{made.name} is there; `holdfast knowledge add {made.name} PATH` takes documents in.")
