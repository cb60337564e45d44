"""What h2oGPTe's own Python client says beside the REST API: of the server, and on its WebSocket."""

from __future__ import annotations

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
