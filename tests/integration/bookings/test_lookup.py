"""Finding a booking again, and coming back from a payment by a form."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.conftest import NewBuyer, NewSale, Surge


async def _try(url: str, ref: str, contact: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        return await http.post(
            "/api/bookings/find", data={"ref": ref, "contact": contact}, headers=headers
        )


async def test_reference_and_contact_together_open_a_booking(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(await new_sale())
    ref = await buyer.buy()
    given = (await buyer.http.get(f"/api/bookings/{ref}")).json()
    for typed in (given["email"].upper(), given["phone"], f"0{given['phone'][3:]}"):
        answer = await _try(surge.url, ref.lower().replace("-", " "), typed)
        assert answer.headers["location"] == f"/bookings/{ref}"
        assert "surge_booking" in answer.headers["set-cookie"]


async def test_what_does_not_fit_is_answered_alike(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    ref = await new_buyer(await new_sale()).buy()
    answers = [
        await _try(surge.url, one, contact)
        for one, contact in (
            (ref, "nobody@example.com"),
            ("SRG-ABCDEFGH", "nobody@example.com"),
            ("nonsense", "\0"),
            (ref, ""),
            ("", ""),
        )
    ]
    told = {(one.status_code, one.headers["location"], one.content) for one in answers}
    assert told == {(303, "/bookings/find#missing", b"")}
    assert not any("set-cookie" in one.headers for one in answers)


async def test_an_address_with_a_typo_is_answered_with_the_likelier_domain(surge: Surge) -> None:
    answer = await _try(surge.url, "SRG-ABCDEFGH", "asha@gmial.com")
    assert answer.headers["location"] == "/bookings/find?likelier=gmail.com#missing"
    answer = await _try(surge.url, "SRG-ABCDEFGH", "asha@gmail.com")
    assert answer.headers["location"] == "/bookings/find#missing"


async def test_another_site_cannot_open_a_booking_in_somebodys_browser(surge: Surge) -> None:
    answer = await _try(surge.url, "SRG-ABCDEFGH", "a@example.com", **{"sec-fetch-site": "none"})
    assert answer.status_code == 303
    answer = await _try(
        surge.url, "SRG-ABCDEFGH", "a@example.com", **{"sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 403


async def test_a_payment_that_failed_elsewhere_leads_back_to_the_checkout(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(await new_sale())
    _, order = await buyer.order()
    told = {"error[code]": "BAD", "error[metadata]": json.dumps({"order_id": order["order_id"]})}
    answer = await buyer.http.post("/api/payments/razorpay/callback", data=told)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/book/{buyer.slug}?payment=failed"


@pytest.mark.parametrize("metadata", ["", "[]", "{", '{"order_id": 7}', '{"order_id": "\\u0000"}'])
async def test_a_form_that_says_nothing_sound_is_refused(
    new_sale: NewSale, new_buyer: NewBuyer, metadata: str
) -> None:
    buyer = new_buyer(await new_sale())
    answer = await buyer.http.post(
        "/api/payments/razorpay/callback", data={"error[metadata]": metadata}
    )
    assert answer.status_code in {303, 400}
    assert "/book/" not in answer.headers.get("location", "")
