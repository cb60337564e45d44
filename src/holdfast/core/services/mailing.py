"""Mail: by the SMTP server of the settings, else into an outbox that administrators see."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import make_msgid

from holdfast.core.config.settings import AccountSettings
from holdfast.core.domain.accounts import Mail
from holdfast.core.domain.errors import InvalidError, UnavailableError
from holdfast.core.domain.values import new_id, utc_now

logger = logging.getLogger(__name__)

_OUTBOX = 100
_TIMEOUT_S = 20.0
NO_SERVER = "no mail server is set: see `accounts.smtp_host`"


class Mailer:
    """Sends mails, and keeps the last ones that were not sent."""

    def __init__(self, password: Callable[[], str | None]) -> None:
        """`password` gives the one for the mail server; it may block."""
        self._password = password
        self._kept: deque[Mail] = deque(maxlen=_OUTBOX)

    @property
    def outbox(self) -> tuple[Mail, ...]:
        """What was not sent, newest first."""
        return tuple(reversed(self._kept))

    async def send(self, settings: AccountSettings, to: str, subject: str, text: str) -> None:
        """Sends a mail; without a mail server it goes into the outbox. Raises `UnavailableError`
        (`mail_not_sent`) where the server does not take it: then it is in the outbox as well."""
        if not settings.smtp_host:
            return self._keep(to, subject, text, NO_SERVER)
        try:
            await _deliver(settings, await asyncio.to_thread(self._password), to, subject, text)
        except UnavailableError as error:
            logger.warning("a mail was not sent: %s", error.message)
            self._keep(to, subject, text, error.message)
            raise UnavailableError(
                "The mail could not be sent; try again later.", code="mail_not_sent"
            ) from None

    def _keep(self, to: str, subject: str, text: str, reason: str) -> None:
        self._kept.append(Mail(id=new_id(), to=to, subject=subject, text=text, at=utc_now(), reason=reason))


async def _deliver(settings: AccountSettings, password: str | None, to: str, subject: str, text: str) -> None:
    from aiosmtplib import SMTPException, send  # only who sends mail needs it

    try:
        await send(
            _message(settings, to, subject, text),
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_user or None,
            password=password if settings.smtp_user else None,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            timeout=_TIMEOUT_S,
        )
    except (SMTPException, OSError) as error:
        raise UnavailableError(
            f"{settings.smtp_host}:{settings.smtp_port} did not take it ({type(error).__name__}: {error})"
        ) from error


def _message(settings: AccountSettings, to: str, subject: str, text: str) -> EmailMessage:
    sender = settings.mail_from or settings.smtp_user
    if "@" not in sender:
        raise InvalidError(
            "Mails have no sender: `holdfast settings set accounts.mail_from ADDRESS`.",
            code="mail_from_missing",
        )
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message.set_content(text)
    return message
