"""What Sage's API says of knowledge bases. Its names differ from answer to answer, and clients read each."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from holdfast.server.dialects.sage.wire import Query, Said, Sent


class BaseAdd(Sent):
    """A new knowledge base."""

    name: str = Field(min_length=1)
    type: str
    """`qa`: tables of questions and their answers. Any other word is kept, and means documents."""
    intro: str = ""
    language: str = ""


class BaseUpdate(Sent):
    """What changes of a knowledge base; what is empty stays."""

    kdb_id: str
    name: str = ""
    intro: str = ""
    kdb_setting: dict[str, Any] | None = None


class BaseId(Sent):
    """Which knowledge base is meant."""

    kdb_id: str


class TaskId(Sent):
    """Which upload is meant."""

    kdb_id: str
    task_id: str


class Retrieve(Sent):
    """What is looked for in a knowledge base."""

    kdb_id: str
    query: str
    top_k: int = 10


class BaseQuery(Query):
    """Which knowledge base is meant."""

    kdb_id: str


class BasesQuery(Query):
    """Which knowledge bases are wanted."""

    query_name: str = ""
    type: str = ""
    page: int = Field(default=1, ge=1)
    page_size: int = Field(default=20, ge=1)


class DocumentsQuery(Query):
    """Which documents are wanted."""

    kdb_id: str
    query_name: str = ""
    query_status: int | None = None
    """May be there several times."""
    task_id: str | None = None
    page_no: int = Field(default=1, ge=1)
    page_size: int = Field(default=20, ge=1)


class TaskQuery(Query):
    """Which upload is meant."""

    kdb_id: str
    task_id: str


class UploadForm(Sent):
    """A form with documents."""

    kdb_id: str
    override: bool = False
    """Whether documents of the same names go."""
    files: tuple[str, ...] = Field(min_length=1)
    """The names of its files."""


class BaseAdded(Said):
    kdb_id: str
    user_id: str


class Done(Said):
    success: bool = True
    user_id: str


class Setting(Said):
    kdbAttach: dict[str, Any]


class BaseInfo(Said):
    kdbId: str
    name: str
    intro: str
    type: str
    createdAt: int
    updatedAt: int
    kdbSetting: dict[str, Any]
    user_id: str


class BaseLine(Said):
    id: str
    name: str
    index_name: str
    intro: str
    createTime: str
    dataSource: str
    """Its type."""
    docNum: int
    cover: str = ""
    defaultColor: bool = True
    user_id: str
    type: None = None


class BaseList(Said):
    list: tuple[BaseLine, ...]
    total: int
    user_id: str


class Found(Said):
    doc_id: str
    doc_segment_id: str
    doc_content: str
    score: float
    start: int
    end: int
    title: str
    path: str
    metadata: dict[str, Any]
    full_content: str


class Results(Said):
    results: tuple[Found, ...]
    user_id: str


class DocumentLine(Said):
    id: str
    doc_name: str
    status: int
    create_time: str
    metadata: dict[str, Any]
    task_id: str


class DocumentList(Said):
    list: tuple[DocumentLine, ...]
    total: int
    user_id: str


class DocumentInfo(Said):
    id: str
    type: str
    dataName: str
    status: int
    createTime: str
    metadata: dict[str, Any]
    taskId: str
    user_id: str


class TaskMade(Said):
    taskId: str
    user_id: str


class TaskProcess(Said):
    success: int
    fail: int
    inProgress: int
    waiting: int
    total: int
    taskProcess: float
    """In percent."""
    user_id: str
