"""What all principals of one engine share of users' own tools: rows, secrets, and what calls them."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Collection, Iterable, Mapping

from holdfast.core.domain.custom_tools import (
    ClientToolSpec,
    CustomTool,
    HttpToolSpec,
    PythonToolSpec,
    SearchToolSpec,
    ToolSpec,
    ToolVersion,
)
from holdfast.core.domain.errors import ConflictError, HoldfastError, InvalidError, NotFoundError
from holdfast.core.domain.processes import ProcessRunner
from holdfast.core.domain.tools import Tool
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.identity.secret_store import SecretStore
from holdfast.core.store.custom_tools import CustomToolTables
from holdfast.core.tools.client_tool import ClientTool
from holdfast.core.tools.http_tool import HttpTool, check_spec, origin
from holdfast.core.tools.python_source import described
from holdfast.core.tools.python_tool import PythonTool
from holdfast.core.tools.registry import ToolRegistry, near_names, schema
from holdfast.core.tools.schema_arguments import arguments_model
from holdfast.core.tools.search_tool import SearchTool
from holdfast.core.tools.web import WebFetcher

OwnTool = HttpTool | PythonTool | ClientTool | SearchTool

logger = logging.getLogger(__name__)

MAX_TOOLS = 200
"""Of one user."""
_SECRET_LENGTHS = range(8, 4_001)
"""Shorter ones could not be told from ordinary words, and would not be redacted."""


class CustomTools:
    """Users' own tools by owner; all of them are known once `read` is done."""

    def __init__(
        self,
        tables: CustomToolTables,
        secrets: SecretStore,
        builtin: ToolRegistry,
        fetcher: WebFetcher,
        processes: ProcessRunner,
    ) -> None:
        self._tables = tables
        self._secrets = secrets
        self._builtin = builtin
        self._fetcher = fetcher
        self._processes = processes
        self._tools: dict[str, dict[str, OwnTool]] = {}
        self._lock = asyncio.Lock()

    async def read(self) -> None:
        """Reads all tools and their secrets, which the redaction has to know before anything is stored."""
        for tool in await self._tables.all():
            try:
                self._keep(tool)
            except InvalidError as error:
                logger.warning("the tool %s cannot be used: %s", tool.id, error.message)
                continue
            await self._read_secrets(tool)

    def names(self, owner: str) -> tuple[str, ...]:
        """Returns the names of a user's own tools, as they were made; from any thread."""
        known = list(self._of(owner))  # at once: the loop may add one meanwhile
        return tuple(name for name in known if name not in self._builtin.names)

    def tool(self, name: str, owner: str) -> Tool:
        """Returns a tool by its name, a built-in one or one of the user's own. Raises `NotFoundError`."""
        if name in self._builtin.names:
            return self._builtin.get(name)
        found = self._of(owner).get(name)
        if found is None:
            known = (*self._builtin.names, *self.names(owner))
            raise NotFoundError(
                f"There is no tool {name[:80]!r}.{near_names(name, known)}", code="tool_not_found"
            )
        return found

    def arguments(self, name: str, owner: str) -> tuple[str, ...] | None:
        """Returns the arguments of a tool that the user's agents can list; None where there is none such."""
        try:
            return tuple(schema(self.tool(name, owner)).parameters.get("properties", {}))
        except NotFoundError:
            return None

    def is_client(self, name: str, owner: str) -> bool:
        """Says whether a name is that of a tool of the user's own that callers execute."""
        return isinstance(self._of(owner).get(name), ClientTool)

    def work_here(self, names: Iterable[str], owner: str) -> bool:
        """Says whether any of the tools does more than to search documents, or to be left to callers."""
        own = self._of(owner)
        return not all(isinstance(own.get(name), ClientTool | SearchTool) for name in names)

    def searched(self, names: Collection[str], owner: str) -> tuple[str, ...]:
        """Returns the collections that tools of these names search, those of the user's own."""
        own = self._of(owner)
        found = [tool for name in names if isinstance(tool := own.get(name), SearchTool)]
        return tuple(tool.collection for tool in found if tool.collection)

    def of(self, owner: str) -> tuple[OwnTool, ...]:
        """Returns a user's own tools."""
        return tuple(self._of(owner)[name] for name in self.names(owner))

    def get(self, name_or_id: str, owner: str) -> CustomTool:
        """Returns one of a user's own tools. Raises `NotFoundError`."""
        own = self._of(owner)
        found = own.get(name_or_id) or next(
            (each for each in own.values() if each.custom.id == name_or_id), None
        )
        if found is None:
            raise NotFoundError(
                f"You have no tool {name_or_id[:80]!r} of your own.{near_names(name_or_id, own)}",
                code="tool_not_found",
            )
        return found.custom

    async def create(self, spec: ToolSpec, owner: str) -> CustomTool:
        """Keeps a new tool. Raises `InvalidError`, `ConflictError`."""
        async with self._lock:
            spec = _checked(spec)
            own = self._of(owner)
            self._check_room(own)
            self._check_free(spec.name, own)
            now = utc_now()
            draft = CustomTool(id=new_id(), number=0, owner=owner, spec=spec, created_at=now, updated_at=now)
            tool = await self._tables.add(draft)
            self._keep(tool)
        return tool

    async def update(
        self, name_or_id: str, spec: ToolSpec, owner: str, expected: int | None = None
    ) -> CustomTool:
        """Replaces what a tool is. Raises `InvalidError`, `ConflictError`, `NotFoundError`."""
        async with self._lock:
            spec = _checked(spec)
            before = self.get(name_or_id, owner)
            if expected is not None and expected != before.version:
                raise _changed(before)
            if spec.name != before.spec.name:
                self._check_free(spec.name, self._of(owner))
            if spec == before.spec:
                return before
            tool = before.model_copy(
                update={"spec": spec, "version": before.version + 1, "updated_at": utc_now()}
            )
            await self._tables.change(tool)
            self._of(owner).pop(before.spec.name, None)
            self._keep(tool)
            await self._forget_secrets(before, kept=tool)
        return tool

    async def remove(self, name_or_id: str, owner: str) -> None:
        """Removes a tool with its secrets and versions. Raises `NotFoundError`."""
        async with self._lock:
            tool = self.get(name_or_id, owner)
            await self._tables.remove(tool.id)
            self._of(owner).pop(tool.spec.name, None)
            await self._forget_secrets(tool)

    async def put_aside(self, id: str, owner: str, version: int) -> None:
        """Takes a tool out that is in the trash now; its secrets stay until it is gone for good. Raises
        `ConflictError` when it is not that version any more, `NotFoundError`."""
        async with self._lock:
            tool = self.get(id, owner)
            if tool.version != version:
                raise _changed(tool)
            await self._tables.remove(id)
            self._of(owner).pop(tool.spec.name, None)

    async def restore(self, tool: CustomTool, versions: tuple[ToolVersion, ...]) -> None:
        """Brings back a tool that was put aside. Raises `ConflictError` when its name is taken meanwhile or
        there are too many."""
        async with self._lock:
            own = self._of(tool.owner)
            self._check_room(own)
            self._check_free(tool.spec.name, own)
            await self._tables.restore(tool, versions)
            self._keep(tool)

    async def forget(self, tool: CustomTool) -> None:
        """Removes the secrets of a tool that is gone for good."""
        await self._forget_secrets(tool)

    async def versions(self, name_or_id: str, owner: str) -> tuple[ToolVersion, ...]:
        """Returns what a tool has been, the latest first. Raises `NotFoundError`."""
        return await self._tables.versions(self.get(name_or_id, owner).id)

    async def set_secret(self, name_or_id: str, secret: str, value: str | None, owner: str) -> None:
        """Keeps a secret of a tool, for the host that its address has now; None removes it.

        Raises `InvalidError` for one that no header refers to or that cannot be sent, `NotFoundError`.
        """
        tool = self.get(name_or_id, owner)
        if secret not in tool.spec.secrets:
            raise InvalidError(
                f"No header of {tool.spec.name} refers to ${{secret:{secret[:64]}}}.", code="unknown_secret"
            )
        if value is None:
            await asyncio.to_thread(self._secrets.remove, _kept_as(tool, secret))
            return
        if len(value) not in _SECRET_LENGTHS or not value.isascii() or not value.isprintable():
            raise InvalidError(
                f"A secret has {_SECRET_LENGTHS.start} to {_SECRET_LENGTHS.stop - 1} printable ASCII"
                " characters.",
                code="invalid_secret",
            )
        await asyncio.to_thread(self._secrets.set, _kept_as(tool, secret), value)

    async def shown(self, tool: CustomTool) -> CustomTool:
        """Returns a tool with the names of the secrets that it refers to and that are not set."""
        known = await self._read_secrets(tool)
        missing = tuple(name for name in tool.spec.secrets if name not in known)
        return tool.model_copy(update={"missing": missing})

    async def forget_user(self, user_id: str) -> None:
        """Removes the tools of a user who is gone."""
        for tool in [each.custom for each in self._of(user_id).values()]:
            await self.remove(tool.id, user_id)

    def _of(self, owner: str) -> dict[str, OwnTool]:
        return self._tools.setdefault(owner, {})

    def _keep(self, tool: CustomTool) -> None:
        self._of(tool.owner)[tool.spec.name] = self._made(tool)

    def _made(self, tool: CustomTool) -> OwnTool:
        match tool.spec:
            case HttpToolSpec() as spec:
                return HttpTool(tool, spec, self._fetcher, self._read_secrets)
            case PythonToolSpec() as spec:
                return PythonTool(tool, spec, self._processes)
            case ClientToolSpec() as spec:
                return ClientTool(tool, spec)
            case SearchToolSpec() as spec:
                return SearchTool(tool, spec)

    def _check_room(self, own: Collection[str]) -> None:
        if len(own) >= MAX_TOOLS:
            raise ConflictError(f"You have {MAX_TOOLS} tools; delete one first.", code="too_many_tools")

    def _check_free(self, name: str, own: Collection[str]) -> None:
        if name in self._builtin.names or name in own or name.startswith("mcp__"):
            raise ConflictError(
                f"There is a tool {name} already, or there may be.",
                code="tool_exists",
                details={"name": name},
            )

    async def _read_secrets(self, tool: CustomTool) -> Mapping[str, str]:
        """Returns the secrets of a tool that are set; none where they cannot be read."""

        def read() -> dict[str, str]:
            found = {name: self._secrets.get(_kept_as(tool, name)) for name in tool.spec.secrets}
            return {name: value for name, value in found.items() if value}

        try:
            return await asyncio.to_thread(read)
        except (HoldfastError, OSError) as error:
            logger.warning("the secrets of the tool %s cannot be read: %s", tool.id, error)
            return {}

    async def _forget_secrets(self, tool: CustomTool, kept: CustomTool | None = None) -> None:
        """Removes the secrets of a tool that `kept`, what it is now, does not have."""
        still = {_kept_as(kept, name) for name in kept.spec.secrets} if kept is not None else set()
        for name in {_kept_as(tool, each) for each in tool.spec.secrets} - still:
            try:
                await asyncio.to_thread(self._secrets.remove, name)
            except (HoldfastError, OSError) as error:
                logger.warning("a secret of the tool %s is still kept: %s", tool.id, error)


def _changed(tool: CustomTool) -> ConflictError:
    return ConflictError(
        f"The tool {tool.spec.name} has version {tool.version} now; read it again.", code="tool_changed"
    )


def _checked(spec: ToolSpec) -> ToolSpec:
    if isinstance(spec, PythonToolSpec):
        return described(spec)
    if isinstance(spec, HttpToolSpec):
        check_spec(spec)
    else:
        arguments_model(spec.name, spec.parameters)
    return spec


def _kept_as(tool: CustomTool, secret: str) -> str:
    """Returns what a secret is kept as: it is one tool's, for one host, so that no other gets it."""
    host = origin(tool.spec) if isinstance(tool.spec, HttpToolSpec) else ""
    place = hashlib.sha256(host.encode()).hexdigest()[:16]
    return f"{tool.id}.{place}.{secret}"
