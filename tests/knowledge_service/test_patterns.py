"""Patterns of paths below a folder."""

from __future__ import annotations

import pytest

from holdfast.core.services.patterns import fits


@pytest.mark.parametrize(
    ("pattern", "path", "fitting"),
    [
        ("*.md", "a.md", True),
        ("*.md", "x/a.md", False),
        ("**/*.md", "a.md", True),
        ("**/*.md", "x/y/a.md", True),
        ("**", "x/y/a.md", True),
        ("x/**", "x/y/a.md", True),
        ("x/**/a.md", "x/a.md", True),
        ("x/*/a.md", "x/a.md", False),
        ("**/y/**/*.md", "x/y/z/w/a.md", True),
        ("**/**/a.md", "a.md", True),
        ("./*", "a.md", True),
        ("*", "x/a.md", False),
        ("[ab].md", "b.md", True),
        ("A.md", "a.md", False),
    ],
)
def test_a_pattern_fits_whole_segments(pattern: str, path: str, fitting: bool) -> None:
    assert fits(f"/root/{path}", "/root", pattern) is fitting
