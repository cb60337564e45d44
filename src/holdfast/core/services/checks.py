"""Checks that need no engine: the home, its permissions and its database."""

from __future__ import annotations

import os
import sqlite3
import stat

from holdfast.core.config.paths import Paths
from holdfast.core.domain.confinement import Guard, Protection
from holdfast.core.domain.status import CheckResult, CheckState
from holdfast.core.store.migrations import VERSION

_PRIVATE = ("config", "data", "logs")


def check_home(paths: Paths, *, repair: bool) -> list[CheckResult]:
    """Returns what is wrong with the home; makes folders and tightens permissions when told to repair."""
    results = [*_check_folders(paths, repair=repair), *_check_files(paths, repair=repair)]
    results.append(_check_database(paths))
    return results


def check_sandbox(found: Protection) -> CheckResult:
    """Returns how programs of agents are confined, as a check."""
    network = "" if found.network == "allow" else ", without the network"
    match found.guard:
        case Guard.BUBBLEWRAP:
            message = f"Programs of agents are confined by bubblewrap{network}."
        case Guard.LANDLOCK:
            message = f"Programs of agents are confined by Landlock{network}. {found.reason}"
        case Guard.LIMITS if found.refuses:
            message = f"Programs of agents cannot be confined, and so none is run. {found.reason}"
        case Guard.LIMITS:
            message = f"Programs of agents are not confined: they can do what you can. {found.reason}"
    state: CheckState = "error" if found.refuses else "warning" if found.guard is Guard.LIMITS else "ok"
    return CheckResult(
        name="sandbox", state=state, message=message, hint=f"{found.hint}." if found.hint else ""
    )


def _check_folders(paths: Paths, *, repair: bool) -> list[CheckResult]:
    try:
        paths.make()
    except OSError as error:
        return [
            CheckResult(
                name="home",
                state="error",
                message=f"{error.filename} cannot be made: {error.strerror}.",
                hint="Set HOLDFAST_HOME to a folder that you may write to.",
            )
        ]
    unwritable = [str(p) for p in (paths.config, paths.data, paths.logs) if not os.access(p, os.W_OK)]
    if unwritable:
        return [
            CheckResult(
                name="home",
                state="error",
                message=f"Not writable: {', '.join(unwritable)}.",
                hint="Change the permissions, or set HOLDFAST_HOME to another folder.",
            )
        ]
    open_to_others = [p for p in (getattr(paths, name) for name in _PRIVATE) if p.stat().st_mode & 0o077]
    if open_to_others and repair:
        for folder in open_to_others:
            folder.chmod(0o700)
    if open_to_others:
        return [
            CheckResult(
                name="home",
                state="repaired" if repair else "warning",
                message=f"Readable by others: {', '.join(map(str, open_to_others))}.",
                hint="" if repair else "`holdfast doctor --repair` makes them private.",
            )
        ]
    return [CheckResult(name="home", state="ok", message=f"{paths.data} is private and writable.")]


def _check_files(paths: Paths, *, repair: bool) -> list[CheckResult]:
    results = []
    secrets = (
        paths.keys, paths.webhook_secrets, paths.tool_secrets, paths.mcp_secrets, paths.model_secrets,
        paths.login_secrets,
    )  # fmt: skip
    own_models = (paths.own_models, *paths.config.glob("users/*/own-models.json"))
    for path in (paths.database, *secrets, *own_models, paths.policy):
        if not path.exists() or not stat.S_IMODE(path.stat().st_mode) & 0o077:
            continue
        if repair:
            path.chmod(0o600)
        results.append(
            CheckResult(
                name=path.name,
                state="repaired" if repair else "warning",
                message=f"{path} could be read by others.",
                hint="" if repair else "`holdfast doctor --repair` makes it private.",
            )
        )
    return results


def _check_database(paths: Paths) -> CheckResult:
    if not paths.database.exists():
        return CheckResult(name="database", state="ok", message="There is none yet.")
    try:
        db = sqlite3.connect(f"file:{paths.database}?mode=ro", uri=True, timeout=5)
        try:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            integrity = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            db.close()
    except sqlite3.Error as error:
        return CheckResult(name="database", state="error", message=f"{paths.database}: {error}.")
    if version > VERSION:
        return CheckResult(
            name="database",
            state="error",
            message=f"It was written by a newer Holdfast (version {version}, this one knows {VERSION}).",
            hint="Start the newer Holdfast, or set HOLDFAST_HOME to another folder.",
        )
    if integrity != "ok":
        return CheckResult(name="database", state="error", message=f"It is damaged: {integrity}.")
    return CheckResult(name="database", state="ok", message=f"Version {version}, intact.")
