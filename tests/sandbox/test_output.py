import io

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.sandbox.output import OutputKeeper


@given(
    st.text(max_size=300),
    st.integers(min_value=2, max_value=80),
    st.lists(st.integers(min_value=1, max_value=9)),
)
def test_head_and_tail_are_the_ends_of_the_text_however_it_comes(
    text: str, keep: int, cuts: list[int]
) -> None:
    seen: list[str] = []
    spool = io.BytesIO()
    keeper = OutputKeeper(keep, seen.append, spool)
    data = text.encode()
    for size in [*cuts, len(data) + 1]:
        keeper.take(data[:size])
        data = data[size:]
    head, tail, omitted = keeper.finish()
    assert text.startswith(head)
    assert text.endswith(tail)
    assert len(head) + omitted + len(tail) == len(text)
    assert len(head) <= keep // 2
    assert len(tail) <= keep // 2
    assert (omitted == 0) or (len(head) == len(tail) == keep // 2)
    assert "".join(seen) == text
    assert spool.getvalue() == text.encode()
    assert keeper.total_bytes == len(text.encode())


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    keeper = OutputKeeper(100)
    keeper.take(b"a\xff\xc3")
    assert keeper.finish() == ("a\ufffd\ufffd", "", 0)
