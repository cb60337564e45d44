"""What the engine tells Prometheus, in its text format.

Imports prometheus-client: import this module when somebody asks for metrics. There is no registry that
lives on; each answer is made from what there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from holdfast.core.domain.figures import EngineFigures
from holdfast.server.kit.meter import BOUNDS_S, Durations, HttpFigures


class _Collector(Collector):
    def __init__(self, figures: EngineFigures, counted: HttpFigures, lag: tuple[float, float] | None) -> None:
        self._figures = figures
        self._counted = counted
        self._lag = lag

    def collect(self) -> Iterator[Metric]:
        yield from self._engine()
        yield from self._usage()
        yield from self._http()

    def _engine(self) -> Iterator[Metric]:
        now = self._figures
        yield _labelled(
            GaugeMetricFamily, "holdfast_info", "The engine's version.", "version", {now.version: 1}
        )
        yield GaugeMetricFamily(
            "holdfast_start_time_seconds",
            "When the engine started, in seconds since 1970.",
            value=now.started_at.timestamp(),
        )
        yield GaugeMetricFamily("holdfast_sessions", "Sessions of all users.", value=now.sessions)
        yield GaugeMetricFamily(
            "holdfast_runs_executing", "Runs that a stop would interrupt.", value=now.executing_runs
        )
        yield _labelled(
            GaugeMetricFamily, "holdfast_runs_open", "Runs that have not ended.", "status", now.open_runs
        )
        yield _labelled(
            CounterMetricFamily,
            "holdfast_runs_ended",
            "Runs that ended since the engine started.",
            "status",
            now.runs_ended,
        )
        yield GaugeMetricFamily("holdfast_jobs_active", "Jobs that have not ended.", value=now.active_jobs)
        yield _labelled(
            GaugeMetricFamily,
            "holdfast_waiting",
            "What waits for a person.",
            "kind",
            {"approval": now.waiting_approvals, "question": now.waiting_questions},
        )
        yield GaugeMetricFamily("holdfast_listeners", "Open doors on TCP.", value=now.listeners)
        yield CounterMetricFamily(
            "holdfast_events_appended", "Events since the engine started.", value=now.events_appended
        )
        yield GaugeMetricFamily(
            "holdfast_last_event_id", "Id of the newest event of the log.", value=now.last_event_id
        )

    def _usage(self) -> Iterator[Metric]:
        tokens = CounterMetricFamily(
            "holdfast_model_tokens",
            "Tokens of all time. Cached ones are a part of the input, reasoning of the output.",
            labels=("model", "kind"),
        )
        cost = CounterMetricFamily(
            "holdfast_model_cost_usd",
            "Dollars of all time, where a price was known.",
            labels=("model",),
        )
        for each in self._figures.usage:
            for kind in ("input", "output", "cached", "reasoning"):
                tokens.add_metric((each.model, kind), getattr(each, f"{kind}_tokens"))
            cost.add_metric((each.model,), each.cost_usd)
        yield from (tokens, cost)

    def _http(self) -> Iterator[Metric]:
        counted = self._counted
        requests = CounterMetricFamily(
            "holdfast_http_requests", "Requests that have ended.", labels=("operation", "status")
        )
        for key, count in sorted(counted.requests.items()):
            requests.add_metric(key, count)
        durations = HistogramMetricFamily(
            "holdfast_http_request_duration_seconds",
            "From a request's head to the end of its answer; without streams.",
            labels=("operation",),
        )
        for operation, taken in sorted(counted.durations.items()):
            durations.add_metric((operation,), _buckets(taken), taken.sum_s)
        yield from (requests, durations)
        yield GaugeMetricFamily(
            "holdfast_http_streams_open", "Open streams of events.", value=counted.open_streams
        )
        if self._lag is not None:
            latest, longest = self._lag
            yield GaugeMetricFamily(
                "holdfast_event_loop_lag_seconds", "How late the event loop was just now.", value=latest
            )
            yield GaugeMetricFamily(
                "holdfast_event_loop_lag_max_seconds",
                "How late it was at most since the last reading.",
                value=longest,
            )


def render(figures: EngineFigures, counted: HttpFigures, lag: tuple[float, float] | None) -> bytes:
    """Returns the metrics as text. It takes a while the first time: call it in a thread."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(figures, counted, lag))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


def _labelled(
    family: type[GaugeMetricFamily] | type[CounterMetricFamily],
    name: str,
    text: str,
    label: str,
    values: dict[str, int],
) -> Metric:
    metric = family(name, text, labels=(label,))
    for value, count in values.items():
        metric.add_metric((value,), count)
    return metric


def _buckets(taken: Durations) -> list[tuple[str, float]]:
    bounds = [*map(str, BOUNDS_S), "+Inf"]
    return list(zip(bounds, accumulate(taken.counts), strict=True))
