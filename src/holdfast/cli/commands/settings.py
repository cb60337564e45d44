"""`holdfast settings`: what holds, where that comes from, and changes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli.calling import call
from holdfast.cli.options import Json, group
from holdfast.cli.output import advise, say, say_fields, say_json, say_table, warn
from holdfast.cli.places import is_elsewhere

if TYPE_CHECKING:
    from holdfast.core.domain.configuring import Setting, SettingsReport

app = group("See and change settings: what holds, and where that comes from.")

Key = Annotated[str, typer.Argument(metavar="KEY", help="Such as `tui.theme`; `list` shows all.")]


@app.command("list")
def list_settings(
    words: Annotated[list[str] | None, typer.Argument(help="Only those with these words.")] = None,
    changed: Annotated[bool, typer.Option("--changed", help="Only those that are no default.")] = False,
    as_json: Json = False,
) -> None:
    """List settings with what holds in this folder, and where that comes from."""
    report = _report()
    wanted = [word.casefold() for word in words or []]
    found = [
        each
        for each in report.settings
        if all(word in f"{each.key} {each.about}".casefold() for word in wanted)
        and not (changed and each.source == "default")
    ]
    if as_json:
        say_json(found)
    else:
        rows = [(each.key, shown(each.value), each.source, each.about) for each in found]
        say_table(("KEY", "VALUE", "FROM", "WHAT"), rows, empty="No setting fits.")
    _warn_of(report)


@app.command()
def get(key: Key, as_json: Json = False) -> None:
    """Show one setting: what holds, what it takes, and what it is for."""
    from holdfast.core.config.fields import leaf_of

    leaf, _ = leaf_of(key)
    report = _report()
    found = report.get(leaf.key)
    if found is None:
        raise RuntimeError("a setting that is known is not among the settings")
    if as_json:
        say_json(found)
    else:
        say_fields(
            [
                ("setting", found.key),
                ("value", shown(found.value)),
                ("from", f"{found.source}  {found.place}".strip()),
                ("default", shown(found.default)),
                ("takes", found.expected),
                ("what", found.about),
            ]
        )
    _warn_of(report)


@app.command("set")
def set_setting(
    key: Key,
    value: Annotated[str, typer.Argument(help="Lists as `a, b`, keys with values as `a: x, b: y`.")],
) -> None:
    """Write a setting into your settings file; comments and order in it stay."""
    _say_change(call(lambda workbench: workbench.engine.set_setting(key, value)))


@app.command()
def unset(key: Key) -> None:
    """Take a setting out of your settings file: what else says it holds then."""
    _say_change(call(lambda workbench: workbench.engine.unset_setting(key)))


@app.command()
def keys(as_json: Json = False) -> None:
    """List what has a key in the app, for the setting `tui.keys`."""
    from holdfast.tui.keys import KEYS, keys_of  # Textual takes time

    rows = [(key.id, ",".join(keys_of(key.id)), key.what) for key in KEYS if not (key.same or key.fixed)]
    if as_json:
        say_json([{"id": key_id, "keys": pressed, "what": what} for key_id, pressed, what in rows])
    else:
        say_table(("ID", "KEYS", "WHAT"), rows, empty="")


def shown(value: Any) -> str:
    """Returns a value as it would be given."""
    if value is None:
        return "—"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _report() -> SettingsReport:
    project = None if is_elsewhere() else str(Path.cwd())
    return call(lambda workbench: workbench.engine.describe_settings(project))


def _say_change(setting: Setting) -> None:
    say(f"{setting.key}: {shown(setting.value)}")
    if setting.key == "tui.keys":
        _warn_of_keys(setting)
    if setting.source not in ("user", "default"):
        warn(f"holdfast: {setting.place} says so, and goes before your settings file")
    if is_elsewhere() and setting.key.startswith("tui."):
        advise("holdfast: an app on this machine follows the settings of this machine")


def _warn_of_keys(setting: Setting) -> None:
    from holdfast.tui.keymap import use  # Textual takes time

    if isinstance(setting.value, dict):
        for problem in use(setting.value)[1]:
            warn(f"holdfast: {problem}")


def _warn_of(report: SettingsReport) -> None:
    for problem in report.problems:
        warn(f"holdfast: {problem}")
