"""Filters over the metadata of documents, in Chroma's form, as a condition in SQL.

`{"year": {"$gte": 2020}}`, `{"team": "sales"}`, `{"$and": [...]}`, `{"$or": [...]}`; several keys in one
object must all hold. `$name`, `$source` and `$media_type` are the document's own. Values are texts, numbers
and truth values, and are compared with their own sort only: `1` is neither `true` nor `"1"`. A document
without the key, or with a value of another sort, is different (`$ne`, `$nin`), and never equal, less or
greater.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.core.domain.errors import InvalidError
from holdfast.core.knowledge.index.cleaning import clean

OWN = {"$name": "name", "$source": "source", "$media_type": "media_type"}
"""Columns of a document that filters may name."""

MAX_CONDITIONS = 200
MAX_VALUES = 1_000
"""Most values in one `$in` or `$nin`."""
MAX_DEPTH = 10

_LISTED = "IN (SELECT value FROM json_each(?))"

Scalar = str | int | float | bool
_COMPARISONS = {"$eq": "=", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
_JUNCTIONS = {"$and": " AND ", "$or": " OR "}


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition over the table `documents d`."""

    sql: str
    values: tuple[str, ...] = ()


ALWAYS = Condition("1")
NEVER = Condition("0")


def compile_where(where: Mapping[str, Any] | None) -> Condition:
    """Returns the condition that `where` stands for. Raises `InvalidError` (`invalid_filter`), which names
    the place of what is wrong."""
    if not where:
        return ALWAYS
    return _Compiler().all_of(where, "where", 0)


class _Compiler:
    def __init__(self) -> None:
        self._conditions = 0

    def all_of(self, where: Any, at: str, depth: int) -> Condition:
        if not isinstance(where, Mapping) or not where:
            raise _invalid(at, 'must be an object such as {"year": {"$gte": 2020}}')
        if depth > MAX_DEPTH:
            raise _invalid(at, f"is nested more than {MAX_DEPTH} deep")
        return _join(" AND ", [self._one(key, value, f"{at}.{key}", depth) for key, value in where.items()])

    def _one(self, key: str, value: Any, at: str, depth: int) -> Condition:
        if key in _JUNCTIONS:
            if not isinstance(value, list | tuple) or not value:
                raise _invalid(at, "must be a list of filters, and not empty")
            parts = [self.all_of(item, f"{at}[{i}]", depth + 1) for i, item in enumerate(value)]
            return _join(_JUNCTIONS[key], parts)
        if key.startswith("$") and key not in OWN:
            known = ", ".join([*_JUNCTIONS, *OWN])
            raise _invalid(at, f"is not known here; a key of the metadata, or one of {known}, is expected")
        if not isinstance(value, Mapping):
            return self._compare(key, "$eq", value, at)
        if not value:
            raise _invalid(at, 'names no comparison; for example {"$gte": 2020} is expected')
        return _join(" AND ", [self._compare(key, op, v, f"{at}.{op}") for op, v in value.items()])

    def _compare(self, key: str, op: str, value: Any, at: str) -> Condition:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise _invalid("where", f"has more than {MAX_CONDITIONS} conditions")
        match op:
            case "$in" | "$nin":
                if not isinstance(value, list | tuple) or not 0 < len(value) <= MAX_VALUES:
                    raise _invalid(at, f"must be a list of 1 to {MAX_VALUES} values")
                test = _one_of([_scalar(item, f"{at}[{i}]") for i, item in enumerate(value)])
            case "$ne":
                test = _test("=", _scalar(value, at))
            case _ if op in _COMPARISONS:
                test = _test(_COMPARISONS[op], _scalar(value, at))
            case _:
                known = ", ".join([*_COMPARISONS, "$ne", "$in", "$nin"])
                raise _invalid(at, f"is no comparison; one of {known} is expected")
        return _of_key(key, test, negated=op in ("$ne", "$nin"))


def _scalar(value: Any, at: str) -> Scalar:
    if not isinstance(value, Scalar):
        raise _invalid(at, "must be a text, a number, true or false")
    if isinstance(value, int) and abs(value) >= 1 << 63:
        raise _invalid(at, "must be a smaller number")
    if isinstance(value, float) and not math.isfinite(value):
        raise _invalid(at, "must be a finite number")
    return value


def _test(sign: str, value: Scalar) -> Condition:
    """Compares `m.value`, which is of the sort `m.type` in the words of SQLite's JSON."""
    match value:
        case bool():
            return Condition(f"m.type = '{str(value).lower()}'") if sign == "=" else NEVER
        case str():
            return Condition(f"m.type = 'text' AND m.value {sign} ?", (clean(value),))
        case _:
            # As JSON, as the metadata's own numbers: SQLite may round them otherwise than Python.
            number = f"m.value {sign} json_extract(?, '$')"
            return Condition(f"m.type IN ('integer', 'real') AND {number}", (json.dumps(value),))


def _one_of(values: Sequence[Scalar]) -> Condition:
    """Tests whether `m.value` is one of many, in an expression that does not grow with them."""
    truths = [_test("=", value) for value in (True, False) if any(value is each for each in values)]
    texts = [clean(value) for value in values if isinstance(value, str)]
    numbers = [value for value in values if not isinstance(value, str | bool)]
    return _join(
        " OR ",
        [
            *truths,
            Condition(f"m.type = 'text' AND m.value {_LISTED}", (json.dumps(texts),)),
            Condition(f"m.type IN ('integer', 'real') AND m.value {_LISTED}", (json.dumps(numbers),)),
        ],
    )


def _of_key(key: str, test: Condition, *, negated: bool) -> Condition:
    sign = "NOT EXISTS" if negated else "EXISTS"
    if key in OWN:
        own = f"(SELECT 'text' AS type, d.{OWN[key]} AS value) m"
        return Condition(f"{sign} (SELECT 1 FROM {own} WHERE {test.sql})", test.values)
    mine = f"json_each(d.metadata) m WHERE m.key = ? AND ({test.sql})"
    return Condition(f"{sign} (SELECT 1 FROM {mine})", (clean(key), *test.values))


def _join(word: str, parts: Sequence[Condition]) -> Condition:
    values = tuple(value for part in parts for value in part.values)
    return Condition(word.join(f"({part.sql})" for part in parts), values)


def _invalid(at: str, message: str) -> InvalidError:
    return InvalidError(f"{at}: {message}.", code="invalid_filter", details={"at": at})
