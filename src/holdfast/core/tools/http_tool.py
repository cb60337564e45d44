"""Tools of a user's own as agents call them: one request over HTTP for each call."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from holdfast.core.domain.addresses import WebAddress
from holdfast.core.domain.custom_tools import CustomTool, HttpToolSpec
from holdfast.core.domain.errors import HoldfastError, InvalidError, ToolError
from holdfast.core.domain.media import is_text
from holdfast.core.domain.references import is_secret_header, secret_names, with_secrets
from holdfast.core.domain.tools import CodeBlock, Preview, Risk, ToolContext, ToolOutput
from holdfast.core.tools.own_tool import OwnTool
from holdfast.core.tools.pages import decoded, is_readable
from holdfast.core.tools.schema_arguments import SchemaArguments, arguments_model
from holdfast.core.tools.web import WebFetcher, WebPage, WebRequest

MAX_BYTES = 2**20
"""Of an answer; the rest is not read."""
_PLACE = re.compile(r"\{([^{}]*)\}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OURS = frozenset(("accept-encoding", "connection", "content-length", "host", "transfer-encoding"))
_IN_QUERY = ("GET", "DELETE")

Secrets = Callable[[CustomTool], Awaitable[Mapping[str, str]]]
"""Returns the secrets of a tool by name."""


class HttpTool(OwnTool[HttpToolSpec]):
    """One of a user's own tools. Its secrets are read when a call is made, and go into its headers only."""

    risk = Risk.NETWORK

    def __init__(self, tool: CustomTool, spec: HttpToolSpec, fetcher: WebFetcher, secrets: Secrets) -> None:
        """`spec` is the tool's. Raises what `check_spec` raises."""
        super().__init__(tool, spec, check_spec(spec))
        self._fetcher = fetcher
        self._secrets = secrets

    def subjects(self, arguments: SchemaArguments) -> tuple[str, ...]:
        """Returns the address with the arguments filled in."""
        try:
            return (str(_address(self.spec, arguments.root)),)
        except HoldfastError:
            return (self.spec.endpoint,)  # refused when it runs, whatever the rules say

    async def preview(self, arguments: SchemaArguments, context: ToolContext) -> Preview:
        """Returns the request, with the references to secrets as they are written. Raises `ToolError`."""
        content = _content(self.spec, arguments.root)
        lines = [f"{self.spec.method} {_address(self.spec, arguments.root)}"]
        lines += [f"{name}: {value}" for name, value in _headers(self.spec, content).items()]
        body = json.dumps(json.loads(content), ensure_ascii=False, indent=2) if content is not None else ""
        text = "\n".join([*lines, *(["", body] if body else [])])
        seen = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return Preview(blocks=(CodeBlock(language="http", text=text),), fingerprint=seen)

    async def run(self, arguments: SchemaArguments, context: ToolContext) -> ToolOutput:
        content = _content(self.spec, arguments.root)
        address = _address(self.spec, arguments.root)
        request = WebRequest(address, self.spec.method, await self._filled(content), content)
        found = await self._fetcher.send(
            request,
            max_bytes=MAX_BYTES,
            allow_private=context.allow_private_hosts,
            timeout_s=self.spec.timeout_s,
        )
        if isinstance(found, WebPage):
            return _output(found)
        raise ToolError(f"The answer leads to {found}; a tool's request goes only where its address says.")

    async def _filled(self, content: bytes | None) -> dict[str, str]:
        secrets = await self._secrets(self.custom) if self.spec.secrets else {}
        if missing := [name for name in self.spec.secrets if name not in secrets]:
            raise ToolError(
                f"The secret {missing[0]} of {self.name} is not set; "
                f"`holdfast tools secret {self.name} {missing[0]}` sets it.",
                code="secret_missing",
            )
        return {name: with_secrets(text, secrets) for name, text in _headers(self.spec, content).items()}


def check_spec(spec: HttpToolSpec) -> type[SchemaArguments]:
    """Returns the model of a tool's arguments.

    Raises `InvalidError` (`invalid_tool`, `invalid_schema`) for what could never be called.
    """
    model = arguments_model(spec.name, spec.parameters)
    start, _, rest = spec.endpoint.partition("://")
    if _PLACE.search(start) or _PLACE.search(re.split(r"[/?]", rest, maxsplit=1)[0]):
        raise _invalid("an argument cannot be in the host of its address")
    WebAddress.parse(_PLACE.sub("x", spec.endpoint))
    if "#" in spec.endpoint:
        raise _invalid("its address has a fragment (#…), which is never sent")
    known = model.parameters.get("properties", {})
    for place in _PLACE.findall(spec.endpoint):
        if place not in known:
            raise _invalid(f"its address has {{{place[:80]}}}, which is no argument")
    for name, value in spec.headers.items():
        if not _HEADER.fullmatch(name) or name.lower() in _OURS:
            raise _invalid(f"{name[:80]!r} cannot be a header of its own")
        if len(value) > 4_000 or not value.isascii() or not value.isprintable():
            raise _invalid(f"the header {name} must be printable ASCII of at most 4,000 characters")
        names = secret_names([value])
        if "${secret:" in with_secrets(value, dict.fromkeys(names, "")):
            raise _invalid(f"the header {name} has a reference that is none: write ${{secret:NAME}}")
        if is_secret_header(name) and value and not names:
            raise _invalid(f"the header {name} must refer to a secret: write ${{secret:NAME}}, and set that")
    return model


def _invalid(why: str) -> InvalidError:
    return InvalidError(f"The tool cannot be kept: {why}.", code="invalid_tool")


def origin(spec: HttpToolSpec) -> str:
    """Returns the scheme, host and port that its requests go to. Raises `InvalidError`."""
    address = WebAddress.parse(_PLACE.sub("x", spec.endpoint))
    return f"{address.scheme}://{address.host}:{address.port}"


def _address(spec: HttpToolSpec, arguments: Mapping[str, Any]) -> WebAddress:
    text = _PLACE.sub(lambda place: _part(spec, place[1], arguments), spec.endpoint)
    if any(each in (".", "..") for each in text.partition("?")[0].split("/")):
        raise ToolError("An argument would lead to another place than the address says.")
    rest = _rest(spec, arguments)
    if spec.method in _IN_QUERY and rest:
        pairs = [(name, _text(one)) for name, each in rest.items() for one in _listed(each)]
        text += ("&" if "?" in text else "?") + urlencode(pairs, errors="replace")
    return WebAddress.parse(text)


def _part(spec: HttpToolSpec, name: str, arguments: Mapping[str, Any]) -> str:
    value = arguments.get(name)
    if value is None or value == "" or isinstance(value, (dict, list)):
        raise ToolError(
            f"The argument {name} is part of the address of {spec.name}; give a text or a number."
        )
    return quote(_text(value), safe="", errors="replace")


def _rest(spec: HttpToolSpec, arguments: Mapping[str, Any]) -> dict[str, Any]:
    places = set(_PLACE.findall(spec.endpoint))
    return {name: value for name, value in arguments.items() if name not in places}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _content(spec: HttpToolSpec, arguments: Mapping[str, Any]) -> bytes | None:
    return None if spec.method in _IN_QUERY else json.dumps(_rest(spec, arguments)).encode()


def _headers(spec: HttpToolSpec, content: bytes | None) -> dict[str, str]:
    typed = any(name.lower() == "content-type" for name in spec.headers)
    kind = {} if content is None or typed else {"Content-Type": "application/json"}
    return {**kind, **spec.headers}


def _output(page: WebPage) -> ToolOutput:
    text = _readable(page)
    if page.status >= 400:
        return ToolOutput.text(f"The server answered {page.status}.\n\n{text}".strip(), is_error=True)
    return ToolOutput.text(text or f"The server answered {page.status} with nothing.")


def _readable(page: WebPage) -> str:
    if page.data and not is_readable(page) and not is_text(page.data):
        return f"({len(page.data):,} bytes of {page.content_type or 'no known type'}, which is no text)"
    cut = f"\n\n(The answer was cut at {MAX_BYTES:,} bytes.)" if page.cut else ""
    return decoded(page) + cut
