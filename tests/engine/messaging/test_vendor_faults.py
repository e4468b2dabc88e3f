"""The vendors' SDKs over HTTP on their bad days: bookings are whole, messages keep their rules.

Only a vendor that falls silent meets a short time-out, so that it is given up on while it still is.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from surge_app.providers import SendGridMail, TwilioSms
from surge_app.services.messaging.composer import Composer
from surge_app.services.messaging.dispatcher import Dispatcher
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from tests.contract.serving import Stand, redis_server, sandbox_stand
from tests.engine.conftest import NewSale
from tests.engine.mail_helper import Post
from tests.engine.sale_helper import Sale

_SHORT, _LONG = 1.0, 60.0


@pytest_asyncio.fixture
async def stand() -> AsyncGenerator[Stand]:
    """The stand-ins of both vendors."""
    with redis_server() as url:
        async with sandbox_stand(url) as running:
            yield running


def _dispatcher(sale: Sale, stand: Stand, *, patience: float) -> Dispatcher:
    keys, base = sandbox_keys(stand.settings), f"{stand.settings.local_url}/sandbox"
    mail = SendGridMail(
        keys.sendgrid_api_key, f"{base}/sendgrid", "tickets@example.in", timeout_seconds=patience
    )
    sms = TwilioSms(
        keys.twilio_account_sid,
        keys.twilio_auth_token,
        f"{base}/twilio",
        "SURGE",
        timeouts=(_LONG, patience),
    )
    services = sale.services
    return Dispatcher(services.database, Composer(services.database, services.tickets), mail, sms)


@pytest.mark.parametrize(
    ("mode", "takes_effect", "unknowns", "mails"),
    [
        ("down", None, 0, 1),
        ("http_429", None, 0, 1),
        ("http_502_html", None, 0, 1),
        ("hang", False, 1, 1),
        # It took the mail and fell silent: a second mail shows the same tickets, and is harmless.
        ("hang", True, 1, 2),
    ],
)
async def test_a_booking_is_whole_and_its_messages_arrive_by_the_rules(
    new_sale: NewSale,
    stand: Stand,
    mode: str,
    takes_effect: bool | None,  # noqa: FBT001 - a case of the table above
    unknowns: int,
    mails: int,
) -> None:
    sale = await new_sale(5)
    await _order(stand, mode, takes_effect=takes_effect)
    intent, visitor = await sale.hold(sale.line(2))
    order = await sale.start_payment(intent.id, visitor)
    paid = await sale.gateway.attempt(order.order_id or "", "captured")
    assert await sale.call_back(paid) == "confirmed"
    post = await Post.of(sale)
    post.dispatcher = _dispatcher(sale, stand, patience=_SHORT if mode == "hang" else _LONG)
    await post.dispatcher.dispatch()
    waiting = await post.rows()
    assert [row["status"] for row in waiting] == ["pending"] * 2
    assert [row["unknowns"] for row in waiting] == [unknowns] * 2
    assert await sale.violations() == []
    await _order(stand, "ok")
    post.dispatcher = _dispatcher(sale, stand, patience=_LONG)
    await post.let_pauses_pass()
    await post.empty()
    assert [row["status"] for row in await post.rows()] == ["sent"] * 2
    arrived = sorted(str(one["channel"]) for one in await stand.outbox())
    assert arrived == ["email"] * mails + ["sms"]


async def _order(stand: Stand, mode: str, *, takes_effect: bool | None = None) -> None:
    for service in ("sendgrid", "twilio"):
        fault = {"service": service, "mode": mode, "seconds": 60, "takes_effect": takes_effect}
        (await stand.http.post("/sandbox/faults", json=fault)).raise_for_status()
