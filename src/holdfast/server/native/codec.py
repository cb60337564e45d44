"""Arguments and results of one operation, to and from HTTP, as the protocol's type hints say."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Annotated, Any, get_args, get_origin, get_type_hints
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Json, TypeAdapter, ValidationError, create_model
from pydantic_core import PydanticSerializationError, from_json, to_json

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.events import EVENT, AnyEvent, LoggedEvent
from holdfast.core.domain.text import shorten
from holdfast.core.domain.transfer import Upload
from holdfast.core.domain.values import Page
from holdfast.server.kit.mistakes import explained, mistakes_in, unaskable
from holdfast.server.native.operation import PREFIX, Operation, workbench_methods

_SHOWN_MISTAKES = 5
_LISTED_MISTAKES = 50
_LONGEST_FIELD = 200


@dataclass(frozen=True, slots=True)
class WireRequest:
    """What the client sends for one call."""

    path: str
    query: tuple[tuple[str, str], ...]
    body: bytes | None
    """JSON; None where there is none."""
    raw: Upload | None = None
    """A body that is sent as it is."""


class Codec:
    """Reads and writes one operation. Built at first use: models are not free to make."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        method = workbench_methods()[operation.name]
        self._hints = get_type_hints(method, include_extras=True)
        parameters = list(inspect.signature(method).parameters.values())[1:]
        self._signature = inspect.Signature(parameters)
        self._flattened = {p.name: self._hints[p.name] for p in parameters if self._flattens(p.name)}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all parameters, as they are on the wire."""
        return tuple(self.arguments.model_fields)

    @cached_property
    def arguments(self) -> type[BaseModel]:
        """The parameters as one model, those of a flattened model among them."""
        fields: dict[str, Any] = {}
        for parameter in self._signature.parameters.values():
            if parameter.name == self.operation.raw_in:
                continue
            if parameter.name in self._flattened:
                model = self._flattened[parameter.name]
                fields |= {n: (f.annotation, f) for n, f in model.model_fields.items()}
                continue
            default = ... if parameter.default is parameter.empty else parameter.default
            hint = self._hints[parameter.name]
            fields[parameter.name] = (_as_json(hint) if parameter.name in self._objects else hint, default)
        return create_model(self.operation.name, __config__=ConfigDict(extra="forbid"), **fields)

    @cached_property
    def _objects(self) -> frozenset[str]:
        """The parameters that are objects, but stand in a query: there they are JSON texts."""
        if not self.operation.in_query:
            return frozenset()
        return frozenset(name for name, hint in self._hints.items() if _is_object(hint))

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        return {name: field.default for name, field in self.arguments.model_fields.items()}

    @property
    def answer_type(self) -> Any:
        """The type of the result; of a stream, that of an item."""
        returned = self._hints["return"]
        return get_args(returned)[0] if self.operation.stream else returned

    @cached_property
    def _result(self) -> TypeAdapter[Any]:
        return TypeAdapter(self._hints["return"])

    @property
    def _gives_events(self) -> bool:
        return bool(self._hints["return"] == Page[LoggedEvent])

    @cached_property
    def _item(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.answer_type)

    @property
    def streams_events(self) -> bool:
        """Whether a stream is of the log's events, which have a cursor; else of items that have none."""
        return self.operation.stream and self.answer_type is LoggedEvent

    def _flattens(self, name: str) -> bool:
        hint = self._hints[name]
        return self.operation.in_query and isinstance(hint, type) and issubclass(hint, BaseModel)

    # --- the server's half

    def parse(self, path: Mapping[str, str], query: Sequence[tuple[str, str]], body: bytes) -> dict[str, Any]:
        """Returns the keyword arguments of a request. Raises `InvalidError` that names each wrong field."""
        given = self._query(query) if self.operation.in_query else self._body(query, body)
        for name in path.keys() & given.keys():
            raise _mistake(name, "stands in the path already")
        values = {**given, **path}
        try:
            if self.operation.in_query:
                arguments = self.arguments.model_validate_strings(values)
            else:
                # Strict, so that `true` is no number and "5" none either; as JSON, for there a list is the
                # only way to write a tuple, and text that of a time.
                arguments = self.arguments.model_validate_json(to_json(values), strict=True)
        except ValidationError as error:
            raise self._invalid(error) from None
        for name, value in arguments:
            if wrong := unaskable(value):
                raise _mistake(name, wrong)
        return self._keywords(arguments)

    def write(self, result: Any) -> bytes:
        """Returns the JSON body of a result."""
        if self._gives_events:
            # Much faster than through the models, and each event as the streams have it.
            items = ",".join(event.to_json() for event in result.items)
            return f'{{"items":[{items}],"next_cursor":{json.dumps(result.next_cursor)}}}'.encode()
        return self._result.dump_json(result)

    def write_item(self, item: Any) -> str:
        """Returns the JSON of an item of a stream."""
        return self._item.dump_json(item).decode()

    def _query(self, query: Sequence[tuple[str, str]]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in query:
            if name in values:
                raise _mistake(name, "is given more than once")
            values[name] = value
        return values

    def _body(self, query: Sequence[tuple[str, str]], body: bytes) -> dict[str, Any]:
        for name, _ in query:
            raise _mistake(name, "is not taken in the query; parameters of this operation go into the body")
        if not body.strip():
            return {}
        try:
            values = from_json(body, allow_inf_nan=False)
        except ValueError as error:
            raise InvalidError(f"The body is not valid JSON: {error}", code="invalid_json") from None
        if not isinstance(values, dict):
            raise InvalidError("The body must be a JSON object", code="invalid_json")
        return values

    def _keywords(self, arguments: BaseModel) -> dict[str, Any]:
        keywords = {name: getattr(arguments, name) for name in arguments.model_fields_set}
        for name, model in self._flattened.items():
            keywords[name] = model(**{f: keywords.pop(f) for f in model.model_fields if f in keywords})
        return keywords

    @property
    def spread(self) -> tuple[type[BaseModel], ...]:
        """The records whose fields are parameters of their own."""
        return tuple(self._flattened.values())

    # --- the client's half

    def request(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> WireRequest:
        """Returns what to send for a call. Raises `InvalidError` for arguments that do not fit."""
        given = dict(self._signature.bind(*args, **kwargs).arguments)
        raw = given.pop(self.operation.raw_in, None)
        given |= {name: _json(given[name]) for name in self._objects & given.keys()}
        for name in self._flattened:
            given |= dict(given.pop(name))
        try:
            arguments = self.arguments.model_validate(given)
            in_path = set(self.operation.path_names)
            fields = arguments.model_dump(mode="json", include=in_path)
            path = PREFIX + self.operation.path.format(**{n: _segment(v) for n, v in fields.items()})
            # Defaults are left out here, not by the dump, which would drop them inside of parts as well.
            rest = {n for n, v in arguments if n not in in_path and v != self._defaults[n]}
            if self.operation.in_query:
                shown = arguments.model_dump(mode="json", include=rest)
                return WireRequest(path, tuple((n, _text(v)) for n, v in shown.items()), None, raw)
            return WireRequest(path, (), arguments.model_dump_json(include=rest).encode())
        except ValidationError as error:
            raise self._invalid(error) from None
        except (PydanticSerializationError, UnicodeEncodeError):
            raise InvalidError("The text holds characters that are not valid Unicode") from None

    def read(self, body: bytes) -> Any:
        """Returns the result that `write` wrote, also one of another version: what it has more is left out.

        Raises `ValueError` when it lacks something, or is none.
        """
        if self._gives_events:
            page = json.loads(body)
            events = (event for fields in page["items"] if (event := read_event(fields)) is not None)
            return Page[LoggedEvent](items=tuple(events), next_cursor=page["next_cursor"])
        return self._result.validate_json(body, extra="ignore")

    def read_item(self, text: str) -> Any:
        """Returns the item that `write_item` wrote, also one of another version. Raises `ValueError`."""
        return self._item.validate_json(text, extra="ignore")

    def _invalid(self, error: ValidationError) -> InvalidError:
        mistakes = [
            {"field": _shown(".".join(str(x) for x in mistake["loc"])), "message": self._explain(mistake)}
            for mistake in mistakes_in(error)[:_LISTED_MISTAKES]
        ]
        shown = "; ".join(f"{m['field']}: {m['message']}" for m in mistakes[:_SHOWN_MISTAKES])
        return InvalidError(shown, code="invalid_request", details={"fields": mistakes})

    def _explain(self, mistake: Mapping[str, Any]) -> str:
        if mistake["type"] == "extra_forbidden" and len(mistake["loc"]) == 1:
            return f"is not known here; there are: {', '.join(self.names) or 'none'}"
        return explained(mistake)


@cache
def codec(operation: Operation) -> Codec:
    """Returns the codec of `operation`."""
    return Codec(operation)


def _shown(name: str) -> str:
    return shorten(name, _LONGEST_FIELD)


def _mistake(field: str, message: str) -> InvalidError:
    field = _shown(field)
    return InvalidError(
        f"{field}: {message}",
        code="invalid_request",
        details={"fields": [{"field": field, "message": message}]},
    )


def _segment(value: object) -> str:
    # A path of dots alone would be resolved away by URL libraries; its dots are escaped as well.
    text = quote(str(value), safe="")
    return text if text.strip(".") else text.replace(".", "%2E")


def _text(value: object) -> str:
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_object(hint: Any) -> bool:
    return any(_is_dict(each) for each in _choices(hint))


def _choices(hint: Any) -> tuple[Any, ...]:
    """Returns a type, or those that it is one of."""
    return (hint,) if get_origin(hint) in (Annotated, dict) else (hint, *get_args(hint))


def _is_dict(hint: Any) -> bool:
    return get_origin(get_args(hint)[0] if get_origin(hint) is Annotated else hint) is dict


def _as_json(hint: Any) -> Any:
    """Returns the type of a text that is JSON of what `hint` says, which may be None as well."""
    plain = next(each for each in _choices(hint) if _is_dict(each))
    text: Any = Annotated[plain, Json]
    return text if plain is hint else text | None


def _json(value: object) -> str | None:
    return None if value is None else to_json(value).decode()


_EVENT_TYPES = frozenset(event.model_fields["type"].default for event in get_args(AnyEvent))


def read_event(fields: dict[str, Any]) -> LoggedEvent | None:
    """Returns the event that `LoggedEvent.to_json` wrote; None for a type that only a newer engine knows.

    What a newer engine says more of a known event is left out. Raises `ValueError` for what is none.
    """
    if fields["type"] not in _EVENT_TYPES:
        return None
    id = fields.pop("id")
    return LoggedEvent(id=id, event=EVENT.validate_python(fields, extra="ignore"))
