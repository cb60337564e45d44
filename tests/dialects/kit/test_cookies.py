"""Cookies of requests."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from holdfast.server.kit.cookies import cookie_of


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        pytest.param(["kept=hf_one"], "hf_one", id="one"),
        pytest.param(['kept="hf_one"'], "hf_one", id="quoted"),
        pytest.param(['a={"b":1}; x[y]=z; alone; kept=hf_one'], "hf_one", id="beside-odd-ones"),
        pytest.param(["a=b", "kept=hf_one"], "hf_one", id="in-two-lines"),
        pytest.param(["kept=hf=one"], "hf=one", id="with-a-sign"),
        pytest.param(["unkept=hf_one; Kept=hf_two"], "", id="another-name"),
        pytest.param(["kept=hf_one; kept=hf_two"], "", id="two"),
        pytest.param(["kept=hf_one", "kept=hf_one"], "", id="two-lines"),
        pytest.param([], "", id="none"),
    ],
)
def test_a_cookie_counts_where_there_is_one(lines: list[str], found: str) -> None:
    headers = Headers(raw=[(b"cookie", line.encode()) for line in lines])
    assert cookie_of(headers, "kept") == found
