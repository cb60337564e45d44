"""Hooks: listed in their order, added, switched off and on, removed; and what they decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.core.domain.errors import ForbiddenError, HoldfastError
from holdfast.core.domain.events import LoggedEvent
from holdfast.core.domain.hooks import HookInfo, HookType
from holdfast.tui.control.base import Context
from holdfast.tui.control.listed import ListedControl
from holdfast.tui.presenters.choices import kind_choices
from holdfast.tui.presenters.hook_form import KINDS, hook_form, hook_spec
from holdfast.tui.presenters.hooks import HooksState, HookView, hook_views

if TYPE_CHECKING:
    from holdfast.tui.control.desk import Action
    from holdfast.tui.screens.modelled import ModelScreen

LAST_EVENTS = 500
"""Events of the open session that are looked through for what hooks decided."""


class HooksControl(ListedControl[HooksState]):
    """What a person does with hooks. Nothing is asked for before somebody looks."""

    PARTS = ("hooks",)

    def __init__(self, context: Context) -> None:
        super().__init__(context, context.model.hooks)
        self.actions: dict[str, Action] = {
            "hooks": self.show,
            "hooks.new": self.new,
            "hooks.enable": self.enable,
            "hooks.remove": self.remove,
        }

    def take(self, logged: LoggedEvent) -> None:
        """Remembers what a hook decided, in any session."""
        if logged.event.type == "hook.completed":
            self._state.take(logged.event, logged.id)
            if self._looked:
                self.mark()

    # --- what is shown

    def _screen(self) -> type[ModelScreen]:
        from holdfast.tui.screens.hooks import HooksScreen  # start-up time: when it is opened

        return HooksScreen

    async def _read(self) -> None:
        """Reads the hooks, and what they decided in the open session."""
        self._state.hooks, self._state.error = hook_views(await self._hooks()), ""
        await self._read_executions()

    async def _hooks(self) -> tuple[HookInfo, ...]:
        """Returns the person's own and the agent's; only the own ones where the agent's file has mistakes."""
        hooks, model = self._context.workbench.hooks, self._context.model
        project = self._context.app.start.project or None
        try:
            return await hooks.list(project, model.agent or None)
        except HoldfastError as error:
            if error.code in ("agent_not_found", "invalid_agent"):
                return await hooks.list(project)
            raise

    async def _read_executions(self) -> None:
        session_id = self._context.model.session_id
        if session_id is None:
            return
        page = await self._context.workbench.events.page_before(session_id, limit=LAST_EVENTS)
        for logged in page.items:
            if logged.event.type == "hook.completed":
                self._state.take(logged.event, logged.id)

    # --- what is done

    async def new(self, _: str = "") -> None:
        """Adds a hook of all the person's runs, by a form."""
        dialogs = self._context.app.dialogs
        chosen = await dialogs.choose("How is the hook to decide?", kind_choices(KINDS))
        if chosen is None:
            return
        kind = HookType(chosen)
        made: list[HookInfo] = []

        async def take(filled: dict[str, Any]) -> str | dict[str, str] | None:
            spec, wrong = hook_spec(kind, filled)
            if spec is None:
                return wrong
            made.append(await self._context.workbench.hooks.add(spec))
            return None

        if await dialogs.form("Add a hook of all your runs", hook_form(kind), "add it", take):
            self._state.wanted = made[-1].hook.id or ""
            await self.show()
            self._context.view.say("The hook holds from the next run on.")

    def _own(self, hook_id: str) -> HookView | None:
        one = self._state.hook(hook_id)
        if one is not None and one.source == "agent":
            raise ForbiddenError(f"{one.title} is in the file of {one.agent}; /edit-agent changes that.")
        return one

    async def enable(self, hook_id: str) -> None:
        """Lets a hook act, or no longer."""
        one = self._own(hook_id)
        if one is not None:
            await self._context.workbench.hooks.enable(hook_id, not one.enabled)
            await self.reload()

    async def remove(self, hook_id: str) -> None:
        """Removes a hook, after a question: it is in no trash."""
        one = self._own(hook_id)
        if one is None:
            return
        question = f"Remove the hook “{one.title}”? Your runs go on without it."
        if await self._context.app.dialogs.confirm(question, "remove it"):
            await self._context.workbench.hooks.remove(hook_id)
            await self.reload()
