"""Images that a model makes in a run: approval, cost, the new file, and its undo."""

from __future__ import annotations

import base64

from tests.fakes.openai_server import PIXEL

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.images import MadeImage
from holdfast.core.domain.models import UsageReport
from holdfast.core.tools.builtin.generate_image import GenerateImage

AGENT = "\nversion: 1\nname: painter\nmodel: scripted\ninstructions: You paint.\ntools: [generate_image]\n"


class Maker:
    async def make_image(self, model: str, prompt: str, *, size: str | None = None) -> MadeImage:
        return MadeImage(base64.b64decode(PIXEL), UsageReport(output_tokens=272, cost_usd=0.04))


async def test_an_image_is_approved_paid_for_and_can_be_undone(open_bench, say, call) -> None:
    painter = GenerateImage(Maker(), lambda: "openai/gpt-image-1")
    steps = [call(("generate_image", '{"prompt": "A cat", "path": "cat.png"}')), say("Here it is")]
    async with open_bench(steps, painter=painter) as bench:
        await bench.workbench.agents.create(AGENT)
        session = await bench.workbench.sessions.create("painter", str(bench.project))
        run_id = await bench.send(session, "Paint a cat")
        approval = await bench.approval()
        assert (approval.tool, approval.subject) == ("generate_image", "A cat")
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        events = [logged.event for logged in await bench.end(run_id)]
        (used,) = [each for each in events if each.type == "usage.recorded"]
        assert (used.model, used.output_tokens, used.cost_usd) == ("openai/gpt-image-1", 272, 0.04)
        (changed,) = [each for each in events if each.type == "file.changed"]
        assert (changed.path, changed.change) == ("cat.png", "created")
        (done,) = [each for each in events if each.type == "tool_call.completed"]
        assert done.display[0].type == "image"
        assert (await bench.workbench.runs.get(run_id)).usage.cost_usd == 0.04
        await bench.workbench.files.undo(session.id)
        left = await bench.workbench.files.list(session.id)
        assert [entry.path for entry in left if entry.state != "deleted"] == []


async def test_no_image_of_a_step_is_made_past_the_cost_limit_of_the_run(open_bench, say, call) -> None:
    painter = GenerateImage(Maker(), lambda: "openai/gpt-image-1")
    wanted = [("generate_image", f'{{"prompt": "Cat {n}", "path": "{n}.png"}}') for n in range(5)]
    async with open_bench([call(*wanted), say("Here they are")], painter=painter) as bench:
        bench.catalog.prices = {"scripted": 1.0, "second": 1.0}
        await bench.workbench.agents.create(AGENT)
        session = await bench.workbench.sessions.create("painter", str(bench.project))
        run_id = await bench.send(session, "Paint", approve="all", max_cost_usd=0.05)
        events = [logged.event for logged in await bench.end(run_id)]
        assert sum(each.cost_usd or 0 for each in events if each.type == "usage.recorded") == 0.08
        done = [each.outcome for each in events if each.type == "tool_call.completed"]
        assert done == ["ok", "ok", "error", "error", "error"]
        assert (events[-1].type, events[-1].error.code) == ("run.failed", "cost_limit")
