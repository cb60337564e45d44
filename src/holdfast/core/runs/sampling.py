"""Completions that MCP servers ask for: by the run's model, within its limits, on its account."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing

from holdfast.core.domain.asking import SampleReply
from holdfast.core.domain.errors import ModelStreamCut, UnsupportedError
from holdfast.core.domain.messages import Message, TextPart
from holdfast.core.domain.models import (
    Finished,
    ModelClient,
    ModelRequest,
    ModelSettings,
    TextDelta,
)
from holdfast.core.runs.active import ActiveRun
from holdfast.core.runs.bounds import check_budgets, check_limits
from holdfast.core.runs.metering import metered
from holdfast.core.tools.mcp.sampling_tool import SampleArguments

_OFFLINE = "offline"


class Sampler:
    """Asks the model. `redact` takes the secrets out of what it is given, which a stranger has written."""

    def __init__(self, client: ModelClient, redact: Callable[[str], str]) -> None:
        self._client = client
        self._redact = redact

    async def __call__(
        self, run: ActiveRun, arguments: SampleArguments, temperature: float | None
    ) -> SampleReply:
        """Returns the reply, as the run's hooks leave it. Raises `ModelError`, `UnsupportedError` for the
        offline model, `ForbiddenError` where a hook refuses, and what a limit of the run or a budget does."""
        if run.model == _OFFLINE:
            raise UnsupportedError("The offline model cannot complete messages of MCP servers.")
        check_limits(run)
        await check_budgets(run)
        request = await run.hooks.before_model(self._request(run, arguments, temperature))
        texts: list[str] = []
        end: Finished | None = None
        async with aclosing(metered(run, self._client, request)) as deltas:
            async for delta in deltas:
                match delta:
                    case TextDelta(text=text):
                        texts.append(text)
                    case Finished():
                        end = delta
        if end is None:
            raise ModelStreamCut("The model's answer ended in the middle.")
        text, _ = await run.hooks.reply("".join(texts), [], final=False)
        return SampleReply(text, request.model, cut=end.reason == "length")

    def _request(self, run: ActiveRun, arguments: SampleArguments, temperature: float | None) -> ModelRequest:
        def message(role: str, text: str) -> Message:
            return Message.model_validate({"role": role, "parts": (TextPart(text=self._redact(text)),)})

        system = [message("system", arguments.system)] if arguments.system else []
        return ModelRequest(
            model=run.model,
            messages=(*system, *(message(each.role, each.text) for each in arguments.messages)),
            settings=ModelSettings(
                max_output_tokens=arguments.max_tokens,
                temperature=temperature,
                api_base=run.spec.model_settings.api_base,
            ),
        )
