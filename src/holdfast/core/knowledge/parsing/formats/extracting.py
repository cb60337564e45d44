"""The table of formats: which function reads which kind."""

from __future__ import annotations

from holdfast.core.domain.errors import UnsupportedError
from holdfast.core.knowledge.parsing.formats.markdown import extract_markdown
from holdfast.core.knowledge.parsing.formats.plain import extract_plain
from holdfast.core.knowledge.parsing.media import MARKDOWN, UNKNOWN
from holdfast.core.knowledge.parsing.model import Extract

_PLAIN = frozenset(
    {
        *("application/yaml", "application/toml", "application/xml", "application/sql", "application/x-sh"),
        *("application/json", "application/x-ndjson"),
    }
)


def extract(data: bytes, name: str, kind: str) -> tuple[str, Extract]:
    """Returns the text of a document, and its kind as its content tells. Raises `UnsupportedError`."""
    if kind == MARKDOWN:
        return kind, extract_markdown(data)
    if kind.startswith("text/") or kind in _PLAIN:
        return kind, extract_plain(data, kind)
    raise unsupported(name, kind)


def unsupported(name: str, kind: str) -> UnsupportedError:
    """Returns the error for a kind of file that cannot be read."""
    what = "" if kind == UNKNOWN else f" ({kind})"
    return UnsupportedError(
        f"{name} is of a kind that cannot be read{what}: take PDF, DOCX, PPTX, XLSX, HTML, Markdown, CSV, "
        "JSON, text or source code",
        code="unsupported_format",
        details={"media_type": kind},
    )
