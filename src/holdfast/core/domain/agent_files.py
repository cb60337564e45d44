"""The files of agents: of each, one folder that all of a user's sessions with it may have together."""

from __future__ import annotations

from pydantic import AwareDatetime

from holdfast.core.domain.values import Value


class AgentFileInfo(Value):
    """One file or folder."""

    path: str
    """From the folder of the agent."""
    is_folder: bool
    size: int
    """In bytes; of a folder 0."""
    changed_at: AwareDatetime
    media_type: str = ""
    """A guess by content and name; empty where nobody has looked."""
    md5: str = ""
    """Of the content, in hex, by which copies are compared; empty where nobody has looked, and of files over
    64 MiB."""


class AgentFolder(Value):
    """What is in the folder of an agent, or in one below it."""

    agent_id: str
    path: str
    """The folder, from that of the agent; empty: this itself."""
    files: tuple[AgentFileInfo, ...]
    """Folders before what is in them."""
    cut: bool = False
    """Whether there are folders that were not looked into, as they are too deep or there are too many."""
