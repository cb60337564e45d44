"""Models of providers that make images, through LiteLLM."""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import Any

from holdfast.core.domain.errors import ModelError
from holdfast.core.domain.images import MadeImage
from holdfast.core.domain.media import image_type
from holdfast.core.domain.models import UsageReport
from holdfast.core.models.credentials import Addresses, Keys, Target, embedding_target_of
from holdfast.core.models.errors import translate
from holdfast.core.models.loading import load, loaded
from holdfast.core.models.providers import CUSTOM

TIMEOUT_S = 300.0
"""Longest time in seconds that a provider gets for one image."""
MAX_BYTES = 20 * 2**20
"""Of one image."""
_ALWAYS_DATA = "gpt-image"
"""In the names of models that give the image itself, and refuse to be asked for that."""


def image_target_of(model: str, keys: Keys, addresses: Addresses, api_base: str | None = None) -> Target:
    """Returns where a prompt goes that `model` is to draw. Raises as `target_of`."""
    target = embedding_target_of(model, keys, addresses, api_base)
    if target.provider != CUSTOM:
        return target
    name = (
        f"openai/{target.model.removeprefix('hosted_vllm/')}"  # LiteLLM's adapter to any server has no images
    )
    return Target(target.provider, name, target.api_base, target.key)


async def make_image(target: Target, asked: str, prompt: str, size: str | None) -> MadeImage:
    """Returns one image. `asked` is the model's name for messages. Raises `ModelError`."""
    lib = loaded()
    if lib is None:
        lib = await asyncio.to_thread(load)
    secrets = (target.key,) if target.key else ()
    try:
        response = await lib.litellm.aimage_generation(**_arguments(target, prompt, size))
    except lib.errors as error:
        raise translate(error, model=asked, provider=target.provider, secrets=secrets) from None
    return MadeImage(_data(response, asked), _usage(response))


def _arguments(target: Target, prompt: str, size: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "model": target.model,
        "prompt": prompt,
        "n": 1,
        "size": size,
        "response_format": None if _ALWAYS_DATA in target.model else "b64_json",
        "api_key": target.key,
        "api_base": target.api_base,
        "timeout": TIMEOUT_S,
        "num_retries": 0,  # the provider's client makes a call again twice by itself, and takes no other word
    }
    return {name: value for name, value in found.items() if value is not None}


def _data(response: Any, asked: str) -> bytes:
    """Returns the image's bytes. An address instead of them is not followed: it could lead anywhere."""
    images = getattr(response, "data", None) or [None]
    text = getattr(images[0], "b64_json", None)
    try:
        data = base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if image_type(data) is None or len(data) > MAX_BYTES:
        raise ModelError(
            f"{asked} gave no image that can be used: a PNG, JPEG, GIF or WebP of at most "
            f"{MAX_BYTES // 2**20} MiB, not an address of one",
            details={"model": asked},
        )
    return data


def _usage(response: Any) -> UsageReport:
    told = getattr(response, "usage", None)
    cost = (getattr(response, "_hidden_params", None) or {}).get("response_cost")
    return UsageReport(
        input_tokens=getattr(told, "input_tokens", None) or 0,
        output_tokens=getattr(told, "output_tokens", None) or 0,
        cost_usd=round(cost, 10) if isinstance(cost, int | float) and cost > 0 else None,
    )
