"""The HTTP client of one engine, and what its failures mean: for a socket on this machine, and for a URL."""

from __future__ import annotations

import json
import re
import ssl
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TypeVar

import httpx
from pydantic import ValidationError

from holdfast import __version__
from holdfast.core.domain.causes import behind, words_of
from holdfast.core.domain.errors import (
    STATUS,
    ErrorInfo,
    ErrorKind,
    HoldfastError,
    InvalidError,
    UnauthenticatedError,
    UnavailableError,
    UnsupportedError,
    from_info,
)
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.versions import is_newer
from holdfast.server.kit.errors import VERSION_HEADER
from holdfast.server.native.address import EngineUrl

ANSWER_TIMEOUT_S = 120.0
"""Longest wait for one answer, in seconds: an export, or a check of the whole database, takes a while."""

_KEEP_S = 30
"""How long an idle connection is kept, in seconds: less than servers and the proxies before them do."""

_KINDS = {status: kind for kind, status in STATUS.items()}

E = TypeVar("E", bound=BaseException)

_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNEXPECTED_MESSAGE")
"""OpenSSL's reasons for bytes that are no TLS, over its versions."""

_OTHER_NAME = (62, 64)
"""OpenSSL's codes for a certificate that is another host's: by name, by address."""

_GATEWAY = (502, 503, 504)
"""How a reverse proxy says that the engine behind it does not answer."""


class Channel(ABC):
    """One engine's address as an HTTP client. `version` is what its last answer said, empty before one."""

    def __init__(self, name: str, http: httpx.AsyncClient) -> None:
        self.name = name
        """The address, as people see it."""
        self.http = http
        self.version = ""

    def heard(self, response: httpx.Response) -> httpx.Response:
        """Notes the engine's version."""
        self.version = sanitize_line(response.headers.get(VERSION_HEADER, ""))[:40] or self.version
        return response

    def lost(self, cause: Exception | None, *, sent: bool = False) -> HoldfastError:
        """Returns what people see when there is no engine to talk to.

        `sent` when it went away after it was asked: then nobody knows whether it did what was asked.
        """
        why = _reason(cause)
        reason = f" ({why})" if why else ""
        problem = (
            "went away before it answered; look first whether it did what was asked"
            if sent
            else "is not there"
        )
        return UnavailableError(
            f"The engine at {self.name} {problem}{reason}. {self._what_to_do()}",
            code="engine_lost" if sent else "engine_unreachable",
            details={"address": self.name},
        )

    def error_of(self, response: httpx.Response) -> HoldfastError:
        """Returns the error that a response says; for a body that is not an engine's, by its status."""
        info = _info(response)
        if info is None:
            return self._foreign(response)
        if info.code in ("no_such_path", "method_not_allowed") and self._is_skewed:
            return self.unreadable(from_info(info))
        return self._of_engine(from_info(info))

    def unreadable(self, cause: Exception) -> UnsupportedError:
        """Returns what people see when engine and client do not understand each other."""
        if not self._is_skewed:
            return UnsupportedError(
                f"What answers at {self.name} does not speak as Holdfast {__version__} does"
                f" ({_brief(cause)}). Check the address.",
                code="answer_unreadable",
            )
        newer = is_newer(self.version, __version__)
        cure = "Update Holdfast here" if newer else self._update_engine()
        return UnsupportedError(
            f"The engine at {self.name} is version {self.version}, this is {__version__}:"
            f" they do not understand each other here ({_brief(cause)}). {cure}.",
            code="version_skew",
            details={"engine": self.version, "client": __version__},
        )

    @property
    def _is_skewed(self) -> bool:
        return self.version not in ("", __version__)

    def _foreign(self, response: httpx.Response) -> HoldfastError:
        kind = _kind(response)
        message = f"The engine at {self.name} answered {response.status_code}"
        return self._of_engine(from_info(ErrorInfo(kind=kind, code=kind.value, message=message)))

    def _of_engine(self, error: HoldfastError) -> HoldfastError:
        return error

    @abstractmethod
    def _what_to_do(self) -> str: ...

    @abstractmethod
    def _update_engine(self) -> str: ...


class SocketChannel(Channel):
    """The engine of a home on this machine."""

    def __init__(self, socket: Path | str) -> None:
        http = httpx.AsyncClient(
            # One stream may stay open for each session that is watched, so connections are not counted.
            transport=httpx.AsyncHTTPTransport(
                uds=str(socket),
                limits=httpx.Limits(max_connections=None, keepalive_expiry=_KEEP_S),
                # No TLS is spoken here, and to load the machine's certificates takes longer than the request.
                verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            ),
            base_url="http://engine",
            timeout=httpx.Timeout(ANSWER_TIMEOUT_S, connect=5.0),
            trust_env=False,
        )
        super().__init__(str(socket), http)

    def _what_to_do(self) -> str:
        return "Any `holdfast` command starts it again; `holdfast engine logs` shows why it ended"

    def _update_engine(self) -> str:
        return "`holdfast engine restart` brings it to this version"


class UrlChannel(Channel):
    """An engine that listens on TCP, here or elsewhere."""

    def __init__(self, address: EngineUrl) -> None:
        self._address = address
        super().__init__(address.url, _client(address))

    def lost(self, cause: Exception | None, *, sent: bool = False) -> HoldfastError:
        """As of every engine; a certificate that is not trusted is no engine that is gone."""
        if _speaks_no_tls(cause):
            return UnsupportedError(
                f"What listens at {self.name} does not speak TLS: write http:// if it is an engine without a "
                "certificate.",
                code="no_tls_there",
            )
        refused = _cause(cause, ssl.SSLCertVerificationError)
        if refused is None:
            return super().lost(cause, sent=sent)
        reason = refused.verify_message.rstrip(".") or "it cannot be verified"
        cure = (
            "use a name that it was made for"
            if refused.verify_code in _OTHER_NAME
            else "`--ca FILE`, or HOLDFAST_CA, names a certificate, or the authority behind it, to trust"
        )
        return UnsupportedError(
            f"The certificate of {self.name} is not trusted: {reason}; {cure}.", code="certificate_refused"
        )

    def _of_engine(self, error: HoldfastError) -> HoldfastError:
        if error.code == "no_such_path":
            message = f"{self.name} has no API of Holdfast at this path; check what stands behind the host"
            return UnsupportedError(message, code="no_engine_there")
        if not isinstance(error, UnauthenticatedError) or error.code == "wrong_password":
            return error
        said = {"key_expired": "has expired", "key_revoked": "was revoked"}.get(error.code, "is not known")
        if self._address.login:
            who, url = sanitize_line(self._address.login), self._address.url
            message = f"The login of {who} {said} at {self.name}; `holdfast login {url}` signs in again."
            return UnauthenticatedError(message, code=error.code, details=error.details)
        makes = "`holdfast keys create NAME` on that machine makes one."
        message = (
            f"The key {said} at {self.name}; {makes}"
            if self._address.key
            else f"{self.name} wants a key: set HOLDFAST_KEY, or give --key-file; {makes}"
        )
        return UnauthenticatedError(message, code=error.code, details=error.details)

    def _foreign(self, response: httpx.Response) -> HoldfastError:
        status = response.status_code
        if status in _GATEWAY:
            return self.lost(ConnectionError(f"the server before it answered {status}"))
        if response.has_redirect_location:
            target = shorten(sanitize_line(response.headers["location"]), 200)
            message = f"{self.name} sends on to {target}; attach to the address that is meant"
            return UnsupportedError(message, code="redirected")
        if status == 404:
            message = f"There is no Holdfast engine at {self.name} (404); check host, port and path"
            return UnsupportedError(message, code="no_engine_there")
        return super()._foreign(response)

    def _what_to_do(self) -> str:
        hint = "`holdfast serve` has to run there"
        return f"{hint}; check host and port, and https:// if it shows a certificate"

    def _update_engine(self) -> str:
        return "The engine has to be updated there"


def open_channel(address: Path | str | EngineUrl) -> Channel:
    """Returns the channel to the engine at `address`: a socket's path, or a URL.

    Raises `InvalidError` for a certificate file or a proxy that cannot be used.
    """
    return UrlChannel(address) if isinstance(address, EngineUrl) else SocketChannel(address)


def _client(address: EngineUrl) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {address.key}"} if address.key else {}
    try:
        return httpx.AsyncClient(
            base_url=address.url,
            headers=headers,
            timeout=httpx.Timeout(ANSWER_TIMEOUT_S, connect=10.0),
            limits=httpx.Limits(max_connections=None, keepalive_expiry=_KEEP_S),
            verify=_trust(address.ca_file),
            # Many networks are left through a proxy only, which the environment names. It could not reach
            # this machine's own ports, such as the near end of a tunnel.
            trust_env=not address.is_loopback,
        )
    except (ImportError, ValueError) as error:  # what httpx says of a proxy that it cannot use
        raise InvalidError(
            f"The proxy that the environment names cannot be used ({error}); NO_PROXY={address.place} leaves "
            "it out",
            code="invalid_proxy",
        ) from error


def _trust(ca_file: str) -> ssl.SSLContext | bool:
    if not ca_file:
        return True
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one
        reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise InvalidError(f"{ca_file} cannot be used as --ca: {reason}", code="invalid_ca") from None


def _cause(error: Exception | None, kind: type[E]) -> E | None:
    """Returns what of `kind` is behind `error`, for example what is wrong with a certificate."""
    return next((each for each in behind(error) if isinstance(each, kind)), None)


def _speaks_no_tls(cause: Exception | None) -> bool:
    refused = _cause(cause, ssl.SSLError)
    return getattr(refused, "reason", "") in _NO_TLS


def _reason(cause: Exception | None) -> str:
    """Returns why there is no connection in the words of the system, where it said something."""
    if isinstance(cause, httpx.TimeoutException):
        return "no answer in time"
    if isinstance(cause, httpx.RemoteProtocolError):
        closed = re.search("disconnected|closed", str(cause))
        return "it hung up" if closed else "it does not speak HTTP"
    return words_of(cause)


def _info(response: httpx.Response) -> ErrorInfo | None:
    """Returns the error in the body; None when it is not an engine that speaks."""
    try:
        fields = json.loads(response.content)["error"]
        return ErrorInfo(
            kind=_kind(response),
            code=fields["code"],
            message=fields["message"],
            details=fields.get("details", {}),
            retryable="retry-after" in response.headers,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _kind(response: httpx.Response) -> ErrorKind:
    fallback = ErrorKind.INVALID if response.is_client_error else ErrorKind.INTERNAL
    return _KINDS.get(response.status_code, fallback)


def _brief(cause: Exception) -> str:
    if isinstance(cause, ValidationError):
        first = cause.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return shorten(sanitize_line(f"{place}: {first['msg']}" if place else first["msg"]), 160)
    return shorten(sanitize_line(str(cause)), 160)
