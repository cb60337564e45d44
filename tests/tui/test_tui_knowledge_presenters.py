"""Knowledge as data: answers and their passages, collections, jobs, documents at a passage."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fake_knowledge import GUIDE, THEN, citation, collection, document, job, passage, place_of, retrieved
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from holdfast.core.domain.errors import ErrorInfo, ErrorKind
from holdfast.core.domain.events import (
    LoggedEvent,
    MessageAdded,
    PartCompleted,
    RetrievalCompleted,
    RunStarted,
)
from holdfast.core.domain.jobs import JobProgress, JobStatus
from holdfast.core.domain.knowledge import (
    Folder,
    IngestRequest,
    IngestResult,
    Place,
    RetrievalStep,
    Retrieved,
)
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.user_events import (
    JobCancelled,
    JobCompleted,
    JobFailed,
    JobForgotten,
    JobProgressed,
    JobStarted,
    KnowledgeChanged,
    MemoryChanged,
)
from holdfast.tui.presenters.answers import Answers
from holdfast.tui.presenters.inbox import Inbox
from holdfast.tui.presenters.knowledge.collections import (
    collection_facts,
    collection_row,
    collection_views,
    document_row,
    document_view,
    state_of,
)
from holdfast.tui.presenters.knowledge.jobs import JobList, indexing, job_detail, job_row
from holdfast.tui.presenters.knowledge.pane import collection_lines, turn_lines
from holdfast.tui.presenters.knowledge.reading import (
    WINDOW,
    Window,
    found_again,
    text_lines,
    window_start,
)
from holdfast.tui.presenters.knowledge.screen import footer, headline, note_lines, result_row
from holdfast.tui.presenters.knowledge.state import KnowledgeState
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.passages import (
    cited_passage,
    found_passage,
    passage_detail,
    passage_of,
    passage_row,
    score_of,
    where_of,
)
from holdfast.tui.presenters.retrievals import head_lines, retrieval_of
from holdfast.tui.presenters.run import RunView, run_lines
from holdfast.tui.presenters.sessions import SessionList
from holdfast.tui.presenters.spans import fit, fit_end, plain
from holdfast.tui.presenters.status import right

EVIL = "x\x1b]0;pwn\x07y\x9bz\u202e"
IDS = {"session_id": "s"}


def retrieval(run: str = "r1", **more: Any) -> RetrievalCompleted:
    known: dict[str, Any] = {
        "query": "how",
        "method": "hybrid",
        "collections": ("docs",),
        "items": (retrieved(3, 1), retrieved(5, None)),
        "tokens": 900,
        "max_tokens": 1000,
        "duration_ms": 12.0,
    }
    return RetrievalCompleted(session_id="s", run_id=run, **(known | more))


def asked(run: str, text: str) -> MessageAdded:
    return MessageAdded(session_id="s", run_id=run, message_id=f"m-{run}", parts=(TextPart(text=text),))


def replied(run: str, text: str, *cites: Any) -> PartCompleted:
    return PartCompleted(session_id="s", run_id=run, part_id="p", kind="text", text=text, citations=cites)


def answers(*events: Any) -> Answers:
    folded = Answers()
    for event in events:
        folded.apply(event)
    return folded


def shown(lines: Any) -> str:
    return plain(lines)


# --- passages


@pytest.mark.parametrize(
    ("place", "where"),
    [
        ({"line": 12}, "12"),
        ({"line": 12, "last_line": 18}, "12–18"),
        ({"page": 3}, "p. 3"),
        ({"page": 3, "last_page": 4, "line": 9}, "p. 3–4"),
        ({}, ""),
    ],
)
def test_a_place_is_a_line_or_a_page(place: dict[str, int], where: str) -> None:
    assert where_of(Place(start=0, end=1, **place)) == where


def test_a_label_names_document_and_place() -> None:
    assert found_passage(passage(3)).label == "guide/setup.md:11–14"
    page = Place(start=0, end=1, page=3)
    assert found_passage(passage(3, document="a.pdf", place=page)).label == "a.pdf p. 3"
    assert found_passage(passage(3, document="a.txt", place=Place(start=0, end=1))).label == "a.txt"


def test_everything_of_a_document_is_sanitised() -> None:
    place = Place(start=0, end=1, headings=(EVIL,))
    evil = passage(1, document=EVIL, collection=EVIL, source=EVIL, text=EVIL, place=place)
    made = found_passage(evil, 1)
    for text in (made.document, made.collection, made.source, made.excerpt, made.headings):
        assert text == "x]0;pwnyz"
    about = citation(1, 1).model_copy(update={"document": EVIL, "source": EVIL, "excerpt": EVIL})
    cited = cited_passage(about)
    assert (cited.document, cited.source, cited.excerpt) == ("x]0;pwnyz",) * 3
    names = {"title": EVIL, "source": EVIL, "summary": EVIL, "questions": (EVIL,), "media_type": EVIL}
    view = document_view(document(EVIL, id="d", **names))
    texts = (view.name, view.title, view.source, view.summary, *view.questions, view.media_type)
    assert set(texts) == {"x]0;pwnyz"}


def test_a_given_text_is_a_passage_without_a_document() -> None:
    made = passage_of(Retrieved(text="as given", number=4))
    assert (made.document_id, made.label, made.number) == (None, "a given text", 4)


def test_a_row_fits_its_width_and_says_rank_score_and_fate() -> None:
    used, dropped = found_passage(passage(3), 1), found_passage(passage(3), used=False)
    for width in (16, 30, 60):
        assert len(plain([passage_row(used, width)[0]])) <= width + 1
    assert shown(passage_row(used, 60)) == (
        f"[1] guide/setup.md:11–14{'':31}0.90\n    meaning 3 · words 4 · Guide › Part 3"
    )
    assert "– guide/setup.md:11–14" in shown(passage_row(dropped, 60))
    assert "dropped · meaning 3" in shown(passage_row(dropped, 60))
    assert "the budget was full" in shown(passage_detail(dropped))
    assert "shown to the model" in shown(passage_detail(used))
    assert "model" not in shown(passage_detail(dropped, by_person=True))[:80]


def test_a_small_score_keeps_its_digits() -> None:
    assert [score_of(found_passage(passage(1, s))) for s in (1.0, 0.031, 0.0)] == ["1.00", "0.031", "0.00"]


@given(text=st.text(max_size=40), cells=st.integers(1, 30))
def test_the_end_of_a_path_is_kept(text: str, cells: int) -> None:
    made = fit_end(text, cells)
    assert cell_len(made) <= cells
    assert text.endswith(made.removeprefix("…")) or made == text


# --- retrievals


def test_a_retrieval_says_where_what_and_how_long() -> None:
    view = retrieval_of(retrieval())
    assert view.title == "searched docs · 1 passage, 1 dropped · 12 ms"
    assert shown(head_lines(view)) == "“how”\n1 passage, 1 dropped · hybrid · 900 of 1.0k tokens · 12 ms"
    assert "“" not in shown(head_lines(view, "how"))


@pytest.mark.parametrize(
    ("more", "title"),
    [
        ({"items": ()}, "searched docs · nothing found · 12 ms"),
        ({"collections": ("a", "b")}, "searched a, b · 1 passage, 1 dropped · 12 ms"),
        ({"source": "stored"}, "took a stored context · 1 passage, 1 dropped · 12 ms"),
        ({"source": "text"}, "took a given text · 1 passage, 1 dropped · 12 ms"),
        ({"source": "items"}, "took given passages · 1 passage, 1 dropped · 12 ms"),
    ],
)
def test_each_source_of_context_has_its_words(more: dict[str, Any], title: str) -> None:
    assert retrieval_of(retrieval(**more)).title == title


def test_what_a_retrieval_did_on_its_way_is_said_when_it_is_more_than_one_search() -> None:
    steps = (
        RetrievalStep(action="plan", text="two searches"),
        RetrievalStep(action="search", text="a", found=3),
    )
    assert "plan two searches\nsearch a → 3" in shown(head_lines(retrieval_of(retrieval(steps=steps))))
    assert "search" not in shown(head_lines(retrieval_of(retrieval(steps=steps[1:]))))


def test_an_error_says_that_knowledge_could_not_be_reached() -> None:
    error = ErrorInfo(kind=ErrorKind.UNAVAILABLE, code="knowledge_unavailable", message=EVIL)
    view = retrieval_of(retrieval(items=(), error=error))
    assert view.title == "knowledge: x]0;pwnyz"
    assert view.title in shown(head_lines(view))


# --- answers


def test_each_answer_has_its_passages_and_the_latest_is_shown() -> None:
    made = answers(asked("r1", "First?"), retrieval("r1"), asked("r2", "Second?"), retrieval("r2"))
    assert [turn.question for turn in made.turns] == ["First?", "Second?"]
    assert (made.position, made.current.run_id) == (2, "r2")
    assert made.step(-1) and made.current.run_id == "r1"
    assert not made.step(-1)
    assert made.step(1) and not made.step(1)


def test_who_looks_at_the_latest_answer_goes_on_with_the_next_one() -> None:
    made = answers(retrieval("r1"), retrieval("r2"))
    made.step(-1)
    made.apply(retrieval("r3"))
    assert made.current.run_id == "r1", "who went back stays there"
    made.step(1), made.step(1)
    made.apply(retrieval("r4"))
    assert made.current.run_id == "r4"


def test_the_transcripts_focus_chooses_the_answer() -> None:
    made = answers(retrieval("r1"), retrieval("r2"))
    assert made.choose("r1") and made.current.run_id == "r1"
    assert not made.choose("a run that never searched")
    assert made.current.run_id == "r1"


def test_a_passage_that_is_found_twice_is_shown_once() -> None:
    again = retrieval(items=(retrieved(3, 1), retrieved(5, 2)))
    made = answers(retrieval(), again)
    assert [(p.number, p.used) for p in made.current.passages] == [(1, True), (2, True)]


def test_a_number_is_found_with_the_scores_of_its_search_in_the_whole_session() -> None:
    made = answers(
        retrieval("r1"),
        replied("r1", "[1]", citation(1, 3)),
        asked("r2", "?"),
        replied("r2", "[1]", citation(1, 3)),
    )
    assert made.find(1).vector_rank == 3
    assert made.find(9) is None
    assert list(made.turns[1].sources) == [1]
    assert "cites passages of answers before it" in shown(turn_lines(made))


def test_an_older_page_comes_before_and_changes_nothing_else() -> None:
    made = answers(retrieval("r2"))
    page = [LoggedEvent(id=n, event=e) for n, e in enumerate([asked("r1", "First?"), retrieval("r1")], 1)]
    assert made.older(page)
    assert [turn.run_id for turn in made.turns] == ["r1", "r2"]
    assert made.current.run_id == "r2"
    assert not made.older(page)


def test_the_pane_says_what_to_do_when_nothing_was_looked_up() -> None:
    assert "/knowledge" in shown(turn_lines(Answers()))


def test_the_pane_names_the_sessions_collections_and_what_became_of_them() -> None:
    made, state = answers(retrieval(collections=("docs", "gone"))), KnowledgeState()
    assert shown(collection_lines(made, state)).endswith("docs\ngone")
    state.take_collections(collection_views([collection("docs", documents=2, chunks=9, size=5_000)]))
    text = shown(collection_lines(made, state))
    assert "docs  ready\n  2 documents · 9 chunks · 5.0 KB" in text
    assert "gone  is not there any more" in text


def test_the_run_pane_counts_what_was_looked_up() -> None:
    view = RunView()
    view.apply(RunStarted(session_id="s", run_id="r1", agent="a", model="m"))
    for event in (retrieval(), retrieval()):
        assert view.apply(event)
    assert "2 searches · 2 passages, 2 dropped" in shown(run_lines(view.current, THEN))
    error = ErrorInfo(kind=ErrorKind.UNAVAILABLE, code="x", message="gone")
    view.apply(retrieval(items=(), error=error))
    assert view.current.notes == ["knowledge: gone"]


# --- jobs


def started(id: str = "j") -> JobStarted:
    request = IngestRequest(collection_id="docs-id")
    return JobStarted(job_id=id, kind="ingest", title="Take in", collection_id="docs-id", request=request)


def progressed(id: str = "j", results: Any = (), **progress: Any) -> JobProgressed:
    return JobProgressed(job_id=id, progress=JobProgress(**progress), results=results)


def failed_item(name: str) -> IngestResult:
    error = ErrorInfo(kind=ErrorKind.INVALID, code="x", message=f"{EVIL} is no PDF")
    return IngestResult(source=name, name=name, status="failed", error=error)


def jobs(*events: Any) -> JobList:
    made = JobList()
    for event in events:
        made.apply(event)
    return made


def test_a_job_is_followed_by_its_events() -> None:
    made = jobs(started(), progressed(done=4, total=12, chunks=40, bytes_done=34, bytes_total=100, eta_s=12))
    assert indexing(made, {"docs-id": "docs"}) == "docs 34 %"
    first, second = job_row(made.get("j"), 60)
    assert shown([first]).startswith("● Take in") and shown([first]).endswith(" 34 %")
    assert "4 of 12 files · 40 chunks · 34 B of 100 B · 12 s left" in shown([second])
    assert made.apply(JobCompleted(job_id="j", progress=JobProgress(done=12, total=12))) == "ended"
    assert indexing(made, {}) == ""
    assert not made.get("j").retryable


def test_without_bytes_the_files_say_how_far_a_job_is_and_it_is_never_done_before_its_end() -> None:
    assert indexing(jobs(started(), progressed(done=3, total=4)), {}) == "Take in 75 %"
    assert indexing(jobs(started(), progressed(done=4, total=4)), {}) == "Take in 99 %"
    assert indexing(jobs(started(), started("k")), {}) == "2 jobs 0 %"


def test_what_fails_is_named_with_its_reason_and_can_be_tried_again() -> None:
    made = jobs(started(), progressed(results=(failed_item("a.pdf"),), done=1, total=2, failed=1))
    assert "c cancels it" in shown(job_detail(made.get("j")))
    made.apply(JobCompleted(job_id="j", progress=JobProgress(done=2, total=2, failed=1)))
    text = shown(job_detail(made.get("j")))
    assert "✗ a.pdf\n  x]0;pwnyz is no PDF" in text
    assert "r tries again" in text and "1 failed, the others are in:" in text
    assert shown(job_row(made.get("j"), 60)[:1]).startswith("! Take in")
    assert shown(job_row(made.get("j"), 60)).splitlines()[0].endswith(" 1 failed")
    alone = jobs(started(), progressed(results=(failed_item("a.pdf"),), done=1, total=1, failed=1))
    alone.apply(JobCompleted(job_id="j", progress=JobProgress(done=1, total=1, failed=1)))
    assert "1 file · 1 failed" in shown(job_detail(alone.get("j")))
    assert "others" not in shown(job_detail(alone.get("j")))
    assert shown(job_row(alone.get("j"), 60)[:1]).startswith("✗ Take in")
    state = state_of(collection_views([collection("docs", documents=1)])[0], made)
    assert state == ("1 failed", "warning")


def test_a_job_that_cannot_go_on_says_why() -> None:
    error = ErrorInfo(kind=ErrorKind.UNAVAILABLE, code="x", message="the index is gone")
    made = jobs(started(), JobFailed(job_id="j", progress=JobProgress(), error=error))
    assert "the index is gone" in shown(job_row(made.get("j"), 60))
    assert state_of(collection_views([collection("docs")])[0], made) == ("failed", "error")
    cancelled = jobs(started(), JobCancelled(job_id="j", progress=JobProgress(total=3)))
    assert cancelled.get("j").retryable


def test_a_forgotten_job_leaves_the_list() -> None:
    made = jobs(started())
    assert made.apply(JobForgotten(job_id="j")) == "changed"
    assert made.jobs == []
    assert made.apply(JobForgotten(job_id="j")) == "none"


def test_an_event_of_an_unknown_job_asks_for_it_and_an_old_one_changes_nothing() -> None:
    made = JobList()
    assert made.apply(progressed()) == "unknown"
    made.replace([job("j", status=JobStatus.COMPLETED)])
    assert made.apply(progressed(done=1)) == "none"
    assert made.get("j").done == 4
    assert made.apply(KnowledgeChanged(collection_id="c", name="c", change="updated")) == "none"


def test_the_header_says_what_is_taken_in() -> None:
    model = Model()
    model.knowledge.jobs.apply(started())
    model.count_jobs()
    assert shown([right(model.header)]).startswith("indexing Take in 0 % · ")


@pytest.mark.parametrize(
    "event",
    [
        started(),
        KnowledgeChanged(collection_id="c", name="c", change="created"),
        MemoryChanged(kind="entry", object_id="e", change="created"),
    ],
)
def test_events_of_a_user_leave_sessions_and_inbox_alone(event: Any) -> None:
    sessions, inbox = SessionList(), Inbox()
    assert sessions.apply(LoggedEvent(id=1, event=event)) == "none"
    assert inbox.apply(event, 0.0) is None
    assert not RunView().apply(event)
    assert not Answers().apply(event)


# --- collections and documents


def test_a_collections_row_says_state_and_counts_in_its_width() -> None:
    one = collection_views(
        [collection("a very long name of a collection", documents=3, chunks=2000, size=10**6)]
    )[0]
    for width in (20, 26, 34, 60):
        assert all(len(shown([row])) <= width + 1 for row in collection_row(one, JobList(), width)[:1])
    assert shown(collection_row(one, JobList(), 60)).endswith("3 docs · 2,000 chunks · 1.0 MB")
    assert shown(collection_row(one, JobList(), 26)).endswith("3 docs · 2,000 chunks")


def test_the_facts_of_a_collection_name_model_method_and_folders() -> None:
    folders = tuple(Folder(path=f"/f{n}{EVIL}", watched=n == 0) for n in range(5))
    one = collection_views([collection("docs", description="of it", folders=folders)])[0]
    text = shown(collection_facts(one, JobList()))
    assert "embeddings wordllama · hybrid, 8 passages" in text
    assert "◉ watched /f0x]0;pwnyz" in text and "○ folder /f1" in text and "and 2 more folders" in text
    assert one.folders[0].path.endswith(EVIL), "the engine is told the folder's own name"


def test_a_documents_row_says_title_size_chunks_pages_and_when() -> None:
    one = document_view(document("a.pdf", title="On locks", pages=7))
    assert shown(document_row(one, 40, THEN + timedelta(hours=2))) == (
        "a.pdf                             1.2 KB\n  On locks · 3 chunks · 7 pages · 2h"
    )


def test_the_chosen_collection_falls_back_to_the_first_when_it_is_gone() -> None:
    state = KnowledgeState()
    state.take_collections(collection_views([collection("a"), collection("b")]))
    assert state.chosen == "a-id"
    state.chosen = "b-id"
    state.take_collections(collection_views([collection("a")]))
    assert (state.chosen, state.documents) == ("a-id", None)
    state.take_collections([])
    assert (state.chosen, state.collection) == (None, None)


@pytest.mark.parametrize(
    ("change", "where", "said"),
    [
        ({}, "collections", "Reading the collections…"),
        ({"error": "The index is gone."}, "collections", "The index is gone."),
        ({"collections": []}, "collections", "n makes one"),
        ({"searching": True}, "search", "Searching…"),
        ({"search_failed": True, "search_note": "No."}, "search", "No."),
        ({}, "search", "enter searches, m says how"),
        ({"results": []}, "search", "Nothing fits."),
        ({"results": [found_passage(passage(1))], "search_note": "1 passage"}, "search", "1 passage"),
        ({}, "jobs", "a adds"),
    ],
)
def test_each_list_says_why_it_is_empty_and_what_to_do(change: dict[str, Any], where: str, said: str) -> None:
    state = KnowledgeState()
    for name, value in change.items():
        setattr(state, name, value)
    assert said in shown(note_lines(state, where))


def test_the_list_of_documents_says_why_it_is_empty() -> None:
    state = KnowledgeState()
    state.take_collections(collection_views([collection("docs")]))
    assert "Reading the documents…" in shown(note_lines(state, "documents"))
    state.documents = []
    assert "a adds a file" in shown(note_lines(state, "documents"))
    state.filter = EVIL
    assert "No document has “x]0;pwnyz”" in shown(note_lines(state, "documents"))
    state.filter = ""
    state.jobs.apply(started())
    assert "being taken in" in shown(note_lines(state, "documents"))
    state.documents_error = "gone"
    assert shown(note_lines(state, "documents")) == "gone"


def test_the_first_line_counts_everything() -> None:
    state = KnowledgeState()
    state.take_collections(
        collection_views([collection("a", documents=1, chunks=2), collection("b", documents=2)])
    )
    state.jobs.apply(started())
    assert shown([headline(state, 3)]) == (
        "Knowledge  2 collections · 3 documents · 2 chunks  1 job running  ⚠ 3"
    )


def test_the_keys_are_those_of_the_tab() -> None:
    state = KnowledgeState()
    assert [key for key, _, _ in footer("documents", state)] == ["esc", "n", "F1"]
    state.take_collections(collection_views([collection("a")]))
    assert ("m", "method", "method") in footer("search", state)
    assert "d" not in keys_of(footer("documents", state)), "there is no document to remove"
    state.documents = [document_view(document("a.md"))]
    assert ("d", "remove", "delete") in footer("documents", state)
    assert not {"c", "r"} & keys_of(footer("jobs", state)), "no job to cancel or to try again"
    state.jobs.apply(started())
    assert ("c", "cancel", "cancel") in footer("jobs", state)
    state.jobs.apply(JobCancelled(job_id="j", progress=JobProgress(total=3)))
    assert ("r", "retry", "retry") in footer("jobs", state)


def test_the_keys_are_those_of_where_one_is() -> None:
    state = KnowledgeState()
    state.take_collections(collection_views([collection("a")]))
    assert ("d", "delete", "delete") in footer("documents", state, "collections")
    assert ("enter", "search", "") in footer("search", state, "words")
    for tab in ("documents", "search"):
        assert not {"a", "d", "f", "m", "n"} & keys_of(footer(tab, state, "words")), "letters are typed here"


def keys_of(keys: list[tuple[str, str, str]]) -> set[str]:
    return {key for key, _, _ in keys}


def test_an_engine_that_is_not_ready_is_named_in_the_first_line() -> None:
    assert "engine lost – reconnecting" in shown([headline(KnowledgeState(), 0, "lost")])
    assert shown([headline(KnowledgeState(), 0)]) == "Knowledge"


def test_a_result_says_rank_place_score_why_and_how_it_begins() -> None:
    assert shown(result_row(found_passage(passage(7, 0.91)), 1, 44)) == (
        "1. guide/setup.md:31–34                 0.91\n"
        "   meaning 7 · words 8 · Guide › Part 7\n"
        "   ## Part 7  This is what part 7 of the gu…"
    )


# --- a document at a passage


def test_a_passage_is_marked_by_a_bar_and_nothing_is_lost() -> None:
    place = place_of(3)
    lines, first = text_lines(Window(0, GUIDE, len(GUIDE)), (place.start, place.end))
    assert plain([lines[first]]) == "▌ ## Part 3"
    marked = [plain([one])[2:] for one in lines if one[0][1] == "bar"]
    assert "\n".join(marked) + "\n" == GUIDE[place.start : place.end]
    assert "\n".join(plain([one])[2:] for one in lines) == GUIDE


@given(
    text=st.text("ab\n\t é日\x1b", max_size=60),
    start=st.integers(0, 60),
    length=st.integers(1, 30),
)
def test_whatever_is_marked_the_whole_text_is_shown_in_order(text: str, start: int, length: int) -> None:
    start = min(start, len(text))
    end = min(start + length, len(text))
    lines, first = text_lines(Window(0, text, len(text)), (start, end))
    got = "\n".join("".join(part for part, _ in one[1:]) for one in lines)
    assert got.replace(" ", "") == text.replace("\x1b", "").replace("\t", "").replace(" ", "")
    assert 0 <= first < len(lines)


def test_a_window_says_what_is_before_and_behind_it() -> None:
    lines, first = text_lines(Window(1_000, "abc\ndef", 5_000), (1_004, 1_007))
    assert plain(lines).startswith("… 1,000 characters before this")
    assert plain(lines).endswith("… 3,993 more characters")
    assert plain([lines[first]]) == "▌ def"


@given(start=st.none() | st.integers(0, 10**7), total=st.integers(0, 10**7))
def test_a_window_holds_the_passage_and_stays_in_the_text(start: int | None, total: int) -> None:
    begin = window_start(start, total)
    assert 0 <= begin <= max(0, total - WINDOW)
    if start is not None and start < total:
        assert begin <= start < begin + WINDOW


def test_a_passage_that_moved_is_found_again_and_one_that_is_gone_is_not() -> None:
    place, excerpt = place_of(3), GUIDE[place_of(3).start :][:60]
    whole = Window(0, GUIDE, len(GUIDE))
    assert found_again(whole, place.start, place.end, excerpt) == (place.start, place.end)
    moved = Window(0, "A new line.\n" + GUIDE, len(GUIDE) + 12)
    assert found_again(moved, place.start, place.end, excerpt) == (place.start + 12, place.end + 12)
    assert found_again(Window(0, "Other words.", 12), 0, 9, excerpt) is None


@pytest.mark.parametrize("name", ["長い名前のコレクション" * 5, "n" * 200, "é" * 9])
def test_rows_of_wide_characters_keep_what_stands_at_their_end(name: str) -> None:
    one = collection_views([collection(name, documents=1)])[0]
    paper = document_view(document(name + ".md"))
    for width in (20, 34, 60):
        first = shown(collection_row(one, JobList(), width)[:1])
        assert first.endswith(" ready") and cell_len(first) <= width + 1
        first = shown(document_row(paper, width, THEN)[:1])
        assert ".md " in first and cell_len(first) <= width + 1


@given(st.text(max_size=40), st.integers(1, 30))
def test_what_is_fitted_fits(text: str, cells: int) -> None:
    assert cell_len(fit(text, cells)) <= cells and cell_len(fit_end(text, cells)) <= cells
    if cell_len(text) <= cells:
        assert fit(text, cells) == fit_end(text, cells) == text
