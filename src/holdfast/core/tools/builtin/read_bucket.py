"""Reads an object of a bucket, as text or into a file of the workspace."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.media import is_text
from holdfast.core.domain.text import sanitize
from holdfast.core.domain.tools import Besides, Risk, ToolContext, ToolOutput
from holdfast.core.tools.base import WORKSPACE_PATH, Arguments, BuiltinTool
from holdfast.core.tools.buckets.desk import BucketDesk, in_bucket_thread, key_of, open_bucket
from holdfast.core.tools.builtin.read_file import plain_path

READ_BUCKET = "read_bucket"


class ReadBucketArguments(Arguments):
    bucket: str = Field(min_length=1, max_length=64, description="The bucket's name")
    key: str = Field(min_length=1, max_length=900, description="The object's key")
    path: Annotated[str | None, WORKSPACE_PATH] = Field(
        default=None, min_length=1, description="The file to save it as"
    )


class ReadBucket(BuiltinTool):
    name = READ_BUCKET
    risk = Risk.NETWORK
    arguments = ReadBucketArguments

    def __init__(self, desk: BucketDesk | None = None) -> None:
        self._desk = desk

    def subjects(self, arguments: ReadBucketArguments) -> tuple[str, ...]:
        return (f"{arguments.bucket}/{arguments.key}",)

    def besides(self, arguments: ReadBucketArguments) -> tuple[Besides, ...]:
        """Returns the file that it saves the object as."""
        if arguments.path is None:
            return ()
        return (Besides("write_file", Risk.WRITE, (plain_path(arguments.path),)),)

    async def run(self, arguments: ReadBucketArguments, context: ToolContext) -> ToolOutput:
        return await in_bucket_thread(self._run, arguments, context)

    def _run(self, arguments: ReadBucketArguments, context: ToolContext) -> ToolOutput:
        key = key_of(arguments.key)
        path = None if arguments.path is None else context.workspace.relative(arguments.path)
        _, store = open_bucket(self._desk, arguments.bucket, context)
        data = store.read(key)
        if path is not None:
            context.workspace.write(path, data)
            return ToolOutput.text(f"Saved {key} as {path} ({len(data)} bytes).")
        if not is_text(data):
            raise ToolError(f"{key} is no text ({len(data)} bytes); read it with `path` into a file.")
        return ToolOutput.text(sanitize(data.decode("utf-8", "replace")))
