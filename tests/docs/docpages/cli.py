"""The page of commands, and the command tree that examples are checked with."""

from __future__ import annotations

from enum import Enum
from typing import Any

from typer.main import get_command

from docpages.markdown import code, fenced, page, table
from docpages.models import plain
from holdfast.cli.app import COMMANDS, app

_INTRO = """\
`holdfast` alone opens the workbench. Wherever a session, a run or an approval is asked for, the first
letters of its id are enough, and `last` is the latest. Every command takes `--help`; `holdfast
--install-completion` teaches your shell to complete commands and options."""

_OF_TYPER = ("help", "install_completion", "show_completion")
"""Options that the library adds, in words that change with its version."""


def program() -> Any:
    """Returns the whole command line as Typer builds it."""
    return get_command(app)


def cli_page() -> str:
    """Returns the page."""
    root = program()
    context = root.make_context("holdfast", ["--"])
    names = root.list_commands(context)
    commands = {name: root.get_command(context, name) for name in names}
    listing = [(f"[{code('holdfast ' + n)}](#holdfast-{n})", COMMANDS[n]) for n in commands]
    return page(
        "Commands",
        _INTRO,
        table(("Command", "What it does"), listing),
        root.epilog or "",
        "## `holdfast`",
        _help(root),
        fenced("holdfast [OPTIONS]"),
        _options(root),
        *(
            section
            for name, command in commands.items()
            for section in _sections(command, ["holdfast", name])
        ),
    )


def children(command: Any) -> dict[str, Any]:
    """Returns the commands of a group by name, hidden ones left out; none of a plain command."""
    found: dict[str, Any] = getattr(command, "commands", {})
    return {name: child for name, child in found.items() if not child.hidden}


def _sections(command: Any, words: list[str]) -> list[str]:
    below = children(command)
    heading = f"{'##' if len(words) == 2 else '###'} {code(' '.join(words))}"
    own = [heading, _help(command)]
    if not below or command.invoke_without_command:
        usage = fenced(" ".join([*words, *_usage(command)]))
        own += [usage, _arguments(command), _options(command), _examples(command)]
    inner = [s for name, child in below.items() for s in _sections(child, [*words, name])]
    return [*own, *inner] if not below or len(words) == 2 else inner


def _help(command: Any) -> str:
    return "\n\n".join(" ".join(block.split()) for block in (command.help or "").split("\n\n"))


def _examples(command: Any) -> str:
    lines = (command.epilog or "").splitlines()[2:]
    return fenced("\n".join(line.strip() for line in lines), "sh") if lines else ""


def _of_kind(command: Any, kind: str) -> list[Any]:
    return [p for p in command.params if p.param_type_name == kind and not getattr(p, "hidden", False)]


def _usage(command: Any) -> list[str]:
    words = []
    for argument in _of_kind(command, "argument"):
        name = _placeholder(argument)
        words.append((name if argument.required else f"[{name}]") + ("..." if argument.nargs != 1 else ""))
    return [*words, *(["[OPTIONS]"] if _of_kind(command, "option") else [])]


def _placeholder(param: Any) -> str:
    return str(param.metavar or param.name.upper().replace("_", "-"))


def _arguments(command: Any) -> str:
    rows = [(code(_placeholder(a)), a.help or "") for a in _of_kind(command, "argument")]
    return table(("Argument", "Meaning"), rows) if any(text for _, text in rows) else ""


def _options(command: Any) -> str:
    rows = [_option(o) for o in _of_kind(command, "option") if o.name not in _OF_TYPER]
    return table(("Option", "Meaning", "Default"), rows)


def _option(option: Any) -> tuple[str, str, str]:
    names = ", ".join(sorted(option.opts, key=len))
    return code(f"{names}{_value(option)}"), option.help or "", plain(option.default or None)


def _value(option: Any) -> str:
    if option.is_flag:
        return ""
    if isinstance(option.default, Enum):
        return " " + "|".join(str(choice.value) for choice in type(option.default))
    return f" {option.metavar or max(option.opts, key=len).lstrip('-').upper()}"
