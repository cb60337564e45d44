"""What the page on OAuth says is what there is."""

from __future__ import annotations

from pathlib import Path

from holdfast.core.domain.oauth import ACCESS_S, CODE_S, GRANT_S, REFRESH_S, SCOPES
from holdfast.server.dialects.sage.mapping_oauth import metadata_of

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "oauth.md").read_text(encoding="utf-8")


def test_the_addresses_are_those_that_clients_are_told() -> None:
    told = metadata_of("https://holdfast.example.org/sage/oauth2")
    for address in (
        told.issuer,
        told.authorization_endpoint,
        told.token_endpoint,
        told.userinfo_endpoint,
    ):
        assert f"`{address}`" in PAGE


def test_the_times_are_those_that_hold() -> None:
    assert (CODE_S, ACCESS_S, REFRESH_S, GRANT_S) == (5 * 60, 3_600, 30 * 86_400, 365 * 86_400)
    for said in ("five minutes", "an hour", "thirty days", "After a year"):
        assert said in PAGE


def test_every_scope_is_explained() -> None:
    for scope in SCOPES:
        assert f"`{scope}`" in PAGE
