"""What h2oGPTe's own Python client says beside the REST API: of the server, and on its WebSocket."""

from __future__ import annotations

from typing import Any

from holdfast.server.dialects.h2ogpte.wire import Wire


class UiConfig(Wire):
    logo: str = ""
    chat_logo: str = ""
    primary_color: str = ""
    chat_name: str = "Holdfast"
    greeting: str = ""
    show_private_button: bool = False
    show_workers_status: bool = False
    show_live_logs: bool = False
    show_eval: bool = False
    show_extractors: bool = False
    public_mode: bool = False


class Meta(Wire):
    """Who asks, and what the server is. Clients want every field to be there."""

    version: str
    build: str
    username: str
    user_id: str
    subject: str
    email: str
    is_guest: bool = False
    license_expired: bool = False
    license_expiry_date: str = ""
    global_configs: tuple[str, ...] = ()
    user_configs: tuple[str, ...] = ()
    picture: str = ""
    groups: tuple[str, ...] = ()
    workspaces: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    ui_config: UiConfig = UiConfig()


class UploadQuery(Wire):
    id: str


class RemovedUpload(Wire):
    id: str


class Question(Wire):
    """A question on the socket (`cq`). What of it is JSON inside of text may be JSON itself, too."""

    t: str
    session_id: str = ""
    correlation_id: str = ""
    body: str = ""
    system_prompt: str | None = None
    pre_prompt_query: str | None = None
    prompt_query: str | None = None
    image_batch_image_prompt: str | None = None
    image_batch_final_prompt: str | None = None
    llm: str | int | None = None
    """A name, or a place in the list of models."""
    llm_args: str | dict[str, Any] | None = None
    rag_config: str | dict[str, Any] | None = None
    self_reflection_config: str | dict[str, Any] | None = None
    include_chat_history: str | bool | None = None
    tags: list[str] | dict[str, Any] | None = None
    metadata_filter: dict[str, Any] | None = None
