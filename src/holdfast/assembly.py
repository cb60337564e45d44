"""Makes the workbench of an engine: the only place, beside `bootstrap`, that constructs adapters.

Importing it costs nothing but the paths: every function imports what it needs when it is called.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.core.config.paths import Paths

if TYPE_CHECKING:
    from holdfast.core.config.settings import SandboxSettings, Settings
    from holdfast.core.config.settings_file import SettingsFile
    from holdfast.core.domain.processes import ProcessRunner
    from holdfast.core.domain.status import Listeners
    from holdfast.core.domain.traces import EventSource, SpanExporter, Tracing
    from holdfast.core.identity.key_file import KeyFile
    from holdfast.core.models.catalog import Catalog
    from holdfast.core.models.router import ModelRouter
    from holdfast.core.services.local import LocalWorkbench
    from holdfast.core.tools.buckets.desk import BucketDesk
    from holdfast.core.tools.builtin.generate_image import GenerateImage
    from holdfast.core.tools.postgres import Postgres
    from holdfast.core.tools.registry import ToolRegistry
    from holdfast.core.tools.web_searching import WebSearcher

URL, KEY, CA = "HOLDFAST_URL", "HOLDFAST_KEY", "HOLDFAST_CA"
"""Name an engine elsewhere, with a key to it and the certificates to trust: commands go there."""

_SCRIPTED = "HOLDFAST_SCRIPTED"
"""Set to 1, it lets `scripted/FILE` be a model: for tests and benchmarks of whole processes."""


def read_settings(where: Paths, environment: Mapping[str, str], project: Path | None = None) -> Settings:
    """Returns the settings; where nothing sets any, without loading pydantic-settings."""
    from holdfast.core.config.settings import Settings

    own = ("HOLDFAST_HOME", _SCRIPTED, URL, KEY, CA)
    if not any(file.exists() for file in _settings_files(where, project)) and not any(
        name.upper().startswith("HOLDFAST_") and name not in own for name in environment
    ):
        return Settings()
    from holdfast.core.config.load import load_settings

    return load_settings(where, environment, project).settings


def settings_file(where: Paths, environment: Mapping[str, str]) -> SettingsFile:
    from holdfast.core.config.settings_file import SettingsFile

    where.make()
    return SettingsFile(where, _setting_variables(environment))


def _setting_variables(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: each for name, each in environment.items() if name.startswith("HOLDFAST_")}


def _settings_files(where: Paths, project: Path | None) -> list[Path]:
    from holdfast.core.config.settings import PROJECT_SETTINGS

    return [where.settings, *([project / PROJECT_SETTINGS] if project else [])]


def _kept_settings(where: Paths, environment: Mapping[str, str]) -> Callable[[Path | None], Settings]:
    """Returns what gives the settings of a folder; they are asked for at every document and every run, and
    reading them takes a millisecond."""
    from holdfast.core.config.kept import Kept

    kept: Kept[Path | None, Settings] = Kept()

    def settings(project: Path | None) -> Settings:
        files = _settings_files(where, project)
        return kept.get(project, files, lambda: read_settings(where, environment, project))

    return settings


async def open_workbench(
    where: Paths,
    environment: Mapping[str, str],
    *,
    address: str = "",
    stop: Callable[[], None] | None = None,
    listeners: Listeners | None = None,
) -> LocalWorkbench:
    """Makes every adapter and opens the workbench on them."""
    from holdfast.core.files.blobs import FileBlobs
    from holdfast.core.files.jail import WorkspaceJail
    from holdfast.core.identity.key_file import KeyFile
    from holdfast.core.identity.keys import ProviderKeys, system_keyring
    from holdfast.core.identity.redaction import Redactor
    from holdfast.core.knowledge.client import WorkerIndex
    from holdfast.core.models.catalog import Catalog
    from holdfast.core.models.credentials import Addresses
    from holdfast.core.models.desk import Providers
    from holdfast.core.models.local.client import LocalClient
    from holdfast.core.models.own import OwnModels
    from holdfast.core.models.providers import PROVIDERS
    from holdfast.core.models.router import ModelRouter
    from holdfast.core.sandbox.environment import child_environment
    from holdfast.core.services.asking import RedactingEmbedder
    from holdfast.core.services.local import LocalWorkbench, Parts
    from holdfast.core.tools.buckets.desk import BucketDesk
    from holdfast.core.tools.builtin.generate_image import GenerateImage
    from holdfast.core.tools.postgres import Postgres
    from holdfast.core.tools.web import WebFetcher
    from holdfast.core.tools.web_searching import KEY_VARIABLES, WebSearcher
    from holdfast.server.formats import format_of

    settings_of = _kept_settings(where, environment)
    settings = settings_of(None)
    where.make()
    blobs = FileBlobs(where.blobs)
    variables = {name: known.key_variables for name, known in PROVIDERS.items()} | KEY_VARIABLES
    keys = ProviderKeys(where, environment, variables, keyring=system_keyring(environment))
    kept = KeyFile(where.addresses, "Addresses of model providers")
    addresses = Addresses(settings.models.ollama_url, kept=kept.read, environment=environment)
    scripted = environment.get(_SCRIPTED) == "1"
    own = OwnModels(*(where.own_models, keys.models, addresses, keys.get), private=where.own_models_of)
    log = where.logs / "model-worker.log"
    files = LocalClient(own, blobs, log, environment)
    client = ModelRouter(
        *(keys.get, blobs, log, environment, addresses),
        scripted=scripted,
        own=own,
        local=files,
        allow_private=lambda: settings_of(None).tools.allow_private_hosts,
    )
    catalog = Catalog(keys.get, settings.models, environment, scripted=scripted, addresses=addresses, own=own)

    providers = Providers(client, keys.get, keys.sources, addresses, partial(_keep, kept), keys.see)
    # LiteLLM takes seconds to load: its worker starts at once where the usual model needs it.
    prestart = asyncio.create_task(_prestart(client, catalog, settings.models.default))
    index = WorkerIndex(
        where.knowledge,
        where.logs / "knowledge-worker.log",
        environment,
        RedactingEmbedder(client, Redactor(keys.secrets).redact),
        blobs.path,
        lambda: settings_of(None).knowledge,
    )
    processes = _processes(where, lambda: settings_of(None).sandbox)
    searcher = WebSearcher(lambda: settings_of(None).web_search, keys.get, WebFetcher())
    painter = GenerateImage(client, lambda: settings_of(None).images.model)
    postgres = Postgres(lambda: settings_of(None).tools, keys.get, processes)
    buckets = BucketDesk(
        lambda: settings_of(None).buckets.places,
        keys.get,
        lambda folder: WorkspaceJail(folder, closed=(where.config, where.data, where.cache, where.logs)),
    )
    parts = Parts(
        paths=where,
        settings=settings_of,
        blobs=blobs,
        client=client,
        catalog=catalog,
        tools=builtin_registry(processes, searcher, painter, postgres=postgres, buckets=buckets),
        processes=processes,
        keys=keys,
        environment=child_environment(environment),
        setting_variables=_setting_variables(environment),
        knowledge=index,
        address=address,
        stop=stop,
        listeners=listeners,
        tracing=_tracing(settings, environment),
        providers=providers,
        own_models=own,
        formats=format_of,
    )
    try:
        return await LocalWorkbench.open(parts)
    finally:
        await prestart


def _keep(addresses: KeyFile, provider: str, url: str | None) -> None:
    if url is None:
        addresses.remove(provider)
    else:
        addresses.set(provider, url)


def _tracing(settings: Settings, environment: Mapping[str, str]) -> Callable[[EventSource], Tracing] | None:
    """Returns what makes the traces of a log; None, and nothing of it loaded, where they go nowhere."""
    from holdfast.core.config.telemetry import traces_endpoint

    endpoint = traces_endpoint(settings.telemetry.otlp_endpoint, environment)
    if endpoint is None:
        return None
    from holdfast.core.telemetry.tracing import LogTracing

    def make_exporter() -> SpanExporter:
        from holdfast.core.telemetry.otlp import OtlpExporter  # takes a tenth of a second: in a thread

        return OtlpExporter(endpoint)

    return lambda source: LogTracing(source, make_exporter, contents=settings.telemetry.contents)


async def _prestart(client: ModelRouter, catalog: Catalog, default: str | None) -> None:
    from holdfast.core.domain.errors import HoldfastError

    try:
        choice = await catalog.choose(flag=None, session=None, agent=None, settings=default)
        await client.prestart(choice.model)
    except HoldfastError:
        return  # the run that needs the model says what is wrong


def _processes(where: Paths, settings: Callable[[], SandboxSettings]) -> ProcessRunner:
    """Returns what runs programs, confined as the settings say."""
    import tempfile

    from holdfast.core.sandbox.process import ChildProcesses
    from holdfast.core.sandbox.sandbox import Sandbox
    from holdfast.core.sandbox.view import Places

    places = Places(
        home=Path.home(),
        closed=(where.config, where.data, where.cache, where.logs, where.socket.parent, where.socket),
        temporary=tuple(dict.fromkeys((Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")))),
    )
    return ChildProcesses(Sandbox(settings, places))


def builtin_registry(
    processes: ProcessRunner | None = None,
    searcher: WebSearcher | None = None,
    painter: GenerateImage | None = None,
    postgres: Postgres | None = None,
    buckets: BucketDesk | None = None,
) -> ToolRegistry:
    """Returns the built-in tools; without `processes` they run programs unconfined, without `searcher` the
    web is not searched, without `painter` no images are made, without `postgres` no database that settings
    name is asked, without `buckets` there are none."""
    from holdfast.core.sandbox.process import ChildProcesses
    from holdfast.core.tools.builtin.catalog import builtin_tools
    from holdfast.core.tools.registry import ToolRegistry

    return ToolRegistry(
        builtin_tools(processes or ChildProcesses(), searcher, painter, postgres=postgres, buckets=buckets)
    )
