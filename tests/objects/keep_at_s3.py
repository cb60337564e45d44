"""Keeps objects at the S3 server whose address is the argument, and says what came of it."""

from __future__ import annotations

import sys

from holdfast.core.domain.errors import UnavailableError
from holdfast.core.files.object_places import place_at

place = place_at("s3://bucket/prefix", sys.argv[1], "eu-x-1", "ID:SECRET")
place.put("abcd", lambda file: file.writelines([b"con", b"tent"]))
place.put("cdef", lambda file: file.writelines([b"stays"]))
with place.open("abcd") as file:
    print(file.read().decode())
try:
    place_at("s3://bucket/prefix", sys.argv[1], "", "OTHER:SECRET").open("abcd")
except UnavailableError as error:
    print(error.code)
place.delete("abcd")
place.delete("abcd")
try:
    place.open("abcd")
except UnavailableError:
    print("gone")
