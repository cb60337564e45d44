"""GenLabs' tools: made, listed, shown, changed and deleted, in its words to the letter."""

from __future__ import annotations

import asyncio
import base64
import io
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.knowledge_service.conftest import MemoryIndex

from holdfast.core.domain.custom_tools import HttpToolSpec
from holdfast.core.domain.errors import HoldfastError, InvalidError
from holdfast.server.dialects.genlabs.mapping_tools import (
    callable_schema,
    decoded,
    encoded,
    file_name,
    free_name,
    parameters_of,
    schema_of,
)
from holdfast.server.dialects.genlabs.wire_tools import Parameter
from holdfast.server.kit.body import MAX_BODY

CREATE = pytest.mark.covers("genlabs.create_tool")
LIST = pytest.mark.covers("genlabs.get_tools")
DELETE = pytest.mark.covers("genlabs.delete_tool")
UPDATE = pytest.mark.covers("genlabs.update_tool")
DETAILS = pytest.mark.covers("genlabs.get_tool_details")
REFUSED = "Not authenticated, invalid session id or api key"
SAMPLE = {
    "name": "My New Tool",
    "description": "A tool for doing things",
    "type": "Custom",
    "tool_schema": {
        "type": "object",
        "properties": {"param1": {"type": "string"}, "param2": {"type": "integer"}},
        "required": ["param1"],
    },
}
CHANGE = {
    "toolName": "Updated Tool Name",
    "toolDescription": "An updated description",
    "type": "Custom",
    "parameters": [{"name": "param1", "type": "string", "description": "Parameter 1", "required": True}],
    "tool_schema": {"type": "object", "properties": {"param1": {"type": "string"}}, "required": ["param1"]},
}
TEXTS = "Tool name, description, and type"
NO_TOOLS = [
    ({}, f"{TEXTS} are required"),
    ({"name": "x", "description": "y"}, f"{TEXTS} are required"),
    ({"name": None, "description": "y", "type": "Custom"}, f"{TEXTS} are required"),
    ({"name": "", "description": 7}, f"{TEXTS} are required"),
    ({"name": 7, "description": "", "type": "Custom"}, f"{TEXTS} must be strings"),
    ({"name": "x", "description": "y", "type": ["Custom"]}, f"{TEXTS} must be strings"),
    ({"name": "", "description": "y", "type": "Custom"}, f"{TEXTS} cannot be empty"),
    ({"name": "x", "description": " ", "type": "Custom"}, f"{TEXTS} cannot be empty"),
    ({"name": "x", "description": "y", "type": ""}, f"{TEXTS} cannot be empty"),
    ({"name": "x", "description": "y", "type": "custom"}, "Invalid tool type"),
    ({"name": "x", "description": "y", "type": "Custom", "tool_schema": "{}"}, "tool_schema"),
    ({"name": "x", "description": "y", "type": "Custom", "tool_schema": {"properties": 1}}, ""),
    ({"name": "x" * 201, "description": "y", "type": "Custom"}, "title"),
]
PDF = b"%PDF-1.7\nSection 3.2: liability ends.\n\xff\x00\x80"


def error(answer: Any, status: int) -> str:
    """Returns the one thing that an error says."""
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    return answer.json()["error"]


def docx() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        file.writestr("word/document.xml", "<w:document/>")
    return data.getvalue()


@pytest.fixture
def library(index: MemoryIndex) -> dict[str, Any]:
    """The options of a workbench that keeps documents."""
    return {"knowledge": index}


# --- create and list


@CREATE
@LIST
async def test_the_samples_tool_is_made_and_listed_under_its_owners_number(manage) -> None:
    async with manage() as asked:
        made = await asked("POST", "/create_tool", SAMPLE)
        assert made.status_code == 201
        assert made.json() == {"message": "Tool created successfully", "tool_id": 1}
        assert await asked.tool("Empty") == 2
        assert await asked.ok("POST", "/get_tools") == {
            "tools": [
                {"id": 1, **SAMPLE},
                {"id": 2, "name": "Empty", "description": "Does it.", "type": "Custom", "tool_schema": {}},
            ]
        }
        other = await asked.secret("ann")
        assert (await asked.raw("POST", "/get-tools", {"api_key": other})).json() == {"tools": []}
        hers = await asked.raw("POST", "/create-tool", {"api_key": other, **SAMPLE})
        assert hers.json()["tool_id"] == 1


@CREATE
async def test_a_tool_that_cannot_be_is_refused(manage) -> None:
    async with manage() as asked:
        for body, text in NO_TOOLS:
            assert text in error(await asked("POST", "/create_tool", body), 400)
        assert await asked.ok("POST", "/get_tools") == {"tools": []}


@CREATE
async def test_names_have_each_of_their_spellings_and_may_be_the_same(manage) -> None:
    async with manage() as asked:
        said = {"toolName": "Get delivery date", "toolDescription": "Says when.", "type": "Custom"}
        first, second = [(await asked.ok("POST", "/create_tool", said))["tool_id"] for _ in range(2)]
        listed = (await asked.ok("POST", "/get_tools"))["tools"]
        assert [(each["id"], each["name"]) for each in listed] == [
            (first, "Get delivery date"),
            (second, "Get delivery date"),
        ]
        known = {each.name for each in await asked.bench.workbench.tools.list()}
        assert {"get_delivery_date", "get_delivery_date_2"} <= known


@LIST
async def test_tools_of_other_kinds_are_not_listed(manage) -> None:
    spec = HttpToolSpec(name="stock", description="Asks.", endpoint="https://shop.test/")
    async with manage() as asked:
        tool = await asked.bench.workbench.tools.create(spec)
        assert await asked.ok("POST", "/get_tools") == {"tools": []}
        for method, path in (("POST", "/get_tool_details"), ("PUT", "/update_tool")):
            assert error(await asked(method, path, toolId=tool.number), 404) == "Tool not found"


# --- who may


@CREATE
@LIST
@DELETE
@UPDATE
@DETAILS
async def test_a_login_that_is_shown_has_to_be_a_good_one(manage) -> None:
    async with manage() as asked:
        login = (await asked.bench.workbench.users.login()).secret
        number = await asked.tool()
        for method, path in (
            ("POST", "/create_tool"),
            ("POST", "/get_tools"),
            ("PUT", "/update_tool"),
            ("POST", "/get_tool_details"),
            ("DELETE", f"/delete_tool/{number}"),
        ):
            for body in ({}, {"api_key": "wrong"}, {"session_id": "wrong", "api_key": asked.key}):
                assert error(await asked.raw(method, path, body), 401) == REFUSED
            good = await asked.raw(method, path, {"session_id": login, "api_key": "wrong"})
            assert good.status_code != 401


@DELETE
@UPDATE
@DETAILS
async def test_tools_of_others_are_not_there(manage) -> None:
    async with manage() as asked:
        mine, other = await asked.tool(), await asked.secret("ann")
        for number, key in ((mine, other), (99, asked.key), (True, asked.key), ("x", asked.key)):
            body = {"api_key": key, "toolId": number}
            assert error(await asked.raw("PUT", "/update_tool", body), 404) == "Tool not found"
            assert error(await asked.raw("POST", "/get_tool_details", body), 404) == "Tool not found"
        gone = await asked.raw("DELETE", f"/delete_tool/{mine}", {"api_key": other})
        assert error(gone, 404) == "Tool not found or unauthorized"


@UPDATE
@DETAILS
async def test_a_tool_has_to_be_named(manage) -> None:
    async with manage() as asked:
        for method, path in (("PUT", "/update_tool"), ("POST", "/get_tool_details")):
            for body in ({}, {"toolId": None}, {"toolId": ""}):
                assert error(await asked(method, path, body), 400) == "Tool ID is required"


@pytest.mark.parametrize(
    ("method", "path", "broken", "text"),
    [
        ("POST", "/create_tool", "create", "Failed to create tool"),
        ("POST", "/get_tools", "list", "Failed to fetch tools"),
        ("DELETE", "/delete_tool/1", "list", "Failed to delete tool"),
        ("PUT", "/update_tool", "list", "Failed to update tool"),
        ("POST", "/get_tool_details", "list", "Failed to get tool details"),
    ],
)
async def test_what_breaks_is_said_in_its_endpoints_words(
    manage, monkeypatch, caplog, method, path, broken, text
) -> None:
    async def breaks(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    async with manage() as asked:
        monkeypatch.setattr(f"holdfast.core.services.tools.ToolService.{broken}", breaks)
        assert error(await asked(method, path, SAMPLE, toolId=1), 500) == text


# --- update and details


@UPDATE
@DETAILS
async def test_the_samples_update_is_shown_as_it_was_sent(manage) -> None:
    async with manage() as asked:
        number = await asked.tool("Old")
        changed = await asked("PUT", "/update_tool", CHANGE, toolId=number)
        assert (changed.status_code, changed.content) == (200, b'{"message":"Tool updated successfully"}')
        shown = await asked("POST", "/get_tool_details", toolId=number)
        assert (shown.status_code, shown.json()) == (
            200,
            {
                "name": "Updated Tool Name",
                "description": "An updated description",
                "type": "Custom",
                "file": None,
                "tool_schema": CHANGE["tool_schema"],
                "parameters": CHANGE["parameters"],
            },
        )


@UPDATE
@DETAILS
async def test_what_is_left_out_stays_and_schema_and_parameters_keep_in_step(manage) -> None:
    async with manage() as asked:
        number = (await asked.ok("POST", "/create_tool", SAMPLE))["tool_id"]

        async def change(**said: Any) -> Any:
            await asked.ok("PUT", "/update-tool", said, tool_id=str(number))
            return await asked.ok("POST", "/get-tool-details", toolId=number)

        found = await change(toolName="Other")
        assert (found["name"], found["description"]) == ("Other", SAMPLE["description"])
        assert found["tool_schema"] == SAMPLE["tool_schema"]
        assert [(each["name"], each["type"], each["required"]) for each in found["parameters"]] == [
            ("param1", "string", True),
            ("param2", "integer", False),
        ]
        told = [{"name": "day", "type": "string", "description": "When.", "required": True}]
        found = await change(parameters=told)
        assert found["parameters"] == told
        schema = {
            "type": "object",
            "properties": {"day": {"type": "string", "description": "When."}},
            "required": ["day"],
        }
        assert found["tool_schema"] == schema
        kept = await asked.bench.workbench.tools.get("my_new_tool")
        assert kept.spec.parameters == schema
        found = await change(tool_schema={"properties": {"n": {"type": ["null", "number"]}}})
        assert found["tool_schema"] == {"properties": {"n": {"type": ["null", "number"]}}}
        assert found["parameters"] == [{"name": "n", "type": "number", "description": "", "required": False}]
        for wrong in (
            {"toolName": ""},
            {"toolName": 7},
            {"toolDescription": []},
            {"type": "x"},
            {"parameters": {}},
        ):
            assert error(await asked("PUT", "/update_tool", wrong, toolId=number), 400)
        assert await change() == found


@UPDATE
@DELETE
@DETAILS
async def test_a_tools_file_is_searched_and_read_back_byte_for_byte(manage, library, index) -> None:
    async with manage(**library) as asked:
        knowledge = asked.bench.workbench.knowledge
        number = await asked.tool("Contract_Search", "File Search")
        path = "/get_tool_details"
        assert (await asked.ok("POST", path, toolId=number))["file"] is None
        for data, name in ((PDF, "contract_search.pdf"), (b"Other terms. \xc3\xa4", "contract_search.txt")):
            await asked.ok("PUT", "/update_tool", toolId=number, file=encoded(data))
            found = await asked.ok("POST", path, toolId=number)
            assert (base64.b64decode(found["file"]), found["type"]) == (data, "File Search")
            collection = await knowledge.get("Contract_Search")
            assert [each.name for each in (await knowledge.documents(collection.id)).items] == [name]
        spec = (await asked.bench.workbench.tools.get("contract_search")).spec
        assert spec.collection == collection.id
        gone = await asked("DELETE", f"/delete-tool/{number}")
        assert (gone.status_code, gone.content) == (200, b'{"message":"Tool deleted successfully"}')
        assert await knowledge.list() == ()


@CREATE
@UPDATE
async def test_tools_of_one_name_are_made_and_changed_at_the_same_time(manage) -> None:
    async with manage() as asked:
        made = await asyncio.gather(*(asked.tool("Same") for _ in range(12)))
        assert len(set(made)) == 12
        said = [{"toolId": made[0], "toolName": f"New {each}"} for each in range(12)]
        answers = await asyncio.gather(*(asked("PUT", "/update_tool", each) for each in said))
        assert [each.status_code for each in answers] == [200] * 12


@CREATE
@UPDATE
async def test_a_file_may_be_larger_than_other_bodies(manage, library) -> None:
    file = encoded(b"Refunds take 30 days.\n" * (MAX_BODY // 24))
    assert len(file) > MAX_BODY
    async with manage(**library) as asked:
        number = await asked.tool("Terms", "File Search", file=file)
        await asked.ok("PUT", "/update_tool", toolId=number, file=file)
        strange = await asked("PUT", "/update_tool", toolId=number, file=file, api_key="wrong")
        assert error(strange, 401) == REFUSED
        assert error(await asked("POST", "/get_tools", file=file), 413)


@CREATE
@UPDATE
async def test_a_file_that_cannot_be_read_is_refused_and_what_was_there_stays(manage, library, index) -> None:
    async with manage(**library) as asked:
        knowledge = asked.bench.workbench.knowledge
        said = {"name": "Terms", "description": "y", "type": "File Search", "file_name": "terms.txt"}
        number = (await asked.ok("POST", "/create_tool", said, file=encoded(b"Refunds.")))["tool_id"]
        before = await asked.ok("POST", "/get_tool_details", toolId=number)
        for file, text in (
            ("no base64!", "Invalid file: it must be base64"),
            (encoded(b"\x89PNG\r\n\x1a\n\x00"), "Unsupported file type"),
            ("data:text/plain;base64,", "Invalid file: it is empty"),
        ):
            refused = await asked("PUT", "/update_tool", toolId=number, toolName="New", file=file)
            assert text in error(refused, 400)
            assert error(await asked("POST", "/create_tool", said, file=file), 400)
        for body in ({"toolId": number}, {**said, "name": "Broken"}):
            index.errors.append(InvalidError("it has no text"))
            method, path = ("PUT", "/update_tool") if "toolId" in body else ("POST", "/create_tool")
            refused = await asked(method, path, body, file=encoded(PDF))
            assert error(refused, 400) == "Invalid file: it has no text"
        assert await asked.ok("POST", "/get_tool_details", toolId=number) == before
        assert len((await asked.ok("POST", "/get_tools"))["tools"]) == 1
        assert [each.name for each in await knowledge.list()] == ["Terms"]
        assert (await asked.bench.workbench.trash.list()).items == (), "what was never whole is not kept"
        custom = await asked.tool()
        refused = await asked("PUT", "/update_tool", toolId=custom, file=encoded(PDF))
        assert error(refused, 400) == "Only tools of the type File Search have a file"


@UPDATE
async def test_a_tool_becomes_another_type_and_its_document_goes(manage, library) -> None:
    async with manage(**library) as asked:
        number = await asked.tool("Terms")
        file = encoded(b"Refunds.")
        await asked.ok("PUT", "/update_tool", toolId=number, type="File Search", file=file)
        found = await asked.ok("POST", "/get_tool_details", toolId=number)
        assert (found["type"], found["file"]) == ("File Search", file)
        await asked.ok("PUT", "/update_tool", toolId=number, type="Custom")
        found = await asked.ok("POST", "/get_tool_details", toolId=number)
        assert (found["type"], found["file"]) == ("Custom", None)
        assert await asked.bench.workbench.knowledge.list() == ()


@DELETE
async def test_a_deleted_tool_is_taken_away_from_agents(manage) -> None:
    async with manage() as asked:
        id = await asked.agent()
        first, second = await asked.tool("First"), await asked.tool("Second")
        await asked.ok("PUT", "/update_agent", modelId=id, tools="First, Second")
        await asked.ok("DELETE", f"/delete_tool/{first}")
        assert (await asked.ok("POST", "/get_agent_details", modelId=id))["tools"] == "Second"
        again = await asked("DELETE", f"/delete_tool/{first}")
        assert error(again, 404) == "Tool not found or unauthorized"
        await asked.ok("PUT", "/update_tool", toolId=second, toolName="Renamed")
        assert (await asked.ok("POST", "/get_agent_details", modelId=id))["tools"] == "Renamed"


# --- the mapping


_NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=20)
_PARAMETERS = st.lists(
    st.builds(
        Parameter,
        name=_NAMES,
        type=st.sampled_from(["string", "number", "integer", "boolean", "array", "object"]),
        description=st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=30),
        required=st.booleans(),
    ),
    max_size=6,
    unique_by=lambda each: each.name,
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


@given(_PARAMETERS)
def test_a_list_of_parameters_is_the_one_that_its_schema_means(parameters) -> None:
    assert list(parameters_of(schema_of(parameters))) == parameters


@given(_PARAMETERS, st.dictionaries(_NAMES, _JSON, max_size=4))
def test_a_schema_that_says_more_is_not_cut_by_the_list_that_it_means(parameters, more) -> None:
    schema = schema_of(parameters)
    for each in schema["properties"].values():
        each["x-more"] = more
    assert schema_of(parameters_of(schema), schema) == schema


@given(
    st.dictionaries(
        st.sampled_from(["type", "properties", "required", "description", "x"]), _JSON, max_size=5
    )
)
def test_no_schema_breaks_what_reads_it(schema) -> None:
    for each in parameters_of(schema):
        assert each.type
    assert callable_schema(schema).keys() >= {"type", "properties"}


@given(st.binary(min_size=1, max_size=200))
def test_a_file_comes_back_as_it_went_in(data) -> None:
    assert decoded(encoded(data)) == data
    assert decoded(f"data:application/pdf;base64,{encoded(data)}") == data


@given(st.binary(max_size=60), st.text(max_size=30))
def test_a_file_has_a_name_with_the_ending_of_its_sort(data, wanted) -> None:
    try:
        name = file_name(data, wanted, "Terms")
    except HoldfastError:
        return
    assert name.rpartition(".")[2].lower() in ("pdf", "doc", "docx", "html", "htm", "txt", "md")
    assert "/" not in name


@pytest.mark.parametrize(
    ("data", "wanted", "name"),
    [
        (PDF, None, "old_terms.pdf"),
        (PDF, "a/b.txt", "a_b.pdf"),
        (docx(), "Contract.docx", "Contract.docx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1.", "x", "x.doc"),
        (b" <!-- x --><!DOCTYPE HTML><p>", None, "old_terms.html"),
        (b"<html>", "x.htm", "x.htm"),
        (b"Refunds", "terms.md", "terms.md"),
        ("\ufeffRefünds".encode("utf-16"), None, "old_terms.txt"),
        (b"caf\xe9", None, "old_terms.txt"),
    ],
    ids=["pdf", "pdf-named-text", "docx", "doc", "html", "htm", "markdown", "utf-16", "latin-1"],
)
def test_the_sorts_of_files(data, wanted, name) -> None:
    assert file_name(data, wanted, "Old terms") == name


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n\x00\xff", b"PK\x03\x04other", b"\x00"])
def test_other_sorts_of_files_are_refused(data) -> None:
    with pytest.raises(InvalidError, match="Unsupported file type"):
        file_name(data, "terms.pdf", "Terms")


@given(st.text(min_size=1, max_size=80), st.integers(0, 3))
def test_a_title_gives_a_name_that_is_free_and_can_be_one(title, taken) -> None:
    names: list[str] = []
    for _ in range(taken + 1):
        names.append(free_name(title, names))
    assert len(set(names)) == len(names)
    for name in names:
        HttpToolSpec(name=name, description="x", endpoint="https://x.test")
