"""Pages for people, to sign in and to agree: HTML without scripts, that cannot be framed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.responses import Response

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; --ground: #f3f4f6; --card: #fff;
  --text: #1b1f26; --soft: #5a6270; --line: #cfd4dc; --main: #2457c5; --on-main: #fff; --wrong: #b3261e }
@media (prefers-color-scheme: dark) { :root { --ground: #121419; --card: #1c1f26; --text: #e7e9ee;
  --soft: #9ca5b4; --line: #3b424e; --main: #86abff; --on-main: #0f1420; --wrong: #ff9a90 } }
* { box-sizing: border-box }
body { margin: 0; padding: 12vh 1rem 2rem; background: var(--ground); color: var(--text) }
main { max-width: 25rem; margin: 0 auto; padding: 1.75rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .75rem; overflow-wrap: anywhere }
h1 { margin: 0 0 1.25rem; font-size: 1.35rem; line-height: 1.25 }
p, ul { margin: 0 0 1rem }
ul { padding-left: 1.25rem }
form { margin: 0 0 .75rem }
label { display: block; color: var(--soft); font-size: .9rem }
input { display: block; width: 100%; margin: .25rem 0 1rem; padding: .55rem .7rem; font: inherit;
  color: inherit; background: var(--ground); border: 1px solid var(--line); border-radius: .5rem }
button, .button { display: block; width: 100%; margin: 0 0 .75rem; padding: .6rem 1rem; font: inherit;
  font-weight: 600; text-align: center; text-decoration: none; cursor: pointer; color: var(--on-main);
  background: var(--main); border: 1px solid var(--main); border-radius: .5rem }
.button, .other { color: var(--main); background: none; border-color: var(--line) }
:focus-visible { outline: 3px solid var(--main); outline-offset: 2px }
main > :last-child, form > :last-child { margin-bottom: 0 }
.said { padding: .5rem 1rem; border-left: .25rem solid var(--line) }
.said[role="alert"] { color: var(--wrong); border-color: currentcolor }
"""
_PAGE = """\
<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def escaped(text: str) -> str:
    """Returns `text` as it stands in HTML, in an attribute between double quotes too."""
    # Not by `html`, whose table of entities the start of every engine would read.
    for plain, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;")):
        text = text.replace(plain, entity)
    return text


def page(
    title: str, body: str, *, status: int = 200, language: str = "en", leads_to: Sequence[str] = ()
) -> Response:
    """Returns a page with this text as its title, and `body`, which is HTML, below that.

    Its forms are sent to the engine alone. Where the answer to one leads on to another site, that has to be
    in `leads_to`, for browsers hold it against the same rule: addresses, of which scheme and host count.
    """
    text = _PAGE.format(language=language, title=escaped(title), style=_STYLE, body=body)
    return Response(text, status, _headers(leads_to), media_type="text/html")


def _headers(leads_to: Sequence[str]) -> dict[str, str]:
    places = " ".join(("'self'", *map(_source, leads_to)))
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; form-action {places};"
            " base-uri 'none'; frame-ancestors 'none'"
        ),
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        # With none at all, browsers would hide from us where a form comes from.
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


def _source(address: str) -> str:
    """Returns how a rule names the place of an address: its origin, or its scheme where that is an app's."""
    parts = urlsplit(address)
    if parts.scheme in ("http", "https"):
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}:"
