"""Runs the script that `analyse_documents` wrote, with the documents and with `ask`.

A program: nothing imports it. There is no channel to the engine while it runs. What is asked and has no
answer yet is written down, and the script ends there; it is run again from its beginning when the answers are
known.
"""

from __future__ import annotations

import hashlib
import json
import runpy
import sys
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

MAX_TEXT = 60_000


class _Waiting(BaseException):
    """The script cannot go on without an answer. No `except Exception` of the script takes it."""


def _main(folder: Path) -> None:
    given = json.loads((folder / "given.json").read_text(encoding="utf-8"))
    answers: dict[str, str] = given["answers"]
    open_questions: dict[str, tuple[str, str]] = {}

    def ask_all(asked: Iterable[tuple[str, str]]) -> list[str]:
        pairs = [(str(question), str(text)) for question, text in asked]
        if any(len(text) > MAX_TEXT for _, text in pairs):
            raise ValueError(f"a text to ask about has at most {MAX_TEXT:,} characters: split it")
        keys = [_key(*pair) for pair in pairs]
        missing = {key: pair for key, pair in zip(keys, pairs, strict=True) if key not in answers}
        if missing:
            open_questions.update(missing)
            raise _Waiting
        return [answers[key] for key in keys]

    def ask(question: str, text: str = "") -> str:
        return ask_all([(question, text)])[0]

    documents = [SimpleNamespace(**document) for document in given["documents"]]
    run = runpy.run_path(str(Path(__file__).with_name("python_main.py")))["_run"]
    try:
        run(folder / "script.py", {"documents": documents, "ask": ask, "ask_all": ask_all})
    except _Waiting:
        pass  # what it waits for is told below
    finally:
        if open_questions:
            asked = [{"key": key, "question": q, "text": t} for key, (q, t) in open_questions.items()]
            (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")


def _key(question: str, text: str) -> str:
    return hashlib.sha256(f"{question}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
