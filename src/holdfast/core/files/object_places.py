"""Where the contents of objects are: a folder of this machine, or whatever fsspec reaches."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from holdfast.core.domain.errors import InvalidError, UnavailableError, UnsupportedError
from holdfast.core.domain.objects import ObjectPlace
from holdfast.core.domain.text import sanitize_line, shorten

_S3 = ("s3", "s3a")
_CONNECT_S, _READ_S = 10, 60


class FolderPlace:
    """A folder of this machine, which is the engine's alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, copy: Callable[[IO[bytes]], None]) -> None:
        """See `ObjectPlace`."""
        target = self._path(name)
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, made = tempfile.mkstemp(dir=target.parent)
        except OSError as error:
            raise _failed("written", error) from error
        try:
            with os.fdopen(handle, "wb") as file:
                copy(file)
            Path(made).replace(target)
        except OSError as error:
            Path(made).unlink(missing_ok=True)
            raise _failed("written", error) from error
        except BaseException:
            Path(made).unlink(missing_ok=True)
            raise

    def open(self, name: str) -> IO[bytes]:
        """See `ObjectPlace`."""
        try:
            return self._path(name).open("rb")
        except OSError as error:
            raise _failed("read", error) from error

    def delete(self, name: str) -> None:
        """See `ObjectPlace`."""
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError as error:
            raise _failed("deleted", error) from error

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name


class FsspecPlace:
    """A folder of a file system that fsspec knows."""

    def __init__(self, files: Any, root: str) -> None:
        self._files = files
        self._root = root.rstrip("/")

    def put(self, name: str, copy: Callable[[IO[bytes]], None]) -> None:
        """See `ObjectPlace`."""
        with _told("written"), tempfile.TemporaryFile() as whole:
            copy(whole)  # first to the end: there it is whole or not at all
            whole.seek(0)
            with self._files.open(self._path(name), "wb") as file:
                shutil.copyfileobj(whole, file, 1 << 20)

    def open(self, name: str) -> IO[bytes]:
        """See `ObjectPlace`."""
        with _told("read"):
            found: IO[bytes] = self._files.open(self._path(name), "rb")
            return found

    def delete(self, name: str) -> None:
        """See `ObjectPlace`."""
        with _told("deleted"):
            try:
                self._files.rm_file(self._path(name))
            except FileNotFoundError:
                return

    def _path(self, name: str) -> str:
        return f"{self._root}/{name[:2]}/{name}"


def place_at(url: str, endpoint: str, region: str, key: str | None) -> ObjectPlace:
    """Returns the place of an address such as `s3://BUCKET/PREFIX`. `endpoint` and `region` are those of an
    S3 server, `key` is its key as ID:SECRET; nothing is taken from the machine's own configuration.

    Raises `InvalidError` for what is no such address, `UnsupportedError` where a package is missing.
    """
    import fsspec  # takes a while, and most engines keep objects in a folder

    scheme = urlsplit(url).scheme
    if scheme in _S3 and importlib.util.find_spec("s3fs") is None:
        raise UnsupportedError(
            "Objects at an S3 server need a package that is not installed: `pip install 'holdfast[s3]'`.",
            code="objects_package_missing",
        )
    try:
        options = _s3_options(endpoint, region, key) if scheme in _S3 else {}
        files, root = fsspec.core.url_to_fs(url, **options)
    except (ImportError, ValueError) as error:
        why = shorten(sanitize_line(str(error)), 300)
        raise InvalidError(
            f"Objects cannot be kept at {scheme}://: {why}", code="invalid_objects_url"
        ) from error
    return FsspecPlace(files, root)


def _s3_options(endpoint: str, region: str, key: str | None) -> dict[str, Any]:
    name, _, secret = (key or "").partition(":")
    return {
        "anon": not name,
        "key": name or None,
        "secret": secret or None,
        "endpoint_url": endpoint or None,
        "client_kwargs": {"region_name": region or "us-east-1"},
        "config_kwargs": {
            "connect_timeout": _CONNECT_S,
            "read_timeout": _READ_S,
            "request_checksum_calculation": "when_required",  # what is newer only Amazon's own servers know
            "response_checksum_validation": "when_required",
            **({"s3": {"addressing_style": "path"}} if endpoint else {}),
        },
        "use_listings_cache": False,
    }


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Tells what a server, or the way to it, has refused."""
    from botocore.exceptions import BotoCoreError  # s3fs lets those of the way to a server through

    try:
        yield
    except (OSError, BotoCoreError, ValueError) as error:
        raise _failed(what, error) from error


def _failed(what: str, error: Exception) -> UnavailableError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return UnavailableError(
        f"The object could not be {what}: {shorten(sanitize_line(reason), 300)}.", code="objects_unavailable"
    )
