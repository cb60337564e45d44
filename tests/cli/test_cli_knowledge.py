"""`holdfast knowledge` and `holdfast jobs`: what is asked of the services, what is printed, the status."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cli_fakes import FakeDoors
from knowledge_fakes import BROKEN, KnowledgeBench, passage_of, result_of

from holdfast.cli import output
from holdfast.cli.ingesting.bar import bar, duration, figures, live
from holdfast.cli.ingesting.sources import read_metadata, read_sources, uploads
from holdfast.core.domain import events
from holdfast.core.domain import user_events as ev
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.jobs import JobProgress
from holdfast.core.domain.knowledge import Chunking, Place, Retrieval
from holdfast.core.domain.options import KnowledgeUse

Cli = Callable[..., Any]
ELSEWHERE = SimpleNamespace(url="https://b.test", place="b.test", key="hf_k", ca_file="")


@pytest.fixture
def bench(fake: FakeDoors) -> KnowledgeBench:
    made = KnowledgeBench()
    fake.build = made.in_this_loop
    return made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("docs/b.md", "docs/a/c.md", "docs/.hidden", "docs/.git/config", "one.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "docs" / "empty.md").touch()
    (tmp_path / "docs" / "link.md").symlink_to(tmp_path / "one.txt")
    (tmp_path / "docs" / "again").symlink_to(tmp_path / "docs")
    return tmp_path


def test_a_collection_is_made_as_it_was_described(cli: Cli, bench: KnowledgeBench) -> None:
    done = cli("knowledge", "create", "docs", "--description", "Ours", "--chunk-chars", "500")
    assert done.status == 0
    assert bench.knowledge.calls == [("create", "docs", "Ours", None, Chunking(max_chars=500))]
    assert "holdfast knowledge add docs PATH" in done.out
    assert (
        json.loads(cli("knowledge", "create", "docs", "--model", "wordllama", "--json").out)["name"] == "docs"
    )
    assert bench.knowledge.calls[-1] == ("create", "docs", "", "wordllama", None)


def test_files_are_named_whole_and_told_from_addresses(cli: Cli, bench: KnowledgeBench, folder: Path) -> None:
    url = "https://example.org/terms"
    asked = ("docs", "./docs", url, "one.txt", "docs", "--metadata", "year=2026", "--metadata", "v=01")
    cli("knowledge", "add", *asked, "--summaries", "--model", "openai/x")
    paths = (str(folder / "docs"), str(folder / "one.txt"))
    [call] = bench.knowledge.calls
    assert call == ("add", "docs", paths, (url,), {"year": 2026, "v": "01"}, True, "openai/x")


def test_what_is_not_there_is_wrong_usage_and_starts_nothing(
    cli: Cli, bench: KnowledgeBench, folder: Path
) -> None:
    for asked in (("no/such",), ("docs", "--metadata", "year")):
        done = cli("knowledge", "add", "docs", *asked)
        assert (done.status, done.out) == (2, "")
    assert bench.knowledge.calls == []


def test_a_bad_file_is_listed_with_its_reason_and_the_status_says_so(
    cli: Cli, bench: KnowledgeBench, folder: Path
) -> None:
    bench.unchanged = 3
    done = cli("knowledge", "add", "docs", "docs")
    assert done.status == 1
    assert done.out == "1 added, 3 unchanged, 1 failed; 2 chunks\n"
    assert "✗ b.pdf: It is [31mencrypted." in done.err
    assert "holdfast jobs retry 00000001-job" in done.err
    assert "\x1b" not in done.err
    bench.results = [result_of("a.md"), result_of("c.md", "changed"), result_of("d.md", "removed")]
    done = cli("knowledge", "sync", "docs")
    assert (done.status, done.out) == (0, "1 added, 1 changed, 3 unchanged, 1 removed; 6 chunks\n")


def test_progress_is_told_in_lines_where_there_is_no_terminal(
    cli: Cli, bench: KnowledgeBench, folder: Path
) -> None:
    bench.results = [result_of(f"{number}.md") for number in range(40)]
    lines = cli("knowledge", "add", "docs", "docs").err.splitlines()
    assert len(lines) == 10
    assert lines[0] == "4/40 files · 8 chunks · 400 B of 4.0 KB · 1 min 15 s left"
    assert lines[-1].startswith("40/40 files · 80 chunks")


def test_progress_is_a_bar_on_a_terminal(
    cli: Cli, bench: KnowledgeBench, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    said = cli("knowledge", "add", "docs", "docs").err
    half = live(
        JobProgress(done=1, total=2, chunks=2, bytes_done=100, bytes_total=200, current="a.md", eta_s=75)
    )
    assert half in said
    assert said.index(half) < said.index("\r\x1b[K")
    assert half.endswith(" 1 min 15 s left · 1/2 files · 2 chunks · 100 B of 200 B · a.md")
    assert live(JobProgress()).endswith(" looking what there is")


def test_json_is_the_jobs_and_nothing_else_is_on_stdout(
    cli: Cli, bench: KnowledgeBench, folder: Path
) -> None:
    done = cli("knowledge", "add", "docs", "docs", "--json")
    [job] = json.loads(done.out)
    assert (done.status, job["status"], job["failures"][0]["name"]) == (1, "completed", BROKEN.name)
    assert json.loads(cli("knowledge", "sync", "docs", "--json").out)["id"] == "00000002-job"


def test_who_does_not_wait_gets_the_id(cli: Cli, bench: KnowledgeBench, folder: Path) -> None:
    done = cli("knowledge", "add", "docs", "docs", "--no-wait")
    assert (done.status, done.out, done.err) == (0, "00000001-job\n", "")
    assert cli("knowledge", "reembed", "docs", "--model", "m", "--no-wait").out == "00000002-job\n"
    assert bench.knowledge.calls[-1] == ("reembed", "docs", "m")


def test_a_failed_and_a_cancelled_job_have_a_status_of_their_own(
    cli: Cli, bench: KnowledgeBench, folder: Path
) -> None:
    bench.results = [result_of("a.md")]
    bench.ended = ev.JobFailed
    done = cli("knowledge", "add", "docs", "docs")
    assert (done.status, done.out) == (1, "failed: 1 added; 2 chunks\n")
    assert "The index has gone. (knowledge_unavailable)" in done.err
    bench.results = []
    assert cli("knowledge", "add", "docs", "docs").out == "failed\n", "not that there was nothing to do"
    bench.ended = ev.JobCancelled
    assert cli("knowledge", "add", "docs", "docs").status == 130


def test_an_interrupt_leaves_the_job_to_the_engine_and_says_how_to_come_back(
    cli: Cli, bench: KnowledgeBench, folder: Path
) -> None:
    async def interrupted(filter: events.EventFilter, after: int | None = None) -> Any:
        signal.raise_signal(signal.SIGINT)
        await asyncio.Event().wait()
        yield

    bench.events = SimpleNamespace(follow=interrupted)
    done = cli("knowledge", "add", "docs", "docs")
    assert done.status == 130
    assert "holdfast jobs follow 00000001-job" in done.err
    assert "holdfast jobs cancel 00000001-job" in done.err
    assert bench.jobs.calls == []


def test_files_are_uploaded_to_an_engine_elsewhere(
    cli: Cli, bench: KnowledgeBench, fake: FakeDoors, folder: Path
) -> None:
    fake.remote = ELSEWHERE
    bench.results = [result_of("x")]
    done = cli("knowledge", "add", "docs", "docs", "one.txt", "https://example.org/")
    added, *uploaded = bench.knowledge.calls
    assert added[:4] == ("add", "docs", (), ("https://example.org/",))
    assert [call[2:4] for call in uploaded] == [
        ("docs/a/c.md", b"docs/a/c.md"),
        ("docs/b.md", b"docs/b.md"),
        ("one.txt", b"one.txt"),
    ]
    assert (done.status, done.out) == (0, "4 added; 8 chunks\n")
    told = [line for line in done.err.splitlines() if "/3 files" in line]
    assert [line.partition(" · ")[0] for line in told] == ["1/3 files", "2/3 files", "3/3 files"]
    assert "11 B of 27 B" in told[0]
    assert told[2].endswith("27 B of 27 B")
    (folder / "docs" / "\udcff.md").write_text("x")
    done = cli("knowledge", "add", "docs", "docs")
    assert (done.status, done.out) == (1, "2 added, 1 failed; 4 chunks\n")
    assert "its name is not valid UTF-8" in done.err
    (folder / "empty").mkdir()
    assert cli("knowledge", "add", "docs", "empty").status == 2


def test_a_search_shows_rank_scores_place_and_headings(cli: Cli, bench: KnowledgeBench) -> None:
    pages = Place(start=0, end=4, page=3, last_page=4)
    bench.knowledge.found = Retrieval(
        query="",
        method="hybrid",
        passages=(
            passage_of(
                "A key is \x1b[31mshown once.\nKeep  it.",
                vector_rank=2, vector_score=0.712, lexical_rank=1, lexical_score=12.34,
            ),
            passage_of("Second", document="r.pdf", place=pages, score=0.5),
        ),
    )  # fmt: skip
    done = cli("knowledge", "search", "docs", "Which keys?", "--top-k", "3", "--method", "lexical")
    assert bench.knowledge.calls == [
        ("search", "Which keys?", (KnowledgeUse(collection="docs"),), "lexical", 3, None)
    ]
    assert done.out.splitlines() == [
        " 1  serve.md:12-20  0.931  meaning 2 (0.71) · words 1 (12.34)",
        "    Serve › Keys",
        "    A key is [31mshown once. Keep it.",
        " 2  r.pdf, pages 3-4  0.500",
        "    Second",
    ]
    assert (
        json.loads(cli("knowledge", "search", "docs", "x", "--json").out)["passages"][0]["vector_rank"] == 2
    )
    bench.knowledge.found = Retrieval(query="", method="hybrid")
    assert cli("knowledge", "search", "docs", "x").out == "Nothing was found.\n"


def test_the_words_of_the_query_stand_out_on_a_terminal(
    cli: Cli, bench: KnowledgeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.cli.passages.colored", lambda stream: True)
    bench.knowledge.found = Retrieval(
        query="", method="hybrid", passages=(passage_of("Keys of a monkey are keyed (in) it"),)
    )
    said = cli("knowledge", "search", "docs", "the keys [in").out
    assert "\x1b[1mKeys\x1b[0m of a monkey are \x1b[1mkeyed\x1b[0m (in) it" in said


def test_listings_show_counts_folders_and_documents(cli: Cli, bench: KnowledgeBench) -> None:
    header, first, second = cli("knowledge", "list").out.splitlines()
    assert header.split()[:4] == ["NAME", "DOCUMENTS", "CHUNKS", "SIZE"]
    assert "/docs (watched)" in first and "\x1b" not in first
    assert second.startswith("laws")
    assert "documents    2\n" in cli("knowledge", "show", "docs").out
    assert "guide.md" not in cli("knowledge", "show", "docs").out
    assert "guide.md" in cli("knowledge", "show", "docs", "--documents").out
    assert len(json.loads(cli("knowledge", "show", "docs", "--documents", "--json").out)["documents"]) == 2
    bench.knowledge.rows.clear()
    assert "holdfast knowledge create NAME" in cli("knowledge", "list").out
    assert cli("knowledge", "show", "docs").status == 1


def test_a_document_is_shown_with_its_chunks_and_their_places(cli: Cli, bench: KnowledgeBench) -> None:
    for named in ("serve.md", "aaaaaaaa-2", "/docs/serve.md"):
        said = cli("knowledge", "show", "docs", named).out
        assert "pages      3\n" in said
        assert "--- chunk 1  lines 3-4  Top\nSome [31mtext\n" in said
    assert cli("knowledge", "show", "docs", "aaaa").status == 2
    for unknown in ("nothing.md", "last"):
        done = cli("knowledge", "show", "docs", unknown)
        assert done.status == 1
        assert "holdfast knowledge show docs --documents" in done.err


def test_a_collection_is_deleted_only_when_that_was_said(cli: Cli, bench: KnowledgeBench) -> None:
    assert cli("knowledge", "remove", "docs").status == 2
    assert bench.knowledge.calls == []
    assert cli("knowledge", "remove", "docs", "--yes").out == "removed docs\n"
    assert bench.knowledge.calls == [("delete", "id-of-docs")]
    bench.knowledge.calls.clear()
    assert cli("knowledge", "remove", "docs", "guide.md", "aaaaaaaa-2").status == 0
    assert bench.knowledge.calls == [("remove", "aaaaaaaa-1"), ("remove", "aaaaaaaa-2")]


def test_a_folder_is_watched_by_its_whole_path_and_by_its_name_elsewhere(
    cli: Cli, bench: KnowledgeBench, fake: FakeDoors, folder: Path
) -> None:
    assert cli("knowledge", "watch", "docs", "docs").out == f"{folder / 'docs'} is watched\n"
    cli("knowledge", "watch", "docs", "docs", "--stop")
    fake.remote = ELSEWHERE
    cli("knowledge", "watch", "docs", "/srv/docs")
    assert [call[2:] for call in bench.knowledge.calls] == [
        (str(folder / "docs"), True),
        (str(folder / "docs"), False),
        ("/srv/docs", True),
    ]


def test_jobs_are_listed_shown_followed_cancelled_and_retried(
    cli: Cli, bench: KnowledgeBench, folder: Path
) -> None:
    assert "holdfast knowledge add NAME PATH" in cli("jobs", "list").out
    cli("knowledge", "add", "docs", "docs", "--no-wait")
    assert "00000001  completed  Take in  2/2    1       2" in cli("jobs", "list", "--collection", "docs").out
    assert bench.jobs.calls[-1] == ("list", "id-of-docs", 50)
    shown = cli("jobs", "show")
    assert "state     completed" in shown.out
    assert "✗ b.pdf" in shown.err
    followed = cli("jobs", "follow", "0000")
    assert (followed.status, followed.out) == (1, "1 added, 1 failed; 2 chunks\n")
    assert cli("jobs", "cancel", "last", "--json").status == 0
    retried = cli("jobs", "retry", "00000001-job")
    assert (retried.status, retried.out) == (0, "1 added; 2 chunks\n")
    assert ("retry", "00000001-job") in bench.jobs.calls
    assert ("cancel", "00000001-job") in bench.jobs.calls
    assert cli("jobs", "show", "9").status == 1


def test_figures_are_for_people() -> None:
    assert [duration(s) for s in (0.4, 59.4, 60, 125, 4_800, 7_200)] == [
        "0 s", "59 s", "1 min", "2 min 5 s", "1 h 20 min", "2 h",
    ]  # fmt: skip
    assert [len(bar(share)) for share in (-1, 0, 0.503, 1, 7)] == [20] * 5
    assert bar(0).count("█") == 0
    assert bar(1) == "█" * 20
    unknown = JobProgress(done=3, failed=1, chunks=1_200, bytes_done=2_048)
    assert figures(unknown) == "3/0 files · 1 failed · 1,200 chunks · 2.0 KB"
    assert live(unknown).startswith("░")
    assert output.cells(live(JobProgress())) > 20


def test_metadata_keeps_text_as_text() -> None:
    assert read_metadata(["a=1", "b=1.5", "c=007", "d=true", "e=nan", "f=x=y", "g=-3", "h="]) == {
        "a": 1, "b": 1.5, "c": "007", "d": True, "e": "nan", "f": "x=y", "g": -3, "h": "",
    }  # fmt: skip
    assert read_metadata([]) is None
    for wrong in ("a", "=1", " =1"):
        with pytest.raises(InvalidError, match="KEY=VALUE"):
            read_metadata([wrong])


def test_a_folder_that_links_to_itself_ends(fake: FakeDoors, folder: Path) -> None:
    named = read_sources(["docs", "./docs/../docs"])
    assert [name for name, _ in uploads(named.paths).files] == ["docs/a/c.md", "docs/b.md"]


def test_a_document_is_found_by_the_end_of_its_name_when_that_is_one_alone(
    cli: Cli, bench: KnowledgeBench
) -> None:
    first, second = bench.knowledge.inside
    bench.knowledge.inside = [
        first.model_copy(update={"name": "how-to/keys.md"}),
        second.model_copy(update={"name": "reference/keys.md"}),
    ]
    assert "how-to/keys.md" in cli("knowledge", "show", "docs", "how-to/keys.md").out
    bench.knowledge.inside[1] = second.model_copy(update={"name": "reference/other.md"})
    assert "how-to/keys.md" in cli("knowledge", "show", "docs", "keys.md").out
    bench.knowledge.inside[1] = second.model_copy(update={"name": "reference/keys.md"})
    several = cli("knowledge", "show", "docs", "keys.md")
    assert several.status == 2 and "how-to/keys.md, reference/keys.md" in several.err
    assert "did you mean 'how-to/keys.md'?" in cli("knowledge", "show", "docs", "how-to/key.md").err


def test_what_was_given_is_listed_with_the_reason(cli: Cli, bench: KnowledgeBench) -> None:
    done = cli("knowledge", "submissions", "docs", "--failed")
    assert bench.knowledge.calls == [("submissions", "docs", {"statuses": ("failed",), "job_id": None})]
    assert "b.pdf" in done.out and "failed" in done.out and "encrypted" in done.out
    assert "\x1b" not in done.out and "2 more" in done.out
    assert json.loads(cli("knowledge", "submissions", "docs", "--json").out)["total"] == 3


def test_what_was_given_is_taken_in_again(cli: Cli, bench: KnowledgeBench) -> None:
    bench.results = [result_of("b.pdf")]
    assert cli("knowledge", "redo", "docs").out == "1 added; 2 chunks\n"
    for named in ("b.pdf", "bbbb", "bbbbbbbb-7"):
        assert cli("knowledge", "redo", "docs", named, "--job", "last", "--no-wait").status == 0
        assert bench.knowledge.calls[-1] == ("redo", "docs", ("bbbbbbbb-7",), bench.jobs.rows[1].id)
    assert cli("knowledge", "redo", "docs", "nothing").status != 0


def test_a_collection_is_cleared_when_that_is_meant(cli: Cli, bench: KnowledgeBench) -> None:
    assert cli("knowledge", "clear", "docs").status == 2
    assert bench.knowledge.calls == []
    assert cli("knowledge", "clear", "docs", "--yes").out == "docs is empty\n"
    assert bench.knowledge.calls == [("clear", "id-of-docs")]


def test_a_collection_of_questions_is_made(cli: Cli, bench: KnowledgeBench) -> None:
    assert cli("knowledge", "create", "faq", "--questions", "--chunk-chars", "500").status == 0
    chunking = Chunking(unit="questions", max_chars=500)
    assert bench.knowledge.calls == [("create", "faq", "", None, chunking)]
