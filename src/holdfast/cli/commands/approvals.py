"""`holdfast approvals`: see and decide what waits for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import selecting
from holdfast.cli.calling import call
from holdfast.cli.commands import rules
from holdfast.cli.editing import parse_arguments
from holdfast.cli.options import ApprovalId, ApprovalIds, Json, group
from holdfast.cli.output import advise, ago, say, say_fields, say_json, say_table, short_ids
from holdfast.cli.previews import preview_lines
from holdfast.cli.running.forms import choice_words, given_form, question_text
from holdfast.cli.times import day_of

if TYPE_CHECKING:
    from holdfast.core.domain.approvals import Approval, Decision
    from holdfast.core.domain.errors import HoldfastError
    from holdfast.core.services.workbench import Workbench

app = group("See and decide what waits for you; the record of it, the rules that spare it, and modes.")
rules.register(app)


@app.command("list")
def list_approvals(
    every: Annotated[bool, typer.Option("--all", help="The record: decided ones too, latest first.")] = False,
    session: Annotated[str | None, typer.Option(help="Of one session only.")] = None,
    search: Annotated[
        str,
        typer.Option(metavar="WORDS", help="Of the record: words of tool, agent, subject, person, reason."),
    ] = "",
    status: Annotated[
        str | None, typer.Option(help="Of the record: approved, denied, expired, cancelled or stale.")
    ] = None,
    day: Annotated[
        str | None, typer.Option(metavar="DATE", help="Of the record: decided on 2026-11-22.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List what waits for a decision, oldest first; or the record of who decided what, when and with what."""
    if every or search or status or day:
        _list_record(session, search, status, day, as_json)
        return

    async def listed(workbench: Workbench) -> tuple[Approval, ...]:
        of = (await selecting.session(workbench, session)).id if session else None
        return await selecting.approvals(workbench, of)

    found = call(listed)
    if as_json:
        say_json(found)
        return
    ids = short_ids(a.id for a in found)
    say_table(
        ("ID", "TOOL", "SUBJECT", "AGENT", "ASKED", "WHY"),
        [(ids[a.id], a.tool, a.subject, a.agent, ago(a.requested_at), a.reason) for a in found],
        empty="Nothing waits for your approval.",
    )


def _list_record(
    session: str | None, search: str, status: str | None, day: str | None, as_json: bool
) -> None:
    since, until = (None, None) if day is None else day_of(day)

    async def listed(workbench: Workbench) -> tuple[Approval, ...]:
        of = (await selecting.session(workbench, session)).id if session else None
        return await selecting.record(workbench, search, status, since, until, of)

    found = call(listed)
    if as_json:
        say_json(found)
        return
    ids = short_ids(a.id for a in found)
    rows = []
    for each in found:
        decision = each.decision
        by, using, scope = (
            (decision.decided_by, decision.client, decision.scope) if decision else ("", "", "")
        )
        state = f"{each.status.value}, {scope}" if scope not in ("", "once") else each.status.value
        when = ago(each.decided_at or each.requested_at)
        rows.append((ids[each.id], state, each.tool, each.subject, each.agent, by, using, when))
    headings = ("ID", "STATE", "TOOL", "SUBJECT", "AGENT", "BY", "WITH", "WHEN")
    say_table(headings, rows, empty="Nothing in the record fits.")


@app.command()
def show(approval: ApprovalId, as_json: Json = False) -> None:
    """Show exactly what would happen."""
    found = call(lambda workbench: selecting.approval(workbench, approval))
    if as_json:
        say_json(found)
        return
    say_fields(
        [
            ("id", found.id),
            ("state", found.status.value),
            ("session", found.session_id),
            ("agent", found.agent),
            ("tool", f"{found.tool} ({found.risk.value})"),
            ("why", found.reason),
            ("rule", found.rule),
            ("decided", _decided(found)),
            (
                "expires",
                found.expires_at and f"{found.expires_at.astimezone():%F %T}, then: {found.on_expiry}",
            ),
        ]
    )
    say()
    for line in preview_lines(found):
        say(line.text)


def _decided(found: Approval) -> str:
    decision = found.decision
    if decision is None or found.decided_at is None:
        return ""
    using = f" ({decision.client})" if decision.client else ""
    reason = f": {decision.reason}" if decision.reason else ""
    return f"{found.decided_at.astimezone():%F %T} by {decision.decided_by}{using}, {decision.scope}{reason}"


@app.command()
def approve(
    approvals: ApprovalIds,
    session: Annotated[bool, typer.Option("--session", help="And what is like it, in this session.")] = False,
    always: Annotated[bool, typer.Option("--always", help="And add the rule to your policy file.")] = False,
    arguments: Annotated[
        str | None, typer.Option(metavar="JSON", help="Run it with these arguments instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Let tool calls go; each is decided on its own."""
    from holdfast.core.domain.approvals import Decision

    if session and always:
        raise typer.BadParameter("say --session or --always, not both")
    if arguments is not None and len(approvals) > 1:
        raise typer.BadParameter("--arguments are those of one call")
    scope = "always" if always else "session" if session else "once"
    edited = None if arguments is None else parse_arguments(arguments)
    _decide(approvals, Decision(outcome="approve", scope=scope, arguments=edited), as_json)


@app.command()
def deny(
    approvals: ApprovalIds,
    reason: Annotated[str, typer.Option(help="Why; the model sees it.")] = "",
    as_json: Json = False,
) -> None:
    """Refuse tool calls; each is decided on its own."""
    from holdfast.core.domain.approvals import Decision

    _decide(approvals, Decision(outcome="deny", reason=reason), as_json)


def _decide(names: list[str], decision: Decision, as_json: bool) -> None:
    """Decides each of the named approvals. One that cannot be decided hinders no other; then the exit
    status is 1."""
    from holdfast.core.domain import errors

    async def decided(workbench: Workbench) -> tuple[list[Approval], list[HoldfastError], str]:
        # All are looked for first, so that a wrong name decides nothing, and `last` is one thing throughout.
        found = {each.id: each for each in [await selecting.approval(workbench, name) for name in names]}
        done, failed = [], []
        for each in found.values():
            try:
                done.append(await workbench.approvals.decide(each.id, decision))
            except errors.HoldfastError as error:
                if len(found) == 1:
                    raise
                failed.append(error)
        return done, failed, await workbench.approvals.policy_path()

    done, failed, policy = call(decided)
    if as_json:
        say_json(done[0] if len(done) == 1 and not failed else done)
    for each in done if not as_json else ():
        say(f"{'approved' if decision.outcome == 'approve' else 'denied'} {each.tool} {each.subject}")
        if decision.scope == "always":
            say(f"rule added to {policy}: {each.rule}")
    for error in failed:
        advise(f"holdfast: {error.message}")
    if failed:
        raise typer.Exit(1)


@app.command()
def questions(as_json: Json = False) -> None:
    """List the questions of agents that wait for an answer."""
    found = call(selecting.questions)
    if as_json:
        say_json(found)
        return
    ids = short_ids(q.id for q in found)
    say_table(
        ("ID", "QUESTION", "CHOICES"),
        [(ids[q.id], question_text(q), " | ".join(choice_words(q))) for q in found],
        empty="No question waits for an answer.",
    )


@app.command()
def answer(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="An id, its start, or `last`.")],
    text: Annotated[str, typer.Argument(help="The answer in words; none for a form.")] = "",
    field: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Of a form: the value of a field; more than once for more."),
    ] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Of an address: it is done there.")] = False,
    decline: Annotated[bool, typer.Option("--decline", help="Of a form or an address: decline it.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Of a form or an address: put it away.")] = False,
) -> None:
    """Answer an agent's question, or the form of an MCP server."""

    async def answered(workbench: Workbench) -> str:
        found = await selecting.question(workbench, question)
        acts = [name for name, on in (("accept", accept), ("decline", decline), ("cancel", cancel)) if on]
        given = given_form(found, text, field or [], acts)
        if given is None:
            await workbench.runs.answer(found.id, text)
        else:
            await workbench.runs.answer(found.id, "", given.action, given.fields or None)
        return found.text

    say(f"answered: {call(answered)}")
