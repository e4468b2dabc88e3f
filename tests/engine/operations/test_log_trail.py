"""From the request of a webhook to the message it caused, the log can be followed."""

from __future__ import annotations

import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.testing import capture_logs

from surge_app.clock import new_id
from tests.engine.conftest import NewSale


async def test_a_webhook_is_followed_from_its_request_to_the_message(new_sale: NewSale) -> None:
    sale = await new_sale(2)
    intent, visitor = await sale.hold()
    order = await sale.start_payment(intent.id, visitor)
    await sale.gateway.attempt(order.order_id, "captured")
    hooks = [hook for hook in sale.gateway.webhooks if hook.order_id == order.order_id]
    captured = next(hook for hook in hooks if hook.kind == "payment.captured")
    request_id = new_id()
    with (
        capture_logs(processors=[merge_contextvars]) as lines,
        bound_contextvars(request_id=request_id),
    ):
        await sale.deliver(captured)
    assert structlog.contextvars.get_contextvars() == {}

    def line(event: str, **known: object) -> dict[str, object]:
        return next(
            found
            for found in lines
            if found["event"] == event and known.items() <= dict(found).items()
        )

    stored = line("webhook_stored", request_id=request_id)
    settled = line("settled", webhook=stored["webhook"], outcome="confirmed")
    booked = line("booking_confirmed", payment=settled["payment"], booking=settled["booking"])
    assert booked["intent"] == intent.id
    told = await sale.query(
        "SELECT b.ref FROM message_outbox m JOIN bookings b ON b.id = m.booking_id "
        "WHERE m.intent_id = :id",
        id=booked["intent"],
    )
    assert {row["ref"] for row in told} == {booked["booking"]}
