"""`holdfast models`: the models that can be used, and those of one's own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.calling import call
from holdfast.cli.hidden import ask_hidden
from holdfast.cli.options import Json, examples, group, whole
from holdfast.cli.output import amount, counted, say, say_fields, say_json, say_table, warn

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from holdfast.core.domain.own_models import OwnModel, OwnModelCheck, OwnModelState, Tried
    from holdfast.core.services.workbench import Workbench

app = group("See the models that can be used, and add your own.")

ModelName = Annotated[str, typer.Argument(metavar="NAME", help="Without `own/` or `local/` before it.")]
Private = Annotated[bool, typer.Option("--private", help="For an administrator: that only you have.")]
ModelFileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="A GGUF file of the engine's machine.")
]


@app.callback()
def models() -> None:
    """See the models that can be used, and add your own."""


@app.command("list")
def list_models(
    available: Annotated[bool, typer.Option("--available", help="Only those that can be used now.")] = False,
    as_json: Json = False,
) -> None:
    """List models with their windows and prices."""
    found = [m for m in call(lambda workbench: workbench.models.list()) if m.available or not available]
    if as_json:
        say_json(found)
        return
    say_table(
        ("MODEL", "PROVIDER", "WINDOW", "$/M IN", "$/M OUT", "READY", "NOTE"),
        [
            (
                m.name,
                m.provider,
                f"{m.context_window:,}" if m.context_window else "",
                _price(m.input_usd_per_million),
                _price(m.output_usd_per_million),
                "yes" if m.available else "no",
                m.note,
            )
            for m in found
        ],
        empty="No model is known.",
    )


@app.command("own")
def list_own(as_json: Json = False) -> None:
    """List the models of your own: on servers, behind gateways, and in files."""
    found = call(lambda workbench: workbench.models.own())
    if as_json:
        say_json(found)
        return
    say_table(
        ("MODEL", "KIND", "WHERE", "KEY", "WHOSE", "NOTE"),
        [
            (
                each.model.full_name,
                each.model.kind,
                _where(each.model),
                "yes" if each.model.has_key else "",
                "yours" if each.model.private else "all",
                each.problem or _note(each),
            )
            for each in found
        ],
        empty="There is none; `holdfast models add NAME --url URL` or `--file FILE` adds one.",
    )


@app.command(
    epilog=examples(
        "holdfast models add qwen --url http://127.0.0.1:8080/v1",
        "holdfast models add tiny --file ~/models/tiny.gguf --window 8192",
        "holdfast models add llama3:8b --ollama --url http://gpu-box:11434",
        "holdfast models add sonnet --of openrouter/anthropic/claude-sonnet-4.5 --key",
    )
)
def add(
    name: ModelName,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="Of a server with OpenAI's API, or of an Ollama.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A GGUF file, which the engine runs itself.")
    ] = None,
    ollama: Annotated[bool, typer.Option("--ollama", help="It is a model of an Ollama.")] = False,
    of: Annotated[
        str,
        typer.Option(metavar="PROVIDER/MODEL", help="A provider's model, with a key or limits of its own."),
    ] = "",
    model: Annotated[str, typer.Option(metavar="NAME", help="What the server calls it; default: NAME.")] = "",
    title: Annotated[str, typer.Option(metavar="TEXT", help="What people are shown.")] = "",
    window: Annotated[
        int | None, typer.Option(metavar="TOKENS", min=1, help="How long a conversation may be.")
    ] = None,
    most: Annotated[
        int | None, typer.Option("--max-output", metavar="TOKENS", min=1, help="How long a reply may be.")
    ] = None,
    key: Annotated[
        bool, typer.Option("--key", help="Read its key from a hidden prompt, or from stdin.")
    ] = False,
    private: Private = False,
) -> None:
    """Add a model of your own, or replace the one of its name. Runs name it `own/NAME`, or `local/NAME` in a
    file. An administrator's is for all users, unless it is private; anybody else's is private."""
    from holdfast.core.domain.errors import InvalidError
    from holdfast.core.domain.own_models import OwnModel

    if sum((file is not None, ollama, bool(of), url is not None and not ollama)) != 1:
        raise InvalidError("say where it is: one of --url, --file, --ollama and --of")
    kind = "file" if file is not None else "ollama" if ollama else "provider" if of else "server"
    said = {"name": name, "kind": kind, "url": url or "", "path": whole(file) or "", "model": of or model}
    more = {"display_name": title, "context_window": window, "max_output_tokens": most}
    try:
        wanted = OwnModel.model_validate({**said, **more})
    except ValueError as error:
        raise InvalidError(f"{name!r} cannot be a model's name: letters, digits and ._:/@+()-") from error
    secret = _read_key(name) if key else None
    kept = call(lambda workbench: workbench.models.keep(wanted, secret, private or None))
    say(f"added {kept.full_name}")


@app.command()
def remove(
    name: ModelName,
    file: Annotated[bool, typer.Option("--file", help="Delete its file from the disk, too.")] = False,
    private: Private = False,
) -> None:
    """Remove a model of your own, with its key. A file stays where it is."""
    done = call(lambda workbench: workbench.models.forget(name, file, private or None))
    say(f"removed {name}" + (" and its file" if done.file_deleted else ""))


@app.command()
def probe(name: ModelName, as_json: Json = False) -> None:
    """Ask a model on a server of your own what it can do; each answer may cost a little."""
    from holdfast.core.domain.errors import NotFoundError

    def asked(workbench: Workbench) -> Awaitable[OwnModelCheck]:
        async def ask() -> OwnModelCheck:
            found = [each.model for each in await workbench.models.own() if each.model.name == name]
            if not found:
                raise NotFoundError(f"No model of your own is called {name!r}.", code="own_model_not_found")
            return await workbench.models.check(found[0], None, ("images", "structured"))

        return ask()

    found = call(asked)
    if as_json:
        say_json(found)
    else:
        rows = (("answers", found.connection), ("sees images", found.images), ("JSON", found.structured))
        say_fields([(what, _tried(tried)) for what, tried in rows if tried is not None])
    if not found.connection.supported:
        raise typer.Exit(1)


def _tried(tried: Tried) -> str:
    return f"{'yes' if tried.supported else 'no'}: {tried.response}".removesuffix(": ")


@app.command()
def check(path: ModelFileArgument, as_json: Json = False) -> None:
    """Say what a GGUF file holds, and whether it can be run."""
    found = call(lambda workbench: workbench.models.check_file(whole(path) or ""))
    if as_json:
        say_json(found)
        return
    say_fields(
        [
            ("file", found.path),
            ("size", amount(found.size_bytes)),
            ("model", found.title),
            ("architecture", found.architecture),
            ("made for", f"{found.context_length:,} tokens" if found.context_length else ""),
            ("tools", "yes" if found.takes_tools else "no"),
        ]
    )


@app.command()
def known(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="As openrouter/VENDOR/MODEL, or a name.")],
    as_json: Json = False,
) -> None:
    """Say whether a model is known, also one behind a gateway; nobody is asked."""
    found = call(lambda workbench: workbench.models.look_up(model))
    if as_json:
        say_json(found)
        return
    info = found.info
    window = f"{info.context_window:,} tokens" if info is not None and info.context_window else ""
    prices = (info.input_usd_per_million, info.output_usd_per_million) if info is not None else (None, None)
    say_fields(
        [
            ("model", found.model),
            ("state", found.state.replace("_", " ")),
            ("window", window),
            ("$/M in", _price(prices[0])),
            ("$/M out", _price(prices[1])),
            ("note", found.message),
        ]
    )


@app.command()
def ollama(
    url: Annotated[
        str | None, typer.Argument(metavar="URL", help="Where it is; default: the one that is used.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the models of an Ollama."""
    found = call(lambda workbench: workbench.models.ollama(url))
    if as_json:
        say_json(found)
        return
    if not found.available:
        warn(found.problem)
        raise typer.Exit(1)
    say_table(
        ("MODEL", "SIZE", "DIGEST"),
        [
            (each.name, amount(each.size_bytes) if each.size_bytes is not None else "", each.digest[:12])
            for each in found.models
        ],
        empty="It has no model; `ollama pull NAME` gets one.",
    )
    say(f"Ollama {found.version} at {found.url} has {counted(len(found.models), 'model')}")


def _where(model: OwnModel) -> str:
    return model.path or model.url or model.model


def _note(state: OwnModelState) -> str:
    return state.model.display_name or (amount(state.file.size_bytes) if state.file is not None else "")


def _read_key(name: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    return ask_hidden(f"Key of {name}: ")


def _price(usd: float | None) -> str:
    return "" if usd is None else f"{usd:.2f}"
