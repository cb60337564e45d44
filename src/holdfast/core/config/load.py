"""Settings from everywhere they can be set, in the order: defaults < user < project < environment < flags.

- the user's `settings.yaml`
- `.holdfast/settings.yaml` of the project, which is somebody else's file: it may set `default_agent` and
  `models.default` and nothing else, so that it cannot loosen what the user decided. What it says beyond
  that, or wrongly, is left out and reported; it never stops the start.
- variables such as `HOLDFAST_MODELS__DEFAULT` (two underscores for each dot)
- flags of the command line, as a nested mapping

This module imports pydantic-settings, which takes time: nothing before the first paint may import it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from holdfast.core.config.mistakes import did_you_mean, mistakes
from holdfast.core.config.nodes import Document, Node, Plain, Position, compose, key_path
from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import PROJECT_SETTINGS, Settings
from holdfast.core.config.yaml import in_order, read_file, validate
from holdfast.core.domain.errors import Diagnostic, file_mistakes

PREFIX = "HOLDFAST_"
PROJECT_KEYS: tuple[tuple[str, ...], ...] = (("default_agent",), ("models", "default"))
"""What a project's settings file may set."""


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings, and what was left out of the project's file."""

    settings: Settings
    problems: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Layers:
    """The settings, and what each place says that can say anything."""

    settings: Settings
    user: Mapping[str, Any]
    project: Mapping[str, Any]
    environment: Mapping[str, Any]
    problems: tuple[Diagnostic, ...]
    """What is wrong; a place with a mistake says nothing."""


class _Sources(BaseSettings, Settings):
    """The settings' fields with pydantic-settings' means to read and merge them."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", case_sensitive=False, extra="forbid", frozen=True
    )


class _Environment(EnvSettingsSource):
    """Reads a given mapping instead of the process's own environment."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        super().__init__(_Sources)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._environ.items()}


def load_settings(
    paths: Paths,
    environ: Mapping[str, str],
    project: Path | None = None,
    flags: Mapping[str, Any] | None = None,
) -> LoadedSettings:
    """Returns the settings that hold in the folder `project`.

    Raises `InvalidError` with `details["diagnostics"]` when the user's file, the environment or a flag is
    wrong: every mistake is named.
    """
    user, problems = _from_file(paths.settings)
    from_environment, more = _from_environment(environ)
    problems += more
    given = dict(flags or {})
    problems += _check("command line", given, lambda path: "--" + ".".join(path))
    if problems:
        raise file_mistakes(problems, code="invalid_settings")
    allowed, reported = _from_project(project / PROJECT_SETTINGS) if project else ({}, [])
    return LoadedSettings(_merged(given, from_environment, allowed, user), tuple(reported))


def read_layers(paths: Paths, environ: Mapping[str, str], project: Path | None = None) -> Layers:
    """Returns the settings that hold in the folder `project` and what each place says of them, as far as it
    is right: who repairs a file must see the rest."""
    user, problems = _from_file(paths.settings)
    from_environment, more = _from_environment(environ)
    allowed, reported = _from_project(project / PROJECT_SETTINGS) if project else ({}, [])
    user, from_environment = ({} if problems else user), ({} if more else from_environment)
    return Layers(
        settings=_merged(from_environment, allowed, user),
        user=user,
        project=allowed,
        environment=from_environment,
        problems=(*problems, *more, *reported),
    )


def _merged(*layers: Mapping[str, Any]) -> Settings:
    class Merged(_Sources):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return tuple(InitSettingsSource(settings_cls, dict(layer)) for layer in layers)

    merged = Merged()
    return Settings.model_validate(merged.model_dump(include=set(Settings.model_fields)))


def _from_file(path: Path) -> tuple[dict[str, Plain], list[Diagnostic]]:
    document, problems = _document(path)
    if document is None:
        return {}, problems
    _, more = validate(Settings, document)
    return _mapping(document.root), in_order([*problems, *more])


def _from_project(path: Path) -> tuple[dict[str, Plain], list[Diagnostic]]:
    document, problems = _document(path)
    if document is None:
        return {}, problems
    _, more = validate(Settings, document)
    refused = [key for key in _leaves(document.root) if key not in PROJECT_KEYS]
    known = {problem.key_path for problem in more}
    foreign = [
        document.mistake(
            key,
            "a project may not set this; it is left out",
            expected="only " + " and ".join(key_path(allowed) for allowed in PROJECT_KEYS),
            hint="write it into your own settings file if you want it",
            of_key=True,
        )
        for key in refused
        if key_path(key) not in known
    ]
    wrong = {problem.key_path for problem in [*problems, *more]}
    taken: dict[str, Plain] = {}
    for key in PROJECT_KEYS:
        node = document.find(key)
        if node is not None and not any(key_path(key[: n + 1]) in wrong for n in range(len(key))):
            _put(taken, key, node.value)
    return taken, in_order([*problems, *more, *foreign])


def _document(path: Path) -> tuple[Document | None, list[Diagnostic]]:
    try:
        text, problems = read_file(path)
    except FileNotFoundError:
        return None, []
    if text is None:
        return None, problems
    return compose(text, str(path))


def _mapping(node: Node) -> dict[str, Plain]:
    return node.value if isinstance(node.value, dict) else {}


def _leaves(node: Node, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not node.fields:
        return [path] if path else []
    return [leaf for key, child in node.fields.items() for leaf in _leaves(child, (*path, key))]


def _put(target: dict[str, Plain], key: tuple[str, ...], value: Plain) -> None:
    for part in key[:-1]:
        target = cast(dict[str, Plain], target.setdefault(part, {}))
    target[key[-1]] = value


def _from_environment(environ: Mapping[str, str]) -> tuple[dict[str, Any], list[Diagnostic]]:
    unknown = [problem for name in environ if (problem := _unknown_variable(name)) is not None]
    if unknown:
        return {}, unknown
    try:
        values = _Environment(environ)()
    except SettingsError:
        wrong = [name for name in environ if name.removeprefix(PREFIX).lower() in Settings.model_fields]
        return {}, [
            _at(f"environment: {name}", name, "is not a JSON object", hint=f"set {name}__KEY instead")
            for name in wrong
            if _section(name.removeprefix(PREFIX).lower()) is not None
        ]
    return values, _check("environment", values, lambda path: PREFIX + "__".join(path).upper())


def _unknown_variable(name: str) -> Diagnostic | None:
    if not name.startswith(PREFIX):
        return None
    path = tuple(name.removeprefix(PREFIX).lower().split("__"))
    if len(path) == 1:
        # Other variables share the prefix (HOLDFAST_HOME); only a near miss is taken for a setting.
        near = difflib.get_close_matches(path[0], Settings.model_fields, n=1, cutoff=0.85)
        if not near or near[0] == path[0]:
            return None
        return _at("environment", name, "is no setting", hint=f"did you mean `{PREFIX}{near[0].upper()}`?")
    section = _section(path[0])
    if section is None:
        valid = [key for key in Settings.model_fields if _section(key) is not None]
        return _at("environment", name, "is no setting", hint=did_you_mean(path[0], valid))
    if len(path) > 2 or path[1] not in section.model_fields:
        return _at("environment", name, "is no setting", hint=did_you_mean(path[1], section.model_fields))
    return None


def _section(key: str) -> type[BaseModel] | None:
    field = Settings.model_fields.get(key)
    annotation = field.annotation if field else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _check(source: str, values: dict[str, Any], name: Callable[[list[str]], str]) -> list[Diagnostic]:
    try:
        Settings.model_validate(values)
    except ValidationError as error:
        start = Position(1, 1)
        found = mistakes(Settings, Document(source, _node(values, start)), error)
        places = [details["loc"] for details in error.errors()]
        return [
            problem.model_copy(update={"key_path": name([str(part) for part in place])})
            for problem, place in zip(found, places, strict=False)
        ]
    return []


def _node(value: Any, at: Position) -> Node:
    fields = {key: _node(child, at) for key, child in value.items()} if isinstance(value, dict) else {}
    return Node(value, at, at, keys=dict.fromkeys(fields, at), fields=fields)


def _at(source: str, name: str, message: str, hint: str = "") -> Diagnostic:
    return Diagnostic(file=source, line=1, column=1, key_path=name, message=message, hint=hint)
