"""What waits for a person: calls to approve, and questions to answer."""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from holdfast.core.domain.errors import ConflictError, NotFoundError
from holdfast.core.domain.idempotency import KeyedRequest
from holdfast.core.domain.runs import Session
from holdfast.core.domain.values import all_items, utc_now
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.dexto.errors import render_at
from holdfast.server.dialects.dexto.mapping_approvals import (
    answer_of,
    approval_out,
    decision_of,
    question_out,
)
from holdfast.server.dialects.dexto.places import found, tool_names
from holdfast.server.dialects.dexto.wire_sessions import (
    ApprovalOut,
    Approvals,
    ApprovalsQuery,
    Decided,
    DecisionBody,
)
from holdfast.server.kit.auth import principal_of
from holdfast.server.kit.idempotency import answer_once, digest, idempotency_key
from holdfast.server.kit.operations import Call, Operation, written


async def list_approvals(call: Call) -> Approvals:
    """Lists what waits for a person in a session, oldest first."""
    wanted: str = call.query.session_id
    session = await found(call.workbench, wanted)
    waiting = [] if session is None else await _waiting(call.workbench, session, wanted)
    return Approvals(approvals=sorted(waiting, key=lambda each: each.timestamp))


async def _waiting(workbench: Workbench, session: Session, session_id: str) -> list[ApprovalOut]:
    names = await tool_names(workbench)
    calls = await all_items(partial(workbench.approvals.list, session.id, True))
    questions = await all_items(partial(workbench.runs.questions, session.id))
    return [
        *(approval_out(each, session_id, names) for each in calls),
        *(question_out(each, each.asked_at or utc_now(), session_id) for each in questions),
    ]


async def submit_approval(call: Call) -> Response:
    """Decides what waits for a person. With a key in `Idempotency-Key` it may be sent again."""
    key = idempotency_key(call.request)
    if key is None:
        return await _decided(call)
    said = digest((("approvalId", call.path["approvalId"]),), call.body.model_dump_json().encode())
    user = principal_of(call.request).user_id
    request = KeyedRequest(user, "dexto.submit_approval", key, said)
    answers, scope = (await call.door.host()).answers, call.request.scope
    request_id: str = scope["state"]["request_id"]
    return await answer_once(answers, request, request_id, partial(_decided, call), render_at(scope))


async def _decided(call: Call) -> Response:
    id, body = call.path["approvalId"], call.body
    try:
        await _decide(call.workbench, id, body)
    except (NotFoundError, ConflictError):  # unknown, or decided already
        raise NotFoundError(f"Approval not found: {id[:80]}", code="approval_not_found") from None
    return written(Decided, Decided(approval_id=id, status=body.status))


async def _decide(workbench: Workbench, id: str, body: DecisionBody) -> None:
    try:
        await workbench.approvals.decide(id, decision_of(body))
    except NotFoundError as error:
        waiting = await all_items(partial(workbench.runs.questions, None))
        question = next((each for each in waiting if each.id == id), None)
        if question is None:
            raise error
        await workbench.runs.answer(id, **answer_of(body, question))


OPERATIONS = (
    Operation(
        "list_approvals", "GET", "/api/approvals", list_approvals, result=Approvals, query=ApprovalsQuery
    ),
    Operation(
        "submit_approval",
        "POST",
        "/api/approvals/{approvalId}",
        submit_approval,
        result=Decided,
        body=DecisionBody,
    ),
)
