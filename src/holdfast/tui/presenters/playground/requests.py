"""A conversation as requests of each API that the engine serves: data that code is written from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from holdfast.tui.presenters.playground.state import PlaygroundState

DEFAULT_ADDRESS = "http://127.0.0.1:8700"
"""Where `holdfast serve --port 8700` would answer."""
SESSION = "playground"
"""The conversation's name, for the APIs whose callers choose it."""
ENDS = ("run.completed", "run.failed", "run.cancelled")


@dataclass(frozen=True, slots=True)
class Asking:
    """One request. Names in braces in its path are what earlier ones have kept."""

    path: str
    body: dict[str, Any] | None = None
    keeps: tuple[str, str] | None = None
    """What is kept of its answer: under which name, and by which key."""
    headers: tuple[tuple[str, str], ...] = ()
    follows: bool = False
    """Whether it is a stream of events that is read until the run ends."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """How one API is asked."""

    title: str
    make: Callable[[PlaygroundState], tuple[Asking, ...]]
    bearer: bool = True
    """Whether `Bearer` stands before the key."""
    note: str = ""
    """What that API cannot be told."""


def _chat(state: PlaygroundState) -> list[dict[str, str]]:
    """Returns the conversation with its system messages, as most APIs write it."""
    return [{"role": one.role, "content": one.text} for one in state.messages if one.text.strip()]


def _last(state: PlaygroundState) -> str:
    said = [one.text for one in state.said if one.role == "user"]
    return said[-1] if said else ""


def _native(state: PlaygroundState) -> tuple[Asking, ...]:
    said = state.said
    options: dict[str, Any] = {
        "history": [{"role": one.role, "parts": [{"type": "text", "text": one.text}]} for one in said[:-1]]
    }
    if state.system:
        options["instructions_prefix"] = state.system
    if state.tools:
        options["client_tools"] = [one.model_dump(mode="json") for one in state.tools]
    parts = [{"type": "text", "text": said[-1].text if said else ""}]
    root = "/holdfast/v1"
    return (
        Asking(f"{root}/sessions", {"agent": state.agent}, keeps=("session", "id")),
        Asking(f"{root}/sessions/{{session}}/runs", {"parts": parts, "options": options},
               keeps=("run", "run_id")),
        Asking(f"{root}/runs/{{run}}/events?after=0", follows=True),
    )  # fmt: skip


def _openai(prefix: str) -> Callable[[PlaygroundState], tuple[Asking, ...]]:
    def make(state: PlaygroundState) -> tuple[Asking, ...]:
        body: dict[str, Any] = {"model": f"agent/{state.agent}", "messages": _chat(state)}
        if state.tools:
            body["tools"] = [
                {"type": "function", "function": one.model_dump(mode="json")} for one in state.tools
            ]
        return (Asking(f"{prefix}/v1/chat/completions", body),)

    return make


def _powabase(state: PlaygroundState) -> tuple[Asking, ...]:
    return (Asking(f"/powabase/api/agents/{state.agent_id}/run", {"message": _last(state)}),)


def _dexto(state: PlaygroundState) -> tuple[Asking, ...]:
    return (
        Asking("/dexto/api/agents/switch", {"id": state.agent}),
        Asking("/dexto/api/message-sync", {"content": _last(state), "sessionId": SESSION}),
    )


def _genlabs(state: PlaygroundState) -> tuple[Asking, ...]:
    return (Asking(f"/genlabs/v1/{state.agent_id}", {"conversation": _chat(state)}),)


def _threaded(state: PlaygroundState) -> tuple[Asking, ...]:
    body = {"message": {"role": "user", "content": _last(state)}}
    return (Asking(f"/genlabs/v2/{state.agent_id}", body, headers=(("session", SESSION),)),)


_ONLY_LAST = "It is sent the last message of the user's alone: it keeps conversations itself."
SNIPPETS: tuple[Snippet, ...] = (
    Snippet("Holdfast", _native),
    Snippet("OpenAI", _openai("/openai")),
    Snippet("Powabase", _powabase, note=_ONLY_LAST),
    Snippet("h2oGPTe", _openai("/h2ogpte/openai_api")),
    Snippet("Dexto", _dexto, note=_ONLY_LAST),
    Snippet("GenLabs v1", _genlabs, bearer=False),
    Snippet("GenLabs v2", _threaded, bearer=False, note=f"{_ONLY_LAST} The agent must be logged."),
)
"""The APIs, in the order in which they are shown."""
