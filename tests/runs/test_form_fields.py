"""Forms as data: what a schema asks for, and what fits it, whatever a stranger has written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.forms import MAX_FIELDS, field_value, form_fields
from holdfast.core.runs.answers import form_problems

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
kinds = st.sampled_from(["string", "number", "integer", "boolean", "array", "object", "null", 7])
fields = st.fixed_dictionaries(
    {"type": kinds},
    optional={
        "enum": plain,
        "oneOf": plain,
        "items": plain,
        "title": plain,
        "default": plain,
        "format": plain,
    },
)
schemas = st.fixed_dictionaries(
    {"properties": st.dictionaries(st.text(max_size=5), fields | plain, max_size=3) | plain},
    optional={"required": plain, "type": plain},
)


@given(schemas, st.text(max_size=8))
def test_a_strangers_schema_gives_fields_or_a_reason_and_what_is_typed_a_value_or_one(
    schema: dict[str, Any], typed: str
) -> None:
    try:
        found = form_fields(schema)
    except ValueError as error:
        assert str(error)
        return
    for field in found:
        assert field.choices or field.kind not in ("choice", "choices")
        try:
            value = field_value(field, typed)
        except ValueError as error:
            assert str(error).endswith("expected")
            continue
        json.dumps(value, allow_nan=False)


def test_a_form_has_only_so_many_fields() -> None:
    many = {f"f{n}": {"type": "boolean"} for n in range(MAX_FIELDS + 1)}
    with pytest.raises(ValueError, match=f"at most {MAX_FIELDS}"):
        form_fields({"properties": many})


@pytest.mark.parametrize(
    ("form", "right", "wrong"),
    [
        ("email", "ada@example.org", "ada"),
        ("uri", "https://example.org/a", "no address"),
        ("date", "2026-11-22", "22.11.2026"),
        ("date-time", "2026-11-22T10:00:00+01:00", "yesterday"),
    ],
)
def test_a_text_is_written_as_its_field_says(form: str, right: str, wrong: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "format": form}}}
    assert form_problems(schema, {"a": right}) == ()
    (problem,) = form_problems(schema, {"a": wrong})
    assert (problem.path, problem.message) == ("a", f"is no {form}")
