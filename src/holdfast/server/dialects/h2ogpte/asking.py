"""Asks a model one thing, in a session that is gone afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from holdfast.core.domain.errors import ConflictError, ErrorInfo, from_info
from holdfast.core.domain.events import LoggedEvent
from holdfast.core.domain.messages import TextPart
from holdfast.server.dialects.h2ogpte.mapping_asking import message_of, once
from holdfast.server.dialects.h2ogpte.mapping_models import AUTO, usable
from holdfast.server.dialects.h2ogpte.wire_models import AskedOnce
from holdfast.server.kit.answers import EventEncoder, RunAnswer
from holdfast.server.kit.operations import Call
from holdfast.server.kit.run_state import RunState
from holdfast.server.kit.starting import start_now
from holdfast.server.openai.mapping import no_model


class _Silent(EventEncoder[bytes]):
    """Says nothing on the way."""

    def frames(self, logged: LoggedEvent) -> Iterable[bytes]:
        return ()

    def cut(self, error: ErrorInfo) -> Iterable[bytes]:
        return ()


async def ask_once(call: Call) -> RunState:
    """Returns what comes of a question to the model that the path names. Raises what a run fails with."""
    asked: AskedOnce = call.body
    workbench, model = call.workbench, str(call.path["model_name"])
    if model != AUTO and model not in {each.name for each in usable(await workbench.models.list())}:
        raise no_model(model)
    options = once(asked, None if model == AUTO else model)
    session = await workbench.sessions.create((await workbench.engine.settings()).default_agent)
    try:
        run_id = await start_now(workbench, session, (TextPart(text=message_of(asked)),), options)
        state = await RunAnswer(call, run_id, _Silent(), "cancel").whole()
    finally:
        with suppress(ConflictError):  # it ends still, for who has gone
            await workbench.sessions.delete(session.id, permanent=True)
    if state.error is not None:
        raise from_info(state.error)
    return state
