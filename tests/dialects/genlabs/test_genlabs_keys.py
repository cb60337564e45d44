"""Keys of GenLabs' users: made, listed and deleted as its agents and tools are."""

from __future__ import annotations

import re

import pytest

from holdfast.core.domain.identity import Scope

REFUSED = {"error": "Not authenticated, invalid session id or api key"}


@pytest.mark.covers("genlabs.create_key")
@pytest.mark.covers("genlabs.get_keys")
@pytest.mark.covers("genlabs.delete_key")
async def test_a_key_is_made_listed_by_its_mask_and_deleted_for_good(manage) -> None:
    async with manage() as asked:
        made = await asked("POST", "/create_key", name="ci")
        assert made.status_code == 201
        key = made.json()
        assert (key["message"], key["name"], key["type"]) == ("Key created successfully", "ci", "Secret")
        assert (await asked.raw("POST", "/get_tools", {"api_key": key["key"]})).status_code == 200
        answer = await asked("POST", "/get_keys")
        assert key["key"] not in answer.text
        listed = {each["name"]: each for each in answer.json()["keys"]}
        assert listed["ci"]["key"] == f"hf_…{key['key'][-4:]}"
        for when in (listed["ci"]["creationDate"], listed["ci"]["lastUsedDate"]):
            assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", when)
        gone = await asked("DELETE", "/delete_key", key=key["key"])
        assert (gone.status_code, gone.content) == (200, b'{"message":"Key deleted successfully"}')
        assert (await asked.raw("POST", "/get_tools", {"api_key": key["key"]})).json() == REFUSED
        left = (await asked("POST", "/get-keys")).json()["keys"]
        assert [each["name"] for each in left] == ["any_one_of_your_keys"]


@pytest.mark.covers("genlabs.create_key")
async def test_a_standard_key_manages_nothing(manage) -> None:
    async with manage() as asked:
        key = await asked.ok("POST", "/create-key", name="calls", type="Standard")
        assert key["type"] == "Standard"
        for path in ("/get_tools", "/create_key", "/get_keys"):
            refused = await asked.raw("POST", path, {"api_key": key["key"], "name": "x"})
            assert (refused.status_code, refused.json()) == (401, REFUSED)


@pytest.mark.covers("genlabs.create_key")
@pytest.mark.covers("genlabs.delete_key")
async def test_what_cannot_be_is_refused_and_keys_of_others_are_not_there(manage) -> None:
    async with manage() as asked:
        other = await asked.secret("ann", Scope.ADMIN, "hers")
        for body, text in (
            ({}, "Key name is required"),
            ({"name": 7}, "Key name is required"),
            ({"name": "x", "type": "Golden"}, "Invalid key type"),
            ({"name": "\n!"}, "A key's name has"),
        ):
            refused = await asked("POST", "/create_key", body)
            assert refused.status_code == 400
            assert text in refused.json()["error"]
        for named in (other, "hers", "nobodys"):
            assert (await asked("DELETE", "/delete-key", key=named)).status_code == 404
        hers = (await asked.raw("POST", "/get_keys", {"api_key": other})).json()["keys"]
        assert [each["name"] for each in hers] == ["hers"]
