"""What callers may say of collections and documents, checked, and what jobs are called."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from typing import Any

from holdfast.core.domain.addresses import WebAddress
from holdfast.core.domain.errors import ConflictError, InvalidError
from holdfast.core.domain.jobs import JobKind
from holdfast.core.domain.knowledge import DEFAULT_EMBEDDING, Collection, IngestRequest
from holdfast.core.domain.text import sanitize_line, shorten

LONGEST_NAME = 200
LONGEST_METADATA = 64 * 1024
"""Bytes of the metadata of a document or a collection, as JSON."""
LONGEST_URL = 4_000
LONGEST_TEXT = 20_000
"""Characters of a description or a summary."""
MOST_QUESTIONS = 50
LONGEST_QUESTION = 1_000


def checked_collection_name(name: str) -> str:
    """Returns the name of a collection, which can stand in a path. Raises `InvalidError`."""
    plain = _one_line(name)
    if plain != name.strip() or not 1 <= len(plain) <= LONGEST_NAME or "/" in plain:
        raise InvalidError(
            f"A collection's name is one line of 1 to {LONGEST_NAME} characters without slashes.",
            code="invalid_collection_name",
        )
    return plain


def checked_document_name(name: str) -> str:
    """Returns the name of a document as it is shown: a path in one line, without what leads out of it. Files
    of one name in several folders stay apart by that. Raises `InvalidError`."""
    segments = (_one_line(segment) for segment in name.replace("\\", "/").split("/"))
    plain = "/".join(segment for segment in segments if segment not in ("", ".", ".."))
    if not plain:
        raise InvalidError("A document needs a name.", code="invalid_document_name")
    return shorten(plain, LONGEST_NAME)


def document_name(path: str) -> str:
    """Returns what a file is called as a document."""
    return shorten(_one_line(path.rpartition("/")[2]), LONGEST_NAME) or "file"


def checked_embedding_model(model: str) -> str:
    """Returns the name of an embedding model. Raises `InvalidError`."""
    plain = model.strip()
    provider, slash, name = plain.partition("/")
    if plain != DEFAULT_EMBEDDING and not (provider and slash and name):
        raise InvalidError(
            f"{shorten(sanitize_line(model), 100)!r} is no embedding model; it is `{DEFAULT_EMBEDDING}` or "
            "a provider's, such as `openai/text-embedding-3-small`.",
            code="invalid_embedding_model",
        )
    return plain


def check_same_model(there: Iterable[Collection], name: str, model: str) -> None:
    """Raises `ConflictError` (`embedding_mismatch`) where a collection of that name has another embedding
    model than who asks for it says."""
    for collection in there:
        if collection.name == name.strip() and collection.embedding_model != model:
            raise ConflictError(
                f"There is a collection {collection.name!r} already, and its embedding model is "
                f"{collection.embedding_model}. {_reembedding(collection, model)}",
                code="embedding_mismatch",
                details={"collection": collection.name, "model": collection.embedding_model},
            )


def check_model_of_summaries(collection: Collection, summaries: bool, model: str | None) -> None:
    """Raises `InvalidError` (`model_without_summaries`) for a model that would have nothing to do: it was
    perhaps meant to make the vectors."""
    if model is None or summaries:
        return
    raise InvalidError(
        f"A model is named here for summaries, and none are asked for. The embedding model of "
        f"{collection.name!r} is {collection.embedding_model}. {_reembedding(collection, 'MODEL')}",
        code="model_without_summaries",
    )


def _reembedding(collection: Collection, model: str) -> str:
    command = shlex.join(("holdfast", "knowledge", "reembed", collection.name, "--model", model))
    return f"`{command}` makes its vectors anew with another one."


def checked_metadata(metadata: dict[str, Any] | None) -> dict[str, Any]:
    """Returns what a caller says of a document. Raises `InvalidError` for too much, or what is no JSON."""
    try:
        size = len(json.dumps(metadata or {}, allow_nan=False).encode("utf-8", "surrogatepass"))
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidError(f"The metadata is not plain JSON: {error}", code="invalid_metadata") from error
    if size > LONGEST_METADATA:
        raise InvalidError(
            f"The metadata has {size} bytes; {LONGEST_METADATA} are taken.", code="invalid_metadata"
        )
    return metadata or {}


def checked_text(text: str, what: str) -> str:
    """Returns a description or a summary. Raises `InvalidError` for one that is too long."""
    if len(text) > LONGEST_TEXT:
        raise InvalidError(f"A {what} has at most {LONGEST_TEXT} characters.", code="text_too_long")
    return text


def checked_questions(questions: Sequence[str]) -> tuple[str, ...]:
    """Returns the questions that a document answers. Raises `InvalidError` for too many, or too long ones."""
    if len(questions) > MOST_QUESTIONS or any(len(each) > LONGEST_QUESTION for each in questions):
        raise InvalidError(
            f"A document has at most {MOST_QUESTIONS} questions of {LONGEST_QUESTION} characters.",
            code="text_too_long",
        )
    return tuple(questions)


def checked_urls(urls: Sequence[str]) -> tuple[str, ...]:
    """Returns addresses in their plain form, each once. Raises `InvalidError`."""
    too_long = next((url for url in urls if len(url) > LONGEST_URL), None)
    if too_long is not None:
        raise InvalidError(f"An address has at most {LONGEST_URL} characters.", code="invalid_url")
    return tuple(dict.fromkeys(str(WebAddress.parse(url)) for url in urls))


def title_of(kind: JobKind, collection: Collection, request: IngestRequest) -> str:
    """Returns what a job does, for people."""
    if kind == "sync":
        return f"Bring {collection.name} in step with its sources"
    if kind == "reembed":
        return f"Embed {collection.name} anew with {request.embedding_model}"
    names = [*(item.name for item in request.items), *request.folders, *request.urls]
    return f"Take {_shown(names)} into {collection.name}{' again' if request.again else ''}"


def title_of_deletion(names: Sequence[str]) -> str:
    """Returns what a job does that deletes things of these names."""
    return f"Delete {_shown(names)}"


def _shown(names: Sequence[str]) -> str:
    shown = ", ".join(sanitize_line(shorten(name, 80)) for name in names[:2])
    return f"{shown} and {len(names) - 2} more" if len(names) > 2 else shown


def _one_line(text: str) -> str:
    return sanitize_line(text).encode("utf-8", "replace").decode().strip()
