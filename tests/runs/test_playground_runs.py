"""What the app's playground sends, at the real services: a conversation, and what the caller's tools gave."""

from __future__ import annotations

from typing import Any

from tests.runs.conftest import calls, text

from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.messages import TextPart, ToolResultPart
from holdfast.core.domain.models import ToolSchema
from holdfast.tui.presenters.playground.played import Played
from holdfast.tui.presenters.playground.sending import options_of, turn_of
from holdfast.tui.presenters.playground.state import PlaygroundState, PlayMessage

TOOL = ToolSchema(name="find_order", description="Finds it.", parameters={"type": "object"})


async def test_a_conversation_is_answered_and_goes_on_with_what_tools_gave(open_bench: Any) -> None:
    state = PlaygroundState(agent="tester", tools=(TOOL,))
    state.messages = [
        PlayMessage("system", "Be brief."),
        PlayMessage("user", "Hello"),
        PlayMessage("assistant", "Yes?"),
        PlayMessage("user", "Where is order 7?"),
    ]
    async with open_bench([calls(("find_order", '{"order": 7}')), text("On its way.")]) as bench:
        runs, session = bench.workbench.runs, await bench.session()
        said, options = turn_of(state, ApproveMode.ASK)
        sent = await runs.send(session.id, (TextPart(text=said),), options)
        played = Played(session.id, sent.run_id)
        for logged in await bench.end(sent.run_id):
            played.apply(logged)
        [left] = played.open_calls
        assert (left.name, left.arguments) == ("find_order", {"order": 7})
        gave = ToolResultPart(call_id=left.call_id, name=left.name, content=(TextPart(text="sent"),))
        again = await runs.send(session.id, (gave,), options_of(state, ApproveMode.ASK))
        played = Played(session.id, again.run_id)
        for logged in await bench.end(again.run_id):
            played.apply(logged)
        assert played.reply == "On its way." and not played.open_calls
    first, second = bench.model.requests
    assert [one.text for one in first.messages[1:]] == ["Hello", "Yes?", "Where is order 7?"]
    assert "Be brief." in first.messages[0].text
    assert [one.role for one in second.messages[1:]] == ["user", "assistant", "user", "assistant", "tool"]
