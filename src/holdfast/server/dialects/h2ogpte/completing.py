"""Starts the run that a completion is, whoever asks for it, and hears what is said of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import partial

from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.knowledge import Collection
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.runs import RunOptions, Session
from holdfast.core.domain.values import all_items, new_id
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.h2ogpte.choosing import choose_tools
from holdfast.server.dialects.h2ogpte.encoder import CompletionEncoder
from holdfast.server.dialects.h2ogpte.frames import Said
from holdfast.server.dialects.h2ogpte.histories import history_of, note_history
from holdfast.server.dialects.h2ogpte.mapping_completions import (
    Way,
    options_of,
    tagged,
    tags_of,
    use_of,
    way_of,
    with_defaults,
    without_history,
)
from holdfast.server.dialects.h2ogpte.mapping_ext import said_of
from holdfast.server.dialects.h2ogpte.mapping_models import usable
from holdfast.server.dialects.h2ogpte.supplying import supply
from holdfast.server.dialects.h2ogpte.wire_chats import CompletionRequest
from holdfast.server.kit.answers import RunAnswer
from holdfast.server.kit.holding import Holds
from holdfast.server.kit.operations import Call
from holdfast.server.kit.sockets import SocketCall
from holdfast.server.kit.starting import start_now

DEFAULT = "default"

HOLDS = Holds()
"""The streams of completions, of requests and of sockets."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A completion that goes on."""

    chat_id: str
    question_id: str
    run_id: str
    """Of the reply, too."""
    uses_agent: bool
    encoder: CompletionEncoder

    def answer(self, call: Call | SocketCall) -> RunAnswer[Said]:
        """Returns what waits for it. Who goes away leaves it to go on, as at the vendor's: the reply stands
        in the chat when the caller comes back, and there are requests that stop it."""
        return RunAnswer(call, self.run_id, self.encoder, "detach")

    def said(self, call: Call | SocketCall) -> AsyncGenerator[Said, None]:
        """Yields what is said of it, but not while it is paused."""
        return HOLDS.heard(self.run_id, self.answer(call).frames())


async def begin(workbench: Workbench, chat_id: str, asked: CompletionRequest) -> Begun:
    """Starts a completion. The question stands in the chat when this returns.

    Raises `NotFoundError` for a chat, a collection or a model that there is not, `InvalidError` for what
    cannot be asked, `ConflictError` while another one goes on in the chat.
    """
    session = await workbench.sessions.get(chat_id)
    collection = await collection_of(workbench, session)
    if collection is not None:
        asked = with_defaults(asked, said_of(collection).get("chat_settings") or {})
    way = way_of(asked, documents=collection is not None and collection.documents > 0)
    options = await _options(workbench, session, asked, way, collection)
    if way.files and collection is not None:
        await supply(workbench, session.id, collection.id)
    question_id, parts = new_id(), (TextPart(text=asked.message),)
    run_id = await start_now(workbench, session, parts, options, question_id)
    await note_history(workbench, session, without=without_history(asked.include_chat_history))
    encoder = CompletionEncoder(whole=options.response_format is not None)
    return Begun(session.id, question_id, run_id, way.agent, encoder)


async def _options(
    workbench: Workbench,
    session: Session,
    asked: CompletionRequest,
    way: Way,
    collection: Collection | None,
) -> RunOptions:
    agent = await workbench.agents.get(session.agent, session.project)
    if agent.spec is None:
        raise InvalidError(
            f"The agent {agent.name} of this chat has a mistake in its file.", code="agent_file"
        )
    wanted = asked.llm_args.agent_tools if asked.llm_args else None
    tools = await choose_tools(workbench, wanted, way, agent.spec)
    use = await _use(workbench, asked, way, collection)
    options = options_of(asked, way, await _model(workbench, asked.llm), use, tools)
    without = without_history(asked.include_chat_history)
    history = await history_of(workbench, session, without=without)
    return options.model_copy(update={"history": history})


async def collection_named(workbench: Workbench, named: str) -> Collection:
    """Returns a collection by its id; `default` is one that is made when it is first asked for. Raises
    `NotFoundError`."""
    try:
        return await workbench.knowledge.get(named)
    except NotFoundError:
        if named != DEFAULT:
            raise
    try:
        return await workbench.knowledge.create(DEFAULT)
    except ConflictError as error:
        if error.code != "collection_exists":
            raise
        return await workbench.knowledge.get(DEFAULT)  # another request was quicker


async def collection_of(workbench: Workbench, session: Session) -> Collection | None:
    """Returns the collection of a chat; None where it has none. Raises `NotFoundError` for one that is
    gone."""
    named = said_of(session).get("collection_id")
    return None if named is None else await workbench.knowledge.get(str(named))


async def _use(
    workbench: Workbench, asked: CompletionRequest, way: Way, collection: Collection | None
) -> KnowledgeUse | None:
    """Returns how the collection of the chat is searched; None where it is not."""
    if collection is None or not (way.given or way.tools):
        return None
    tags, documents = tags_of(asked), None
    if tags.include or tags.exclude or tags.document_ids:
        found = await all_items(partial(workbench.knowledge.documents, collection.id, ""))
        documents = tagged(found, tags)
    return use_of(asked, way, collection.id, documents)


async def _model(workbench: Workbench, said: str | int | None) -> str | None:
    """Returns the name of the model that is asked for; None: the one that the chat would have anyway."""
    if said is None or said in ("", "auto"):
        return None
    if isinstance(said, str):
        return said
    models = usable(await workbench.models.list())
    if not 0 <= said < len(models):
        raise InvalidError(f"There is no model number {said}: there are {len(models)}.", code="no_such_model")
    return models[said].name
