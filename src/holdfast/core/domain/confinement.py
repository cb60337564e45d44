"""How far the programs that agents run are kept from everything else."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from holdfast.core.domain.values import Value

NetworkUse = Literal["allow", "deny"]


class Guard(StrEnum):
    """What stands between a program and the machine, best first."""

    BUBBLEWRAP = "bubblewrap"
    """A view of its own: what is hidden is not there, nor are other processes."""
    LANDLOCK = "landlock"
    """The kernel refuses what is outside of the program's reach, which can be seen otherwise."""
    LIMITS = "limits"
    """Limits of time, output and memory only: the program can do what the user can."""


class Protection(Value):
    """What is in force for the programs that agents run, as a trial has shown."""

    guard: Guard
    mode: Literal["auto", "off", "require"] = "auto"
    """The setting `sandbox.mode`. With `require` nothing is run under `limits` alone."""
    network: NetworkUse = "allow"
    """Whether commands reach the network."""
    reason: str = ""
    """Why it is not better; empty when it is the best."""
    hint: str = ""
    """What to do for a better one."""

    @property
    def refuses(self) -> bool:
        """Whether no program is run, for none can be confined."""
        return self.mode == "require" and self.guard is Guard.LIMITS
