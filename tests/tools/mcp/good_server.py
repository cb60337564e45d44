"""A well-behaved server, run as a program over stdio."""

import base64
import os
import sys
from typing import Annotated

from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit, ElicitationResult, MCPServer, Resolve
from mcp_types import EmbeddedResource, ImageContent, TextContent, TextResourceContents, ToolAnnotations
from pydantic import BaseModel

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Place(BaseModel):
    city: str
    days: int = 1


def which() -> Elicit[Place]:
    return Elicit("Which\x1b[2J city?", Place)


def make() -> MCPServer:
    server = MCPServer("good")

    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    def add(a: int, b: int) -> int:
        """Adds two numbers."""
        return a + b

    @server.tool()
    def environment() -> list[str]:
        """Names what is in the environment."""
        return sorted(os.environ)

    @server.tool()
    def secret() -> str:
        """Says what it was given."""
        return os.environ.get("GIVEN", "")

    @server.tool(structured_output=False)
    def mixed() -> list[TextContent | ImageContent | EmbeddedResource]:
        """Gives parts of all kinds."""
        return [
            TextContent(text="a picture"),
            ImageContent(data=PIXEL, mime_type="image/png"),
            EmbeddedResource(resource=TextResourceContents(uri="note://one", text="from a note")),
        ]

    @server.tool()
    def fail() -> str:
        """Fails."""
        raise ValueError("no such luck")

    @server.tool()
    async def report(ctx: Context) -> str:
        """Reports how far it is."""
        await ctx.report_progress(1, 2, "half way")
        return "done"

    @server.resource("note://first", description="The first\x1b[2J note.")
    def first() -> str:
        return "what is noted"

    @server.resource("note://{name}/picture", mime_type="image/png")
    def picture(name: str) -> bytes:
        return base64.b64decode(PIXEL)

    @server.prompt(title="Review")
    def review(code: str, how: str = "well") -> str:
        """Reviews code."""
        return f"Review {code} {how}."

    @server.tool()
    def travel(place: Annotated[ElicitationResult[Place], Resolve(which)]) -> str:
        """Asks where to go."""
        if isinstance(place, AcceptedElicitation):
            return f"{place.data.days} days in {place.data.city}"
        return f"nowhere: {place.action}"

    @server.tool()
    def die() -> str:
        """Ends the program."""
        print("goodbye", file=sys.stderr, flush=True)
        os._exit(7)

    return server


if __name__ == "__main__":
    make().run("stdio")
