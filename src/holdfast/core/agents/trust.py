"""The user's word on project folders, remembered in one file."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from holdfast.core.config.private import write_private
from holdfast.core.config.yaml import parse_file
from holdfast.core.domain.agents import Trust
from holdfast.core.domain.errors import file_mistakes
from holdfast.core.domain.values import Value, utc_now


class _TrustFile(Value):
    folders: tuple[Trust, ...] = ()


class TrustStore:
    """Reads the file anew whenever it is asked; folders count by their real path, links resolved."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def get(self, folder: Path) -> Trust | None:
        """Returns the word on `folder` or on its nearest parent that has one; None when there is none.

        Raises `InvalidError` when the file has a mistake.
        """
        known = {trust.path: trust for trust in self._read().folders}
        real = folder.resolve()
        return next((known[str(at)] for at in (real, *real.parents) if str(at) in known), None)

    def set(self, folder: Path, trusted: bool) -> Trust:
        """Records the word on `folder`; an older one is replaced.

        Raises `InvalidError` when the file has a mistake (it is not overwritten), `OSError` from writing.
        """
        trust = Trust(path=str(folder.resolve()), trusted=trusted, decided_at=utc_now())
        with self._lock:
            others = [old for old in self._read().folders if old.path != trust.path]
            write_private(self.path, _text([*others, trust]))
        return trust

    def _read(self) -> _TrustFile:
        try:
            value, problems = parse_file(_TrustFile, self.path)
        except FileNotFoundError:
            return _TrustFile()
        if value is None:
            raise file_mistakes(problems, code="invalid_trust_file")
        return value


def _text(folders: list[Trust]) -> str:
    # JSON strings are YAML strings; escapes keep a path with a line break on its line.
    lines = ["# Folders whose agents and settings you trust, or do not. The nearest parent counts.\n"]
    lines.append("folders:\n" if folders else "folders: []\n")
    for trust in folders:
        lines.append(f"  - path: {json.dumps(trust.path, ensure_ascii=not trust.path.isprintable())}\n")
        lines.append(f"    trusted: {str(trust.trusted).lower()}\n")
        lines.append(f'    decided_at: "{trust.decided_at.isoformat()}"\n')
    return "".join(lines)
