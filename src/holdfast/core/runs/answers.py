"""Answers to questions, held against what was asked."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.forms import FormAnswer, FormProblem, form_fields, format_problems
from holdfast.core.domain.tools import Question
from holdfast.core.tools.registry import place
from holdfast.core.tools.schema_arguments import arguments_model

NOT_ANSWERED = "The person has declined to answer."
"""What the model is told of a question in words that was put away."""
_SHOWN = 300


def checked_answer(question: Question, answer: str, given: FormAnswer | None) -> str:
    """Returns the answer as it is recorded. Raises `InvalidError` for one that the question does not take;
    of a form `details.problems` has the path and the text of each mistake. Schemas take a while: call it in a
    thread."""
    if not question.acted:
        if given is not None and given.action != "accept" and not given.fields:
            return NOT_ANSWERED
        if given is not None:
            raise InvalidError("This question has no fields; answer it with words.", code="not_a_form")
        if not question.free_text and question.choices and answer not in question.choices:
            raise InvalidError(f"The answer must be one of: {', '.join(question.choices)}.")
        return answer
    if given is None:
        raise InvalidError(
            "This question is answered with an `action` (`accept`, `decline`, `cancel`), a form that is "
            "accepted with its `fields` too.",
            code="form_expected",
        )
    if given.action != "accept":
        if given.fields:
            raise InvalidError("Fields are given only with the action `accept`.", code="invalid_fields")
        return given.action
    if question.form is None:
        if given.fields:
            raise InvalidError("This question has no fields.", code="invalid_fields")
        return given.action
    problems = form_problems(question.form, given.fields)
    if problems:
        told = "; ".join(f"{each.path}: {each.message}" if each.path else each.message for each in problems)
        raise InvalidError(
            f"The fields are not as they are asked for: {told}.",
            code="invalid_fields",
            details={"problems": [each.model_dump() for each in problems]},
        )
    return json.dumps(given.fields, ensure_ascii=False)


def form_problems(schema: dict[str, Any], fields: dict[str, Any]) -> tuple[FormProblem, ...]:
    """Returns the mistakes in what was given for a form."""
    known = form_fields(schema)
    # What is not asked for is refused, whether the schema says so or not: a server gets nothing by mistake.
    unknown = [name for name in fields if name not in {each.name for each in known}]
    if unknown:
        return tuple(FormProblem(path=name[:100], message="is not asked for") for name in unknown[:10])
    try:
        arguments_model("form", schema).model_validate(fields)
    except ValidationError as error:
        return tuple(_problem(dict(each)) for each in error.errors(include_url=False))
    return format_problems(known, fields)


def _problem(details: dict[str, Any]) -> FormProblem:
    message = "is missing" if details["type"] == "missing" else str(details["msg"])
    return FormProblem(path=place(details["loc"]), message=message[:_SHOWN])
