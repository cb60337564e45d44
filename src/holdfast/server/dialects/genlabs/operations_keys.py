"""The keys of GenLabs' users, beside what its API has: made, listed and deleted as agents and tools are."""

from __future__ import annotations

from holdfast.core.domain.identity import Scope
from holdfast.server.dialects.genlabs.keys import login_or_key
from holdfast.server.dialects.genlabs.mapping_keys import key_name, listed_keys, made_key, scope_of
from holdfast.server.dialects.genlabs.wire import Message
from holdfast.server.dialects.genlabs.wire_agents import Signed
from holdfast.server.dialects.genlabs.wire_keys import KeyMade, Keys, NamedKey, NewKey
from holdfast.server.kit.operations import Call, Operation


async def get_keys(call: Call) -> Keys:
    """Lists the caller's keys, without their values."""
    me = await call.workbench.users.me()
    return listed_keys(await call.workbench.keys.list(), me.user_id)


async def create_key(call: Call) -> KeyMade:
    """Makes a key; its value is told this once."""
    made = await call.workbench.keys.create(key_name(call.body.name), scope_of(call.body.type))
    return made_key(made)


async def delete_key(call: Call) -> Message:
    """Deletes a key of the caller's own for good."""
    key = await call.workbench.keys.find(key_name(call.body.key))
    await call.workbench.keys.revoke(key.id)
    return Message(message="Key deleted successfully")


OPERATIONS = (
    Operation(
        "get_keys", "POST", "/get_keys", get_keys, result=Keys, body=Signed,
        required=False, secrets=login_or_key, other_paths=("/get-keys",), least=Scope.ADMIN,
    ),
    Operation(
        "create_key", "POST", "/create_key", create_key, 201, result=KeyMade, body=NewKey,
        required=False, secrets=login_or_key, other_paths=("/create-key",), least=Scope.ADMIN,
    ),
    Operation(
        "delete_key", "DELETE", "/delete_key", delete_key, result=Message, body=NamedKey,
        required=False, secrets=login_or_key, other_paths=("/delete-key",), least=Scope.ADMIN,
    ),
)  # fmt: skip
