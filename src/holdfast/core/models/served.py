"""Servers that somebody runs: the models that Ollama, and whatever speaks OpenAI's API, have now.

With the standard library's client: importing a larger one would cost more than the whole question. No
redirect is followed, for the key would go with it.
"""

from __future__ import annotations

import http.client
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from holdfast.core.domain.errors import InvalidError, ModelAuthError, ModelError, ModelUnavailable
from holdfast.core.domain.own_models import OllamaModel, OllamaServer
from holdfast.core.domain.text import sanitize_line, shorten

MAX_BYTES = 8_000_000
MAX_MODELS = 1_000
_MOVED = (301, 302, 303, 307, 308)


def checked_url(url: str) -> str:
    """Returns the address of a server without a slash at its end. Raises `InvalidError`."""
    plain = url.strip().rstrip("/")
    try:
        parts = urlsplit(plain)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        whole = False
        parts = urlsplit("")
    if not whole or plain != sanitize_line(plain) or " " in plain or len(plain) > 2_000:
        raise InvalidError(
            "An address looks like http://127.0.0.1:8000/v1.", code="invalid_url", details={"field": "url"}
        )
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise InvalidError(
            "An address holds neither a login nor a query: the key is said by itself.",
            code="invalid_url",
            details={"field": "url"},
        )
    return plain


def served_models(url: str, key: str | None, *, ollama: bool, timeout_s: float) -> tuple[str, ...]:
    """Returns the names of the models that the server at `url` has, in its order.

    Raises `ModelAuthError` when it refuses the key, `ModelUnavailable` when nothing answers, or something
    that does not speak such an API.
    """
    status, body = _get(url, "/api/tags" if ollama else "/models", key, timeout_s)
    if status in (401, 403):
        what = "refuses this key" if key else "wants a key"
        raise ModelAuthError(f"The server at {url} {what} ({status}).")
    if status in _MOVED:
        raise ModelUnavailable(f"The server at {url} sends elsewhere ({status}): say the address itself.")
    if status != 200:
        hint = "" if ollama or url.endswith("/v1") else f" Perhaps it is {url}/v1."
        raise ModelUnavailable(f"The server at {url} has no list of models ({status}).{hint}")
    names = _names(body, ollama)
    if names is None:
        kind = "Ollama" if ollama else "a server with OpenAI's API"
        raise ModelUnavailable(f"What answers at {url} is not {kind}.")
    return names


def _get(url: str, path: str, key: str | None, timeout_s: float) -> tuple[int, bytes]:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    headers = {"Accept": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=timeout_s)
        try:
            connection.request("GET", f"{parts.path.rstrip('/')}{path}", headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read(MAX_BYTES)
        finally:
            connection.close()
    except TimeoutError:
        raise ModelUnavailable(f"The server at {url} does not answer.") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = shorten(sanitize_line(getattr(error, "strerror", None) or type(error).__name__), 200)
        raise ModelUnavailable(f"Nothing answers at {url}: {why}.") from None


def _names(body: bytes, ollama: bool) -> tuple[str, ...] | None:
    """Returns the names in the answer; None for what is no such answer."""
    try:
        found: Any = json.loads(body)
        rows = found["models"] if ollama else found["data"]
        names = [str(row["name" if ollama else "id"]) for row in rows[:MAX_MODELS]]
    except (ValueError, KeyError, TypeError, RecursionError):  # the last for JSON that is nested too deep
        return None
    return tuple(shorten(sanitize_line(name), 200) for name in names)


def ollama_server(url: str, timeout_s: float) -> OllamaServer:
    """Returns what the Ollama at `url` says of itself; where none answers, why."""
    try:
        status, body = _get(url, "/api/tags", None, timeout_s)
        rows = _ollama_rows(body) if status == 200 else None
        if rows is None:
            return OllamaServer(url=url, available=False, problem=f"What answers at {url} is not Ollama.")
        _, about = _get(url, "/api/version", None, timeout_s)
    except ModelError as error:
        return OllamaServer(url=url, available=False, problem=error.message)
    return OllamaServer(url=url, available=True, version=_version(about), models=rows)


def _ollama_rows(body: bytes) -> tuple[OllamaModel, ...] | None:
    try:
        rows: Any = json.loads(body)["models"]
        return tuple(_ollama_row(row) for row in rows[:MAX_MODELS])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _ollama_row(row: dict[str, Any]) -> OllamaModel:
    size, modified = row.get("size"), row.get("modified_at")
    try:
        at = datetime.fromisoformat(modified) if isinstance(modified, str) else None
    except ValueError:  # no time at all: it is left out
        at = None
    return OllamaModel(
        name=shorten(sanitize_line(str(row["name"])), 200),
        size_bytes=size if isinstance(size, int) and 0 <= size < 2**63 else None,
        digest=shorten(sanitize_line(str(row.get("digest") or "")), 100),
        modified_at=at if at is None or at.tzinfo else at.replace(tzinfo=UTC),
    )


def _version(body: bytes) -> str:
    try:
        return shorten(sanitize_line(str(json.loads(body)["version"])), 40)
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def quietly(url: str, key: str | None, *, ollama: bool, timeout_s: float) -> tuple[str, ...]:
    """Returns what `served_models` does; nothing where that raises."""
    try:
        return served_models(url, key, ollama=ollama, timeout_s=timeout_s)
    except ModelError:
        return ()
