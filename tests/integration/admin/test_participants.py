"""Participants: found, looked at, helped by one organizer at a time, and taken home as a file."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import zipfile
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from surge_app.clock import utc_now
from surge_app.container import Container
from surge_app.errors import EditConflict
from surge_app.state.admin.bookings.booking import BookingDetailState
from tests.conftest import NewBuyer, NewSale, Surge
from tests.state.harness import at, call

_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


async def _get(surge: Surge, path: str, **params: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
        return await http.get(f"/api/admin{path}", params=params)


async def _bought(new_buyer: NewBuyer, slug: str, **contact: str) -> str:
    buyer = new_buyer(slug)
    await buyer.join()
    held = (await buyer.hold()).json()
    started = await buyer.start_payment(held["id"], **contact)
    outcome = await buyer.callback(await buyer.attempt(started.json()["order_id"]))
    return outcome.json()["booking_ref"]


async def test_participants_are_found_by_what_they_can_tell(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(units=10)
    asha = await _bought(
        new_buyer, slug, name="Asha Iyer", email="asha.iyer@example.com", phone="+919876500001"
    )
    ravi = await _bought(
        new_buyer, slug, name="Ravi 100%", email="ravi@example.com", phone="+919876500002"
    )
    history = (await _get(surge, f"/bookings/{asha}")).json()["timeline"]
    (payment,) = [one["detail"].split()[0] for one in history if one["what"] == "payment"]
    found = {
        "": [ravi, asha],
        payment: [asha],
        f" {payment} ": [asha],
        "iyer": [asha],
        "RAVI@": [ravi],
        "00001": [asha],
        asha.lower(): [asha],
        "100%": [ravi],
        "iyer  asha": [asha],
        "Ãsha": [asha],
        asha.removeprefix("SRG-").lower(): [asha],
        "0 98765 00001": [asha],
        "+91 98765-00001": [asha],
        "76500001": [asha],
        "i": [asha],
        "nobody": [],
        "iyer ravi": [],
        "_": [],
    }
    for query, refs in found.items():
        answer = (await _get(surge, f"/events/{slug}/participants", q=query)).json()
        assert [one["ref"] for one in answer["participants"]] == refs, query
    first = (await _get(surge, f"/events/{slug}/participants", limit="1")).json()
    assert [one["ref"] for one in first["participants"]] == [ravi]
    second = await _get(
        surge, f"/events/{slug}/participants", limit="1", before=first["next_before"]
    )
    assert [one["ref"] for one in second.json()["participants"]] == [asha]
    assert second.json()["next_before"] is None
    refunded = await _get(surge, f"/events/{slug}/participants", status="refunded")
    assert refunded.json()["participants"] == []
    assert (await _get(surge, f"/events/{slug}/participants", status="odd")).status_code == 422


async def test_the_file_has_what_the_filters_and_the_selection_leave(
    surge: Surge, services: Container, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(units=10)
    asha = await _bought(new_buyer, slug, name="Asha Iyer")
    ravi = await _bought(new_buyer, slug, name="Ravi Rao")
    mina = await _bought(new_buyer, slug, name="Mina Rao")
    await services.refunds.refund(ravi, restock=False, actor="test")

    async def refs(**filters: str) -> set[str]:
        async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
            path = f"/api/admin/events/{slug}/participants.csv"
            text = (await http.get(path, params=filters)).text.lstrip("\ufeff")
        return {row["booking_ref"] for row in csv.DictReader(io.StringIO(text))}

    assert await refs() == {asha, ravi, mina}
    assert await refs(q="rao") == {ravi, mina}
    assert await refs(q="rao", status="confirmed") == {mina}
    assert await refs(presence="outside") == {asha, mina}
    assert await refs(refs=f"{asha[4:]}.{ravi}") == {asha, ravi}
    # As many as the page lets one select.
    assert await refs(refs=".".join(["22222222"] * 199 + [mina[4:]])) == {mina}
    assert await refs(refs="22222222") == set()


async def test_a_booking_tells_everything_that_happened_to_it(
    surge: Surge, services: Container, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    ref = await new_buyer(await new_sale()).buy(quantity=2)
    await services.refunds.refund(ref, version=0, restock=True, tickets=[2], actor="test")
    detail = (await _get(surge, f"/bookings/{ref}")).json()
    assert (detail["version"], detail["status"]) == (1, "confirmed")
    assert [one["status"] for one in detail["tickets"]] == ["valid", "void"]
    assert detail["refundable_paise"] == 52_500
    told = [one["what"] for one in detail["timeline"]]
    assert told[:2] == ["held", "payment_started"]
    assert {"payment", "booked", "message", "refund", "action"} <= set(told)
    assert "code" not in detail["tickets"][0]
    assert (await _get(surge, "/bookings/SRG-ABCDEFGH")).status_code == 404


async def test_of_two_organizers_who_act_on_one_booking_at_once_one_is_told(
    services: Container, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    ref = await new_buyer(await new_sale()).buy()
    seen = await services.participants.detail(ref)
    answers = await asyncio.gather(
        *(
            services.refunds.refund(
                ref, version=seen.version, restock=False, amount_paise=10_000, actor=name
            )
            for name in ("asha", "ravi")
        ),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in answers) == ["EditConflict", "RefundedView"]
    assert (await services.participants.detail(ref)).refundable_paise == 42_500
    with pytest.raises(EditConflict):
        await services.notifications.resend(ref, version=seen.version, actor="asha")


async def test_a_corrected_address_is_where_the_confirmation_goes(
    surge: Surge, services: Container, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    ref = await new_buyer(await new_sale()).buy()
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
        path = f"/api/admin/bookings/{ref}/contact"
        right = {"name": "Asha Rao", "email": "right@example.com", "phone": "98765 43211"}
        wrong = await http.put(path, json={**right, "version": 0, "email": "no address"})
        assert (wrong.status_code, set(wrong.json()["fields"])) == (422, {"email"})
        done = await http.put(path, json={**right, "version": 0})
        assert (done.json()["email"], done.json()["phone"]) == (
            "right@example.com",
            "+919876543211",
        )
        late = await http.put(path, json={**right, "version": 0})
        assert (late.status_code, late.json()["code"]) == (409, "changed_meanwhile")
    await services.notifications.resend(ref, version=1, actor="test")
    detail = await services.participants.detail(ref)
    messages = [one.detail for one in detail.timeline if one.what == "message"]
    # The first confirmation may have left before the correction, and is then as it was sent.
    assert sorted(one for one in messages if "confirmation_again" in one) == [
        "email confirmation_again right@example.com",
        "sms confirmation_again +919876543211",
    ]
    actions = [(one.detail, one.state) for one in detail.timeline if one.what == "action"]
    assert actions == [
        ("booking.correct", surge.settings.admin_user),
        ("booking.resend", "test"),
    ]


def _cells(workbook: bytes) -> list[list[tuple[str, str]]]:
    """Read the cells of the first sheet as pairs of type and text, without a spreadsheet."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as files:
        root = ET.fromstring(files.read("xl/worksheets/sheet1.xml"))
    rows: list[list[tuple[str, str]]] = []
    for row in root.iter(f"{_SHEET}row"):
        assert row.find(f".//{_SHEET}f") is None, "a formula"
        rows.append(
            [(cell.get("t", "n"), "".join(cell.itertext())) for cell in row.iter(f"{_SHEET}c")]
        )
    return rows


async def test_the_workbook_has_typed_cells_and_no_formula(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    ref = await _bought(
        new_buyer, slug, name='=HYPERLINK("evil.example";"x")', phone="+919876500003"
    )
    answer = await _get(surge, f"/events/{slug}/participants.xlsx")
    assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
    assert f'filename="{slug}-participants.xlsx"' in answer.headers["content-disposition"]
    head, row = _cells(answer.content)
    names = [text for _, text in head]
    values = dict(zip(names, row, strict=False))
    assert values["booking_ref"] == ("inlineStr", ref)
    assert values["name"] == ("inlineStr", '=HYPERLINK("evil.example";"x")')
    assert values["phone"] == ("inlineStr", "+919876500003")
    assert values["ticket_price_rupees"] == ("n", "500")
    assert values["booking_fee_rupees"] == ("n", "25")
    assert re.fullmatch(r"\d{5}\.\d+", values["booked_at"][1])
    assert (await _get(surge, "/events/nothing-there/participants.xlsx")).status_code == 404


async def test_a_check_in_is_undone_once_and_the_ticket_works_again(
    services: Container, surge: Surge, new_sale: NewSale, new_buyer: NewBuyer, cookie: str
) -> None:
    slug = await new_sale()
    ref = await new_buyer(slug).buy()
    path = f"/api/admin/events/{slug}/door"

    async def scan(number: int) -> str:
        async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
            (found,) = (await http.get(f"{path}/tickets", params={"q": ref})).json()["tickets"]
            one = {"id": f"{slug}-{number}", "at": utc_now().isoformat(), "ticket_id": found["id"]}
            answer = await http.post(f"{path}/scans", json={"gate": "North", "scans": [one]})
        return answer.json()["results"][0]["verdict"]

    assert [await scan(1), await scan(2)] == ["admitted", "already"]
    state: Any = at(BookingDetailState(), f"/admin/bookings/{ref}", cookie)
    await call(BookingDetailState.load, state)
    (ticket,) = state.tickets
    assert ticket.is_checked_in
    form = {"ticket": ticket.field, "form_key": state.form_key}
    await call(BookingDetailState.undo_check_in, state, form)
    assert state.done.startswith("Check-in of ticket 1 undone.")
    assert not state.tickets[0].is_checked_in
    assert [await scan(3), await scan(4)] == ["admitted", "already"]
