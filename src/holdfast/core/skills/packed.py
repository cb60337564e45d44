"""Skills in a zip: read within limits, and refused for what no skill needs.

Nothing is written here: what comes out are names, each checked, and contents.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from io import BytesIO

from holdfast.core.domain.errors import InvalidError, TooLargeError
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.skills.contents import Contents, Names, too_large, unsafe
from holdfast.core.skills.limits import MAX_BYTES, MAX_FILES, MAX_PACKED_BYTES, MAX_RATIO

_ENTRY = b"PK\x01\x02"
"""Begins each entry of the list at an archive's end."""
_PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""Others can ask for gigabytes of memory to unpack a few bytes."""
_ENCRYPTED = 0x1
_SMALL = 2**20
"""Bytes up to which a file may be packed as tightly as it likes."""


def is_zip(data: bytes) -> bool:
    """Says whether `data` begins like a zip."""
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def unpacked(data: bytes) -> Contents:
    """Returns the files of a zip by their paths.

    Raises `InvalidError` (`invalid_archive`, `unsafe_archive`) and `TooLargeError` (`skill_too_large`).
    """
    if len(data) > MAX_PACKED_BYTES:
        raise too_large(f"The archive is larger than {MAX_PACKED_BYTES // 2**20} MiB.")
    # Before the list is read, which takes memory for each entry. Archives in the archive count too.
    if data.count(_ENTRY) > 4 * MAX_FILES:
        raise too_large(f"The archive has more than {MAX_FILES} entries.")
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return _read(archive)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        ValueError,
        OverflowError,
    ) as error:
        raise InvalidError(
            f"The archive cannot be read: {shorten(sanitize_line(str(error)), 200)}.", code="invalid_archive"
        ) from error


def _read(archive: zipfile.ZipFile) -> Contents:
    entries = archive.infolist()
    if len(entries) > MAX_FILES:
        raise too_large(f"The archive has more than {MAX_FILES} entries.")
    names = Names()
    for entry in entries:
        _check(entry)
        names.add(_name(entry), is_folder=entry.is_dir())
    if sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise too_large(f"The archive unpacks to more than {MAX_BYTES // 2**20} MiB.")
    found: dict[str, bytes] = {}
    total = 0
    for entry in entries:
        if entry.is_dir():
            continue
        # No more is unpacked than the entry says, whatever it holds.
        with archive.open(entry) as file:
            content = file.read(entry.file_size + 1)
        total += len(content)
        if total > MAX_BYTES or len(content) != entry.file_size:
            raise InvalidError("The archive lies about the sizes of its files.", code="unsafe_archive")
        found[_name(entry)] = content
    return found


def _name(entry: zipfile.ZipInfo) -> str:
    return entry.filename.rstrip("/") if entry.is_dir() else entry.filename


def _check(entry: zipfile.ZipInfo) -> None:
    """Raises for an entry that is no ordinary file or folder."""
    # zipfile ends a name at a NUL, and turns separators of other systems; the name as it stands is judged.
    if entry.orig_filename != entry.filename or "\\" in entry.orig_filename:
        raise unsafe(entry.orig_filename, "the name has a NUL or a backslash")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "a link" if kind == stat.S_IFLNK else "a device, a pipe or a socket"
        raise unsafe(entry.filename, f"it is {what}")
    if entry.flag_bits & _ENCRYPTED:
        raise InvalidError("The archive is encrypted.", code="invalid_archive")
    if entry.compress_type not in _PACKED:
        raise InvalidError("The archive is packed in a way that is not taken.", code="invalid_archive")
    if entry.file_size > max(_SMALL, MAX_RATIO * entry.compress_size):
        raise TooLargeError(
            f"{shorten(sanitize_line(entry.filename), 100)!r} is over {MAX_RATIO} times as large unpacked.",
            code="skill_too_large",
        )
