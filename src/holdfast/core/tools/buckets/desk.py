"""Which buckets there are, who may use them, and what a key may be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from holdfast.core.domain.buckets import KEY_NAME, Bucket, bucket_of
from holdfast.core.domain.errors import HoldfastError, ToolError
from holdfast.core.domain.files import Workspace
from holdfast.core.domain.identity import LOCAL
from holdfast.core.domain.tools import ToolContext
from holdfast.core.tools.buckets.s3 import S3Store
from holdfast.core.tools.buckets.stores import FolderStore, ObjectStore

P = ParamSpec("P")
T = TypeVar("T")

_THREADS = 8
_LONGEST = 900
"""Bytes of a key, which with its prefix has 1,024."""


class BucketDesk:
    """`places` are the lines of the settings, asked for at each call; `keys` finds keys by their names;
    `folder` makes a jail of a folder."""

    def __init__(
        self,
        places: Callable[[], Mapping[str, str]],
        keys: Callable[[str], str | None],
        folder: Callable[[Path], Workspace],
    ) -> None:
        self._places = places
        self._keys = keys
        self._folder = folder

    def open(self, name: str, context: ToolContext, *, write: bool = False) -> tuple[Bucket, ObjectStore]:
        """Returns a bucket that the call may use. It blocks: call it from a thread. Raises `ToolError`."""
        mine = context.owner == LOCAL
        found = (bucket_of(each, text) for each, text in self._places().items())
        known = {each.name: each for each in found if mine or each.shared}
        bucket = known.get(name)
        if bucket is None:
            raise ToolError(_none(name, tuple(known)), code="bucket_not_found")
        if write and not bucket.writable:
            raise ToolError(
                f"The bucket {name} can only be read. Who runs Holdfast lets it be written with `write` "
                "behind its place in the setting `buckets.places`.",
                code="bucket_read_only",
            )
        return bucket, self._store(bucket)

    def _store(self, bucket: Bucket) -> ObjectStore:
        if bucket.s3:
            return S3Store(bucket, self._key(bucket))
        try:
            return FolderStore(self._folder(Path(bucket.place).expanduser()))
        except (HoldfastError, RuntimeError) as error:  # the second: `~` of nobody
            raise ToolError(f"The bucket {bucket.name} cannot be opened: {error}") from error

    def _key(self, bucket: Bucket) -> str | None:
        name = KEY_NAME.format(name=bucket.name)
        key = self._keys(name)
        if key is not None and not all(key.partition(":")):
            raise ToolError(
                f"The key to the bucket {bucket.name} is to be stored as ID:SECRET: "
                f"`holdfast keys provider set {name} --no-test`.",
                code="invalid_key",
            )
        return key


def open_bucket(
    desk: BucketDesk | None, name: str, context: ToolContext, *, write: bool = False
) -> tuple[Bucket, ObjectStore]:
    """Does as `BucketDesk.open`; None: there are no buckets."""
    if desk is None:
        raise ToolError(_none(name, ()), code="bucket_not_found")
    return desk.open(name, context, write=write)


async def in_bucket_thread(work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """Returns what `work` returns in a thread of those that buckets have: a server that hardly answers keeps
    only what is about buckets waiting."""
    call = partial(copy_context().run, work, *given, **named)
    return await asyncio.get_running_loop().run_in_executor(_threads(), call)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="bucket")


def key_of(text: str) -> str:
    """Returns a key that an agent has given. Raises `ToolError` for one that could lead somewhere else."""
    parts = text.split("/")
    if not text or len(text.encode("utf-8", "replace")) > _LONGEST or not text.isprintable():
        raise ToolError(f"A key has 1 to {_LONGEST} bytes and no control characters.", code="invalid_key")
    if any(part in ("", ".", "..") for part in parts):
        raise ToolError(
            f"{text[:100]!r} is no key: write it like `folder/name`, without `..`, `.` and empty parts.",
            code="invalid_key",
        )
    return text


def _none(name: str, known: tuple[str, ...]) -> str:
    if known:
        return f"There is no bucket {name[:80]!r}. There are: {', '.join(known)}."
    return (
        "No buckets are set up. Who runs Holdfast names them in the setting `buckets.places`, such as "
        "`reports: s3://company-reports/2026 region=eu-central-1`."
    )
