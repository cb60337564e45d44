"""What a manifest must say."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from holdfast.server.kit.manifest import parse_manifest

UPSTREAM = "upstream: {name: Zoo, version: '1', contract: zoo.example}\noperations:\n"
ROW = "  - {id: get_zoo, method: GET, path: '/zoos/{id}', status: full}\n"


def test_it_says_what_there_is_of_each_operation() -> None:
    text = (
        UPSTREAM
        + ROW
        + "  - {id: talk, method: WEBSOCKET, path: /ws, status: stub, reason: nobody is there}\n"
    )
    made = parse_manifest(text)
    assert made.upstream.name == "Zoo"
    assert [(row.id, row.status, row.reason) for row in made.operations] == [
        ("get_zoo", "full", ""),
        ("talk", "stub", "nobody is there"),
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("  - {id: a, method: GET, path: /a, status: partial}\n", "a: a reason must say what is missing"),
        ("  - {id: a, method: GET, path: /a, status: done}\n", "'full', 'partial', 'stub' or 'unsupported'"),
        ("  - {id: a, method: SEND, path: /a, status: full}\n", "method"),
        ("  - {id: a, method: GET, path: a, status: full}\n", "path"),
        ("  - {id: a b, method: GET, path: /a, status: full}\n", "id"),
        ("  - {id: a, method: GET, path: /a, status: full, note: x}\n", "note"),
        ("  - {id: get_zoo, method: GET, path: /a, status: full}\n", "there more than once: get_zoo"),
        (
            "  - {id: a, method: GET, path: '/zoos/{id}', status: full}\n",
            "there more than once: GET /zoos/{id}",
        ),
    ],
)
def test_it_is_refused_when_a_row_is_wrong(row: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        parse_manifest(UPSTREAM + ROW + row)
