"""Agents out of other systems' files."""

from __future__ import annotations

from pathlib import Path

from holdfast.cli.calling import call
from holdfast.cli.output import say, warn
from holdfast.cli.reading import read_text
from holdfast.core.domain.errors import InvalidError
from holdfast.server.dialects.dexto.mapping_config import Converted, converted, read_config, slug
from holdfast.server.dialects.dexto.saving import make_agent
from holdfast.server.kit.yaml_text import yaml_text


def import_dexto(file: str, name: str, *, dry_run: bool) -> None:
    """Makes an agent of one of Dexto's files, and says what of it has no counterpart. Raises `InvalidError`
    with every mistake in the file."""
    config, mistakes = read_config(read_text(file))
    if config is None:
        said = "\n".join(
            f"  {one.line}:{one.column}  {one.path or 'file'}: {one.message}" for one in mistakes
        )
        raise InvalidError(f"{file} is no agent file of Dexto's:\n{said}", code="agent_invalid_config")
    found = converted(config)
    values = {"version": 1, **found.values, "name": name or found.values.get("name") or slug(Path(file).stem)}
    if dry_run:
        say(yaml_text(values).rstrip())
    else:
        made = call(lambda workbench: make_agent(workbench, values, found))
        say(f"imported {made.name}: {made.path}")
    _report(found)


def _report(found: Converted) -> None:
    for one in found.left_out:
        warn(f"left out {one.path}: {one.reason}")
    for server in found.servers:
        for secret in server.missing:
            warn(f"set the secret of a server: holdfast mcp secret {server.spec.name} {secret}")
