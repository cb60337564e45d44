"""The noun `prompts` of a workbench."""

from __future__ import annotations

from typing import Protocol

from holdfast.core.domain.identity import Scope
from holdfast.core.domain.prompts import FoundPrompt, PromptInfo, PromptSpec, ResolvedPrompt
from holdfast.core.domain.transfer import Download, Upload
from holdfast.core.services.needs import needs


class Prompts(Protocol):
    """Templates of messages that are sent by name: an agent's, a project's, the user's own, those of MCP
    servers.

    Where one is looked for is said by `session_id`, whose agent and project then count, or by `project`
    and `agent`. A prompt is named by its name or its key; one of the user's own also by its id.
    """

    @needs(Scope.READ)
    async def list(
        self, session_id: str | None = None, project: str | None = None, agent: str | None = None
    ) -> tuple[PromptInfo, ...]:
        """Returns the prompts that can be seen, by name, files with mistakes included; of MCP servers those
        that are known, without starting any. Raises `NotFoundError` for a session or an agent."""
        ...

    @needs(Scope.READ)
    async def get(
        self,
        name: str,
        session_id: str | None = None,
        project: str | None = None,
        agent: str | None = None,
    ) -> FoundPrompt:
        """Returns a prompt with its text. For one of an MCP server that is not known yet the server is
        started, where the caller's scope is `chat` or more. Raises `NotFoundError` with the nearest names,
        and `UnavailableError` for a server that cannot be started."""
        ...

    @needs(Scope.READ)
    async def parse(self, name: str, source: str) -> PromptSpec:
        """Returns the prompt that a Markdown file says, called `name`: front matter with `title`,
        `description` and `arguments`, and the text below. Raises `InvalidError` with every mistake."""
        ...

    @needs(Scope.ADMIN)
    async def create(self, prompt: PromptSpec) -> FoundPrompt:
        """Makes a prompt the user's own. Raises `InvalidError` for one without a text, `ConflictError` when
        its name is taken."""
        ...

    @needs(Scope.ADMIN)
    async def update(self, name: str, prompt: PromptSpec, expected: str | None = None) -> FoundPrompt:
        """Replaces a prompt of the user's own; its id and the file that is attached to it stay.

        `expected` is the digest of what is meant to be replaced. Raises `ConflictError` when it has changed
        since or the new name is taken, `NotFoundError`, `InvalidError`.
        """
        ...

    @needs(Scope.ADMIN)
    async def delete(self, name: str) -> None:
        """Puts a prompt of the user's own into the trash. Raises `NotFoundError`."""
        ...

    @needs(Scope.ADMIN)
    async def attach(self, name: str, data: Upload, file_name: str = "") -> FoundPrompt:
        """Attaches a file of at most 10 MB to a prompt of the user's own, in the place of an older one: it
        goes with every message that is made of it. Raises `TooLargeError`, `NotFoundError`."""
        ...

    @needs(Scope.READ)
    async def attachment(self, name: str) -> Download:
        """Returns the file that is attached to a prompt of the user's own. Raises `NotFoundError`, also where
        there is none."""
        ...

    @needs(Scope.ADMIN)
    async def detach(self, name: str) -> FoundPrompt:
        """Takes the attached file away. Raises `NotFoundError`."""
        ...

    @needs(Scope.CHAT)
    async def resolve(
        self,
        name: str,
        arguments: dict[str, str] | None = None,
        words: tuple[str, ...] = (),
        line: str = "",
        session_id: str | None = None,
        project: str | None = None,
        agent: str | None = None,
    ) -> ResolvedPrompt:
        """Returns the message that a prompt is with values: `arguments` by name; `words` by their places;
        `line` as it is written after the name, `name=value` and words in double quotes.

        `@path` in its text takes a file of the session along, `@SERVER:URI` a resource of an MCP server; in
        values an `@` is a letter. Raises `InvalidError` (`missing_arguments`, whose details name them),
        `ForbiddenError` for a folder that is not trusted, `NotFoundError`, `TooLargeError`, and what MCP
        servers raise: `UnavailableError`, `ToolError`.
        """
        ...
