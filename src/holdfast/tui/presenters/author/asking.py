"""What the agent editor lets a person choose from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.presenters.choices import Choice
from holdfast.tui.presenters.spans import BLANK, line


def _choice(value: str, label: str, about: str) -> Choice:
    return Choice(value, line((label, "strong")), [line((label, "heading")), BLANK, line(about)], label)


CONFLICT = [
    _choice(
        "mine", "Save mine over it", "Your text is written; what is there now is kept beside it, in .bak."
    ),
    _choice("theirs", "Take what is there", "The file is read again; what you have typed can be undone to."),
]
LEAVING = [
    _choice("save", "Save it", "It is written into its file, if it has no mistakes; then the editor closes."),
    _choice("lose", "Lose it", "The editor closes; the file stays as it was."),
]
RULES = {
    "allow": "Calls that run without a question.",
    "ask": "Calls that a person is asked for.",
    "deny": "Calls that never run.",
}


def model_rows(models: Iterable[tuple[str, str]]) -> list[Choice]:
    """Returns what the form offers as the model; the empty value means none of its own."""
    usual = _choice("", "the usual order", "No model is named: settings, keys and Ollama decide.")
    return [
        usual,
        *(
            Choice(
                name,
                line((sanitize_line(name), "strong"), (f"  {sanitize_line(provider)}", "muted")),
                [line((sanitize_line(name), "heading")), line(sanitize_line(provider))],
                f"{name} {provider}",
            )
            for name, provider in models
        ),
    ]


def tool_rows(tools: Iterable[tuple[str, str]], present: Sequence[str]) -> list[Choice]:
    """Returns the tools to pick from, those that the agent has first: those that there are not, too."""
    known = dict(tools)
    names = [*present, *(name for name in known if name not in present)]
    return [
        Choice(
            name,
            line((sanitize_line(name), "strong"), (f"  {sanitize_line(known.get(name, ''))}", "muted")),
            [
                line((sanitize_line(name), "heading")),
                BLANK,
                line(sanitize_line(known.get(name, "There is no such tool here."))),
            ],
            f"{name} {known.get(name, '')}",
        )
        for name in names
    ]


def rules_of(text: str) -> list[str]:
    """Returns the rules in a text with one in each line."""
    return [rule for one in text.splitlines() if (rule := one.strip())]
