"""The command line of bubblewrap: what covers what."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.sandbox.bubblewrap import wrapped
from holdfast.core.sandbox.view import View

PARTS = st.lists(st.sampled_from("abc"), min_size=1, max_size=4)
PATHS = st.lists(PARTS.map(lambda parts: Path("/nowhere", *parts)), max_size=4).map(
    lambda paths: tuple(dict.fromkeys(paths))
)


def view(own: tuple[Path, ...] = (), writable: tuple[Path, ...] = (), **more: tuple[Path, ...]) -> View:
    given = {"allowed": (), "readable": (), "hidden": (), **more}
    return View(Path("/"), own, writable, **given, network=False, keeps_temporary=False)


def seen(made: tuple[str, ...], path: Path) -> str:
    """What a path is at the end: by the last mount that covers it."""
    words = list(made)
    found = "--ro-bind"
    while words:
        word = words.pop(0)
        if word in ("--tmpfs", "--bind", "--dev-bind", "--ro-bind", "--ro-bind-try"):
            target = Path(words.pop(0) if word == "--tmpfs" else words[1])
            if path.is_relative_to(target):
                found = word
        if word == "--":
            break
    return found


@given(PATHS, PATHS, PATHS)
def test_what_is_deepest_decides_and_the_workspace_over_what_is_hidden(
    own: tuple[Path, ...], hidden: tuple[Path, ...], readable: tuple[Path, ...]
) -> None:
    made = wrapped("bwrap", view(own, own, hidden=hidden, readable=readable), ("true",), None, ())
    for path in own:
        assert seen(made, path) == "--bind"
    for path in set(hidden) - set(own):
        assert seen(made, path) == "--ro-bind"  # an empty file, for it is none here
    for path in set(readable) - set(own) - set(hidden):
        nearest = next((each for each in path.parents if each in (*own, *hidden)), None)
        covered = nearest in hidden and nearest not in own
        assert seen(made, path) == ("--ro-bind-try" if covered else "--bind" if nearest else "--ro-bind")


def test_folders_that_are_hidden_become_read_only_after_all_that_is_shown_in_them(tmp_path: Path) -> None:
    inside = tmp_path / "data" / "workspace"
    inside.mkdir(parents=True)
    made = wrapped("bwrap", view((inside,), (inside,), hidden=(tmp_path,)), ("true",), None, ())
    assert made.index("--remount-ro") > len(made) - 1 - made[::-1].index(str(inside))
    assert made[-2:] == ("--", "true")


def test_without_the_network_it_gets_one_of_its_own() -> None:
    assert "--unshare-net" in wrapped("bwrap", view(), ("true",), None, ())


def test_devices_that_are_allowed_are_devices() -> None:
    made = wrapped("bwrap", view(allowed=(Path("/dev/null"),)), ("true",), None, ())
    assert made[made.index("--dev-bind") + 1] == "/dev/null"
