"""The one place that imports LiteLLM.

Two threads that import different modules of LiteLLM break both, so everybody comes here: the first caller
imports, the others wait for it. Nothing else names `litellm`, type annotations included.
"""

from __future__ import annotations

import gc
import logging
import os
import threading
from dataclasses import dataclass
from typing import Any

_lock = threading.Lock()
_loaded: list[Loaded] = []


@dataclass(frozen=True, slots=True)
class Loaded:
    """LiteLLM, ready for use, and the exceptions that its calls end with."""

    litellm: Any
    errors: tuple[type[BaseException], ...]


def load() -> Loaded:
    """Returns LiteLLM, importing it at the first call (seconds of CPU: not on an event loop)."""
    with _lock:
        if not _loaded:
            _loaded.append(_import())
        return _loaded[0]


def loaded() -> Loaded | None:
    """Returns LiteLLM when it is imported already; never waits for an import."""
    return _loaded[0] if _loaded else None


def _import() -> Loaded:
    # Read at import: no download of the price table, and no reading of a `.env` file in the current
    # folder, which could belong to a stranger's project and name another address for the keys.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["LITELLM_MODE"] = "PRODUCTION"
    collecting = gc.isenabled()
    gc.disable()  # the collector is most of the stall while thousands of modules load
    try:
        import httpx  # heavy, all three: only here, and only when a model needs them
        import litellm
        import openai
    finally:
        if collecting:
            gc.enable()
    litellm.suppress_debug_info = True  # else it prints to stdout
    litellm.drop_params = True
    litellm.modify_params = True  # Anthropic: thinking is left out where its blocks are not in the context
    litellm.num_retries = 0
    litellm.DEFAULT_MAX_RETRIES = 0  # for embeddings, where it takes a 0 that is passed for nothing said
    # It ends a reply as broken after 100 equal chunks, which a table or a drawing can have; a model that
    # really repeats itself is ended by its own limit of tokens.
    litellm.REPEATED_STREAMING_CHUNK_LIMIT = 1_000_000
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return Loaded(litellm, (openai.OpenAIError, httpx.HTTPError, OSError, ValueError))
