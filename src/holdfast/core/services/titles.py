"""Titles that sessions get from their model."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.config.settings import Settings
from holdfast.core.domain.errors import AgentFileError, HoldfastError
from holdfast.core.domain.events import MessageAdded
from holdfast.core.domain.messages import text_of, without_results
from holdfast.core.domain.models import ModelCatalog, ModelClient
from holdfast.core.domain.passages import quoted
from holdfast.core.domain.runs import Session
from holdfast.core.services.asking import ModelAsker
from holdfast.core.sessions.titles import READ_CHARS, SYSTEM, asked_title, title_of_message
from holdfast.core.store.log import EventLog

logger = logging.getLogger(__name__)

_TOKENS = 1_000
"""A title has some ten; models that reason take more before they say it."""


class Titles:
    """Finds titles for the sessions of one user."""

    def __init__(
        self,
        log: EventLog,
        registry: AgentRegistry,
        client: ModelClient,
        catalog: ModelCatalog,
        settings: Callable[[Path | None], Settings],
        redact: Callable[[str], str],
        check_countable: Callable[[], None],
    ) -> None:
        """`check_countable` raises `UnsupportedError` for who may ask no model outside of runs."""
        self._log = log
        self._registry = registry
        self._client = client
        self._catalog = catalog
        self._settings = settings
        self._redact = redact
        self._check_countable = check_countable

    async def of(self, session: Session) -> str:
        """Returns a title that the session's model has found, or where it cannot, one that is made of the
        first message; empty where nothing was said."""
        said = await self._first_message(session.id)
        if not said.strip():
            return ""
        try:
            self._check_countable()
            ask = await self._asker(session)
            answer = await ask(quoted(said[:READ_CHARS]), system=SYSTEM, max_tokens=_TOKENS)
        except HoldfastError as error:
            logger.info("the title of session %s is made without a model: %s", session.id, error.message)
            answer = ""
        return asked_title(answer) or title_of_message(said)

    async def _first_message(self, session_id: str) -> str:
        for logged in await self._log.reader.events_of_type(session_id, "message.added"):
            if isinstance(logged.event, MessageAdded) and logged.event.origin == "send":
                return text_of(without_results(logged.event.parts))
        return ""

    async def _asker(self, session: Session) -> ModelAsker:
        """Returns what asks the model of the session's runs."""
        project = Path(session.project)
        info = await asyncio.to_thread(self._registry.get, session.agent, project, session.owner)
        if info.spec is None:
            raise AgentFileError(list(info.problems))
        settings = await asyncio.to_thread(self._settings, project)
        choice = await self._catalog.choose(
            flag=None,
            session=session.model,
            agent=info.spec.model,
            settings=settings.models.default,
            owner=session.owner,
        )
        address = info.spec.model_settings.api_base
        return ModelAsker(self._client, choice.model, self._redact, api_base=address, owner=session.owner)
