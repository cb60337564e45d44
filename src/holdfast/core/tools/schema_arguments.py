"""Arguments that a JSON Schema describes instead of a class, for tools from outside.

Validation happens in the engine's own process, so it is bounded: expressions are matched by a machine that
is linear in the text, and every keyword that is looked at counts against a budget, by the work that it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import cache, lru_cache
from itertools import islice
from typing import Any, ClassVar

from pydantic import ConfigDict, GetJsonSchemaHandler, RootModel, ValidationError, model_validator
from pydantic_core import (
    CoreSchema,
    InitErrorDetails,
    PydanticCustomError,
    SchemaError,
    SchemaValidator,
    core_schema,
)

from holdfast.core.domain.nesting import MAX_DEPTH, nested_deeper
from holdfast.core.tools.json_schemas import LISTS, MAPS, SINGLES, self_contained

_BUDGET = 50_000
"""Work of one validation: what a keyword looks at, a few microseconds each."""
_TOLD = 10
_LONGEST = 150
_LONGEST_PATTERN = 500
_PATTERNS = 16
_MATCHED_CHARACTERS = 10_000
_COMPARED_ITEMS = 100
_CHARACTERS = 10
"""Characters that a pattern is matched against for one unit of work."""
_TOLD_CHARACTERS = 500
"""The same of a mistake's text, which repeats the value."""
_COMPARING = frozenset(("const", "dependentRequired", "enum"))
_EACH = frozenset(("additionalProperties", "contains", "items", "propertyNames"))
"""Keywords that look at all of what they are asked about."""
_UNCHECKED = frozenset(("patternProperties", "unevaluatedItems", "unevaluatedProperties"))
_IF = frozenset(("else", "if", "then"))
_DECIDING = {
    **dict.fromkeys(_IF, _IF),
    "contains": frozenset(("contains", "maxContains", "minContains")),
    "not": frozenset(("not",)),
    "oneOf": frozenset(("oneOf",)),
}
"""Keywords that may refuse when less is asked inside of them, each with what goes with it."""
_left: ContextVar[int] = ContextVar("work left")

_Keyword = Callable[[Any, Any, Any, Any], Iterator[Any]]


class SchemaArguments(RootModel[dict[str, Any]]):
    """The base of the models that `arguments_model` makes. `root` is the very dict that was given."""

    model_config = ConfigDict(frozen=True)

    parameters: ClassVar[dict[str, Any]] = {}
    """The JSON Schema, without references."""
    checked: ClassVar[dict[str, Any]] = {}
    """What of it is validated."""

    @model_validator(mode="after")
    def _fits(self) -> SchemaArguments:
        problems = _problems(self.checked, self.root)
        if problems:
            raise ValidationError.from_exception_data("arguments", problems)
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler, /
    ) -> dict[str, Any]:
        return dict(cls.parameters)


def arguments_model(name: str, schema: dict[str, Any]) -> type[SchemaArguments]:
    """Returns a model of the arguments that `schema` (Draft 2020-12, of an object) describes.

    Its instances dump to the very dict that they were made of, nothing added and nothing converted. What of
    the schema cannot be checked in bounded time (an expression with look-around, an endless recursion) takes
    anything. `name` is the tool's. Raises `InvalidError` (`invalid_schema`).
    """
    plain = self_contained(schema)

    class Given(SchemaArguments):
        parameters = plain
        checked = _Checkable().of(plain)

    Given.__name__ = Given.__qualname__ = name
    return Given


def _problems(schema: dict[str, Any], arguments: dict[str, Any]) -> list[InitErrorDetails]:
    if nested_deeper(arguments, MAX_DEPTH):
        return [_problem("they are nested too deep")]
    token = _left.set(_BUDGET)
    try:
        errors = list(islice(_validator()(schema).iter_errors(arguments), _TOLD))
    except _TooMuch:
        return [_problem("they are too many to be held against the schema")]
    finally:
        _left.reset(token)
    found: dict[tuple[str, tuple[int | str, ...]], InitErrorDetails] = {}
    for error in errors:
        for problem in _details(error):
            found.setdefault((str(problem["type"]), problem.get("loc", ())), problem)
    return list(found.values())


def _details(error: Any) -> list[InitErrorDetails]:
    path = tuple(error.absolute_path)
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return [InitErrorDetails(type="missing", loc=(*path, name), input=None) for name in missing]
    if error.validator == "additionalProperties" and error.validator_value is False and not path:
        known = error.schema.get("properties", {})
        unknown = [name for name in error.instance if name not in known]
        return [InitErrorDetails(type="extra_forbidden", loc=(name,), input=None) for name in unknown]
    text = str(error.message)
    if len(text) > 2 * _LONGEST:
        text = f"{text[:_LONGEST]} … {text[-_LONGEST:]}"
    return [_problem(text, path)]


def _problem(text: str, path: tuple[int | str, ...] = ()) -> InitErrorDetails:
    return InitErrorDetails(
        type=PydanticCustomError("schema", "{told}", {"told": text}), loc=path, input=None
    )


class _TooMuch(Exception):
    """The budget of a validation is used up."""


@cache
def _validator() -> Any:
    """Returns the class that validates: Draft 2020-12, each keyword's work counted."""
    from jsonschema import Draft202012Validator  # takes a while; many engines need none
    from jsonschema.validators import create

    keywords = dict(Draft202012Validator.VALIDATORS)
    for gone in ("$ref", "$dynamicRef", "format", "unevaluatedItems", "unevaluatedProperties"):
        keywords.pop(gone, None)
    keywords |= {"pattern": _pattern, "uniqueItems": _few_unique(keywords["uniqueItems"])}
    made: Any = create(
        Draft202012Validator.META_SCHEMA, {name: _counted(name, check) for name, check in keywords.items()}
    )
    return made


def _counted(name: str, check: _Keyword) -> _Keyword:
    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        _charge(_work(name, value, instance))
        for mistake in check(validator, value, instance, schema) or ():
            _charge(len(mistake.message) // _TOLD_CHARACTERS)
            yield mistake

    return counted


def _charge(work: int) -> None:
    left = _left.get() - work
    if left < 0:
        raise _TooMuch
    _left.set(left)


def _work(name: str, value: Any, instance: Any) -> int:
    """Returns how much a keyword looks at."""
    if name in _COMPARING:
        return _nodes(value)
    if name == "pattern":
        return 1 + (len(instance) // _CHARACTERS if isinstance(instance, str) else 0)
    if name == "uniqueItems" and isinstance(instance, list) and len(instance) <= _COMPARED_ITEMS:
        texts = all(isinstance(each, str) for each in instance)
        # Items that cannot be sorted are compared each with each.
        return 1 + len(instance) if texts else 1 + len(instance) * _nodes(instance) // 2
    work = 1 + (len(value) if isinstance(value, (list, dict)) else 0)
    return work + (len(instance) if name in _EACH and isinstance(instance, (list, dict)) else 0)


def _nodes(value: Any) -> int:
    """Returns how many values there are in one, itself too; no more than are past the budget."""
    count, inner = 0, [value]
    while inner and count <= _BUDGET:
        one = inner.pop()
        count += 1
        if isinstance(one, (list, dict)):
            inner.extend(one.values() if isinstance(one, dict) else one)
    return count


def _pattern(validator: Any, pattern: Any, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError as Mistake

    if not isinstance(instance, str) or len(instance) > _MATCHED_CHARACTERS:
        return
    matcher = _matcher(pattern)
    if matcher is not None and not matcher.isinstance_python(instance):
        yield Mistake(f"{instance[:80]!r} does not match {pattern!r}")


def _few_unique(check: _Keyword) -> _Keyword:
    def few(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if isinstance(instance, list) and len(instance) <= _COMPARED_ITEMS:
            yield from check(validator, value, instance, schema) or ()

    return few


@lru_cache(maxsize=64)
def _matcher(pattern: str) -> SchemaValidator | None:
    """Returns what matches an expression in linear time, None when it cannot be matched so."""
    if len(pattern) > _LONGEST_PATTERN:
        return None
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern))
    except SchemaError:
        return None  # look-around and the like, or too large


class _Checkable:
    """Makes of a schema what is validated of it: without what cannot be checked in bounded time, and without
    the choices that hang on that, so that leaving something out never refuses what fits."""

    def __init__(self) -> None:
        self._patterns: set[str] = set()

    def of(self, schema: dict[str, Any]) -> dict[str, Any]:
        plain, _ = self._node(schema)
        return plain if isinstance(plain, dict) else {}

    def _node(self, node: Any) -> tuple[Any, bool]:
        """Returns what is left of a schema, and whether something was left out."""
        if not isinstance(node, dict):
            return node, False
        kept: dict[str, Any] = {}
        gone = set(node) & _UNCHECKED
        for key, value in node.items():
            kept[key], less = self._keyword(key, value)
            if less and key in _DECIDING:
                gone |= _DECIDING[key]
            elif less:
                gone.add("")
        if "patternProperties" in node:
            gone.add("additionalProperties")  # it is about the properties that no expression matches
        if "pattern" in node and not self._matches(node["pattern"]):
            gone.add("pattern")
        return {key: value for key, value in kept.items() if key not in gone}, bool(gone)

    def _keyword(self, key: str, value: Any) -> tuple[Any, bool]:
        if key in MAPS and isinstance(value, dict):
            named = {name: self._node(one) for name, one in value.items()}
            return {name: one for name, (one, _) in named.items()}, any(less for _, less in named.values())
        if key in LISTS and isinstance(value, list):
            nodes = [self._node(one) for one in value]
            return [one for one, _ in nodes], any(less for _, less in nodes)
        return self._node(value) if key in SINGLES else (value, False)

    def _matches(self, pattern: Any) -> bool:
        self._patterns.add(pattern)
        return len(self._patterns) <= _PATTERNS and _matcher(pattern) is not None
