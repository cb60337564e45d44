"""What makes every change on the screen cost more the more there is on it: none of that is here.

Textual styles a widget and all below it anew when a rule with a pseudo-class of order, of the pointer or of
the focus inside may be about it, and everything when a rule speaks about the app's own focus.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_workbench import FakeWorkbench
from textual import events
from textual.css.model import SelectorType
from textual.css.parse import parse
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode

import holdfast.tui
from holdfast.tui.presenters.entries import Entry

ORDER = {"first-child", "last-child", "first-of-type", "last-of-type", "odd", "even", "empty"}
OF_THE_APP = {"App", "HoldfastApp", "TerminalApp", "Screen", "MainScreen", "ModalScreen"}
SPREADING = {"focus", "blur", "focus-within", "hover"}
FOLDER = Path(holdfast.tui.__file__).parent


def sheets() -> Iterator[tuple[str, str]]:
    """Yields all style sheets of the app: the files, and what widgets bring along."""
    for path in sorted(FOLDER.rglob("*.tcss")):
        yield path.name, path.read_text()
    for module in pkgutil.walk_packages([str(FOLDER)], "holdfast.tui."):
        for name, thing in vars(importlib.import_module(module.name)).items():
            own = isinstance(thing, type) and issubclass(thing, DOMNode) and thing.__module__ == module.name
            if own and (css := thing.__dict__.get("DEFAULT_CSS")):
                yield name, css


SHEETS = dict(sheets())


@pytest.mark.parametrize("name", SHEETS)
def test_no_selector_is_of_order_universal_or_of_the_apps_focus(name: str) -> None:
    css = re.sub(r"\$[\w-]+", "red", SHEETS[name])
    for rule in parse("", css, (name, "")):
        for selector in (one for selectors in rule.selector_set for one in selectors.selectors):
            said = f"{name}: {rule.css.splitlines()[0]}"
            assert selector.type != SelectorType.UNIVERSAL, said
            assert not ORDER & selector.pseudo_classes, said
            if selector.name in OF_THE_APP:
                assert not SPREADING & selector.pseudo_classes, said


@pytest.mark.parametrize(
    "css", ["* { color: red; }", "#a > B:first-child { color: red; }", "App:blur .c { color: red; }"]
)
def test_such_a_selector_is_seen(css: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SHEETS, "bad", css)
    with pytest.raises(AssertionError):
        test_no_selector_is_of_order_universal_or_of_the_apps_focus("bad")


async def test_focus_pointer_and_scrolling_style_next_to_nothing_anew(
    make_app: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(FakeWorkbench())
    styled: list[DOMNode] = []
    apply = Stylesheet.apply
    monkeypatch.setattr(
        Stylesheet,
        "apply",
        lambda self, node, **more: (styled.append(node), apply(self, node, **more))[1],
    )
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: app.main.panes is not None and app.desk is not None)
        view = app.main.panes.transcript
        view.display = True
        view.set_entries([Entry(str(n), "reply", n, "r", text=f"**message** {n}") for n in range(200)])
        await pilot.pause()
        everything = list(app.screen.walk_children(with_self=True))
        assert len(everything) < 150, "no widget for each message"
        for node in (view, *view.ancestors):
            assert not (node._has_order_style or node._has_odd_or_even), node
            assert not (node._has_focus_within or node._has_hover_style), node
        for act in (
            lambda: pilot.hover(view, offset=(10, 5)),
            lambda: pilot.hover(view, offset=(10, 9)),
            lambda: pilot.press("up"),
            lambda: _run(view.focus),
            lambda: pilot.press("pageup"),
            lambda: pilot.press("down"),
            lambda: _run(
                lambda: view.post_message(events.MouseScrollUp(view, 5, 5, 0, 0, 0, False, False, False))
            ),
        ):
            styled.clear()
            await act()
            await pilot.pause()
            assert len(styled) < 12, act


async def _run(act: Any) -> None:
    act()
