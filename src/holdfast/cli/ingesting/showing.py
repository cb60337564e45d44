"""How jobs, collections and documents are listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from holdfast.cli.ingesting.bar import figures
from holdfast.cli.output import ago, amount, say_table, short_ids, when

if TYPE_CHECKING:
    from holdfast.core.domain.jobs import Job
    from holdfast.core.domain.knowledge import Collection, Document, Submission


def say_jobs(jobs: Sequence[Job]) -> None:
    """Prints jobs as a table."""
    ids = short_ids(job.id for job in jobs)
    say_table(
        ("JOB", "STATE", "WHAT", "FILES", "FAILED", "CHUNKS", "STARTED"),
        [
            (
                ids[job.id],
                job.status.value,
                job.title,
                f"{job.progress.done:,}/{job.progress.total:,}",
                f"{job.progress.failed:,}" if job.progress.failed else "",
                f"{job.progress.chunks:,}",
                ago(job.started_at),
            )
            for job in jobs
        ],
        empty="There is no job; `holdfast knowledge add NAME PATH` starts one.",
    )


def job_fields(job: Job) -> list[tuple[str, object]]:
    """Returns what is to be known of a job, name by name."""
    return [
        ("id", job.id),
        ("what", job.title),
        ("state", job.status.value),
        ("progress", figures(job.progress)),
        ("now", job.progress.current if not job.status.ended else ""),
        ("retry of", job.retry_of),
        ("started", when(job.started_at)),
        ("ended", when(job.ended_at) if job.ended_at else ""),
        ("error", f"{job.error.message} ({job.error.code})" if job.error else ""),
    ]


def say_collections(found: Sequence[Collection]) -> None:
    """Prints collections as a table."""
    say_table(
        ("NAME", "DOCUMENTS", "CHUNKS", "SIZE", "MODEL", "FOLDERS", "CHANGED", "DESCRIPTION"),
        [
            (
                each.name,
                f"{each.documents:,}",
                f"{each.chunks:,}",
                amount(each.size),
                each.embedding_model,
                ", ".join(f"{f.path}{' (watched)' if f.watched else ''}" for f in each.folders),
                ago(each.updated_at),
                each.description.partition("\n")[0],
            )
            for each in found
        ],
        empty="There is no collection; `holdfast knowledge create NAME` makes one.",
    )


def collection_fields(found: Collection) -> list[tuple[str, object]]:
    """Returns what is to be known of a collection, name by name."""
    return [
        ("name", found.name),
        ("id", found.id),
        ("description", found.description),
        ("documents", f"{found.documents:,}"),
        ("chunks", f"{found.chunks:,}"),
        ("size", amount(found.size)),
        ("model", found.embedding_model),
        ("chunking", f"{found.chunking.max_chars:,} characters at most"),
        ("search", f"{found.retrieval.method}, {found.retrieval.top_k} passages"),
        (
            "folders",
            "\n".join(
                f"{f.path}{', watched' if f.watched else ''}"
                f"{f', in step {ago(f.synced_at)}' if f.synced_at else ''}"
                for f in found.folders
            ),
        ),
        ("metadata", ", ".join(f"{k}={v}" for k, v in found.metadata.items())),
        ("created", when(found.created_at)),
        ("changed", when(found.updated_at)),
    ]


def say_documents(documents: Sequence[Document]) -> None:
    """Prints documents as a table."""
    ids = short_ids(document.id for document in documents)
    say_table(
        ("ID", "DOCUMENT", "TITLE", "TYPE", "CHUNKS", "SIZE", "ADDED"),
        [
            (
                ids[each.id],
                each.name,
                each.title if each.title != each.name else "",
                each.media_type,
                f"{each.chunks:,}",
                amount(each.size),
                ago(each.added_at),
            )
            for each in documents
        ],
        empty="It has no documents; `holdfast knowledge add NAME PATH` takes some in.",
    )


def say_submissions(found: Sequence[Submission]) -> None:
    """Prints what a collection was given as a table."""
    ids = short_ids(each.id for each in found)
    say_table(
        ("ID", "DOCUMENT", "STATE", "GIVEN", "WHY"),
        [
            (
                ids[each.id],
                each.name,
                each.status.replace("_", " "),
                ago(each.added_at),
                each.error.message if each.error else "",
            )
            for each in found
        ],
        empty="There is nothing of it; `holdfast knowledge add NAME PATH` takes documents in.",
    )


def document_fields(found: Document) -> list[tuple[str, object]]:
    """Returns what is to be known of a document, name by name."""
    return [
        ("document", found.name),
        ("id", found.id),
        ("title", found.title),
        ("source", found.source),
        ("type", found.media_type),
        ("pages", found.pages),
        ("size", amount(found.size)),
        ("chunks", f"{found.chunks:,}"),
        ("metadata", ", ".join(f"{k}={v}" for k, v in found.metadata.items())),
        ("added", when(found.added_at)),
        ("summary", found.summary),
        ("questions", "\n".join(found.questions)),
    ]
