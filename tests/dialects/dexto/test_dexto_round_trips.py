"""What Dexto's clients say, as we keep it, is what they read again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.memory import MemoryEntry
from holdfast.core.domain.webhooks import Webhook
from holdfast.server.dialects.dexto.mapping_memory import changes_of, memory, new_entry
from holdfast.server.dialects.dexto.mapping_resources import own_uri, qualified
from holdfast.server.dialects.dexto.mapping_webhooks import new_webhook, webhook
from holdfast.server.dialects.dexto.wire_memory import MemoryBody, MemoryChanges
from holdfast.server.dialects.dexto.wire_webhooks import WebhookBody

AT = datetime(2026, 1, 2, tzinfo=UTC)
TEXT = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=20)
VALUE = st.none() | st.booleans() | st.integers(-9, 9) | TEXT
METADATA = st.fixed_dictionaries(
    {}, optional={"source": st.sampled_from(["user", "system"]), "pinned": st.booleans(), "place": VALUE}
)
SAID = st.fixed_dictionaries(
    {}, optional={"tags": st.lists(TEXT, max_size=3, unique=True), "metadata": METADATA}
)


def kept(body: dict[str, Any]) -> MemoryEntry:
    return MemoryEntry(id="i", created_at=AT, updated_at=AT, **new_entry(MemoryBody.model_validate(body)))


def shown(entry: MemoryEntry) -> dict[str, Any]:
    found = memory(entry).model_dump(by_alias=True)
    return {name: found[name] for name in ("content", "tags", "metadata") if name in found}


@given(SAID)
def test_a_memory_is_read_as_it_was_written(said: dict[str, Any]) -> None:
    body = {"content": "x", **said}
    assert shown(kept(body)) == body


@given(SAID, SAID)
def test_a_change_of_a_memory_is_laid_over_it(said: dict[str, Any], more: dict[str, Any]) -> None:
    entry = kept({"content": "x", **said})
    changes = changes_of(entry, MemoryChanges.model_validate(more))
    changed = MemoryEntry.model_validate({**entry.model_dump(), **changes})
    wanted = {"content": "x", **said, **more}
    if "metadata" in said or "metadata" in more:
        wanted["metadata"] = {**said.get("metadata", {}), **more.get("metadata", {})}
    assert shown(changed) == wanted


@given(st.sampled_from(["https://a.test", "http://b.test/x?y=1"]), st.none() | st.text(max_size=9), TEXT)
def test_a_webhook_is_read_as_it_was_made(url: str, description: str | None, secret: str) -> None:
    said = {"url": url, "secret": secret, **({} if description is None else {"description": description})}
    made = new_webhook(WebhookBody.model_validate(said))
    assert made.pop("secret") == secret
    ours = Webhook(id="w", owner="o", created_at=AT, **made)
    found = webhook(ours).model_dump(by_alias=True)
    assert {**found, "secret": secret} == {"id": "w", "createdAt": "2026-01-02T00:00:00.000Z", **said}


@given(TEXT, st.text(min_size=1, max_size=20))
def test_a_resource_has_two_addresses_that_mean_one(server: str, uri: str) -> None:
    assert own_uri(server, qualified(server, uri)) == uri
