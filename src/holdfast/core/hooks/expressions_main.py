"""Matches regular expressions, and replaces what they match. A program: nothing imports it.

A process of its own, because a hostile expression can run for ever and Python cannot stop it from outside.
Input: JSON with `pattern`, `texts` and, to replace, `replacement`. Output: JSON with a list, of truth values
or of texts.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from typing import Any

_MEMORY = 2**29


def _done(asked: dict[str, Any]) -> list[bool] | list[str]:
    pattern = re.compile(asked["pattern"])
    replacement = asked.get("replacement")
    if replacement is None:
        return [pattern.search(text) is not None for text in asked["texts"]]
    return [pattern.sub(lambda _: replacement, text) for text in asked["texts"]]


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    print(json.dumps(_done(json.load(sys.stdin))))
