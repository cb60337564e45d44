"""Mail, by a server that speaks as much SMTP as it takes."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from holdfast.core.config.settings import AccountSettings
from holdfast.core.domain.errors import InvalidError, UnavailableError
from holdfast.core.services.mailing import Mailer


class MailServer:
    """Takes mails; it says 550 to what is sent to `refuses`."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses = refuses
        self.mails: list[str] = []
        self.signed_in = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test\r\n")
        try:
            while line := (await reader.readline()).decode().strip():
                await self._answer(line, reader, writer)
        except ConnectionError:
            pass  # a client that has heard enough goes
        finally:
            writer.close()

    async def _answer(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        match line.split()[0].upper():
            case "EHLO":
                writer.write(b"250-mail.test\r\n250 AUTH PLAIN\r\n")
            case "AUTH":
                self.signed_in = base64.b64decode(line.split()[-1]).decode()
                writer.write(b"235 ok\r\n")
            case "RCPT" if self.refuses and self.refuses in line:
                writer.write(b"550 no such person\r\n")
            case "DATA":
                writer.write(b"354 go on\r\n")
                self.mails.append((await reader.readuntil(b"\r\n.\r\n")).decode())
                writer.write(b"250 taken\r\n")
            case "QUIT":
                writer.write(b"221 bye\r\n")
            case _:
                writer.write(b"250 ok\r\n")


@asynccontextmanager
async def serving(server: MailServer) -> AsyncIterator[AccountSettings]:
    """Gives the settings by which the server is reached."""
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    try:
        yield AccountSettings(
            smtp_host="127.0.0.1", smtp_port=port, smtp_security="none", mail_from="holdfast@example.org"
        )
    finally:
        listener.close()
        await listener.wait_closed()


async def test_a_mail_goes_to_the_server_of_the_settings() -> None:
    server, mailer = MailServer(), Mailer(lambda: None)
    async with serving(server) as settings:
        await mailer.send(settings, "ann@example.org", "Grüße", "Your code is 123456\n")
    (mail,) = server.mails
    assert "From: holdfast@example.org" in mail
    assert "To: ann@example.org" in mail
    assert "Your code is 123456" in mail
    assert mailer.outbox == ()
    assert server.signed_in == ""


async def test_who_has_a_name_there_signs_in_with_the_password_of_the_key_store() -> None:
    server, mailer = MailServer(), Mailer(lambda: "pass-of-the-server")
    async with serving(server) as settings:
        named = settings.model_copy(update={"smtp_user": "robot"})
        await mailer.send(named, "ann@example.org", "Hello", "text")
    assert server.signed_in == "\0robot\0pass-of-the-server"


async def test_a_mail_that_is_refused_is_in_the_outbox_with_the_reason() -> None:
    server, mailer = MailServer(refuses="ann@"), Mailer(lambda: None)
    async with serving(server) as settings:
        with pytest.raises(UnavailableError) as raised:
            await mailer.send(settings, "ann@example.org", "Hello", "Your code is 123456\n")
    assert raised.value.code == "mail_not_sent"
    (mail,) = mailer.outbox
    assert (mail.to, mail.text) == ("ann@example.org", "Your code is 123456\n")
    assert "no such person" in mail.reason


async def test_a_server_that_is_not_there_is_no_surprise(unused_tcp_port: int) -> None:
    mailer = Mailer(lambda: None)
    settings = AccountSettings(smtp_host="127.0.0.1", smtp_port=unused_tcp_port, mail_from="a@example.org")
    with pytest.raises(UnavailableError):
        await mailer.send(settings, "ann@example.org", "Hello", "text")
    assert f"127.0.0.1:{unused_tcp_port}" in mailer.outbox[0].reason


async def test_without_encryption_by_mistake_nothing_is_sent() -> None:
    server, mailer = MailServer(), Mailer(lambda: "pass-of-the-server")
    async with serving(server) as settings:
        secured = settings.model_copy(update={"smtp_security": "starttls", "smtp_user": "robot"})
        with pytest.raises(UnavailableError):
            await mailer.send(secured, "ann@example.org", "Hello", "text")
    assert server.mails == []
    assert server.signed_in == ""


async def test_a_mail_needs_a_sender() -> None:
    settings = AccountSettings(smtp_host="127.0.0.1", smtp_port=1)
    with pytest.raises(InvalidError) as raised:
        await Mailer(lambda: None).send(settings, "ann@example.org", "Hello", "text")
    assert raised.value.code == "mail_from_missing"


async def test_the_outbox_keeps_the_last_hundred_mails() -> None:
    mailer = Mailer(lambda: None)
    for number in range(101):
        await mailer.send(AccountSettings(), f"{number}@example.org", "Hello", "text")
    assert len(mailer.outbox) == 100
    assert mailer.outbox[0].to == "100@example.org"
