"""Resources of Dexto's users: of MCP servers, and files that were handed in."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import ASGIApp

from holdfast.server.dialects.dexto.mapping_resources import handed_in
from holdfast.server.dialects.dexto.resources import content_of, is_there
from holdfast.server.dialects.dexto.servers import resources_of_all
from holdfast.server.dialects.dexto.wire_resources import ResourceContent, Resources
from holdfast.server.kit.operations import Call, Operation


async def list_resources(call: Call) -> Resources:
    """Lists what can be read: what MCP servers let read, and files that go with prompts."""
    found = await resources_of_all(call.workbench)
    return Resources(resources=[*found, *handed_in(await call.workbench.prompts.list())])


async def read_resource(call: Call) -> ResourceContent:
    """Reads a resource."""
    return ResourceContent(content=await content_of(call.workbench, call.path["resourceId"]))


async def head_resource(call: Call) -> ASGIApp:
    """Says whether there is a resource."""
    there = await is_there(call.workbench, call.path["resourceId"])
    return Response() if there else Response(status_code=404, media_type="application/json")


_ONE = "/api/resources/{resourceId}"

OPERATIONS = (
    Operation("list_resources", "GET", "/api/resources", list_resources, result=Resources),
    Operation("get_resource_content", "GET", f"{_ONE}/content", read_resource, result=ResourceContent),
    Operation("head_resource", "HEAD", _ONE, head_resource),
)
