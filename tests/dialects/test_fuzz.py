"""Every operation of every dialect, asked as it is described and otherwise: answers have its shapes."""

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
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import APIOperation, Case, CheckContext, GenerationMode, Response
from schemathesis.specs.openapi import checks
from tests.dialects.places import fill
from tests.server.contract_engine import ContractEngine, World

from holdfast.server.dialects.every import DIALECTS
from holdfast.server.kit.openapi import document, json_of
from holdfast.server.kit.operations import Document

pytestmark = pytest.mark.thorough

EXAMPLES = int(os.environ.get("HOLDFAST_TEST_EXAMPLES", "5"))
"""Requests of each sort to each operation."""

HARMLESS = {"timeout": 0, "url": "http://127.0.0.1:9/"}


def no_bug(context: CheckContext, response: Response, case: Case) -> None:
    """What is not there says so; nothing else fails on the engine's side."""
    if response.status_code == 500 and _is_sages(case):
        said = response.json()
        meant = str(said["error_detail"]).startswith("LLM provider not found: ")
        assert meant or said["message"] not in SAGES_BUG, response.text
        return
    assert response.status_code < 500 or response.status_code in (501, 502), response.text


SAGES_BUG = ("内部服务器错误", "Internal server error")
"""What Sage says of what nobody has thought of; what is refused has the status 500 there too."""


def _is_sages(case: Case) -> bool:
    return case.operation.path.startswith("/sage/")


def no_details(context: CheckContext, response: Response, case: Case) -> None:
    """Nothing speaks as a framework does."""
    assert b"Traceback" not in response.content
    if response.content and response.headers.get("content-type") == ["application/json"]:
        body = response.json()
        assert _is_sages(case) or not isinstance(body, dict) or "detail" not in body


CHECKS = [
    no_bug,
    no_details,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


def operations() -> list[Any]:
    found = []
    for place in DIALECTS:
        dialect = place.load()
        version = dialect.document.version if dialect.document else "3.1.0"
        made = json.loads(json_of(document(dialect, Document("/openapi.json", version))))
        # The door of this engine asks for no key; what one is asked for is in other tests.
        del made["security"]
        made["paths"] = {f"{place.prefix}{path}": row for path, row in made["paths"].items()}
        for one in schemathesis.openapi.from_dict(made).get_all_operations():
            operation = one.ok()
            name = operation.definition.raw["operationId"]
            found.append(pytest.param(operation, id=f"{place.name}.{name}"))
    return found


OPERATIONS = operations()


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
            said |= {name: value for name, value in HARMLESS.items() if name in said}
            if isinstance(said.get("config"), dict):  # of an MCP server: no program is started
                said["config"]["enabled"] = False
    return case


def hold(
    engine: ContractEngine,
    session: requests.Session,
    operation: APIOperation,
    mode: GenerationMode,
    ids: dict[str, str] | None = None,
) -> None:
    fixed = {"path_parameters": ids} if ids else {}

    @given(case=operation.as_strategy(generation_mode=mode, **fixed))
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def answered_as_described(case: Case) -> None:
        response = harmless(case).call(base_url=engine.address, session=session, timeout=30)
        case.validate_response(response, checks=CHECKS)

    answered_as_described()
    assert engine.bugs() == ""


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_described_is_answered_as_described(
    engine: ContractEngine, session: requests.Session, operation: APIOperation
) -> None:
    hold(engine, session, operation, GenerationMode.POSITIVE)


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if "{" in each.values[0].path])
def test_what_exists_is_answered_as_described(
    engine: ContractEngine, session: requests.Session, world: World, operation: APIOperation
) -> None:
    made = session.post(f"{engine.address}/powabase/api/agents", json={"name": "Fuzzed"}, timeout=30)
    kinds = {name.removesuffix("_id"): id for name, id in world.ids().items()}
    ids = fill(operation.path, {**kinds, "agent": made.json()["id"]})
    hold(engine, session, operation, GenerationMode.POSITIVE, ids)


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.values[0].body or each.values[0].query]
)
def test_what_is_not_described_is_answered_in_the_dialects_shape(
    engine: ContractEngine, session: requests.Session, operation: APIOperation
) -> None:
    hold(engine, session, operation, GenerationMode.NEGATIVE)
