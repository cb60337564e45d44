"""Adding a provider of models: tested first, then kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from holdfast.cli.calling import call
from holdfast.cli.output import say, warn

if TYPE_CHECKING:
    from holdfast.core.domain.providers import ProviderCheck
    from holdfast.core.services.workbench import Workbench

_GOOD = ("right", "untested")


def add_provider(provider: str, key: str, url: str | None, *, test: bool, keep: bool) -> None:
    """Keeps a provider's key and address when a test shows that they work, and says so. Exits with 1, having
    kept nothing, when it shows that they do not, unless `keep`."""

    async def add(workbench: Workbench) -> tuple[ProviderCheck | None, str]:
        found = await workbench.keys.check_provider(provider, key or None, url) if test else None
        if found is not None and found.state not in _GOOD and not keep:
            return found, ""
        if url is not None:
            await workbench.keys.set_address(provider, url)
        where = await workbench.keys.set_provider(provider, key) if key else ""
        return found, f"stored in the {where}" if where else f"its address is kept: {url}"

    found, kept = call(add)
    if found is not None:
        (say if found.state in _GOOD else warn)(found.message)
    if not kept:
        warn("Nothing was stored; --keep stores it all the same.")
        raise typer.Exit(1)
    say(kept)


def report(found: ProviderCheck) -> None:
    """Says what came of a test. Exits with 1 when it failed."""
    good = found.state in _GOOD
    (say if good else warn)(found.message)
    if not good:
        raise typer.Exit(1)
