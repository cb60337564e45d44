"""One run of the log in full: what was asked and answered, and what each part of it took."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.tui.presenters.figures import cost, duration, tokens
from holdfast.tui.presenters.run_log import STATUS, credits_text
from holdfast.tui.presenters.spans import BLANK, Line, line

if TYPE_CHECKING:
    from holdfast.core.domain.run_log import Happening, RunEntry, RunReport, StepReport
    from holdfast.core.domain.runs import Usage

MOST_LINES = 400
"""Lines of one text that are shown."""
PURPOSES = {"reply": "reply", "tool_choice": "tool choice", "tool_parameters": "parameters"}
OUTCOMES = {"ok": "success", "approved": "success", "answered": "success", "completed": "success"}
FAILED = ("error", "failed", "timeout", "denied")


def entry_lines(entry: RunEntry) -> list[Line]:
    """Returns what a row says, in words: also while the whole of it is being read."""
    mark, role = STATUS[entry.status]
    name = sanitize_line(entry.agent_name or entry.agent)
    lines = [
        line((name, "heading"), (f"  {mark} {entry.status.value}", role)),
        line(
            (f"{entry.started_at.astimezone():%Y-%m-%d %H:%M:%S}", ""),
            (f"  {sanitize_line(entry.model)}", "muted"),
        ),
    ]
    took = "goes on" if entry.response_ms is None else duration(entry.response_ms)
    lines.append(line(("response time  ", "muted"), (took, "strong"), (_phases(entry), "muted")))
    lines.append(line(("used  ", "muted"), *_used(entry.usage, entry.credits)))
    if entry.key:
        lines.append(line(("key  ", "muted"), sanitize_line(entry.key_name) or entry.key[:8]))
    if entry.below:
        lines.append(line(("sub-agents  ", "muted"), f"{entry.below} runs below it"))
    if not entry.session:
        lines.append(line(("its session is deleted", "muted")))
    return lines


def _phases(entry: RunEntry) -> str:
    phases = [
        ("model", entry.model_ms),
        ("tool choice", entry.choice_ms),
        ("parameters", entry.parameters_ms),
        ("tools", entry.tool_ms),
    ]
    said = [f"{name} {duration(ms)}" for name, ms in phases if ms]
    return f"   {' · '.join(said)}" if said else ""


def _used(usage: Usage, credits: float) -> list[tuple[str, str]]:
    said = f"{tokens(usage.input_tokens)} in, {tokens(usage.output_tokens)} out"
    money = cost(usage.cost_usd, usage.unpriced)
    charged = f" · {credits_text(credits)} credits" if credits else ""
    return [(said, ""), (f" · {money}{charged}", "strong" if credits else "")]


def report_lines(report: RunReport | None, entry: RunEntry | None) -> list[Line]:
    """Returns all that is known of the run under the cursor."""
    if entry is None:
        return []
    lines = entry_lines(entry)
    if report is None:
        return [*lines, BLANK, line(("Reading it …", "muted"))]
    if report.waited_ms >= 1:
        lines.append(line(("waited for a person  ", "muted"), duration(report.waited_ms)))
    if report.error is not None:
        lines.append(line((f"✗ {sanitize_line(report.error.message or report.error.code)}", "error")))
    if not entry.logged:
        lines += [BLANK, line(("Nothing of what was said is kept: its agent is not logged.", "muted"))]
    else:
        for said in report.history:
            lines += _text(f"Before: {said.role}", said.text)
        lines += _text("Prompt", report.prompt)
        lines += _text("Response", report.response or "(none)")
    if report.way:
        lines += [BLANK, line(("What it took", "heading"))]
        begun = report.way[1:] if report.way[0].kind == "message" else report.way  # the prompt says it
        lines += [_happened(each) for each in begun]
    return lines


def _text(title: str, text: str) -> list[Line]:
    lines = sanitize(text).split("\n")
    left = len(lines) - MOST_LINES
    more = [line((f"… {left} more lines; the session has them", "muted"))] if left > 0 else []
    return [BLANK, line((title, "heading")), *(line(each) for each in lines[:MOST_LINES]), *more]


def _happened(each: Happening) -> Line:
    title, note, role = said_of(each)
    took = took_of(each)
    figures = f"  {duration(took)}" if took is not None else ""
    if each.kind == "step":
        figures += _step(each)
    return line(("  ", "indent"), (title, ""), (f"  {note}" if note else "", role), (figures, "muted"))


def _step(step: StepReport) -> str:
    first = f", first token {duration(step.first_token_ms)}" if step.first_token_ms is not None else ""
    used = step.usage
    counts = f"  {tokens(used.input_tokens)}→{tokens(used.output_tokens)}" if used.input_tokens else ""
    charged = f"  {credits_text(step.credits)} cr" if step.credits else ""
    return f"{first}{counts}{charged}"


def took_of(each: Happening) -> float | None:
    """Returns how many milliseconds it took, where that is known."""
    match each.kind:
        case "step":
            return each.total_ms
        case "tool":
            return each.duration_ms or None
        case "approval" | "question":
            return each.waited_ms
        case "child" | "note":
            return each.duration_ms
        case _:
            return None


def said_of(each: Happening) -> tuple[str, str, str]:
    """Returns what something on the way of a run is called, what became of it, and the role of that."""
    match each.kind:
        case "message":
            return f"✉ {_short(each.text)}", "" if each.origin == "send" else each.origin, "muted"
        case "step":
            chosen = ", ".join(map(sanitize_line, each.chosen))
            note = chosen or ("" if each.reason in ("stop", "tool_calls") else sanitize_line(each.reason))
            purpose = PURPOSES[each.purpose]
            return f"◇ step {each.step} {purpose} · {sanitize_line(each.model)}", note, "muted"
        case "model":
            return f"◇ beside it · {sanitize_line(each.model)}", "", "muted"
        case "tool":
            return f"⚒ {sanitize_line(each.name)}", each.outcome or "goes on", _role(each.outcome)
        case "approval" | "question":
            sign = "⚠ approval" if each.kind == "approval" else "? question"
            said = f" {_short(each.text)}" if each.text else ""
            return sign + said, each.outcome or "waits", _role(each.outcome) if each.outcome else "warning"
        case "child":
            said = f": {_short(each.task)}" if each.task else ""
            status = each.status or "goes on"
            behind = ", in the background" if each.background else ""
            return f"⑂ {sanitize_line(each.agent)}{said}", status + behind, _role(status)
        case "note":
            return f"· {_short(each.text)}" if each.text else "·", "", "muted"


def _role(outcome: str) -> str:
    return OUTCOMES.get(outcome, "error" if outcome in FAILED else "muted")


def _short(text: str) -> str:
    return shorten(sanitize_line(text).strip(), 200)


def happening_lines(each: Happening) -> list[Line]:
    """Returns all that is known of one thing on the way of a run."""
    title, note, role = said_of(each)
    lines = [
        line((title, "heading"), (f"  {note}" if note else "", role)),
        line((f"{each.at.astimezone():%Y-%m-%d %H:%M:%S}", "muted")),
    ]
    took = took_of(each)
    if took is not None:
        lines.append(line(("took  ", "muted"), duration(took)))
    if each.kind == "step":
        if each.first_token_ms is not None:
            lines.append(line(("to the first token  ", "muted"), duration(each.first_token_ms)))
        lines.append(line(("used  ", "muted"), *_used(each.usage, each.credits)))
        return lines + (_text("Said", each.text) if each.text else [])
    if each.kind == "model":
        return [*lines, line(("used  ", "muted"), *_used(each.usage, each.credits))]
    if each.kind == "tool" and each.arguments:
        return lines + _text("Arguments", json.dumps(each.arguments, indent=2, ensure_ascii=False))
    if each.kind == "child":
        return lines + (_text("Task", each.task) if each.task else [])
    if each.kind in ("message", "approval", "question", "note") and each.text:
        return lines + _text("Text", each.text)
    return lines
