"""Notices: the welcome, hints above the message field, the question about a folder, placeholders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.keys import shown
from holdfast.tui.presenters.spans import BLANK, Line, line

if TYPE_CHECKING:
    from holdfast.tui.presenters.model import Model

PLACEHOLDER = "Message   @ file   / command"


def welcome_lines(model: Model) -> list[Line]:
    """Returns what stands in the place of the transcript before the first message."""
    if model.opening:
        return [line(("Opening the session…", "muted"))]
    if not model.header.model:
        return first_welcome(model.header.place)
    agent, name = sanitize_line(model.agent), sanitize_line(model.header.model)
    return _welcome(line((agent, "strong"), (" answers with ", "muted"), (name, "strong")))


def _welcome(who: Line) -> list[Line]:
    return [
        line(("Holdfast", "brand"), ("  the workbench for agents", "muted")),
        BLANK,
        who,
        BLANK,
        line("Ask for something, for example:"),
        line(("  “What can you do?”", "accent")),
        line(("  “Summarise @notes.md and save it as summary.md”", "accent")),
        BLANK,
        line(("What changes files or runs programs is shown to you before it happens.", "muted")),
        BLANK,
        line(*_key("new"), ("another agent   ", "muted"), *_key("sessions"), ("your sessions", "muted")),
        line(*_key("palette"), ("all commands    ", "muted"), *_key("help"), ("help", "muted")),
        line(("/knowledge ", "key"), ("your own documents, to be asked about", "muted")),
    ]


def _key(name: str) -> Line:
    return ((f"{shown(f'everywhere.{name}'):<7}", "key"),)


def first_welcome(place: str) -> list[Line]:
    """Returns the welcome while it is not known yet who answers; `place` is where an engine elsewhere is."""
    what = f"Connecting to {sanitize_line(place)}." if place else "The engine is starting."
    return _welcome(line((f"{what} You can type already.", "muted")))


def hint_lines(model: Model, engine_says: str) -> list[Line]:
    """Returns the one thing that should be known now."""
    if engine_says:
        why = line((sanitize_line(engine_says), "error"))
        if model.shut_out:
            why = line(*why, ("   /login", "key"), (", or the palette, signs in", "muted"))
        return [line(*why, ("   /reconnect", "key"), (" tries again", "muted"))]
    run = model.run.current
    if run is not None and model.silent:
        return [line(("… ", "accent"), (f"waiting for {run.model or 'the model'}", "muted"))]
    if run is not None and run.status == "failed":
        return [line(("The run failed.  ", "error"), *_continue("goes on from here"))]
    if run is not None and run.status == "cancelled":
        return [line(("Interrupted; what was done stays.  ", "warning"), *_continue("goes on"))]
    if run is not None and run.status == "completed" and model.mode.shown == "plan":
        begin = (" approves the plan and lets the agent begin", "muted")
        return [line(("◇ plan mode  ", "accent"), ("/approveplan", "key"), begin)]
    said = model.session_id is None and model.found is not None and model.found.may_add  # by the panel
    if model.hint and not said and not model.untrusted and model.deciding() is None:
        return [line((model.hint, "muted"))]
    return []


def _continue(what: str) -> Line:
    return line((shown("everywhere.continue"), "key"), (f" {what}", "muted"))


def trust_lines(model: Model, project: str) -> list[Line]:
    """Returns the question about a folder with agents of its own."""
    if not model.untrusted:
        return []
    names = ", ".join(model.untrusted[:4])
    return [
        line(
            ("This folder brings agents: ", "warning"), (names, "strong"),
            (f"   {sanitize_line(project)}", "muted"),
        ),
        line(
            (shown("notice.trust"), "key"), (" trust them   ", "muted"),
            (shown("notice.ignore"), "key"),
            (" ignore: they ask first, and have neither knowledge nor memory", "muted"),
        ),
    ]  # fmt: skip


def placeholder(model: Model) -> str:
    """Returns what stands in the empty message field."""
    if not model.header.may_send:
        return "This key may look, but not send"
    answering = model.answering()
    if answering is not None:
        return f"Your answer   {shown('everywhere.back')}: write a message instead"
    item = model.deciding()
    if item is not None and item.approval is not None:
        return "A key above decides · or write a message"
    if model.run.busy:
        return f"enter queues it   {shown('composer.steer')} steers the run now"
    return PLACEHOLDER
