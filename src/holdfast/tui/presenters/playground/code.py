"""Requests as code that does them: for a shell with curl, in Python, in JavaScript."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable
from typing import Any

from holdfast.tui.presenters.playground.requests import ENDS, Asking, Snippet
from holdfast.tui.presenters.playground.state import PlaygroundState

KEY = "HOLDFAST_KEY"
"""The variable of the environment that the key is read from: it stands in no code."""
_NAME = re.compile(r"\{(\w+)\}")
_STREAM = (("Accept", "text/event-stream"),)


def code_of(state: PlaygroundState, snippet: Snippet, language: str) -> str:
    """Returns the code of a conversation for one API, in one of `LANGUAGES`."""
    return _WRITERS[language](state.address, snippet, snippet.make(state))


def _headers(one: Asking) -> list[tuple[str, str]]:
    return [*one.headers, *(_STREAM if one.follows else ())]


# --- curl


def _curl(address: str, snippet: Snippet, asked: Iterable[Asking]) -> str:
    lines = [f"BASE={shlex.quote(address)}"]
    for one in asked:
        lines += ["", _curl_one(snippet, one)]
    return "\n".join(lines) + "\n"


def _curl_one(snippet: Snippet, one: Asking) -> str:
    path = _NAME.sub(lambda name: f"${name[1].upper()}", one.path)
    bearer = "Bearer " if snippet.bearer else ""
    heads = [
        f'-H "Authorization: {bearer}${KEY}"',
        *(f'-H "{name}: {value}"' for name, value in _headers(one)),
    ]
    if one.follows:
        call = " \\\n  ".join([f'curl -sSN "$BASE{path}"', *heads])
        ends = "\\|".join(one.removeprefix("run.") for one in ENDS)
        return f"sed '/^event: run\\.\\({ends}\\)/q' < <({call})"
    begin = " \\\n  ".join(
        [f'curl -sS --fail-with-body "$BASE{path}"', *heads, '-H "Content-Type: application/json"', "-d @-"]
    )
    body = json.dumps(one.body, indent=2, ensure_ascii=False)
    if one.keeps is None:
        return f"{begin} <<'JSON'\n{body}\nJSON"
    name, key = one.keeps
    return f"{name.upper()}=$({begin} <<'JSON' | jq -r .{key}\n{body}\nJSON\n)"


# --- Python


def _python(address: str, snippet: Snippet, asked: Iterable[Asking]) -> str:
    key = f"os.environ[{KEY!r}]" if not snippet.bearer else f"f\"Bearer {{os.environ['{KEY}']}}\""
    parts = [
        "import os\n\nimport requests\n",
        f'BASE = {address!r}\nHEADERS = {{"Authorization": {key}}}\n',
    ]
    every = list(asked)
    parts += [_python_one(one, last=one is every[-1]) for one in every]
    return "\n".join(parts)


def _python_one(one: Asking, *, last: bool) -> str:
    path = f'f"{{BASE}}{one.path}"'
    heads = "".join(f", {name!r}: {value!r}" for name, value in _headers(one))
    headers = f"{{**HEADERS{heads}}}" if heads else "HEADERS"
    if one.follows:
        ends = tuple(f"event: {each}" for each in ENDS)
        return (
            f"with requests.get({path}, headers={headers}, stream=True) as events:\n"
            "    for line in events.iter_lines(decode_unicode=True):\n"
            "        print(line)\n"
            f"        if line.startswith({ends!r}):\n"
            "            break\n"
        )
    body = _literal(one.body, 1)
    call = f"answer = requests.post(\n    {path},\n    headers={headers},\n    json={body},\n)\n"
    kept = f"{one.keeps[0]} = answer.json()[{one.keeps[1]!r}]\n" if one.keeps else ""
    return f"{call}answer.raise_for_status()\n{kept}" + ("print(answer.json())\n" if last else "")


def _literal(value: Any, depth: int) -> str:
    """Returns a value of JSON as Python writes it, nested ones over several lines."""
    pad, end = "    " * (depth + 1), "    " * depth
    if isinstance(value, dict) and value:
        rows = [f"{pad}{name!r}: {_literal(each, depth + 1)},\n" for name, each in value.items()]
        return "{\n" + "".join(rows) + end + "}"
    if isinstance(value, list | tuple) and value:
        return "[\n" + "".join(f"{pad}{_literal(each, depth + 1)},\n" for each in value) + end + "]"
    return repr(value)


# --- JavaScript


def _javascript(address: str, snippet: Snippet, asked: Iterable[Asking]) -> str:
    key = f"process.env.{KEY}" if not snippet.bearer else f"`Bearer ${{process.env.{KEY}}}`"
    head = (
        f"const BASE = {json.dumps(address)};\n"
        f'const HEADERS = {{ "Authorization": {key}, "Content-Type": "application/json" }};\n\n'
        "async function ask(path, body, headers = {}) {\n"
        "  const answer = await fetch(BASE + path, {\n"
        '    method: "POST",\n'
        "    headers: { ...HEADERS, ...headers },\n"
        "    body: JSON.stringify(body),\n"
        "  });\n"
        "  if (!answer.ok) throw new Error(await answer.text());\n"
        "  return answer.json();\n"
        "}\n"
    )
    every = list(asked)
    return "\n".join([head, *(_javascript_one(one, last=one is every[-1]) for one in every)])


def _javascript_one(one: Asking, *, last: bool) -> str:
    path = _NAME.sub(lambda name: f"${{{name[1]}}}", one.path)
    heads = json.dumps(dict(_headers(one)))
    if one.follows:
        ends = "|".join(each.removeprefix("run.") for each in ENDS)
        return (
            f"const events = await fetch(BASE + `{path}`, {{ headers: {{ ...HEADERS, ...{heads} }} }});\n"
            'let seen = "";\n'
            "for await (const piece of events.body.pipeThrough(new TextDecoderStream())) {\n"
            "  process.stdout.write(piece);\n"
            "  seen += piece;\n"
            f"  if (/^event: run\\.({ends})$/m.test(seen)) break;\n"
            "}\n"
        )
    body = json.dumps(one.body, indent=2, ensure_ascii=False)
    more = f", {heads}" if one.headers else ""
    call = f"await ask(`{path}`, {body}{more})"
    if one.keeps is not None:
        return f"const {one.keeps[0]} = ({call}).{one.keeps[1]};\n"
    return f"console.log(JSON.stringify({call}, null, 2));\n" if last else f"{call};\n"


_WRITERS: dict[str, Callable[[str, Snippet, Iterable[Asking]], str]] = {
    "curl": _curl,
    "Python": _python,
    "JavaScript": _javascript,
}
LANGUAGES = tuple(_WRITERS)
