"""The samples of the page of Dexto's API, for messages, sessions, the queue, searches and approvals."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.server.dialects.dexto.operations import DIALECT
from holdfast.server.kit.reading import adapter_of

OPERATIONS = {one.id: one for one in DIALECT.operations}
SESSION = {"id": "string", "createdAt": 0, "lastActivity": 0, "messageCount": 0, "title": "string"}
MESSAGE = {
    "id": "497f6eca-6276-4993-bfeb-53cbbbba6f08",
    "role": "system",
    "timestamp": 0,
    "content": [{"type": "text", "text": "string"}],
    "reasoning": "string",
    "tokenUsage": {"inputTokens": 0, "outputTokens": 0, "reasoningTokens": 0, "totalTokens": 0},
    "model": "string",
    "provider": "openai",
    "toolCalls": [
        {"id": "string", "type": "function", "function": {"name": "string", "arguments": "string"}}
    ],
    "toolCallId": "string",
    "name": "string",
    "success": True,
}
HIT = {
    "sessionId": "string",
    "message": MESSAGE,
    "matchedText": "string",
    "context": "string",
    "messageIndex": 0,
}
REQUESTS = {
    "post_message": {"content": "string", "sessionId": "string"},
    "post_message_sync": {"content": "string", "sessionId": "string"},
    "post_message_stream": {"content": "string", "sessionId": "string"},
    "post_reset": {"sessionId": "string"},
    "create_session": {"sessionId": "string"},
    "update_session": {"title": "string"},
    "cancel_session": {"clearQueue": False},
    "queue_message": {"content": "string", "kind": "default"},
    "submit_approval": {
        "status": "approved",
        "formData": {"property1": None, "property2": None},
        "rememberChoice": True,
    },
}
BUSY = {"busy": True, "sessionId": "string", "queueLength": 0, "hint": "string"}
ANSWERS: dict[str, Any] = {
    "post_message": {"accepted": True, "sessionId": "string"},
    "post_message_sync": {
        "response": "string",
        "sessionId": "string",
        "tokenUsage": MESSAGE["tokenUsage"],
        "reasoning": "string",
        "model": "string",
        "provider": "openai",
    },
    "create_session": {"session": SESSION},
    "update_session": {"session": SESSION},
    "get_session_history": {"history": [MESSAGE], "isBusy": True},
    "cancel_session": {"cancelled": True, "sessionId": "string", "queueCleared": True, "clearedCount": 0},
    "load_session": {"session": {**SESSION, "isBusy": True}},
    "search_messages": {"results": [HIT], "total": 0, "hasMore": True, "query": "string"},
    "search_sessions": {
        "results": [
            {
                "sessionId": "string",
                "matchCount": 0,
                "firstMatch": HIT,
                "metadata": {"createdAt": 0, "lastActivity": 0, "messageCount": 0},
            }
        ],
        "total": 0,
        "hasMore": False,
        "query": "string",
    },
    "get_queue": {
        "messages": [
            {
                "id": "string",
                "content": [{"type": "text", "text": "string"}],
                "queuedAt": 0,
                "metadata": {"property1": None, "property2": None},
                "kind": "default",
            }
        ],
        "count": 0,
    },
    "queue_message": {"queued": True, "id": "string", "position": 0},
    "list_approvals": {
        "ok": True,
        "approvals": [
            {
                "approvalId": "string",
                "type": "elicitation",
                "sessionId": "string",
                "timeout": 0,
                "timestamp": "string",
                "metadata": {"property1": None, "property2": None},
            }
        ],
    },
    "submit_approval": {"ok": True, "approvalId": "string", "status": "approved"},
}
"""Where a sample says `string` for one of a few words, it is one of these."""


@pytest.mark.parametrize("id", sorted(REQUESTS))
def test_the_pages_requests_are_taken(id: str) -> None:
    adapter = adapter_of(OPERATIONS[id].body)
    taken = adapter.dump_python(adapter.validate_python(REQUESTS[id]), by_alias=True)
    assert taken == REQUESTS[id]


@pytest.mark.parametrize("id", sorted(ANSWERS))
def test_the_pages_answers_are_ours(id: str) -> None:
    adapter = adapter_of(OPERATIONS[id].result)
    assert adapter.dump_python(adapter.validate_python(ANSWERS[id]), by_alias=True) == ANSWERS[id]


def test_the_pages_answer_of_a_busy_session_is_ours() -> None:
    ((status, kind),) = OPERATIONS["post_message_stream"].also
    adapter = adapter_of(kind)
    assert status == 202
    assert adapter.dump_python(adapter.validate_python(BUSY), by_alias=True) == BUSY
