"""Swagger UI for an API's document: works without a network, and lets nothing in from elsewhere."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from holdfast.core.domain.errors import UnsupportedError

_PACKAGE = "fastapi_swagger"
"""Brings the files of Swagger UI; none of its code is imported."""

_FILES = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
_START = "start.js"

_HEADERS = {
    # Scripts and styles come from here alone, and the page asks nobody but the engine itself.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="{folder}favicon-32x32.png">
<link rel="stylesheet" href="{folder}swagger-ui.css">
<div id="docs"></div>
<script src="{folder}swagger-ui-bundle.js"></script>
<script src="{folder}start.js"></script>
</html>
"""

# Without `validatorUrl: null` the document's address would be sent to a validator on the internet.
_START_TEXT = """\
"use strict";
SwaggerUIBundle({
  url: DOCUMENT,
  dom_id: "#docs",
  deepLinking: true,
  docExpansion: "none",
  validatorUrl: null,
  persistAuthorization: false,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
});
"""


class SwaggerPage:
    """A page that shows one document."""

    assets = (*_FILES, _START)
    """Names of the files that the page loads."""

    def __init__(self, title: str, document: str, *, folder: str) -> None:
        """`document` and `folder`, where the files are, are addresses as the page says them."""
        # Not by `html`, whose table of entities the start of every engine would read.
        text = title.replace("&", "&amp;").replace("<", "&lt;")
        self._page = _PAGE.format(title=text, folder=folder)
        self._start = _START_TEXT.replace("DOCUMENT", to_json(document).decode())

    async def show(self, request: Request) -> Response:
        """Answers with the page."""
        return Response(self._page, headers=_HEADERS, media_type="text/html")

    async def asset(self, request: Request) -> Response:
        """Answers with a file that the page loads. Raises `UnsupportedError` when it is not installed."""
        name = request.url.path.rpartition("/")[2]
        if name == _START:
            return Response(self._start, headers=_HEADERS, media_type="text/javascript")
        return FileResponse(_folder() / name, media_type=_FILES[name], headers=_HEADERS)


@cache
def _folder() -> Path:
    found = find_spec(_PACKAGE)
    for place in found.submodule_search_locations or () if found is not None else ():
        folder = Path(place) / "resources"
        if all((folder / name).is_file() for name in _FILES):
            return folder
    raise UnsupportedError(
        f"The files of Swagger UI are not installed: `pip install {_PACKAGE.replace('_', '-')}` brings them. "
        "The document itself is there without them.",
        code="docs_not_installed",
    )
