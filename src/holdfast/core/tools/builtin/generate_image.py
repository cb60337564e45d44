"""Makes an image with the model that the settings name, and saves it in the workspace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field

from holdfast.core.domain.errors import ConflictError, InvalidError, ToolError
from holdfast.core.domain.images import ImageMaker
from holdfast.core.domain.media import image_type
from holdfast.core.domain.tools import Besides, ImageBlock, Preview, Risk, TextBlock, ToolContext, ToolOutput
from holdfast.core.tools.base import WORKSPACE_PATH, Arguments, BuiltinTool
from holdfast.core.tools.builtin.read_file import plain_path

GENERATE_IMAGE = "generate_image"
_SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp"}
_LONGEST_NAME = 240
"""Bytes; a suffix and a number come behind them."""
_NAMES = 1_000
"""Names of a file that are tried when those before are taken."""


class GenerateImageArguments(Arguments):
    prompt: str = Field(min_length=1, max_length=4_000, description="What the image shows")
    path: Annotated[str, WORKSPACE_PATH] = Field(
        min_length=1, max_length=500, description="The new file, such as images/cat.png"
    )
    size: str | None = Field(
        default=None,
        pattern=r"^[1-9][0-9]{1,3}x[1-9][0-9]{1,3}$",
        description="WIDTHxHEIGHT in pixels, such as 1024x1024",
    )


class GenerateImage(BuiltinTool):
    """`model` says which model makes images, None: none does; `maker` asks it."""

    name = GENERATE_IMAGE
    risk = Risk.NETWORK
    arguments = GenerateImageArguments

    def __init__(
        self, maker: ImageMaker | None = None, model: Callable[[], str | None] = lambda: None
    ) -> None:
        self._maker = maker
        self._model = model

    def subjects(self, arguments: GenerateImageArguments) -> tuple[str, ...]:
        """Returns the prompt: it is what leaves this machine."""
        return (arguments.prompt,)

    def besides(self, arguments: GenerateImageArguments) -> tuple[Besides, ...]:
        """Returns the file that it makes, whatever the kind of the image turns its name into."""
        path = plain_path(arguments.path)
        named = (
            str(PurePosixPath(path).with_suffix(suffix)) for suffix in _SUFFIXES.values() if _is_name(path)
        )
        return (Besides("write_file", Risk.WRITE, tuple(dict.fromkeys((path, *named)))),)

    async def preview(self, arguments: GenerateImageArguments, context: ToolContext) -> Preview:
        _, model = await self._chosen()
        path = _checked(arguments.path, context)
        size = f" of {arguments.size}" if arguments.size else ""
        text = f"{model} makes an image{size}, which costs money, and {path} is new:\n\n{arguments.prompt}"
        return Preview(blocks=(TextBlock(text=text),))

    async def run(self, arguments: GenerateImageArguments, context: ToolContext) -> ToolOutput:
        maker, model = await self._chosen()
        path = _checked(arguments.path, context)
        if context.may_spend is not None:
            await context.may_spend(model)
        made = await maker.make_image(model, arguments.prompt, size=arguments.size)
        if context.spend is not None:
            await context.spend(model, made.usage)
        return await asyncio.to_thread(_save, path, made.data, context)

    async def _chosen(self) -> tuple[ImageMaker, str]:
        model = await asyncio.to_thread(self._model)
        if self._maker is None or model is None:
            raise ToolError(
                "No model is set up that makes images. The person can choose one with "
                "`holdfast settings set images.model openai/gpt-image-1`, and needs a key for its provider.",
                code="images_not_configured",
            )
        return self._maker, model


def _checked(path: str, context: ToolContext) -> str:
    """Returns the path of the new file. Raises `HoldfastError` for one that no file can have: after the
    request it would be too late."""
    plain = context.workspace.relative(path)
    context.workspace.check_name(path)
    if not _is_name(plain) or any(
        len(part.encode("utf-8", "replace")) > _LONGEST_NAME for part in plain.split("/")
    ):
        raise InvalidError(
            f"{path[:80]!r} is no name of a new file, such as images/cat.png; each part of it has at most "
            f"{_LONGEST_NAME} bytes.",
            code="invalid_name",
        )
    return plain


def _is_name(path: str) -> bool:
    return PurePosixPath(path).name not in ("", "..")


def _save(path: str, data: bytes, context: ToolContext) -> ToolOutput:
    kind = image_type(data)
    assert kind is not None  # the port's promise
    for name in islice(_names(PurePosixPath(path).with_suffix(_SUFFIXES[kind])), _NAMES):
        try:
            context.workspace.write(name, data, expected=None)
        except ConflictError:
            continue  # what is there stays, and what was paid for is kept
        block = ImageBlock(blob=context.blobs.put(data), media_type=kind, name=name)
        return ToolOutput.text(f"Made {name} ({len(data)} bytes, {kind}).", block)
    raise ToolError(f"There are {_NAMES} files named like {path} already.")


def _names(path: PurePosixPath) -> Iterator[str]:
    """Yields the path, then it with a number behind its name."""
    yield str(path)
    yield from (str(path.with_stem(f"{path.stem}-{number}")) for number in count(2))
