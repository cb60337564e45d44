"""Schemas that refer to no others."""

from __future__ import annotations

from holdfast.server.kit.schemas import REF, inlined


def ref(name: str, **more: object) -> dict[str, object]:
    return {"$ref": REF + name, **more}


def test_what_is_referred_to_stands_in_its_place_however_deep() -> None:
    leaf = {"type": "string"}
    branch = {"type": "object", "properties": {"leaf": ref("Leaf", description="Green.")}}
    tree = {"type": "object", "properties": {"branches": {"type": "array", "items": ref("Branch")}}}
    found = inlined({"Leaf": leaf, "Branch": branch, "Tree": tree})
    shown = {"type": "object", "properties": {"leaf": {"type": "string", "description": "Green."}}}
    assert found["Branch"] == shown
    assert found["Tree"]["properties"]["branches"]["items"] == shown
    assert branch["properties"] == {"leaf": ref("Leaf", description="Green.")}, "what was given stays"


def test_what_holds_itself_still_says_so_by_its_name() -> None:
    node = {"anyOf": [{"type": "null"}, ref("Node")]}
    found = inlined({"Node": node, "Holder": {"items": ref("Node")}})
    assert found["Node"] == node
    assert found["Holder"] == {"items": node}
