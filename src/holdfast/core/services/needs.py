"""What a method of the workbench needs from a principal, said beside the method itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from holdfast.core.domain.errors import ForbiddenError
from holdfast.core.domain.identity import Principal, Role, Scope

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Needs:
    """The least scope, and the role where it is about the engine instead of the user's own things."""

    scope: Scope
    role: Role = Role.USER

    def check(self, name: str, principal: Principal) -> None:
        """Raises `ForbiddenError` when `principal` may not call the method `name`."""
        if not principal.scope.includes(self.scope):
            raise ForbiddenError(
                f"This needs a key of scope `{self.scope}` (this one has `{principal.scope}`): "
                f"`holdfast keys create NAME --scope {self.scope}` makes one.",
                code="scope_missing",
                details={"needs": self.scope, "has": principal.scope, "operation": name},
            )
        if self.role is Role.ADMIN and not principal.is_admin:
            raise ForbiddenError(
                f"This needs the role `admin`, which {principal.name} does not have.",
                code="admin_only",
                details={"operation": name},
            )


def needs(scope: Scope, role: Role = Role.USER) -> Callable[[F], F]:
    """Marks a method of a protocol of `workbench.py`; unmarked ones cannot be called by a principal."""

    def mark(method: F) -> F:
        method.__needs__ = Needs(scope, role)  # type: ignore[attr-defined]
        return method

    return mark


def needs_of(method: Callable[..., Any]) -> Needs:
    """Returns what a method was marked with; unmarked: the most that there is."""
    found = getattr(method, "__needs__", None)
    return found if isinstance(found, Needs) else Needs(Scope.ADMIN, Role.ADMIN)


class Guarded:
    """A noun of the workbench that checks each call of a principal before it is made."""

    def __init__(self, noun: str, service: object, protocol: type, principal: Principal) -> None:
        self._noun = noun
        self._service = service
        self._protocol = protocol
        self._principal = principal

    def __getattr__(self, verb: str) -> Any:
        method = getattr(self._protocol, verb)
        needs_of(method).check(f"{self._noun}.{verb}", self._principal)
        return getattr(self._service, verb)
