"""Which kinds of documents there are: by what a file begins with, then by its name."""

from __future__ import annotations

import mimetypes
from pathlib import PurePosixPath

from holdfast.core.domain.media import image_type
from holdfast.core.knowledge.parsing.decoding import wide_encoding

PDF = "application/pdf"
DOC = "application/msword"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HTML = "text/html"
MARKDOWN = "text/markdown"
CSV = "text/csv"
TSV = "text/tab-separated-values"
JSON = "application/json"
NDJSON = "application/x-ndjson"
NOTEBOOK = "application/x-ipynb+json"
PYTHON = "text/x-python"
TEXT = "text/plain"
CODE = "text/x-source"
OFFICE_ZIP = "application/zip"
"""A ZIP archive: which document it is, or none, is known from its entries."""
OLE = "application/x-ole-storage"
"""The container of old Office documents, and of encrypted new ones."""
UNKNOWN = "application/octet-stream"

HEAVY = frozenset({PDF, DOC, DOCX, PPTX, XLSX, OFFICE_ZIP, OLE})
"""Those whose readers are large libraries."""

_DOCUMENTS = {
    ".pdf": PDF,
    ".doc": DOC,
    ".dot": DOC,
    ".docx": DOCX,
    ".docm": DOCX,
    ".dotx": DOCX,
    ".pptx": PPTX,
    ".pptm": PPTX,
    ".ppsx": PPTX,
    ".xlsx": XLSX,
    ".xlsm": XLSX,
    ".xltx": XLSX,
}
_TEXTS = {
    **dict.fromkeys((".html", ".htm", ".xhtml", ".xht"), HTML),
    **dict.fromkeys((".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd"), MARKDOWN),
    ".csv": CSV,
    **dict.fromkeys((".tsv", ".tab"), TSV),
    **dict.fromkeys((".json", ".geojson", ".jsonc", ".json5", ".webmanifest"), JSON),
    **dict.fromkeys((".jsonl", ".ndjson"), NDJSON),
    ".ipynb": NOTEBOOK,
    **dict.fromkeys((".py", ".pyi", ".pyw"), PYTHON),
    **dict.fromkeys((".yaml", ".yml"), "application/yaml"),
    ".toml": "application/toml",
    **dict.fromkeys((".xml", ".xsd", ".xsl", ".xslt", ".rss", ".atom", ".wsdl"), "application/xml"),
    **dict.fromkeys((".txt", ".text", ".log", ".asc", ".nfo", ".srt", ".vtt"), TEXT),
    **dict.fromkeys((".rst", ".rest"), "text/x-rst"),
    **dict.fromkeys((".tex", ".latex", ".sty", ".bib"), "text/x-tex"),
    **dict.fromkeys((".adoc", ".asciidoc"), "text/x-asciidoc"),
    ".org": "text/x-org",
    ".css": "text/css",
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), "text/javascript"),
    **dict.fromkeys((".ts", ".tsx", ".mts", ".cts"), "text/x-typescript"),
    ".sql": "application/sql",
    **dict.fromkeys((".sh", ".bash", ".zsh", ".fish", ".ksh"), "application/x-sh"),
}
_CODE = frozenset(
    {
        *(".ada", ".adb", ".ads", ".applescript", ".asm", ".awk", ".bat", ".bzl", ".c", ".cc"),
        *(".cfg", ".cl", ".clj", ".cljs", ".cls", ".cmake", ".cmd", ".cob", ".coffee", ".conf"),
        *(".cpp", ".cr", ".cs", ".csproj", ".cu", ".cxx", ".d", ".dart", ".diff", ".el", ".elm"),
        *(".erb", ".erl", ".ex", ".exs", ".f", ".f90", ".f95", ".for", ".fs", ".fsx", ".gd"),
        *(".go", ".gql", ".gradle", ".graphql", ".groovy", ".h", ".hbs", ".hcl", ".hh", ".hpp"),
        *(".hrl", ".hs", ".hxx", ".idl", ".ini", ".inl", ".ino", ".java", ".jl", ".kt", ".kts"),
        *(".less", ".lisp", ".lua", ".m", ".mak", ".mk", ".ml", ".mli", ".mm", ".mod", ".nim"),
        *(".nix", ".pas", ".patch", ".php", ".pl", ".plist", ".pm", ".po", ".pot", ".pp", ".pro"),
        *(".properties", ".proto", ".ps1", ".psm1", ".pug", ".purs", ".r", ".rb", ".rkt", ".rmd"),
        *(".rs", ".s", ".sass", ".scala", ".scm", ".scss", ".sol", ".st", ".styl", ".sv"),
        *(".svelte", ".swift", ".t", ".tcl", ".tf", ".tfvars", ".thrift", ".v", ".vala", ".vb"),
        *(".vbs", ".vhd", ".vhdl", ".vim", ".vue", ".wat", ".zig"),
    }
)
_NAMES = frozenset(
    {
        *("authors", "brewfile", "caddyfile", "changelog", "changes", "cmakelists.txt"),
        *("codeowners", "contributing", "copying", "dockerfile", "gemfile", "gnumakefile"),
        *("history", "install", "jenkinsfile", "justfile", "licence", "license", "makefile"),
        *("news", "notice", "procfile", "rakefile", "readme", "thanks", "todo", "vagrantfile"),
    }
)
"""Names of text files that have no suffix."""

_MADE = frozenset({"package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml"})
"""Text that programs write for themselves. (`~$…` is what Office leaves while a document is open.)"""

_MAGIC = (
    (b"PK\x05\x06", OFFICE_ZIP),
    (b"PK\x03\x04", OFFICE_ZIP),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (b"{\\rtf", "application/rtf"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"BZh", "application/x-bzip2"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"\x7fELF", "application/x-executable"),
    (b"MZ\x90\x00", "application/x-executable"),
    (b"\xca\xfe\xba\xbe", "application/java-vm"),
    (b"\x00asm", "application/wasm"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%!PS", "application/postscript"),
)
_PROBE = 65_536
_CONTROLS = bytes(c for c in range(32) if c not in b"\t\n\r\f\v\b\x1b\x1a\x1c\x1d\x1e\x1f")
_TOLERATED = 0.02
"""Share of control characters in what is still taken for text."""
_TOLERATED_NAMED = 0.2
"""The same in a file whose name says that it is text."""


def takes_in(name: str) -> bool:
    """Says whether a file that was found in a folder is taken in, by its name alone: documents, text, code.

    Whoever names a file is not asked: what it holds decides then.
    """
    base = PurePosixPath(name).name.lower()
    suffix = PurePosixPath(base).suffix
    if not suffix:
        return base in _NAMES
    if base.startswith("~$") or base in _MADE or base.endswith((".min.js", ".min.css")):
        return False
    return suffix in _DOCUMENTS or suffix in _TEXTS or suffix in _CODE


def named_type(name: str) -> str | None:
    """Returns the media type that a name stands for; None when it says nothing."""
    base = PurePosixPath(name).name.lower()
    suffix = PurePosixPath(base).suffix
    known = _DOCUMENTS.get(suffix) or _TEXTS.get(suffix)
    if known is not None:
        return known
    if suffix in _CODE:
        return CODE
    return TEXT if base in _NAMES else None


def media_type_of(name: str, head: bytes) -> str:
    """Returns the media type of a document, by its first bytes (64 KiB are enough), then by its name.

    A ZIP archive or an OLE container is called by what its name says, when that fits; what is inside decides
    when it is read. `UNKNOWN` is binary data of no known kind.
    """
    named = named_type(name)
    if head.startswith(b"%PDF-") or (named == PDF and b"%PDF-" in head[:1024]):
        return PDF
    found = next((kind for mark, kind in _MAGIC if head.startswith(mark)), None) or image_type(head)
    if found == OFFICE_ZIP:
        return named if named in (DOCX, PPTX, XLSX) else OFFICE_ZIP
    if found == OLE:
        return DOC if named == DOC else OLE
    if found is not None:
        return found
    if head[4:8] == b"ftyp":
        return "video/mp4"
    if not _is_text(head, named):
        return _binary_type(name)
    if named in _DOCUMENTS.values():
        named = None  # a suffix makes no PDF of text
    return named or _text_type(head)


def _is_text(head: bytes, named: str | None) -> bool:
    probe = head[:_PROBE]
    if probe.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")) or wide_encoding(probe) is not None:
        return True
    controls = len(probe) - len(probe.translate(None, _CONTROLS))
    return controls <= len(probe) * (_TOLERATED_NAMED if named is not None else _TOLERATED)


def _text_type(head: bytes) -> str:
    start = head[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return HTML
    if start.startswith(b"<?xml"):
        return HTML if b"<html" in start else "application/xml"
    return TEXT


def _binary_type(name: str) -> str:
    guess = mimetypes.guess_type(PurePosixPath(name).name)[0] or ""
    known = guess.startswith(("application/", "audio/", "video/", "font/", "image/"))
    return guess if known and guess not in _DOCUMENTS.values() and guess != JSON else UNKNOWN
