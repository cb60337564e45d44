"""Where a caller has reached us, for addresses that he is given."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from holdfast.server.kit.compose import AT_ROOT


def origin_of(request: HTTPConnection) -> str:
    """Returns scheme and host of the address by which a caller has asked, such as `https://name:8700`.

    A proxy that ends TLS says so with `X-Forwarded-Proto`. Whoever makes that up gets an address that does
    not work; the other way round a key could be sent in the clear, so `http` there is not heard.
    """
    url = request.url
    secure = request.headers.get("x-forwarded-proto", "").strip().lower() == "https"
    return f"{'https' if secure else url.scheme}://{url.netloc}"


def path_of(request: HTTPConnection, prefix: str) -> str:
    """Returns what stands before the paths of the API with this prefix as a caller has asked it: the prefix,
    or nothing where he left it out."""
    return "" if AT_ROOT in request.scope else prefix
