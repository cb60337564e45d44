"""The command line of bubblewrap for a view: a file system, processes and a network of the child's own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from holdfast.core.sandbox.view import View

_TEMPORARY = Path("/tmp")
_PRIVATE = (_TEMPORARY, Path("/var/tmp"), Path("/run"))
_KEPT_OF_RUN = tuple(
    Path("/run", name)
    for name in (
        "systemd/resolve",
        "NetworkManager",
        "resolvconf",
        "connman",
        "netconfig",
        "nscd",
        "current-system",
        "opengl-driver",
    )
)
"""How names are resolved, and on NixOS the system. The rest of /run are doors: buses, agents, containers."""
_DEVICES = Path("/dev")
_EMPTY = str(Path(__file__).with_name("__init__.py"))
"""A file without content: programs that look for their configuration find nothing in it, and no mistake."""
_VARIABLES = ("TMPDIR", "TEMP", "TMP")


def wrapped(
    program: str,
    view: View,
    command: tuple[str, ...],
    temporary: Path | None,
    others: Iterable[Path],
) -> tuple[str, ...]:
    """Returns `command` confined to `view`.

    `temporary` is the folder that it finds as /tmp; None: an empty one. `others` are the system's folders for
    temporary files, which it finds empty.
    """
    return (
        *(program, "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
        *(() if view.network else ("--unshare-net",)),
        *("--die-with-parent", "--new-session", "--cap-drop", "ALL"),
        *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
        *_mounts(view, temporary, others),
        *("--chdir", str(view.cwd), "--"),
        *command,
    )


def environment_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment with the sandbox's own folder for temporary files."""
    return {name: str(_TEMPORARY) if name in _VARIABLES else value for name, value in environment.items()}


def _mounts(view: View, temporary: Path | None, others: Iterable[Path]) -> Iterator[str]:
    """Yields what is put over the read-only system. What is deeper comes later, so that it is not covered."""
    hiding = {path: _hide(path) for path in view.hidden if path not in view.own}
    private: dict[Path, tuple[str, ...]] = {path: ("--tmpfs", str(path)) for path in (*_PRIVATE, *others)}
    if temporary is not None:
        private[_TEMPORARY] = ("--bind", str(temporary), str(_TEMPORARY))
    mounts = {**private, **hiding}
    for path in (*view.allowed, *view.writable):
        bind = "--dev-bind" if path.is_relative_to(_DEVICES) else "--bind"
        mounts[path] = (bind, str(path), str(path))
    for path in _between((*view.allowed, *view.writable), hiding):
        mounts.setdefault(path, ("--bind", str(path), str(path)))
    for path in sorted((*view.readable, *view.own, *_KEPT_OF_RUN), key=_depth):
        # Elsewhere it can be read anyway, and must not become read-only.
        if path not in mounts and _nearest(path, mounts) in {*private, *hiding}:
            mounts[path] = ("--ro-bind-try", str(path), str(path))
    for path in sorted(mounts, key=_depth):
        yield from mounts[path]
    for path, hide in hiding.items():  # last, for what is shown below is put in before
        if mounts[path] is hide and hide[0] == "--tmpfs":
            yield from ("--remount-ro", str(path))


def _between(writable: Collection[Path], hidden: Iterable[Path]) -> Iterator[Path]:
    """Yields the folders between what can be written and what is hidden in it. Mounted on themselves they
    cannot be renamed, which would show what is hidden, by another name, to the child that comes next."""
    for path in hidden:
        nearest = _nearest(path, writable)
        if nearest is not None:
            yield from (
                parent for parent in path.parents if parent.is_relative_to(nearest) and parent != nearest
            )


def _depth(path: Path) -> int:
    return len(path.parts)


def _nearest(path: Path, mounts: Collection[Path]) -> Path | None:
    return next((parent for parent in path.parents if parent in mounts), None)


def _hide(path: Path) -> tuple[str, ...]:
    return ("--tmpfs", str(path)) if path.is_dir() else ("--ro-bind", _EMPTY, str(path))
