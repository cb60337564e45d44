"""Rules and the record of decisions: list, add after a look, take out and bring back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.core.domain.approvals import Verdict
from holdfast.core.domain.errors import ForbiddenError, HoldfastError, NotFoundError
from holdfast.core.domain.values import all_items
from holdfast.tui.control.base import Context
from holdfast.tui.control.sessions import SessionsControl
from holdfast.tui.presenters.choices import Choice
from holdfast.tui.presenters.policy import (
    ADD,
    record_choices,
    rule_choices,
    rule_text,
    suggestion_hint,
    weight_lines,
)
from holdfast.tui.presenters.spans import line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from holdfast.core.domain.events import LoggedEvent
    from holdfast.core.domain.rules import RuleEntry

RECORD = 500
"""So many of the last decisions are listed; the command line finds older ones."""


class PolicyControl:
    """What a person does with rules."""

    def __init__(self, context: Context, sessions: SessionsControl) -> None:
        self._context = context
        self._sessions = sessions
        self._removed: list[RuleEntry] = []
        """What was taken out here, the latest last."""
        self._told: set[str] = set()
        """Suggestions that were told; each is told once."""
        self.actions: dict[str, Callable[[str], Awaitable[None]]] = {
            "rules": self.rules,
            "rules.undo": self.undo,
            "record": self.record,
        }

    def take(self, logged: LoggedEvent) -> None:
        """Looks for a suggestion when something was approved by hand."""
        event = logged.event
        if event.type != "approval.resolved" or event.status != "approved":
            return
        decision, may = event.decision, self._context.model.may_always
        if may and decision is not None and decision.scope != "always" and not decision.reason:
            self._context.app.work(self._suggest, "suggest")

    async def _suggest(self) -> None:
        for each in await self._context.workbench.approvals.suggestions():
            if each.weight.rule not in self._told:
                self._told.add(each.weight.rule)
                self._context.view.say(suggestion_hint(each))
                return

    async def rules(self, text: str = "") -> None:
        """Lists the rules; with `text` weighs that rule, to be saved. Goes on until the person leaves it."""
        if text:
            await self._add(text)
            return
        model, approvals = self._context.model, self._context.workbench.approvals
        while True:
            entries = await approvals.sources(model.session_id)
            suggested = await approvals.suggestions() if model.may_always else ()
            choices = rule_choices(entries, suggested, model.may_always)
            if not choices:
                choices = [_nothing()]
            chosen = await self._context.app.dialogs.choose(
                "Rules: what is allowed, asked and denied", choices
            )
            if chosen is None:
                return
            if chosen == ADD:
                await self._add("")
            elif chosen.startswith("+"):
                await self._add(suggested[int(chosen[1:])].weight.rule)
            else:
                await self._remove(entries[int(chosen[1:])])

    async def _add(self, rule: str) -> None:
        """Asks for the rule, which can be changed until it is right, shows what it would let through, and
        saves it when that is wanted."""
        self._may_change()
        dialogs, approvals = self._context.app.dialogs, self._context.workbench.approvals
        question = "The rule, as it is saved. It allows without asking:"
        while True:
            wanted = await dialogs.ask_or_none(question, rule)
            if not wanted:
                return
            try:
                weight = await approvals.weigh(wanted)
            except HoldfastError as error:
                question, rule = error.message, wanted
                continue
            about = weight_lines(weight)
            choices = [
                Choice("change", line("change it first"), about, "change"),
                Choice("save", line(("save  ", "strong"), f"allow: {rule_text(weight.rule)}"), about, "save"),
            ]
            chosen = await dialogs.choose("This rule would be added to your policy", choices)
            if chosen == "save":
                break
            if chosen is None:
                return
            rule = wanted
        await approvals.add_rule(weight.rule)
        path = await approvals.policy_path()
        self._context.view.say(f"{path} now has the rule  allow: {rule_text(weight.rule)}")

    async def _remove(self, entry: RuleEntry) -> None:
        approvals = self._context.workbench.approvals
        if entry.origin == "session":
            await approvals.drop_grants(entry.where, (entry.rule,))
            self._context.view.say(f"Not granted in this session any more: {rule_text(entry.rule)}")
            return
        self._may_change()
        if entry.verdict is not Verdict.ALLOW:  # without it more is let through
            question = f"Take out  {entry.verdict.value}: {entry.rule} ?"
            if not await self._context.app.dialogs.confirm(question, "take it out"):
                return
        await approvals.remove_rule(entry.rule, entry.verdict)
        self._removed.append(entry)
        self._context.view.say(
            f"Taken out  {entry.verdict.value}: {rule_text(entry.rule)}   /undorule brings it back"
        )

    async def undo(self, _: str = "") -> None:
        """Brings back the rule that was taken out last."""
        if not self._removed:
            raise NotFoundError("No rule was taken out here.")
        entry = self._removed[-1]
        await self._context.workbench.approvals.add_rule(entry.rule, entry.verdict)
        self._removed.pop()
        self._context.view.say(f"Back again  {entry.verdict.value}: {rule_text(entry.rule)}")

    async def record(self, _: str = "") -> None:
        """Lists who decided what, when and with what; opens the session of the one that is chosen."""
        model, approvals = self._context.model, self._context.workbench.approvals
        found = await all_items(lambda limit, cursor: approvals.history(limit=limit, cursor=cursor), RECORD)
        titles = {each.session_id: model.sessions.title(each.session_id) for each in found}
        choices = record_choices(found, titles, self._context.app.start.now()) or [_nothing()]
        title = "Decisions, latest first: tool, agent, outcome, day (2026-11-22), who"
        chosen = await self._context.app.dialogs.choose(title, choices)
        if chosen is not None:
            await self._sessions.open(chosen)

    def _may_change(self) -> None:
        if not self._context.model.may_always:
            raise ForbiddenError("Rules that stay need a key of scope `admin`.", code="scope_missing")


def _nothing() -> Choice:
    return Choice("", line(("nothing yet", "muted")), [line("There is nothing here yet.")], "", valid=False)
