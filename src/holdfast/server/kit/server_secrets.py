"""Values of MCP servers that look like secrets, as other systems' clients send them: they are kept where keys
are, and references stand in their places."""

from __future__ import annotations

import re
from collections.abc import Mapping

from holdfast.core.domain.references import SECRET_NAME, is_secret_header

_LENGTHS = range(8, 4_001)
"""What is shorter could be told from no ordinary word, and stays."""


def is_keepable(name: str, value: str) -> bool:
    """Says whether a value can be kept as the secret of this name."""
    plain = len(value) in _LENGTHS and value.isprintable() and "${secret:" not in value
    return plain and re.fullmatch(SECRET_NAME, name) is not None


def referring(values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Returns headers, or an environment, with references in the places of what looks like secrets by its
    names, and those secrets."""
    secrets = {
        name: value for name, value in values.items() if is_secret_header(name) and is_keepable(name, value)
    }
    return {**values, **{name: f"${{secret:{name}}}" for name in secrets}}, secrets
