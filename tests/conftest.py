"""What holds for every test: no home, keys or editor of the person who runs them."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

from holdfast.core.store import migrations, writer

_FOREIGN = ("_API_KEY", "_API_BASE", "_BASE_URL", "_TOKEN")


def pytest_configure(config: pytest.Config) -> None:
    """Takes the interrupt up again where a shell has set it aside for a test run in its background: what
    the tests start would inherit that. Leaves the thorough tests out of a run that names none."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # The same examples each time, so that a change is judged by itself; HYPOTHESIS_RANDOM=1 looks for others.
    settings.register_profile("same", derandomize=True, database=None, deadline=None)
    if not os.environ.get("HYPOTHESIS_RANDOM"):
        settings.load_profile("same")
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.option.markexpr:
        config.option.markexpr = "not thorough"


def pytest_collection_finish() -> None:
    """Lets the collector of garbage walk what the tests make, and not the thousands of tests as well."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Gives one new folder after the other. Pytest's own way reads the names of all there are each time."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in count())


@pytest.fixture(scope="session", autouse=True)
def _new_databases() -> Iterator[None]:
    """Gives new databases a copy of the tables that one was given: thousands of tests begin with one."""
    template = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    migrations.migrate(template, Path())

    def copied(db: sqlite3.Connection, path: Path) -> None:
        known = [db.execute(f"PRAGMA {each}_version").fetchone()[0] for each in ("schema", "user")]
        if any(known):
            migrations.migrate(db, path)
        else:
            template.backup(db)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "migrate", copied)
        yield
    template.close()


@pytest.fixture(autouse=True)
def _own_home(_homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Gives each test an empty home and an environment without keys."""
    home = next(_homes)
    home.mkdir(mode=0o700)
    for name in list(os.environ):
        ours = name.startswith("HOLDFAST_") and not name.startswith("HOLDFAST_TEST_")
        if ours or name.endswith(_FOREIGN):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOLDFAST_HOME", str(home))
    monkeypatch.setenv("EDITOR", "true")
    if os.environ.get("TERM") == "dumb":  # there the app is a plain chat
        monkeypatch.setenv("TERM", "xterm")
    return home
