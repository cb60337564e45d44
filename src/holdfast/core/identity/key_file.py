"""Keys in a file of mode 0600, where there is no keyring."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

from holdfast.core.config.nodes import compose
from holdfast.core.config.private import write_private
from holdfast.core.config.yaml import read_file
from holdfast.core.domain.errors import ForbiddenError, InvalidError


class KeyFile:
    """A YAML mapping of names to keys. No error of it ever repeats a key."""

    def __init__(self, path: Path, holds: str = "Keys of model providers") -> None:
        """`holds` is written into the file's first line, for people who come across it."""
        self.path = path
        self._holds = holds
        self._lock = threading.Lock()

    def read(self, *, check_mode: bool = True) -> dict[str, str]:
        """Returns all keys; none when there is no file.

        Raises `ForbiddenError` when others may read the file, `InvalidError` when it is not a mapping of
        texts.
        """
        try:
            status = self.path.stat()
            if check_mode and stat.S_ISREG(status.st_mode):
                self._check_private(status)
            text, problems = read_file(self.path)
        except FileNotFoundError:
            return {}
        document, more = compose(text, str(self.path)) if text is not None else (None, [])
        problems = [*problems, *more]
        value = document.root.value if document else None
        if problems or not isinstance(value, dict):
            where = f" in line {problems[0].line}" if problems else ""
            raise InvalidError(
                f'the key file {self.path} has a mistake{where}; write one `name: "key"` a line',
                code="invalid_key_file",
            )
        keys = {name: key for name, key in value.items() if isinstance(key, str)}
        if len(keys) != len(value):
            wrong = ", ".join(name for name in value if name not in keys)
            raise InvalidError(
                f"in the key file {self.path} the value of {wrong} is no text; put it in quotes",
                code="invalid_key_file",
            )
        return keys

    def set(self, name: str, key: str) -> None:
        """Stores a key. Raises what `read` raises, and `OSError`."""
        with self._lock:
            self._write({**self.read(), name: key})

    def remove(self, name: str) -> None:
        """Removes a key; one that is not there is no error. Raises what `read` raises, and `OSError`."""
        with self._lock:
            keys = self.read()
            if keys.pop(name, None) is not None:
                self._write(keys)

    def _write(self, keys: dict[str, str]) -> None:
        lines = [f'{name}: "{_escaped(key)}"\n' for name, key in sorted(keys.items())]
        write_private(self.path, f"# {self._holds}. Keep this file to yourself.\n" + "".join(lines))

    def _check_private(self, status: os.stat_result) -> None:
        if status.st_mode & 0o077:
            raise ForbiddenError(
                f"others can read the key file; run: chmod 600 {self.path}",
                code="key_file_not_private",
            )


def _escaped(key: str) -> str:
    return key.replace("\\", "\\\\").replace('"', '\\"')
