"""What Sage's clients send of accounts, and are told."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from holdfast.server.dialects.sage.wire import Query, Said, Sent
from holdfast.server.dialects.sage.wire_upstream import ProviderDto

Text = str | None


class EmailSent(Sent):
    email: str


class Registering(Sent):
    username: str
    password: str
    email: Text = None
    phonenum: Text = None
    verification_code: str


class SigningIn(Sent):
    username_or_email: str
    password: str


class ChangingPassword(Sent):
    old_password: str
    new_password: str


class AddingUser(Sent):
    username: str
    password: str
    email: Text = None
    phonenum: Text = None
    role: Literal["user", "admin"] = "user"


class DeletingUser(Sent):
    user_id: str


class Configuring(Sent):
    config: dict[str, Any]


class UsersQuery(Query):
    page: int = Field(default=1, ge=1, le=1_000_000_000)
    page_size: int = Field(default=20, ge=1, le=1_000)


class SentCode(Said):
    expires_in: int
    """Seconds."""
    retry_after: int


class UserId(Said):
    user_id: str


class Tokens(Said):
    access_token: str
    refresh_token: str
    """There is nowhere to use it: a client signs in again."""
    expires_in: int
    """Seconds."""


class SessionUser(Said):
    userid: str
    username: str
    nickname: str
    phonenum: str
    email: str
    role: str
    avatar: str
    avatar_url: str


class UserInfo(Said):
    user: SessionUser
    has_provider: bool
    """Whether he has models of his own."""
    has_agent: bool


class UserOption(Said):
    label: str
    value: str


class UserDTO(Said):
    user_id: str
    username: str
    email: str | None
    phonenum: str | None
    role: Literal["user", "admin"]
    created_at: str


class UserItems(Said):
    items: tuple[UserDTO, ...]
    total: int


class UserConfig(Said):
    config: dict[str, Any]


class SystemInfo(Said):
    allow_registration: bool
    auth_mode: Literal["native", "trusted_proxy", "oauth"]
    auth_providers: tuple[ProviderDto, ...]
    default_auth_provider: str | None
    has_local_auth: bool
    has_oauth_auth: bool
    oauth_enabled: bool
    oauth_provider_name: str | None
    native_login_admin_only: bool


class SystemSettings(Sent):
    allow_registration: bool


class Health(Said):
    status: Literal["healthy"]
    timestamp: float
    service: str
