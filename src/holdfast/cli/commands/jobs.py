"""`holdfast jobs`: long work of the engine, such as taking documents in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from holdfast.cli import selecting
from holdfast.cli.calling import call
from holdfast.cli.ingesting.showing import job_fields, say_jobs
from holdfast.cli.options import Json, group
from holdfast.cli.output import say_fields, say_json

if TYPE_CHECKING:
    from holdfast.core.domain.jobs import Job
    from holdfast.core.services.workbench import Workbench

T = TypeVar("T")

app = group("Follow, cancel and retry long work, such as taking documents in.")

JobId = Annotated[str, typer.Argument(metavar="JOB", help="An id, its start, or `last`.")]


@app.command("list")
def list_jobs(
    collection: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of this collection of knowledge only.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000)] = 50,
    as_json: Json = False,
) -> None:
    """List jobs, latest first."""

    async def listed(workbench: Workbench) -> tuple[Job, ...]:
        of = (await workbench.knowledge.get(collection)).id if collection else None
        return (await workbench.jobs.list(of, limit)).items

    found = call(listed)
    if as_json:
        say_json(found)
        return
    say_jobs(found)


@app.command()
def show(job: JobId = selecting.LAST, as_json: Json = False) -> None:
    """Show how far a job is, and what it could not take in."""
    from holdfast.cli.ingesting.reporting import say_failures

    found = call(_with(job, _itself))
    if as_json:
        say_json(found)
        return
    say_fields(job_fields(found))
    say_failures(found.failures, [found], most=None)


@app.command()
def follow(job: JobId = selecting.LAST, as_json: Json = False) -> None:
    """Show the progress of a job until it ends; ^C stops looking, not the job.

    Exit status: 0 done, 1 failed in whole or in part, 130 cancelled or interrupted.
    """
    raise typer.Exit(call(_with(job, _followed(as_json))))


@app.command()
def cancel(job: JobId = selecting.LAST, as_json: Json = False) -> None:
    """End a job; what it has taken in stays."""
    ended = call(_with(job, lambda workbench, found: workbench.jobs.cancel(found.id)))
    if as_json:
        say_json(ended)
        return
    say_fields(job_fields(ended))


@app.command()
def retry(
    job: JobId = selecting.LAST,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Show its progress until it ends.")] = True,
    as_json: Json = False,
) -> None:
    """Try again what failed in a job, or was not reached; a new job does."""

    async def retried(workbench: Workbench, found: Job) -> int:
        from holdfast.cli.ingesting.reporting import settle

        return await settle(workbench, await workbench.jobs.retry(found.id), wait, as_json)

    raise typer.Exit(call(_with(job, retried)))


def _with(text: str, action: Callable[[Workbench, Job], Awaitable[T]]) -> Callable[[Workbench], Awaitable[T]]:
    """Returns an action on the job that `text` names."""

    async def act(workbench: Workbench) -> T:
        return await action(workbench, await selecting.job(workbench, text))

    return act


async def _itself(workbench: Workbench, found: Job) -> Job:
    return found


def _followed(as_json: bool) -> Callable[[Workbench, Job], Awaitable[int]]:
    async def followed(workbench: Workbench, found: Job) -> int:
        from holdfast.cli.ingesting.reporting import settle

        return await settle(workbench, found, True, as_json)

    return followed
