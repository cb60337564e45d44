"""`generate_image`: what is asked for, what is kept, and that it is off until a model is named."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from tests.fakes.openai_server import PIXEL

from holdfast.core.domain.errors import InvalidError, OutsideWorkspace, ToolError
from holdfast.core.domain.images import MadeImage
from holdfast.core.domain.models import UsageReport
from holdfast.core.tools.builtin.generate_image import GenerateImage

PNG = base64.b64decode(PIXEL)
GIVEN = {"prompt": "A cat", "path": "images/cat.png"}


class Maker:
    """Gives one image, and keeps what it was asked."""

    def __init__(self, data: bytes = PNG) -> None:
        self.data = data
        self.asked: list[tuple[str, str, str | None]] = []

    async def make_image(self, model: str, prompt: str, *, size: str | None = None) -> MadeImage:
        self.asked.append((model, prompt, size))
        return MadeImage(self.data, UsageReport(cost_usd=0.04))


def tool(maker: Maker) -> GenerateImage:
    return GenerateImage(maker, lambda: "openai/gpt-image-1")


async def test_an_image_is_saved_shown_and_paid_for(bench: Any, text: Any) -> None:
    maker, spent = Maker(), []

    async def spend(model: str, usage: UsageReport) -> None:
        spent.append((model, usage.cost_usd))

    output = await bench.run(tool(maker), {**GIVEN, "size": "1024x1024"}, spend=spend)
    assert maker.asked == [("openai/gpt-image-1", "A cat", "1024x1024")]
    assert spent == [("openai/gpt-image-1", 0.04)]
    assert bench.workspace.read("images/cat.png") == PNG
    assert text(output) == f"Made images/cat.png ({len(PNG)} bytes, image/png)."
    (block,) = output.display
    assert (block.type, block.media_type, block.name) == ("image", "image/png", "images/cat.png")
    assert bench.blobs.get(block.blob) == PNG


async def test_a_file_that_is_there_stays_and_what_was_paid_for_is_kept(bench: Any, text: Any) -> None:
    for name in ("images/cat.png", "images/cat-2.png"):
        bench.workspace.write(name, b"old")
    assert "images/cat-3.png" in text(await bench.run(tool(Maker()), GIVEN))
    assert bench.workspace.read("images/cat.png") == b"old"


async def test_the_name_ends_as_the_image_is(bench: Any, text: Any) -> None:
    jpeg = Maker(b"\xff\xd8\xff and more")
    assert "images/cat.jpg" in text(await bench.run(tool(jpeg), GIVEN))
    assert "run.png" in text(await bench.run(tool(Maker()), {**GIVEN, "path": "run.sh"}))


@pytest.mark.parametrize("path", ["../cat.png", "/etc/cat.png"])
async def test_nothing_is_asked_for_a_file_outside_the_workspace(bench: Any, path: str) -> None:
    maker = Maker()
    with pytest.raises(OutsideWorkspace):
        await bench.run(tool(maker), {**GIVEN, "path": path})
    assert maker.asked == []


async def test_the_person_sees_model_prompt_size_and_file_before(bench: Any) -> None:
    preview = await bench.preview(tool(Maker()), {**GIVEN, "size": "64x64"})
    said = preview.blocks[0].text
    assert all(each in said for each in ("openai/gpt-image-1", "A cat", "64x64", "images/cat.png", "money"))
    assert bench.subjects(tool(Maker()), GIVEN) == ("A cat",)


@pytest.mark.parametrize("wrong", [{"size": "big"}, {"size": "0x10"}, {"prompt": ""}, {"n": 4}])
def test_other_arguments_are_refused(bench: Any, wrong: dict[str, Any]) -> None:
    assert bench.mistakes("generate_image", {**GIVEN, **wrong})


async def test_without_a_model_it_says_how_to_choose_one(bench: Any) -> None:
    for off in (GenerateImage(), GenerateImage(Maker(), lambda: None)):
        with pytest.raises(ToolError, match=r"settings set images\.model") as caught:
            await bench.run(off, GIVEN)
        assert caught.value.code == "images_not_configured"
        with pytest.raises(ToolError):
            await bench.preview(off, GIVEN)


@pytest.mark.parametrize("path", [".", "./", "x" * 300 + ".png", "a/" + "x" * 300 + "/b.png", "a\nb.png"])
async def test_a_path_that_no_file_can_have_is_refused_before_anything_is_paid(bench: Any, path: str) -> None:
    maker = Maker()
    for way in (bench.run, bench.preview):
        with pytest.raises(InvalidError):
            await way(tool(maker), {**GIVEN, "path": path})
    assert maker.asked == []
