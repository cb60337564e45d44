"""`holdfast runs`: the log of runs, one run in full, and the map of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import selecting
from holdfast.cli.calling import call
from holdfast.cli.options import Json, SessionId, examples, group
from holdfast.cli.output import ago, say, say_json, say_table, short_ids, terminal_width
from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.run_log import RUN_SORTS
from holdfast.core.domain.text import sanitize_line

if TYPE_CHECKING:
    from holdfast.core.domain.run_log import RunEntry, RunMap, RunReport, RunsFound
    from holdfast.core.services.workbench import Workbench

app = group("Look into the log of runs: what was asked and answered, what it took and what it cost.")

_WORDS = ", ".join(sort.replace("_", "-") for sort in RUN_SORTS)
_PAGE = 1_000

RunId = Annotated[str, typer.Argument(metavar="RUN", help="An id, its start, or `last`.")]


@app.command(
    "list",
    epilog=examples(
        "holdfast runs list --agent researcher --sort credits",
        "holdfast runs list --search oslo --limit 20",
        "holdfast runs list --sort response-time --json",
    ),
)
def list_runs(
    agent: Annotated[str | None, typer.Option(metavar="NAME", help="Only of this agent.")] = None,
    session: Annotated[str | None, typer.Option(metavar="SESSION", help="Only of this session.")] = None,
    search: Annotated[
        str, typer.Option(metavar="WORDS", help="Only with these words in the prompt or the agent's name.")
    ] = "",
    sort: Annotated[str, typer.Option(metavar="COLUMN", help=f"Sort by {_WORDS}.")] = "time",
    reverse: Annotated[bool, typer.Option("--reverse", help="The other way round.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most runs to show.")] = 50,
    page: Annotated[int, typer.Option(min=1, help="Which page of that many.")] = 1,
    as_json: Json = False,
) -> None:
    """List runs: the latest, the largest or the slowest first, agents from A on."""
    column = sort.replace("-", "_")
    if column not in RUN_SORTS:
        raise InvalidError(f"runs are not sorted by {sort!r}; there are: {_WORDS}")

    async def read(workbench: Workbench) -> RunsFound:
        of = (await selecting.session(workbench, session)).id if session else None
        return await workbench.runs.search(
            search,
            agent,
            of,
            sort=column,
            descending=(column != "agent") != reverse,
            offset=(page - 1) * limit,
            limit=limit,
        )

    found = call(read)
    if as_json:
        say_json(found)
        return
    ids = short_ids(entry.id for entry in found.runs)
    none = (
        "No run fits."
        if agent or session or search
        else "No run yet; `holdfast run AGENT MESSAGE` makes one."
    )
    say_table(
        ("ID", "WHEN", "AGENT", "STATUS", "TOOK", "CREDITS", "COST", "TOOLS", "PROMPT"),
        [(ids[entry.id], *_cells(entry)) for entry in found.runs],
        empty=none,
    )
    left = found.total - (page - 1) * limit - len(found.runs)
    if left > 0 and found.runs:
        say(f"{left:,} more; `--page {page + 1}` shows the next.")


def _cells(entry: RunEntry) -> tuple[str, ...]:
    from holdfast.tui.presenters.figures import cost, duration  # start-up time: `--help` needs none of it

    usage = entry.usage
    return (
        ago(entry.started_at),
        entry.agent_name or entry.agent,
        entry.status.value,
        "" if entry.response_ms is None else duration(entry.response_ms),
        f"{entry.credits:,.3g}" if entry.credits else "",
        cost(usage.cost_usd, usage.unpriced) if usage.cost_usd or usage.unpriced else "",
        f"{entry.tools} {duration(entry.tool_ms)}" if entry.tools else "",
        entry.prompt if entry.logged else "(not logged)",
    )


@app.command(epilog=examples("holdfast runs show last", "holdfast runs show 3f2a --json"))
def show(run: RunId, as_json: Json = False) -> None:
    """Show a run in full: prompt, response, and what each step, tool and approval took."""

    report = call(lambda workbench: _report(workbench, run))
    if as_json:
        say_json(report)
        return
    from holdfast.tui.presenters.run_report import report_lines  # start-up time: `--help` needs none of it
    from holdfast.tui.presenters.spans import plain

    say(plain(report_lines(report, report.run)))


async def _report(workbench: Workbench, text: str) -> RunReport:
    """Returns the run that `text` names: its id, or the start of the id of one of the latest."""
    if text != selecting.LAST:
        try:
            return await workbench.runs.report(text)
        except NotFoundError:
            pass  # not a whole id: perhaps the start of one, or there is none, which `pick` says
    found = await workbench.runs.search(limit=_PAGE)
    return await workbench.runs.report(selecting.pick(text, [entry.id for entry in found.runs], "logged run"))


@app.command("map", epilog=examples("holdfast runs map last", "holdfast runs map 3f2a --json"))
def draw(session: SessionId, as_json: Json = False) -> None:
    """Draw a session as a graph: its last runs with their steps, tools, approvals and sub-agents."""

    async def read(workbench: Workbench) -> RunMap:
        return await workbench.runs.map((await selecting.session(workbench, session)).id)

    found = call(read)
    if as_json:
        say_json(found)
        return
    from holdfast.tui.presenters.session_map import SessionMapState, as_text  # start-up time, as above

    state = SessionMapState(session_id=found.session_id)
    state.take(found)
    if not found.runs:
        say("Nothing has happened in this session yet.")
        return
    say(f"{sanitize_line(found.title)}\n{as_text(state, terminal_width() or 120)}")
