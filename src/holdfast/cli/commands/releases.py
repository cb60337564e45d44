"""`holdfast releases`: versions of the program that people use with this engine."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.cli.calling import call
from holdfast.cli.options import Json, examples, group
from holdfast.cli.output import ago, say, say_json, say_table
from holdfast.core.domain.errors import InvalidError

app = group("Tell a program's updater, and who downloads it, of releases.")

Version = Annotated[str, typer.Argument(metavar="VERSION", help="As 1.2.3.")]
Files = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PLATFORM=URL", help="What people install, as darwin-aarch64=https://…; repeatable."
    ),
]


@app.callback()
def releases() -> None:
    """Tell a program's updater, and who downloads it, of releases."""


@app.command("list")
def list_releases(as_json: Json = False) -> None:
    """List the releases, the newest first."""
    found = call(lambda workbench: workbench.releases.list())
    if as_json:
        say_json(found)
        return
    say_table(
        ("VERSION", "SINCE", "PLATFORMS"),
        [
            (each.version, ago(each.published_at), " ".join(one.platform for one in each.artifacts))
            for each in found
        ],
        empty="There is none; `holdfast releases add VERSION` or `holdfast releases import` adds one.",
    )


@app.command(epilog=examples("holdfast releases add 1.2.3 --file darwin-aarch64=https://example.org/app.dmg"))
def add(
    version: Version,
    file: Files = None,
    notes: Annotated[str, typer.Option(metavar="TEXT", help="What is new.")] = "",
    as_json: Json = False,
) -> None:
    """Tell of a release."""
    from holdfast.core.domain.releases import NewRelease

    artifacts = [
        {"platform": platform, "installer_url": url}
        for platform, _, url in (each.partition("=") for each in file or ())
    ]
    try:
        if not all(each["installer_url"] for each in artifacts):
            raise ValueError("a file without an address")
        wanted = NewRelease.model_validate({"version": version, "notes": notes, "artifacts": artifacts})
    except ValueError as error:
        raise InvalidError("A release has a version as 1.2.3, and files as PLATFORM=URL.") from error
    made = call(lambda workbench: workbench.releases.add(wanted))
    if as_json:
        say_json(made)
        return
    say(f"added {made.version}")


@app.command("import")
def import_newest(as_json: Json = False) -> None:
    """Take over the newest release of the repository that the setting `releases.repository` names."""
    made = call(lambda workbench: workbench.releases.import_newest())
    if as_json:
        say_json(made)
        return
    say(f"the newest release is {made.version}")


@app.command()
def remove(version: Version) -> None:
    """Tell of a release no more."""
    call(lambda workbench: workbench.releases.remove(version))
    say(f"removed {version}")
