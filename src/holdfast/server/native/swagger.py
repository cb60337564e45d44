"""The page that shows the native API's document."""

from __future__ import annotations

from holdfast.server.kit.swagger import SwaggerPage
from holdfast.server.native.operation import PREFIX

DOCS_PATH = f"{PREFIX}/docs"
PAGE = SwaggerPage("Holdfast: the native API", "openapi.json", folder="docs/")
ASSET_PATHS = tuple(f"{DOCS_PATH}/{name}" for name in PAGE.assets)
