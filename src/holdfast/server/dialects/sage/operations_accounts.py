"""Operations of Sage's API: accounts."""

from __future__ import annotations

from starlette.responses import Response

from holdfast.core.domain.agents import Layer
from holdfast.server.dialects.sage import operations_engine, operations_users
from holdfast.server.dialects.sage.answering import ok
from holdfast.server.dialects.sage.cookies import SESSION_S, forget_login, keep_login
from holdfast.server.dialects.sage.mapping_accounts import session_user, told
from holdfast.server.dialects.sage.signing_in import TOKEN_S, sign_out, token_of
from holdfast.server.dialects.sage.wire import Envelope, Nothing
from holdfast.server.dialects.sage.wire_accounts import (
    EmailSent,
    Registering,
    SentCode,
    SigningIn,
    Tokens,
    UserId,
    UserInfo,
)
from holdfast.server.kit.auth import principal_of
from holdfast.server.kit.guessing import guessing
from holdfast.server.kit.operations import Call, Operation, written


async def send_code(call: Call) -> Envelope[SentCode]:
    """Sends a code to an e-mail address."""
    with told(), guessing(call.request):
        sent = await call.workbench.accounts.send_code(call.body.email)
    return ok(call, SentCode(expires_in=sent.expires_s, retry_after=sent.retry_s), "code_sent")


async def register(call: Call) -> Envelope[UserId]:
    """Makes an account, with a code that was sent."""
    given: Registering = call.body
    with told("email_required"), guessing(call.request):
        made = await call.workbench.accounts.register(
            given.username, given.password, given.email or "", given.verification_code, given.phonenum or ""
        )
    return ok(call, UserId(user_id=made.id), "registered")


async def login(call: Call) -> Response:
    """Lets in who knows a password, with a token and a cookie."""
    given: SigningIn = call.body
    host = await call.door.host()
    with told(), guessing(call.request):
        session = await host.accounts.sign_in(given.username_or_email, given.password, SESSION_S)
    token = await token_of(host, session)
    tokens = Tokens(access_token=token, refresh_token=token, expires_in=TOKEN_S)
    response = written(Envelope[Tokens], ok(call, tokens, "signed_in"))
    keep_login(call.request, response, session)
    return response


async def logout(call: Call) -> Response:
    """Ends the login that is shown."""
    await sign_out(call.request, await call.door.host(), principal_of(call.request))
    response = written(Envelope[Nothing], ok(call, Nothing(), "signed_out"))
    forget_login(call.request, response)
    return response


async def session(call: Call) -> Envelope[UserInfo]:
    """Returns who asks, and whether he has models and agents of his own."""
    user = await call.workbench.accounts.me()
    own = any(each.model.private for each in await call.workbench.models.own())
    agents = any(each.layer is Layer.USER for each in await call.workbench.agents.list())
    return ok(call, UserInfo(user=session_user(user), has_provider=own, has_agent=agents), "signed_in")


# fmt: off
def _at(base: str, compat: str = "") -> tuple[Operation, ...]:
    """Returns what is there below two paths; of the older one, the ids end with `compat`."""
    return (
        Operation(
            f"send_register_code{compat}", "POST", f"{base}/register/send-code", send_code,
            body=EmailSent, result=Envelope[SentCode], public=True,
        ),
        Operation(
            f"register{compat}", "POST", f"{base}/register", register,
            body=Registering, result=Envelope[UserId], public=True,
        ),
        Operation(
            f"login{compat}", "POST", f"{base}/login", login,
            body=SigningIn, result=Envelope[Tokens], public=True,
        ),
        Operation(f"logout{compat}", "POST", f"{base}/logout", logout, result=Envelope[Nothing]),
    )
# fmt: on


OPERATIONS: tuple[Operation, ...] = (
    *_at("/api/auth"),
    *_at("/api/user", "_compat"),
    Operation("session", "GET", "/api/auth/session", session, result=Envelope[UserInfo]),
    Operation("check_login", "GET", "/api/user/check_login", session, result=Envelope[UserInfo]),
    *operations_users.OPERATIONS,
    *operations_engine.OPERATIONS,
)
