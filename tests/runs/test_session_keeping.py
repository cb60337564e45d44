"""Stars, the archive, what was looked at, the trash, and sessions out of files: on a whole workbench."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from holdfast.core.domain.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.values import utc_now


async def test_sessions_are_counted_by_what_is_kept_with_them(open_bench) -> None:
    async with open_bench([]) as bench:
        sessions = bench.workbench.sessions
        made = [await bench.session() for _ in range(6)]
        for session, said in zip(made, ("a", "a", "b", "a", "a", 7), strict=True):
            await sessions.annotate(session.id, {"there": {"of": said}})
        await sessions.archive(made[3].id)
        await sessions.delete(made[4].id)
        assert await sessions.tally("there", "of") == {"a": 2, "b": 1}
        assert await sessions.tally("there", "other") == {}
        stranger = bench.workbench.as_principal(
            Principal(user_id="ann", name="ann", role=Role.USER, scope=Scope.READ)
        )
        assert await stranger.sessions.tally("there", "of") == {}
        for api, key in (("there.of", "x"), ("there", '"'), ("", "of")):
            with pytest.raises(InvalidError):
                await sessions.tally(api, key)


async def test_marks_are_kept_and_filter_the_list(open_bench, say) -> None:
    async with open_bench([say("one")]) as bench:
        sessions = bench.workbench.sessions
        first, second = await bench.session(title="First"), await bench.session(title="Second")
        await bench.end(await bench.send(first))
        assert (await sessions.get(first.id)).unread == 1
        assert (await sessions.star(first.id)).starred
        assert (await sessions.archive(second.id)).archived
        assert [each.id for each in (await sessions.list()).items] == [first.id]
        assert [each.id for each in (await sessions.list("archived:only")).items] == [second.id]
        assert [each.id for each in (await sessions.list("archived:yes is:unread is:starred")).items] == [
            first.id
        ]
        counts = await sessions.counts()
        assert (counts.sessions, counts.starred, counts.unread, counts.archived, counts.trash) == (
            1,
            1,
            1,
            1,
            0,
        )
        assert counts.agents == {"tester": 2}
        assert (await sessions.see(first.id)).unread == 0
        assert not (await sessions.star(first.id, starred=False)).starred
        fork = await sessions.fork(first.id)
        assert (fork.unread, fork.starred, fork.archived) == (0, False, False)


async def test_a_run_takes_its_session_out_of_the_archive(open_bench, say) -> None:
    async with open_bench([say("one")]) as bench:
        session = await bench.session()
        await bench.workbench.sessions.archive(session.id)
        await bench.end(await bench.send(session))
        assert not (await bench.workbench.sessions.get(session.id)).archived


async def test_a_session_in_the_trash_is_nowhere_until_it_is_restored(open_bench, say) -> None:
    async with open_bench([say("about turnips")]) as bench:
        workbench = bench.workbench
        session = await bench.session(title="Garden")
        run_id = await bench.send(session, "turnips")
        await bench.end(run_id)
        await workbench.files.write(session.id, "mine.md", "kept")
        before = await workbench.events.read(EventFilter(session_id=session.id), limit=1000)
        usage = await workbench.usage.report()
        await workbench.sessions.delete(session.id)
        for look in (
            workbench.sessions.get(session.id),
            workbench.runs.get(run_id),
            workbench.files.list(session.id),
            workbench.events.page_before(session.id),
            workbench.sessions.export(session.id, "json"),
            workbench.sessions.delete(session.id),
            bench.send(session),
        ):
            with pytest.raises(NotFoundError):
                await look
        assert (await workbench.sessions.list("archived:yes")).items == ()
        assert (await workbench.sessions.search("turnips")).items == ()
        left = (await workbench.events.read(EventFilter(session_id=session.id))).items
        assert [each.event.type for each in left] == ["session.trashed"]
        (thing,) = (await workbench.trash.list()).items
        assert (thing.kind, thing.id, thing.title) == ("session", session.id, "Garden")
        assert (thing.purged_at - thing.deleted_at).days == 30
        with pytest.raises(ConflictError, match="in the trash") as caught:
            await bench.session(id=session.id)
        assert caught.value.code == "session_in_trash"
        await workbench.trash.restore("session", session.id)
        after = await workbench.events.read(EventFilter(session_id=session.id), limit=1000)
        assert after.items[: len(before.items)] == before.items
        assert [each.path for each in await workbench.files.list(session.id)] == ["mine.md"]
        assert (await workbench.sessions.search("turnips")).items
        assert await workbench.usage.report() == usage
        with pytest.raises(NotFoundError):
            await workbench.trash.restore("session", session.id)


async def test_a_session_that_runs_is_not_put_into_the_trash(open_bench, call) -> None:
    async with open_bench([call(("run_command", '{"command": "ls"}'))]) as bench:
        session = await bench.session()
        await bench.send(session)
        await bench.approval()
        for permanent in (False, True):
            with pytest.raises(ConflictError):
                await bench.workbench.sessions.delete(session.id, permanent)
        assert (await bench.workbench.trash.list()).items == ()


async def test_the_trash_is_emptied_of_one_thing_of_a_kind_and_of_what_is_old(
    open_bench, say, monkeypatch
) -> None:
    async with open_bench([say("x")]) as bench:
        workbench = bench.workbench
        ids = [(await bench.session(title=str(n))).id for n in range(3)]
        entry = await workbench.memory.remember("Likes tea")
        block = await workbench.memory.create_block("notes", "text")
        await workbench.memory.set_default("chat", block.id)
        for session_id in ids:
            await workbench.sessions.delete(session_id)
        await workbench.memory.forget(entry.id)
        await workbench.memory.delete_block("notes")
        assert {each.kind for each in (await workbench.trash.list()).items} == {
            "session", "memory_entry", "memory_block",
        }  # fmt: skip
        assert await workbench.trash.empty("session", ids[0]) == 1
        with pytest.raises(InvalidError):
            await workbench.trash.empty(id=ids[1])
        assert [each.id for each in (await workbench.trash.list("session")).items] == [ids[2], ids[1]]
        await workbench.trash.restore("memory_entry", entry.id)
        assert await workbench.memory.entry(entry.id) == entry
        assert [hit.entry for hit in await workbench.memory.search("tea")] == [entry]
        await workbench.trash.restore("memory_block", block.id)
        assert await workbench.memory.block("notes") == block
        assert (await workbench.memory.defaults()).chat == block.id
        await workbench.memory.forget(entry.id)
        checks = {each.name: each.state for each in await workbench.engine.check()}
        assert checks["trash"] == "ok"
        monkeypatch.setattr("holdfast.core.services.trash.utc_now", lambda: utc_now() + timedelta(days=31))
        checks = {each.name: each.state for each in await workbench.engine.check()}
        assert (checks["trash"], (await workbench.trash.list()).items) == ("repaired", ())
        assert not (bench.home / "workspaces" / ids[1]).exists()
        assert (await workbench.sessions.counts()).trash == 0


async def test_a_block_whose_name_is_taken_stays_in_the_trash(open_bench, say) -> None:
    async with open_bench([say("x")]) as bench:
        memory = bench.workbench.memory
        old = await memory.create_block("notes", "old")
        await memory.delete_block("notes")
        await memory.create_block("notes", "new")
        with pytest.raises(ConflictError):
            await bench.workbench.trash.restore("memory_block", old.id)
        assert [each.id for each in (await bench.workbench.trash.list()).items] == [old.id]
        await memory.update_block("notes", name="other")
        await bench.workbench.trash.restore("memory_block", old.id)
        assert (await memory.block("notes")).content == "old"


async def test_an_agent_comes_back_as_it_was_written_unless_its_name_is_taken(open_bench, say) -> None:
    async with open_bench([say("x")]) as bench:
        agents, trash = bench.workbench.agents, bench.workbench.trash
        made = await agents.create("version: 1\nname: helper\ninstructions: Help.\n")
        written = await agents.source("helper")
        await agents.delete("helper")
        (thing,) = (await trash.list("agent")).items
        assert (thing.id, thing.title) == (made.id, "helper")
        other = await agents.create("version: 1\nname: helper\ninstructions: Other.\n")
        with pytest.raises(ConflictError):
            await trash.restore("agent", made.id)
        await agents.update(other.name, "version: 1\nname: second\ninstructions: Other.\n")
        await trash.restore("agent", made.id)
        assert (await agents.source("helper")).text == written.text
        assert (await agents.get("helper")).id == made.id
        assert (await trash.list()).items == ()


async def test_the_trash_is_each_users_own_and_needs_what_deleting_needs(open_bench, say) -> None:
    async with open_bench([say("x")]) as bench:
        session = await bench.session()
        await bench.workbench.sessions.delete(session.id)
        await bench.workbench.users.add("ann")
        (user,) = [each for each in await bench.workbench.users.list() if each.name == "ann"]
        ann = bench.workbench.as_principal(
            Principal(user_id=user.id, name="ann", role=Role.USER, scope=Scope.CHAT)
        )
        assert (await ann.trash.list()).items == ()
        for attempt in (ann.trash.restore("session", session.id), ann.trash.empty("session", session.id)):
            with pytest.raises(NotFoundError):
                await attempt
        assert await ann.trash.empty("session") == 0
        for attempt in (ann.trash.restore("agent", "x"), ann.trash.empty(), ann.trash.empty("memory_block")):
            with pytest.raises(ForbiddenError):
                await attempt
        with pytest.raises(ConflictError) as caught:
            await ann.sessions.create("general", id=session.id)
        assert caught.value.code == "session_exists", "of another's trash nothing is told"
        assert len((await bench.workbench.trash.list()).items) == 1


async def test_an_export_comes_back_as_a_session_of_its_own(open_bench, say, call) -> None:
    async with open_bench(
        [call(("write_file", '{"path": "free.md", "content": "x"}')), say("done"), say("more")]
    ) as bench:
        sessions = bench.workbench.sessions
        session = await bench.session(title="Trip")
        await bench.end(await bench.send(session, "Write it"))
        text = await sessions.export(session.id, "json")
        used = (await bench.workbench.usage.report()).total
        (copy,) = await sessions.take_in(text.encode(), "trip.json", project=str(bench.project))
        assert (copy.title, copy.agent, copy.imported_from) == ("Trip", "tester", "holdfast")
        assert copy.id != session.id
        assert (copy.unread, copy.messages) == (0, session.messages or copy.messages)

        def told(document: str) -> list[tuple[str, str | None]]:
            events = json.loads(document)["events"]
            return [
                (each["type"], each.get("text"))
                for each in events
                if "run_id" in each and each["run_id"] and each["type"] != "file.changed"
            ]

        assert told(await sessions.export(copy.id, "json")) == told(text)
        assert (await bench.workbench.usage.report()).total == used
        assert await bench.workbench.files.list(copy.id) == ()
        await bench.end(await bench.send(copy, "And now?"))
        assert "Write it" in str(bench.model.requests[-1].messages)


async def test_markdown_of_an_export_comes_back_as_messages(open_bench, say) -> None:
    async with open_bench([say("## You\n\nsaid `it`"), say("b")]) as bench:
        sessions = bench.workbench.sessions
        session = await bench.session(title="Trip")
        for text in ("one\n## tester\nx", "two"):
            await bench.end(await bench.send(session, text))
        document = await sessions.export(session.id, "markdown")
        (copy,) = await sessions.take_in(document.encode(), "x.md", project=str(bench.project))
        again = await sessions.export(copy.id, "markdown")
        assert (
            again.split("\n\n", 2)[2].replace(" on imported", " on scripted") == document.split("\n\n", 2)[2]
        )


async def test_a_file_grants_nothing_and_leaves_nothing_when_it_is_wrong(open_bench, say, call) -> None:
    async with open_bench([call(("run_command", '{"command": "touch x"}')), say("done")]) as bench:
        sessions = bench.workbench.sessions
        session = await bench.session()
        run_id = await bench.send(session)
        waiting = await bench.approval()
        document = json.loads(await sessions.export(session.id, "json"))
        await bench.workbench.runs.cancel(run_id)
        await bench.end(run_id)
        (copy,) = await sessions.take_in(json.dumps(document).encode(), project=str(bench.project))
        assert copy.pending == 0, "what waited there waits for nobody here"
        ends = [
            each.event.type
            for each in (await bench.workbench.events.read(EventFilter(session_id=copy.id), limit=999)).items
        ]
        assert ends[-2:] == ["run.cancelled", "session.seen"]
        there = len((await sessions.list()).items)
        broken = [*document["events"], document["events"][1]]
        folders = sorted(bench.home.glob("**/workspaces/*"))
        assert folders
        for events in (broken, [{"type": "run.started", "at": str(utc_now())}]):
            with pytest.raises(InvalidError):
                await sessions.take_in(json.dumps(document | {"events": events}).encode())
        two = [{"messages": [{"role": "user", "content": "x"}]}, {"messages": 5}, 7]
        with pytest.raises(InvalidError):
            await sessions.take_in(json.dumps(two).encode())
        broken_second = json.dumps([{"messages": [{"role": "user", "content": "x"}]}, document | {"x": 1}])
        assert len(await sessions.take_in(broken_second.encode(), project=str(bench.project))) == 1
        assert len((await sessions.list()).items) == there + 1
        assert len(sorted(bench.home.glob("**/workspaces/*"))) == len(folders) + 1
        assert waiting.id not in str((await bench.workbench.approvals.list(copy.id, pending=False)).items)


async def test_a_file_reaches_no_content_whose_digest_a_text_of_the_users_names(open_bench, say) -> None:
    async with open_bench([say("a secret")]) as bench:
        session, sessions = await bench.session(), bench.workbench.sessions
        image = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
        part = await bench.workbench.files.attach_data(session.id, "a.png", image)
        sent = await bench.workbench.runs.send(session.id, (TextPart(text="see"), part))
        events = await bench.end(sent.run_id)
        prompt = next(each.event.prompt for each in events if each.event.type == "step.started")
        document = await sessions.export(session.id, "json")
        assert prompt in document and part.blob in document
        await bench.workbench.users.add("ann")
        (user,) = [each for each in await bench.workbench.users.list() if each.name == "ann"]
        ann = bench.workbench.as_principal(
            Principal(user_id=user.id, name="ann", role=Role.USER, scope=Scope.CHAT)
        )
        for digest in (prompt, part.blob):
            said = [{"role": "user", "content": digest}]
            await ann.sessions.take_in(json.dumps(said).encode(), agent="general")
        (copy,) = await ann.sessions.take_in(document.encode(), agent="general")
        assert part.blob not in await ann.sessions.export(copy.id, "json")
        (own,) = await sessions.take_in(document.encode(), project=str(bench.project))
        assert part.blob in await sessions.export(own.id, "json")
        # What a prompt names is read without asking whose it is, so no file can say what was one.
        assert prompt not in await sessions.export(own.id, "json")
        with pytest.raises(NotFoundError):
            await bench.workbench.runs.context((await sessions.get(own.id)).run_id)
