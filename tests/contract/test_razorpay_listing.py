"""What Razorpay has lately taken, read page by page: from the stand-in, and while it grows."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI

from surge_app.clock import utc_now
from surge_app.launcher.ports import free_port
from surge_app.providers import RazorpayGateway
from surge_app.services.vendors.ports import (
    GatewayPaymentStatus,
    ProviderRejected,
    ProviderUnavailable,
)
from tests.contract.accounts import razorpay
from tests.contract.serving import serve

if TYPE_CHECKING:
    from tests.contract.serving import Stand

_AN_HOUR = timedelta(hours=1)
# What Razorpay lists at most in one answer.
_PAGE = 100
_TRIES_OF_AN_ORDER = 25


async def _listed(gateway: RazorpayGateway) -> list[str]:
    """Return the ids of the payments of the hours around now."""
    now = utc_now()
    return [payment.id for payment in await gateway.recent_payments(now - _AN_HOUR, now + _AN_HOUR)]


async def _try_to_pay(stand: Stand, gateway: RazorpayGateway, receipt: str, times: int) -> None:
    """Pay an order at the last of so many tries."""
    order = await gateway.create_order(receipt=receipt, amount_paise=52500, currency="INR")
    for number in range(1, times + 1):
        outcome = "captured" if number == times else "failed"
        (await stand.attempt(order.id, outcome=outcome, webhook="none")).raise_for_status()


async def test_without_payments_nothing_is_listed(stand: Stand) -> None:
    gateway = razorpay(stand)
    await gateway.create_order(receipt="unpaid", amount_paise=52500, currency="INR")
    assert await _listed(gateway) == []


@pytest.mark.parametrize("orders", [1, 4, 9])
async def test_every_payment_is_listed_once_however_many_pages_they_fill(
    stand: Stand, orders: int
) -> None:
    gateway = razorpay(stand)
    await asyncio.gather(
        *(_try_to_pay(stand, gateway, f"r-{one}", _TRIES_OF_AN_ORDER) for one in range(orders))
    )
    now = utc_now()
    found = await gateway.recent_payments(now - _AN_HOUR, now + _AN_HOUR)
    assert len({payment.id for payment in found}) == len(found) == orders * _TRIES_OF_AN_ORDER
    captured = [one for one in found if one.status is GatewayPaymentStatus.CAPTURED]
    assert len({payment.order_id for payment in captured}) == len(captured) == orders
    for payment in captured:
        assert payment == await gateway.payment(payment.id)


async def test_only_the_payments_of_the_span_are_listed(stand: Stand) -> None:
    gateway = razorpay(stand)
    await _try_to_pay(stand, gateway, "r", 2)
    now = utc_now()
    assert await gateway.recent_payments(now - 2 * _AN_HOUR, now - _AN_HOUR) == []
    assert await gateway.recent_payments(now + _AN_HOUR, now + 2 * _AN_HOUR) == []
    assert len(await _listed(gateway)) == 2


async def test_payments_made_between_two_pages_hide_none_and_double_none() -> None:
    """Each answer is followed by a new payment, which moves the others on by one."""
    made = [_payment(number) for number in range(2 * _PAGE + 50)]
    before = {payment["id"] for payment in made}
    app, asked = FastAPI(), list[int]()

    @app.get("/v1/payments")
    async def listed(skip: int, count: int) -> dict[str, object]:
        asked.append(skip)
        page = made[skip : skip + count]
        made.insert(0, _payment(len(made)))
        return {"entity": "collection", "count": len(page), "items": page}

    async with serve(app, port := free_port()):
        found = await _listed(_plain(port))
    assert asked == [0, _PAGE, 2 * _PAGE]
    assert len(set(found)) == len(found)
    assert set(found) == before


async def test_payments_without_an_order_fill_a_page_but_end_nothing() -> None:
    foreign = [{**_payment(number), "order_id": None} for number in range(_PAGE)]
    made = [*foreign, _payment(_PAGE)]
    app = FastAPI()

    @app.get("/v1/payments")
    async def listed(skip: int, count: int) -> dict[str, object]:
        page = made[skip : skip + count]
        return {"entity": "collection", "count": len(page), "items": page}

    async with serve(app, port := free_port()):
        assert await _listed(_plain(port)) == [f"pay_{_PAGE}"]


async def test_a_list_that_is_cut_off_is_an_error_and_not_a_shorter_list(stand: Stand) -> None:
    gateway = razorpay(stand)
    await _try_to_pay(stand, gateway, "r", 1)
    await stand.fault("razorpay", "http_502_html")
    with pytest.raises(ProviderUnavailable):
        await _listed(gateway)
    await stand.fault("razorpay", "ok")
    assert len(await _listed(gateway)) == 1
    with pytest.raises(ProviderRejected, match="Authentication failed"):
        await _listed(razorpay(stand, key_secret="guessed"))


def _plain(port: int) -> RazorpayGateway:
    return RazorpayGateway("rzp_test_x", "s", ("w",), f"http://127.0.0.1:{port}", "/x.js")


def _payment(number: int) -> dict[str, object]:
    return {
        "id": f"pay_{number}",
        "order_id": f"order_{number}",
        "amount": 52500,
        "currency": "INR",
        "status": "captured",
    }
