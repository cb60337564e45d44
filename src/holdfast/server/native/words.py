"""What operations and their parameters mean, for those who use HTTP."""

from __future__ import annotations

import inspect
import re

from pydantic import BaseModel

from holdfast.core.config.texts import field_texts
from holdfast.core.domain import errors
from holdfast.core.domain.errors import STATUS, HoldfastError
from holdfast.core.domain.status import ListenOptions
from holdfast.server.native.codec import codec
from holdfast.server.native.operation import Operation
from holdfast.server.native.parameters import PARAMETERS

_FIELDS_OF: dict[str, tuple[type[BaseModel], ...]] = {"engine.listen": (ListenOptions,)}
"""Records that an operation takes field by field: their texts are those of its parameters."""

_CLASSES = {
    name: cls
    for name, cls in vars(errors).items()
    if isinstance(cls, type) and issubclass(cls, HoldfastError)
}


def meanings(operation: Operation) -> dict[str, str]:
    """Returns what each parameter of an operation means: by this module, by the record whose field it is, or
    by its type."""
    texts: dict[str, str] = {}
    for record in (*codec(operation).spread, *_FIELDS_OF.get(operation.name, ())):
        texts |= field_texts(record)
    return {
        name: _meaning(operation.name, name) or texts.get(name) or field.description or ""
        for name, field in codec(operation).arguments.model_fields.items()
    }


def _meaning(operation: str, parameter: str) -> str:
    return PARAMETERS.get(f"{operation}.{parameter}") or PARAMETERS.get(parameter, "")


def said_of(thing: object) -> str:
    """Returns a docstring in the words of HTTP: errors are statuses with their codes."""
    text = re.sub(r"\braises?\b", "fails with", inspect.cleandoc(thing.__doc__ or ""))
    text = re.sub(r"\bRaises\b", "Fails with", text)
    text = re.sub(r"`(\w+)`", lambda found: _status(found[1]) or found[0], text)
    text = re.sub(r"\bYields\b", "Streams", text, count=1)
    return re.sub(r"\bNone\b", "null", text)


def _status(name: str) -> str:
    cls = _CLASSES.get(name)
    if cls is None:
        return ""
    # The codes of what is not found, or in conflict, are many; what has one of its own says it.
    code = f" (`{cls.default_code}`)" if cls.default_code != cls.kind else ""
    return f"{STATUS[cls.kind]}{code}"
