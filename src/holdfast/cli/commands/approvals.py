"""`holdfast approvals`: see and decide what waits for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli import selecting
from holdfast.cli.calling import call
from holdfast.cli.editing import parse_arguments
from holdfast.cli.options import ApprovalId, Json, group
from holdfast.cli.output import ago, say, say_fields, say_json, say_table, short_ids
from holdfast.cli.previews import preview_lines

if TYPE_CHECKING:
    from holdfast.core.domain.approvals import Approval, Decision, Rules
    from holdfast.core.services.workbench import Workbench

app = group("See and decide what waits for you.")


@app.command("list")
def list_approvals(
    every: Annotated[bool, typer.Option("--all", help="Decided ones too.")] = False,
    session: Annotated[str | None, typer.Option(help="Of one session only.")] = None,
    as_json: Json = False,
) -> None:
    """List what waits for a decision, oldest first."""

    async def listed(workbench: Workbench) -> tuple[Approval, ...]:
        of = (await selecting.session(workbench, session)).id if session else None
        return await selecting.approvals(workbench, of, pending=not every)

    found = call(listed)
    if as_json:
        say_json(found)
        return
    ids = short_ids(a.id for a in found)
    say_table(
        ("ID", "STATE", "TOOL", "SUBJECT", "AGENT", "ASKED", "WHY"),
        [
            (ids[a.id], a.status.value, a.tool, a.subject, a.agent, ago(a.requested_at), a.reason)
            for a in found
        ],
        empty="Nothing waits for your approval.",
    )


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
            (
                "expires",
                found.expires_at and f"{found.expires_at.astimezone():%F %T}, then: {found.on_expiry}",
            ),
        ]
    )
    say()
    for line in preview_lines(found):
        say(line.text)


@app.command()
def approve(
    approval: ApprovalId,
    session: Annotated[bool, typer.Option("--session", help="And what is like it, in this session.")] = False,
    always: Annotated[bool, typer.Option("--always", help="And add the rule to your policy file.")] = False,
    arguments: Annotated[
        str | None, typer.Option(metavar="JSON", help="Run it with these arguments instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Let a tool call go."""
    from holdfast.core.domain.approvals import Decision

    if session and always:
        raise typer.BadParameter("say --session or --always, not both")
    scope = "always" if always else "session" if session else "once"
    edited = None if arguments is None else parse_arguments(arguments)
    decided, policy = call(_deciding(approval, Decision(outcome="approve", scope=scope, arguments=edited)))
    if as_json:
        say_json(decided)
        return
    say(f"approved {decided.tool} {decided.subject}")
    if always:
        say(f"rule added to {policy}: {decided.rule}")


@app.command()
def deny(
    approval: ApprovalId,
    reason: Annotated[str, typer.Option(help="Why; the model sees it.")] = "",
    as_json: Json = False,
) -> None:
    """Refuse a tool call."""
    from holdfast.core.domain.approvals import Decision

    decided, _ = call(_deciding(approval, Decision(outcome="deny", reason=reason)))
    if as_json:
        say_json(decided)
    else:
        say(f"denied {decided.tool} {decided.subject}")


@app.command()
def rules(as_json: Json = False) -> None:
    """Show your policy: the rules that hold for every agent."""

    async def policy(workbench: Workbench) -> tuple[Rules, str]:
        return await workbench.approvals.rules(), await workbench.approvals.policy_path()

    found, path = call(policy)
    if as_json:
        say_json({"path": path, "rules": found})
        return
    say_table(
        ("VERDICT", "RULE"),
        [
            *(("deny", rule) for rule in found.deny),
            *(("ask", rule) for rule in found.ask),
            *(("allow", rule) for rule in found.allow),
        ],
        empty="Your policy has no rules.",
    )
    say(f"\n{path}")


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
        [(ids[q.id], q.text, " | ".join(q.choices)) for q in found],
        empty="No question waits for an answer.",
    )


@app.command()
def answer(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="An id, its start, or `last`.")],
    text: str,
) -> None:
    """Answer an agent's question."""

    async def answered(workbench: Workbench) -> str:
        found = await selecting.question(workbench, question)
        await workbench.runs.answer(found.id, text)
        return found.text

    say(f"answered: {call(answered)}")


def _deciding(approval: str, decision: Decision) -> Any:
    async def decided(workbench: Workbench) -> tuple[Approval, str]:
        found = await selecting.approval(workbench, approval)
        done = await workbench.approvals.decide(found.id, decision)
        return done, await workbench.approvals.policy_path()

    return decided
