"""Zips that skills come in: what no skill needs is refused, and nothing of it is written."""

from __future__ import annotations

import os
import stat
import struct
import tempfile
import zipfile
import zlib
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.core.domain.errors import HoldfastError, InvalidError, TooLargeError
from holdfast.core.skills.contents import Names, skill_in
from holdfast.core.skills.folders import collected, written
from holdfast.core.skills.limits import MAX_BYTES, MAX_FILES
from holdfast.core.skills.packed import unpacked


def refused(data: bytes) -> HoldfastError:
    with pytest.raises((InvalidError, TooLargeError)) as caught:
        unpacked(data)
    return caught.value


def test_a_zip_is_read(pack: Any, text: Any) -> None:
    files = {"minutes/SKILL.md": text(), "minutes/forms/a.md": "A", "__MACOSX/._x": "junk"}
    name, inside = skill_in(unpacked(pack(files)))
    assert name == "minutes"
    assert inside == {"SKILL.md": text().encode(), "forms/a.md": b"A"}


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "a/../../outside",
        "/etc/passwd",
        "C:/Windows/x",
        "C:x",
        "..\\outside",
        "a\\b",
        "a//b",
        "./a",
        "a/./b",
        "a\x07b",
        "a\nb",
        "a\u202eb",
        "a. ",
        "a.",
        "x" * 300,
        "/".join("a" * 40),
    ],
)
def test_a_name_that_leads_out_or_is_none_is_refused(pack: Any, name: str) -> None:
    assert refused(pack({"SKILL.md": "x", name: "x"})).code == "unsafe_archive"


def test_a_name_that_goes_on_after_a_nul_is_refused(pack: Any) -> None:
    data = pack({"SKILL.md": "x", "aXb/../../c": "x"}).replace(b"aXb", b"a\0b")
    assert refused(data).code == "unsafe_archive"


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_are_refused(pack: Any, kind: int) -> None:
    data = pack({"SKILL.md": "x", "a": "/etc/passwd"}, modes={"a": kind | 0o777})
    assert refused(data).code == "unsafe_archive"


@pytest.mark.parametrize(
    "names",
    [
        ("a", "A"),
        ("a/b", "A/c"),
        ("a", "a/b"),
        ("a/b", "a"),
        ("stra\u00dfe", "STRASSE"),
        ("\u00e9", "e\u0301"),
    ],
)
def test_names_that_are_one_on_some_system_are_refused(pack: Any, names: tuple[str, str]) -> None:
    assert refused(pack({"SKILL.md": "x"} | dict.fromkeys(names, "x"))).code == "unsafe_archive"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_are_refused() -> None:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("SKILL.md", "one")
        archive.writestr("SKILL.md", "two")
    assert refused(stream.getvalue()).code == "unsafe_archive"


def test_a_bomb_ends_with_a_clear_error(pack: Any) -> None:
    error = refused(pack({"SKILL.md": "x", "big": bytes(15 * 2**20)}))
    assert error.code == "skill_too_large"
    assert "big" in error.message


def test_many_files_that_are_too_large_together_are_refused_before_they_are_unpacked(pack: Any) -> None:
    noise = b"".join(zlib.crc32(struct.pack("I", n)).to_bytes(4, "big") for n in range(2**18))
    thin = (noise + bytes(4 * 2**20))[: 5 * 2**20]
    assert refused(pack({f"f{n}": thin for n in range(MAX_BYTES // len(thin) + 1)})).code == "skill_too_large"


def test_a_zip_with_very_many_entries_is_refused(pack: Any) -> None:
    assert refused(pack({f"{n}": "" for n in range(MAX_FILES + 1)}, method=0)).code == "skill_too_large"
    assert refused(b"PK\x03\x04" + b"PK\x01\x02" * (MAX_FILES * 5)).code == "skill_too_large"


def test_an_entry_that_holds_more_than_it_says_gives_no_more(pack: Any) -> None:
    data = bytearray(pack({"SKILL.md": "x" * 1000}, method=0))
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 10)
    assert refused(bytes(data)).code in ("invalid_archive", "unsafe_archive")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(pack: Any, method: int) -> None:
    assert refused(pack({"SKILL.md": "x"}, method=method)).code == "invalid_archive"


def test_an_encrypted_zip_is_refused(pack: Any) -> None:
    data = bytearray(pack({"SKILL.md": "x"}))
    at = data.rindex(b"PK\x01\x02")
    data[at + 8] |= 1
    assert refused(bytes(data)).code == "invalid_archive"


@pytest.mark.parametrize("cut", [3, 30, 60])
def test_a_zip_that_was_cut_is_refused(pack: Any, text: Any, cut: int) -> None:
    assert refused(pack({"SKILL.md": text()})[:-cut]).code == "invalid_archive"


def test_what_has_no_skill_and_what_has_several_is_told() -> None:
    with pytest.raises(InvalidError, match="neither at the top") as none:
        skill_in({"a/b/SKILL.md": b"x"})
    assert none.value.code == "no_skill" and "a/b" in none.value.message
    with pytest.raises(InvalidError, match="a, b") as several:
        skill_in({"a/SKILL.md": b"x", "b/SKILL.md": b"y"})
    assert several.value.code == "several_skills"
    assert skill_in({"a/SKILL.md": b"x", "b/SKILL.md": b"y"}, "b")[1] == {"SKILL.md": b"y"}


_PIECES = st.sampled_from(
    [
        "..",
        ".",
        "",
        "a",
        "A",
        "b",
        "C:",
        "\\",
        "\0",
        "\n",
        "~",
        "...",
        "a.",
        " ",
        "\u202e",
        "\udcff",
        "e\u0301",
    ]
)
_NAMES = st.lists(_PIECES, max_size=6).map("/".join) | st.text(max_size=20)


@given(st.lists(_NAMES, max_size=6))
@example(["a/../../x"])
@example(["a", "a/b"])
def test_whatever_names_are_given_nothing_lands_outside(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "skill"
        folder.mkdir()
        try:
            seen = Names()
            for each in names:
                seen.add(each)
            contents = dict.fromkeys(names, b"x")
        except InvalidError:
            contents = {}
        written(contents, folder)
        assert [path.name for path in Path(name).iterdir()] == ["skill"]
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert found == set(contents)


@given(st.lists(_NAMES, max_size=4))
def test_a_name_that_was_never_checked_is_not_written_outside_either(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "skill"
        folder.mkdir()
        with suppress(HoldfastError):
            written(dict.fromkeys(names, b"x"), folder)
        assert [path.name for path in Path(name).iterdir()] == ["skill"]


def test_a_folder_with_a_link_or_a_pipe_is_refused(tmp_path: Path, text: Any) -> None:
    (tmp_path / "SKILL.md").write_text(text())
    assert set(collected(tmp_path)) == {"SKILL.md"}
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(InvalidError, match="link"):
        collected(tmp_path)
    (tmp_path / "link").unlink()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidError, match="no file"):
        collected(tmp_path)
    (tmp_path / "pipe").unlink()
    (tmp_path / "large").write_bytes(bytes(MAX_BYTES + 1))
    with pytest.raises(TooLargeError):
        collected(tmp_path)
