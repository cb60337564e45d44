"""References to secrets in headers: `${secret:NAME}` stands for one that is kept where keys are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

SECRET_NAME = r"[A-Za-z0-9_.-]{1,64}"
_SECRET_HEADER = re.compile(r"auth|cookie|key|pass|secret|token", re.IGNORECASE)
_REFERENCE = re.compile(r"\$\{secret:(" + SECRET_NAME + r")\}")


def is_secret_header(name: str) -> bool:
    """Says whether what a header of this name holds is taken for a secret."""
    return _SECRET_HEADER.search(name) is not None


def secret_names(texts: Iterable[str]) -> tuple[str, ...]:
    """Returns the names of the secrets that `texts` refer to, each once."""
    return tuple(dict.fromkeys(name for text in texts for name in _REFERENCE.findall(text)))


def with_secrets(text: str, secrets: Mapping[str, str]) -> str:
    """Returns `text` with the secrets in the places of their references. Raises `KeyError` for one that is
    not among `secrets`."""
    return _REFERENCE.sub(lambda found: secrets[found[1]], text)
