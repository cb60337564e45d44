"""The hooks of one user: a small YAML file, written by commands and open to an editor."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field

from holdfast.core.config.listed import write_list
from holdfast.core.config.yaml import parse_file
from holdfast.core.domain.errors import ConflictError, NotFoundError, file_mistakes
from holdfast.core.domain.hooks import MAX_HOOKS, HookSpec, hook_file
from holdfast.core.domain.values import Value, new_id
from holdfast.core.hooks.ids import apart, made_id

_HEAD = "# Hooks of all your runs. `holdfast hooks add` and `remove` rewrite this file.\n"


class _File(Value):
    hooks: tuple[HookSpec, ...] = Field(default=(), max_length=MAX_HOOKS)


class HooksFile:
    """Reads the file anew whenever it is asked. Methods block, and raise `InvalidError` for a file with a
    mistake, which is never overwritten, and for what a file cannot say, and `OSError` from writing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def read(self) -> tuple[HookSpec, ...]:
        """Returns the hooks in the order of the file, each with an id, and with whole paths."""
        return tuple(self._placed(spec) for spec in self._written())

    def add(self, spec: HookSpec) -> HookSpec:
        """Adds a hook and returns it with its id. Raises `ConflictError` when that is taken, or there are
        too many."""
        with self._lock:
            known = self._written()
            if spec.id is not None and spec.id in {each.id for each in known}:
                raise ConflictError(f"There is a hook {spec.id} already.", code="hook_exists")
            if len(known) >= MAX_HOOKS:
                raise ConflictError(f"You have {MAX_HOOKS} hooks already.", code="too_many_hooks")
            added = spec if spec.id is not None else spec.model_copy(update={"id": new_id()})
            self._write([*known, added])
        return self._placed(added)

    def remove(self, id: str) -> None:
        """Removes a hook. Raises `NotFoundError`."""
        with self._lock:
            known = self._written()
            kept = [spec for spec in known if spec.id != id]
            if len(kept) == len(known):
                raise hook_not_found(id)
            self._write(kept)

    def enable(self, id: str, enabled: bool) -> HookSpec:
        """Lets a hook act, or not, and returns it. Raises `NotFoundError`."""
        with self._lock:
            known = self._written()
            spec = next((each for each in known if each.id == id), None)
            if spec is None:
                raise hook_not_found(id)
            changed = spec.model_copy(update={"enabled": enabled})
            self._write(changed if each is spec else each for each in known)
        return self._placed(changed)

    def _placed(self, spec: HookSpec) -> HookSpec:
        if spec.file is None:
            return spec
        return spec.model_copy(update={"file": str(hook_file(self.path.parent, spec.file))})

    def _written(self) -> tuple[HookSpec, ...]:
        """Returns the hooks as they are written, each with an id of its own."""
        try:
            value, problems = parse_file(_File, self.path)
        except FileNotFoundError:
            return ()
        if value is None:
            raise file_mistakes(problems, code="invalid_hooks_file")
        named = (
            spec if spec.id else spec.model_copy(update={"id": made_id(index, spec)})
            for index, spec in enumerate(value.hooks)
        )
        return apart((), tuple(named))

    def _write(self, specs: Iterable[HookSpec]) -> None:
        known = tuple(specs)
        given = ({"id": spec.id, **spec.model_dump(mode="json", exclude_defaults=True)} for spec in known)
        write_list(self.path, _HEAD, "hooks", given, _File(hooks=known))


def hook_not_found(id: str) -> NotFoundError:
    """Returns the error of an id that no hook has."""
    return NotFoundError(
        f"There is no hook {id[:80]!r}; `holdfast hooks list` shows them.", code="hook_not_found"
    )
