"""Webhooks as a service."""

from __future__ import annotations

import ipaddress
import secrets
from typing import Any

from holdfast.core.domain.addresses import WebAddress, is_public
from holdfast.core.domain.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from holdfast.core.domain.ext import Ext, checked_ext
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.values import Page, new_id, utc_now
from holdfast.core.domain.webhooks import Delivery, DeliveryStatus, NewWebhook, Webhook
from holdfast.core.hooks.matching import checked_patterns
from holdfast.core.services.access import Access
from holdfast.core.services.hooks import Hooks
from holdfast.core.services.paging import checked_limit

MAX_WEBHOOKS = 50
"""Of one user."""
_LONGEST_URL = 2_000
_LONGEST_NAME = 100
_SECRET_LENGTHS = range(8, 257)
_LENGTHS_OF_OTHERS = range(1, 1_001)
"""Of secrets for other systems' clients, which choose them."""
_PREFIX = "hfw_"


class WebhookService:
    """Implements the `Webhooks` of a workbench."""

    def __init__(self, access: Access, hooks: Hooks) -> None:
        self._access = access
        self._hooks = hooks

    async def list(self) -> tuple[Webhook, ...]:
        return await self._hooks.tables.of(self._access.owner)

    async def get(self, id: str) -> Webhook:
        webhook = await self._hooks.tables.get(id, self._access.owner)
        if webhook is None:
            raise NotFoundError(f"There is no webhook {id}.", code="webhook_not_found")
        return webhook

    async def add(
        self,
        url: str,
        events: tuple[str, ...] = (),
        session_id: str | None = None,
        name: str = "",
        secret: str | None = None,
        format: str = "",
        ext: Ext | None = None,
        after: int | None = None,
    ) -> NewWebhook:
        if session_id is not None:
            await self._access.session(session_id)
        if format and self._hooks.formats(format) is None:
            raise InvalidError(
                f"Nothing here writes webhooks for {sanitize_line(format)[:40]!r}; leave `format` out.",
                code="unknown_webhook_format",
            )
        last = await self._hooks.tables.last_event_id()
        webhook = Webhook(
            id=new_id(),
            owner=self._access.owner,
            name=_checked_name(name),
            url=self._checked_url(url),
            events=checked_patterns(events),
            session_id=session_id,
            created_at=utc_now(),
            cursor=last if after is None else min(after, last),
            format=format,
            ext=checked_ext(ext),
        )
        signs = (
            _PREFIX + secrets.token_urlsafe(32)
            if secret is None
            else _checked_secret(secret, _LENGTHS_OF_OTHERS if format else _SECRET_LENGTHS)
        )
        await self._hooks.secrets.set(webhook.id, signs)
        async with self._hooks.worker.paused(webhook.id):
            added = await self._hooks.tables.add(webhook, MAX_WEBHOOKS)
        if not added:
            await self._hooks.secrets.forget(webhook.id)
            raise ConflictError(
                f"You have {MAX_WEBHOOKS} webhooks already; remove one first.", code="too_many_webhooks"
            )
        return NewWebhook(webhook=webhook, secret=signs)

    async def update(
        self,
        id: str,
        enabled: bool | None = None,
        events: tuple[str, ...] | None = None,
        url: str | None = None,
        name: str | None = None,
    ) -> Webhook:
        changes: dict[str, Any] = {}
        if events is not None:
            changes["events"] = checked_patterns(events)
        if name is not None:
            changes["name"] = _checked_name(name)
        if url is not None:
            changes["url"] = self._checked_url(url)
        if enabled is not None:
            changes["enabled"] = enabled
        if url is not None or enabled is not None:
            changes |= {"reason": "", "failing_since": None, "failures": 0}
        await self.get(id)
        async with self._hooks.worker.paused(id):
            webhook = (await self.get(id)).model_copy(update=changes)
            await self._hooks.tables.change(webhook)
        self._hooks.worker.hurry(id)
        return webhook

    async def remove(self, id: str) -> None:
        await self.get(id)
        await self._hooks.remove(id)

    async def test(self, id: str) -> Delivery:
        return await self._hooks.worker.test(await self.get(id))

    async def deliveries(self, id: str, limit: int = 50, cursor: str | None = None) -> Page[Delivery]:
        await self.get(id)
        return await self._hooks.tables.deliveries(id, checked_limit(limit), cursor)

    async def redeliver(self, delivery_id: str) -> Delivery:
        webhook, delivery = await self._delivery(delivery_id)
        if delivery.status is DeliveryStatus.PENDING:
            raise ConflictError(
                "This delivery is still tried; a test of the webhook that succeeds sends it at once.",
                code="delivery_pending",
            )
        if delivery.event_id is None:
            raise InvalidError("This was a test, which has no event; test once more.", code="test_delivery")
        found = await self._hooks.tables.event(webhook, delivery.event_id)
        if found is None:
            raise ConflictError(
                "The event is not there any more: its session was deleted.", code="event_deleted"
            )
        return await self._hooks.worker.redeliver(webhook, delivery, found)

    async def _delivery(self, id: str) -> tuple[Webhook, Delivery]:
        delivery = await self._hooks.tables.delivery(id)
        if delivery is not None:
            webhook = await self._hooks.tables.get(delivery.webhook_id, self._access.owner)
            if webhook is not None:
                return webhook, delivery
        raise NotFoundError(f"There is no delivery {id}.", code="delivery_not_found")

    def _checked_url(self, url: str) -> str:
        if len(url) > _LONGEST_URL:
            raise InvalidError(f"An address has at most {_LONGEST_URL} characters.", code="invalid_url")
        address = WebAddress.parse(url)
        if not self._access.principal.is_admin and _is_private(address.host):
            # What a name leads to is looked at each time something is sent.
            raise ForbiddenError(
                f"{address.host} is not a public address; only an administrator's webhooks reach others.",
                code="private_address",
            )
        return str(address)


def _is_private(host: str) -> bool:
    """Says whether a host is not public without asking anybody."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return not is_public(host)


def _checked_name(name: str) -> str:
    plain = sanitize_line(name).encode("utf-8", "replace").decode().strip()
    if len(plain) > _LONGEST_NAME:
        raise InvalidError(f"A name has at most {_LONGEST_NAME} characters.", code="invalid_webhook_name")
    return plain


def _checked_secret(secret: str, lengths: range) -> str:
    plain = secret.isascii() and secret.isprintable() and " " not in secret
    if not plain or len(secret) not in lengths:
        raise InvalidError(
            f"A secret has {lengths.start} to {lengths.stop - 1} printable ASCII characters "
            "and no spaces; leave it out to get one.",
            code="invalid_webhook_secret",
        )
    return secret
