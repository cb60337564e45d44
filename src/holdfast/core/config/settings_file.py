"""The user's own settings file: what holds and why, and changes of one setting at a time."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from holdfast.core.config.fields import Leaf, leaf_of, leaves, sections
from holdfast.core.config.nodes import Plain, compose, plain_scalar
from holdfast.core.config.paths import Paths
from holdfast.core.config.private import write_private
from holdfast.core.config.rewrite import with_value, without_value
from holdfast.core.config.settings import PROJECT_SETTINGS, Settings
from holdfast.core.config.yaml import parse, read_file
from holdfast.core.domain.configuring import Setting, SettingSource, SettingsReport, SettingValue
from holdfast.core.domain.errors import Diagnostic, InvalidError, StoreError, file_mistakes
from holdfast.core.domain.text import sanitize_line, shorten

LONGEST_VALUE = 10_000
"""Characters of a value that is given as text."""


class SettingsFile:
    """Reads and changes the settings of one home. `environment` is what the engine was started with."""

    def __init__(self, paths: Paths, environment: Mapping[str, str]) -> None:
        self._paths = paths
        self._environment = environment
        self._lock = threading.Lock()

    def report(self, project: Path | None = None) -> SettingsReport:
        """Returns every setting with what holds in the folder `project`, and where that comes from."""
        from holdfast.core.config.load import read_layers  # pydantic-settings takes time

        layers = read_layers(self._paths, self._environment, project)
        values = to_jsonable_python(layers.settings)
        places: dict[SettingSource, Mapping[str, Any]] = {
            "environment": layers.environment,
            "project": layers.project,
            "user": layers.user,
        }
        found = []
        for leaf in leaves():
            source = next((name for name, layer in places.items() if _has(layer, leaf.path)), None)
            found.append(self._setting(leaf, _at(values, leaf.path), source or "default", project))
        return SettingsReport(
            file=str(self._paths.settings),
            sections=sections(),
            settings=tuple(found),
            problems=layers.problems,
        )

    def set(self, key: str, value: SettingValue) -> Setting:
        """Writes a setting into the user's file and returns it; a text is read as what the setting is.

        Raises `NotFoundError` for a key that is none; `InvalidError` for a value that cannot be, for a file
        that has mistakes and for one that no line can be added to: the file is then untouched. Raises
        `StoreError` when it cannot be written.
        """
        leaf, path = leaf_of(key)
        given = self._meant(leaf, path, value)
        if given is None:
            return self.unset(key)
        with self._lock:
            text = self._text()
            changed = with_value(text, path, given)
            if changed is None:
                raise self._not_editable(key)
            self._check(key, leaf, changed)
            self._write(changed)
        return self._now(leaf)

    def unset(self, key: str) -> Setting:
        """Takes a setting out of the user's file and returns what holds then. Raises as `set` does."""
        leaf, path = leaf_of(key)
        with self._lock:
            text = self._text()
            changed = without_value(text, path)
            if changed is None:
                raise self._not_editable(key)
            if changed != text:
                self._write(changed)
        return self._now(leaf)

    def _now(self, leaf: Leaf) -> Setting:
        found = self.report().get(leaf.key)
        if found is None:
            raise RuntimeError("a setting that was changed is not among the settings")
        return found

    def _setting(self, leaf: Leaf, value: Any, source: SettingSource, project: Path | None) -> Setting:
        place = {
            "default": "",
            "user": str(self._paths.settings),
            "project": str((project or Path()) / PROJECT_SETTINGS),
            "environment": "HOLDFAST_" + "__".join(leaf.path).upper(),
        }[source]
        return Setting(
            key=leaf.key,
            about=leaf.about,
            kind=leaf.kind,
            expected=leaf.expected,
            choices=leaf.choices,
            optional=leaf.optional,
            value=value,
            default=leaf.default,
            source=source,
            place=place,
        )

    def _meant(self, leaf: Leaf, path: tuple[str, ...], value: SettingValue) -> Plain:
        """Returns a value as it is to be written: what a text means for this setting."""
        if not isinstance(value, str):
            plain: Plain = to_jsonable_python(value)
            return plain
        if len(value) > LONGEST_VALUE:
            raise InvalidError(f"{leaf.key}: the text is too long.", code="invalid_setting")
        if path != leaf.path or leaf.kind in ("text", "choice"):
            return value if value or path != leaf.path or not leaf.optional else None
        if leaf.kind in ("list", "mapping"):
            return _collection(leaf, value)
        meant = plain_scalar(value.strip())
        if meant is None and not leaf.optional:
            raise InvalidError(f"{leaf.key} takes {leaf.expected}.", code="invalid_setting")
        return meant

    def _check(self, key: str, leaf: Leaf, text: str) -> None:
        _, problems = parse(Settings, text, str(self._paths.settings))
        own = [problem for problem in problems if problem.key_path.startswith(leaf.key)]
        if own:
            said = f"{shorten(sanitize_line(key), 80)}: {own[0].message}; it takes {leaf.expected}."
            raise InvalidError(f"{said} {own[0].hint}".strip(), code="invalid_setting")
        if problems:
            raise _broken(problems)

    def _text(self) -> str:
        try:
            text, problems = read_file(self._paths.settings)
        except FileNotFoundError:
            return ""
        if text is None:
            raise _broken(problems)
        problems = compose(text, str(self._paths.settings))[1]
        if problems:
            raise _broken(problems)
        return text

    def _write(self, text: str) -> None:
        try:
            write_private(self._paths.settings, text)
        except OSError as error:
            raise StoreError(f"{self._paths.settings} cannot be written: {error.strerror}.") from error

    def _not_editable(self, key: str) -> InvalidError:
        return InvalidError(
            f"{self._paths.settings} is written in a way that {shorten(sanitize_line(key), 80)} cannot be "
            "changed in it; edit the file yourself.",
            code="settings_not_editable",
        )


def _collection(leaf: Leaf, text: str) -> Plain:
    brackets = "[]" if leaf.kind == "list" else "{}"
    inner = text.strip()
    whole = inner if inner.startswith(brackets[0]) else f"{brackets[0]} {inner} {brackets[1]}"
    document, problems = compose(f"v: {whole}", "value")
    node = document.root.fields.get("v") if document is not None else None
    if problems or node is None:
        raise InvalidError(f"{leaf.key} takes {leaf.expected}.", code="invalid_setting")
    if isinstance(node.value, dict):
        return {key: "" if each is None else each for key, each in node.value.items()}
    return node.value


def _broken(problems: list[Diagnostic]) -> InvalidError:
    return file_mistakes(problems, code="invalid_settings")


def _has(layer: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    inner: Any = layer
    for key in path:
        if not isinstance(inner, Mapping) or key not in inner:
            return False
        inner = inner[key]
    return True


def _at(values: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        values = values[key]
    return values
