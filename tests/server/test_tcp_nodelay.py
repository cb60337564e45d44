"""Answers over TCP leave at once."""

from __future__ import annotations

import asyncio
import socket

from holdfast.core.domain.status import ListenOptions
from holdfast.server.tcp import Place, bind


async def test_connections_of_a_listener_do_not_collect_what_they_send() -> None:
    listener = bind(ListenOptions(port=0), Place(socket.AF_INET, "127.0.0.1", ("127.0.0.1", 0)))
    accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def look(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found = writer.get_extra_info("socket")
        accepted.set_result(found.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    server = await asyncio.start_server(look, sock=listener)
    async with server, asyncio.timeout(10):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await accepted != 0
        writer.close()
        await writer.wait_closed()
