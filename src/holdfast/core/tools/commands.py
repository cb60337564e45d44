"""What stands in a shell command line: the parts that policy rules are matched with.

The parts decide nothing by themselves: an allow rule must match every one, a deny rule any. So it does no
harm to find too many, and everything that this reader does not understand is split as if nothing were quoted.
It is no shell: what a command builds at run time (`eval`, `xargs`, a script) is not seen, which is why
running programs is asked for unless a rule says otherwise.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

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
    "!",
    "{",
    "}",
}
_WITH_OPERAND = {"timeout", "chroot"}
_WRAPPERS = _WITH_OPERAND | {
    *("sudo", "doas", "env", "exec", "command", "builtin", "nohup", "nice", "xargs", "eval", "setsid"),
    *("stdbuf", "ionice", "watch", "strace", "coproc", "unshare", "busybox", "time"),
}
_ASSIGNMENT = re.compile(r"\w+\+?=")
_UNUSUAL = re.compile(r"<<|\$'|\\\n|(?:^|\s)#")
"""Here-documents, quotes with escapes, line continuations and comments: read as if nothing were quoted."""
_BREAKS = re.compile(r"&&|\|\||[;&|\n\r()`]|\$\{\w*:?[-+=?]")
_REDIRECTION = re.compile(r"(?:\d*|&)(?:>>|>\||>)(?P<target>&?\s*[^\s;&|<>()`]*)|<>\s*[^\s;&|<>()`]*")
_ANY_REDIRECTION = re.compile(r"(?:(?<!\S)\d+|&)?(?:>>|>\||<>|[<>])&?\s*[^\s;&|<>()`]*")
_VARIABLE = re.compile(r"\$(?:\w+|\{\w+\}|[@*#?!-])\Z")
"""May stand for nothing: then the next word is the command."""
_BLANK = re.compile(r"\t|\$IFS\b|\$\{IFS\b[^}]*\}")
"""Parts words as a space does; rules are written with spaces."""
_WORD = re.compile(r"\s*(\S+)\s*")
_MAX_BEHIND = 50
"""Words before a command that are looked behind."""
_HARMLESS_TARGET = re.compile(r"&\s*[\d-]+\Z|\s*/dev/null\Z|\Z")


def subjects_of(command: str) -> tuple[str, ...]:
    """Returns the whole command line first, then each simple command and each file that is written to.

    Commands are found inside `$(…)`, backticks and subshells; a command behind keywords, assignments or
    a wrapper such as `sudo` is given once more by itself. Each part is given once.
    """
    whole = command.strip()
    found = [whole, *_found(whole)]
    if "\\\n" in whole:
        found += _found(whole.replace("\\\n", ""))
    found += [_BLANK.sub(" ", part) for part in found if _BLANK.search(part)]
    return tuple(dict.fromkeys(part for part in found if part)) or ("",)


@dataclass(frozen=True, slots=True)
class _Span:
    """A piece of the command line, and the same with what is quoted replaced by underscores."""

    text: str
    masked: str

    @property
    def first(self) -> str:
        """The first word; a quoted blank does not end it."""
        word = _WORD.match(self.masked)
        return self.text[word.start(1) : word.end(1)] if word else ""

    @property
    def after(self) -> _Span:
        """What follows the first word."""
        word = _WORD.match(self.masked)
        end = word.end() if word else len(self.text)
        return _Span(self.text[end:], self.masked[end:])

    @property
    def bare(self) -> _Span:
        """The same without redirections."""
        text = list(self.text)
        for found in _ANY_REDIRECTION.finditer(self.masked):
            text[found.start() : found.end()] = " " * len(found[0])
        return _Span("".join(text), _ANY_REDIRECTION.sub(lambda m: " " * len(m[0]), self.masked))


def _found(whole: str) -> list[str]:
    masked = _masked(whole)
    found = []
    for start, end in _pieces(masked):
        span = _Span(whole[start:end], masked[start:end])
        found += _parts(span)
        if whole[max(start - 1, 0) : start] in (")", "`"):
            found += _parts(span.after)  # the first word may belong to what was before the substitution
    return found


def _pieces(masked: str) -> list[tuple[int, int]]:
    """Returns where the parts between operators begin and end."""
    # The & of 2>&1 and &>, and the | of >|, join nothing.
    pieces = _split(re.sub(r">\s*&|&>|>\|", lambda m: "_" * len(m[0]), masked))
    # Where quotes could not be told, neither can this: both readings count.
    return pieces + _split(masked) if re.search(r"['\"\\#]|<<", masked) else pieces


def _split(masked: str) -> list[tuple[int, int]]:
    pieces = []
    start = 0
    for found in _BREAKS.finditer(masked):
        pieces.append((start, found.start()))
        start = found.end()
    return [*pieces, (start, len(masked))]


def _masked(text: str) -> str:
    """Returns `text` with what is quoted replaced by underscores, so that it is as long as before.

    A `$(…)` or backticks inside double quotes are not quoted. What is unusual or unbalanced comes back
    as it is: then nothing counts as quoted.
    """
    if _UNUSUAL.search(text):
        return text
    masked = list(text)
    inside = [""]  # the quotes and substitutions that are open: ", ', ( or `
    i = 0
    while i < len(text):
        letter, state = text[i], inside[-1]
        if letter == "\\" and state != "'":
            masked[i : i + 2] = "_" * len(text[i : i + 2])
            i += 2
            continue
        if state == "'" or (state == '"' and letter not in '"`' and not text.startswith("$(", i)):
            masked[i] = "_"
            if letter == state:
                inside.pop()
        elif state == '"' and letter == "$":
            inside.append("(")
            i += 1
        elif letter in "'\"":
            masked[i] = "_"
            inside.pop() if letter == state else inside.append(letter)
        elif letter == "`":
            inside.pop() if state == "`" else inside.append("`")
        elif letter == "(":
            inside.append("(")
        elif letter == ")" and state == "(":
            inside.pop()
        i += 1
    return text if inside[-1] in ("'", '"') else "".join(masked)


def _parts(span: _Span) -> list[str]:
    """Returns the command in one piece, in the forms that a rule may name it by, and where it writes to."""
    written = [
        f"> {span.text[m.start('target') : m.end('target')].strip()}" if m["target"] is not None else m[0]
        for m in _REDIRECTION.finditer(span.masked)
        if m["target"] is None or not _HARMLESS_TARGET.match(m["target"])
    ]
    while span.first in _KEYWORDS:
        span = span.after
    command = span.text.strip().removesuffix("$").strip()
    bare = span.bare
    more = [] if bare.first == span.first else [bare.text.strip()]
    return [command, *_behind(span), *more, *_behind(bare), *written]


def _behind(span: _Span) -> list[str]:
    """Returns the command behind assignments and wrappers, and by its plain name."""
    found = _by_plain_name(span)
    value_may_follow = False
    for _ in range(_MAX_BEHIND):
        behind = _one_behind(span)
        if behind is not None:
            value_may_follow = _takes_a_value(span)
        elif value_may_follow and span.first:
            behind, value_may_follow = span.after, False
        else:
            break
        span = behind
        found += [span.text.strip(), *_by_plain_name(span)]
    return found


def _by_plain_name(span: _Span) -> list[str]:
    word = span.first
    plain = _plain(word)
    return [f"{plain} {span.after.text.strip()}".strip()] if plain and plain != word else []


def _takes_a_value(span: _Span) -> bool:
    """Says whether the word behind a wrapper and its options may be a value: `sudo -u root`, `timeout 5`."""
    name = _plain(span.first)
    return name in _WITH_OPERAND or (name in _WRAPPERS and span.after.first.startswith("-"))


def _one_behind(span: _Span) -> _Span | None:
    """Returns what follows a word that may stand before a command; None when none does."""
    word = span.first
    if not word:
        return None
    if _ASSIGNMENT.match(word) or _VARIABLE.match(word) or word in _KEYWORDS:
        return span.after
    if _plain(word) not in _WRAPPERS:
        return None
    span = span.after
    while span.first.startswith("-"):
        span = span.after
    return span


def _plain(word: str) -> str:
    """Returns a program's name without quotes, escapes and folder: `"/bin/r"m` is `rm`."""
    try:
        unquoted = "".join(shlex.split(word))
    except ValueError:
        unquoted = word.replace("\\", "").replace("'", "").replace('"', "")
    return unquoted.rsplit("/", 1)[-1]
