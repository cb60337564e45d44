"""Decides several approvals that a person has looked at together, each on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import ConflictError, HoldfastError, NotFoundError, UnavailableError
from holdfast.tui.control.base import Context
from holdfast.tui.presenters.batches import Batch, Fate, alike, outcome_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from holdfast.tui.presenters.inbox import Item

STALE = "approval_stale"


class BatchControl:
    """What a person does with approvals that are alike."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._open = False
        self.deciding: set[str] = set()
        """What is decided here just now."""
        self.actions: dict[str, Callable[[str], Awaitable[None]]] = {"batch": self.batch}

    async def batch(self, _: str = "") -> None:
        """Shows the marked calls, else those that are like the selected one, and decides them together."""
        from holdfast.tui.screens.batch import BatchScreen  # start-up time: when it is opened

        model, app = self._context.model, self._context.app
        if not model.header.may_send:
            self._context.view.say("This key may look, but not decide.")
            return
        items = model.inbox.marked or alike(model.inbox.items, model.inbox.selected)
        if not items:
            self._context.view.say("No call waits for your approval.")
            return
        if self._open:
            return
        titles = {item.id: model.sessions.title(item.session_id) for item in items}
        self._open = True
        try:
            screen = BatchScreen(Batch(tuple(items)), titles, app.start.now(), model.diff)
            ruling = await app.push_screen_wait(screen)
            if ruling is None:
                return
            decision = await self._decision(ruling.key, len(ruling.items))
        finally:
            self._open = False
        if decision is not None:
            await self._decide(ruling.items, decision)

    async def _decision(self, key: str, count: int) -> Decision | None:
        if key == "y":
            return Decision(outcome="approve")
        if key == "n":
            return Decision(outcome="deny")
        asked = f"Deny these {count} calls: why? The model sees it."
        reason = await self._context.app.dialogs.ask(asked, "")
        return Decision(outcome="deny", reason=reason) if reason else None

    async def _decide(self, items: tuple[Item, ...], decision: Decision) -> None:
        """Decides one after the other; an engine that is gone ends it, any other refusal is that call's."""
        model, view = self._context.model, self._context.view
        fates: list[Fate] = []
        problem = ""
        try:
            for item in items:
                fate, said = await self._one(item, decision)
                fates.append(fate)
                problem = problem or said
                model.inbox.remove(item.id)
                view.mark("inbox", "header")
        finally:
            view.say(outcome_text(decision.outcome == "approve", fates, problem))

    async def _one(self, item: Item, decision: Decision) -> tuple[Fate, str]:
        self.deciding.add(item.id)
        try:
            with self._context.awaiting():
                await self._context.workbench.approvals.decide(item.id, decision)
        except UnavailableError:
            raise
        except (ConflictError, NotFoundError) as error:
            return ("stale" if error.code == STALE else "gone"), error.message
        except HoldfastError as error:
            return "failed", error.message
        finally:
            self.deciding.discard(item.id)
        return "done", ""
