"""Between ways to sign in and what Sage's clients are told of them."""

from __future__ import annotations

from urllib.parse import urlsplit

from holdfast.core.domain.accounts import SignInProvider
from holdfast.core.domain.errors import HoldfastError
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.wire import PREFIX
from holdfast.server.dialects.sage.wire_upstream import ProviderDto
from holdfast.server.dialects.sage.words import Locale, worded

CALLBACK = "/api/auth/upstream/callback"

_FAILURES: dict[str, tuple[str, int, int]] = {
    "no_upstream": ("provider_none", 404, 200),
    "upstream_not_found": ("provider_unknown", 404, 404),
    "upstream_flow_ended": ("flow_ended", 400, 400),
    "upstream_flow_foreign": ("flow_foreign", 400, 400),
    "upstream_mixed_up": ("provider_mismatch", 400, 400),
    "upstream_refused": ("upstream_refused", 400, 400),
    "upstream_failed": ("upstream_failed", 502, 502),
}
"""By the code of an error: its text, what stands in the envelope, and the status."""


def provider_dto(provider: SignInProvider, locale: Locale) -> ProviderDto:
    """Returns a way to sign in as Sage tells it."""
    if provider.type == "native":
        return ProviderDto(
            id=provider.id,
            type=provider.type,
            name=worded("native_name", locale),
            button_text=worded("native_button", locale),
            description=worded("native_description", locale),
            icon="key-round",
        )
    button = provider.button_text or worded("provider_button", locale, {"name": provider.name})
    return ProviderDto(**{**provider.model_dump(), "button_text": button})


def upstream_failure(error: HoldfastError) -> HoldfastError:
    """Returns the error that Sage's clients know instead of one of ours; another one as it is."""
    known = _FAILURES.get(error.code)
    if known is None:
        return error
    said, code, status = known
    return failure(said, code, status=status, detail=error.message)


def callback_of(provider: str, wanted: str, origin: str, public_url: str | None) -> str:
    """Returns the address to which a browser comes back: `wanted` where it is on this server, which is at
    `origin`; where nothing is wanted, the callback here. Raises `InvalidError` for an address elsewhere."""
    if not wanted:
        return f"{(public_url or origin).rstrip('/')}{PREFIX}{CALLBACK}/{provider}"
    if not any(_same_place(wanted, place) for place in (origin, public_url) if place):
        raise failure("callback_refused", 400)
    return wanted


def _same_place(url: str, place: str) -> bool:
    """Says whether an address is on the server of another one; what browsers read differently is not."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or "#" in url:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    wanted = urlsplit(place)
    return (parts.scheme, parts.netloc.lower()) == (wanted.scheme, wanted.netloc.lower())
