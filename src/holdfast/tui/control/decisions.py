"""Decisions: approvals and questions of all sessions, answered from anywhere."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import ConflictError, HoldfastError, InvalidError, NotFoundError
from holdfast.core.domain.events import LoggedEvent
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.values import all_items
from holdfast.tui.control.base import Context
from holdfast.tui.control.batches import BatchControl
from holdfast.tui.presenters.asked import action_of, asks
from holdfast.tui.presenters.blocks import text_lines
from holdfast.tui.presenters.inbox import Item
from holdfast.tui.presenters.settled import decided_already, settled_elsewhere

if TYPE_CHECKING:
    from holdfast.core.domain.approvals import Approval
    from holdfast.core.domain.events import AnyEvent
    from holdfast.core.domain.forms import FormAction
    from holdfast.core.domain.tools import Question


class DecisionsControl:
    """Keeps the inbox and sends decisions."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._deciding: set[str] = set()
        self.batches = BatchControl(context)

    async def reload(self) -> None:
        """Asks for everything that waits."""
        model = self._context.model
        workbench = self._context.workbench
        try:
            approvals, questions = await asyncio.gather(
                all_items(lambda limit, cursor: workbench.approvals.list(limit=limit, cursor=cursor)),
                all_items(lambda limit, cursor: workbench.runs.questions(limit=limit, cursor=cursor)),
            )
            model.inbox.replace(approvals, questions, time.monotonic())
            model.inbox_error = ""
        except HoldfastError as error:
            model.inbox_error = sanitize_line(error.message)
        self._context.view.mark("inbox", "header")

    def take(self, logged: LoggedEvent) -> None:
        """Takes an event of any session into the inbox; rings the bell for what is new."""
        model, event = self._context.model, logged.event
        before = len(model.inbox)
        self._tell_of_others(event)
        new = model.inbox.apply(event, time.monotonic())
        if new is not None:
            self._context.panes.announce(new)
        if new is not None or len(model.inbox) != before:
            self._context.view.mark("inbox", "header")

    def _tell_of_others(self, event: AnyEvent) -> None:
        """Says what somebody else, or this person elsewhere, has decided while it was shown here."""
        if event.type not in ("approval.resolved", "question.answered"):
            return
        item = self._context.model.inbox.get(
            event.approval_id if event.type == "approval.resolved" else event.question_id
        )
        if item is not None and item.id not in self._deciding | self.batches.deciding:
            notice = settled_elsewhere(item, event, self._context.model.me)
            if notice:
                self._context.view.say(notice)

    async def decide(self, key: str) -> None:
        """Acts on the selected item: y, s, a, e, n, r for an approval, 1 to 9 for a question or a form."""
        item = self._context.model.deciding()
        if item is None or item.id in self._deciding:
            return
        now = time.monotonic()
        if not self._context.app.guard.admits(self._context.model.inbox.ready(now), now):
            self._context.view.say("This has just come up: look at it, then press the key again.")
            return
        if key == "g":
            await self.batches.batch()
            return
        if item.question is not None:
            choice = item.choice(int(key)) if key.isdigit() else None
            if choice is not None and item.question.acted:
                await self._act(item, item.question, action_of(item.question, int(key)))
            elif choice is not None:
                await self.answer(item, choice)
            return
        decision = await self._decision(item, key)
        if decision is not None:
            await self._send(item, decision)

    async def _decision(self, item: Item, key: str) -> Decision | None:
        """Returns the decision that a key says; None where it needs more, or was taken back."""
        model, app = self._context.model, self._context.app
        if key == "a" and not model.may_always:
            self._context.view.say(
                "A rule that stays needs a key of scope `admin`; s allows it in this session."
            )
            return None
        if key == "a" and item.rule:
            if model.confirming == item.id:
                return Decision(outcome="approve", scope="always")
            model.confirming = item.id
            self._context.view.mark("inbox")
            return None
        if key == "r":
            reason = await app.dialogs.ask(f"Deny {item.label}: why? The model sees it.", "")
            return Decision(outcome="deny", reason=reason) if reason else None
        if key == "e":
            await app.dialogs.edit_arguments(item, lambda arguments: self._try_arguments(item, arguments))
            return None
        return {
            "y": Decision(outcome="approve"),
            "s": Decision(outcome="approve", scope="session"),
            "n": Decision(outcome="deny"),
        }.get(key)

    async def _try_arguments(self, item: Item, arguments: dict[str, Any]) -> str:
        """Approves with edited arguments; returns what the engine says is wrong with them."""
        self._deciding.add(item.id)
        try:
            await self._context.workbench.approvals.decide(
                item.id, Decision(outcome="approve", arguments=arguments)
            )
        except (ConflictError, NotFoundError) as error:
            await self._gone(item, error)
        except HoldfastError as error:
            return error.message
        else:
            self._done(item)
        finally:
            self._deciding.discard(item.id)
        return ""

    async def _send(self, item: Item, decision: Decision) -> None:
        self._deciding.add(item.id)
        try:
            with self._context.awaiting():
                approval = await self._context.workbench.approvals.decide(item.id, decision)
        except (ConflictError, NotFoundError) as error:
            await self._gone(item, error)
            return
        finally:
            self._deciding.discard(item.id)
        self._done(item)
        await self._tell_rule(decision, approval)

    async def _tell_rule(self, decision: Decision, approval: Approval) -> None:
        rule = sanitize_line(approval.rule)
        if decision.scope == "always":
            path = await self._context.workbench.approvals.policy_path()
            place = self._context.app.start.place
            where = f" at {place}" if place else ""
            self._context.view.say(f"{path}{where} now has the rule  allow: {rule}")
        elif decision.scope == "session":
            self._context.view.say(f"Allowed until this session ends: {rule}")

    async def _act(self, item: Item, question: Question, action: FormAction | None) -> None:
        """Does with a form or an address what was chosen; a form is filled in first."""
        if action != "accept" or question.form is None:
            await self.answer(item, action=action)
            return
        from holdfast.tui.presenters.forms.fields import form_of  # start-up time: when a form is opened

        title, about = asks(question), text_lines(question.text)
        await self._context.app.dialogs.form(
            title, form_of(question.form), "send", lambda fields: self._send_fields(item, fields), about=about
        )

    async def _send_fields(self, item: Item, fields: dict[str, Any]) -> str | dict[str, str] | None:
        """Answers a form; returns what the engine says is wrong, by field where it says so."""
        self._deciding.add(item.id)
        try:
            await self._context.workbench.runs.answer(item.id, action="accept", fields=fields)
        except InvalidError as error:
            problems = {str(each["path"]): str(each["message"]) for each in error.details.get("problems", ())}
            return problems if "" not in problems and problems else error.message
        except (ConflictError, NotFoundError) as error:
            await self._gone(item, error)
        else:
            self._done(item)
        finally:
            self._deciding.discard(item.id)
        return None

    async def answer(self, item: Item, text: str = "", action: FormAction | None = None) -> None:
        """Answers a question in words, a form or an address with what is done with it."""
        self._deciding.add(item.id)
        try:
            with self._context.awaiting():
                await self._context.workbench.runs.answer(item.id, text, action)
        except (ConflictError, NotFoundError) as error:
            await self._gone(item, error)
            return
        finally:
            self._deciding.discard(item.id)
        self._done(item)

    def _done(self, item: Item) -> None:
        model = self._context.model
        model.confirming = None
        model.inbox.remove(item.id)
        self._context.view.mark("inbox", "header")

    async def _gone(self, item: Item, error: HoldfastError) -> None:
        """Puts away what is decided already, and says by whom where that can be known."""
        self._done(item)
        self._context.view.say(await self._by_whom(item) or error.message)

    async def _by_whom(self, item: Item) -> str:
        if item.approval is None:
            return ""
        try:
            approval = await self._context.workbench.approvals.get(item.id)
        except HoldfastError:
            return ""  # it is not known; what the engine said already is shown then
        return decided_already(approval, self._context.model.me)
