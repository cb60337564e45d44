"""The pages of what there is of other systems' APIs."""

from __future__ import annotations

from collections import Counter

from docpages.markdown import code, page, table
from holdfast.server.dialects.every import DialectPlace
from holdfast.server.kit.manifest import SOCKET, Manifest, read_manifest

_STATUSES = {
    "full": "as its contract says",
    "partial": "with what is missing",
    "stub": "an answer of the right form with nothing in it",
    "unsupported": "not there",
}


def compat_page(place: DialectPlace) -> str:
    """Returns the page of a dialect."""
    dialect, manifest = place.load(), read_manifest(place.package)
    document = f", described at `{place.prefix}{dialect.document.path}`" if dialect.document else ""
    intro = (
        f"The API is under `{place.prefix}`{document}. What it is held against is {manifest.upstream.name} "
        f"{manifest.upstream.version}: {manifest.upstream.contract}. "
        "[Use clients of other systems](../../how-to/dialects.md) says how they are pointed here."
    )
    return page(
        f"{manifest.upstream.name}: what there is",
        intro,
        _counts(manifest),
        *(_section(manifest, status, title) for status, title in _TITLES.items()),
    )


_TITLES = {
    "full": "Full",
    "partial": "Partial",
    "stub": "Stubs",
    "unsupported": "Not supported",
}


def _counts(manifest: Manifest) -> str:
    counts = Counter(row.status for row in manifest.operations)
    said = (f"- {counts[status]} {status}: {text}" for status, text in _STATUSES.items() if counts[status])
    return "\n".join(said)


def _section(manifest: Manifest, status: str, title: str) -> str:
    rows = [
        (code(_request(row.method, row.path)), code(row.id), row.reason)
        for row in manifest.operations
        if row.status == status
    ]
    made = table(("Request", "Operation", "What is missing" if status == "partial" else "Why"), rows)
    return f"## {title}\n\n{made}" if rows else ""


def _request(method: str, path: str) -> str:
    return f"{'WebSocket' if method == SOCKET else method} {path}"
