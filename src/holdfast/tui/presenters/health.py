"""The health screen as data: the engine, its workers and listeners, checks, and the providers of models."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.tui.keys import foot, shown
from holdfast.tui.presenters.figures import age, duration, size
from holdfast.tui.presenters.spans import BLANK, Line, line

if TYPE_CHECKING:
    from holdfast.core.domain.confinement import Protection
    from holdfast.core.domain.health import EngineHealth, ProcessHealth
    from holdfast.core.domain.providers import ProviderInfo
    from holdfast.core.domain.status import CheckResult, EngineStatus

STATES = {
    "ok": ("✓ ok      ", "success"),
    "warning": ("! warning ", "warning"),
    "error": ("✗ error   ", "error"),
    "repaired": ("✓ repaired", "accent"),
}
PROCESSES = {
    "engine": "engine",
    "models": "model worker",
    "knowledge": "knowledge worker",
    "local": "models in files",
}
NAME = 20


@dataclass(slots=True)
class HealthState:
    """What is known of the engine; None: not read yet."""

    status: EngineStatus | None = None
    health: EngineHealth | None = None
    checks: tuple[CheckResult, ...] | None = None
    checking: bool = False
    providers: tuple[ProviderInfo, ...] | None = None
    error: str = ""
    asked_ms: float = 0.0
    """How long the engine took to answer."""

    @property
    def repairable(self) -> bool:
        """Whether a check has found something."""
        return any(one.state in ("warning", "error") for one in self.checks or ())


def health_lines(state: HealthState, now: datetime, place: str = "") -> list[Line]:
    """Returns everything that is known, section by section."""
    lines = [line((state.error, "error")), BLANK] if state.error else []
    if state.status is None:
        return lines or [line(("Asking the engine…", "muted"))]
    lines += [*_engine(state, state.status, now, place), BLANK]
    if state.health is not None:
        lines += [*_processes(state.health), BLANK, *_files(state.health), BLANK]
    lines += [*_checks(state), BLANK, *_providers(state, now)]
    return lines


def _row(name: str, *rest: tuple[str, str] | str) -> Line:
    return line((f"  {name:<{NAME}}", "muted"), *rest)


def _below(*rest: tuple[str, str] | str) -> Line:
    return line((" " * (NAME + 2), "indent"), *rest)


def _engine(state: HealthState, status: EngineStatus, now: datetime, place: str) -> list[Line]:
    lines = [
        line(("Engine", "heading"), (f"  at {sanitize_line(place)}" if place else "", "muted")),
        _row("state", ("✓ ", "success"), f"answers in {duration(state.asked_ms)}"),
        _row("version", sanitize_line(status.version)),
        _row("runs for", _uptime(status.started_at, now), (f"  pid {status.pid}", "muted")),
        _row("busy with", f"{status.active_runs} runs, {status.active_jobs} jobs, {status.waiting} waiting"),
        _row("sessions", f"{status.sessions}"),
    ]
    if status.home:
        lines.append(_row("home", sanitize_line(status.home)))
    lines.append(_row("socket", sanitize_line(status.address) or "none: it lives inside the app"))
    for one in status.listeners:
        open_to = "" if one.auth else "  no key is asked for"
        plain = "" if one.tls else "  not encrypted"
        lines.append(_row("listens at", sanitize_line(one.url), (open_to + plain, "warning")))
    if not status.listeners:
        lines.append(_row("listens at", ("no address", "muted")))
    return [*lines, _sandbox(status.sandbox)]


def _sandbox(found: Protection | None) -> Line:
    """Says what keeps the programs of agents from everything else."""
    if found is None:
        return _row("programs are", ("confined by what a trial will show", "muted"))
    network = "" if found.network == "allow" else ", without the network"
    if found.guard == "limits":
        said = "not run: nothing confines them" if found.refuses else "not confined"
        return _row("programs are", ("! ", "warning"), said, (f"  {sanitize_line(found.reason)}", "muted"))
    name = {"bubblewrap": "bubblewrap", "landlock": "Landlock"}[found.guard]
    why = f"  {sanitize_line(found.reason)}" if found.reason else ""
    return _row("programs are", ("✓ ", "success"), f"confined by {name}{network}", (why, "muted"))


def _uptime(started: datetime, now: datetime) -> str:
    minutes = max(0, int((now - started).total_seconds() // 60))
    if minutes < 1:
        return "less than a minute"
    days, hours = minutes // 1440, minutes // 60 % 24
    parts = [f"{days} d" if days else "", f"{hours} h" if hours else "", f"{minutes % 60} min"]
    return " ".join(filter(None, parts))


def _processes(health: EngineHealth) -> list[Line]:
    return [line(("Processes", "heading")), *(_process(one) for one in health.processes)]


def _process(one: ProcessHealth) -> Line:
    name = PROCESSES[one.name]
    if one.pid is None:
        return _row(name, ("○ ", "muted"), ("not running; it starts when it is needed", "muted"))
    memory = f"{size(one.memory_bytes)} in memory" if one.memory_bytes is not None else "memory not known"
    return _row(name, ("✓ ", "success"), memory, (f"  pid {one.pid}", "muted"))


def _files(health: EngineHealth) -> list[Line]:
    lines = [
        line(("Files", "heading")),
        _row("database", size(health.database_bytes)),
        _row("index of documents", size(health.knowledge_bytes)),
        _row("kept contents", size(health.blobs_bytes)),
    ]
    if health.free_bytes is None:
        return lines
    low = health.free_bytes < 500_000_000
    return [*lines, _row("free on the disk", (size(health.free_bytes), "warning" if low else ""))]


def _checks(state: HealthState) -> list[Line]:
    lines = [line(("Checks", "heading"), ("  under way…" if state.checking else "", "accent"))]
    if state.checks is None:
        return lines if state.checking else [*lines, line("  ", (shown("health.refresh"), "key"), " checks")]
    for one in state.checks:
        lines.append(_row(sanitize_line(one.name), STATES[one.state], "  ", sanitize_line(one.message)))
        if one.hint and one.state in ("warning", "error"):
            lines.append(_below((sanitize_line(one.hint), "muted")))
    return lines


def _providers(state: HealthState, now: datetime) -> list[Line]:
    lines = [line(("Providers of models", "heading"))]
    if state.providers is None:
        return [*lines, line(("  Not read yet.", "muted"))]
    failures = {one.provider: one for one in state.health.failures} if state.health is not None else {}
    ready = [one for one in state.providers if one.key_from or one.served or one.name in failures]
    for one in ready:
        lines.append(_row(sanitize_line(one.title)[: NAME - 1], *_provider(one)))
        failure = failures.get(one.name)
        if failure is not None:
            text = shorten(sanitize_line(failure.message), 160)
            when = f"last failure {age(failure.at, now)} ago, {sanitize_line(failure.model)}: "
            lines.append(_below((when, "muted"), (text, "error")))
    without = [sanitize_line(one.title) for one in state.providers if one not in ready]
    if without:
        lines.append(_row("no key found", (", ".join(without), "muted")))
    return lines


def _provider(one: ProviderInfo) -> list[tuple[str, str] | str]:
    if one.served:
        count = "1 model" if len(one.served) == 1 else f"{len(one.served)} models"
        return [("✓ ", "success"), f"serves {count}", (f"  {sanitize_line(one.url)}", "muted")]
    if one.key_from:
        where = f"key from the {one.key_from}"
        return [
            ("✓ ", "success"),
            where,
            (f"  {one.variable}" if one.key_from == "environment" else "", "muted"),
        ]
    return [("○ ", "muted"), ("no key is found" if one.needs_key else "is not reached", "muted")]


def headline(state: HealthState) -> Line:
    """Returns the first line: how it is, all in all."""
    if state.error:
        return line(("Health", "brand"), ("  ✗ the engine does not answer", "error"))
    bad = [one for one in state.checks or () if one.state in ("error", "warning")]
    if bad:
        worst = "error" if any(one.state == "error" for one in bad) else "warning"
        count = "1 thing" if len(bad) == 1 else f"{len(bad)} things"
        return line(("Health", "brand"), (f"  ! {count} to look at", worst))
    if state.checks is None:
        return line(("Health", "brand"))
    return line(("Health", "brand"), ("  ✓ all is well", "success"))


def footer(state: HealthState, may_restart: bool) -> list[tuple[str, str, str]]:
    """Returns key, label and command of each key."""
    repair = [foot("health.repair")] if state.repairable else []
    restart = [foot("health.restart")] if may_restart else []
    return [
        foot("health.back"),
        foot("health.refresh"),
        *repair,
        *restart,
        foot("health.logs"),
        foot("health.help"),
    ]
