"""`holdfast doctor`: checks the installation."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.cli.calling import call
from holdfast.cli.doors import doors
from holdfast.cli.options import Json, single
from holdfast.cli.output import say, say_json, say_table
from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.status import CheckResult

app = single()


@app.command()
def doctor(
    repair: Annotated[bool, typer.Option("--repair", help="Repair what can be repaired.")] = False,
    as_json: Json = False,
) -> None:
    """Check database, index, files, sockets, permissions and models; exit status 1 when one is broken."""
    found = doors().check_offline(repair)
    if not _broken(found):  # an engine cannot start in a broken home
        found = _merged(found, _check_engine(repair))
    if as_json:
        say_json(found)
    else:
        say_table(("CHECK", "STATE", "RESULT"), [(c.name, c.state, c.message) for c in found], empty="")
        for check in found:
            if check.hint and check.state in ("warning", "error"):
                say(f"{check.name}: {check.hint}")
    if _broken(found):
        raise typer.Exit(1)


def _check_engine(repair: bool) -> list[CheckResult]:
    try:
        return list(call(lambda workbench: workbench.engine.check(repair), own=True))
    except HoldfastError as error:
        return [
            CheckResult(
                name="engine",
                state="error",
                message=error.message,
                hint="`holdfast engine logs` shows its log",
            )
        ]


def _merged(here: list[CheckResult], engine: list[CheckResult]) -> list[CheckResult]:
    """The engine looks at the home too: what it finds in order a second time is not said twice."""
    names = {check.name for check in here}
    return [*here, *(check for check in engine if check.state != "ok" or check.name not in names)]


def _broken(found: list[CheckResult]) -> bool:
    return any(check.state == "error" for check in found)
