"""Which user somebody is of whom another server says who he is."""

from __future__ import annotations

import asyncio
import re

from holdfast.core.domain.errors import ConflictError
from holdfast.core.domain.identity import LOCAL, Role, User
from holdfast.core.domain.upstream import UpstreamPerson, UpstreamProvider
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.services.identity import Gate
from holdfast.core.store.accounts import Accounts
from holdfast.core.store.identities import IdentityTable

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9 ._+-]+")
_LONGEST_NAME = 48
"""Characters of a name before a number that tells it apart."""
_MOST_NAMESAKES = 1_000


class UpstreamUsers:
    """Finds and makes the users of people who sign in at other servers."""

    def __init__(self, accounts: Accounts, identities: IdentityTable, gate: Gate) -> None:
        self._accounts = accounts
        self._identities = identities
        self._gate = gate
        self._one = asyncio.Lock()

    async def user(self, provider: UpstreamProvider, person: UpstreamPerson) -> User:
        """Returns the user that a person is: the one that he was before, else the one with his verified
        address where the provider's settings say so, else a new one."""
        async with self._one:
            found = await self._identities.user(person.issuer, person.subject)
            if found is None:
                found = await self._linked(provider, person) or await self._new(provider, person)
                await self._identities.keep(person.issuer, person.subject, found.id, utc_now())
            role = _role(provider, person)
            if role is not None and role is not found.role and found.id != LOCAL:
                await self._gate.change(self._identities.set_role(found.id, role))
                found = found.model_copy(update={"role": role})
            return found

    async def _linked(self, provider: UpstreamProvider, person: UpstreamPerson) -> User | None:
        email = _verified_email(person)
        if not provider.link_by_email or not email:
            return None
        return await self._identities.user_with(email)

    async def _new(self, provider: UpstreamProvider, person: UpstreamPerson) -> User:
        email, number = _verified_email(person), 1
        while True:
            user = User(
                id=new_id(),
                name=_name(person, number),
                role=provider.default_role,
                created_at=utc_now(),
                email=email,
                display_name=person.name,
            )
            try:
                await self._accounts.add_user(user)
            except ConflictError as error:
                if error.code == "email_exists" and email:
                    email = ""  # it is somebody else's here
                elif error.code == "user_exists" and number < _MOST_NAMESAKES:
                    number += 1
                else:
                    raise
            else:
                return user


def _verified_email(person: UpstreamPerson) -> str:
    return person.email if person.email_verified and _EMAIL.fullmatch(person.email) else ""


def _name(person: UpstreamPerson, number: int) -> str:
    """Returns the name of a new user. No `@` is in it: it could be somebody's address."""
    wanted = (person.username, person.email, person.name)
    spaced = (" ".join(each.partition("@")[0].split()) for each in wanted)
    plain = (_NOT_IN_NAMES.sub("-", each).strip(" ._+-") for each in spaced)
    name = next(filter(None, plain), "user")[:_LONGEST_NAME].rstrip(" ._+-")
    return name if number == 1 else f"{name}-{number}"


def _role(provider: UpstreamProvider, person: UpstreamPerson) -> Role | None:
    """Returns the role that the provider gives somebody; None: it says nothing of it."""
    email, name = _verified_email(person), person.username
    if email and email in {each.lower() for each in provider.admin_emails}:
        return Role.ADMIN
    if name and name in provider.admin_usernames:
        return Role.ADMIN
    if person.roles is None:
        return None
    return Role.ADMIN if Role.ADMIN in person.roles else Role.USER
