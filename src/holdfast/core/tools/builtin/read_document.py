"""Reads a part of a document of the run's collections."""

from __future__ import annotations

from pydantic import Field

from holdfast.core.domain.passages import DATA_RULE, quoted
from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.core.domain.tools import Risk, TextBlock, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool
from holdfast.core.tools.builtin.search_knowledge import desk_of

READ_DOCUMENT = "read_document"
MAX_CHARS = 20_000


class ReadDocumentArguments(Arguments):
    document: str = Field(min_length=1, max_length=2_000, description="The document's name or id")
    start: int = Field(default=0, ge=0, description="Offset of the first character")
    characters: int = Field(default=4_000, ge=1, le=MAX_CHARS, description="How many characters to read")


class ReadDocument(BuiltinTool):
    """Asks the run's desk."""

    name = READ_DOCUMENT
    risk = Risk.READ
    arguments = ReadDocumentArguments

    async def run(self, arguments: ReadDocumentArguments, context: ToolContext) -> ToolOutput:
        desk = desk_of(context)
        document, text = await desk.read(arguments.document, arguments.start, arguments.characters)
        name = sanitize_line(document.name)
        if not text:
            return ToolOutput.text(
                f"{name} has {document.characters:,} characters; none from {arguments.start} on."
            )
        end = arguments.start + len(text)
        left = document.characters - end
        tail = (
            f"[{left:,} characters follow; read on with start={end}]"
            if left > 0
            else "[The document ends here.]"
        )
        head = f"{name} (id {document.id}), characters {arguments.start} to {end}. {DATA_RULE}"
        return ToolOutput.text(f"{head}\n\n{quoted(text)}\n\n{tail}", TextBlock(text=sanitize(text)))
