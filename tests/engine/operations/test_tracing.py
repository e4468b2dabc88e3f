"""With a collector, one trace leads from the request of a webhook to the messages it caused."""

from __future__ import annotations

import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from starlette.types import Message, Receive, Scope, Send

from surge_app.clock import new_id
from surge_app.edge.request_log import RequestLog
from surge_app.observability import tracing
from tests.engine.conftest import NewSale
from tests.engine.mail_helper import Post


@dataclass
class Received:
    """What a collector was sent, by OTLP over HTTP."""

    url: str = ""
    paths: set[str] = field(default_factory=set)
    services: set[str] = field(default_factory=set)
    spans: list[Span] = field(default_factory=list)

    def take(self, path: str, body: bytes) -> None:
        self.paths.add(path)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.services |= {
                one.value.string_value
                for one in resource.resource.attributes
                if one.key == "service.name"
            }
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]

    def names_in(self, trace_id: bytes) -> set[str]:
        return {span.name for span in self.spans if span.trace_id == trace_id}


@pytest.fixture
def collector() -> Generator[Received]:
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            received.take(self.path, self.rfile.read(length))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its own name
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        received.url = f"http://127.0.0.1:{server.server_port}"
        yield received
        server.shutdown()
        thread.join()


async def test_a_trace_leads_from_a_webhook_to_its_messages(
    new_sale: NewSale, collector: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    sale = await new_sale(2)
    post = await Post.of(sale)
    intent, visitor = await sale.hold()
    order = await sale.start_payment(intent.id, visitor)
    await sale.gateway.attempt(order.order_id, "captured")
    hooks = [hook for hook in sale.gateway.webhooks if hook.order_id == order.order_id]
    captured = next(hook for hook in hooks if hook.kind == "payment.captured")
    answered: list[Message] = []

    async def endpoint(_scope: Scope, _receive: Receive, send: Send) -> None:
        await sale.deliver(captured)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Message) -> None:
        answered.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "POST", "path": "/api/webhooks/razorpay", "headers": []}
    tracing.begin(collector.url, process="test")
    try:
        await RequestLog(endpoint, sale.services.settings)(scope, receive, send)
        assert tracing.current_traceparent() is None
        await post.empty()
    finally:
        tracing.end()
    assert (len(post.mails), len(post.texts)) == (1, 1)
    assert (collector.paths, collector.services) == ({"/v1/traces"}, {"surge"})
    (request,) = [span for span in collector.spans if span.kind == Span.SPAN_KIND_SERVER]
    told = {one.key: one.value.string_value for one in request.attributes}
    headers = dict(answered[0]["headers"])
    assert told["surge.request"] == headers[b"x-request-id"].decode()
    found = collector.names_in(request.trace_id)
    # Statements that many share belong to the trace of no one.
    assert found >= {"webhook", "settle", "send email", "send sms"}


async def test_a_trace_of_somebody_untrusted_is_not_gone_on_with(
    new_sale: NewSale, collector: Received
) -> None:
    sale = await new_sale(1)
    theirs = f"00-{'a' * 32}-{'b' * 16}-01"

    async def endpoint(_scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(tracing.current_traceparent() or "")

    async def unused() -> Message:
        return {"type": "http.disconnect"}

    async def ignored(_message: Message) -> None:
        """Answer nobody."""

    seen: list[str] = []
    scope = {"type": "http", "method": "GET", "path": "/api/events"}
    scope["headers"] = [(b"traceparent", theirs.encode())]  # type: ignore[assignment]
    settings = sale.services.settings
    tracing.begin(collector.url, process="test")
    try:
        for hops in (0, 1):
            trusting = settings.model_copy(update={"trusted_proxy_hops": hops})
            await RequestLog(endpoint, trusting)(scope, unused, ignored)
    finally:
        tracing.end()
    assert ["a" * 32 in one for one in seen] == [False, True]


async def test_nothing_is_traced_or_kept_without_a_collector(new_sale: NewSale) -> None:
    tracing.begin(None, process="test")
    assert tracing.provider() is None
    with tracing.span("anything", request=new_id()), tracing.event("a part of it"):
        assert tracing.current_traceparent() is None
    sale = await new_sale(1)
    intent, visitor = await sale.hold()
    order = await sale.start_payment(intent.id, visitor)
    await sale.gateway.attempt(order.order_id, "captured")
    for hook in [one for one in sale.gateway.webhooks if one.order_id == order.order_id]:
        await sale.deliver(hook)
    (row, *_) = await sale.query(
        "SELECT trace FROM message_outbox WHERE intent_id = :id", id=intent.id
    )
    assert row["trace"] is None
