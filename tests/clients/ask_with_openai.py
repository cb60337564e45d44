"""Run by `test_openai_package.py` in the client's environment: `ask_with_openai.py URL KEY`."""

from __future__ import annotations

import json
import sys
from typing import Any

import openai

_, url, key = sys.argv
ASK: Any = {"model": "agent/talker", "messages": [{"role": "user", "content": "Talk"}]}


def client(key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/openai/v1", api_key=key, max_retries=0, timeout=20)


def error_of(key: str, model: str) -> str:
    try:
        client(key).chat.completions.create(**{**ASK, "model": model})
    except openai.APIStatusError as error:
        return type(error).__name__
    return ""


asking = client(key)
whole = asking.chat.completions.create(**ASK)
stream = asking.chat.completions.create(**ASK, stream=True, stream_options={"include_usage": True})
chunks = list(stream)
pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
said = {
    "models": [model.id for model in asking.models.list()],
    "whole": whole.choices[0].message.content,
    "streamed": "".join(piece for piece in pieces if piece),
    "chunks": len([piece for piece in pieces if piece]),
    "usage": max(chunk.usage.total_tokens for chunk in chunks if chunk.usage),
    "unknown_model": error_of(key, "agent/nobody"),
    "wrong_key": error_of("hf_" + "x" * 43, "agent/talker"),
}
print(json.dumps(said))
