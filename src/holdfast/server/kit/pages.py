"""Pages for people, to sign in and to agree: HTML without scripts, that cannot be framed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.responses import Response

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 26rem; margin: 12vh auto; padding: 0 1rem }
h1 { font-size: 1.25rem }
label, input { display: block; width: 100%; box-sizing: border-box }
input { margin: .25rem 0 1rem; padding: .5rem; font: inherit }
button, .button { padding: .5rem 1rem; font: inherit; cursor: pointer }
.said { padding: .5rem 1rem; border-left: .25rem solid }
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
