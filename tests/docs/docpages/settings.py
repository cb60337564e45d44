"""The page of settings."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docpages.markdown import code, docstring, fenced, page, table
from docpages.models import default, meaning, type_name
from docpages.usage import is_read, reads_project_file
from holdfast.core.config.load import PREFIX, PROJECT_KEYS
from holdfast.core.config.settings import Settings
from holdfast.core.config.texts import field_texts

_INTRO = """\
Settings are read from four places. What stands further down wins:

1. the defaults below
2. your own file, `settings.yaml` in the folder of your configuration
3. the project's `.holdfast/settings.yaml`, which may set {project} and nothing else: it is somebody else's
   file, so it cannot loosen what you decided. What it says beyond that is left out and reported.{unread}
4. environment variables, with two underscores for each dot

Unknown keys are errors; the message names the file, the line and the nearest key that exists.

The engine reads settings when it starts. After a change, `holdfast engine stop` lets the next command start
it anew; runs that wait for you wait on."""

_NO_PROJECT_YET = " Nothing reads this file yet."
_NO_EFFECT_YET = " No effect yet."

_PLACES = """\
With `HOLDFAST_HOME` set, everything is in that folder: the file is `config/settings.yaml` there. Without
it, it is where your system keeps the configuration of programs, on Linux
`~/.config/holdfast/settings.yaml`."""

_OTHERS = (
    ("HOLDFAST_HOME", "The folder for everything: configuration, data, cache, logs and the socket."),
    (
        "HOLDFAST_URL",
        "The engine elsewhere that commands and the app go to, such as `https://bench.example.org:8700`.",
    ),
    ("HOLDFAST_KEY", "The key that is shown there."),
    ("HOLDFAST_CA", "A PEM file with the certificates to trust there, and no others."),
    ("VISUAL, EDITOR", "The program that opens files and arguments for editing."),
    ("NO_COLOR", "Set to anything, it takes the colours out of what commands print."),
)


def settings_page() -> str:
    """Returns the page."""
    project = " and ".join(code(".".join(key)) for key in PROJECT_KEYS)
    sections = [_section(path, model) for path, model in _models()]
    variables = table(("Variable", "Meaning"), [(code(name), text) for name, text in _OTHERS])
    return page(
        "Settings",
        _INTRO.format(project=project, unread="" if reads_project_file() else _NO_PROJECT_YET),
        _PLACES,
        fenced("models:\n  default: ollama/llama3.2\n  retries: 2\ntools:\n  command_timeout_s: 300", "yaml"),
        fenced("HOLDFAST_MODELS__DEFAULT=offline holdfast", "sh"),
        *sections,
        "## Other variables",
        variables,
        "The variables that hold keys of model providers are listed under [providers](providers.md).",
    )


def undescribed() -> list[str]:
    """Returns the settings that nobody has described."""
    return [
        ".".join((*path, name))
        for path, model in _models()
        for name, field in model.model_fields.items()
        if _sub(field) is None and not field_texts(model).get(name)
    ]


def _models() -> Iterator[tuple[tuple[str, ...], type[BaseModel]]]:
    yield (), Settings
    for name, field in Settings.model_fields.items():
        if (model := _sub(field)) is not None:
            yield (name,), model


def _sub(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _section(path: tuple[str, ...], model: type[BaseModel]) -> str:
    texts = field_texts(model)
    rows = [
        (
            code(".".join((*path, name))),
            type_name(field.annotation, lambda record: record.__name__),
            default(field),
            meaning(field, texts.get(name, "")) + ("" if is_read((*path, name)) else _NO_EFFECT_YET),
            code(PREFIX + "__".join((*path, name)).upper()),
        )
        for name, field in model.model_fields.items()
        if _sub(field) is None
    ]
    title = code(path[0]) if path else "General"
    text = docstring(model) if path else ""
    return "\n\n".join(
        part
        for part in (
            f"## {title}",
            text,
            table(("Key", "Type", "Default", "Meaning", "Environment variable"), rows),
        )
        if part
    )
