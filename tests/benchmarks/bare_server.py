"""The reference for requests: one Starlette route that answers a constant, on a unix socket."""

from __future__ import annotations

import asyncio
import socket
import sys

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from holdfast.server.listener import listen

BODY = b'{"id":"x","title":"A session as long as most are"}' * 10


async def answer(_: object) -> Response:
    return Response(BODY, media_type="application/json")


async def main() -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen()
    listener.setblocking(False)
    await listen(Starlette(routes=[Route("/", answer)]), listener, asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main())
