"""A run and its approvals in words, in the order in which they are to be heard."""

from __future__ import annotations

from holdfast.cli.previews import preview_lines
from holdfast.cli.running.asking import Asker
from holdfast.cli.running.forms import question_text
from holdfast.cli.running.reporter import Reporter, Signs
from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.events import LoggedEvent, PartDelta, RunPaused, RunResumed, RunStarted
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.tools import Question


class SpokenReporter(Reporter):
    """Says with words what `holdfast run` says with signs. `last` is what the agent has replied."""

    signs = Signs(
        call="Tool call: ",
        ok="Tool done: ",
        client="For the caller: ",
        failed="Tool not done: ",
        knowledge="Knowledge: ",
    )
    last = ""

    def show(self, logged: LoggedEvent) -> None:
        """Writes one event."""
        match logged.event:
            case RunStarted():
                return  # who answers is said once, and when it changes
            case RunPaused():
                self._console.line("The run is paused.")
            case RunResumed():
                self._console.line("The run goes on.")
            case PartDelta(part_id=part_id, text=text) if self._kinds.get(part_id) == "text":
                self.last += text
        super().show(logged)


class SpokenAsker(Asker):
    """Asks with numbered choices, each on a line of its own; the letters of `holdfast run` count, too."""

    def show(self, approval: Approval) -> None:
        """Writes what waits, why, exactly what it would do, and the choices."""
        say = self._console.line
        say(f"Approval needed. Tool: {approval.tool}. Risk: {approval.risk.value}.")
        if approval.reason:
            say(f"Why: {sanitize_line(approval.reason)}.".replace("..", "."))
        say("What it would do:")
        for shown in preview_lines(approval):
            say(f"  {shown.text}")
        say("End of what it would do.")
        if approval.expires_at is not None:
            say(f"Expires at {approval.expires_at.astimezone():%T}, then: {approval.on_expiry}.")
        for number, (_, choice) in enumerate(_choices(approval), start=1):
            say(f"{number}. {choice}")

    def menu(self, approval: Approval) -> str:
        return f"Choice, 1 to {len(_choices(approval))}: "

    def show_question(self, question: Question) -> None:
        self._console.line(f"Question: {question_text(question)}")
        for number, choice in enumerate(question.choices, start=1):
            self._console.line(f"{number}. {sanitize_line(choice)}")

    def letter(self, answer: str, approval: Approval) -> str:
        choices = _choices(approval)
        if answer.isdecimal() and 1 <= int(answer) <= len(choices):
            return choices[int(answer) - 1][0]
        return answer


def _choices(approval: Approval) -> list[tuple[str, str]]:
    """Returns the letter and the words of each choice."""
    always = [("a", f"Approve always: adds the rule {sanitize_line(approval.rule)}")] if approval.rule else []
    return [
        ("y", "Approve once"),
        ("s", "Approve for this session"),
        *always,
        ("n", "Deny"),
        ("r", "Deny with a reason that the model sees"),
        ("e", "Edit the arguments, then approve"),
    ]
