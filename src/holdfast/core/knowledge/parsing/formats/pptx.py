"""PPTX: each slide is a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any

from pptx import Presentation
from pptx.exc import PythonPptxError

from holdfast.core.knowledge.parsing.decoding import clean
from holdfast.core.knowledge.parsing.formats.archives import opened, stated_title
from holdfast.core.knowledge.parsing.formats.broken import reading
from holdfast.core.knowledge.parsing.formats.pages import joined
from holdfast.core.knowledge.parsing.formats.tables import markdown_table
from holdfast.core.knowledge.parsing.model import Extract, Style


def extract_pptx(data: bytes, name: str) -> Extract:
    """Returns the texts, tables, charts and notes of all slides; a slide's title is its heading."""
    with opened(data, name) as archive:
        title = stated_title(archive)
    with reading(name, PythonPptxError):
        text, starts = joined(clean(_slide(slide)) for slide in Presentation(BytesIO(data)).slides)
    return Extract(text, Style.MARKDOWN, title=clean(title), pages=starts)


def _slide(slide: Any) -> str:
    title = slide.shapes.title
    heading = " ".join(title.text_frame.text.split()) if title is not None else ""
    parts = [f"# {heading}" if heading else ""]
    parts += (_shape(s) for s in _in_order(slide.shapes) if title is None or s.shape_id != title.shape_id)
    if slide.has_notes_slide and (notes := slide.notes_slide.notes_text_frame) is not None:
        parts.append(f"Notes: {notes.text.strip()}" if notes.text.strip() else "")
    return "\n\n".join(p for p in parts if p)


def _in_order(shapes: Iterable[Any]) -> Iterator[Any]:
    """Yields shapes as they are read: from the top, then from the left; those of groups one by one."""
    for shape in sorted(shapes, key=lambda s: (s.top or 0, s.left or 0)):
        if hasattr(shape, "shapes"):
            yield from _in_order(shape.shapes)
        else:
            yield shape


def _shape(shape: Any) -> str:
    if shape.has_table:
        return markdown_table([[cell.text for cell in row.cells] for row in shape.table.rows])
    if shape.has_chart:
        return _chart(shape.chart)
    if shape.has_text_frame:
        return "\n".join(_paragraph(p) for p in shape.text_frame.paragraphs if p.text.strip())
    return ""


def _paragraph(paragraph: Any) -> str:
    text = " ".join(paragraph.text.split())
    return f"{'  ' * (paragraph.level - 1)}- {text}" if paragraph.level else text


def _chart(chart: Any) -> str:
    title = chart.chart_title.text_frame.text if chart.has_title and chart.chart_title.has_text_frame else ""
    plot = next(iter(chart.plots), None)
    if plot is None:
        return str(title)
    series = list(plot.series)
    labels = [str(label) for label in plot.categories]
    columns = [[("" if v is None else f"{v:.12g}") for v in s.values] for s in series]
    header = ["", *(str(s.name or "") for s in series)]
    rows = [[label, *(c[i] if i < len(c) else "" for c in columns)] for i, label in enumerate(labels)]
    return "\n\n".join(p for p in (str(title), markdown_table([header, *rows])) if p)
