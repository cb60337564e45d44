"""Writes an object of a bucket."""

from __future__ import annotations

import hashlib
from typing import Annotated, Self

from pydantic import Field, model_validator

from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.tools import Besides, Preview, Risk, TextBlock, ToolContext, ToolOutput
from holdfast.core.tools.base import WORKSPACE_PATH, Arguments, BuiltinTool
from holdfast.core.tools.buckets.desk import BucketDesk, in_bucket_thread, key_of, open_bucket
from holdfast.core.tools.buckets.stores import MAX_BYTES
from holdfast.core.tools.builtin.read_file import plain_path
from holdfast.core.tools.builtin.write_file import encoded

_SHOWN = 2_000


class WriteBucketArguments(Arguments):
    bucket: str = Field(min_length=1, max_length=64, description="The bucket's name")
    key: str = Field(min_length=1, max_length=900, description="The object's key")
    path: Annotated[str | None, WORKSPACE_PATH] = Field(
        default=None, min_length=1, description="The file of the workspace to write"
    )
    content: str | None = Field(default=None, max_length=1_000_000, description="Or a text to write")

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.path is None) == (self.content is None):
            raise ValueError("give either `path` or `content`")
        return self


class WriteBucket(BuiltinTool):
    name = "write_bucket"
    risk = Risk.NETWORK
    arguments = WriteBucketArguments

    def __init__(self, desk: BucketDesk | None = None) -> None:
        self._desk = desk

    def subjects(self, arguments: WriteBucketArguments) -> tuple[str, ...]:
        return (f"{arguments.bucket}/{arguments.key}",)

    def besides(self, arguments: WriteBucketArguments) -> tuple[Besides, ...]:
        """Returns the file that it sends away."""
        if arguments.path is None:
            return ()
        return (Besides("read_file", Risk.READ, (plain_path(arguments.path),)),)

    async def preview(self, arguments: WriteBucketArguments, context: ToolContext) -> Preview:
        return await in_bucket_thread(self._preview, arguments, context)

    def _preview(self, arguments: WriteBucketArguments, context: ToolContext) -> Preview:
        key = key_of(arguments.key)
        data = _data(arguments, context)
        bucket, store = open_bucket(self._desk, arguments.bucket, context, write=True)
        before = store.find(key)
        what = arguments.path or "a text"
        becomes = "which is new" if before is None else f"in the place of {before.size} bytes"
        lines = [f"Writes {what} ({len(data)} bytes) to {bucket}{'' if bucket.s3 else '/'}{key}, {becomes}."]
        if arguments.content is not None:
            lines += ["", arguments.content[:_SHOWN]]
            if (more := len(arguments.content) - _SHOWN) > 0:
                lines += ["", f"[{more:,} more characters are not shown here]"]
        seen = hashlib.sha256(data + (before.version if before else "-").encode())
        return Preview(blocks=(TextBlock(text="\n".join(lines)),), fingerprint=seen.hexdigest())

    async def run(self, arguments: WriteBucketArguments, context: ToolContext) -> ToolOutput:
        return await in_bucket_thread(self._run, arguments, context)

    def _run(self, arguments: WriteBucketArguments, context: ToolContext) -> ToolOutput:
        key = key_of(arguments.key)
        data = _data(arguments, context)
        _, store = open_bucket(self._desk, arguments.bucket, context, write=True)
        store.write(key, data)
        return ToolOutput.text(f"Wrote {key} ({len(data)} bytes) to the bucket {arguments.bucket}.")


def _data(arguments: WriteBucketArguments, context: ToolContext) -> bytes:
    if arguments.content is not None:
        return encoded(arguments.content)
    path = context.workspace.relative(arguments.path or "")
    if context.workspace.stat(path).size > MAX_BYTES:
        raise ToolError(f"{path} is larger than {MAX_BYTES // 2**20} MiB, and is not written.")
    return context.workspace.read(path)
