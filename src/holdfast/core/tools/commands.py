"""What stands in a shell command line: the parts that policy rules are matched with.

The parts decide nothing by themselves: an allow rule must match every one, a deny rule any. So it does no
harm to find too many, and everything that this reader does not understand is split as if nothing were quoted.
It is no shell: what a command builds at run time (`eval`, `xargs`, a script) is not seen, which is why
running programs is asked for unless a rule says otherwise.
"""

from __future__ import annotations

import re
import shlex

_KEYWORDS = {
    "if",
    "then",
    "elif",
    "else",
    "fi",
    "while",
    "until",
    "do",
    "done",
    "esac",
    "time",
    "!",
    "{",
    "}",
}
_WRAPPERS = {"sudo", "doas", "env", "exec", "command", "builtin", "nohup", "nice", "xargs", "eval", "setsid"}
_ASSIGNMENT = re.compile(r"\w+\+?=")
_UNUSUAL = re.compile(r"<<|\$'|\$\"|\\\n|(?:^|\s)#")
"""Here-documents, quotes with escapes, line continuations and comments: read as if nothing were quoted."""
_BREAKS = re.compile(r"&&|\|\||[;&|\n\r()`]")
_REDIRECTION = re.compile(r"(?:\d*|&)(?:>>|>\||>)(?P<target>&?\s*[^\s;&|<>()`]*)|<>\s*[^\s;&|<>()`]*")
_HARMLESS_TARGET = re.compile(r"&\s*[\d-]+\Z|\s*/dev/null\Z|\Z")


def subjects_of(command: str) -> tuple[str, ...]:
    """Returns the whole command line first, then each simple command and each file that is written to.

    Commands are found inside `$(…)`, backticks and subshells; a command behind keywords, assignments or
    a wrapper such as `sudo` is given once more by itself. Each part is given once.
    """
    whole = command.strip()
    masked = _masked(whole)
    found = [whole]
    for start, end in _pieces(masked):
        found += _parts(whole[start:end], masked[start:end])
    return tuple(dict.fromkeys(part for part in found if part)) or ("",)


def _pieces(masked: str) -> list[tuple[int, int]]:
    # The & of 2>&1 and &> joins nothing.
    hidden = re.sub(r">\s*&|&>", lambda m: "_" * len(m[0]), masked)
    pieces = []
    start = 0
    for found in _BREAKS.finditer(hidden):
        pieces.append((start, found.start()))
        start = found.end()
    return [*pieces, (start, len(masked))]


def _masked(text: str) -> str:
    """Returns `text` with what is quoted replaced by underscores, so that it is as long as before."""
    if _UNUSUAL.search(text):
        return text
    masked = list(text)
    quote = ""
    i = 0
    while i < len(text):
        letter = text[i]
        if letter == "\\" and quote != "'":
            masked[i : i + 2] = "_" * len(text[i : i + 2])
            i += 2
            continue
        if quote == "'":
            quote = "" if letter == "'" else quote
            masked[i] = "_"
        elif letter in "'\"" and quote in ("", letter):
            quote = "" if quote else letter
            masked[i] = "_"
        elif quote == '"' and (letter == "`" or text.startswith("$(", i)):
            return text  # a command inside quotes: nothing is taken as quoted
        elif quote:
            masked[i] = "_"
        i += 1
    return text if quote else "".join(masked)


def _parts(piece: str, masked: str) -> list[str]:
    """Returns the command in one piece, in the forms that a rule may name it by, and where it writes to."""
    written = [
        f"> {piece[m.start('target') : m.end('target')].strip()}" if m["target"] is not None else m[0]
        for m in _REDIRECTION.finditer(masked)
        if m["target"] is None or not _HARMLESS_TARGET.match(m["target"])
    ]
    command = piece.strip().removesuffix("$").strip()
    words = command.split()
    while words and words[0] in _KEYWORDS:
        words = words[1:]
        command = command.split(None, 1)[1] if words else ""
    return [command, *_behind(command), *written]


def _behind(command: str) -> list[str]:
    """Returns the command behind assignments and wrappers, and by its plain name."""
    found = []
    rest = command
    while (word := _first(rest)) and (_ASSIGNMENT.match(word) or _plain(word) in _WRAPPERS):
        rest = _after(rest)
        while _first(rest).startswith("-"):
            rest = _after(rest)
        found.append(rest)
    word = _first(rest)
    plain = _plain(word)
    if plain and plain != word:
        found.append(f"{plain} {_after(rest)}".strip())
    return found


def _first(text: str) -> str:
    return text.split(None, 1)[0] if text.strip() else ""


def _after(text: str) -> str:
    parts = text.split(None, 1)
    return parts[1] if len(parts) > 1 else ""


def _plain(word: str) -> str:
    """Returns a program's name without quotes, escapes and folder: `"/bin/r"m` is `rm`."""
    try:
        unquoted = "".join(shlex.split(word))
    except ValueError:
        unquoted = word.replace("\\", "").replace("'", "").replace('"', "")
    return unquoted.rsplit("/", 1)[-1]
