"""Syntax highlighting of code, ready per language.

Loading a lexer takes long enough to be felt, so a language is loaded aside and code in it is drawn plain
until then.
"""

from __future__ import annotations

import re

from textual.content import Content

from holdfast.tui.widgets.transcript.line import TAB, plain

MAX_CHARS = 20_000
"""Longer pieces of code stay plain."""

_NAME = re.compile(r"[A-Za-z0-9_+#.-]{1,32}")
_ready: set[str] = set()
_unknown: set[str] = set()
_wanted: set[str] = set()
_loading: set[str] = set()

COMMON = ("python", "bash", "json", "diff")


def language_of(info: str) -> str:
    """Returns the language that a fence's info string names, or an empty string."""
    match = _NAME.match(info.strip())
    return match.group().lower() if match else ""


def colour(code: str, language: str) -> Content:
    """Returns code with its colours when the language is ready, else plain; then it is wanted."""
    if not language or language in _unknown or len(code) > MAX_CHARS:
        return plain(code)
    if language not in _ready:
        if language not in _loading:
            _wanted.add(language)
        return plain(code)
    # Here and not above: Pygments is not needed before the first paint.
    from textual.highlight import highlight

    text = code.expandtabs(TAB)
    content = highlight(text, language=language)
    # Textual splits lines at more characters than newlines; colours would be on the wrong letters then.
    return content if content.plain == text else plain(text)


def take_wanted() -> tuple[str, ...]:
    """Returns the languages that were asked for and are not ready, each once; the caller loads them."""
    languages = tuple(sorted(_wanted))
    _loading.update(languages)
    _wanted.clear()
    return languages


def load(language: str) -> bool:
    """Loads a language; may take 0.1 s. Returns whether there is one of that name."""
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
    from pygments.util import ClassNotFound  # type: ignore[import-untyped]
    from textual.highlight import highlight

    try:
        get_lexer_by_name(language)
    except ClassNotFound:
        _unknown.add(language)
    else:
        highlight("x = 1", language=language)
        _ready.add(language)
    _loading.discard(language)
    return language in _ready
