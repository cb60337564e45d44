"""Tools of a person's own as files: read with each mistake at its place, written to be read."""

from __future__ import annotations

import json
import re
import sys
import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile, ZipInfo

from holdfast.cli.described import read_headers
from holdfast.cli.editing import parse_arguments
from holdfast.core.config.tool_text import PYTHON, spec_of
from holdfast.core.domain.custom_tools import ToolSpec
from holdfast.core.domain.errors import InvalidError

_PLACE = re.compile(r"\{(\w+)\}")

_KINDS = (PYTHON, ".yaml", ".yml", ".json")
_MOST = 50
"""Files in a zip."""
_LARGEST = 500_000
"""Bytes of one of them."""


def read_specs(file: str) -> tuple[ToolSpec, ...]:
    """Returns the tools in a file: one of YAML, JSON or Python, or a zip of such files; `-` is stdin, of YAML
    or JSON. Raises `InvalidError`, and `OSError` where it cannot be read."""
    if not file.endswith(".zip"):
        return (read_spec(file),)
    try:
        # Nothing is unpacked to a disk: where the names of its entries lead does not matter.
        with ZipFile(file) as archive:
            entries = [each for each in archive.infolist() if each.filename.endswith(_KINDS)]
            if not entries or len(entries) > _MOST:
                raise InvalidError(f"{file} must have 1 to {_MOST} files of {', '.join(_KINDS)}")
            return tuple(spec_of(_entry(archive, each), f"{file}/{each.filename}") for each in entries)
    except (BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise InvalidError(f"{file} is no zip that can be read: {error}") from error


def _entry(archive: ZipFile, entry: ZipInfo) -> bytes:
    with archive.open(entry) as stream:
        data = stream.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise InvalidError(f"{entry.filename} has more than {_LARGEST:,} bytes; no tool has")
    return data


def read_spec(file: str) -> ToolSpec:
    """Returns the tool in a file that is no zip, as `read_specs` does."""
    return spec_of(sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes(), file)


def drafted(
    name: str, url: str, description: str, method: str, headers: list[str], parameters: str | None
) -> ToolSpec:
    """Returns the tool that options describe; without `parameters` the places in the address are its
    arguments, each a text. Raises `InvalidError`."""
    given: dict[str, Any] = {"name": name, "description": description, "endpoint": url, "method": method}
    given["headers"] = read_headers(headers)
    places = list(dict.fromkeys(_PLACE.findall(url)))
    given["parameters"] = (
        {"type": "object", "properties": {each: {"type": "string"} for each in places}, "required": places}
        if parameters is None
        else parse_arguments(parameters)
    )
    return spec_of(json.dumps(given).encode(), "the tool")
