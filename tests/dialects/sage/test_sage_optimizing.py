"""What somebody is about to say, said better through Sage's API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.dialects.sage.stream_talk import records

PATH = "/sage/api/chat/optimize-input"
ANSWER = json.dumps({"text": "Please sum up the report."})


@pytest.mark.covers("sage.optimize_input")
async def test_an_input_is_said_better(serve: Any, say: Any) -> None:
    async with serve([say(ANSWER)]) as served:
        before = [{"role": "assistant", "content": [{"type": "text", "text": "Which report?"}]}]
        asked = {
            "current_input": "sum up reprot",
            "history_messages": before,
            "language": "en",
            "user_id": "x",
        }
        answer = (await served.http.post(PATH, json=asked)).json()
        assert (answer["code"], answer["message"]) == (200, "输入优化成功")
        assert answer["data"]["optimized_input"] == "Please sum up the report." and answer["data"]["success"]
        assert "assistant: Which report?" in served.bench.model.requests[0].messages[1].text
        for wrong, status in (({}, 422), ({"current_input": ""}, 422), ({"current_input": " "}, 500)):
            assert (await served.http.post(PATH, json=wrong)).status_code == status


@pytest.mark.covers("sage.optimize_input_stream")
async def test_an_input_is_said_better_line_by_line(serve: Any, say: Any) -> None:
    async with serve([say(ANSWER), say("No."), say("No.")]) as served:
        answer = await served.http.post(f"{PATH}/stream", json={"current_input": "sum up reprot"})
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        start, delta, done = records(answer.text)
        assert (start["type"], delta["type"], done["type"]) == ("start", "delta", "done")
        assert delta["content"] == done["optimized_input"] == "Please sum up the report."
        answer = await served.http.post(f"{PATH}/stream", json={"current_input": "sum up reprot"})
        assert [line["type"] for line in records(answer.text)] == ["start", "error"]
