"""One question to a model, outside of any chat."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.domain.errors import ModelRequestRefused
from holdfast.core.domain.models import Finished, TextDelta, UsageReport

API = "/h2ogpte/api/v1"


@pytest.mark.covers("h2ogpte.answer_question")
async def test_a_model_answers_a_question_and_leaves_nothing_behind(serve: Any) -> None:
    used = UsageReport(input_tokens=7, output_tokens=3)
    async with serve([[TextDelta(text="Ninety."), used, Finished(reason="stop")]]) as served:
        asked = {
            "question": "how much is a hotel?",
            "text_context_list": ["Hotels cost ninety euros."],
            "pre_prompt_query": "Read this:",
            "prompt_query": "From that, ",
            "system_prompt": "Be short.",
            "llm_args": {"temperature": 0.5, "unheard_of": 1},
            "chat_conversation": [["Hi", "Hello"]],
            "timeout": 60,
        }
        answer = await served.http.post(f"{API}/models/scripted/answer_question", json=asked)
        assert answer.json() == {
            "content": "Ninety.",
            "error": "",
            "llm": "scripted",
            "input_tokens": 7,
            "output_tokens": 3,
        }
        assert (await served.bench.workbench.sessions.list()).items == ()
        assert (await served.bench.workbench.trash.list()).items == ()
        (request,) = served.bench.model.requests
    assert [each.text for each in request.messages[1:]] == [
        "Hi",
        "Hello",
        'Read this:\n"""\nHotels cost ninety euros.\n"""\nFrom that, how much is a hotel?',
    ]
    assert "Be short." in request.messages[0].text
    assert (request.tools, request.settings.temperature) == ((), 0.5)


@pytest.mark.covers("h2ogpte.summarize_content", "h2ogpte.extract_data")
async def test_a_model_summarises_and_extracts(serve: Any, say: Any) -> None:
    async with serve([say("Short."), say("90")]) as served:
        texts = {"text_context_list": ["One.", "Two."]}
        where = f"{API}/models/auto"
        summary = await served.http.post(f"{where}/summarize_content", json=texts)
        assert summary.json()["content"] == "Short."
        found = await served.http.post(
            f"{where}/extract_data", json={**texts, "prompt_extract": "The price?"}
        )
        assert found.json()["content"] == ["90"]
        first, second = served.bench.model.requests
    assert '"""\nOne.\n"""\n"""\nTwo.\n"""' in first.messages[-1].text
    assert second.messages[-1].text.endswith("The price?")


async def test_what_cannot_be_asked_is_refused_and_failures_are_told(serve: Any) -> None:
    async with serve([[ModelRequestRefused("It says no.")]]) as served:
        where = f"{API}/models/scripted/answer_question"
        for body, status in (({}, 400), ({"question": "a", "llm_args": {"temperature": 9}}, 400)):
            assert (await served.http.post(where, json=body)).status_code == status
        unknown = await served.http.post(f"{API}/models/no/thing/answer_question", json={"question": "a"})
        assert unknown.status_code == 404
        failed = await served.http.post(where, json={"question": "a"})
        assert failed.status_code >= 400
        assert "It says no." in failed.json()["message"]
        assert (await served.bench.workbench.sessions.list()).items == ()
