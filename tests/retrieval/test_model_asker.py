"""Asking a model one thing, outside of any conversation."""

from __future__ import annotations

import pytest

from holdfast.core.domain.errors import ModelStreamCut, ModelUnavailable, UnsupportedError
from holdfast.core.domain.models import Finished, TextDelta, UsageReport
from holdfast.core.models.scripted import ScriptedModel
from holdfast.core.services.asking import ModelAsker, RedactingEmbedder

USAGE = UsageReport(input_tokens=3, output_tokens=2)


async def test_the_answer_and_what_it_took() -> None:
    model = ScriptedModel([[TextDelta(text=" Four"), TextDelta(text=". "), USAGE, Finished(reason="stop")]])
    used: list[UsageReport] = []
    ask = ModelAsker(model, "some/model", str, used=used.append, api_base="http://models.example")
    assert await ask("Two and two?", system="Be brief.", max_tokens=9) == "Four."
    assert used == [USAGE]
    (request,) = model.requests
    assert [(message.role, message.text) for message in request.messages] == [
        ("system", "Be brief."),
        ("user", "Two and two?"),
    ]
    assert (request.model, request.settings.max_output_tokens) == ("some/model", 9)
    assert request.settings.api_base == "http://models.example"


async def test_without_a_system_prompt_there_is_none() -> None:
    model = ScriptedModel([[TextDelta(text="a"), Finished(reason="stop")]])
    await ModelAsker(model, "m", str)("q")
    assert [message.role for message in model.requests[0].messages] == ["user"]


async def test_the_offline_model_is_not_asked() -> None:
    model = ScriptedModel([])
    with pytest.raises(UnsupportedError, match="hybrid, vector, lexical"):
        await ModelAsker(model, "offline", str)("q")
    assert model.requests == []


async def test_a_models_mistake_is_raised_as_it_is() -> None:
    with pytest.raises(ModelUnavailable):
        await ModelAsker(ScriptedModel([[ModelUnavailable("busy")]]), "m", str)("q")


async def test_an_answer_that_is_cut_off_is_none() -> None:
    class Cut:
        async def stream(self, request):
            yield TextDelta(text="half")

    with pytest.raises(ModelStreamCut):
        await ModelAsker(Cut(), "m", str)("q")


def without_key(text: str) -> str:
    return text.replace("sk-canary", "[redacted]")


async def test_secrets_that_documents_hold_do_not_reach_a_model() -> None:
    model = ScriptedModel([[TextDelta(text="a"), Finished(reason="stop")]])
    await ModelAsker(model, "m", without_key)("> the key is sk-canary")
    assert model.requests[0].messages[0].text == "> the key is [redacted]"


async def test_secrets_that_documents_hold_do_not_reach_an_embedding_model() -> None:
    class Vectors:
        async def embed(self, model, texts, *, query=False):
            self.asked = (model, texts, query)
            return [[1.0] for _ in texts]

    vectors = Vectors()
    embedder = RedactingEmbedder(vectors, without_key)
    assert await embedder.embed("openai/x", ("a sk-canary", "b"), query=True) == [[1.0], [1.0]]
    assert vectors.asked == ("openai/x", ["a [redacted]", "b"], True)


@pytest.mark.parametrize(("said", "output_tokens"), [("12345", 2), ("", None)])
async def test_an_answer_that_breaks_off_is_told_by_an_estimate(said: str, output_tokens: int | None) -> None:
    used: list[UsageReport] = []
    items = [TextDelta(text=said)] if said else []
    model = ScriptedModel([[*items, ModelStreamCut("cut")]])
    with pytest.raises(ModelStreamCut):
        await ModelAsker(model, "m", str, used=used.append)("q")
    assert [(each.output_tokens, each.estimated) for each in used] == (
        [] if output_tokens is None else [(output_tokens, True)]
    )
