"""Which redirect URIs can be registered, and what counts as one of them."""

from __future__ import annotations

import pytest

from holdfast.core.domain.errors import InvalidError
from holdfast.core.identity.oauth.redirects import check_redirect_uri, is_registered

GOOD = [
    "https://app.example/callback",
    "https://app.example",
    "https://app.example:8443/a/b?c=d&e=%20f",
    "http://127.0.0.1/cb",
    "http://[::1]:8080/cb",
    "http://localhost:3000/cb",
]
APPS = ["com.example.app:/callback", "com.example.my-app:/oauth?x=1"]
BAD = [
    "",
    "/callback",
    "app.example/callback",
    "http://app.example/callback",
    "http://127.0.0.1.evil.example/cb",
    "http://127.0.0.2/cb",
    "https:///callback",
    "https:app.example",
    "https://app.example/cb#fragment",
    "https://app.example/cb#",
    "https://ann@app.example/cb",
    "https://ann:pass@app.example/cb",
    "https://app.example:0/cb",
    "https://app.example:99999/cb",
    "https://app.example/a b",
    "https://app.example/\\evil",
    "https://app.example/\n",
    "https://äpp.example/",
    "https://app.example;script-src/cb",
    "https://*.example/cb",
    "https://app.example,evil.example/cb",
    "https://app_1.example'/cb",
    "https://[::1/",
    "https://app.example/" + "x" * 1_000,
    "javascript:alert(1)",
    "data:text/html,x",
    "myapp:/callback",
    "com.example.app://host/callback",
    "COM.example.app:/callback",
    "file:///etc/passwd",
]


def test_what_can_be_registered() -> None:
    for uri in GOOD:
        check_redirect_uri(uri, public=False)
        check_redirect_uri(uri, public=True)
    for uri in APPS:
        check_redirect_uri(uri, public=True)
        with pytest.raises(InvalidError):
            check_redirect_uri(uri, public=False)


@pytest.mark.parametrize("uri", BAD)
def test_what_cannot_be_registered(uri: str) -> None:
    for public in (True, False):
        with pytest.raises(InvalidError, match="cannot be a redirect URI") as refused:
            check_redirect_uri(uri, public=public)
        assert refused.value.code == "invalid_redirect_uri"


def test_an_address_counts_to_the_letter() -> None:
    uri = "https://app.example/callback"
    near = ["/", "/x", "?a=b", "#", "%2F", "/../callback", " ", "\n"]
    for public in (True, False):
        assert is_registered(uri, (uri, "https://other.example/"), public=public)
        for end in near:
            assert not is_registered(uri + end, (uri,), public=public), end
        for other in ("https://App.example/callback", "https://app.example:443/callback", "http" + uri[5:]):
            assert not is_registered(other, (uri,), public=public), other


def test_only_a_client_without_a_secret_takes_any_port_and_only_at_the_loopback() -> None:
    known = ("http://127.0.0.1/cb?a=b", "http://[::1]:80/", "http://localhost/cb", "https://127.0.0.1/cb")
    for uri in ("http://127.0.0.1:49152/cb?a=b", "http://[::1]:5/", "http://[::1]/"):
        assert is_registered(uri, known, public=True), uri
        assert not is_registered(uri, known, public=False), uri
    for uri in (
        "http://127.0.0.1:49152/cb",
        "http://127.0.0.1:49152/cb?a=b&c=d",
        "http://127.0.0.1:49152/cb?a=b#",
        "http://127.0.0.1:123456/cb?a=b",
        "http://127.0.0.1:1@evil.example/cb?a=b",
        "http://127.0.0.1.evil.example/cb?a=b",
        "http://127.0.0.1:x/cb?a=b",
        "http://[::1]:49152/cb?a=b",
        "http://localhost:49152/cb",
        "https://127.0.0.1:49152/cb",
        "http://127.0.0.1:49152/cb?a=b\n",
    ):
        assert not is_registered(uri, known, public=True), uri
