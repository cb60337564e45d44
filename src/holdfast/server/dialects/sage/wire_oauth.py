"""What Sage's authorization server says: as OAuth 2.0 has it, never in an envelope."""

from __future__ import annotations

from holdfast.server.dialects.sage.wire import Said


class Metadata(Said):
    """How clients find their way (RFC 8414)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    grant_types_supported: tuple[str, ...]
    response_types_supported: tuple[str, ...]
    scopes_supported: tuple[str, ...]
    token_endpoint_auth_methods_supported: tuple[str, ...]
    code_challenge_methods_supported: tuple[str, ...]
    authorization_response_iss_parameter_supported: bool


class Tokens(Said):
    """What a client gets."""

    token_type: str
    access_token: str
    expires_in: int
    """In seconds."""
    refresh_token: str
    scope: str


class Claims(Said):
    """Who is behind a token; what is not to be told is left out."""

    sub: str
    iss: str
    preferred_username: str
    role: str
    name: str | None = None
    email: str | None = None
    email_verified: bool | None = None
