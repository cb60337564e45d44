"""The native API as one table: each method of the `Workbench` with its HTTP method and path.

Server routes and client are both made from it, so they cannot differ. What goes in and comes out is read
from the signatures of the protocol (`codec.py`); a test holds the table complete in both directions.
Paths are chosen so that no fixed segment stands where another operation with the same method takes an id.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from holdfast.core.services.needs import Needs, needs_of
from holdfast.core.services.workbench import nouns

PREFIX = "/holdfast/v1"
"""Stands before every path of the native API."""

_PLACEHOLDER = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True)
class Alias:
    """Another path to an operation, below an object that must exist."""

    path: str
    """Below `PREFIX`; what stands in it is a parameter of the operation, and of `of`."""
    of: str
    """The operation that gets the object, which may raise `NotFoundError`."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One row: which method of the workbench answers which request."""

    name: str
    """Noun and method, for example `sessions.get`."""
    method: str
    path: str
    """Below `PREFIX`; `{name}` takes the parameter of that name."""
    status: int = 200
    """Of a success."""
    stream: bool = False
    """True for server-sent events instead of one JSON body."""
    aliases: tuple[Alias, ...] = ()
    streamed: str = ""
    """The operation that answers on the same paths who accepts `text/event-stream` instead of JSON."""
    once: Literal["", "kept", "refused"] = ""
    """What an `Idempotency-Key` does: nothing; the answer is kept, and given again to who repeats the
    request; or it is refused, for the answer has a secret, which is not kept."""
    raw_in: str = ""
    """The parameter that is the request's body, as it is; the others stand in the query then."""
    file_name: str = ""
    """The parameter that the file's own name stands for when it comes in a form."""
    public: bool = False
    """True for what is asked before anybody can have a key: the local user's workbench answers it."""
    raw_out: bool = False
    """True for a file instead of JSON: the method gives a `Download`."""

    @property
    def noun(self) -> str:
        return self.name.partition(".")[0]

    @property
    def verb(self) -> str:
        return self.name.partition(".")[2]

    @property
    def needs(self) -> Needs:
        """What the caller must be allowed to."""
        return needs_of(workbench_methods()[self.name])

    @property
    def path_names(self) -> tuple[str, ...]:
        """The parameters that stand in the path."""
        return names_in(self.path)

    @property
    def in_query(self) -> bool:
        """Whether the other parameters stand in the query; else they are keys of a JSON body."""
        return self.method in ("GET", "DELETE") or bool(self.raw_in)


def names_in(path: str) -> tuple[str, ...]:
    """Returns the parameters that stand in a path."""
    return tuple(_PLACEHOLDER.findall(path))


OPERATIONS: tuple[Operation, ...] = (
    Operation("agents.list", "GET", "/agents"),
    Operation("agents.get", "GET", "/agents/{name}"),
    Operation("agents.source", "GET", "/agents/{name}/source"),
    Operation("agents.create", "POST", "/agents", status=201, once="kept"),
    Operation("agents.update", "PUT", "/agents/{name}"),
    Operation("agents.compose", "POST", "/agents/compose", status=201, once="kept"),
    Operation("agents.edit", "PATCH", "/agents/{name}"),
    Operation("agents.delete", "DELETE", "/agents/{name}", status=204),
    Operation("agents.share", "PUT", "/agents/{name}/shares"),
    Operation("agents.shared_with", "GET", "/agents/{name}/shares"),
    Operation("agent_files.list", "GET", "/agents/{agent}/files"),
    Operation("agent_files.look", "GET", "/agents/{agent}/files/facts"),
    Operation("agent_files.download", "GET", "/agents/{agent}/files/data", raw_out=True),
    Operation("agent_files.upload", "PUT", "/agents/{agent}/files/data", raw_in="data", file_name="path"),
    Operation("agent_files.fetch", "POST", "/agents/{agent}/files/fetch"),
    Operation("agent_files.delete", "DELETE", "/agents/{agent}/files/data", status=204),
    Operation("agent_files.clear", "DELETE", "/agents/{agent}/files", status=204),
    Operation("drafts.agent", "POST", "/drafts/agent"),
    Operation("drafts.prompt", "POST", "/drafts/prompt"),
    Operation("drafts.submit_agent", "POST", "/drafts/agent/tasks", status=202),
    Operation("drafts.submit_prompt", "POST", "/drafts/prompt/tasks", status=202),
    Operation("drafts.task", "GET", "/drafts/tasks/{id}"),
    Operation("drafts.cancel", "POST", "/drafts/tasks/{id}/cancel"),
    Operation("agents.validate", "POST", "/agents/validate"),
    Operation("agents.check", "POST", "/agents/check"),
    Operation("agents.read", "POST", "/agents/read"),
    Operation("agents.schema", "GET", "/schemas/agent"),
    Operation("agents.template", "GET", "/templates/agent"),
    Operation("agents.available", "GET", "/registry/agents"),
    Operation("agents.install", "POST", "/registry/agents", status=201, once="kept"),
    Operation("agents.uninstall", "DELETE", "/registry/agents/{name}", status=204),
    Operation("agents.trust", "PUT", "/trust"),
    Operation("agents.trusted", "GET", "/trust"),
    Operation("sessions.list", "GET", "/sessions"),
    Operation("sessions.create", "POST", "/sessions", status=201, once="kept"),
    Operation("sessions.get", "GET", "/sessions/{session_id}"),
    Operation("sessions.configure", "PATCH", "/sessions/{session_id}"),
    Operation("sessions.delete", "DELETE", "/sessions/{session_id}", status=204),
    Operation("sessions.rename", "PUT", "/sessions/{session_id}/title"),
    Operation("sessions.annotate", "PATCH", "/sessions/{session_id}/ext"),
    Operation("sessions.fork", "POST", "/sessions/{session_id}/fork", status=201, once="kept"),
    Operation("sessions.export", "GET", "/sessions/{session_id}/export"),
    Operation("sessions.queue", "GET", "/sessions/{session_id}/queue"),
    Operation("sessions.pull_back", "DELETE", "/sessions/{session_id}/queue/{message_id}"),
    Operation("sessions.empty_queue", "DELETE", "/sessions/{session_id}/queue"),
    Operation("sessions.entitle", "POST", "/sessions/{session_id}/title"),
    Operation("sessions.browse", "POST", "/sessions/browse"),
    Operation("sessions.conversation", "GET", "/sessions/{session_id}/conversation"),
    Operation("sessions.plan", "GET", "/sessions/{session_id}/plan"),
    Operation("sessions.share", "PUT", "/sessions/{session_id}/shared"),
    Operation("sessions.shared", "GET", "/shared/{session_id}", public=True),
    Operation("sessions.clear", "POST", "/sessions/{session_id}/clear"),
    Operation("sessions.search", "GET", "/search"),
    Operation("sessions.find", "GET", "/search/texts"),
    Operation("sessions.counts", "GET", "/counts/sessions"),
    Operation("sessions.tally", "GET", "/counts/sessions/{api}/{key}"),
    Operation("sessions.star", "PUT", "/sessions/{session_id}/star"),
    Operation("sessions.archive", "PUT", "/sessions/{session_id}/archive"),
    Operation("sessions.see", "PUT", "/sessions/{session_id}/seen"),
    Operation(
        "sessions.take_in",
        "POST",
        "/imports/sessions",
        status=201,
        once="kept",
        raw_in="data",
        file_name="name",
    ),
    Operation("trash.list", "GET", "/trash"),
    Operation("trash.restore", "POST", "/trash/{kind}/{id}/restore", status=204),
    Operation("trash.empty", "DELETE", "/trash"),
    Operation("runs.send", "POST", "/sessions/{session_id}/runs", status=202, once="kept"),
    Operation("runs.list", "GET", "/sessions/{session_id}/runs"),
    Operation("runs.follow_up", "POST", "/sessions/{session_id}/queue", status=201, once="kept"),
    Operation("runs.go_on", "POST", "/sessions/{session_id}/runs/continue", status=202, once="kept"),
    Operation("runs.get", "GET", "/runs/{run_id}"),
    Operation("runs.of_message", "GET", "/messages/{message_id}/run"),
    Operation("runs.cancel", "POST", "/runs/{run_id}/cancel"),
    Operation("runs.pause", "POST", "/runs/{run_id}/pause"),
    Operation("runs.resume", "POST", "/runs/{run_id}/resume"),
    Operation("runs.finish", "POST", "/runs/{run_id}/finish"),
    Operation("runs.steer", "POST", "/runs/{run_id}/steer", status=204, once="kept"),
    Operation("runs.search", "GET", "/runs"),
    Operation("runs.report", "GET", "/runs/{run_id}/report"),
    Operation("runs.map", "GET", "/sessions/{session_id}/map"),
    Operation("runs.context", "GET", "/runs/{run_id}/context"),
    Operation("runs.compaction", "GET", "/runs/{run_id}/compactions/{event_id}"),
    Operation("runs.suggest", "POST", "/sessions/{session_id}/suggestions"),
    Operation("runs.compact", "POST", "/sessions/{session_id}/runs/compact", status=202, once="kept"),
    Operation("runs.questions", "GET", "/questions"),
    Operation("runs.answer", "POST", "/questions/{question_id}/answer", status=204, once="kept"),
    Operation("approvals.list", "GET", "/approvals"),
    Operation("approvals.get", "GET", "/approvals/{approval_id}"),
    Operation("approvals.decide", "POST", "/approvals/{approval_id}/decision", once="kept"),
    Operation("approvals.history", "GET", "/decisions"),
    Operation("approvals.rules", "GET", "/policy"),
    Operation("approvals.policy_path", "GET", "/policy/path"),
    Operation("approvals.sources", "GET", "/policy/rules"),
    Operation("approvals.weigh", "GET", "/policy/weight"),
    Operation("approvals.suggestions", "GET", "/policy/suggestions"),
    Operation("approvals.add_rule", "POST", "/policy/rules", once="kept"),
    Operation("approvals.remove_rule", "DELETE", "/policy/rules"),
    Operation("approvals.drop_grants", "POST", "/sessions/{session_id}/grants/drop", status=204),
    Operation("approvals.mode", "GET", "/sessions/{session_id}/mode"),
    Operation("approvals.set_mode", "PUT", "/sessions/{session_id}/mode"),
    Operation(
        "events.read",
        "GET",
        "/events",
        aliases=(
            Alias("/sessions/{session_id}/events", of="sessions.get"),
            Alias("/runs/{run_id}/events", of="runs.get"),
            Alias("/jobs/{job_id}/events", of="jobs.get"),
        ),
        streamed="events.follow",
    ),
    Operation(
        "events.follow",
        "GET",
        "/events/stream",
        stream=True,
        aliases=(
            Alias("/sessions/{session_id}/events/stream", of="sessions.get"),
            Alias("/runs/{run_id}/events/stream", of="runs.get"),
            Alias("/jobs/{job_id}/events/stream", of="jobs.get"),
        ),
    ),
    Operation("events.page_before", "GET", "/sessions/{session_id}/history"),
    Operation("files.list", "GET", "/sessions/{session_id}/files"),
    Operation("files.made", "GET", "/sessions/{session_id}/files/made"),
    Operation("files.clear", "DELETE", "/sessions/{session_id}/files/made"),
    Operation("files.read", "GET", "/sessions/{session_id}/files/content"),
    Operation("files.image", "GET", "/sessions/{session_id}/images/{blob}"),
    Operation("files.complete", "GET", "/sessions/{session_id}/files/completions"),
    Operation("files.write", "PUT", "/sessions/{session_id}/files/content"),
    Operation("files.delete", "DELETE", "/sessions/{session_id}/files/content", status=204),
    Operation("files.download", "GET", "/sessions/{session_id}/files/data", raw_out=True),
    Operation("files.upload", "PUT", "/sessions/{session_id}/files/data", raw_in="data", file_name="path"),
    Operation("files.versions", "GET", "/sessions/{session_id}/files/versions"),
    Operation("files.stats", "GET", "/files/stats"),
    Operation("files.attach", "POST", "/sessions/{session_id}/files/attachments", status=201, once="kept"),
    Operation(
        "files.attach_url", "POST", "/sessions/{session_id}/files/attachments/url", status=201, once="kept"
    ),
    Operation(
        "files.attach_data",
        "PUT",
        "/sessions/{session_id}/files/attachments/data",
        raw_in="data",
        file_name="name",
    ),
    Operation("files.undo", "POST", "/sessions/{session_id}/files/undo"),
    Operation("files.redo", "POST", "/sessions/{session_id}/files/redo"),
    Operation("tools.list", "GET", "/tools"),
    Operation("tools.given", "GET", "/agents/{agent}/tools"),
    Operation("tools.get", "GET", "/tools/{name}"),
    Operation("tools.create", "POST", "/tools", status=201, once="kept"),
    Operation("tools.update", "PUT", "/tools/{name}"),
    Operation("tools.delete", "DELETE", "/tools/{name}", status=204),
    Operation("tools.versions", "GET", "/tools/{name}/versions"),
    Operation("tools.set_secret", "PUT", "/tools/{name}/secrets/{secret}"),
    Operation("tools.run", "POST", "/sessions/{session_id}/tools/{name}", status=202, once="kept"),
    Operation("tools.run_alone", "POST", "/tools/{name}/run", once="kept"),
    Operation("tools.result", "GET", "/runs/{run_id}/result"),
    Operation("skills.list", "GET", "/skills"),
    Operation("skills.get", "GET", "/skills/{name}"),
    Operation("skills.file", "GET", "/skills/{name}/file", raw_out=True),
    Operation("skills.sync", "PUT", "/agents/{agent}/skills"),
    Operation("skills.copy", "POST", "/skills/{name}/copy", status=201, once="kept"),
    Operation("skills.install", "POST", "/skills", status=201, once="kept"),
    Operation(
        "skills.upload", "POST", "/uploads/skills", status=201, once="kept", raw_in="data", file_name="name"
    ),
    Operation("skills.save", "PUT", "/skills/{name}/text"),
    Operation("skills.remove", "DELETE", "/skills/{name}", status=204),
    Operation("prompts.list", "GET", "/prompts"),
    Operation("prompts.get", "GET", "/prompts/{name}"),
    Operation("prompts.parse", "POST", "/parse/prompt"),
    Operation("prompts.create", "POST", "/prompts", status=201, once="kept"),
    Operation("prompts.update", "PUT", "/prompts/{name}"),
    Operation("prompts.delete", "DELETE", "/prompts/{name}", status=204),
    Operation("prompts.attach", "PUT", "/prompts/{name}/attachment", raw_in="data", file_name="file_name"),
    Operation("prompts.attachment", "GET", "/prompts/{name}/attachment", raw_out=True),
    Operation("prompts.detach", "DELETE", "/prompts/{name}/attachment"),
    Operation("prompts.resolve", "POST", "/prompts/{name}/resolve"),
    Operation("knowledge.list", "GET", "/knowledge/collections"),
    Operation("knowledge.create", "POST", "/knowledge/collections", status=201, once="kept"),
    Operation("knowledge.get", "GET", "/knowledge/collections/{collection}"),
    Operation("knowledge.update", "PATCH", "/knowledge/collections/{collection}"),
    Operation("knowledge.delete", "DELETE", "/knowledge/collections/{collection}", status=204),
    Operation("knowledge.submissions", "POST", "/knowledge/collections/{collection}/submissions"),
    Operation("knowledge.submission", "GET", "/knowledge/submissions/{document_id}"),
    Operation("knowledge.redo", "POST", "/knowledge/collections/{collection}/redo", status=202, once="kept"),
    Operation("knowledge.clear", "POST", "/knowledge/collections/{collection}/clear"),
    Operation("knowledge.documents", "GET", "/knowledge/collections/{collection}/documents"),
    Operation(
        "knowledge.add", "POST", "/knowledge/collections/{collection}/documents", status=202, once="kept"
    ),
    Operation(
        "knowledge.upload",
        "POST",
        "/knowledge/collections/{collection}/uploads",
        status=202,
        once="kept",
        raw_in="data",
        file_name="name",
    ),
    Operation(
        "knowledge.stage",
        "POST",
        "/knowledge/uploads",
        status=201,
        once="kept",
        raw_in="data",
        file_name="name",
    ),
    Operation("knowledge.staged", "GET", "/knowledge/uploads"),
    Operation("knowledge.unstage", "DELETE", "/knowledge/uploads/{upload_id}", status=204),
    Operation(
        "knowledge.take_in", "POST", "/knowledge/collections/{collection}/staged", status=202, once="kept"
    ),
    Operation("knowledge.sync", "POST", "/knowledge/collections/{collection}/sync", status=202, once="kept"),
    Operation("knowledge.watch", "PUT", "/knowledge/collections/{collection}/watch"),
    Operation(
        "knowledge.reembed", "POST", "/knowledge/collections/{collection}/reembed", status=202, once="kept"
    ),
    Operation("knowledge.every_document", "POST", "/knowledge/documents"),
    Operation("knowledge.passages", "POST", "/knowledge/passages"),
    Operation("knowledge.document", "GET", "/knowledge/documents/{document_id}"),
    Operation("knowledge.describe", "PATCH", "/knowledge/documents/{document_id}"),
    Operation("knowledge.remove", "DELETE", "/knowledge/documents/{document_id}", status=204),
    Operation("knowledge.chunks", "GET", "/knowledge/documents/{document_id}/chunks"),
    Operation("knowledge.original", "GET", "/knowledge/documents/{document_id}/original", raw_out=True),
    Operation("knowledge.text", "GET", "/knowledge/documents/{document_id}/text"),
    Operation("knowledge.copy", "POST", "/knowledge/documents/{document_id}/copies", status=202, once="kept"),
    Operation("knowledge.embed", "POST", "/knowledge/vectors"),
    Operation("knowledge.nearest", "POST", "/knowledge/collections/{collection}/nearest"),
    Operation("knowledge.search", "POST", "/knowledge/search"),
    Operation("knowledge.keep", "POST", "/knowledge/contexts", status=201, once="kept"),
    Operation("knowledge.contexts", "GET", "/knowledge/contexts"),
    Operation("knowledge.context", "GET", "/knowledge/contexts/{context_id}"),
    Operation("knowledge.drop", "DELETE", "/knowledge/contexts/{context_id}", status=204),
    Operation("jobs.list", "GET", "/jobs"),
    Operation("jobs.pending", "GET", "/counts/jobs"),
    Operation("jobs.get", "GET", "/jobs/{job_id}"),
    Operation("jobs.cancel", "POST", "/jobs/{job_id}/cancel"),
    Operation("jobs.forget", "DELETE", "/jobs/{job_id}", status=204),
    Operation("jobs.delete_knowledge", "POST", "/deletions/knowledge", status=202, once="kept"),
    Operation("jobs.delete_sessions", "POST", "/deletions/sessions", status=202, once="kept"),
    Operation("jobs.retry", "POST", "/jobs/{job_id}/retry", status=202, once="kept"),
    Operation("memory.blocks", "GET", "/memory/blocks"),
    Operation("memory.count_blocks", "GET", "/counts/memory_blocks"),
    Operation("memory.create_block", "POST", "/memory/blocks", status=201, once="kept"),
    Operation("memory.block", "GET", "/memory/blocks/{block}"),
    Operation("memory.update_block", "PATCH", "/memory/blocks/{block}"),
    Operation("memory.delete_block", "DELETE", "/memory/blocks/{block}", status=204),
    Operation("memory.publish", "PUT", "/memory/blocks/{block}/public"),
    Operation("memory.shares", "GET", "/memory/blocks/{block}/shares"),
    Operation("memory.share", "PUT", "/memory/blocks/{block}/shares/{user}"),
    Operation("memory.unshare", "DELETE", "/memory/blocks/{block}/shares/{user}"),
    Operation("memory.defaults", "GET", "/memory/defaults"),
    Operation("memory.set_default", "PUT", "/memory/defaults"),
    Operation("memory.entries", "GET", "/memory/entries"),
    Operation("memory.remember", "POST", "/memory/entries", status=201, once="kept"),
    Operation("memory.entry", "GET", "/memory/entries/{entry_id}"),
    Operation("memory.update_entry", "PATCH", "/memory/entries/{entry_id}"),
    Operation("memory.forget", "DELETE", "/memory/entries/{entry_id}", status=204),
    Operation("memory.search", "GET", "/memory/search"),
    Operation("models.list", "GET", "/models"),
    Operation("models.choose", "GET", "/models/choice"),
    Operation("models.providers", "GET", "/models/providers"),
    Operation("models.look_up", "GET", "/models/known"),
    Operation("models.own", "GET", "/models/own"),
    Operation("models.keep", "PUT", "/models/own"),
    Operation("models.add", "POST", "/models/own", status=201, once="kept"),
    Operation("models.check", "POST", "/models/own/check"),
    Operation("models.forget", "DELETE", "/models/own"),
    Operation("models.check_file", "GET", "/models/file"),
    Operation("models.ollama", "GET", "/models/ollama"),
    Operation("keys.create", "POST", "/keys", status=201, once="refused"),
    Operation("keys.list", "GET", "/keys"),
    Operation("keys.find", "POST", "/keys/find"),
    Operation("keys.revoke", "DELETE", "/keys/{id}"),
    Operation("keys.providers", "GET", "/providers"),
    Operation("keys.provider", "GET", "/providers/{provider}/key"),
    Operation("keys.set_provider", "PUT", "/providers/{provider}"),
    Operation("keys.check_provider", "POST", "/providers/{provider}/check"),
    Operation("keys.set_address", "PUT", "/providers/{provider}/address", status=204),
    Operation("keys.remove_provider", "DELETE", "/providers/{provider}", status=204),
    Operation("users.me", "GET", "/me"),
    Operation("users.annotations", "GET", "/me/ext"),
    Operation("users.annotate", "PATCH", "/me/ext"),
    Operation("users.agreements", "GET", "/agreements"),
    Operation("users.accept", "PUT", "/agreements/{name}"),
    Operation("users.list", "GET", "/users"),
    Operation("users.add", "POST", "/users", status=201, once="kept"),
    Operation("users.page", "GET", "/pages/users"),
    Operation("users.update", "PATCH", "/users/{name}"),
    Operation("users.set_password", "PUT", "/users/{name}/password", status=204),
    Operation("users.remove", "DELETE", "/users/{name}", status=204),
    Operation("users.login", "POST", "/logins", status=201, once="refused"),
    Operation("users.logins", "GET", "/logins"),
    Operation("users.logout", "DELETE", "/logins/{id}", status=204),
    Operation("releases.list", "GET", "/releases"),
    Operation("releases.latest", "GET", "/releases/latest", public=True),
    Operation("releases.add", "POST", "/releases", status=201, once="kept"),
    Operation("releases.remove", "DELETE", "/releases/{version}", status=204),
    Operation("releases.import_newest", "POST", "/releases/newest"),
    Operation("objects.list", "GET", "/objects"),
    Operation("objects.put", "PUT", "/objects", status=201, raw_in="data", file_name="name"),
    Operation("objects.fetch", "POST", "/objects/fetched", status=201, once="kept"),
    Operation("objects.look", "GET", "/objects/{id}"),
    Operation("objects.open", "GET", "/objects/{id}/data", raw_out=True, public=True),
    Operation("objects.remove", "DELETE", "/objects/{id}", status=204),
    Operation("oauth.clients", "GET", "/oauth/clients"),
    Operation("oauth.add_client", "POST", "/oauth/clients", status=201, once="refused"),
    Operation("oauth.enable_client", "PATCH", "/oauth/clients/{id}"),
    Operation("oauth.remove_client", "DELETE", "/oauth/clients/{id}", status=204),
    Operation("oauth.grants", "GET", "/oauth/grants"),
    Operation("oauth.end_grant", "DELETE", "/oauth/grants/{id}", status=204),
    Operation("accounts.ways", "GET", "/accounts/ways", public=True),
    Operation("accounts.sign_in", "POST", "/accounts/logins", status=201, once="refused", public=True),
    Operation("accounts.send_code", "POST", "/accounts/codes", public=True),
    Operation("accounts.register", "POST", "/accounts", status=201, once="refused", public=True),
    Operation("accounts.change_password", "PUT", "/accounts/me/password", status=204),
    Operation("accounts.outbox", "GET", "/accounts/outbox"),
    Operation("accounts.me", "GET", "/accounts/me"),
    Operation("accounts.names", "GET", "/accounts/names"),
    Operation("accounts.proxied", "POST", "/accounts/proxied", status=201, once="refused"),
    Operation("accounts.begin_upstream", "POST", "/accounts/upstream", status=201, once="refused"),
    Operation("accounts.finish_upstream", "POST", "/accounts/upstream/{provider}/end", once="refused"),
    Operation("usage.report", "GET", "/usage"),
    Operation("usage.limits", "GET", "/limits"),
    Operation("usage.set_limit", "PUT", "/limits/{kind}/{subject}"),
    Operation("usage.remove_limit", "DELETE", "/limits/{kind}/{subject}", status=204),
    Operation("usage.tiers", "GET", "/tiers"),
    Operation("usage.plans", "GET", "/plans"),
    Operation("usage.credits", "GET", "/credits"),
    Operation("usage.set_credits", "PUT", "/credits"),
    Operation("hooks.list", "GET", "/hooks"),
    Operation("hooks.add", "POST", "/hooks", status=201, once="kept"),
    Operation("hooks.enable", "PATCH", "/hooks/{id}"),
    Operation("hooks.remove", "DELETE", "/hooks/{id}", status=204),
    Operation("hooks.test", "POST", "/hooks/{id}/test"),
    Operation("hooks.secret", "POST", "/hooks/secret"),
    Operation("webhooks.list", "GET", "/webhooks"),
    Operation("webhooks.add", "POST", "/webhooks", status=201, once="refused"),
    Operation("webhooks.get", "GET", "/webhooks/{id}"),
    Operation("webhooks.update", "PATCH", "/webhooks/{id}"),
    Operation("webhooks.remove", "DELETE", "/webhooks/{id}", status=204),
    Operation("webhooks.test", "POST", "/webhooks/{id}/test"),
    Operation("webhooks.deliveries", "GET", "/webhooks/{id}/deliveries"),
    Operation("webhooks.redeliver", "POST", "/deliveries/{delivery_id}/redeliver"),
    Operation("mcp.list", "GET", "/mcp-servers"),
    Operation("mcp.add", "POST", "/mcp-servers", status=201, once="refused"),
    Operation("mcp.get", "GET", "/mcp-servers/{name}"),
    Operation("mcp.replace", "PUT", "/mcp-servers/{name}"),
    Operation("mcp.enable", "PATCH", "/mcp-servers/{name}"),
    Operation("mcp.remove", "DELETE", "/mcp-servers/{name}", status=204),
    Operation("mcp.set_secret", "PUT", "/mcp-servers/{name}/secrets/{secret}"),
    Operation("mcp.test", "POST", "/mcp-servers/{name}/test"),
    Operation("mcp.tools", "GET", "/mcp-servers/{name}/tools"),
    Operation("mcp.resources", "GET", "/mcp-servers/{name}/resources"),
    Operation("mcp.read", "GET", "/mcp-servers/{name}/resources/content"),
    Operation("mcp.call", "POST", "/sessions/{session_id}/mcp-servers/{name}/call", status=202, once="kept"),
    Operation("engine.status", "GET", "/engine/status"),
    Operation("engine.figures", "GET", "/engine/figures"),
    Operation("engine.health", "GET", "/engine/health"),
    Operation("engine.settings", "GET", "/settings"),
    Operation("engine.describe_settings", "GET", "/settings/all"),
    Operation("engine.set_setting", "PUT", "/settings/all/{key}"),
    Operation("engine.unset_setting", "DELETE", "/settings/all/{key}"),
    Operation("engine.log", "GET", "/engine/log"),
    Operation("engine.stop", "POST", "/engine/stop", status=204),
    Operation("engine.listeners", "GET", "/engine/listeners"),
    Operation("engine.listen", "POST", "/engine/listeners", status=201, once="kept"),
    Operation("engine.unlisten", "DELETE", "/engine/listeners/{listener_id}", status=204),
    Operation("engine.access", "GET", "/engine/listeners/{listener_id}/access", stream=True),
    Operation("engine.check", "POST", "/engine/check"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an operation answers."""

    path: str
    """Below `PREFIX`."""
    operation: Operation
    of: str = ""
    """The operation that gets the object which the path is below; empty on the operation's own path."""


def places() -> tuple[Place, ...]:
    """Returns every path of every operation."""
    own = (Place(operation.path, operation) for operation in OPERATIONS)
    others = (
        Place(alias.path, operation, alias.of) for operation in OPERATIONS for alias in operation.aliases
    )
    return (*own, *others)


@cache
def operations() -> dict[str, Operation]:
    """Returns the rows of the table by their names."""
    return {operation.name: operation for operation in OPERATIONS}


@cache
def workbench_methods() -> dict[str, Callable[..., Any]]:
    """Returns every method that the `Workbench` protocol's nouns have, by names as in the table."""
    return {
        f"{noun}.{verb}": method
        for noun, protocol in nouns().items()
        for verb, method in vars(protocol).items()
        if callable(method) and not verb.startswith("_")
    }
