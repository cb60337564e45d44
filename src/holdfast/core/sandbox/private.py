"""What programs are not to see of a person's home, unless the person says otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_KEYS = (
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".boto",
    ".config/gcloud",
    ".config/doctl",
    ".config/op",
    ".config/gh",
    ".config/hub",
    ".config/glab-cli",
    ".config/rclone",
    ".config/git/credentials",
    ".config/containers/auth.json",
    ".kube",
    ".docker",
    ".colima",
    ".rd",
    ".netrc",
    ".git-credentials",
    ".npmrc",
    ".yarnrc.yml",
    ".pypirc",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".gem/credentials",
    ".m2/settings.xml",
    ".gradle/gradle.properties",
    ".terraform.d/credentials.tfrc.json",
    ".vault-token",
    ".claude/.credentials.json",
    ".codex/auth.json",
    ".config/github-copilot",
    ".pgpass",
    ".my.cnf",
    ".s3cfg",
    ".cache/huggingface/token",
    ".password-store",
    ".local/share/keyrings",
    ".local/share/kwalletd",
    ".1password/agent.sock",
    ".bitwarden-ssh-agent.sock",
    "Library/Keychains",
)
_PROFILES = (
    ".mozilla",
    ".thunderbird",
    ".config/google-chrome",
    ".config/chromium",
    ".config/BraveSoftware",
    ".config/microsoft-edge",
    ".config/vivaldi",
    ".config/opera",
    ".cache/mozilla",
    ".cache/google-chrome",
    ".cache/chromium",
    ".var/app",
    "snap/firefox",
    "snap/chromium",
)
_HISTORIES = (
    ".bash_history",
    ".zsh_history",
    ".histfile",
    ".local/share/fish/fish_history",
    ".python_history",
    ".ipython/profile_default/history.sqlite",
    ".node_repl_history",
    ".psql_history",
    ".mysql_history",
    ".sqlite_history",
    ".rediscli_history",
    ".lesshst",
    ".viminfo",
)


def private_paths(home: Path) -> Iterator[Path]:
    """Yields where keys, browsers' profiles and shells' histories are in a home; not all of them exist."""
    for name in (*_KEYS, *_PROFILES, *_HISTORIES):
        yield home / name
