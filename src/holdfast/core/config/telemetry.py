"""Where traces go: nowhere, unless a setting or a standard variable of OpenTelemetry says so."""

from __future__ import annotations

from collections.abc import Mapping

_PATH = "/v1/traces"


def traces_endpoint(setting: str | None, environ: Mapping[str, str]) -> str | None:
    """Returns the whole address that spans are sent to, or None.

    The setting comes before `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, which is an address as it stands, and
    `OTEL_EXPORTER_OTLP_ENDPOINT`, which all kinds of telemetry share. `OTEL_SDK_DISABLED=true` and
    `OTEL_TRACES_EXPORTER=none` turn traces off.
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    if environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return None
    if setting:
        return _with_path(setting)
    if whole := environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "").strip():
        return whole
    base = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip()
    return _with_path(base) if base else None


def _with_path(base: str) -> str:
    base = base.rstrip("/")
    return base if base.endswith(_PATH) else base + _PATH
