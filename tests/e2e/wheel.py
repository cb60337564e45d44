"""Holdfast as people get it: a wheel, built from this checkout, in a fresh virtual environment.

No network: the build back end and the dependencies are those that run the tests, and the new environment
finds them through one line in a `.pth` file. Python does not read `.pth` files of a folder that was added
by one, so an editable Holdfast beside the dependencies stays invisible.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Installed:
    """An installed Holdfast."""

    folder: Path
    """The virtual environment."""

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def holdfast(self) -> Path:
        return self.folder / "bin" / "holdfast"


def install(folder: Path) -> Installed:
    """Builds and installs into `folder`, once: of several processes that ask, the first one does it."""
    folder.mkdir(parents=True, exist_ok=True)
    installed = Installed(folder / "venv")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            _install(_build(folder / "dist"), installed)
            (folder / "done").touch()
    return installed


def _build(folder: Path) -> Path:
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=CHECKOUT)
    [wheel] = folder.glob("*.whl")
    return wheel


def _install(wheel: Path, installed: Installed) -> None:
    venv.create(installed.folder, symlinks=True, with_pip=False)
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    _run(*pip, "--python", str(installed.python), "install", "--no-deps", "--no-index", str(wheel))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site_packages = installed.folder / "lib" / version / "site-packages"
    dependencies = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (site_packages / "dependencies.pth").write_text("\n".join(dependencies) + "\n")


def _run(*command: str, cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
