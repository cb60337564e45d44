"""The page of model providers."""

from __future__ import annotations

from docpages.markdown import code, page, table
from holdfast.core.models.providers import PROVIDERS, Provider

_INTRO = """\
A model is written `PROVIDER/MODEL`, such as `openai/gpt-5-mini`. The provider's key is taken from the first
of its variables that is set, else from where `holdfast keys provider set PROVIDER` stored it.

When nothing names a model, the providers are gone through in this order; the first with a key and a usual
model is used. [Models and keys](../how-to/models-and-keys.md) has the whole order."""


def providers_page() -> str:
    """Returns the page."""
    headers = ("Provider", "Name", "Key", "Address", "Usual model")
    return page("Model providers", _INTRO, table(headers, [_row(p) for p in PROVIDERS.values()]))


def _row(provider: Provider) -> tuple[str, ...]:
    keys = ", ".join(map(code, provider.key_variables)) or "none needed"
    return (
        provider.title,
        code(provider.name),
        f"{keys} (optional)" if provider.key_optional else keys,
        ", ".join(map(code, provider.base_variables)),
        code(provider.default_model or ""),
    )
