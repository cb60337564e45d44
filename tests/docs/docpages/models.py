"""What pydantic models say of themselves: types, defaults, limits, and the texts under their fields."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Interval, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docpages.markdown import code, table
from holdfast.core.config.texts import field_texts
from holdfast.core.domain.values import Page

Link = Callable[[type[BaseModel]], str]
"""Returns how a record is named in a table, perhaps with a link."""

_PLAIN = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "true or false",
    bytes: "bytes",
    type(None): "nothing",
}


def record_table(
    model: type[BaseModel], link: Link, leave_out: tuple[str, ...] = (), head: str = "Field"
) -> str:
    """Returns a table of the fields of `model`."""
    texts = field_texts(model)
    rows = [
        (code(name), type_name(field.annotation, link), default(field), meaning(field, texts.get(name, "")))
        for name, field in model.model_fields.items()
        if name not in leave_out
    ]
    return table((head, "Type", "Default", "Meaning"), rows)


def meaning(field: FieldInfo, text: str) -> str:
    """Returns a field's description and its limits."""
    limits = ", ".join(_limits(field.metadata))
    if not limits:
        return text
    return f"{_ended(text)} {limits[0].upper()}{limits[1:]}.".strip()


def _ended(text: str) -> str:
    return text if not text or text.endswith((".", "!", "?", "…")) else f"{text}."


def _limits(metadata: list[Any]) -> Iterator[str]:
    for limit in metadata:
        match limit:
            case Ge(ge=least):
                yield f"at least {least:,}"
            case Gt(gt=under):
                yield f"more than {under:,}"
            case Le(le=most):
                yield f"at most {most:,}"
            case Lt(lt=over):
                yield f"less than {over:,}"
            case Interval():
                yield from _limits(list(limit))
            case MinLen(min_length=1):
                yield "not empty"
            case MinLen(min_length=least):
                yield f"at least {least:,} long"
            case MaxLen(max_length=most):
                yield f"at most {most:,} long"
            case _ if getattr(limit, "pattern", None):
                yield f"must match `{limit.pattern}`"


def default(field: FieldInfo) -> str:
    """Returns a field's default as people write it in YAML or JSON; empty when it has to be given."""
    if field.is_required():
        return "required"
    if field.default_factory is not None:
        return ""
    return plain(field.default)


def plain(value: object) -> str:
    """Returns a value as YAML or JSON has it; empty for what means "nothing said"."""
    match value:
        case None | "" | () | []:
            return ""
        case Enum():
            return code(str(value.value))
        case BaseModel():
            return ""
        case bool():
            return code(str(value).lower())
        case float() if value.is_integer():
            return code(f"{value:.0f}")
        case tuple() | list():
            return code(f"[{', '.join(map(str, value))}]")
        case _:
            return code(str(value))


def type_name(annotation: Any, link: Link) -> str:
    """Returns a type in words; `None` beside other types is left out, since a default says it."""
    if isinstance(annotation, type) and annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_name(arguments[0], link)
    if origin in (Union, types.UnionType):
        return " or ".join(type_name(one, link) for one in arguments if one is not type(None))
    if origin is Literal:
        return ", ".join(code(str(one)) for one in arguments)
    if origin in (tuple, list):
        return f"list of {type_name(arguments[0], link)}"
    if origin is dict:
        return "object"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(code(str(one.value)) for one in annotation)
    if (item := paged(annotation)) is not None:
        return f"page of {type_name(item, link)}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return link(annotation)
    if getattr(annotation, "__name__", "") in ("datetime", "AwareDatetime"):
        return "time"
    return "anything"


def paged(annotation: Any) -> Any:
    """Returns what a page has as its items; None for what is no page."""
    if not (isinstance(annotation, type) and issubclass(annotation, Page)):
        return None
    return annotation.__pydantic_generic_metadata__["args"][0]


def records_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yields the models that a type names, and those that they name, each before its own."""
    seen: set[type[BaseModel]] = set()
    yield from _records(annotation, seen)


def _records(annotation: Any, seen: set[type[BaseModel]]) -> Iterator[type[BaseModel]]:
    for argument in get_args(annotation):
        yield from _records(argument, seen)
    if (item := paged(annotation)) is not None:
        yield from _records(item, seen)
        return
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)) or annotation in seen:
        return
    seen.add(annotation)
    yield annotation
    for field in annotation.model_fields.values():
        yield from _records(field.annotation, seen)
