"""Where a caller has reached us, for addresses that he is given."""

from __future__ import annotations

from starlette.requests import HTTPConnection


def origin_of(request: HTTPConnection) -> str:
    """Returns scheme and host of the address by which a caller has asked, such as `https://name:8700`.

    A proxy that ends TLS says so with `X-Forwarded-Proto`. Whoever makes that up gets an address that does
    not work; the other way round a key could be sent in the clear, so `http` there is not heard.
    """
    url = request.url
    secure = request.headers.get("x-forwarded-proto", "").strip().lower() == "https"
    return f"{'https' if secure else url.scheme}://{url.netloc}"
