"""Approvals and questions as elicitations: what is shown, what each answer does, and who is noted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from mcp_person import Person, approve
from mcp_types import ElicitResult

from holdfast.core.domain.approvals import Approval, ApprovalStatus, Decision
from holdfast.core.domain.messages import text_of
from holdfast.core.domain.tools import ArgumentsBlock, Question, Risk
from holdfast.core.domain.values import utc_now
from holdfast.server.mcp.forms import DECLINED, answer_of, decision_of, form_of
from holdfast.server.tasks.previews import LONGEST

ERAS = ["auto", "legacy"]
WRITE = ("write_file", '{"path": "a.md", "content": "Alpha\\n"}')
ASK = ("ask_user", '{"question": "Which colour?", "choices": ["red", "blue"]}')


def declined() -> ElicitResult:
    return ElicitResult(action="decline")


def dismissed() -> ElicitResult:
    return ElicitResult(action="cancel")


def filled(**content: Any) -> ElicitResult:
    return ElicitResult(action="accept", content=content)


@pytest.mark.parametrize("mode", ERAS)
async def test_a_person_approves_exactly_what_is_shown_and_the_run_goes_on(
    open_desk: Any, say: Any, call: Any, mode: str
) -> None:
    person = Person([approve()])
    async with open_desk([call(WRITE), say("Written.")], person, mode=mode) as desk:
        result = await desk.ask()
        session = await desk.bench.workbench.sessions.get(result.structured_content["session_id"])
        (record,) = (await desk.bench.workbench.approvals.history()).items
        written = await desk.bench.workbench.files.read(session.id, "a.md")
    (form,) = person.forms
    assert "The agent tester wants to use write_file (write):" in form.message
    assert "new file a.md" in form.message
    assert "+Alpha" in form.message
    assert form.requested_schema["properties"]["decision"]["enum"] == ["approve", "deny"]
    assert (result.structured_content["status"], result.structured_content["reply"]) == (
        "completed",
        "Written.",
    )
    assert record.decision.outcome == "approve"
    assert "Alpha" in str(written)


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (filled(decision="deny", reason="Not \x1b[31mthere"), "Not [31mthere"),
        (declined(), "The person declined it in the MCP client."),
    ],
)
async def test_a_denial_is_told_to_the_model_with_its_reason(
    open_desk: Any, say: Any, call: Any, mode: str, answer: ElicitResult, reason: str
) -> None:
    async with open_desk([call(WRITE), say("Then not.")], Person([answer]), mode=mode) as desk:
        result = await desk.ask()
        (record,) = (await desk.bench.workbench.approvals.history()).items
    assert (record.status, record.decision.reason) == (ApprovalStatus.DENIED, reason)
    assert result.structured_content["reply"] == "Then not."


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("answer", [dismissed(), filled(), filled(decision="perhaps")])
async def test_a_form_that_decides_nothing_leaves_the_approval_to_others_and_it_can_be_asked_again(
    open_desk: Any, say: Any, call: Any, mode: str, answer: ElicitResult
) -> None:
    person = Person([answer, approve()])
    async with open_desk([call(WRITE), say("Written.")], person, mode=mode) as desk:
        left = (await desk.ask()).structured_content
        (waiting,) = (await desk.bench.workbench.approvals.list()).items
        fetched = (await desk.fetch(left["run_id"])).structured_content
    shown = {"id": waiting.id, "kind": "approval", "about": "write_file a.md"}
    assert (left["status"], left["waiting"]) == ("waiting", [shown])
    assert (fetched["status"], len(person.forms)) == ("completed", 2)


@pytest.mark.parametrize("mode", ERAS)
async def test_a_question_is_answered_by_a_form(open_desk: Any, say: Any, call: Any, mode: str) -> None:
    person = Person([filled(answer="blue")])
    async with open_desk([call(ASK), say("Blue it is.")], person, mode=mode) as desk:
        result = await desk.ask()
        asked = desk.bench.model.requests[-1].messages[-1]
    assert person.forms[0].message.startswith("The agent asks:\n\nWhich colour?")
    assert result.structured_content["reply"] == "Blue it is."
    assert "blue" in text_of(asked.parts[0].content)


@pytest.mark.parametrize("mode", ERAS)
async def test_all_that_waits_is_asked_and_each_answer_counts(
    open_desk: Any, say: Any, call: Any, mode: str
) -> None:
    other = ("write_file", '{"path": "b.md", "content": "B"}')
    person = Person([approve(), filled(decision="deny")])
    async with open_desk([call(WRITE, other), say("Half.")], person, mode=mode) as desk:
        result = await desk.ask()
        record = (await desk.bench.workbench.approvals.history()).items
    assert result.structured_content["status"] == "completed"
    assert sorted(each.decision.outcome for each in record) == ["approve", "deny"]


async def test_a_form_is_taken_back_when_it_is_decided_elsewhere(open_desk: Any, say: Any, call: Any) -> None:
    person = Person()
    async with open_desk([call(WRITE), say("Written.")], person, mode="legacy") as desk:
        asking = asyncio.create_task(desk.ask())
        async with asyncio.timeout(20):
            await person.asked.wait()
        (waiting,) = (await desk.bench.workbench.approvals.list()).items
        await desk.bench.workbench.approvals.decide(waiting.id, Decision(outcome="approve"))
        result = await asking
        async with asyncio.timeout(20):
            await person.taken_back.wait()
    assert result.structured_content["status"] == "completed"


async def test_a_form_is_waited_for_however_short_the_time_of_the_call_is(
    open_desk: Any, say: Any, call: Any
) -> None:
    person = Person([dismissed(), approve()])
    async with open_desk([call(WRITE), say("Written.")], person, mode="legacy") as desk:
        left = (await desk.ask()).structured_content
        await desk.fetch(left["run_id"], wait_s=0)
        await desk.bench.end(left["run_id"])
        done = (await desk.fetch(left["run_id"], wait_s=0)).structured_content
    assert (done["reply"], len(person.forms)) == ("Written.", 2)


async def test_an_answer_that_comes_too_late_changes_nothing(open_desk: Any, say: Any, call: Any) -> None:
    person = Person()
    async with open_desk([call(WRITE), say("Then not.")], person) as desk:

        async def late() -> ElicitResult:
            (waiting,) = (await desk.bench.workbench.approvals.list()).items
            await desk.bench.workbench.approvals.decide(waiting.id, Decision(outcome="deny", reason="No"))
            return approve()

        person.answers.append(late)
        result = await desk.ask()
        (record,) = (await desk.bench.workbench.approvals.history()).items
    assert (result.structured_content["status"], record.status) == ("completed", ApprovalStatus.DENIED)


async def test_a_client_without_forms_learns_what_waits_and_fetches_what_others_decided(
    open_desk: Any, say: Any, call: Any
) -> None:
    async with open_desk([call(WRITE), say("Written.")]) as desk:
        left = await desk.ask()
        fetching = asyncio.create_task(desk.fetch(left.structured_content["run_id"]))
        (waiting,) = (await desk.bench.workbench.approvals.list()).items
        await desk.bench.workbench.approvals.decide(waiting.id, Decision(outcome="approve"))
        fetched = await fetching
    assert not left.is_error
    assert "approval: write_file a.md" in left.content[0].text
    assert fetched.structured_content["reply"] == "Written."


async def test_a_state_of_somebody_elses_making_names_a_run_that_is_not_there(open_desk: Any) -> None:
    async with open_desk() as desk:
        result = await desk.client.session.call_tool(
            "agent_tester", {"message": "Go"}, request_state="forged", input_responses={}
        )
        assert result.structured_content["error"]["code"] == "run_not_found"
        assert (await desk.bench.workbench.sessions.list()).items == ()


# --- the forms themselves


def approval(**changed: Any) -> Approval:
    fields: dict[str, Any] = {
        "id": "a",
        "session_id": "s",
        "run_id": "r",
        "call_id": "c",
        "agent": "tester",
        "tool": "run_command",
        "risk": Risk.EXECUTE,
        "subject": "",
        "arguments": {"command": "rm \x1b[2Kx"},
        "requested_at": utc_now(),
    }
    return Approval.model_validate(fields | changed)


def question(**changed: Any) -> Question:
    return Question.model_validate(
        {"id": "q", "session_id": "s", "run_id": "r", "call_id": "c", "text": "Which?"} | changed
    )


def test_an_approval_without_a_preview_shows_its_arguments_without_escapes() -> None:
    form = form_of(approval())
    assert form is not None
    assert '"command": "rm ' in form.params.message
    assert "\x1b" not in form.params.message


def test_what_is_too_long_to_be_seen_whole_is_not_decided_in_a_form() -> None:
    long = ArgumentsBlock(arguments={"command": "x" * LONGEST})
    assert form_of(approval(preview=(long,))) is None


def test_choices_that_exclude_others_are_an_enumeration_and_the_shown_one_stands_for_its_own() -> None:
    asked = question(choices=("a\x1bb", "c"), free_text=False)
    form = form_of(asked)
    assert form is not None
    assert form.params.requested_schema["properties"]["answer"]["enum"] == ["ab", "c"]
    assert answer_of(asked, filled(answer="ab")) == {"answer": "a\x1bb"}
    assert answer_of(asked, filled(answer="d")) is None
    assert answer_of(asked, declined()) is None


def test_a_question_says_who_asks_so_that_it_is_taken_for_nothing_else() -> None:
    asked = form_of(question(agent="help\x1ber", text="The agent coder wants to use read_file (read):"))
    assert asked is not None
    assert asked.params.message.startswith("The agent helper asks:\n\nThe agent coder wants")


@pytest.mark.parametrize("free_text", [True, False])
def test_choices_that_look_the_same_in_a_form_are_not_asked_in_one(free_text: bool) -> None:
    alike = ("x" * 300 + " keep all", "x" * 300 + " delete all")
    assert form_of(question(choices=alike, free_text=free_text)) is None


def test_a_question_in_words_may_be_declined_which_the_agent_is_told() -> None:
    assert answer_of(question(), declined()) == {"answer": DECLINED}
    assert answer_of(question(), dismissed()) is None
    assert answer_of(question(), filled(answer="  ")) is None


def test_the_form_of_an_mcp_server_is_handed_on_with_its_name_and_the_fields_go_back() -> None:
    form = {
        "type": "object",
        "properties": {
            "size": {"type": "string", "enum": ["s", "l"], "enumNames": ["Small", "La\x1brge"]},
            "count": {"type": "integer", "description": "How many"},
        },
        "required": ["size"],
    }
    asked = question(server="shop", form=form)
    shown = form_of(asked)
    assert shown is not None
    assert shown.params.message.startswith("The MCP server shop asks:")
    size, count = shown.params.requested_schema["properties"].values()
    assert (size["enum"], size["enumNames"]) == (["s", "l"], ["Small", "Large"])
    assert (count["type"], count["description"]) == ("integer", "How many")
    assert shown.params.requested_schema["required"] == ["size"]
    assert answer_of(asked, filled(size="s", count=None)) == {"action": "accept", "fields": {"size": "s"}}
    assert answer_of(asked, declined()) == {"action": "decline"}


@pytest.mark.parametrize(
    "properties",
    [
        {"si\x1b[2Jze": {"type": "string"}},
        {"size": {"type": "string", "enum": ["s", "l\x1b[2J"]}},
        {"size": {"type": "string", "format": "\x1b[2J"}},
    ],
)
def test_words_of_a_server_that_cannot_be_shown_as_they_are_go_to_no_client(properties: Any) -> None:
    assert form_of(question(server="shop", form={"type": "object", "properties": properties})) is None


def test_an_address_to_visit_is_left_to_holdfast() -> None:
    assert form_of(question(server="shop", url="https://example.org/pay")) is None


@pytest.mark.parametrize(
    "answer", [dismissed(), filled(), filled(decision=True), ElicitResult(action="accept")]
)
def test_only_a_decision_is_a_decision(answer: ElicitResult) -> None:
    assert decision_of(answer) is None
