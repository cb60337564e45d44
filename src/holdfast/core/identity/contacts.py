"""How people are reached and called: e-mail addresses, telephone numbers and names, checked."""

from __future__ import annotations

import re

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.text import sanitize_line

_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)
_LONGEST_EMAIL = 254
_LONGEST_PHONE = 40
_LONGEST_DISPLAY_NAME = 100


def checked_email(email: str) -> str:
    """Returns an e-mail address without spaces around it. Raises `InvalidError`."""
    address = email.strip()
    if not address:
        raise InvalidError("An e-mail address is needed.", code="email_missing")
    if len(address) > _LONGEST_EMAIL or not _EMAIL.fullmatch(address):
        raise InvalidError("This is no e-mail address, such as ann@example.org.", code="invalid_email")
    return address


def checked_phone(phone: str) -> str:
    """Returns a telephone number as it was written. Raises `InvalidError` for what is none."""
    number = phone.strip()
    if len(number) > _LONGEST_PHONE or not re.fullmatch(r"[0-9+()/. -]*", number):
        raise InvalidError("This is no telephone number.", code="invalid_phone")
    return number


def checked_display_name(name: str) -> str:
    """Returns what somebody is called on pages, as one line. Raises `InvalidError` for a long one."""
    shown = sanitize_line(name).strip()
    if len(shown) > _LONGEST_DISPLAY_NAME:
        raise InvalidError(
            f"A name on pages has at most {_LONGEST_DISPLAY_NAME} characters.", code="invalid_display_name"
        )
    return shown
