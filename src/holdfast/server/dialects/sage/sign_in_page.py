"""The page where people sign in."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from starlette.responses import Response

from holdfast.core.domain.accounts import SignInWays
from holdfast.core.domain.upstream import own_path
from holdfast.server.dialects.sage.mapping_upstream import provider_dto
from holdfast.server.dialects.sage.words import Locale, worded
from holdfast.server.kit.pages import escaped, page

_LANGUAGES = {"zh": "zh-CN", "en": "en"}


def sign_in_page(
    ways: SignInWays,
    locale: Locale,
    prefix: str,
    next: str = "",
    *,
    name: str = "",
    problem: str = "",
    status: int = 200,
) -> Response:
    """Returns the page with the ways to sign in. `prefix` stands before the paths of the API, `next` is where
    it goes on; `name` is what somebody has called himself, whose `problem` is told."""
    said = [_problem(problem)] if problem else []
    if ways.passwords != "none":
        said.append(_password_form(ways, locale, prefix, next, name))
    for provider in ways.providers:
        if provider.type != "native":
            path = f"{prefix}/api/auth/upstream/login/{quote(provider.id, safe='')}"
            query = urlencode({"next": own_path(next, f"{prefix}/login")})
            button = provider_dto(provider, locale).button_text
            said.append(f'<a class="button" href="{escaped(f"{path}?{query}")}">{escaped(button)}</a>')
    if not said:
        said.append(f"<p>{escaped(worded('page_no_ways', locale))}</p>")
    return _page("page_sign_in", locale, "\n".join(said), status)


def signed_in_page(name: str, locale: Locale, prefix: str, next: str = "") -> Response:
    """Returns the page of who has signed in already."""
    words: dict[str, object] = {"name": name}
    lines = [f"<p>{escaped(worded('page_as', locale, words))}</p>"]
    if own_path(next, ""):
        lines.append(_continue(next, locale))
    lines.append(
        f'<form method="post" action="{escaped(prefix)}/logout">'
        f"<button>{escaped(worded('page_sign_out', locale))}</button></form>"
    )
    return _page("page_signed_in", locale, "\n".join(lines))


def leaving_page(locale: Locale, next: str) -> Response:
    """Returns the page that leads on to a path of this server by itself.

    A redirection would belong to the form: where that path leads to another site, browsers would stop it.
    """
    response = _page("page_signed_in", locale, _continue(next, locale))
    response.headers["Refresh"] = f"0; url={next}"
    return response


def _page(title: str, locale: Locale, body: str, status: int = 200) -> Response:
    return page(worded(title, locale), body, status=status, language=_LANGUAGES[locale])


def _problem(problem: str) -> str:
    return f'<p class="said" role="alert">{escaped(problem)}</p>'


def _continue(next: str, locale: Locale) -> str:
    return f'<a class="button" href="{escaped(next)}">{escaped(worded("page_continue", locale))}</a>'


def _password_form(ways: SignInWays, locale: Locale, prefix: str, next: str, name: str) -> str:
    note = f"<p>{escaped(worded('page_admins', locale))}</p>" if ways.passwords == "admins" else ""
    return (
        f'<form method="post" action="{escaped(prefix)}/login">{note}'
        f'<input type="hidden" name="next" value="{escaped(next)}">'
        f'<label for="name">{escaped(worded("page_name", locale))}</label>'
        f'<input id="name" name="name" value="{escaped(name)}" autocomplete="username" required>'
        f'<label for="password">{escaped(worded("page_password", locale))}</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" required>'
        f"<button>{escaped(worded('page_sign_in', locale))}</button></form>"
    )
