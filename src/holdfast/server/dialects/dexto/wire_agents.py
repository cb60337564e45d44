"""Agents, and their files, as Dexto says them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from holdfast.server.dialects.dexto.wire import Flag, Said, Sent, StrictSent, absent
from holdfast.server.dialects.dexto.zod import custom_issue, zod_error

ID = Field(min_length=1)


class AgentEntry(Said):
    """An agent in a list."""

    id: str
    name: str
    description: str
    author: str | None = absent()
    tags: list[str] | None = absent()
    type: Literal["builtin", "custom"]


class CurrentAgent(Said):
    """The active agent."""

    id: str | None
    name: str | None


class AgentList(Said):
    """All agents."""

    installed: list[AgentEntry]
    available: list[AgentEntry]
    current: CurrentAgent


class CustomMetadata(StrictSent):
    """What is said of an agent that comes from a file."""

    description: str
    author: str
    tags: list[str]
    main: str | None = None


class Install(StrictSent):
    """An agent to install: one of the registry by its id, or, with `sourcePath`, one of a file."""

    id: str = ID
    path: str | None = None
    name: str | None = None
    source_path: str | None = Field(default=None, min_length=1)
    metadata: CustomMetadata | None = None

    @model_validator(mode="after")
    def _whole(self) -> Install:
        if (self.source_path is None) != (self.metadata is None):
            missing = "metadata" if self.metadata is None else "sourcePath"
            expected = "object" if self.metadata is None else "string"
            said = {"code": "invalid_type", "expected": expected, "received": "undefined"}
            raise zod_error({**custom_issue("Required", missing), **said})
        return self


class Installed(Said):
    """An agent that was installed."""

    installed: Literal[True] = True
    id: str
    name: str
    type: Literal["builtin", "custom"]


class Chosen(StrictSent):
    """An agent by its id, or by the path of its file."""

    id: str = ID
    path: str | None = None


class Switched(Said):
    """The agent that is active from now on."""

    switched: Literal[True] = True
    id: str
    name: str


class NameCheck(Said):
    """Whether an agent can have a name."""

    valid: bool
    conflict: Literal["builtin", "custom"] | None = absent()
    message: str | None = absent()


class Uninstall(StrictSent):
    """An agent to remove."""

    id: str = ID
    force: Flag = False


class Uninstalled(Said):
    """An agent that was removed."""

    uninstalled: Literal[True] = True
    id: str


class CreateAgent(StrictSent):
    """An agent to make, with what its file says as an object."""

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    name: str = Field(min_length=1)
    description: str = Field(min_length=1)
    author: str | None = None
    tags: tuple[str, ...] = ()
    config: dict[str, Any]


class Created(Said):
    """An agent that was made."""

    created: Literal[True] = True
    id: str
    name: str


class AgentPath(Said):
    """Where the active agent's file is."""

    path: str
    relative_path: str
    name: str
    is_default: bool


class AgentFileText(Said):
    """The active agent's file."""

    yaml: str
    path: str
    relative_path: str
    last_modified: str
    warnings: list[str]


class Checked(Sent):
    """A file to look at."""

    yaml: str


class Saved(Sent):
    """A file to save."""

    yaml: str = Field(min_length=1)


class Problem(Said):
    """A mistake in a file."""

    line: int | None = absent()
    column: int | None = absent()
    path: str | None = absent()
    message: str
    code: str


class Validation(Said):
    """What is wrong with a file."""

    valid: bool
    errors: list[Problem]
    warnings: list[Problem]


class SavedFile(Said):
    """A file that was saved, and what it has changed."""

    ok: Literal[True] = True
    path: str
    reloaded: Literal[True] = True
    restarted: bool
    changes_applied: list[str]
    message: str


class AuthStatus(Said):
    """Whether somebody is signed in to Dexto's own service, which is not there."""

    enabled: bool = False
    authenticated: bool = False
    can_use: bool = False
