"""Operations of Sage's API: providers, which are models of the user's own.

What goes wrong with one is told with the status 200, and the code 500 in the envelope.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    ToolError,
)
from holdfast.core.domain.own_models import Ability, OwnModel, OwnModelCheck
from holdfast.server.dialects.sage.answering import ok
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.mapping_providers import (
    abilities,
    changed,
    multimodal,
    new_key,
    own_model,
    own_servers,
    provider,
)
from holdfast.server.dialects.sage.wire import Envelope
from holdfast.server.dialects.sage.wire_providers import (
    Abilities,
    Multimodal,
    Provider,
    ProviderBody,
    ProviderChanges,
)
from holdfast.server.kit.operations import Call, Operation

_EVERY: tuple[Ability, ...] = ("images", "structured")
_REFUSALS = (InvalidError, ForbiddenError, ConflictError, ToolError)
_OWN_CODES = ("scope_missing",)
"""What is about the caller instead of the provider, and is told as everywhere."""


async def verify_provider(call: Call) -> Envelope[None]:
    """Asks a provider once."""
    _checked(await _asked(call))
    return ok(call, None, "provider_verified")


async def verify_multimodal(call: Call) -> Envelope[Multimodal]:
    """Finds out whether a provider's model sees: one that cannot be asked does not."""
    body: ProviderBody = call.body
    try:
        found = multimodal(await call.workbench.models.check(own_model(body), body.api_keys[0], ("images",)))
    except _REFUSALS as error:
        if error.code in _OWN_CODES:
            raise
        found = Multimodal(supports_multimodal=False, error=error.message)
    return ok(call, found, "provider_sees" if found.supports_multimodal else "provider_sees_not")


async def verify_capabilities(call: Call) -> Envelope[Abilities]:
    """Finds out what a provider's model can do."""
    found = await _asked(call, _EVERY)
    _checked(found)
    return ok(call, abilities(found), "provider_abilities")


async def verify_kept_capabilities(call: Call) -> Envelope[Abilities]:
    """Finds out what the model of a provider that is kept can do."""
    model = await _own(call, "provider_system")
    with _told("provider_failed"):
        found = await call.workbench.models.check(model, None, _EVERY)
    _checked(found)
    return ok(call, abilities(found), "provider_abilities")


async def list_providers(call: Call) -> Envelope[list[Provider]]:
    """Lists the user's own providers, the newest first."""
    me = await call.workbench.users.me()
    found = own_servers(await call.workbench.models.own())
    return ok(call, [provider(each, me.user_id) for each in found])


async def create_provider(call: Call) -> Envelope[Provider]:
    """Keeps a provider that answers; the same one once."""
    body: ProviderBody = call.body
    _checked(await _asked(call))
    with _told():
        made = await call.workbench.models.add(own_model(body), body.api_keys[0])
    me = await call.workbench.users.me()
    return ok(call, provider(made.model, me.user_id))


async def update_provider(call: Call) -> Envelope[Provider]:
    """Changes a provider of the user's own."""
    asked: ProviderChanges = call.body
    model = await _own(call, "provider_system")
    with _told():
        kept = await call.workbench.models.keep(changed(model, asked), new_key(model, asked), private=True)
    me = await call.workbench.users.me()
    return ok(call, provider(kept, me.user_id))


async def delete_provider(call: Call) -> Envelope[None]:
    """Removes a provider of the user's own, with its key."""
    model = await _own(call, "provider_default")
    await call.workbench.models.forget(model.name, private=True)
    return ok(call, None)


async def _asked(call: Call, what: tuple[Ability, ...] = ()) -> OwnModelCheck:
    """Asks the model that stands in the body."""
    body: ProviderBody = call.body
    with _told("provider_failed"):
        return await call.workbench.models.check(own_model(body), body.api_keys[0], what)


def _checked(found: OwnModelCheck) -> None:
    """Raises where a server did not answer."""
    if not found.connection.supported:
        raise failure("provider_failed", status=200, message=found.connection.response)


async def _own(call: Call, of_engine: str) -> OwnModel:
    """Returns the user's provider of the path's id; `of_engine` is what is said of one of the engine's."""
    wanted = call.path["provider_id"]
    found = next((s.model for s in await call.workbench.models.own() if s.model.id == wanted), None)
    if found is None:
        raise failure("provider_not_found", status=200)
    if not found.private:
        raise failure(of_engine, status=200)
    return found


@contextmanager
def _told(said: str = "provider_refused") -> Iterator[None]:
    """Tells what is wrong with a provider as Sage's clients look for it."""
    try:
        yield
    except _REFUSALS as error:
        if error.code in _OWN_CODES:
            raise
        _refuse(said, error.message)


def _refuse(said: str, message: str) -> NoReturn:
    raise failure(said, status=200, message=message) from None


_BASE = "/api/llm-provider"
_ONE = f"{_BASE}/verify-capabilities/{{provider_id}}"

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "verify_provider",
        "POST",
        f"{_BASE}/verify",
        verify_provider,
        result=Envelope[None],
        body=ProviderBody,
    ),
    Operation(
        "verify_multimodal",
        "POST",
        f"{_BASE}/verify-multimodal",
        verify_multimodal,
        result=Envelope[Multimodal],
        body=ProviderBody,
    ),
    Operation(
        "verify_capabilities",
        "POST",
        f"{_BASE}/verify-capabilities",
        verify_capabilities,
        result=Envelope[Abilities],
        body=ProviderBody,
    ),
    Operation("verify_kept_capabilities", "POST", _ONE, verify_kept_capabilities, result=Envelope[Abilities]),
    Operation("list_providers", "GET", f"{_BASE}/list", list_providers, result=Envelope[list[Provider]]),
    Operation(
        "create_provider",
        "POST",
        f"{_BASE}/create",
        create_provider,
        result=Envelope[Provider],
        body=ProviderBody,
    ),
    Operation(
        "update_provider",
        "PUT",
        f"{_BASE}/update/{{provider_id}}",
        update_provider,
        result=Envelope[Provider],
        body=ProviderChanges,
    ),
    Operation(
        "delete_provider", "DELETE", f"{_BASE}/delete/{{provider_id}}", delete_provider, result=Envelope[None]
    ),
)
