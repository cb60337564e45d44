"""What all principals of one engine share of webhooks: the table, the secrets, and what delivers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.identity import Role
from holdfast.core.domain.tools import BlobStore
from holdfast.core.domain.webhook_formats import FormatSource, no_formats
from holdfast.core.hooks.line import Means
from holdfast.core.hooks.sender import Certificates, HttpSender
from holdfast.core.hooks.worker import DeliveryWorker
from holdfast.core.identity.secret_store import SecretStore
from holdfast.core.store.accounts import Accounts
from holdfast.core.store.log import EventLog
from holdfast.core.store.webhooks import WebhookTables

logger = logging.getLogger(__name__)


class WebhookSecrets:
    """The secrets that sign; each is read once."""

    def __init__(self, store: SecretStore) -> None:
        self._store = store
        self._known: dict[str, str] = {}

    async def get(self, id: str) -> str | None:
        """Returns the secret of a webhook; None when it cannot be read."""
        if id not in self._known:
            try:
                found = await asyncio.to_thread(self._store.get, id)
            except (HoldfastError, OSError) as error:
                logger.warning("the secret of webhook %s cannot be read: %s", id, error)
                return None
            if found is None:
                return None
            self._known[id] = found
        return self._known[id]

    async def set(self, id: str, secret: str) -> None:
        """Keeps the secret of a webhook. Raises what a `SecretStore` raises."""
        await asyncio.to_thread(self._store.set, id, secret)
        self._known[id] = secret

    async def forget(self, id: str) -> None:
        """Removes the secret of a webhook that is gone."""
        self._known.pop(id, None)
        try:
            await asyncio.to_thread(self._store.remove, id)
        except (HoldfastError, OSError) as error:
            logger.warning("the secret of webhook %s is still kept: %s", id, error)


class Hooks:
    """The webhooks of one engine. `start` begins to deliver, `close` ends it."""

    def __init__(
        self,
        log: EventLog,
        blobs: BlobStore,
        accounts: Accounts,
        secrets: SecretStore,
        redact: Callable[[str], str],
        formats: FormatSource = no_formats,
        own_tools: Callable[[str], Collection[str]] = lambda owner: (),
    ) -> None:
        """`redact` takes secrets out of what receivers answer; `formats` knows the words of other systems,
        `own_tools` the names of a user's own tools."""
        self._accounts = accounts
        self.formats = formats
        self.tables = WebhookTables(log.writer, log.reader, blobs)
        self.secrets = WebhookSecrets(secrets)
        certificates = Certificates()
        self.worker = DeliveryWorker(
            log,
            Means(
                self.tables,
                lambda: HttpSender(certificates, redact=redact),
                self.secrets.get,
                self._is_admin,
                formats=formats,
                own_tools=own_tools,
            ),
        )

    async def read_secrets(self) -> None:
        """Reads all secrets, so that they are known to the redaction before anything is stored."""
        for id in await self.tables.ids():
            await self.secrets.get(id)

    async def start(self) -> None:
        """Goes on with what is to be delivered. Raises `StoreError`."""
        await self.worker.start()

    async def close(self) -> None:
        """Ends all deliveries; what is not delivered is at the next start."""
        await self.worker.close()

    async def remove(self, webhook_id: str) -> None:
        """Removes a webhook with its deliveries and its secret."""
        async with self.worker.paused(webhook_id):
            await self.tables.remove(webhook_id)
        await self.secrets.forget(webhook_id)

    async def remove_user(self, user_id: str) -> None:
        """Removes the webhooks of a user."""
        for webhook in await self.tables.of(user_id):
            await self.remove(webhook.id)

    async def _is_admin(self, user_id: str) -> bool:
        """An administrator's webhooks may reach the machine itself and its network."""
        user = await self._accounts.user(user_id)
        return user is not None and user.role is Role.ADMIN
