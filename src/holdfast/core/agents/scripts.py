"""The scripts of agents: read for their mistakes, and never run here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from holdfast.core.config.nodes import Document, Key, Node
from holdfast.core.config.syntax import shown
from holdfast.core.config.yaml import read_file
from holdfast.core.domain.errors import Diagnostic
from holdfast.core.domain.scripts import MAX_CODE, MODULES, is_file


def script_file(document: Document) -> str | None:
    """Returns the name of the file that holds an agent's script; None when none does."""
    name = _named(document)[1]
    return name.value if name is not None and isinstance(name.value, str) else None


def read_script(document: Document, folder: Path | None) -> tuple[str, list[Diagnostic]]:
    """Returns what the script's file in `folder` holds, and what is wrong with that; None: there is no
    folder, for the agent's text is in no file yet."""
    at, _ = _named(document)
    if folder is None:
        return "", [document.mistake(at, "no file is beside this agent", hint="write the script itself here")]
    path = folder / (script_file(document) or "")
    try:
        if path.resolve().parent != folder.resolve():
            return "", [document.mistake(at, "the script's file is in another folder")]
        text, problems = read_file(path)
    except (FileNotFoundError, RuntimeError):  # the second: links in a circle
        return "", [document.mistake(at, f"there is no file {shown(path.name)} beside the agent's")]
    if text is None:
        return "", problems
    if len(text) > MAX_CODE:
        return "", [document.mistake(at, f"the script has more than {MAX_CODE} characters")]
    return text, [_at(str(path), line, column, said) for line, column, said in code_mistakes(text)]


def inline_mistakes(document: Document, text: str) -> list[Diagnostic]:
    """Returns what is wrong with a script that stands in the agent's file itself, whose text is given."""
    at, node = _code(document)
    if node is None or not isinstance(node.value, str) or len(node.value) > MAX_CODE:
        return []
    if not node.value.strip():
        return [document.mistake(at, "the script is empty")]
    return [
        _placed(document, at, node, text, line, column, said)
        for line, column, said in code_mistakes(node.value)
    ]


def both_said(document: Document) -> list[Diagnostic]:
    """Returns what is wrong with a script that is given twice, or not at all."""
    node = document.find(("script",))
    if node is None or not isinstance(node.value, dict):
        return []
    given = [key for key in ("code", "file") if node.value.get(key) is not None]
    if len(given) == 1:
        return []
    message = "the script is given twice" if given else "there is no script"
    return [document.mistake(("script",), message, expected="either `code` or `file`")]


def code_mistakes(code: str) -> Iterator[tuple[int, int, str]]:
    """Yields line, column (both from 1) and what is wrong: no Python, or an import that is not let."""
    try:
        tree = ast.parse(code)
        compile(tree, "script", "exec", dont_inherit=True)
    except SyntaxError as error:
        yield error.lineno or 1, error.offset or 1, f"this is no Python: {error.msg}"
        return
    except (ValueError, RecursionError, MemoryError):
        yield 1, 1, "this is no Python that can be read"
        return
    for node in ast.walk(tree):
        for name in _imported(node):
            if name.partition(".")[0] not in MODULES:
                assert isinstance(node, (ast.Import, ast.ImportFrom))
                said = f"a script cannot import {shown(name)}; it can import {', '.join(MODULES)}"
                yield node.lineno, node.col_offset + 1, said


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield node.module or "." * node.level


def _named(document: Document) -> tuple[tuple[Key, ...], Node | None]:
    """Returns where the name of the script's file stands, if there is one."""
    node = document.find(("script",))
    if node is not None and isinstance(node.value, str) and is_file(node.value):
        return ("script",), node
    return ("script", "file"), document.find(("script", "file"))


def _code(document: Document) -> tuple[tuple[Key, ...], Node | None]:
    node = document.find(("script",))
    if node is not None and isinstance(node.value, str):
        return ("script",), None if is_file(node.value) else node
    return ("script", "code"), document.find(("script", "code"))


def _placed(
    document: Document, at: tuple[Key, ...], node: Node, text: str, line: int, column: int, said: str
) -> Diagnostic:
    """Returns the mistake at its line of a literal block (`|`); of another text, where that begins."""
    lines = text.splitlines()
    if not lines[node.start.line - 1][node.start.column - 1 :].startswith("|"):
        return document.mistake(at, f"line {line} of the script: {said}")
    block = lines[node.start.line : node.end.line]
    indent = min((len(each) - len(each.lstrip(" ")) for each in block if each.strip()), default=0)
    return _at(document.file, node.start.line + line, indent + column, said, ".".join(map(str, at)))


def _at(file: str, line: int, column: int, said: str, key_path: str = "") -> Diagnostic:
    return Diagnostic(file=file, line=line, column=column, key_path=key_path, message=said)
