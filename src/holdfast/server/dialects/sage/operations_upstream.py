"""Operations of Sage's API: signing in elsewhere, and the page where one signs in."""

from __future__ import annotations

from functools import wraps

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.upstream import UpstreamAnswer, own_path
from holdfast.server.dialects.sage.answering import ok
from holdfast.server.dialects.sage.cookies import (
    SESSION_S,
    flow_of,
    forget_flow,
    forget_login,
    keep_flow,
    keep_login,
)
from holdfast.server.dialects.sage.errors import told
from holdfast.server.dialects.sage.keys import secret_of
from holdfast.server.dialects.sage.mapping_upstream import (
    CALLBACK,
    callback_of,
    provider_dto,
    upstream_failure,
)
from holdfast.server.dialects.sage.sign_in_page import leaving_page, sign_in_page, signed_in_page
from holdfast.server.dialects.sage.signing_in import sign_out
from holdfast.server.dialects.sage.wire import PREFIX, Envelope, ErrorBody
from holdfast.server.dialects.sage.wire_upstream import (
    ProviderDto,
    SignInQuery,
    UpstreamCallbackQuery,
    UpstreamLoginQuery,
)
from holdfast.server.dialects.sage.words import Locale, locale_of
from holdfast.server.kit.auth import recognised
from holdfast.server.kit.forms import FORM, sent_fields
from holdfast.server.kit.guessing import guessing
from holdfast.server.kit.operations import Answer, Call, Operation
from holdfast.server.kit.origin import origin_of, path_of
from holdfast.server.kit.reading import check_plain

_HTML = "text/html"


async def _providers(call: Call) -> Envelope[tuple[ProviderDto, ...]]:
    """Tells how people can sign in"""
    locale = _locale(call)
    ways = await call.workbench.accounts.ways()
    return ok(call, tuple(provider_dto(each, locale) for each in ways.providers), "providers_listed")


def _on_a_page(answer: Answer) -> Answer:
    """Returns an answer whose errors are told to a person, where a browser asks for a page."""

    @wraps(answer)
    async def shown(call: Call) -> Response:
        try:
            response: Response = await answer(call)
        except HoldfastError as error:
            known = upstream_failure(error)
            if _HTML not in call.request.headers.get("accept", ""):
                raise known from error
            return await _problem_page(call, known)
        return response

    return shown


async def _problem_page(call: Call, error: HoldfastError, *, next: str = "", name: str = "") -> Response:
    status, said = told(error.info, _locale(call))
    return sign_in_page(
        await call.workbench.accounts.ways(),
        _locale(call),
        path_of(call.request, PREFIX),
        next,
        name=name,
        problem=said,
        status=status,
    )


@_on_a_page
async def _begin(call: Call) -> Response:
    """Sends a browser to a server where people sign in"""
    host, query = call.workbench, call.query
    offered = [each.id for each in (await host.accounts.ways()).providers if each.type == "oidc"]
    provider = call.path.get("provider_id") or next(iter(offered), "")
    public_url = (await host.engine.settings()).accounts.public_url
    callback = callback_of(provider, query.redirect_uri, origin_of(call.request), public_url)
    start = await host.accounts.begin_upstream(provider, callback, query.next)
    response = RedirectResponse(start.url, 302)
    keep_flow(call.request, response, start.browser)
    return response


@_on_a_page
async def _finish(call: Call) -> Response:
    """Lets in who comes back from a server where he has signed in"""
    query = call.query
    answer = UpstreamAnswer(state=query.state, code=query.code, error=query.error, issuer=query.iss)
    end = await call.workbench.accounts.finish_upstream(
        call.path["provider_id"], answer, flow_of(call.request), SESSION_S
    )
    response = RedirectResponse(end.next, 302)
    keep_login(call.request, response, end.credential)
    forget_flow(call.request, response)
    return response


async def _page(call: Call) -> Response:
    """Shows the page where one signs in"""
    prefix = path_of(call.request, PREFIX)
    known = await recognised(call.request, secret_of)
    if known is not None:
        return signed_in_page(known.name, _locale(call), prefix, call.query.next)
    return sign_in_page(await call.workbench.accounts.ways(), _locale(call), prefix, call.query.next)


async def _sign_in(call: Call) -> Response:
    """Takes the form of the page where one signs in"""
    fields = dict(await sent_fields(call.request))
    check_plain(fields)
    name, wanted = fields.get("name", ""), fields.get("next", "")
    try:
        with guessing(call.request):
            made = await call.workbench.accounts.sign_in(name, fields.get("password", ""), SESSION_S)
    except HoldfastError as error:
        return await _problem_page(call, error, next=wanted, name=name)
    response = leaving_page(_locale(call), own_path(wanted, f"{path_of(call.request, PREFIX)}/login"))
    keep_login(call.request, response, made)
    return response


async def _sign_out(call: Call) -> Response:
    """Ends the login that a browser shows"""
    known = await recognised(call.request, secret_of)
    await sign_out(call.request, await call.door.host(), known)
    response = RedirectResponse(f"{path_of(call.request, PREFIX)}/login", 303)
    forget_login(call.request, response)
    return response


def _locale(call: Call) -> Locale:
    request: Request = call.request
    return locale_of(request.headers)


_SAID = ((200, ErrorBody),)
"""That there is nowhere to sign in is a success of HTTP's."""

# fmt: off
OPERATIONS: tuple[Operation, ...] = (
    *(
        Operation(
            id, "GET", path, _providers, public=True, result=Envelope[tuple[ProviderDto, ...]],
        )
        for id, path in (
            ("auth_providers", "/api/auth/providers"),
            ("user_auth_providers", "/api/user/auth-providers"),
        )
    ),
    *(
        Operation(
            id, "GET", path, _begin,
            public=True, navigated=True, pages=True, status=302, query=UpstreamLoginQuery, also=_SAID,
        )
        for id, path in (
            ("upstream_login", "/api/auth/upstream/login/{provider_id}"),
            ("upstream_login_default", "/api/auth/upstream/login"),
            ("user_oauth_login", "/api/user/oauth/login/{provider_id}"),
            ("user_oauth_login_default", "/api/user/oauth/login"),
        )
    ),
    *(
        Operation(
            id, "GET", path, _finish,
            public=True, navigated=True, pages=True, status=302, query=UpstreamCallbackQuery, also=_SAID,
        )
        for id, path in (
            ("upstream_callback", f"{CALLBACK}/{{provider_id}}"),
            ("user_oauth_callback", "/api/user/oauth/callback/{provider_id}"),
        )
    ),
    Operation(
        "sign_in_page", "GET", "/login", _page,
        public=True, navigated=True, query=SignInQuery, gives=_HTML,
    ),
    Operation("sign_in_form", "POST", "/login", _sign_in, public=True, takes=FORM, gives=_HTML, pages=True),
    Operation("sign_out_form", "POST", "/logout", _sign_out, public=True, status=303),
)
# fmt: on
