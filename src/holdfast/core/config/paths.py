"""Where Holdfast keeps things. This module imports nothing heavy: it is read before the first paint."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MAX_SOCKET_PATH = 107
"""Longest path, in bytes, that a unix socket can have on Linux (`sun_path` is 108 with its NUL)."""


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders of one home. `HOLDFAST_HOME` puts all of them under one."""

    config: Path
    data: Path
    cache: Path
    logs: Path
    runtime: Path

    @classmethod
    def resolve(cls, environment: Mapping[str, str]) -> Paths:
        """Returns the folders that `environment` asks for; makes none of them."""
        home = environment.get("HOLDFAST_HOME")
        if home:
            root = Path(home).expanduser().absolute()
            return cls(root / "config", root / "data", root / "cache", root / "logs", root)
        import platformdirs  # not needed when a home is named

        dirs = platformdirs.PlatformDirs("holdfast", appauthor=False)
        data = Path(dirs.user_data_dir)
        return cls(Path(dirs.user_config_dir), data, Path(dirs.user_cache_dir), Path(dirs.user_log_dir), data)

    @property
    def database(self) -> Path:
        return self.data / "holdfast.db"

    @property
    def blobs(self) -> Path:
        return self.data / "blobs"

    @property
    def knowledge(self) -> Path:
        """Holds the index of documents: its database, and Chroma's folder."""
        return self.data / "knowledge"

    @property
    def workspaces(self) -> Path:
        """Holds one folder for each session whose workspace is `session`."""
        return self.data / "workspaces"

    @property
    def lock(self) -> Path:
        """Held by the running engine; names its pid and socket."""
        return self.data / "engine.lock"

    @property
    def engine_log(self) -> Path:
        return self.logs / "engine.log"

    @property
    def settings(self) -> Path:
        return self.config / "settings.yaml"

    @property
    def policy(self) -> Path:
        """The user's own rules; `always` adds to them."""
        return self.config / "policy.yaml"

    @property
    def trust(self) -> Path:
        return self.config / "trust.yaml"

    @property
    def keys(self) -> Path:
        """Provider keys where there is no keyring; mode 0600."""
        return self.config / "keys.yaml"

    @property
    def addresses(self) -> Path:
        """Addresses of model providers that are not at their maker's own; mode 0600."""
        return self.config / "addresses.yaml"

    @property
    def webhook_secrets(self) -> Path:
        """Secrets of webhooks where there is no keyring; mode 0600."""
        return self.config / "webhooks.yaml"

    @property
    def tool_secrets(self) -> Path:
        """Secrets of users' own tools where there is no keyring; mode 0600."""
        return self.config / "tools.yaml"

    @property
    def mcp_secrets(self) -> Path:
        """Secrets of MCP servers where there is no keyring; mode 0600."""
        return self.config / "mcp-secrets.yaml"

    @property
    def logins(self) -> Path:
        """At which engines elsewhere one has signed in, without the secrets; mode 0600."""
        return self.config / "logins.json"

    @property
    def login_secrets(self) -> Path:
        """Secrets of these logins where there is no keyring; mode 0600."""
        return self.config / "login-secrets.yaml"

    @property
    def own_models(self) -> Path:
        """Models of one's own, without their keys; mode 0600."""
        return self.config / "own-models.json"

    def own_models_of(self, user_id: str) -> Path:
        """Models that a user alone has, without their keys; mode 0600."""
        return self.user_folder(user_id) / "own-models.json"

    @property
    def objects(self) -> Path:
        """Contents of objects, where no other place is named."""
        return self.data / "objects"

    @property
    def model_secrets(self) -> Path:
        """Keys of models of one's own where there is no keyring; mode 0600."""
        return self.config / "model-secrets.yaml"

    def user_mcp(self, user_id: str) -> Path:
        """The MCP servers of a user."""
        return self.config / "mcp.yaml" if user_id == "local" else self.user_folder(user_id) / "mcp.yaml"

    def user_hooks(self, user_id: str) -> Path:
        """The hooks of all runs of a user."""
        return self.config / "hooks.yaml" if user_id == "local" else self.user_folder(user_id) / "hooks.yaml"

    @property
    def agents(self) -> Path:
        return self.config / "agents"

    def user_folder(self, user_id: str) -> Path:
        """Where a user other than the local one has agents and policy. An id has no separators."""
        if "/" in user_id or user_id in ("", ".", ".."):
            raise ValueError(f"{user_id!r} is no user's id")
        return self.config / "users" / user_id

    def user_agents(self, user_id: str) -> Path:
        """The agents of a user."""
        return self.agents if user_id == "local" else self.user_folder(user_id) / "agents"

    def user_skills(self, user_id: str) -> Path:
        """The skills of a user."""
        return self.config / "skills" if user_id == "local" else self.user_folder(user_id) / "skills"

    @property
    def shared_skills(self) -> Path:
        """The skills that administrators give to all users."""
        return self.config / "shared-skills"

    def user_prompts(self, user_id: str) -> Path:
        """The prompts of a user that stand in files."""
        return self.config / "prompts" if user_id == "local" else self.user_folder(user_id) / "prompts"

    @property
    def removed_skills(self) -> Path:
        """Holds the folders of skills that are in the trash."""
        return self.data / "trash" / "skills"

    def user_policy(self, user_id: str) -> Path:
        """The rules of a user."""
        return self.policy if user_id == "local" else self.user_folder(user_id) / "policy.yaml"

    def user_project(self, user_id: str) -> Path:
        """The project folder of sessions that name none."""
        return self.data / "projects" / self.user_folder(user_id).name

    @property
    def themes(self) -> Path:
        return self.config / "themes"

    @property
    def ui_state(self) -> Path:
        """What the terminal app remembers: theme, last session, sizes."""
        return self.data / "tui.json"

    def page_state(self, user_id: str) -> Path:
        """What it remembers of a user in browsers."""
        return self.data / "web" / f"{self.user_folder(user_id).name}.json"

    @property
    def socket(self) -> Path:
        """The engine's socket: in the home when its path fits, else in a 0700 run-time folder."""
        here = self.runtime / "engine.sock"
        if len(os.fsencode(here)) <= MAX_SOCKET_PATH:
            return here
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        base = os.environ.get("XDG_RUNTIME_DIR") or f"{tempfile.gettempdir()}/holdfast-{os.getuid()}"
        return Path(base) / f"holdfast-{digest}" / "engine.sock"

    def make(self) -> None:
        """Makes the folders, readable by the user alone. Raises `OSError` when that is not possible."""
        for folder in (self.config, self.data, self.cache, self.logs, self.socket.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def shipped(kind: str) -> Path:
    """Returns the folder of shipped `agents` or `themes`: inside the wheel, or beside `src` in a checkout."""
    package = Path(__file__).parents[2]
    inside = package / "shipped" / kind
    return inside if inside.is_dir() else package.parents[1] / kind
