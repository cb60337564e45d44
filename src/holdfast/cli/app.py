"""The Typer program. Commands are named here and imported one by one, each when it is asked for."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from holdfast import __version__
from holdfast.cli.opening import open_tui

COMMANDS = {
    "attach": "Open the workbench on an engine elsewhere.",
    "login": "Sign in to an engine elsewhere with an account.",
    "logout": "End a login that is kept for an engine elsewhere.",
    "serve": "Open the engine to other programs and machines.",
    "web": "Open the workbench to browsers, for those who have a key.",
    "acp": "Work with every agent from an editor (Agent Client Protocol).",
    "chat": "Talk with an agent, in the app or line by line.",
    "demo": "Show in two minutes what Holdfast does; nothing of it stays.",
    "run": "Ask an agent and stream its reply to stdout.",
    "agents": "List, show, check and write agents.",
    "sessions": "List, search, keep in order, export, import, fork and delete sessions.",
    "trash": "Bring back what was deleted, or delete it for good.",
    "approvals": "See and decide what waits for you; the record of it, the rules that spare it, and modes.",
    "files": "See what agents made; undo and redo a run's changes.",
    "knowledge": "Give agents your documents: collections, and searches in them.",
    "jobs": "Follow, cancel and retry long work, such as taking documents in.",
    "memory": "See and change what agents remember beyond a session.",
    "tools": "See the tools that agents can have; run one directly; make tools of your own.",
    "skills": "List, show, install, edit and remove skills: instructions that agents load on demand.",
    "prompts": "List, show, write, fill in and run prompts: messages that are sent by name.",
    "mcp": "Add MCP servers, whose tools agents can have; be one, whose tools are agents.",
    "models": "See the models that can be used.",
    "runs": "See the log of runs: prompts, responses, times and costs; a session as a map.",
    "usage": "See what runs have used, in tokens and money, and limit it.",
    "credits": "See and set the credits that agents with a plan are charged in, and what models cost.",
    "keys": "Make and revoke keys to Holdfast; store those of model providers.",
    "users": "Add, change and remove users; give them passwords.",
    "accounts": "How people sign in: passwords, accounts that they make themselves, mail.",
    "oauth": "Let people sign in to other programs with Holdfast, by OAuth 2.0.",
    "hooks": "Have rules, people and programs look at runs, tool calls and replies on their way.",
    "webhooks": "Send signed events to other programs over HTTP.",
    "objects": "Keep files that who knows their address may fetch.",
    "releases": "Tell a program's updater, and who downloads it, of releases.",
    "trust": "Trust the agents of a project folder, or stop to.",
    "settings": "See and change settings: what holds, and where that comes from.",
    "engine": "The background process: its status, its log, its end and restart.",
    "doctor": "Check the installation, and repair what can be repaired.",
}
"""Name and help of each command; `app` in `holdfast.cli.commands.NAME` is its Typer program."""


@cache
def _command(name: str) -> Any:
    return get_command(import_module(f"holdfast.cli.commands.{name}").app)


class LazyGroup(TyperGroup):
    """A group that knows its commands by name and imports the one that is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        self.commands[cmd_name] = _command(cmd_name)
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        for name in COMMANDS if args and args[0] not in COMMANDS else ():
            self.get_command(ctx, name)  # a name that is not known: load all, so that Typer finds the nearest
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(
    cls=LazyGroup,
    invoke_without_command=True,
    # Rich would double the time of `--help`, and reads brackets in help texts as markup.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit status: 0 done, 1 failed, 2 wrong usage or invalid agent, 3 an approval waits,"
    " 130 interrupted.",
)


@app.callback()
def root(
    context: typer.Context,
    session: Annotated[str | None, typer.Option(help="Open this session; `last` is the latest.")] = None,
    agent: Annotated[str | None, typer.Option(help="Start with this agent.")] = None,
    model: Annotated[str | None, typer.Option(help="Use this model.")] = None,
    in_process: Annotated[bool, typer.Option("--in-process", help="Host the engine in the app.")] = False,
    version: Annotated[bool, typer.Option("--version", "-V", help="Print the version.")] = False,
) -> None:
    """The terminal workbench for agents. Without a command it opens the workbench."""
    if version:
        print(f"holdfast {__version__}")
        raise typer.Exit
    given = {"session": session, "agent": agent, "model": model, "in_process": in_process}
    options = {name: value for name, value in given.items() if value}
    if context.invoked_subcommand is None:
        raise typer.Exit(open_tui(options))
    if options:
        raise typer.BadParameter("these options open the workbench: give them without a command, or after it")


def run_app(args: list[str]) -> int:
    """Runs the command that `args` names and returns its exit status."""
    try:
        get_command(app).main(args=args, prog_name="holdfast")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0
