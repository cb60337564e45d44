"""The fake server as a program, as other tests and the benchmarks start it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

PROGRAM = Path(__file__).parents[1] / "fakes" / "openai_server.py"


def post(url: str, body: dict) -> str:
    asked = urllib.request.Request(f"{url}/chat/completions", json.dumps(body).encode())
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return answer.read().decode()


def test_it_serves_a_script_tells_its_address_and_ends_with_its_input(tmp_path):
    script = tmp_path / "script.json"
    answers = [
        {"when": {"contains": "second"}, "text": "two"},
        {"text": "one", "tools": [{"name": "f", "arguments": {"x": 1}}]},
        {"status": 429, "headers": {"Retry-After": "2"}},
    ]
    script.write_text(json.dumps({"answers": answers}))
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), "--script", str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        url = process.stdout.readline().removeprefix("listening ").strip()
        first = json.loads(post(url, {"messages": [{"role": "user", "content": "first"}]}))
        assert first["choices"][0]["message"]["content"] == "one"
        assert first["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == '{"x": 1}'
        streamed = post(url, {"stream": True, "messages": [{"role": "user", "content": "the second"}]})
        assert '"content": "two"' in streamed and streamed.rstrip().endswith("data: [DONE]")
        try:
            post(url, {"messages": []})
            raise AssertionError("no error")
        except urllib.error.HTTPError as error:
            assert (error.code, error.headers["Retry-After"]) == (429, "2")
            error.close()
        with urllib.request.urlopen(url.replace("/v1", "/requests"), timeout=10) as answer:
            assert len(json.loads(answer.read())) == 3
        process.stdin.close()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
