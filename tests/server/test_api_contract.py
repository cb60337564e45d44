"""The native API of a real engine against its own document: requests as described, and others."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from contract_engine import ContractEngine, World
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import APIOperation, Case, CheckContext, GenerationMode, Response
from schemathesis.specs.openapi import checks

from holdfast.server.native.openapi import document_json

pytestmark = pytest.mark.thorough

EXAMPLES = int(os.environ.get("HOLDFAST_TEST_EXAMPLES", "5"))
"""Requests of each sort to each operation."""

STREAMS = {
    "events_follow",
    "events_follow_of_session",
    "events_follow_of_run",
    "events_follow_of_job",
    "engine_access",
}
DOORS = {"engine_stop", "engine_listeners", "engine_listen", "engine_unlisten"}
ELSEWHERE = STREAMS | DOORS
"""Operations that have tests of their own."""


HARMLESS = {"wait_s": 0, "url": "http://127.0.0.1:9/"}


def no_bug(context: CheckContext, response: Response, case: Case) -> None:
    """An engine that does not have a feature yet says so, and so does one whose model writes nothing that can
    be used; nothing else fails on its side."""
    assert response.status_code < 500 or response.status_code in (501, 502), response.text


CHECKS = [
    no_bug,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
]


def operations() -> list[APIOperation]:
    document = json.loads(document_json())
    # The door of this engine asks for no key; what one is asked for is in other tests.
    del document["security"]
    for methods in document["paths"].values():
        for row in methods.values():
            row.pop("security", None)
    found = (each.ok() for each in schemathesis.openapi.from_dict(document).get_all_operations())
    return [each for each in found if name_of(each) not in ELSEWHERE]


def name_of(operation: APIOperation) -> str:
    return str(operation.definition.raw["operationId"])


OPERATIONS = operations()
WITH_IDS = [each for each in OPERATIONS if "{" in each.path]
WITH_INPUT = [
    each
    for each in OPERATIONS
    if each.body or any(p["in"] != "path" for p in each.definition.raw.get("parameters", ()))
]


@pytest.fixture(scope="module")
def engine() -> Iterator[ContractEngine]:
    with tempfile.TemporaryDirectory(prefix="hf") as home:
        engine = ContractEngine(Path(home))
        yield engine
        engine.stop()


@pytest.fixture(scope="module")
def world(engine: ContractEngine) -> Iterator[World]:
    world = World(engine.url)
    yield world
    world.close()


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def harmless(case: Case) -> Case:
    """Returns the case without what would reach out of the test, or wait."""
    for said in (case.query, case.body):
        if isinstance(said, dict):
            said |= {n: v for n, v in HARMLESS.items() if type(said.get(n)) in (type(v), float)}
    return case


def hold(
    engine: ContractEngine,
    session: requests.Session,
    operation: APIOperation,
    mode: GenerationMode,
    ids: dict[str, str] | None = None,
) -> None:
    """Makes requests to an operation, and checks what is answered."""
    fixed = {"path_parameters": ids} if ids else {}
    cases = operation.as_strategy(generation_mode=mode, **fixed)

    @given(case=cases)
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def answered_as_described(case: Case) -> None:
        response = harmless(case).call(base_url=engine.url, session=session, timeout=30)
        case.validate_response(response, checks=CHECKS)

    answered_as_described()
    assert engine.bugs() == ""


@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_what_is_described_is_answered_as_described(
    engine: ContractEngine, session: requests.Session, operation: APIOperation
) -> None:
    hold(engine, session, operation, GenerationMode.POSITIVE)


@pytest.mark.parametrize("operation", WITH_IDS, ids=name_of)
def test_what_exists_is_answered_as_described(
    engine: ContractEngine, session: requests.Session, world: World, operation: APIOperation
) -> None:
    known = {name: id for name, id in world.ids().items() if f"{{{name}}}" in operation.path}
    hold(engine, session, operation, GenerationMode.POSITIVE, known)


@pytest.mark.parametrize("operation", WITH_INPUT, ids=name_of)
def test_what_is_not_described_is_refused(
    engine: ContractEngine, session: requests.Session, world: World, operation: APIOperation
) -> None:
    known = {name: id for name, id in world.ids().items() if f"{{{name}}}" in operation.path}
    hold(engine, session, operation, GenerationMode.NEGATIVE, known)


def test_the_engine_is_whole_afterwards(engine: ContractEngine, session: requests.Session) -> None:
    checked: Any = session.post(f"{engine.url}/engine/check", json={}).json()
    index = next(each for each in checked if each["name"] == "index")
    assert index["state"] == "ok", index["message"]
    assert engine.bugs() == ""
