"""Operations of Sage's API: the authorization server of OAuth 2.0."""

from __future__ import annotations

from starlette.responses import Response

from holdfast.core.domain.identity import Principal
from holdfast.core.domain.oauth import OAuthRefusal
from holdfast.server.dialects.sage.keys import secret_of
from holdfast.server.dialects.sage.mapping_oauth import (
    ALLOW,
    DECISION,
    OAUTH,
    TICKET,
    Browser,
    answered,
    browsed,
    claims_of,
    metadata_of,
    refused,
    tokens_of,
)
from holdfast.server.dialects.sage.wire import PREFIX
from holdfast.server.dialects.sage.wire_oauth import Claims, Metadata, Tokens
from holdfast.server.dialects.sage.words import locale_of
from holdfast.server.kit.auth import recognised, shown_secret
from holdfast.server.kit.forms import FORM, sent_fields
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.origin import origin_of, path_of


async def metadata(call: Call) -> Metadata:
    """Tells how clients of OAuth find their way."""
    return metadata_of(await _issuer(call))


async def authorize(call: Call) -> Response:
    """Lets a client in, once the user has signed in and agreed."""
    server = (await call.door.host()).authorization
    browser = _browser(call, tuple(call.request.query_params.multi_items()))
    found = await server.ask(await _who(call), browser.sent, await _issuer(call))
    return browsed(found, browser, _path(call), 302)


async def consent(call: Call) -> Response:
    """Takes the user's answer to whether a client may be let in."""
    server = (await call.door.host()).authorization
    given = await sent_fields(call.request)
    own = {name: value for name, value in given if name in (TICKET, DECISION)}
    browser = _browser(call, tuple(pair for pair in given if pair[0] not in own))
    found = await server.decide(
        await _who(call),
        browser.sent,
        await _issuer(call),
        ticket=own.get(TICKET, ""),
        allowed=own.get(DECISION) == ALLOW,
    )
    return browsed(found, browser, f"{_path(call).removesuffix('consent')}authorize", 303)


async def token(call: Call) -> Response:
    """Gives tokens for a code, or for a refresh token."""
    server = (await call.door.host()).authorization
    headers = call.request.headers.getlist("authorization")
    issued = await server.issue(await sent_fields(call.request), ", ".join(headers))
    if isinstance(issued, OAuthRefusal):
        return refused(issued)
    return answered(tokens_of(issued))


async def userinfo(call: Call) -> Response:
    """Tells who is behind an access token."""
    server = (await call.door.host()).authorization
    subject = await server.subject(shown_secret(call.request.headers))
    if subject is None:
        said = "the access token is expired, revoked or none"
        return refused(OAuthRefusal(error="invalid_token", description=said))
    return answered(claims_of(subject, await _issuer(call)))


async def _who(call: Call) -> Principal | None:
    return await recognised(call.request, secret_of)


async def _issuer(call: Call) -> str:
    server = (await call.door.host()).authorization
    origin = await server.address(origin_of(call.request))
    return f"{origin}{path_of(call.request, PREFIX)}{OAUTH}"


def _browser(call: Call, sent: tuple[tuple[str, str], ...]) -> Browser:
    return Browser(path_of(call.request, PREFIX), sent, locale_of(call.request.headers))


def _path(call: Call) -> str:
    path: str = call.request.scope["path"]
    return path.removeprefix(PREFIX)


_WELL_KNOWN = "/.well-known/oauth-authorization-server"
_PAGE = "text/html"

OPERATIONS = (
    Operation(
        "oauth2_well_known",
        "GET",
        _WELL_KNOWN,
        metadata,
        result=Metadata,
        public=True,
        other_paths=(f"{_WELL_KNOWN}{OAUTH}",),
    ),
    Operation("api_oauth2_metadata", "GET", "/api/oauth2/metadata", metadata, result=Metadata, public=True),
    Operation("oauth2_metadata", "GET", "/oauth2/metadata", metadata, result=Metadata, public=True),
    *(
        Operation(id, "GET", path, authorize, gives=_PAGE, also=((302, None),), public=True, navigated=True)
        for id, path in (
            ("api_oauth2_authorize", "/api/oauth2/authorize"),
            ("oauth2_authorize", "/oauth2/authorize"),
        )
    ),
    Operation(
        "oauth2_consent",
        "POST",
        "/oauth2/consent",
        consent,
        takes=FORM,
        gives=_PAGE,
        also=((303, None),),
        public=True,
        other_paths=("/api/oauth2/consent",),
    ),
    *(
        Operation(id, "POST", path, token, takes=FORM, result=Tokens, public=True)
        for id, path in (("api_oauth2_token", "/api/oauth2/token"), ("oauth2_token", "/oauth2/token"))
    ),
    *(
        Operation(id, method, path, userinfo, result=Claims, public=True)
        for id, method, path in (
            ("api_oauth2_userinfo", "GET", "/api/oauth2/userinfo"),
            ("api_oauth2_userinfo_post", "POST", "/api/oauth2/userinfo"),
            ("oauth2_userinfo", "GET", "/oauth2/userinfo"),
            ("oauth2_userinfo_post", "POST", "/oauth2/userinfo"),
        )
    ),
)
