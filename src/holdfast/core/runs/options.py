"""Run options: what of them can be done at all, and what an agent becomes under them. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.errors import InvalidError, UnsupportedError
from holdfast.core.domain.models import ModelInfo, ModelSettings
from holdfast.core.domain.runs import LATER_OPTIONS, RunOptions
from holdfast.core.tools.registry import near_names

MAX_DEPTH = 100
"""Lists and objects in each other; no event holds more."""


def check_options(options: RunOptions, spec: AgentSpec) -> None:
    """Refuses options that a run of the agent could not keep to; asked before a message is taken in.

    Raises `UnsupportedError` (`unsupported_option`) for fields whose services come later, `InvalidError`
    with `unknown_tool` or `nested_too_deep`.
    """
    later = [name for name in LATER_OPTIONS if getattr(options, name)]
    if later:
        raise UnsupportedError(
            f"Holdfast cannot do this yet: {', '.join(later)}. Leave it out of the run's options.",
            code="unsupported_option",
            details={"fields": later},
        )
    if nested_deeper(options.response_format, MAX_DEPTH):
        raise InvalidError("response_format is nested too deep.", code="nested_too_deep")
    for name in options.tools or ():
        if name not in spec.tools:
            raise InvalidError(
                f"The agent {spec.name} has no tool {name[:80]!r}.{near_names(name, spec.tools)}",
                code="unknown_tool",
            )


def with_options(spec: AgentSpec, options: RunOptions) -> AgentSpec:
    """Returns the agent as it is in a run with these options: instructions, tools, settings and limits."""
    texts = (options.instructions_prefix.strip(), spec.instructions)
    tools = spec.tools if options.tools is None else tuple(t for t in spec.tools if t in options.tools)
    given = {name: getattr(options, name) for name in ("timeout_s", "max_steps", "max_cost_usd")}
    limits = spec.limits.model_copy(update={n: value for n, value in given.items() if value is not None})
    return spec.model_copy(
        update={
            "instructions": "\n\n".join(text for text in texts if text),
            "tools": tools,
            "limits": limits,
            "model_settings": _settings(spec.model_settings, options),
        }
    )


def _settings(settings: ModelSettings, options: RunOptions) -> ModelSettings:
    if options.model_settings is not None:
        settings = settings.model_copy(update=options.model_settings.model_dump(exclude_unset=True))
    effort = settings.reasoning_effort
    if options.reasoning is True and effort in (None, "none"):
        effort = "medium"
    elif options.reasoning is False:
        effort = "none"
    return settings.model_copy(update={"reasoning_effort": effort})


def affordable(models: Mapping[str, ModelInfo], options: RunOptions) -> tuple[str, ...]:
    """Returns the models that a run may use, by name, the chosen one first: with a cost limit those of
    known price. Raises `InvalidError` (`unpriced_model`) when the chosen one has none."""
    if options.max_cost_usd is None:
        return tuple(models)
    chosen, *_ = models
    if not _priced(models[chosen]):
        raise InvalidError(
            f"The price of {chosen} is not known, so a cost limit cannot be kept. "
            "Choose another model, or leave the limit out and use one on steps or time.",
            code="unpriced_model",
            details={"model": chosen},
        )
    return tuple(name for name, info in models.items() if _priced(info))


def _priced(model: ModelInfo) -> bool:
    return model.input_usd_per_million is not None and model.output_usd_per_million is not None


def nested_deeper(value: Any, levels: int) -> bool:
    """Says whether lists and objects stand in each other more than `levels` deep."""
    layer = [value] if isinstance(value, dict | list) else []
    for _ in range(levels + 1):
        inner = [each.values() if isinstance(each, dict) else each for each in layer]
        layer = [one for each in inner for one in each if isinstance(one, dict | list)]
        if not layer:
            return False
    return True
