"""Settings: defaults < user file < project file < environment < flags."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from holdfast.core.domain.accounts import AccountMode
from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.buckets import bucket_of
from holdfast.core.domain.confinement import NetworkUse
from holdfast.core.domain.databases import CONNECTION, POSTGRES_URL, without_password
from holdfast.core.domain.knowledge import DEFAULT_EMBEDDING
from holdfast.core.domain.limits import PRICED, rates, tier_of
from holdfast.core.domain.modes import AutoLimits
from holdfast.core.domain.upstream import UpstreamProvider

PROJECT_SETTINGS = Path(".holdfast", "settings.yaml")
"""A project's own settings file; it may set a few things only."""
_TIER_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")

ConnectionName = Annotated[str, Field(pattern=CONNECTION)]
PostgresUrl = Annotated[str, Field(pattern=POSTGRES_URL, max_length=2_000), AfterValidator(without_password)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EngineSettings(_Section):
    """The background process."""

    idle_stop_s: float = Field(default=900, ge=0)
    """Seconds without client, run and job after which the engine stops; 0: never."""


class ServerSettings(_Section):
    """The HTTP API, and the listeners on TCP that `holdfast serve` opens."""

    requests_per_s: float = Field(default=50, ge=0)
    """Requests a second that one key may make for long; 0: no limit."""
    burst: int = Field(default=200, ge=1)
    """Requests that one key may make at once."""
    max_connections: int = Field(default=1000, ge=1, le=100_000)
    """Open connections of a listener; more are answered 503."""
    max_upload_mb: int = Field(default=100, ge=1, le=4096)
    """Largest file that is taken in, in MiB."""


class ModelsSettings(_Section):
    """Which models are used when an agent names none."""

    default: str | None = None
    """The model of agents that name none."""
    ollama_url: str = "http://127.0.0.1:11434"
    """Where a running Ollama is looked for."""
    retries: int = Field(default=4, ge=0, le=10)
    """Attempts after the first one, on 429, 5xx and lost connections."""
    names: dict[str, str] = Field(default_factory=dict, max_length=1_000)
    """Models by the names that agents' scripts call them by, as `gpt-4: openai/gpt-5-mini`. What a script's
    agent says of them goes before."""


class ToolsSettings(_Section):
    """What built-in tools may do."""

    command_timeout_s: float = Field(default=120, gt=0)
    """Seconds after which `run_command`, `run_python` and `run_javascript` are ended, unless the call says
    otherwise."""
    allow_private_hosts: bool = False
    """Whether tools that use the web may reach loopback and private addresses."""
    postgres: dict[ConnectionName, PostgresUrl] = Field(default_factory=dict, max_length=100)
    """Databases of PostgreSQL that agents may name: `NAME: postgresql://ROLE@HOST/DATABASE`. The password is
    none of the address: `holdfast keys provider set postgres-NAME --no-test` keeps it."""


class SandboxSettings(_Section):
    """How programs that agents run are confined."""

    mode: Literal["auto", "off", "require"] = "auto"
    """`auto`: by bubblewrap or Landlock, where a trial shows that one of them works; `require`: nothing runs
    where neither does; `off`: programs can do what you can."""
    network: NetworkUse = "allow"
    """Whether commands that are let run reach the network; with Landlock `deny` stops TCP only."""
    writable: tuple[str, ...] = Field(default=(), max_length=100)
    """Paths outside the workspace that programs may change, such as `~/.cache/pip` or `/dev/dri`."""
    readable: tuple[str, ...] = Field(default=(), max_length=100)
    """Paths that programs may read though they are hidden by default, such as `~/.npmrc`."""
    hidden: tuple[str, ...] = Field(default=(), max_length=100)
    """More paths that programs are not to see, beside keys, browsers' profiles and shells' histories."""
    unconfined_scripts: bool = False
    """Whether agents' scripts run where nothing confines programs; those of other users never do."""

    @field_validator("writable", "readable", "hidden")
    @classmethod
    def _whole_paths(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        for path in paths:
            if not path.startswith(("/", "~/")) or "\0" in path or path.strip("/") == "":
                raise ValueError(f"{path!r} is no whole path: begin it with / or ~/")
        return paths


class WebSearchSettings(_Section):
    """Where `web_search` looks. Without a provider it says how to set one up."""

    provider: Literal["searxng", "tavily", "brave"] | None = None
    """Who is asked. Tavily and Brave need a key: `holdfast keys provider set tavily --no-test`."""
    url: str | None = Field(default=None, pattern=r"^https?://[^\s@?#]+$")
    """Address of the SearXNG server, such as `http://127.0.0.1:8888`, which has to give JSON; for the others
    another address than their makers'. It may be of a private network."""


class BucketsSettings(_Section):
    """Storage outside of the workspace that agents may use."""

    places: dict[str, str] = Field(default_factory=dict, max_length=100)
    """Buckets by the names that agents call them by: `reports: s3://BUCKET/PREFIX`, or a folder's whole path.
    Behind it may stand `region=NAME`, `endpoint=URL`, `write` (it may be changed) and `shared` (other users
    of the engine may use it too)."""

    @field_validator("places")
    @classmethod
    def _places(cls, places: dict[str, str]) -> dict[str, str]:
        for name, text in places.items():
            bucket_of(name, text)
        return places


class ImagesSettings(_Section):
    """What makes images. Without a model `generate_image` says how to set one up."""

    model: str | None = None
    """The model that `generate_image` uses, such as `openai/gpt-image-1`; its provider needs a key."""


class KnowledgeSettings(_Section):
    """Collections of documents."""

    chroma_url: str | None = Field(default=None, pattern=r"^https?://[^\s@?#]+$")
    """Address of a Chroma server or cluster that keeps the vectors; omitted: a folder of the home."""
    embedding_model: str = DEFAULT_EMBEDDING
    """The model of new collections: `wordllama`, which works offline, or an embedding model of a provider,
    such as `openai/text-embedding-3-small`."""
    max_file_mb: int = Field(default=100, ge=1, le=4096)
    """Largest document that is taken in, in MiB."""
    parse_timeout_s: float = Field(default=120, gt=0)
    """Seconds that reading one document may take."""


class TelemetrySettings(_Section):
    """Traces of runs, sent to an OpenTelemetry collector. Without an address nothing is sent anywhere."""

    otlp_endpoint: str | None = Field(default=None, pattern=r"^https?://[^\s@?#]+$")
    """Address of a collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`; `/v1/traces` is
    put behind it. Omitted: that of `OTEL_EXPORTER_OTLP_ENDPOINT`, if it is set. Keys for it stand in
    `OTEL_EXPORTER_OTLP_HEADERS`."""
    contents: bool = False
    """Whether traces hold what people, models and tools said."""
    jaeger_url: str = Field(default="http://127.0.0.1:30051/jaeger", pattern=r"^https?://[^\s@?#]+$")
    """Where people look at traces: Sage's API sends administrators' browsers there."""


class ReleasesSettings(_Section):
    """Releases of the program that people use with this engine, for its updater."""

    repository: str = Field(default="", pattern=r"^([A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100})?$")
    """The repository on GitHub, as OWNER/NAME, whose newest release is taken over; empty: none."""
    github_url: str = Field(default="https://api.github.com", pattern=r"^https?://[^\s@?#]+$")
    """Address of GitHub's API, or of an own server that has it."""


class ObjectsSettings(_Section):
    """Files that are kept to be fetched by their address alone."""

    url: str = Field(default="", pattern=r"^([a-z][a-z0-9+.-]*://[^\s@?#]+)?$", max_length=2_000)
    """Where they are kept: `s3://BUCKET/PREFIX`, which needs `pip install 'holdfast[s3]'`, or another place
    that fsspec knows; empty: a folder of the engine's. The key to it, as ID:SECRET:
    `holdfast keys provider set objects --no-test`."""
    endpoint: str = Field(default="", pattern=r"^(https?://[^\s@?#/]+/?)?$")
    """Address of an S3-compatible server; empty: Amazon's."""
    region: str = Field(default="", pattern=r"^[a-z0-9-]{0,40}$")
    """Region of the S3 server."""
    max_mb: int = Field(default=1024, ge=1, le=10_000_000)
    """All objects of one user together, in MiB; `server.max_upload_mb` is the largest one."""


class LimitsSettings(_Section):
    """How often runs may be asked for, and what they are charged for."""

    tiers: dict[str, str] = Field(default_factory=dict, max_length=100)
    """Names of tiers, each with how many runs who has it may ask for: `free: 10/minute 500/day`."""
    default_tier: str | None = None
    """The tier of API keys that have none of their own; omitted: no limit."""
    credits_per_usd: float = Field(default=1000, ge=0, le=1e9)
    """Credits that a dollar's worth of a model is charged for, if `credit_prices` does not name the model."""
    credit_prices: dict[str, str] = Field(default_factory=dict, max_length=10_000)
    """What models are charged for in credits, a million tokens or a call:
    `openai/gpt-4o: 2500/input 10000/output 20/call`."""
    warn_at: float = Field(default=0.8, gt=0, le=1)
    """The part of a budget from which on it counts as nearly used."""
    credits: bool = False
    """Whether agents with a plan need credits: without any left they ask no model that costs some, and how
    many a user owns says how often he may ask for a run of one."""
    starting_credits: float = Field(default=2500, ge=0, le=1e12)
    """Credits that a user has who was given none yet."""
    regions: tuple[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")], ...] = Field(
        default=("us-east-1", "us-west-1", "eu-west-1", "eu-central-1", "ap-southeast-1"),
        min_length=1,
        max_length=100,
    )
    """Where agents on the plan `dedicated` can be. The first stands in for one that is no more."""

    @field_validator("tiers")
    @classmethod
    def _tiers(cls, tiers: dict[str, str]) -> dict[str, str]:
        for name, text in tiers.items():
            if not _TIER_NAME.fullmatch(name):
                raise ValueError(f"{name[:40]!r} is no name of a tier: a-z, 0-9, '_' and '-', at most 32")
            tier_of(name, text)
        return tiers

    @field_validator("default_tier")
    @classmethod
    def _named(cls, name: str | None, info: ValidationInfo) -> str | None:
        if name is not None and name not in info.data.get("tiers", {name: ""}):
            raise ValueError(f"{name[:40]!r} is none of `limits.tiers`")
        return name

    @field_validator("credit_prices")
    @classmethod
    def _prices(cls, prices: dict[str, str]) -> dict[str, str]:
        for text in prices.values():
            rates(text, PRICED)
        return prices


class AccountSettings(_Section):
    """How people sign in who have no key."""

    mode: AccountMode = AccountMode.NATIVE
    """Who says who a person is: `native`: Holdfast, by passwords; `trusted_proxy`: a proxy before the engine,
    and passwords are administrators' only; `oauth`: another server, and nobody has a password."""
    registration: bool = False
    """Whether people may make accounts themselves, with the mode `native`."""
    trusted_proxies: tuple[str, ...] = Field(default=(), max_length=100)
    """Addresses or networks of the proxies that say who a person is, with the mode `trusted_proxy`."""
    public_url: str | None = Field(default=None, pattern=r"^https?://[^\s@?#]+$")
    """Address under which people reach the engine, such as `https://holdfast.example.org`; omitted: the one
    that a request is sent to."""
    smtp_host: str = ""
    """The server that takes mail; empty: none, and mails stay in the outbox. Its password is kept by
    `holdfast keys provider set smtp --no-test`."""
    smtp_port: int = Field(default=587, ge=1, le=65_535)
    """Its port: 587 with `starttls`, 465 with `tls`."""
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """How it is encrypted: from the start (`tls`), or after it (`starttls`)."""
    smtp_user: str = ""
    """Who signs in there; empty: nobody does."""
    mail_from: str = ""
    """The sender of mails; empty: `smtp_user`."""
    providers: tuple[UpstreamProvider, ...] = Field(default=(), max_length=20)
    """The servers at which people sign in, with the mode `oauth`; the first one is the usual one."""

    @field_validator("providers")
    @classmethod
    def _told_apart(cls, providers: tuple[UpstreamProvider, ...]) -> tuple[UpstreamProvider, ...]:
        if len({each.id for each in providers}) < len(providers):
            raise ValueError("each provider needs an `id` of its own")
        return providers

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                ip_network(proxy, strict=False)
            except ValueError:
                raise ValueError(
                    f"{proxy[:60]!r} is no IP address and no network, such as 10.0.0.0/8"
                ) from None
        return proxies


class TuiSettings(_Section):
    """The terminal app."""

    theme: str | None = None
    """Name of the theme; `auto`: `theme_dark` or `theme_light`, as the terminal's background is; omitted:
    the one that was chosen last."""
    theme_dark: str = "holdfast-dark"
    """The theme that `auto` shows on a dark background."""
    theme_light: str = "holdfast-light"
    """The theme that `auto` shows on a light background."""
    keys: dict[str, str] = Field(default_factory=dict, max_length=1000)
    """Other keys for actions: the action's id, as `holdfast settings keys` lists them, and its keys between
    commas, such as `sessions.new: ctrl+t`; `""`: no key."""
    key_guard_s: float = Field(default=0.5, ge=0, le=5)
    """Seconds for which the keys of a new approval do nothing, so that typing does not decide it."""
    copy_on_select: bool = True
    """Whether text that is selected with the mouse is copied when the button is let go."""
    diff: Literal["auto", "side_by_side", "unified"] = "auto"
    """How changes are shown: `auto` puts old and new side by side where it is wide enough."""
    images: Literal["auto", "kitty", "sixel", "blocks"] = "auto"
    """How the preview of an image is drawn: by the terminal's graphics, or in half blocks. `auto` decides by
    what the environment says of the terminal."""
    notifications: Literal["auto", "off", "bell", "osc9", "osc777", "osc99"] = "auto"
    """How the terminal tells you that a run needs you or has ended while you look elsewhere: its bell, or a
    notification of the desktop by one of three escape sequences; `auto`: by the one that the terminal is
    known to understand, else its bell."""
    notify_after_s: float = Field(default=10, ge=0)
    """Seconds that a run must have taken for its end to be told; that a run needs you is always told."""
    title: bool = True
    """Whether the title of the terminal's window says which session is open and whether it needs you."""
    mouse: bool = True
    """Whether the app takes the mouse at its start; a key gives it to the terminal, and back."""
    reduced_motion: bool = False
    """Whether nothing moves by itself: no animations, no smooth scrolling, no blinking cursor."""
    screen_reader: bool = False
    """Whether `holdfast` without a command opens the plain chat, line by line, instead of the app."""


class DialectsSettings(_Section):
    """How the APIs of other systems answer."""

    h2ogpte_full_last_record: bool = False
    """Whether the last record of a streamed completion of h2oGPTe's API repeats the whole reply, as the
    vendor's server does; else it only goes on, so that all records together are the reply."""


class GenLabsSettings(_Section):
    """What GenLabs' API does beside what it always does."""

    alpha: bool = False
    """Whether alpha features are on: agents on the plan `dedicated` take images."""


class SageSettings(_Section):
    """What Sage's API does beside what it always does."""

    anonymous: bool = False
    """Whether `/api/chat` and `/api/stream` are for anybody, without a login: all who show none are one user,
    `default_user`, and see what is said in each other's sessions where they know their ids."""


class Settings(_Section):
    """All settings."""

    default_agent: str = "general"
    """The agent of a new session."""
    approve: ApproveMode = ApproveMode.ASK
    """How much runs of the terminal app may do without asking."""
    trash_days: int = Field(default=30, ge=1, le=3650)
    """Days that what was deleted stays in the trash; then the engine deletes it for good."""
    auto: AutoLimits = AutoLimits()
    """How far the mode `auto` goes before it asks again, when it is switched on without other limits."""
    engine: EngineSettings = EngineSettings()
    server: ServerSettings = ServerSettings()
    models: ModelsSettings = ModelsSettings()
    tools: ToolsSettings = ToolsSettings()
    dialects: DialectsSettings = DialectsSettings()
    genlabs: GenLabsSettings = GenLabsSettings()
    sage: SageSettings = SageSettings()
    sandbox: SandboxSettings = SandboxSettings()
    web_search: WebSearchSettings = WebSearchSettings()
    images: ImagesSettings = ImagesSettings()
    buckets: BucketsSettings = BucketsSettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    releases: ReleasesSettings = ReleasesSettings()
    objects: ObjectsSettings = ObjectsSettings()
    limits: LimitsSettings = LimitsSettings()
    accounts: AccountSettings = AccountSettings()
    tui: TuiSettings = TuiSettings()
