"""Buckets at servers that speak S3, through botocore.

Nothing is taken from the machine's own configuration of Amazon's tools: neither its keys, nor its profiles,
nor the address of a service that hands keys out.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any

from holdfast.core.domain.buckets import Bucket
from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.tools.buckets.stores import MAX_BYTES, StoredObject, no_object, too_large

_CONNECT_S, _READ_S = 10, 60
_WHOLE_S = 300.0
"""Seconds for all of an object's content, however steadily it comes."""
_CHUNK = 2**20
_making = threading.Lock()
_NOT_THERE = ("404", "NoSuchKey", "NotFound")


class S3Store:
    """A bucket at a server; `key` is the id of an access key and its secret with a colon between, None: what
    is asked is not signed, as for public buckets."""

    def __init__(self, bucket: Bucket, key: str | None) -> None:
        self._bucket = bucket
        self._client = _client(bucket, key)

    def list(self, prefix: str, after: str, limit: int) -> tuple[list[StoredObject], bool]:
        own = self._bucket.prefix
        start = {"StartAfter": own + after} if after else {}
        with _told(self._bucket, "list", ""):
            page = self._client.list_objects_v2(
                Bucket=self._bucket.place, Prefix=own + prefix, MaxKeys=limit, **start
            )
            objects = [
                StoredObject(
                    each["Key"].removeprefix(own), each["Size"], each["LastModified"], each.get("ETag", "")
                )
                for each in page.get("Contents", [])[:limit]
                if each["Key"].startswith(own + prefix)
            ]
        return objects, bool(page.get("IsTruncated"))

    def find(self, key: str) -> StoredObject | None:
        from botocore.exceptions import ClientError  # takes a while to load: where it is used

        try:
            with _told(self._bucket, "look at", key):
                found = self._client.head_object(Bucket=self._bucket.place, Key=self._bucket.prefix + key)
                size, changed = found["ContentLength"], found["LastModified"]
        except ToolError as error:
            cause = error.__cause__
            if isinstance(cause, ClientError) and _code(cause) in _NOT_THERE:
                return None
            raise
        return StoredObject(key, size, changed, found.get("ETag", ""))

    def read(self, key: str) -> bytes:
        with _told(self._bucket, "read", key):
            found = self._client.get_object(Bucket=self._bucket.place, Key=self._bucket.prefix + key)
            with found["Body"] as body:
                data = self._whole(body, found.get("ContentLength"))
        if len(data) > MAX_BYTES:
            raise too_large(key)
        return data

    def write(self, key: str, data: bytes) -> None:
        with _told(self._bucket, "write", key):
            self._client.put_object(Bucket=self._bucket.place, Key=self._bucket.prefix + key, Body=data)

    def _whole(self, body: Any, told: int | None) -> bytes:
        """Returns the content, and of a large one more than may be read; `told` is its size. The
        body's own `read` would wait for all that it is asked for, and a byte now and then keeps that up for
        ever."""
        pieces, size, until = [], 0, time.monotonic() + _WHOLE_S
        while size <= MAX_BYTES and (piece := body.read1(_CHUNK)):
            pieces.append(piece)
            size += len(piece)
            if time.monotonic() > until:
                raise _failed(self._bucket, "read", f"its server took longer than {_WHOLE_S:g} s.")
        if told is not None and size < min(told, MAX_BYTES):
            raise _failed(self._bucket, "read", f"of {told} bytes its server sent only {size}.")
        return b"".join(pieces)


@cache
def _session() -> Any:
    """Returns what clients are made from: it reads no file of the person's, and finds no keys."""
    import botocore.credentials  # both take a while to load: where they are used
    import botocore.session

    unset = (None, None, None, None)
    nothing = {"profile": unset, "config_file": unset, "credentials_file": unset}
    session = botocore.session.Session(session_vars=nothing)
    for name in ("config_file", "credentials_file"):
        session.set_config_variable(name, os.devnull)
    session.register_component("credential_provider", botocore.credentials.CredentialResolver([]))
    return session


@lru_cache(maxsize=32)
def _client(bucket: Bucket, key: str | None) -> Any:
    import botocore
    import botocore.config

    name, _, secret = (key or "").partition(":")
    config = botocore.config.Config(
        signature_version="s3v4" if key else botocore.UNSIGNED,
        connect_timeout=_CONNECT_S,
        read_timeout=_READ_S,
        retries={"total_max_attempts": 2},
        ignore_configured_endpoint_urls=True,
        request_checksum_calculation="when_required",  # what is newer only Amazon's own servers know
        response_checksum_validation="when_required",
        s3={"addressing_style": "path"} if bucket.endpoint else None,
    )
    with _making:  # a session makes one at a time
        return _session().create_client(
            "s3",
            region_name=bucket.region or "us-east-1",
            endpoint_url=bucket.endpoint,
            aws_access_key_id=name or None,
            aws_secret_access_key=secret or None,
            config=config,
        )


@contextmanager
def _told(bucket: Bucket, what: str, key: str) -> Iterator[None]:
    """Tells what a server, or the way to it, has refused."""
    from botocore.exceptions import BotoCoreError, ClientError  # see above
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ClientError as error:
        if _code(error) in _NOT_THERE and key:
            raise no_object(key) from error
        said = shorten(sanitize_line(str(error.response.get("Error", {}).get("Message", ""))), 300)
        raise _failed(bucket, what, f"{_code(error)} {said}".strip()) from error
    except KeyError as error:
        why = f"the answer of its server has no {shorten(sanitize_line(str(error)), 100)}."
        raise _failed(bucket, what, why) from error
    except (BotoCoreError, HTTPError, ValueError, OSError) as error:  # the last ones: of broken answers
        raise _failed(bucket, what, shorten(sanitize_line(str(error)), 300)) from error


def _failed(bucket: Bucket, what: str, why: str) -> ToolError:
    return ToolError(f"The bucket {bucket.name} could not be used to {what}: {why}", code="bucket_failed")


def _code(error: Any) -> str:
    return shorten(sanitize_line(str(error.response.get("Error", {}).get("Code", ""))), 100)
