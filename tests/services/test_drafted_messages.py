"""Messages to agents, said better by a model; as they were without one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.runs.conftest import open_bench as open_bench
from tests.runs.conftest import say as say

from holdfast.core.domain.errors import HoldfastError, InvalidError


@pytest.fixture
def door() -> str:
    return "remote"


async def test_a_model_says_a_message_better(open_bench: Any, say: Any) -> None:
    answer = json.dumps({"text": "Please sum up the report.", "why": "shorter"})
    async with open_bench([say(answer), say(answer), say("No."), say("No.")]) as bench:
        drafts = bench.workbench.drafts
        draft = await drafts.message("sum up reprot", "user: Hi\n\nassistant: Which report?")
        assert (draft.text, draft.original_length, draft.by) == ("Please sum up the report.", 13, "model")
        system, asked = bench.model.requests[0].messages
        assert "its own language" in system.text
        assert "Which report?" in asked.text and "sum up reprot" in asked.text
        await drafts.message("sum up reprot", language="pt-BR")
        assert "`pt-BR`" in bench.model.requests[1].messages[0].text
        assert "said before" not in bench.model.requests[1].messages[1].text
        with pytest.raises(HoldfastError) as refused:
            await drafts.message("sum up reprot")
        assert refused.value.code == "unusable_draft"
        with pytest.raises(InvalidError):
            await drafts.message(" \n")


async def test_without_a_model_a_message_stays(open_bench: Any) -> None:
    settings = {"models": {"default": "offline"}}
    async with open_bench(more_settings=settings, known_models=True) as bench:
        draft = await bench.workbench.drafts.message("sum up reprot")
        assert (draft.text, draft.by, draft.model) == ("sum up reprot", "template", "")
        assert bench.model.requests == []
