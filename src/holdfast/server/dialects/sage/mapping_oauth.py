"""From what the authorization server decides to what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from pydantic import BaseModel
from pydantic_core import to_json
from starlette.responses import Response

from holdfast.core.domain.errors import ErrorInfo, ErrorKind
from holdfast.core.domain.oauth import (
    SCOPES,
    AuthorizationAnswer,
    ConsentAsked,
    IssuedTokens,
    OAuthRefusal,
    OAuthSubject,
    SentBack,
    SignInFirst,
)
from holdfast.server.dialects.sage.wire_oauth import Claims, Metadata, Tokens
from holdfast.server.dialects.sage.words import Locale, worded
from holdfast.server.kit.errors import plain_message
from holdfast.server.kit.pages import escaped, page

OAUTH = "/oauth2"
TICKET = "consent_ticket"
DECISION = "consent_decision"
"""Fields of the form that the client has not sent."""
ALLOW = "allow"

_STATUS = {"invalid_client": 401, "invalid_token": 401, "unauthorized_client": 403}
_KINDS = {
    ErrorKind.UNAUTHENTICATED: ("invalid_token", 401),
    ErrorKind.RATE_LIMITED: ("temporarily_unavailable", 429),
    ErrorKind.UNAVAILABLE: ("temporarily_unavailable", 503),
    ErrorKind.INTERNAL: ("server_error", 500),
}
_HEADERS = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_CHALLENGES = {
    "invalid_client": 'Basic realm="sage"',
    "invalid_token": 'Bearer realm="sage", error="invalid_token"',
}


def metadata_of(issuer: str) -> Metadata:
    """Returns what is told of the server at this address."""
    return Metadata(
        issuer=issuer,
        authorization_endpoint=f"{issuer}/authorize",
        token_endpoint=f"{issuer}/token",
        userinfo_endpoint=f"{issuer}/userinfo",
        grant_types_supported=("authorization_code", "refresh_token"),
        response_types_supported=("code",),
        scopes_supported=SCOPES,
        token_endpoint_auth_methods_supported=("client_secret_basic", "client_secret_post", "none"),
        code_challenge_methods_supported=("plain", "S256"),
        authorization_response_iss_parameter_supported=True,
    )


def tokens_of(issued: IssuedTokens) -> Tokens:
    """Returns new tokens as clients read them."""
    return Tokens(
        token_type="Bearer",
        access_token=issued.access_token,
        expires_in=issued.expires_s,
        refresh_token=issued.refresh_token,
        scope=issued.scope,
    )


def claims_of(subject: OAuthSubject, issuer: str) -> Claims:
    """Returns who somebody is as clients read it. An address was shown to be his by a code, or an
    administrator has written it."""
    return Claims(
        sub=subject.user_id,
        iss=issuer,
        preferred_username=subject.name,
        role=subject.role,
        name=subject.display_name,
        email=subject.email,
        email_verified=True if subject.email is not None else None,
    )


def answered(body: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Returns an answer of OAuth, which nobody may keep; what is None is left out."""
    content = to_json(body, exclude_none=True)
    return Response(content, status, {**_HEADERS, **(headers or {})}, media_type="application/json")


def refused(refusal: OAuthRefusal, status: int | None = None) -> Response:
    """Returns why there is nothing, as RFC 6749 (5.2) and RFC 6750 (3) have it."""
    body = to_json({"error": refusal.error, "error_description": refusal.description})
    challenge = _CHALLENGES.get(refusal.error)
    headers = _HEADERS if challenge is None else {**_HEADERS, "WWW-Authenticate": challenge}
    code = status or _STATUS.get(refusal.error, 400)
    return Response(body, code, headers, media_type="application/json")


def refused_by(info: ErrorInfo, status: int | None, headers: Mapping[str, str]) -> Response:
    """Returns an error of Holdfast's own in the words of OAuth."""
    error, code = _KINDS.get(info.kind, ("invalid_request", 400))
    said = "an internal error" if info.kind is ErrorKind.INTERNAL else plain_message(info)
    answer = refused(OAuthRefusal(error=error, description=said), status or code)
    answer.headers.update(headers)
    return answer


@dataclass(frozen=True, slots=True)
class Browser:
    """What is known of a browser that asks."""

    base: str
    """What stands before all paths, as it has asked."""
    sent: tuple[tuple[str, str], ...]
    """What the client had it say."""
    locale: Locale


def browsed(found: AuthorizationAnswer, browser: Browser, path: str, status: int) -> Response:
    """Returns what a browser gets. `path` is where it is asked for anew after signing in, `status` that of
    going on."""
    base, sent, locale = browser.base, browser.sent, browser.locale
    here = f"{path}?{urlencode(sent)}" if sent else path
    match found:
        case OAuthRefusal():
            return refused(found)
        case SignInFirst():
            return _going(f"{base}/login?next={quote(base + here, safe='')}", status)
        case SentBack():
            return _going(found.url, status)
        case ConsentAsked():
            return consent_page(found, sent, locale)


def consent_page(asked: ConsentAsked, sent: tuple[tuple[str, str], ...], locale: Locale) -> Response:
    """Returns the page that asks whether a client may be let in."""
    place = urlsplit(asked.redirect_uri)
    words: dict[str, object] = {
        "client": asked.client_name,
        "user": asked.user_name,
        "place": place.netloc or f"{place.scheme}:",
    }
    seen = "".join(f"<li>{escaped(worded(f'oauth.{each}', locale))}</li>" for each in asked.scope)
    fields = "".join(_hidden(name, value) for name, value in (*sent, (TICKET, asked.ticket)))
    buttons = "".join(
        f'<button name="{DECISION}" value="{value}">{escaped(worded(f"oauth.{value}", locale))}</button> '
        for value in ("deny", ALLOW)
    )
    said = [escaped(worded(f"oauth.{name}", locale, words)) for name in ("wants", "signed_in", "goes_to")]
    body = (
        f"<p>{said[0]}</p><ul>{seen}</ul><p>{said[1]}</p><p>{said[2]}</p>"
        f'<form method="post" action="consent">{fields}<p>{buttons}</p></form>'
    )
    language = "zh-CN" if locale == "zh" else "en"
    title = worded("oauth.title", locale, words)
    return page(title, body, language=language, leads_to=[asked.redirect_uri])


def _going(url: str, status: int) -> Response:
    return Response(status_code=status, headers={**_HEADERS, "Location": url})


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{escaped(name)}" value="{escaped(value)}">'
