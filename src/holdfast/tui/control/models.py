"""Models: which there are, what they cost, which one answers; and what plans of agents support."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.tui.control.agents import AgentsControl
from holdfast.tui.control.base import Context
from holdfast.tui.control.listed import ListedControl
from holdfast.tui.presenters.models import ModelsState, credits_line, model_views, price_views, tier_lines

if TYPE_CHECKING:
    from holdfast.tui.control.desk import Action
    from holdfast.tui.screens.modelled import ModelScreen


class ModelsControl(ListedControl[ModelsState]):
    """What a person does with models. Nothing is asked for before somebody looks."""

    PARTS = ("models",)

    def __init__(self, context: Context, agents: AgentsControl) -> None:
        super().__init__(context, context.model.models)
        self._agents = agents
        self.actions: dict[str, Action] = {
            "models": self.show,
            "models.use": self.use,
            "models.alpha": self.switch_alpha,
        }

    def _screen(self) -> type[ModelScreen]:
        from holdfast.tui.screens.models import ModelsScreen  # start-up time: when it is opened

        return ModelsScreen

    async def _read(self) -> None:
        state, bench = self._state, self._context.workbench
        terms = await bench.usage.plans()
        settings = await bench.engine.settings(self._context.app.start.project or None)
        state.models = model_views(await bench.models.list(), terms, settings.limits.credits_per_usd)
        state.prices, state.tiers, state.regions = price_views(terms), tier_lines(terms), terms.regions
        state.credits = credits_line(await bench.usage.credits())
        state.alpha, state.error = settings.genlabs.alpha, ""

    async def use(self, name: str) -> None:
        """Lets a model answer from the next message on."""
        await self._agents.change_model(name)

    async def switch_alpha(self, _: str = "") -> None:
        """Switches alpha features on, or off again."""
        changed = await self._context.workbench.engine.set_setting("genlabs.alpha", not self._state.alpha)
        self._context.view.say(f"Alpha features are {'on' if changed.value else 'off'} now.")
        await self.reload()
