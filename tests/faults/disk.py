"""A small disk of one's own: can be filled, emptied, and made read-only."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


class SmallDisk:
    """A file system in memory, mounted at `folder`; a context manager. Raises `PermissionError`."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        self._megabytes = megabytes
        self._filler = folder / "filler"

    def __enter__(self) -> SmallDisk:
        self.folder.mkdir()
        done = _mount("-t", "tmpfs", "-o", f"size={self._megabytes}m,mode=700", "holdfast-test", self.folder)
        if done.returncode != 0:
            raise PermissionError(done.stderr.strip())
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True, timeout=20)

    def fill(self, but: int = 0) -> None:
        """Takes all space that is left, but for about `but` bytes."""
        room = os.statvfs(self.folder)
        free = room.f_bavail * room.f_frsize - but
        with self._filler.open("wb") as file:
            for _ in range(max(0, free) // 4096):
                file.write(bytes(4096))

    def empty(self) -> None:
        """Gives back what `fill` took."""
        self._filler.unlink()

    def lock(self) -> None:
        """Makes it read-only."""
        assert _mount("-o", "remount,ro", self.folder).returncode == 0

    def unlock(self) -> None:
        assert _mount("-o", "remount,rw", self.folder).returncode == 0


def _mount(*args: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["mount", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
