"""OpenTelemetry behind `tracing`: spans in batches, by OTLP over HTTP.

Sampling and headers follow the SDK's own variables, such as `OTEL_TRACES_SAMPLER`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from surge_app.errors import SurgeError

Value = str | int | float | bool | None

_TRACES_PATH = "/v1/traces"
_KINDS = {
    "server": trace.SpanKind.SERVER,
    "consumer": trace.SpanKind.CONSUMER,
    "internal": trace.SpanKind.INTERNAL,
}


class Collector:
    """The SDK's tracer; Reflex uses the same `provider`.

    Args:
        endpoint: The base address of the collector.
        process: The kind of process, such as `web`.
    """

    def __init__(self, endpoint: str, *, process: str) -> None:
        self.provider = TracerProvider(
            resource=Resource.create({"service.name": "surge", "service.instance.role": process})
        )
        exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + _TRACES_PATH)
        self.provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self.provider.get_tracer("surge")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(
        self, name: str, *, kind: str, continues: str | None, attributes: Mapping[str, Value]
    ) -> Generator[None]:
        """Return a span over a block; a refusal (`SurgeError`) is not recorded as an error."""
        before = self._propagator.extract({"traceparent": continues}) if continues else None
        known = {f"surge.{key}": value for key, value in attributes.items() if value is not None}
        with self._tracer.start_as_current_span(
            name,
            context=before,
            kind=_KINDS[kind],
            attributes=known,
            record_exception=False,
            set_status_on_exception=False,
        ) as current:
            try:
                yield
            except SurgeError as error:
                current.set_attribute("surge.refusal", error.code)
                raise
            except Exception as error:
                current.set_status(trace.StatusCode.ERROR, type(error).__name__)
                raise

    def here(self) -> str | None:
        """Return the current span as a W3C `traceparent`, None without one."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get("traceparent")

    def end(self) -> None:
        """Flush pending spans."""
        self.provider.shutdown()
