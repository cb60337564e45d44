from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest

from holdfast.core.domain.knowledge import Chunking
from holdfast.core.knowledge.parsing.documents import read_document
from holdfast.core.knowledge.parsing.model import Parsed

Read = Callable[..., Parsed]


def test_a_document_knows_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Hello there.\n")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    parsed = read_document(path, "notes.txt", max_bytes=100, chunking=Chunking())
    assert parsed.digest == sha256(b"Hello there.\n").hexdigest()
    assert parsed.size == 13
    assert parsed.modified_at == datetime.fromtimestamp(1_700_000_000, UTC)
    assert (parsed.media_type, parsed.pages, parsed.title) == ("text/plain", None, "")
    assert [p.text for p in parsed.chunks] == ["Hello there."]


def test_a_pdf_is_read_page_by_page_under_its_bookmarks(read: Read, make: SimpleNamespace) -> None:
    pages = [[f"Page {n} speaks of matter {n}, " + "at some length " * 4] for n in (1, 2, 3)]
    data = make.pdf(pages, title="The Matter", bookmarks=["Begin", "Middle", "matter 3"])
    parsed = read("book.pdf", data, max_chars=100)
    assert (parsed.media_type, parsed.pages, parsed.title) == ("application/pdf", 3, "The Matter")
    found = {
        p.place.page: p for p in read("book.pdf", make.pdf([[f"{n} " + "word " * 30] for n in (1, 2)])).chunks
    }
    assert found[1].place.line is None
    last = next(p for p in parsed.chunks if "matter 3" in p.text)
    assert last.place.last_page == 3
    assert parsed.chunks[0].place.headings == ("Begin",)


def test_pages_of_a_long_pdf_are_told_by_offset(read: Read, make: SimpleNamespace) -> None:
    parsed = read(
        "book.pdf",
        make.pdf([[f"Line {i} of page {n} says so." for i in range(8)] for n in range(1, 6)]),
        max_chars=150,
    )
    for piece in parsed.chunks:
        assert piece.place.page is not None and piece.place.last_page is not None
        assert f"page {piece.place.page} " in piece.text
        assert f"page {piece.place.last_page} " in piece.text


def test_a_docx_becomes_markdown_with_its_title(read: Read, make: SimpleNamespace) -> None:
    parsed = read(
        "plan.docx",
        make.docx(["First snake_case point", "Second"], heading="The plan", title="Plan &amp; more"),
    )
    assert parsed.text == "# The plan\n\nFirst snake_case point\n\nSecond"
    assert parsed.title == "Plan & more"
    assert parsed.chunks[0].place.headings == ("The plan",)
    assert parsed.chunks[0].place.line is None
    assert read("plan.docx", make.docx(["x"], heading="The plan")).title == "The plan"


def test_an_office_document_is_known_by_its_content_whatever_its_name(
    read: Read, make: SimpleNamespace
) -> None:
    assert read("plan.bin", make.docx(["Words"])).media_type.endswith("wordprocessingml.document")
    assert read("plan.docx", make.xlsx({"S": [["a"], ["b"]]})).media_type.endswith("spreadsheetml.sheet")
    assert read("plan.doc", "Only text").media_type == "text/plain"


def test_each_slide_of_a_pptx_is_a_page(read: Read, make: SimpleNamespace) -> None:
    parsed = read(
        "talk.pptx",
        make.pptx([("Hello", "One\nTwo"), ("End", "Bye " * 30)], notes="Say it slowly"),
        max_chars=100,
    )
    assert parsed.pages == 2
    assert parsed.text.startswith("# Hello\n\nOne\nTwo\n\nNotes: Say it slowly\n\n# End")
    assert next((p.place.page, p.place.headings) for p in parsed.chunks if "Bye" in p.text) == (2, ("End",))


def test_tables_groups_and_charts_of_a_slide_are_read(read: Read, tmp_path: Path) -> None:
    from pptx import Presentation
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    table = slide.shapes.add_table(2, 2, 0, 0, Inches(2), Inches(1)).table
    for index, text in enumerate(["Name", "Age", "Ada | Eve", "36"]):
        table.cell(index // 2, index % 2).text = text
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(0, Inches(3), Inches(1), Inches(1)).text_frame.text = "In a group"
    data = CategoryChartData()
    data.categories = ["May", "June"]
    data.add_series("Sales", (1.5, 2))
    slide.shapes.add_chart(XL_CHART_TYPE.LINE, 0, Inches(5), Inches(2), Inches(2), data)
    deck.save(str(tmp_path / "deck.pptx"))
    text = read("deck.pptx", (tmp_path / "deck.pptx").read_bytes()).text
    assert "| Name | Age |\n| --- | --- |\n| Ada \\| Eve | 36 |" in text
    assert "In a group" in text
    assert "|  | Sales |\n| --- | --- |\n| May | 1.5 |\n| June | 2 |" in text


def test_each_sheet_of_an_xlsx_is_a_page_of_tables(read: Read, make: SimpleNamespace) -> None:
    people = [["Name", "Born", "Share"], ["Ada", date(1815, 12, 10), 0.5], [], ["Eve\nA.", None, 3.0, None]]
    parsed = read("book.xlsx", make.xlsx({"People": people, "Empty": [], "Note": [["Just this"]]}))
    assert parsed.pages == 3
    assert parsed.text == (
        "## People\n\n| Name | Born | Share |\n| --- | --- | --- |\n"
        "| Ada | 1815-12-10 | 0.5 |\n| Eve A. |  | 3 |"
        "\n\n## Empty\n\n## Note\n\nJust this"
    )


def test_every_piece_of_a_long_sheet_says_what_its_columns_are(read: Read, make: SimpleNamespace) -> None:
    rows = [["Part", "Price"], *([f"part number {i}", i] for i in range(300))]
    parsed = read("parts.xlsx", make.xlsx({"Parts": rows}))
    assert len(parsed.chunks) > 5
    assert all("| Part | Price |" in p.text and p.place.headings == ("Parts",) for p in parsed.chunks)


def test_html_becomes_markdown(read: Read) -> None:
    page = (
        "<!doctype html><html><head><title>My\n page</title><style>p{}</style></head><body>"
        "<script>evil()</script>"
        "<h2>Part <em>one</em></h2><p>Some_text with <a href='http://x'>a link</a>.</p><!-- hidden -->"
        "<img src='data:image/png;base64,AAAA' alt='A cat'>"
        "<table><tr><th>a</th></tr><tr><td>1</td></tr></table></body></html>"
    )
    parsed = read("page", page)
    assert (parsed.media_type, parsed.title) == ("text/html", "My page")
    assert "## Part *one*\n\nSome_text with a link." in parsed.text
    assert "A cat" in parsed.text and "| a |" in parsed.text
    assert not any(word in parsed.text for word in ("evil", "hidden", "base64", "http", "p{}"))
    assert parsed.chunks[0].place.headings[-1] == "Part one"


def test_html_in_a_declared_encoding_is_read(read: Read) -> None:
    page = '<html><head><meta charset="shift_jis"></head><body>日本語のページ</body></html>'
    assert read("page.html", page.encode("shift_jis")).text == "日本語のページ"
    assert read("page.html", page.replace("shift_jis", "no-such").encode("utf-16")).text == "日本語のページ"


@pytest.mark.parametrize(
    "mark", ["<![", "<![bad[", "<![if !x]>", "<!", "<?", "<a href='", "&#xD800;", "&#9999999999;"]
)
def test_html_that_is_none_is_read_as_far_as_it_goes(read: Read, mark: str) -> None:
    assert "before" in read("a.html", f"<p>before {mark} after</p>").text


def test_html_nested_without_end_gives_its_text(read: Read) -> None:
    assert read("deep.html", "<html><body>" + "<div>" * 20_000 + "Found" + "</div>" * 20_000).text == "Found"


def test_markdown_has_lines_headings_and_a_title(read: Read) -> None:
    parsed = read("a.md", "---\ntitle: 'Front matter'\n---\n# One\n\ntext\n")
    assert parsed.title == "Front matter"
    assert parsed.chunks[-1].place.last_line == 6
    assert read("a.md", "text\n\n# *One*\n").title == "One"


def test_json_without_lines_is_laid_out(read: Read) -> None:
    dense = json.dumps(
        {"rows": [{"name": f"é{i}", "value": i} for i in range(200)]},
        separators=(",", ":"),
        ensure_ascii=False,
    )
    laid_out = read("a.json", dense)
    assert '   "name": "é7",\n' in laid_out.text
    assert laid_out.chunks[0].place.line is None
    assert read("a.json", '{\n "a": 1\n}').chunks[0].place.last_line == 3
    assert read("a.json", '{"a": ' + "x" * 3_000).text.endswith("xxx")
    assert read("deep.json", "[" * 100_000 + "]" * 100_000).text.startswith("[[")


def test_a_notebook_gives_its_cells(read: Read) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Study\n", "of it"]},
        {
            "cell_type": "code",
            "source": "1 + 1",
            "outputs": [{"data": {"text/plain": ["2"], "image/png": "AAAA"}}, 7],
        },
        "no cell",
    ]
    parsed = read("a.ipynb", json.dumps({"cells": cells}))
    assert parsed.text == "# Study\nof it\n\n```\n1 + 1\n```\n\n2"
    assert parsed.title == "Study"
    assert read("b.ipynb", '{"cells": 3}').text == '{"cells": 3}'


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "cp1251"]
)
def test_text_of_any_encoding_is_read(read: Read, encoding: str) -> None:
    text = "Широкая электрификация южных губерний даст мощный толчок подъёму хозяйства. " * 4
    if encoding == "cp1252":
        text = "Müller heißt der Bäcker, und sein Café ist schön – größer als das nächste. " * 4
    assert read("note.txt", text.encode(encoding)).text == text


def test_text_with_a_spot_of_damage_keeps_the_rest(read: Read) -> None:
    data = "Größe und Maß. ".encode() * 20 + b"\xff" + b"Ende"
    assert read("note.txt", data).text == "Größe und Maß. " * 20 + "\ufffdEnde"


def test_control_characters_are_removed_and_lines_stay(read: Read) -> None:
    parsed = read("note.txt", "\ufeffA\x00B\x1b[31m\r\nsecond\u202e\x85\x0cpage\rlast".encode())
    assert parsed.text == "AB[31m\nsecond page\nlast"
    assert parsed.chunks[0].place.last_line == 3
    assert read("a.json", json.dumps(["\ud800" * 700 + "x" * 3_000])).text.count("\ud800") == 0


def test_a_csv_keeps_its_lines(read: Read) -> None:
    parsed = read("a.csv", "name,age\n" + "Ada,36\n" * 400, max_chars=200)
    assert parsed.media_type == "text/csv"
    assert all(p.text.startswith(("name,", "Ada,")) and p.text.endswith("36") for p in parsed.chunks)
    assert parsed.chunks[-1].place.last_line == 401


def test_a_doc_is_converted_by_antiword(read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "antiword"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\nfor last; do :; done\n"
        'echo "An old document in $(basename "$last"), HOME is gone: $SECRET"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("SECRET", "sk-123")
    parsed = read("old.doc", _ole("WordDocument"))
    assert parsed.media_type == "application/msword"
    assert parsed.text.strip() == "An old document in document.doc, HOME is gone:"


def test_a_doc_is_converted_by_libreoffice_when_antiword_gives_up(
    read: Read, make: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    converted = tmp_path / "made.docx"
    converted.write_bytes(make.docx(["From LibreOffice"], heading="Old"))
    programs = {
        "antiword": "#!/bin/sh\necho it is not Word >&2\nexit 1\n",
        "soffice": f'#!/bin/sh\ntest -f "$HOME/profile/user/registrymodifications.xcu" || exit 3\n'
        f'cp "{converted}" "$HOME/document.docx"\n',
    }
    for name, script in programs.items():
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(script)
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert read("old.doc", _ole("WordDocument")).text == "# Old\n\nFrom LibreOffice"


def _ole(stream: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + stream.encode("utf-16-le") + bytes(500)
