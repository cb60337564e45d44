"""What operations and their parameters mean, and what bodies look like, for those who use HTTP."""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic import BaseModel

from holdfast.core.config.texts import field_texts
from holdfast.core.domain import errors
from holdfast.core.domain.errors import STATUS, HoldfastError
from holdfast.core.domain.status import ListenOptions
from holdfast.server.native.codec import codec
from holdfast.server.native.operations import Operation

_FIELDS_OF: dict[str, tuple[type[BaseModel], ...]] = {"engine.listen": (ListenOptions,)}
"""Records that an operation takes field by field: their texts are those of its parameters."""

_PARAMETERS = {
    "agent": "An agent's name or id.",
    "agents.delete.name": "The agent's name or id.",
    "agents.get.name": "An agent's name or id.",
    "agents.install.source": "An agent that comes with Holdfast, or the whole path of a file over there.",
    "agents.source.name": "An agent's name or id.",
    "agents.trust.path": "The project folder, on the engine's machine.",
    "agents.trusted.path": "The project folder, on the engine's machine.",
    "agents.uninstall.name": "The agent's name.",
    "agents.update.expected": "The digest of the text that is to be replaced; left out: whatever it is.",
    "agents.update.name": "The agent's name or id.",
    "agents.validate.path": "The whole path of a file on the engine's machine.",
    "answer": "What the agent is told.",
    "approval_id": "The id of an approval.",
    "approvals.list.pending": "Whether only those that wait are wanted; false: decided ones as well.",
    "approvals.add_rule.rule": "A tool's name, or NAME(PATTERN) with `*` and `?` as wildcards.",
    "approvals.add_rule.verdict": "What becomes of a call that it fits.",
    "approvals.drop_grants.rules": "The rules, as they were granted.",
    "approvals.history.query": "Words that all stand in tool, agent, subject, or in who decided it how.",
    "approvals.history.session_id": "Those of this session only.",
    "approvals.history.since": "Decided from this moment on.",
    "approvals.history.status": "What became of it.",
    "approvals.history.until": "Decided before this moment.",
    "approvals.list.session_id": "Those of this session only.",
    "approvals.remove_rule.rule": "The rule, as it is written in the policy.",
    "approvals.remove_rule.verdict": "The list that it stands in.",
    "approvals.set_mode.limits": "Of the mode `auto`; left out: those of the settings.",
    "approvals.set_mode.mode": "How much may be done without asking.",
    "approvals.sources.session_id": "With what holds in this session only.",
    "approvals.weigh.rule": "A tool's name, or NAME(PATTERN) with `*` and `?` as wildcards.",
    "arguments": "The tool's own arguments; `GET /tools` has their schema.",
    "before": "The id of an event; only events before it are copied; left out: all.",
    "chunking": "How documents are cut.",
    "collection": "A collection's name or id.",
    "collections": "What is searched, and how each of it; a collection is named by its name or id.",
    "context_id": "The id of a kept retrieval.",
    "block": "A memory block's id; of one of the user's own also its name.",
    "can_edit": "Whether its content may be changed, too.",
    "cursor": "The `next_cursor` of the page before, from a call with the same filters.",
    "decision": "What is decided, for how long, and with which reason or other arguments.",
    "document_id": "The id of a document.",
    "delivery_id": "The id of a delivery.",
    "drain_s": "Seconds to wait for runs that execute.",
    "engine.check.repair": "Whether what can be repaired is repaired.",
    "engine.listen.host": "An address of the engine's machine, or its name.",
    "engine.stop.idle_only": "Refuse while runs execute or a listener is open.",
    "entry_id": "The id of a memory entry.",
    "events": "Types of events, or patterns such as `run.*`; empty: all but deltas.",
    "events.follow.after": "The id of an event: the stream goes on after it; left out: it begins now.",
    "events.page_before.before": "The id of an event: the page ends before it; left out: at the newest one.",
    "events.read.after": "The id of an event: the page begins after it.",
    "expected": "The SHA-256 of what is to be replaced; empty: there is no such file; left out: no matter.",
    "expires_s": "Seconds after which it is refused.",
    "files.attach.path": "A path in the workspace or in the project; for administrators also a whole path.",
    "files.attach_data.name": "The file's name, as the message calls it.",
    "files.complete.prefix": "What was typed of a path.",
    "files.download.version": "The digest of an earlier content; without it, the file as it is now.",
    "files.image.blob": "The digest by which a message or a call names the image.",
    "files.redo.run_id": "The run whose changes come back; left out: the one that was undone last.",
    "files.stats.session_id": "Of this session alone.",
    "files.undo.run_id": "The run whose changes are taken back; left out: the last one that has some.",
    "format": "How the document is written.",
    "id": "The id of a webhook.",
    "job_id": "The id of a job.",
    "jobs.list.collection_id": "Those of this collection only.",
    "knowledge.add.paths": "Files and folders of the engine's machine, by their whole paths.",
    "knowledge.add.urls": "Addresses of pages and files on the web.",
    "knowledge.create.description": "What it is about; models read it.",
    "knowledge.create.embedding_model": "The model that makes its vectors; left out: that of the settings.",
    "knowledge.create.name": "Its name, unique among the user's collections.",
    "knowledge.describe.metadata": "The caller's own values in place of the old; left out: as before.",
    "knowledge.describe.questions": "Questions that it answers; left out: as before.",
    "knowledge.describe.summary": "What it says in short; left out: as before.",
    "knowledge.documents.query": "Words of the name or the title.",
    "knowledge.keep.max_tokens": "Tokens that the passages may take together, four characters each.",
    "knowledge.reembed.model": "The embedding model that it is to have.",
    "knowledge.text.characters": "How many characters of it.",
    "knowledge.text.start": "From this character on.",
    "knowledge.update.chunking": "How documents are cut that are taken in later; left out: as before.",
    "knowledge.update.description": "Another description; left out: as before.",
    "knowledge.update.metadata": "The caller's own values in place of the old; left out: as before.",
    "knowledge.update.name": "Another name; left out: as before.",
    "knowledge.update.retrieval": "How it is searched; left out: as before.",
    "knowledge.upload.name": "The document's name; in a form it may be left out: the file's own.",
    "knowledge.watch.on": "Whether the folder is watched.",
    "knowledge.watch.path": "A folder of the engine's machine, by its whole path.",
    "keys.create.expires_s": "Seconds after which the key is refused; left out: never.",
    "keys.create.name": "To tell the key from others: where it is used.",
    "keys.create.scope": "How much the key allows.",
    "keys.create.user": "Another user's name, for administrators; left out: the caller.",
    "keys.revoke.id": "The key's id or name.",
    "engine.log.after": "A place in the log: the first lines after it.",
    "engine.log.before": "A place in the log: the last lines before it; left out: its end.",
    "engine.log.level": "The least level of a line.",
    "engine.log.name": "Which log.",
    "engine.log.words": "Words that must all stand in a line.",
    "engine.set_setting.key": "The setting's name, such as `tui.theme`.",
    "engine.set_setting.value": "What it is to be, as it is or as text; null takes it out of the file.",
    "engine.unset_setting.key": "The setting's name, such as `tui.theme`.",
    "keys.check_provider.key": "The key to try; left out: the one that is known.",
    "keys.check_provider.url": "The address to ask; left out: the one that is known.",
    "keys.set_address.url": "Where the server is, such as `http://127.0.0.1:8000/v1`; null: it is forgotten.",
    "keys.set_provider.key": "The provider's key.",
    "runs.compact.focus": "What the summary must keep above all; left out: nothing in particular.",
    "runs.compaction.event_id": "The id of the event `context.compacted`.",
    "runs.context.step": "The step of the run, from 1; left out: the last one.",
    "metadata": "The caller's own values, which searches can filter by.",
    "method": "How passages are found; left out: as each collection says.",
    "listener_id": "The id of a listener.",
    "memory.blocks.query": "A part of the name.",
    "memory.create_block.access": "What agents may do with it.",
    "memory.create_block.content": "What it says.",
    "memory.create_block.injection": "Where it is put.",
    "memory.create_block.instructions": "What a model is to do with it.",
    "memory.create_block.max_chars": "Characters that its content may have; 0: as many as any may.",
    "memory.create_block.name": "Its name, unique among the user's blocks.",
    "memory.entries.pinned": "Pinned ones only, or only others; left out: both.",
    "memory.entries.source": "Those that this has made.",
    "memory.entries.tag": "Those that have this tag.",
    "memory.publish.public": "Whether all users see it.",
    "memory.remember.content": "What is to be remembered.",
    "memory.remember.metadata": "The caller's own values.",
    "memory.remember.pinned": "Whether agents find it with every search.",
    "memory.remember.source": "What it comes from.",
    "memory.remember.tags": "Words to sort it by.",
    "memory.set_default.block": "The block's id or name; null: none.",
    "memory.set_default.scope": "Runs of agents without tools, or of those with some.",
    "memory.update_block.access": "What agents may do with it; left out: as before.",
    "memory.update_block.content": "What it says; left out: as before.",
    "memory.update_block.expected": "The SHA-256 of the content that is to be changed; left out: no matter.",
    "memory.update_block.injection": "Where it is put; left out: as before.",
    "memory.update_block.instructions": "What a model is to do with it; left out: as before.",
    "memory.update_block.max_chars": "Characters that its content may have; left out: as before.",
    "memory.update_block.name": "Another name; left out: as before.",
    "memory.update_entry.content": "What is to be remembered; left out: as before.",
    "memory.update_entry.metadata": "The caller's own values in place of the old; left out: as before.",
    "memory.update_entry.pinned": "Whether agents find it with every search; left out: as before.",
    "memory.update_entry.tags": "Words to sort it by; left out: as before.",
    "message_id": "The id of a message.",
    "model": "The model that is asked where one is needed; left out: that of a new session.",
    "models.choose.flag": "The model that would be asked for when the session is made.",
    "options": "What is different for this run alone; left out: nothing.",
    "parts": "What the message is made of: texts, images, files.",
    "path": "A path in the session's workspace.",
    "project": "A folder of the engine's machine, whose own agents and settings count as well.",
    "provider": "A provider's name, such as `openai`.",
    "query": "Words to look for.",
    "retrieval": "How it is searched where nothing else is said.",
    "question_id": "The id of a question.",
    "run_id": "The id of a run.",
    "runs.questions.session_id": "Those of this session only.",
    "runs.send.message_id": "An id of the caller's own for the message; one that the session has already is "
    "refused (409).",
    "scope": "How much it allows; left out: as much as the caller may do.",
    "session_id": "The id of a session.",
    "sessions.configure.agent": "The agent of later runs; left out: as before.",
    "sessions.configure.model": "The model of later runs; left out: as before; empty: found anew.",
    "sessions.create.id": "An id of the caller's own; left out: one is made.",
    "sessions.create.model": "The model of its runs; left out: the agent's, or the best that can be used.",
    "sessions.create.project": "The folder to work in, on the engine's machine; empty: the user's own.",
    "sessions.create.title": "Its title; empty: it is made of the first message.",
    "sessions.archive.archived": "False takes it out of the archive.",
    "sessions.delete.permanent": "Deletes it for good, also out of the trash.",
    "sessions.list.query": "Words of the title, and filters.",
    "sessions.see.through": "The id of the last event that was looked at; left out: all that there is.",
    "sessions.star.starred": "False takes the star away.",
    "sessions.take_in.agent": "The agent of the new sessions; empty: that of the file, else the default one.",
    "sessions.take_in.name": "The file's own name, for titles; in a form it may be left out.",
    "sessions.take_in.project": "The folder to work in, on the engine's machine; empty: the user's own.",
    "summaries": "Whether a model writes a summary of each document, and questions that it answers.",
    "text": "The whole content.",
    "title": "The new title.",
    "skills.file.name": "The skill's name.",
    "skills.file.path": "The file's path, from the skill's folder.",
    "skills.get.name": "The skill's name.",
    "skills.install.folder": "The folder in there that is meant, where there are several skills.",
    "skills.install.replace": "Whether a skill of the name goes to the trash for it.",
    "skills.install.source": "An https address, of a git repository too, or a whole path over there.",
    "skills.remove.name": "The skill's name.",
    "skills.save.expected": "The digest of the text that is to be replaced; left out: whatever it is.",
    "skills.save.name": "The skill's name.",
    "skills.save.text": "The whole new text of `SKILL.md`.",
    "skills.upload.folder": "The folder in there that is meant, where there are several skills.",
    "skills.upload.name": "What the file is called; not looked at.",
    "skills.upload.replace": "Whether a skill of the name goes to the trash for it.",
    "tools.list.project": "A folder of the engine's machine.",
    "tools.create.spec": "What the tool is.",
    "tools.delete.name": "The tool's name or id.",
    "tools.get.name": "The tool's name or id.",
    "tools.run.name": "The name of a tool.",
    "tools.set_secret.name": "The tool's name or id.",
    "tools.set_secret.secret": "The name that a header refers to.",
    "tools.set_secret.value": "The secret, 8 to 4,000 printable ASCII characters; left out: it is removed.",
    "tools.update.expected": "The version that is to be replaced; left out: whatever it is.",
    "tools.update.name": "The tool's name or id.",
    "tools.update.spec": "What the tool is from now on.",
    "tools.versions.name": "The tool's name or id.",
    "top_k": "Passages that are taken at most; left out: as each collection says.",
    "trusted": "Whether the rules of the folder's agents count; false: they ask before everything.",
    "trash.empty.id": "This one thing alone, of that kind.",
    "trash.empty.kind": "Only what is of this kind; left out: everything.",
    "trash.list.kind": "Only what is of this kind; left out: everything.",
    "trash.restore.id": "The id that the thing had.",
    "kind": "What sort of thing it is.",
    "usage.report.all_users": "Of all users, for administrators.",
    "usage.report.by": "What the groups are.",
    "usage.report.since": "From this time on.",
    "usage.report.until": "Before this time.",
    "user": "The other user's name or id.",
    "users.add.name": "The new user's name.",
    "users.add.role": "`admin` may look after the engine, too.",
    "users.logout.id": "The id of the login.",
    "users.remove.name": "The user's name or id.",
    "webhooks.add.name": "To tell it from others.",
    "webhooks.add.secret": "A secret of the caller's own to sign with; left out: a new one is made.",
    "webhooks.add.session_id": "Events of this session only; left out: of all of the user's.",
    "webhooks.add.url": "Where events are posted to.",
    "webhooks.update.enabled": "Whether events are sent; left out: as before.",
    "webhooks.update.events": "Other types or patterns; left out: as before.",
    "webhooks.update.name": "Another name; left out: as before.",
    "webhooks.update.url": "Another address; left out: as before.",
    "yaml": "The whole text of the agent's file.",
}
"""By name, or by operation and name where it means something else there."""

_YAML = "version: 1\nname: clerk\ninstructions: Write down what you are asked to.\n"
_TOOL = {
    "name": "find_stock",
    "description": "Says how many of an article are in stock.",
    "parameters": {"type": "object", "properties": {"article": {"type": "string"}}, "required": ["article"]},
    "endpoint": "https://shop.example.org/articles/{article}/stock",
    "method": "GET",
    "headers": {"Authorization": "Bearer ${secret:SHOP}"},
}
_HELLO = {"parts": [{"type": "text", "text": "What is in this folder?"}]}

EXAMPLES: dict[str, dict[str, Any]] = {
    "agents.check": {"yaml": _YAML},
    "agents.create": {"yaml": _YAML},
    "agents.install": {"source": "analyst"},
    "agents.trust": {"path": "/home/ann/project", "trusted": True},
    "agents.update": {"yaml": _YAML},
    "agents.validate": {"path": "/home/ann/project/agents/clerk.yaml"},
    "approvals.add_rule": {"rule": "write_file(docs/*)"},
    "approvals.decide": {"decision": {"outcome": "approve", "scope": "once"}},
    "approvals.drop_grants": {"rules": ["write_file(notes.md)"]},
    "approvals.set_mode": {"mode": "auto", "limits": {"steps": 50, "cost_usd": 1.0, "minutes": 30}},
    "engine.check": {"repair": False},
    "engine.listen": {"host": "127.0.0.1", "port": 8700},
    "engine.stop": {"idle_only": True},
    "files.attach": {"path": "notes.md"},
    "files.redo": {},
    "files.undo": {},
    "files.write": {"path": "notes.md", "text": "40 hinges\n"},
    "keys.create": {"name": "dashboard", "scope": "read", "expires_s": 7_776_000},
    "engine.set_setting": {"value": "fjord"},
    "keys.check_provider": {"key": "sk-…"},
    "keys.set_address": {"url": "http://127.0.0.1:8000/v1"},
    "keys.set_provider": {"key": "sk-…"},
    "jobs.cancel": {},
    "jobs.retry": {},
    "knowledge.add": {"paths": ["/home/ann/handbook"], "urls": ["https://example.org/manual.pdf"]},
    "knowledge.create": {"name": "docs", "description": "The handbook"},
    "knowledge.describe": {"summary": "How hinges are mounted."},
    "knowledge.keep": {"query": "How is a hinge mounted?", "collections": [{"collection": "docs"}]},
    "knowledge.reembed": {"model": "openai/text-embedding-3-small"},
    "knowledge.search": {"query": "How is a hinge mounted?", "collections": [{"collection": "docs"}]},
    "knowledge.sync": {},
    "knowledge.update": {"description": "The handbook of 2026"},
    "knowledge.watch": {"path": "/home/ann/handbook"},
    "memory.create_block": {"name": "project", "content": "Written in Python 3.11."},
    "memory.publish": {"public": True},
    "memory.remember": {"content": "Orders are counted on Fridays.", "tags": ["orders"]},
    "memory.set_default": {"scope": "agent", "block": "project"},
    "memory.share": {"can_edit": False},
    "memory.update_block": {"content": "Written in Python 3.12."},
    "memory.update_entry": {"pinned": True},
    "runs.answer": {"answer": "blue"},
    "runs.cancel": {},
    "runs.compact": {"focus": "the figures"},
    "runs.finish": {},
    "runs.go_on": {},
    "runs.pause": {},
    "runs.resume": {},
    "runs.send": _HELLO,
    "runs.steer": {"parts": [{"type": "text", "text": "And be brief."}]},
    "sessions.archive": {"archived": True},
    "sessions.configure": {"agent": "analyst"},
    "sessions.create": {"agent": "general"},
    "sessions.fork": {},
    "sessions.rename": {"title": "Orders"},
    "sessions.see": {},
    "sessions.star": {"starred": True},
    "trash.restore": {},
    "skills.install": {"source": "https://example.org/minutes.zip"},
    "skills.save": {"text": "---\nname: minutes\ndescription: Writes minutes.\n---\nSay who came.\n"},
    "tools.create": {"spec": _TOOL},
    "tools.run": {"arguments": {"path": "notes.md"}},
    "tools.set_secret": {"value": "sk-example-1234"},
    "tools.update": {"spec": _TOOL},
    "users.add": {"name": "ann"},
    "users.login": {"expires_s": 3600},
    "webhooks.add": {"url": "https://ci.example.org/holdfast", "events": ["run.*"]},
    "webhooks.redeliver": {},
    "webhooks.test": {},
    "webhooks.update": {"enabled": False},
}
"""A body for each operation that takes one in JSON. Without it, pages that show the document make one of
everything that could stand there, which nobody can send."""


_CLASSES = {
    name: cls
    for name, cls in vars(errors).items()
    if isinstance(cls, type) and issubclass(cls, HoldfastError)
}


def meanings(operation: Operation) -> dict[str, str]:
    """Returns what each parameter of an operation means: by this module, by the record whose field it is, or
    by its type."""
    texts: dict[str, str] = {}
    for record in (*codec(operation).spread, *_FIELDS_OF.get(operation.name, ())):
        texts |= field_texts(record)
    return {
        name: _meaning(operation.name, name) or texts.get(name) or field.description or ""
        for name, field in codec(operation).arguments.model_fields.items()
    }


def _meaning(operation: str, parameter: str) -> str:
    return _PARAMETERS.get(f"{operation}.{parameter}") or _PARAMETERS.get(parameter, "")


def said_of(thing: object) -> str:
    """Returns a docstring in the words of HTTP: errors are statuses with their codes."""
    text = re.sub(r"\braises?\b", "fails with", inspect.cleandoc(thing.__doc__ or ""))
    text = re.sub(r"\bRaises\b", "Fails with", text)
    text = re.sub(r"`(\w+)`", lambda found: _status(found[1]) or found[0], text)
    text = re.sub(r"\bYields\b", "Streams", text, count=1)
    return re.sub(r"\bNone\b", "null", text)


def _status(name: str) -> str:
    cls = _CLASSES.get(name)
    if cls is None:
        return ""
    # The codes of what is not found, or in conflict, are many; what has one of its own says it.
    code = f" (`{cls.default_code}`)" if cls.default_code != cls.kind else ""
    return f"{STATUS[cls.kind]}{code}"
