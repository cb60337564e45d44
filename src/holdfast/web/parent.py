"""An app ends with its server, also when that was killed and could end nothing."""

from __future__ import annotations

import os
import signal
import threading
import time

_LOOK_S = 1.0
_LEAVES_WITHIN_S = 3.0


def end_with_parent() -> None:
    """Watches this process's parent; when it is gone, ends this process: in good order, else by force."""
    threading.Thread(target=_watch, args=(os.getppid(),), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_LEAVES_WITHIN_S)
    os._exit(1)
