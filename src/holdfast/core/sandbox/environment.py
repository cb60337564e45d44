"""The environment of child processes: a few names that programs need, and nothing that could be a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping

_ALLOWED = frozenset(
    {
        "COLORTERM",
        "CONDA_PREFIX",
        "EDITOR",
        "GOPATH",
        "HOME",
        "JAVA_HOME",
        "LANG",
        "LANGUAGE",
        "LOGNAME",
        "PATH",
        "REQUESTS_CA_BUNDLE",
        "SHELL",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TEMP",
        "TERM",
        "TMP",
        "TMPDIR",
        "TZ",
        "USER",
        "VIRTUAL_ENV",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
    }
)
_ALLOWED_PREFIX = "LC_"
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH|COOKIE|PRIVATE", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"\b(?:sk|pk|rk|ghp|gho|ghs|ghu|github_pat|glpat|hf|xox[abpr]|AKIA|ASIA|AIza)[-_A-Za-z0-9]{12,}"
    r"|-----BEGIN "
    r"|://[^/\s@]+@"  # a password inside an address
)


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Returns what of `environ` a child process may see.

    Only names on a short list are kept, and of those none whose name or value looks like a secret.
    Programs are told not to open a pager, which nobody could leave.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if (name in _ALLOWED or name.startswith(_ALLOWED_PREFIX))
        and not _SECRET_NAME.search(name)
        and not _SECRET_VALUE.search(value)
    }
    return {**kept, "PAGER": "cat", "GIT_PAGER": "cat", "GIT_TERMINAL_PROMPT": "0"}
