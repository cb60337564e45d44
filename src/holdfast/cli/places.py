"""On which machine the engine's folders are."""

from __future__ import annotations

from holdfast.cli.doors import doors
from holdfast.core.domain.paths import path_of


def is_elsewhere() -> bool:
    """Says whether commands go to an engine elsewhere, which knows nothing of this machine's folders."""
    return doors().elsewhere() is not None


def project_folder(named: str | None) -> str:
    """Returns the project folder as the engine is to be told it: the whole path of one of this machine's,
    default the current one; for an engine elsewhere what was named, and empty when nothing was."""
    if is_elsewhere():
        return named or ""
    return str(path_of(named or ".").absolute())
