"""Run by `test_h2ogpte_client.py` in the client's environment: `use_h2ogpte.py URL KEY sync|async
MODEL`, where MODEL begins the names of scripted models."""

from __future__ import annotations

import asyncio
import inspect
import io
import json
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import h2ogpte
from h2ogpte.errors import ObjectNotFoundError, UnauthorizedError
from h2ogpte.types import ChatMessage, PartialChatMessage, SessionError

_, url, key, way, model = sys.argv
TEXT = b"# Kites\n\nA red kite flies above the mill at noon. The miller counts it.\n"
RAG, AGENT = f"{model}rag.json", f"{model}agent.json"
said: dict[str, Any] = {}


async def now(value: Any) -> Any:
    """Returns what a client gives, of either kind."""
    return await value if inspect.isawaitable(value) else value


def client(key: str = key) -> Any:
    kind = h2ogpte.H2OGPTE if way == "sync" else h2ogpte.H2OGPTEAsync
    return kind(address=url, api_key=key)


@asynccontextmanager
async def connected(asking: Any, chat: str) -> Any:
    opened = asking.connect(chat)
    if way == "sync":
        with opened as session:
            yield session
    else:
        async with opened as session:
            yield session


async def ask(session: Any, message: str, **more: Any) -> dict[str, Any]:
    """Asks, and returns what was heard on the way as well."""
    heard: list[Any] = []
    reply = await now(session.query(message, callback=heard.append, timeout=60, **more))
    partial = [one for one in heard if isinstance(one, PartialChatMessage)]
    return {
        "id": reply.id,
        "reply_to": reply.reply_to,
        "content": reply.content,
        "partial": [one.content for one in partial if not one.meta],
        "meta": [each for one in partial for each in one.meta or ()],
        "last": isinstance(heard[-1], ChatMessage) and heard[-1].content,
        "same": {one.reply_to for one in heard} == {reply.reply_to},
    }


async def documents(asking: Any) -> tuple[str, str]:
    """Makes a collection with a document in it; returns the ids of both."""
    collection = await now(asking.create_collection("Mill", "What flies above it"))
    upload = await now(asking.upload("kites.md", io.BytesIO(TEXT)))
    unused = await now(asking.upload("unused.md", io.BytesIO(b"nothing")))
    said["unused"] = (await now(asking.delete_upload(unused))) == unused
    job = await now(asking.ingest_uploads(collection, [upload]))
    said["ingested"] = [job.kind, job.completed, job.passed, job.errors]
    listed = await now(asking.list_documents_in_collection(collection, 0, 10))
    said["documents"] = [one.name for one in listed]
    found = await now(asking.get_collection(collection))
    said["collection"] = [found.name, found.document_count]
    said["recent"] = [one.name for one in await now(asking.list_recent_collections(0, 10))]
    return collection, listed[0].id


async def rag(asking: Any, collection: str) -> str:
    """Asks of the document; returns the chat."""
    chat = await now(asking.create_chat_session(collection))
    async with connected(asking, chat) as session:
        told = await ask(session, "What flies above the mill?", rag_config={"rag_type": "rag"}, llm=RAG)
        again = await ask(session, "Say it again", rag_config={"rag_type": "llm_only"}, llm=RAG)
    said["rag"], said["again"] = told, again
    messages = await now(asking.list_chat_messages(chat, 0, 10))
    said["messages"] = [[one.content, one.reply_to is None] for one in messages]
    said["ids"] = told["id"] in [one.id for one in messages] and told["reply_to"] == messages[0].id
    references = await now(asking.list_chat_message_references(told["id"]))
    said["references"] = [[one.document_name, one.content, json.loads(one.pages)] for one in references]
    chunks = await now(asking.get_chunks(collection, [references[0].chunk_id]))
    said["chunk"] = [one.text for one in chunks]
    usage = await now(asking.list_chat_message_meta_part(told["id"], "usage_stats"))
    said["usage"] = sorted(json.loads(usage.content))
    return str(chat)


async def agent(asking: Any) -> str:
    """Lets an agent write a file, and fetches it; returns the chat."""
    chat = await now(asking.create_chat_session())
    async with connected(asking, chat) as session:
        args = {"use_agent": True, "agent_accuracy": "quick"}
        told = await ask(session, "Write", llm=AGENT, llm_args=args, rag_config={"rag_type": "llm_only"})
    said["agent"] = told
    said["files"] = [
        [one["filename"], one["bytes"]] for one in await now(asking.get_agent_server_files(chat))
    ]
    meta = await now(asking.list_chat_message_meta_part(told["id"], "agent_files"))
    ((id, name),) = [pair for each in json.loads(meta.content) for pair in each.items()]
    with tempfile.TemporaryDirectory() as folder:
        file = await now(asking.download_document(folder, name, id))
        said["file"] = Path(file).read_text()
    stats = await now(asking.get_all_directory_stats(chat, 1))
    said["directories"] = [[one["name"] for one in each["files"]] for each in stats.values()]
    return str(chat)


async def memory(asking: Any) -> None:
    made = await now(asking.create_memory_block("Tone", content="Be brief.", max_content_length=100))
    await now(asking.update_memory_block(made.id, content="Be kind."))
    listed = await now(asking.list_memory_blocks(name_filter="tone"))
    said["memory"] = [[one.name, one.content, one.is_owner] for one in listed]
    await now(asking.set_default_memory_block("llm", made.id))
    defaults = (await now(asking.get_default_memory_blocks()))["defaults"]
    said["defaults"] = [defaults["llm"]["name"], defaults["agent"]]
    await now(asking.delete_memory_block(made.id))
    said["memory_left"] = len(await now(asking.list_memory_blocks()))


async def tools(asking: Any) -> None:
    found = await now(asking.get_agent_tools_dict())
    said["tools"] = sorted(found)
    chosen = sorted(found)[:1]
    await now(asking.update_agent_tool_preference(chosen))
    said["preference"] = (await now(asking.get_agent_tool_preference())) == chosen
    await now(asking.delete_agent_tool_preference())
    said["models"] = await now(asking.get_llm_names())


async def removed(asking: Any, collection: str, document: str, chats: list[str]) -> None:
    jobs = [
        await now(asking.delete_chat_sessions(chats)),
        await now(asking.delete_documents([document])),
        await now(asking.delete_collections([collection])),
    ]
    said["deleted"] = [[job.kind, job.completed, job.errors] for job in jobs]
    counts = await now(asking.count_assets())
    said["left"] = [counts.chat_session_count, counts.collection_count, counts.document_count]


async def error_of(asking: Any, what: str, kinds: tuple[type[Exception], ...], doing: Any) -> None:
    try:
        await doing(asking)
    except kinds as error:
        said[what] = type(error).__name__


async def mistakes() -> None:
    """Does what must fail, and says how the client sees it."""
    stranger = "00000000-0000-7000-8000-000000000000"

    async def meta(_: Any) -> None:
        await now(client("hf_" + "x" * 43).get_meta())

    async def collection(asking: Any) -> None:
        await now(asking.get_collection(stranger))

    async def chat(asking: Any) -> None:
        async with connected(asking, stranger):
            raise AssertionError("it was opened")

    async def answer(asking: Any) -> None:
        opened = await now(asking.create_chat_session())
        async with connected(asking, opened) as session:
            await ask(session, "Hello", rag_config={"rag_type": "no such type"})

    asking = client()
    await error_of(asking, "wrong_key", (UnauthorizedError,), meta)
    await error_of(asking, "no_collection", (ObjectNotFoundError,), collection)
    if way == "sync":  # the other one does not look at the answer, and tries for minutes
        await error_of(asking, "no_chat", (ObjectNotFoundError,), chat)
    await error_of(asking, "no_type", (SessionError,), answer)


async def main() -> None:
    asking = client()
    meta = await now(asking.get_meta())
    said["meta"] = [meta.version, meta.username]
    collection, document = await documents(asking)
    chats = [await rag(asking, collection), await agent(asking)]
    await memory(asking)
    await tools(asking)
    said["chats"] = len(await now(asking.list_recent_chat_sessions(0, 10)))
    await removed(asking, collection, document, chats)
    await mistakes()
    print(json.dumps(said))


asyncio.run(main())
