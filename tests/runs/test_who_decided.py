"""The record of decisions has what a person decided with: the door says it, never the request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.datastructures import Headers

from holdfast.core.domain.approvals import ApproveMode, Decision
from holdfast.core.domain.identity import CLIENTS, LOCAL_PRINCIPAL, Credential, Role, Scope, User
from holdfast.core.domain.values import utc_now
from holdfast.core.services.identity import _principal
from holdfast.server.kit.auth import client_of, user_agent


@pytest.fixture
def door() -> str:
    return "remote"


async def test_a_decision_over_the_socket_is_noted_with_the_program_and_not_with_what_it_claims(
    open_bench: Any, say: Callable[..., Any], call: Callable[..., Any]
) -> None:
    async with open_bench([call(("run_command", '{"command": "true"}')), say("done")]) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        asked = await bench.approval()
        claimed = Decision(outcome="approve", decided_by="ann", client="editor")
        decided = await bench.workbench.approvals.decide(asked.id, claimed)
        assert (decided.decision.decided_by, decided.decision.client) == ("local", "socket")
        await bench.end(run_id)
        await bench.workbench.approvals.set_mode(session.id, ApproveMode.EDITS)
        assert (await bench.until("session.mode_changed"))[-1].event.client == "socket"


@pytest.mark.parametrize("client", CLIENTS)
def test_programs_of_holdfast_are_known_by_their_name(client: str) -> None:
    assert client_of(Headers({"user-agent": user_agent(client)})) == client


@pytest.mark.parametrize("said", ["", "curl/8", "holdfast/1 (root)", "holdfast/1 (app) x", user_agent("")])
def test_any_other_program_is_the_socket(said: str) -> None:
    assert client_of(Headers({"user-agent": said})) == "socket"


def test_a_key_is_noted_by_its_name_and_a_login_as_one() -> None:
    user = User(id="u", name="ann", role=Role.USER, created_at=utc_now())
    key = Credential(
        id="k",
        kind="key",
        user_id="u",
        name="laptop",
        scope=Scope.CHAT,
        last_four="abcd",
        created_at=utc_now(),
    )
    assert _principal(key, user, key.id).client == "key laptop"
    assert _principal(key.model_copy(update={"kind": "login"}), user, key.id).client == "login"
    assert LOCAL_PRINCIPAL.client == ""
