"""Server-sent events: what the writer writes, the reader reads, however it is cut."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from holdfast.server.kit.sse import PING, Frame, FrameReader, write_cursor, write_frame

DATA = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))
NAMES = st.sampled_from(["part.delta", "run.completed", "error", ""])
FRAMES = st.lists(st.tuples(DATA.filter(bool), NAMES, st.integers(0, 2**63)), max_size=5)
CUTS = st.lists(st.integers(0, 2000), max_size=8)


def read(wire: bytes, cuts: list[int]) -> tuple[list[Frame], FrameReader]:
    reader = FrameReader()
    places = [0, *sorted(cuts), len(wire)]
    chunks = [wire[a:b] for a, b in pairwise(places)]
    return [frame for chunk in chunks for frame in reader.feed(chunk)], reader


@given(FRAMES, CUTS, st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_frames_are_read_as_written_with_any_line_end_and_cut_anywhere(
    frames: list[tuple[str, str, int]], cuts: list[int], end: bytes
) -> None:
    wire = PING.join(write_frame(data, event=event, id=id) for data, event, id in frames)
    found, _ = read(wire.replace(b"\n", end), cuts)
    assert found == [Frame(data, event, str(id)) for data, event, id in frames]


def test_every_single_cut_of_a_stream_with_crlf_gives_the_same() -> None:
    wire = (write_cursor(3) + write_frame("ü\nb", event="x", id=4) + PING).replace(b"\n", b"\r\n")
    for cut in range(len(wire) + 1):
        assert read(wire, [cut])[0] == [Frame("ü\nb", "x", "4")]
    assert read(wire, list(range(len(wire))))[0] == [Frame("ü\nb", "x", "4")]


def test_a_cursor_moves_the_reader_without_an_event() -> None:
    frames, reader = read(write_cursor(12), [])
    assert (frames, reader.last_id) == ([], "12")


def test_an_unfinished_frame_is_no_frame() -> None:
    frames, reader = read(b"id: 5\ndata: x\n", [])
    assert (frames, reader.last_id) == ([], "")


def test_an_id_stays_for_the_frames_after_it_and_an_event_name_does_not() -> None:
    frames, _ = read(b"id: 1\nevent: a\ndata: x\n\ndata: y\n\n", [])
    assert frames == [Frame("x", "a", "1"), Frame("y", "", "1")]


def test_a_field_without_colon_or_space_and_unknown_fields_are_taken_as_the_text_says() -> None:
    frames, _ = read(b"data\ndata:x\nretry: 5\nwhat: 1\nid: a\0b\n\n", [])
    assert frames == [Frame("\nx", "", "")]


def test_a_lone_carriage_return_in_data_becomes_a_line() -> None:
    assert read(write_frame("a\rb\r\nc"), [])[0] == [Frame("a\nb\nc")]
