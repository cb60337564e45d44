"""A person who starts: what was found for them, things to try, and providers that they add."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.core.domain.errors import ForbiddenError, HoldfastError, NotFoundError
from holdfast.tui.control.base import Context
from holdfast.tui.presenters.first_run import found_of, readable, tries
from holdfast.tui.presenters.providers import kept_text, provider_choices

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from holdfast.core.domain.providers import ProviderCheck, ProviderInfo
    from holdfast.tui.control.agents import AgentsControl

MOST_NAMES = 5_000


class FirstRunControl:
    """Fills the panel of a new session, and does what it offers."""

    def __init__(self, context: Context, agents: AgentsControl) -> None:
        self._context = context
        self._agents = agents
        self.actions: dict[str, Callable[[str], Awaitable[None]]] = {
            "provider": self.add_provider,
            "try": self.put_in,
        }

    async def load(self) -> None:
        """Reads what the panel shows; it shows less where the engine says less."""
        context, model = self._context, self._context.model
        providers, may_add = await self._providers()
        agents = await context.workbench.agents.list(context.app.start.project or None)
        folder = context.app.start.project
        at_hand = context.app.start.remote is None
        file = await asyncio.to_thread(_readable_in, context.app.start.folder) if at_hand else ""
        model.found = found_of(
            providers, agents, folder=folder, trust=await self._trust(folder), file=file, may_add=may_add
        )
        context.view.mark("hint")
        try:
            collections = len(await context.workbench.knowledge.list())
        except HoldfastError:  # the panel says nothing of it then; the pane of knowledge says why
            return
        model.found = replace(model.found, collections=collections)
        context.view.mark("hint")

    async def _providers(self) -> tuple[tuple[ProviderInfo, ...], bool]:
        """Returns the providers, and whether the person may add one."""
        try:
            return await self._context.workbench.models.providers(), self._context.model.may_trust
        except ForbiddenError:
            return (), False

    async def _trust(self, folder: str) -> str:
        if not folder:
            return ""
        try:
            said = await self._context.workbench.agents.trusted(folder)
        except ForbiddenError:
            return ""
        return "" if said is None else "trusted" if said.trusted else "its agents ask first"

    async def put_in(self, number: str) -> None:
        """Puts one of the things to try, or of the questions that could follow, into the message field, where
        nothing stands in it. Sends nothing."""
        box, texts = self._context.view.box, self._offered()
        if not texts or box.area.text:
            self._context.app.bell()
            return
        if number.isdigit() and 0 < int(number) <= len(texts):
            box.set_text(texts[int(number) - 1])
            box.focus_text()

    def _offered(self) -> Sequence[str]:
        model = self._context.model
        if model.session_id is not None:
            return () if model.run.current is None else model.run.current.suggested
        return () if model.found is None else tries(model.found)

    # --- providers

    async def add_provider(self, name: str = "") -> None:
        """Lets the person choose a provider and give its key or address."""
        providers = {each.name: each for each in await self._context.workbench.models.providers()}
        wanted = name.strip().lower()
        if wanted and wanted not in providers:
            raise NotFoundError(
                f"No provider is called {wanted!r}; /provider alone lists them.", code="provider_not_found"
            )
        choices = provider_choices(providers.values())
        chosen = wanted or await self._context.app.dialogs.choose("Which provider?", choices)
        if not chosen:
            return
        from holdfast.tui.screens.provider import ProviderScreen  # start-up time: when one is added

        info = providers[chosen]
        check, keep = partial(self._check, chosen), partial(self._keep, info)
        self._context.app.push_screen(ProviderScreen(info, check, keep))

    async def _check(self, provider: str, key: str, url: str) -> ProviderCheck:
        return await self._context.workbench.keys.check_provider(provider, key or None, url or None)

    async def _keep(self, info: ProviderInfo, key: str, url: str, found: ProviderCheck) -> None:
        keys = self._context.workbench.keys
        if url and url != info.url:
            await keys.set_address(info.name, url)
        where = await keys.set_provider(info.name, key) if key else ""
        self._context.view.say(kept_text(found, where))
        await self._agents.load()
        await self.load()


def _readable_in(folder: Path) -> str:
    """Returns the name of a file in a folder that can be asked about; empty where there is none."""
    try:
        names = [each.name for each, _ in zip(folder.iterdir(), range(MOST_NAMES), strict=False)]
    except OSError:
        return ""
    return readable(names)
