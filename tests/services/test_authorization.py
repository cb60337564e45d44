"""How long what the authorization server gives out is good, and how much of it there can be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from holdfast.core.config.settings import AccountSettings
from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.identity import Principal, Role, Scope, User
from holdfast.core.domain.oauth import (
    ACCESS_S,
    CODE_S,
    GRANT_S,
    REFRESH_S,
    ConsentAsked,
    IssuedTokens,
    NewOAuthClient,
    OAuthRefusal,
    SentBack,
    SignInFirst,
)
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.identity.tokens import digest
from holdfast.core.services.oauth import TICKET_S, Authorization, OAuthService
from holdfast.core.store.accounts import Accounts
from holdfast.core.store.log import EventLog
from holdfast.core.store.oauth import OPEN, PENDING, REMEMBERED, OAuthTables

ISSUER = "https://us.example/oauth2"
BACK = "https://notes.example/cb"
START = datetime(2030, 5, 1, 12, tzinfo=UTC)
ANN = Principal(user_id="u1", name="ann", role=Role.USER, scope=Scope.ADMIN, credential_id="c1")


class Desk:
    """The service on a database of its own, with a clock that the test turns."""

    def __init__(self, log: EventLog) -> None:
        self.now = START
        self.tables = OAuthTables(log.writer, log.reader)
        self.accounts = Accounts(log.writer, log.reader)
        self.log = log

        async def settings() -> AccountSettings:
            return AccountSettings()

        self.server = Authorization(self.tables, self.accounts, lambda: self.now, settings)
        self.service = OAuthService(self.tables, ANN, lambda: self.now)

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def register(self, *, consent: bool = False, id: str = "notes") -> NewOAuthClient:
        return await self.service.add_client(
            "Notes", (BACK,), auth_method="client_secret_post", consent=consent, id=id
        )

    async def code(self, id: str = "notes") -> str:
        asked = [("response_type", "code"), ("client_id", id)]
        back = await self.server.ask(ANN, asked, ISSUER)
        assert isinstance(back, SentBack)
        return parse_qs(urlsplit(back.url).query)["code"][0]

    async def issue(self, made: NewOAuthClient, **form: str) -> IssuedTokens | OAuthRefusal:
        own = {"client_id": made.client.id, "client_secret": made.secret}
        return await self.server.issue([*form.items(), *own.items()], "")

    async def exchange(self, made: NewOAuthClient, code: str) -> IssuedTokens | OAuthRefusal:
        return await self.issue(made, grant_type="authorization_code", code=code)

    async def tokens(self, made: NewOAuthClient) -> IssuedTokens:
        got = await self.exchange(made, await self.code(made.client.id))
        assert isinstance(got, IssuedTokens)
        return got

    async def refresh(self, made: NewOAuthClient, token: str) -> IssuedTokens | OAuthRefusal:
        return await self.issue(made, grant_type="refresh_token", refresh_token=token)

    async def counts(self) -> tuple[int, int, int]:
        """How many grants, codes and tokens there are."""
        rows = await self.log.reader.rows(
            "SELECT (SELECT count(*) FROM oauth_grants), (SELECT count(*) FROM oauth_codes),"
            " (SELECT count(*) FROM oauth_tokens)"
        )
        grants, codes, tokens = tuple(rows[0])
        return grants, codes, tokens


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    log = await EventLog.open(tmp_path / "holdfast.db", FileBlobs(tmp_path / "blobs"), lambda text: text)
    made = Desk(log)
    await made.accounts.add_user(User(id="u1", name="ann", role=Role.USER, created_at=START))
    yield made
    await log.close()


def is_refused(found: object, error: str = "invalid_grant") -> bool:
    return isinstance(found, OAuthRefusal) and found.error == error


async def test_a_code_is_good_for_five_minutes(desk: Desk) -> None:
    made = await desk.register()
    early, late = await desk.code(), await desk.code()
    desk.later(CODE_S - 1)
    assert isinstance(await desk.exchange(made, early), IssuedTokens)
    desk.later(1)
    assert is_refused(await desk.exchange(made, late))


async def test_an_access_token_is_good_for_an_hour(desk: Desk) -> None:
    tokens = await desk.tokens(await desk.register())
    desk.later(ACCESS_S - 1)
    subject = await desk.server.subject(tokens.access_token)
    assert subject is not None
    assert (subject.user_id, subject.name, subject.role, subject.email) == ("u1", "ann", "user", None)
    desk.later(1)
    assert await desk.server.subject(tokens.access_token) is None


async def test_a_refresh_token_is_good_for_a_month_and_its_family_for_a_year(desk: Desk) -> None:
    made = await desk.register()
    idle, tokens = await desk.tokens(made), await desk.tokens(made)
    for _ in range(GRANT_S // (REFRESH_S - 60)):
        desk.later(REFRESH_S - 60)
        renewed = await desk.refresh(made, tokens.refresh_token)
        assert isinstance(renewed, IssuedTokens)
        tokens = renewed
    assert is_refused(await desk.refresh(made, idle.refresh_token))
    assert (await desk.counts())[0] >= 1
    desk.now = START + timedelta(seconds=GRANT_S)
    assert is_refused(await desk.refresh(made, tokens.refresh_token))
    await desk.server.sweep()
    assert await desk.counts() == (0, 0, 0)


async def test_what_nobody_can_use_is_swept(desk: Desk) -> None:
    made = await desk.register()
    kept = await desk.tokens(made)
    await desk.code()
    desk.later(CODE_S)
    await desk.code()  # sweeps as well, now and then
    assert await desk.counts() == (2, 2, 2)
    await desk.accounts.remove_user("u1")
    await desk.server.sweep()
    assert await desk.counts() == (0, 0, 0)
    assert await desk.server.subject(kept.access_token) is None


async def test_codes_that_nobody_takes_up_make_room_and_end_no_grant(desk: Desk) -> None:
    made = await desk.register()
    other = await desk.register(id="other")
    taken_up, first, others = await desk.tokens(made), await desk.code(), await desk.code("other")
    for _ in range(PENDING):
        last = await desk.code()
    assert (await desk.counts())[0] == PENDING + 2
    assert is_refused(await desk.exchange(made, first))
    assert isinstance(await desk.exchange(made, last), IssuedTokens)
    assert await desk.server.subject(taken_up.access_token) is not None
    assert isinstance(await desk.exchange(other, others), IssuedTokens)


async def test_a_user_has_so_many_grants_to_a_client(desk: Desk) -> None:
    made = await desk.register()
    first = await desk.tokens(made)
    for _ in range(OPEN):
        last = await desk.tokens(made)
    await desk.code()
    assert await desk.server.subject(first.access_token) is None
    assert await desk.server.subject(last.access_token) is not None
    assert len(await desk.service.grants()) == OPEN


async def test_used_refresh_tokens_do_not_pile_up(desk: Desk) -> None:
    made = await desk.register()
    tokens = await desk.tokens(made)
    for _ in range(REMEMBERED + 10):
        renewed = await desk.refresh(made, tokens.refresh_token)
        assert isinstance(renewed, IssuedTokens)
        before, tokens = tokens, renewed
    assert (await desk.counts())[2] == REMEMBERED + 2
    assert is_refused(await desk.refresh(made, before.refresh_token))
    assert await desk.counts() == (0, 0, 0)


async def test_who_was_faster_ends_what_the_slower_one_wanted(desk: Desk) -> None:
    """Both have read the code before either has taken it."""
    made = await desk.register()
    code = await desk.code()
    other = OAuthTables(desk.log.writer, desk.log.reader)
    shown = ("oauth_codes", digest(code))
    found = await other.code(shown[1], desk.now)
    assert found is not None
    tokens = await desk.exchange(made, code)
    assert isinstance(tokens, IssuedTokens)
    late = await other.exchange(shown, found.grant_id, ("a", "openid"), ("b", "openid"), desk.now)
    assert not late
    assert await desk.server.subject(tokens.access_token) is None
    assert await desk.counts() == (0, 0, 0)


async def test_the_user_has_ten_minutes_to_answer(desk: Desk) -> None:
    await desk.register(consent=True)
    sent = [("response_type", "code"), ("client_id", "notes"), ("state", "s")]
    asked = await desk.server.ask(ANN, sent, ISSUER)
    assert isinstance(asked, ConsentAsked)
    assert (asked.client_name, asked.user_name, asked.redirect_uri) == ("Notes", "ann", BACK)
    assert asked.scope == ("openid", "profile", "email")

    async def decided(who: Principal | None = ANN, ticket: str = asked.ticket) -> object:
        return await desk.server.decide(who, sent, ISSUER, ticket=ticket, allowed=True)

    assert isinstance(await decided(ANN.model_copy(update={"credential_id": "c2"})), ConsentAsked)
    assert isinstance(await decided(ANN.model_copy(update={"user_id": "u2"})), ConsentAsked)
    assert isinstance(await decided(None), SignInFirst)
    until, _, rest = asked.ticket.partition(".")
    assert isinstance(await decided(ticket=f"{int(until) + 1}.{rest}"), ConsentAsked)
    for odd in ("", ".", rest, f"-1.{rest}", f"{'9' * 40}.{rest}", f"\u0661.{rest}"):
        assert isinstance(await decided(ticket=odd), ConsentAsked), odd
    assert (await desk.counts())[0] == 0
    desk.later(TICKET_S)
    assert isinstance(await decided(), SentBack)
    desk.later(1)
    assert isinstance(await decided(), ConsentAsked)


async def test_grants_are_seen_and_ended_by_their_user(desk: Desk) -> None:
    made = await desk.register()
    tokens = await desk.tokens(made)
    await desk.code()  # nobody has taken it up
    (grant,) = await desk.service.grants()
    assert (grant.client_id, grant.client_name, grant.user_id) == ("notes", "Notes", "u1")
    assert grant.expires_at == START + timedelta(seconds=GRANT_S)
    other = OAuthService(desk.tables, ANN.model_copy(update={"user_id": "u2"}), lambda: desk.now)
    assert await other.grants() == ()
    for service, id in ((other, grant.id), (desk.service, "none")):
        with pytest.raises(NotFoundError) as missing:
            await service.end_grant(id)
        assert missing.value.code == "oauth_grant_not_found"
    await desk.service.end_grant(grant.id)
    assert await desk.server.subject(tokens.access_token) is None
    assert await desk.service.grants() == ()


async def test_a_client_is_registered_as_it_is_asked_for(desk: Desk) -> None:
    made = await desk.service.add_client("  Notes ", (BACK, BACK), scope="email openid email", consent=False)
    assert (made.client.name, made.client.redirect_uris) == ("Notes", (BACK,))
    assert (made.client.scope, made.client.auth_method) == ("email openid", "client_secret_basic")
    assert made.secret.startswith("hf_")
    assert made.secret not in repr(made)
    public = await desk.service.add_client("App", ("com.example.app:/cb",), auth_method="none", id="app")
    assert (public.secret, public.client.id, public.client.public) == ("", "app", True)
    assert await desk.service.clients() == (made.client, public.client)
    with pytest.raises(ConflictError) as taken:
        await desk.service.add_client("App", (BACK,), id="app")
    assert taken.value.code == "oauth_client_exists"
    assert not (await desk.service.enable_client("app", False)).enabled
    await desk.service.remove_client("app")
    for gone in (desk.service.remove_client("app"), desk.service.enable_client("app", True)):
        with pytest.raises(NotFoundError) as missing:
            await gone
        assert missing.value.code == "oauth_client_not_found"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"name": ""}, "invalid_client_name"),
        ({"name": "<b>"}, "invalid_client_name"),
        ({"name": "x" * 101}, "invalid_client_name"),
        ({"id": "a b"}, "invalid_client_id"),
        ({"id": "ü"}, "invalid_client_id"),
        ({"scope": ""}, "invalid_client_scope"),
        ({"scope": "openid phone"}, "invalid_client_scope"),
        ({"redirect_uris": ()}, "invalid_redirect_uri"),
        ({"redirect_uris": (BACK, "http://notes.example/cb")}, "invalid_redirect_uri"),
        ({"redirect_uris": tuple(f"{BACK}/{n}" for n in range(51))}, "invalid_redirect_uri"),
    ],
)
async def test_what_can_be_no_client(desk: Desk, changed: dict[str, object], code: str) -> None:
    wanted: dict[str, object] = {"name": "Notes", "redirect_uris": (BACK,)} | changed
    with pytest.raises(InvalidError) as refused:
        await desk.service.add_client(**wanted)  # type: ignore[arg-type]
    assert refused.value.code == code
    assert await desk.service.clients() == ()
