"""Works through documents with a Python program and follow-up questions to a model."""

from __future__ import annotations

import asyncio
import json
import stat
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from pydantic import Field, TypeAdapter, ValidationError

from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.processes import ProcessRunner
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.tools import CodeBlock, KnowledgeDesk, Preview, Risk, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool
from holdfast.core.tools.builtin.search_knowledge import desk_of
from holdfast.core.tools.builtin.write_file import encoded
from holdfast.core.tools.running import Ran, run_shown

ROUNDS = 8
"""How often a program is run again with new answers, at most."""
MAX_QUESTIONS = 200
"""Questions of one call, in all rounds together."""
MAX_CHARS = 4_000_000
"""Characters of the documents together."""
_MAX_ASKED_BYTES = 64 * 2**20
_STARTER = str(Path(__file__).with_name("analyse_main.py"))


class AnalyseDocumentsArguments(Arguments):
    code: str = Field(min_length=1, max_length=1_000_000, description="The program")
    documents: tuple[str, ...] = Field(
        default=(), max_length=1_000, description="Names or ids of documents; omitted: all"
    )


class _Asked(Arguments):
    """One question that a program waits for."""

    key: str
    question: str
    text: str


_QUESTIONS = TypeAdapter(tuple[_Asked, ...])


class AnalyseDocuments(BuiltinTool):
    """Runs the program as `run_python` does, as often as it takes until all of its questions have answers."""

    name = "analyse_documents"
    risk = Risk.EXECUTE
    arguments = AnalyseDocumentsArguments

    def __init__(self, processes: ProcessRunner) -> None:
        self._processes = processes

    def subjects(self, arguments: AnalyseDocumentsArguments) -> tuple[str, ...]:
        return (arguments.code,)

    async def preview(self, arguments: AnalyseDocumentsArguments, context: ToolContext) -> Preview:
        return Preview(blocks=(CodeBlock(language="python", text=arguments.code),))

    async def run(self, arguments: AnalyseDocumentsArguments, context: ToolContext) -> ToolOutput:
        desk = desk_of(context)
        found = await desk.texts(arguments.documents, MAX_CHARS)
        documents = [{"name": document.name, "text": text} for document, text in found]
        answers: dict[str, str] = {}
        with tempfile.TemporaryDirectory(prefix="holdfast-") as name:
            folder = Path(name)
            await asyncio.to_thread((folder / "script.py").write_bytes, encoded(arguments.code))
            for _ in range(ROUNDS + 1):
                ran = await self._round(folder, documents, answers, context)
                asked = await asyncio.to_thread(_asked, folder)
                if not asked:
                    return ran.output("python", context)
                answers |= await _answered(desk, asked, len(answers), context)
        raise ToolError(
            f"The program waited for answers more than {ROUNDS} times. Ask for more at once with `ask_all`.",
            code="too_many_rounds",
        )

    async def _round(
        self, folder: Path, documents: list[dict[str, str]], answers: dict[str, str], context: ToolContext
    ) -> Ran:
        given = json.dumps({"documents": documents, "answers": answers})
        await asyncio.to_thread(_put, folder / "given.json", given)
        command = (sys.executable, "-I", "-X", "utf8", "-u", _STARTER, str(folder))
        # What it prints is the same again in the next round: only the last one is shown.
        environment = {**context.environment, "MPLBACKEND": "Agg"}
        own = replace(context, environment=environment, progress=lambda text: None)
        return await run_shown(self._processes, command, own, context.timeout_s, shared=folder)


def _put(path: Path, text: str) -> None:
    """Writes a new file in the place of what is there: the program of the round before may have left a link
    that leads out of its folder."""
    path.unlink(missing_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)


def _asked(folder: Path) -> tuple[_Asked, ...]:
    """Returns what the program waits for. Raises `ToolError` for what is no such list: the program could
    have written anything there."""
    path = folder / "asked.json"
    try:
        status = path.lstat()
    except FileNotFoundError:
        return ()
    if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_ASKED_BYTES:
        raise ToolError("The program asks for too much at once.", code="too_many_questions")
    data = path.read_bytes()
    path.unlink()
    try:
        return _QUESTIONS.validate_json(data)
    except ValidationError as error:
        raise ToolError("The program's questions cannot be read.", code="tool_failed") from error


async def _answered(
    desk: KnowledgeDesk, asked: tuple[_Asked, ...], before: int, context: ToolContext
) -> dict[str, str]:
    if before + len(asked) > MAX_QUESTIONS:
        raise ToolError(
            f"The program asks more than {MAX_QUESTIONS} questions. Ask about larger pieces, or fewer.",
            code="too_many_questions",
        )
    for each in asked:
        about = f"{len(each.text):,} characters"
        context.progress(f"asks about {about}: {shorten(sanitize_line(each.question), 120)}\n")
    replies = await desk.ask([(each.question, each.text) for each in asked])
    return {each.key: reply for each, reply in zip(asked, replies, strict=True)}
