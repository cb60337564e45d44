"""Buckets: places outside of the workspace where files are kept, as the settings describe them."""

from __future__ import annotations

import re
import shlex
from typing import Any

from holdfast.core.domain.values import Value

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
KEY_NAME = "bucket-{name}"
"""What the keys to a bucket are stored as: `holdfast keys provider set bucket-NAME`."""
_S3 = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?")
_ENDPOINT = re.compile(r"https?://[^\s@?#/]+/?")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_EXPECTED = "`s3://BUCKET/PREFIX` or a folder, and behind it region=, endpoint=, `write` or `shared`"


class Bucket(Value):
    """One bucket, as its line in the settings says."""

    name: str
    """What agents call it."""
    place: str
    """The bucket's name at its server, or a folder's whole path."""
    s3: bool
    prefix: str = ""
    """Begins every key: nothing else of the bucket is seen. Empty, or it ends with a slash."""
    endpoint: str | None = None
    """Address of an S3-compatible server; None: Amazon's."""
    region: str | None = None
    writable: bool = False
    shared: bool = False
    """Whether other users of the engine may use it too."""

    def __str__(self) -> str:
        return f"s3://{self.place}/{self.prefix}" if self.s3 else self.place


def bucket_of(name: str, text: str) -> Bucket:
    """Returns the bucket that a line of the settings describes. Raises `ValueError`."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name[:40]!r} is no name of a bucket: a-z, 0-9, '_' and '-', at most 64")
    try:
        place, *words = shlex.split(text)
    except ValueError:
        raise ValueError(f"{text[:80]!r} is no bucket: write {_EXPECTED}") from None
    said: dict[str, Any] = {"name": name, "writable": "write" in words, "shared": "shared" in words}
    for word in words:
        key, equals, value = word.partition("=")
        fits = (key == "endpoint" and _ENDPOINT.fullmatch(value)) or (
            key == "region" and _REGION.fullmatch(value)
        )
        if equals and fits and place.startswith("s3://"):
            said[key] = value
        elif word not in ("write", "shared"):
            raise ValueError(f"{word[:80]!r} says nothing of a bucket: write {_EXPECTED}")
    if (found := _S3.fullmatch(place)) is not None:
        prefix = (found[2] or "").strip("/")
        return Bucket(**said, s3=True, place=found[1], prefix=f"{prefix}/" if prefix else "")
    if not place.startswith(("/", "~/")) or "\0" in place or not place.strip("/"):
        raise ValueError(f"{place[:80]!r} is no place of a bucket: write {_EXPECTED}")
    return Bucket(**said, s3=False, place=place)
