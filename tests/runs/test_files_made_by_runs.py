"""The files that runs have made: listed, and deleted all at once."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from holdfast.core.domain.errors import ConflictError, NotFoundError

both = pytest.mark.parametrize("door", ["local", "remote"])


def write(path: str, content: str = "x") -> tuple[str, str]:
    return "write_file", json.dumps({"path": path, "content": content})


@both
async def test_what_runs_have_made_is_told_apart_and_deleted_alone(open_bench, call, say) -> None:
    steps = [call(write("free/in/a", "12"), write("free/b"), write("free.own")), say("done")]
    async with open_bench(steps) as bench:
        session, files = await bench.session(), bench.workbench.files
        await files.write(session.id, "free/own", "mine")
        await files.write(session.id, "free.own", "mine")
        run_id = await bench.send(session)
        await bench.end(run_id)
        made = await files.made(session.id)
        assert [(each.path, each.size, each.run_id) for each in made] == [
            ("free/b", 1, run_id),
            ("free/in/a", 2, run_id),
        ]
        assert await files.clear(session.id) == 2
        assert await files.made(session.id) == ()
        assert sorted(each.path for each in await files.list(session.id)) == ["free.own", "free/own"]
        assert not (Path(session.workspace) / "free/in").exists()
        (version, gone) = await files.versions(session.id, "free/b")
        assert (version.kept, gone.change, gone.origin) == (True, "deleted", "api")
        assert await files.clear(session.id) == 0
        for wanted in (files.made("nothing"), files.clear("nothing")):
            with pytest.raises(NotFoundError):
                await wanted


async def test_files_are_not_deleted_twice_at_once(open_bench, call, say) -> None:
    async with open_bench([call(write("free")), say("done")]) as bench:
        session, files = await bench.session(), bench.workbench.files
        await bench.end(await bench.send(session))
        # The session is held, as by a run that starts: whoever comes first waits.
        async with bench.workbench._core.supervisor.held(session.id):
            clearing = {asyncio.create_task(files.clear(session.id)) for _ in range(2)}
            done, waiting = await asyncio.wait(clearing, timeout=10, return_when="FIRST_COMPLETED")
            (refused,), (first,) = done, waiting
            error = refused.exception()
            assert isinstance(error, ConflictError)
            assert error.code == "deleting"
        assert await first == 1
        assert await files.clear(session.id) == 0


@both
async def test_the_contents_of_a_workspace_are_named_where_that_is_asked_for(open_bench) -> None:
    async with open_bench() as bench:
        session, files = await bench.session(), bench.workbench.files
        await files.write(session.id, "a/b", "123")
        await files.write(session.id, "c", "1")
        (stats,) = await files.stats(session.id, contents=True)
        assert stats.names == ("a", "c")
        assert [(each.path, each.folder, each.size) for each in stats.contents] == [
            ("a", True, 0),
            ("a/b", False, 3),
            ("c", False, 1),
        ]
        assert stats.mode == 0o700
        assert all(each.mode and each.modified_at and each.changed_at for each in stats.contents)
        assert (await files.stats(session.id))[0].contents == ()
