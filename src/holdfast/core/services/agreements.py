"""What one user has agreed to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from holdfast.core.domain.agreements import Agreement
from holdfast.core.domain.errors import NotFoundError
from holdfast.core.identity.agreements import known_agreements
from holdfast.core.store.agreements import AgreementTable


class Agreements:
    """The agreements of one user."""

    def __init__(self, table: AgreementTable, user_id: str, now: Callable[[], datetime]) -> None:
        self._table = table
        self._user_id = user_id
        self._now = now

    async def all(self) -> tuple[Agreement, ...]:
        """Returns what there is to accept and what the user has accepted, by name."""
        known = {each.name: each for each in known_agreements()}
        accepted = {each.name: each for each in await self._table.of(self._user_id)}
        return tuple(each for _, each in sorted({**known, **accepted}.items()))

    async def accept(self, name: str) -> Agreement:
        """Keeps that the user accepts an agreement as it is worded now; a second time the date stays.
        Raises `NotFoundError`."""
        known = next((each for each in known_agreements() if each.name == name), None)
        if known is None:
            raise NotFoundError(f"There is no agreement {name[:80]!r}.", code="agreement_not_found")
        before = next((each for each in await self._table.of(self._user_id) if each.name == name), None)
        if before is not None and before.text == known.text:
            return before
        accepted = known.model_copy(update={"accepted_at": self._now()})
        await self._table.keep(self._user_id, accepted)
        return accepted
