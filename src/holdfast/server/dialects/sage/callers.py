"""Who asks for what Sage lets anybody ask for, where the setting `sage.anonymous` says so."""

from __future__ import annotations

import logging

from holdfast.core.domain.errors import ConflictError
from holdfast.core.domain.identity import Principal, Role, Scope, User
from holdfast.core.services.workbench import Host, Workbench
from holdfast.server.dialects.sage.keys import secret_of
from holdfast.server.kit.auth import no_key, recognised
from holdfast.server.kit.operations import Call
from holdfast.server.kit.turns import Turns

ANONYMOUS = "default_user"
"""The user that all are who show nothing."""
_KEPT, _USER = "sage_anonymous", "user"
"""Where it is kept with the local user which one that is."""
_MAKING = Turns()
_LOG = logging.getLogger(__name__)


async def caller(call: Call) -> Workbench:
    """Returns the workbench as who asks sees it. Raises `UnauthenticatedError` for a login that is not let
    in; and for none, unless the settings let anybody chat."""
    host = await call.door.host()
    known = await recognised(call.request, secret_of, strictly=True)
    if known is not None:
        return host.as_principal(known)
    if not (await host.engine.settings()).sage.anonymous:
        raise no_key()
    user = await _anonymous(host)
    # No more than to chat: what an agent may use is for those to change who have a name.
    allowed = Principal(user_id=user.id, name=user.name, role=Role.USER, scope=Scope.CHAT, client=ANONYMOUS)
    return host.as_principal(allowed)


async def _anonymous(host: Host) -> User:
    """Returns the user that all are who show nothing. An account of that name is somebody's: he would read
    what others say. Raises `UnauthenticatedError` where there is one."""
    async with _MAKING.of(ANONYMOUS):
        known = (await host.users.annotations()).get(_KEPT, {}).get(_USER)
        found = next((user for user in await host.users.list() if user.id == known), None)
        if found is not None:
            return found
        try:
            made = await host.users.add(ANONYMOUS, Role.USER)
        except ConflictError:
            _LOG.error("nobody chats without a login: %s is an account; remove it", ANONYMOUS)
            raise no_key() from None
        await host.users.annotate({_KEPT: {_USER: made.id}})
        return made
