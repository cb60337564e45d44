"""Knowledge: collections of documents, the chunks they are cut into, and what a search finds in them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, Field

from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.ext import Ext
from holdfast.core.domain.identity import LOCAL
from holdfast.core.domain.values import Value

DEFAULT_EMBEDDING = "wordllama"
"""The embedding model that is always there: it works offline."""

Method = Literal["hybrid", "vector", "lexical", "hyde1", "hyde2", "wide", "all", "agentic"]
"""How passages are found. `vector`: by meaning. `lexical`: by words (BM25). `hybrid`: both, fused.
`hyde1`: a model first drafts an answer, which is searched with; `hyde2`: twice. `wide`: more than are wanted,
with their neighbours, filtered by a model. `all`: everything that fits, in the order of the documents.
`agentic`: a model plans several searches."""

SearchMethod = Literal["hybrid", "vector", "lexical"]
"""The methods that ask no model."""

DocumentOrder = Literal["name", "size", "pages", "media_type", "added_at"]
"""What a listing of documents is sorted by."""

RetrievalMode = Literal["tool", "context", "agentic", "all"]
"""When an agent's knowledge is searched. `tool`: the model searches when it wants to. `context`: before the
first step, with the message's words. `agentic`: before the first step, in several searches that a model
plans. `all`: everything that fits is put before the model."""


class Place(Value):
    """Where a chunk stands in its document."""

    start: int
    """Offset of its first character in the document's text."""
    end: int
    line: int | None = None
    """Its first line, from 1, in documents that have lines."""
    last_line: int | None = None
    page: int | None = None
    """From 1, in documents that have pages, sheets or slides."""
    last_page: int | None = None
    headings: tuple[str, ...] = ()
    """The headings it stands under, outermost first."""


class Chunk(Value):
    """A piece of a document: what is embedded, searched and quoted."""

    id: int
    """Unique in the home; never used twice."""
    document_id: str
    number: int
    """From 0 in its document."""
    text: str
    place: Place


class Chunking(Value):
    """How documents of a collection are cut."""

    max_chars: int = Field(default=1_200, ge=100, le=20_000)
    """Characters of a chunk at most."""
    overlap_chars: int = Field(default=0, ge=0, le=5_000)
    """Characters that a chunk repeats of the one before."""
    unit: Literal["passages", "questions"] = "passages"
    """What a chunk is. `questions`: a row of a table (CSV or XLSX) of two columns, questions and their
    answers; no other documents are taken in then, and no row is cut."""


class RetrievalSettings(Value):
    """How a collection is searched where nothing else is said."""

    top_k: int = Field(default=8, gt=0, le=200)
    """Passages that are taken at most."""
    method: Method = "hybrid"
    min_score: float = Field(default=0.0, ge=0)
    """Passages of less are left out. The score of `hybrid` is that of both sides among the candidates, 1 for
    what is best in both; of `vector` the cosine similarity; of `lexical` BM25's, relative to the best
    passage's, 1 at best."""
    max_tokens: int = Field(default=8_000, ge=100)
    """Tokens that the passages may take together, four characters each; filled in the order of rank."""
    rerank: bool = False
    """Whether a model puts what was found into a better order; where there is none, the order stays."""


class Folder(Value):
    """A folder of the engine's machine that a collection is kept in step with."""

    path: str
    watched: bool = False
    """Whether changes are taken in as they happen, while the engine runs."""
    synced_at: AwareDatetime | None = None


class Collection(Value):
    """Documents that are searched together."""

    id: str
    owner: str = LOCAL
    name: str = Field(min_length=1, max_length=200)
    """Unique among its owner's."""
    description: str = ""
    """What it is about; models read it."""
    embedding_model: str = DEFAULT_EMBEDDING
    dimensions: int | None = None
    """Of its vectors; None while it has none."""
    chunking: Chunking = Chunking()
    retrieval: RetrievalSettings = RetrievalSettings()
    folders: tuple[Folder, ...] = ()
    metadata: dict[str, Any] = Field(default_factory=dict)
    ext: Ext = Field(default_factory=dict)
    documents: int = 0
    chunks: int = 0
    size: int = 0
    """Of its documents, in bytes."""
    created_at: AwareDatetime
    updated_at: AwareDatetime


class Document(Value):
    """One document of a collection, as it was when it was taken in."""

    id: str
    collection_id: str
    name: str
    """What people know it by: a path below its folder, a file's name, an address."""
    source: str
    """Where it came from: an absolute path, an address, `upload:NAME`, or `upload:ID/NAME` for one that was
    to replace none of its name. Unique in its collection."""
    media_type: str
    size: int
    """In bytes."""
    digest: str
    """SHA-256 of its bytes."""
    title: str = ""
    chunks: int = 0
    pages: int | None = None
    characters: int = 0
    """Of its text."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """The caller's own; searches can filter by it."""
    ext: Ext = Field(default_factory=dict)
    summary: str = ""
    questions: tuple[str, ...] = ()
    """Questions that it answers; made by a model, like the summary, when that was asked for."""
    modified_at: AwareDatetime | None = None
    """Of the file."""
    added_at: AwareDatetime


class Passage(Value):
    """A chunk that a search found, and why."""

    chunk_id: int
    number: int
    """Of the chunk in its document, from 0."""
    collection_id: str
    collection: str
    """The collection's name."""
    document_id: str
    document: str
    """The document's name."""
    source: str
    text: str
    place: Place
    score: float
    """What it was ranked by; see `RetrievalSettings.min_score`."""
    vector_rank: int | None = None
    """From 1; None: not among the candidates of the vector search."""
    vector_score: float | None = None
    """Cosine similarity to the query."""
    lexical_rank: int | None = None
    lexical_score: float | None = None
    """BM25's, larger is better."""
    rerank_score: float | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    """The document's."""


class Retrieved(Value):
    """A passage as a retrieval brought it, or a text that the caller gave."""

    text: str = ""
    """The caller's; a passage has its own."""
    number: int | None = None
    """What it is cited by, from 1 in its session; None when it was dropped."""
    used: bool = True
    """False: it was found, but the token budget had no room for it."""
    passage: Passage | None = None
    """None for a text of the caller's."""
    meta: dict[str, Any] = Field(default_factory=dict)
    """What the caller gave with it."""

    @property
    def content(self) -> str:
        """The text, whoever it is of."""
        return self.text if self.passage is None else self.passage.text


class RetrievalStep(Value):
    """One thing that a retrieval did on its way: a search, a draft, a choice."""

    action: Literal["search", "draft", "filter", "rerank", "plan", "read"]
    text: str
    """The query, the draft, or what was decided."""
    found: int | None = None
    """How many passages it gave."""


class Retrieval(Value):
    """What a retrieval gave, before anyone has cited it."""

    query: str
    method: Method
    passages: tuple[Passage, ...] = ()
    """Best first; all within the wanted number."""
    steps: tuple[RetrievalStep, ...] = ()
    duration_ms: float = 0.0


class Lookup(Value):
    """A retrieval as a run made it: what was looked for, where, and what became of each thing found."""

    source: Literal["knowledge", "stored", "text", "items"] = "knowledge"
    context_id: str | None = None
    """The stored context that was used."""
    query: str = ""
    method: Method | None = None
    collections: tuple[str, ...] = ()
    """Names of those that were searched."""
    items: tuple[Retrieved, ...] = ()
    """What was found, best first, that which the budget dropped included."""
    steps: tuple[RetrievalStep, ...] = ()
    tokens: int = 0
    """Estimate for what is used: four characters a token."""
    max_tokens: int | None = None
    duration_ms: float = 0.0
    error: ErrorInfo | None = None


class Citation(Value):
    """A number in a reply, and what it stands for."""

    number: int
    document: str = ""
    document_id: str | None = None
    collection_id: str | None = None
    chunk_id: int | None = None
    source: str = ""
    place: Place | None = None
    excerpt: str
    """The beginning of the passage."""
    score: float | None = None
    vector_rank: int | None = None
    lexical_rank: int | None = None


class ContextRecord(Value):
    """A retrieval that is kept under an id, to be given to runs later."""

    id: str
    owner: str = LOCAL
    query: str
    retrieval: Retrieval
    max_tokens: int
    text: str
    """What a model is shown of it."""
    items: tuple[Retrieved, ...]
    created_at: AwareDatetime


class IngestItem(Value):
    """One thing to take in: a file of the engine's machine, an address, or bytes that were uploaded."""

    source: str
    """As `Document.source`."""
    name: str
    path: str | None = None
    """The file to read; None for an address, which is fetched first."""
    blob: str | None = None
    """SHA-256 of uploaded bytes, or of what was fetched."""
    media_type: str = ""
    """What the sender says that it is; empty: found by name and content."""
    document_id: str | None = None
    """The id that its document gets where its source is new in the collection; None: any."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    ext: Ext = Field(default_factory=dict)


SubmissionStatus = Literal["waiting", "working", "taken_in", "failed"]
"""What became of what was given to a collection. `working`: it is read, cut and embedded now."""


class Submission(Value):
    """A document that was given to a collection, taken in yet or not."""

    id: str
    """Of the document, which has it when it is taken in."""
    collection_id: str
    name: str
    source: str
    """As `Document.source`; unique in its collection."""
    status: SubmissionStatus
    job_id: str | None = None
    """The job that it came with; None where that is not known any more."""
    kept: bool = False
    """Whether the collection has a document of it: an older version too, while another waits or
    has failed."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """The caller's own, as it was given with it."""
    error: ErrorInfo | None = None
    """Why it failed."""
    added_at: AwareDatetime
    """When it was given first."""


class SubmissionsFound(Value):
    """A part of what was given to a collection."""

    items: tuple[Submission, ...]
    """Latest first."""
    total: int
    """How many there are in all."""
    counts: dict[SubmissionStatus, int]
    """How many there are of each status, whichever of them were wanted."""


class StagedUpload(Value):
    """Bytes that wait to be taken in."""

    id: str
    owner: str = LOCAL
    name: str
    """What the document will be called."""
    blob: str
    """SHA-256 of the bytes."""
    size: int
    """In bytes."""
    ext: Ext = Field(default_factory=dict)
    """For the document."""
    created_at: AwareDatetime
    expires_at: AwareDatetime
    """When it is dropped if it was not taken in."""


class IngestRequest(Value):
    """What a job has to do."""

    collection_id: str
    """Empty for a job of kind `delete` that is of no one collection."""
    items: tuple[IngestItem, ...] = ()
    folders: tuple[str, ...] = ()
    """Folders to keep in step with: new and changed files are taken in, gone ones removed."""
    urls: tuple[str, ...] = ()
    metadata: dict[str, Any] = Field(default_factory=dict)
    """The caller's own, for each document that comes from a folder or an address."""
    ext: Ext = Field(default_factory=dict)
    """As `metadata`."""
    summaries: bool = False
    """Whether a model writes a summary of each document, and questions that it answers."""
    model: str | None = None
    """The model that does; None: the one that a new session would have."""
    again: bool = False
    """Whether it does again what was given before: that stays with the job it came with."""
    embedding_model: str | None = None
    """For a job of kind `reembed`: the model that the collection is to have from now on."""
    collections: tuple[str, ...] = ()
    """For a job of kind `delete`: ids of the collections that go, as well as the next two."""
    documents: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()


class IngestResult(Value):
    """What became of one item of a job."""

    source: str
    name: str
    status: Literal["added", "changed", "unchanged", "removed", "failed"]
    document_id: str | None = None
    chunks: int = 0
    size: int = 0
    error: ErrorInfo | None = None
    """Why it failed; the others go on."""


class IndexProblem(Value):
    """Something that does not agree in the index."""

    collection_id: str
    collection: str
    problem: str
    repaired: bool = False
