"""Unified diffs, as `diff -u` and git write them."""

from __future__ import annotations

import re

HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
"""The head of a hunk: first line and number of lines before, then after; a number that is left out is 1.

Diffs come from outside: a number that no file has lines for is none, and is not read.
"""
