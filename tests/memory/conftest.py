from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from holdfast.core.config.paths import Paths
from holdfast.core.domain.identity import LOCAL_PRINCIPAL, Principal, Role, Scope, User
from holdfast.core.domain.values import utc_now
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.services.access import Access
from holdfast.core.services.memory import MemoryService
from holdfast.core.services.memory_store import MemoryStore
from holdfast.core.store.accounts import Accounts
from holdfast.core.store.log import EventLog

SECRET = "sk-very-secret"


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[EventLog]:
    opened = await EventLog.open(tmp_path / "holdfast.db", FileBlobs(tmp_path / "blobs"))
    yield opened
    await opened.close()


@pytest.fixture
def accounts(log: EventLog) -> Accounts:
    return Accounts(log.writer, log.reader)


@pytest.fixture
def store(log: EventLog, accounts: Accounts) -> MemoryStore:
    """The store, which knows one secret."""
    return MemoryStore(log, accounts, lambda text: text.replace(SECRET, "[redacted]"))


As = Callable[[str], Awaitable[MemoryService]]


@pytest.fixture
def memory_of(log: EventLog, accounts: Accounts, store: MemoryStore, tmp_path: Path) -> As:
    """Returns the memory as a user of that name sees it, who is added when he is new."""
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path)})

    async def seen(name: str = "local") -> MemoryService:
        principal = LOCAL_PRINCIPAL
        if name != "local":
            user = await accounts.user_called(name)
            if user is None:
                user = User(id=f"id-{name}", name=name, role=Role.USER, created_at=utc_now())
                await accounts.add_user(user)
            principal = Principal(user_id=user.id, name=name, role=user.role, scope=Scope.ADMIN)
        return MemoryService(Access(principal, log.reader, paths), store)

    return seen
