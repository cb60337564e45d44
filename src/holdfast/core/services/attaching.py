"""How programs that other programs keep open for days reach the engine.

An engine that nobody uses stops. So they attach for each request: that starts it when it does not run.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from holdfast.core.services.workbench import Workbench

Attach = Callable[[], AbstractAsyncContextManager[Workbench]]
"""Attaches to the engine, which is started when it does not run, and detaches at the end."""
