"""h2oGPTe's memory blocks: made, found, changed, shared, and those that are used by default."""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from holdfast.server.dialects.h2ogpte.mapping_memory import (
    block_of,
    block_values,
    may_edit,
    permissions_of,
    scope_of,
    share_of,
)
from holdfast.server.dialects.h2ogpte.wire_memory import (
    DefaultAnswer,
    DefaultBody,
    Defaults,
    DefaultsAnswer,
    MemoryBlock,
    MemoryBlockBody,
    MemoryBlockChanges,
    MemoryBlockQuery,
    MemoryBlocks,
    PrivacyBody,
    ShareBody,
    SharePermission,
)
from holdfast.server.kit.auth import principal_of
from holdfast.server.kit.operations import Call, Operation, written
from holdfast.server.kit.paging import first_items

PATH = "/api/v1/memory_blocks"
ONE = f"{PATH}/{{memory_block_id:uuid}}"
USER = f"{ONE}/permissions/{{username}}"
DEFAULTS = "/api/v1/users/current/default_memory_blocks"


async def create_memory_block(call: Call) -> MemoryBlock:
    """Makes a memory block."""
    made = await call.workbench.memory.create_block(**block_values(call.body))
    return block_of(made, _user(call))


async def list_memory_blocks(call: Call) -> MemoryBlocks:
    """Lists the memory blocks that the caller may see: own, shared and public ones."""
    asked: MemoryBlockQuery = call.query
    noun = call.workbench.memory
    fetch = partial(noun.blocks, asked.name_filter, changed_since=asked.updated_after)
    found = await first_items(fetch, asked.offset, asked.limit)
    total = await noun.count_blocks(asked.name_filter, asked.updated_after)
    return MemoryBlocks(items=tuple(block_of(each, _user(call)) for each in found), total=total)


async def get_memory_block(call: Call) -> MemoryBlock:
    """Returns a memory block."""
    return block_of(await call.workbench.memory.block(_id(call)), _user(call))


async def update_memory_block(call: Call) -> None:
    """Changes what is given of a memory block; who is not its owner may change its content alone."""
    await call.workbench.memory.update_block(_id(call), **block_values(call.body))


async def delete_memory_block(call: Call) -> None:
    """Deletes a memory block of the caller's own."""
    await call.workbench.memory.delete_block(_id(call))


async def list_memory_block_permissions(call: Call) -> tuple[SharePermission, ...]:
    """Lists the users whom a memory block of the caller's own is shared with."""
    return tuple(share_of(each) for each in await call.workbench.memory.shares(_id(call)))


async def share_memory_block(call: Call) -> None:
    """Shares a memory block of the caller's own with a user, to read or to edit it."""
    body: ShareBody = call.body
    await call.workbench.memory.share(_id(call), call.path["username"], may_edit(body.permissions))


async def unshare_memory_block(call: Call) -> None:
    """Takes a memory block of the caller's own back from a user."""
    await call.workbench.memory.unshare(_id(call), call.path["username"])


async def set_memory_block_privacy(call: Call) -> None:
    """Lets all users see a memory block of the caller's own, or no longer; to edit it they need the
    permission for that."""
    body: PrivacyBody = call.body
    await call.workbench.memory.publish(_id(call), body.is_public, may_edit(body.permissions))


async def list_public_memory_block_permissions(call: Call) -> tuple[str, ...]:
    """Lists what all users may do with a memory block."""
    block = await call.workbench.memory.block(_id(call))
    return permissions_of(block.public_edit) if block.public else ()


async def get_default_memory_blocks(call: Call) -> Response:
    """Returns the memory blocks of chats that name none: with a model alone, and with an agent."""
    known = await call.workbench.memory.defaults()
    found = Defaults(llm=await _block(call, known.chat), agent=await _block(call, known.agent))
    return written(DefaultsAnswer, DefaultsAnswer(defaults=found))


async def set_default_memory_block(call: Call) -> Response:
    """Sets the memory block of such chats, or says that there is none."""
    body: DefaultBody = call.body
    block = await _block(call, body.memory_block_id)
    chosen = None if block is None else block.id
    await call.workbench.memory.set_default(scope_of(body.scope), chosen)
    return written(DefaultAnswer, DefaultAnswer(scope=body.scope, memory_block=block))


async def _block(call: Call, id: str | None) -> MemoryBlock | None:
    return None if id is None else block_of(await call.workbench.memory.block(id), _user(call))


def _id(call: Call) -> str:
    return str(call.path["memory_block_id"])


def _user(call: Call) -> str:
    return principal_of(call.request).user_id


OPERATIONS = (
    Operation(
        "create_memory_block", "POST", PATH, create_memory_block, 201, MemoryBlock, body=MemoryBlockBody
    ),
    Operation(
        "list_memory_blocks", "GET", PATH, list_memory_blocks, result=MemoryBlocks, query=MemoryBlockQuery
    ),
    Operation("get_memory_block", "GET", ONE, get_memory_block, result=MemoryBlock),
    Operation("update_memory_block", "PUT", ONE, update_memory_block, 204, body=MemoryBlockChanges),
    Operation("delete_memory_block", "DELETE", ONE, delete_memory_block, 204),
    Operation(
        "list_memory_block_permissions",
        "GET",
        f"{ONE}/permissions",
        list_memory_block_permissions,
        result=tuple[SharePermission, ...],
    ),
    Operation("share_memory_block", "PUT", USER, share_memory_block, 204, body=ShareBody, required=False),
    Operation("unshare_memory_block", "DELETE", USER, unshare_memory_block, 204),
    Operation(
        "set_memory_block_privacy", "PUT", f"{ONE}/privacy", set_memory_block_privacy, 204, body=PrivacyBody
    ),
    Operation(
        "list_public_memory_block_permissions",
        "GET",
        f"{ONE}/public_permissions",
        list_public_memory_block_permissions,
        result=tuple[str, ...],
    ),
    Operation("get_default_memory_blocks", "GET", DEFAULTS, get_default_memory_blocks, result=DefaultsAnswer),
    Operation(
        "set_default_memory_block",
        "PUT",
        DEFAULTS,
        set_default_memory_block,
        result=DefaultAnswer,
        body=DefaultBody,
    ),
)
