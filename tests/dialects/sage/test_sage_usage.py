"""What Sage says was used: one's own, and to administrators that of all."""

from __future__ import annotations

from typing import Any

import pytest

STATS = "/sage/api/token-usage/stats"
DAYS = {"start_date": "2020-01-01", "end_date": "2099-12-31"}


@pytest.mark.covers("sage.token_usage_stats", "sage.agent_usage_stats")
async def test_tokens_and_tools_are_counted_for_their_user_alone(
    serve_users: Any, call: Any, say: Any
) -> None:
    steps = [call(("list_files", "{}")), say("Done."), say("Again.")]
    async with serve_users(steps) as served:
        bench, http = served.bench, served.http
        ann = await served.user("ann")
        session = await bench.session()
        for text in ("one", "two"):
            await bench.end(await bench.send(session, text))

        async def stats(headers: Any = None, **body: Any) -> Any:
            answer = await http.post(STATS, json={**DAYS, **body}, headers=headers)
            assert answer.status_code == 200, answer.text
            return answer.json()

        found = (await stats(dimension="session"))["data"]
        assert found["summary"]["session_count"] == 1 and found["summary"]["model_call_count"] == 3
        item = found["items"][0]
        assert item["session_id"] == session.id and item["agent_id"] is None
        assert item["total_tokens"] == item["input_tokens"] + item["output_tokens"]
        assert item["total_tokens"] == found["summary"]["average_tokens_per_session"]
        assert item["started_at"] <= item["finished_at"]
        agents = {each.name: each.id for each in await bench.workbench.agents.list()}
        by_agent = (await stats(dimension="agent", agent_id=agents["tester"]))["data"]["items"]
        assert [each["agent_id"] for each in by_agent] == [agents["tester"]]
        assert (await stats(dimension="user"))["data"]["items"][0]["user_id"] == "local"
        assert (await stats(dimension="agent", agent_id="none"))["data"]["items"] == []
        early = {"start_date": "2020-01-01", "end_date": "2020-01-02"}
        assert (await stats(dimension="user", **early))["data"]["summary"]["session_count"] == 0

        assert (await stats(ann, dimension="user"))["data"]["items"] == []
        assert (await stats(ann, dimension="session", session_id=session.id))["data"]["items"] == []
        assert (await stats(ann, dimension="user", user_id="local"))["code"] == 403
        wrong = await http.post(STATS, json={"dimension": "user"})
        assert wrong.status_code == 422
        assert wrong.json()["detail"][0]["msg"] == "Value error, start_date and end_date are required"
        one = await http.post(STATS, json={"dimension": "session", "session_id": session.id})
        assert one.json()["data"]["summary"]["session_count"] == 1

        path = "/sage/api/system/agent/usage-stats"
        used = await http.post(path, json={"days": 7, "agent_id": agents["tester"]})
        assert used.json()["data"] == {"usage": {"list_files": 1}}
        none = await http.post(path, json={"days": 7}, headers=ann)
        assert none.json()["data"] == {"usage": {}}
