"""What the app is made of: what it imports before the first paint, its style sheet, its size."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pexpect

import holdfast.tui
from holdfast.tui.app import HoldfastApp

TUI = Path(holdfast.tui.__file__).parent
LATE = ("pydantic", "pydantic_settings", "httpx", "typer", "yaml", "rich.markdown", "markdown_it", "litellm")

PROBE = """
import sys
from pathlib import Path
from holdfast.tui.app import HoldfastApp
from holdfast.tui.start import Start

async def connect():
    raise AssertionError("not before the first paint")

class Probe(HoldfastApp):
    def start_engine(self):
        side = self.main.query_one("#side")
        assert self.main.box.area.has_focus and side.is_attached
        print([name for name in {late!r} if name in sys.modules])
        self.exit(0)

folder = Path({folder!r})
Probe(Start(connect, folder=folder, state_file=folder / "tui.json")).run(headless=True)
"""


def test_at_first_paint_nothing_heavy_is_imported(tmp_path: Path) -> None:
    code = textwrap.dedent(PROBE).format(late=LATE, folder=str(tmp_path))
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr


def style_sheets() -> list[str]:
    sheets = [path.read_text() for path in TUI.rglob("*.tcss")]
    for path in TUI.rglob("*.py"):
        sheets += re.findall(r'DEFAULT_CSS = """(.*?)"""', path.read_text(), re.DOTALL)
    return [re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL) for sheet in sheets]


def test_no_selector_depends_on_order_or_matches_everything() -> None:
    for sheet in style_sheets():
        for selector in re.findall(r"([^{}]+)\{", sheet):
            assert not re.search(r":(first|last|nth|odd|even|empty)", selector), selector
            assert not re.search(r"(^|[\s,>])\*", selector), selector
            assert not re.search(r"(App|Screen):(focus|blur)", selector), selector


def test_colours_come_from_theme_variables_only() -> None:
    names = r"\b(black|white|red|green|blue|yellow|cyan|magenta|gray|grey)\b"
    for sheet in style_sheets():
        body = re.sub(r"#[a-z][\w-]*(?=[\s:.,>{])", "", sheet)
        assert not re.search(rf"#[0-9a-fA-F]{{3,8}}\b|rgb\(|hsl\(|{names}", body)


def test_the_app_stays_small() -> None:
    assert len((TUI / "app.py").read_text().splitlines()) <= 300


def test_every_shown_key_of_the_app_is_bound_once() -> None:
    keys = [binding.key for binding in HoldfastApp.BINDINGS]
    assert len(set(keys)) == len(keys)


BROKEN = """
import sys
from pathlib import Path
from holdfast.tui import app
from holdfast.tui.start import Start

class Broken(app.HoldfastApp):
    def start_engine(self):
        letter = "the contents of a file"
        raise RuntimeError("a bug of %d letters" % len(letter))

app.HoldfastApp = Broken
try:
    folder = Path(sys.argv[1])
    app.run(Start(None, folder=folder, state_file=folder / "tui.json"))
except RuntimeError as error:
    print("CAUGHT", error)
"""


def test_a_bug_reaches_the_caller_and_no_local_value_reaches_the_terminal(tmp_path: Path) -> None:
    child = pexpect.spawn(sys.executable, ["-c", BROKEN, str(tmp_path)], timeout=20, encoding="utf-8")
    child.expect("CAUGHT a bug of 22 letters")
    before = child.before or ""
    child.expect(pexpect.EOF)
    assert "contents" not in before + (child.before or "")
