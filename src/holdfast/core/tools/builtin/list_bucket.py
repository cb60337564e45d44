"""Lists the objects of a bucket."""

from __future__ import annotations

from pydantic import Field

from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.tools import Risk, TableBlock, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool
from holdfast.core.tools.buckets.desk import BucketDesk, in_bucket_thread, open_bucket
from holdfast.core.tools.buckets.stores import MAX_LISTED


class ListBucketArguments(Arguments):
    bucket: str = Field(min_length=1, max_length=64, description="The bucket's name")
    prefix: str = Field(default="", max_length=900, description="Only keys that begin so")
    after: str = Field(default="", max_length=900, description="Only keys behind this one")
    limit: int = Field(default=100, ge=1, le=MAX_LISTED, description="Objects at most")


class ListBucket(BuiltinTool):
    name = "list_bucket"
    risk = Risk.NETWORK
    arguments = ListBucketArguments

    def __init__(self, desk: BucketDesk | None = None) -> None:
        self._desk = desk

    def subjects(self, arguments: ListBucketArguments) -> tuple[str, ...]:
        return (f"{arguments.bucket}/{arguments.prefix}",)

    async def run(self, arguments: ListBucketArguments, context: ToolContext) -> ToolOutput:
        return await in_bucket_thread(self._run, arguments, context)

    def _run(self, arguments: ListBucketArguments, context: ToolContext) -> ToolOutput:
        _, store = open_bucket(self._desk, arguments.bucket, context)
        found, more = store.list(arguments.prefix, arguments.after, arguments.limit)
        if not found:
            return ToolOutput.text("There are no such objects.")
        rows = tuple(
            (sanitize_line(each.key), str(each.size), f"{each.modified:%Y-%m-%d %H:%M}") for each in found
        )
        lines = ["\t".join(row) for row in rows]
        if more:
            lines.append(f"[there are more: go on with after={rows[-1][0]!r}]")
        return ToolOutput.text("\n".join(lines), TableBlock(headers=("key", "bytes", "changed"), rows=rows))
