"""Searches through Dexto's API."""

from __future__ import annotations

import pytest


async def fill(client, say) -> None:
    client.session = "one"
    await client.stream("About turnips, " + "x" * 80)
    client.session = "two"
    await client.stream("TURNIP")
    await client.stream("again")


@pytest.mark.covers("dexto.search_messages")
async def test_messages_are_found_with_their_places(talk, say) -> None:
    async with talk([say("Fine"), say("No"), say("Returnips.")]) as client:
        await fill(client, say)
        found = (await client.get("search/messages", q="turnip")).json()
        assert (found["total"], found["hasMore"], found["query"]) == (3, False, "turnip")
        best = found["results"][0]
        assert (best["sessionId"], best["messageIndex"], best["matchedText"]) == ("two", 0, "TURNIP")
        assert best["context"] == "TURNIP"
        said = (await client.get("sessions/two/history")).json()["history"]
        assert best["message"] == said[0]
        others = {(each["sessionId"], each["messageIndex"]): each for each in found["results"][1:]}
        assert others.keys() == {("one", 0), ("two", 3)}
        assert others["one", 0]["context"] == "About turnips, " + "x" * 47 + "..."
        for each in others.values():
            history = (await client.get(f"sessions/{each['sessionId']}/history")).json()["history"]
            assert each["message"] == history[each["messageIndex"]]
        page = (await client.get("search/messages", q="turnip", limit=1, offset=1)).json()
        assert (len(page["results"]), page["total"], page["hasMore"]) == (1, 3, True)
        assert page["results"] == found["results"][1:2]
        assert (await client.get("search/messages", q="turnip", role="assistant")).json()["total"] == 1
        assert (await client.get("search/messages", q="turnip", role="system")).json()["total"] == 0
        assert (await client.get("search/messages", q="turnip", sessionId="one")).json()["total"] == 1
        assert (await client.get("search/messages", q="turnip", sessionId="none")).json()["results"] == []
        for wrong in (
            {},
            {"q": ""},
            {"q": "a", "limit": 101},
            {"q": "a", "role": "x"},
            {"q": "a", "offset": -1},
        ):
            assert (await client.get("search/messages", **wrong)).status_code == 400, wrong


@pytest.mark.covers("dexto.search_sessions")
async def test_sessions_are_found_those_with_most_first(talk, say) -> None:
    async with talk([say("Fine"), say("No"), say("Returnips.")]) as client:
        await fill(client, say)
        found = (await client.get("search/sessions", q="turnip")).json()
        assert (found["total"], found["hasMore"], found["query"]) == (2, False, "turnip")
        assert [(each["sessionId"], each["matchCount"]) for each in found["results"]] == [
            ("two", 2),
            ("one", 1),
        ]
        assert found["results"][0]["firstMatch"]["message"]["content"][0]["text"] == "TURNIP"
        assert found["results"][0]["metadata"].keys() == {"createdAt", "lastActivity", "messageCount"}
        assert found["results"][0]["metadata"]["messageCount"] == 2
        assert (await client.get("search/sessions")).status_code == 400
