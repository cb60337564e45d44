"""Operations of Sage's API: users, for themselves and for administrators."""

from __future__ import annotations

from holdfast.core.domain.identity import Role, User
from holdfast.server.dialects.sage.answering import ok
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.mapping_accounts import (
    config_in,
    told,
    user_dto,
    user_option,
    with_config,
)
from holdfast.server.dialects.sage.wire import Envelope, Nothing
from holdfast.server.dialects.sage.wire_accounts import (
    AddingUser,
    ChangingPassword,
    Configuring,
    DeletingUser,
    UserConfig,
    UserId,
    UserItems,
    UserOption,
    UsersQuery,
)
from holdfast.server.kit.operations import Call, Operation


async def options(call: Call) -> Envelope[tuple[UserOption, ...]]:
    """Lists the users, for choosing one."""
    return ok(call, tuple(map(user_option, await call.workbench.accounts.names())), "users_read")


async def change_password(call: Call) -> Envelope[Nothing]:
    """Gives who asks another password."""
    given: ChangingPassword = call.body
    await call.workbench.accounts.change_password(given.old_password, given.new_password)
    return ok(call, Nothing(), "password_changed")


async def listed(call: Call) -> Envelope[UserItems]:
    """Lists the users, newest first."""
    query: UsersQuery = call.query
    found = await call.workbench.users.page(query.page, query.page_size)
    return ok(call, UserItems(items=tuple(map(user_dto, found.users)), total=found.total))


async def add(call: Call) -> Envelope[UserId]:
    """Adds a user, who can sign in."""
    given: AddingUser = call.body
    with told():
        made = await call.workbench.users.add(
            given.username, Role(given.role), given.password, given.email or "", given.phonenum or ""
        )
    return ok(call, UserId(user_id=made.id), "user_added")


async def delete(call: Call) -> Envelope[Nothing]:
    """Removes a user who is no administrator."""
    user = await _user(call, call.body.user_id)
    if user.role is Role.ADMIN:
        raise failure("administrator_kept")
    await call.workbench.users.remove(user.id)
    return ok(call, Nothing(), "user_deleted")


async def _user(call: Call, user_id: str) -> User:
    """Returns the user of an id. Raises as administrators are told."""
    found = (each for each in await call.workbench.users.list() if each.id == user_id)
    user = next(found, None)
    if user is None:
        raise failure("core.user_not_found")
    return user


async def config(call: Call) -> Envelope[UserConfig]:
    """Returns what the user's client keeps with him."""
    kept = config_in(await call.workbench.users.annotations())
    return ok(call, UserConfig(config=kept), "config_read")


async def update_config(call: Call) -> Envelope[UserConfig]:
    """Puts values into what the user's client keeps with him; others stay."""
    given: Configuring = call.body
    before = await call.workbench.users.annotations()
    after = await call.workbench.users.annotate(with_config(before, given.config))
    return ok(call, UserConfig(config=config_in(after)), "config_updated")


OPERATIONS: tuple[Operation, ...] = (
    Operation("user_options", "GET", "/api/user/options", options, result=Envelope[tuple[UserOption, ...]]),
    Operation(
        "change_password",
        "POST",
        "/api/user/change-password",
        change_password,
        body=ChangingPassword,
        result=Envelope[Nothing],
    ),
    Operation("user_list", "GET", "/api/user/list", listed, query=UsersQuery, result=Envelope[UserItems]),
    Operation("user_add", "POST", "/api/user/add", add, body=AddingUser, result=Envelope[UserId]),
    Operation("user_delete", "POST", "/api/user/delete", delete, body=DeletingUser, result=Envelope[Nothing]),
    Operation("user_config", "GET", "/api/user/config", config, result=Envelope[UserConfig]),
    Operation(
        "update_user_config",
        "POST",
        "/api/user/config",
        update_config,
        body=Configuring,
        result=Envelope[UserConfig],
    ),
)
