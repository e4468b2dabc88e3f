"""Mail, SMS, PDF and calendar of a booking: one price, any script, a bounded size."""

from __future__ import annotations

import asyncio
import io
import re
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar
from pypdf import PdfReader

from surge_app.errors import RateLimited
from surge_app.kv.rate_limits import Limit, RateLimiter
from surge_app.services.bookings import tickets as tickets_module
from surge_app.services.bookings.ticket_signing import TicketSignature
from surge_app.services.bookings.tickets import Tickets
from surge_app.services.bookings.views import BookingView
from surge_app.services.events.new_event import NewTier
from surge_app.services.messaging.sms_templates import segments
from surge_app.services.vendors.ports import Mail
from tests.engine.conftest import NewSale
from tests.engine.mail_helper import Post
from tests.engine.sale_helper import Sale

A4 = [595, 842]
MOST_BYTES = 1_000_000
# Gmail cuts what is longer, and the total with it.
MOST_BYTES_SHOWN = 102_000
_AMOUNT = re.compile(r"(?:₹|Rs )([\d,]+)")


async def _book(sale: Sale, *quantities: int, person: str | None = None) -> str:
    lines = [sale.line(count, tier) for tier, count in enumerate(quantities) if count]
    intent, visitor = await sale.hold(*lines)
    order = await sale.start_payment(intent.id, visitor, person=person)
    if order.booking_ref:
        return order.booking_ref
    paid = await sale.gateway.attempt(order.order_id or "", "captured")
    assert await sale.call_back(paid) == "confirmed"
    rows = await sale.query("SELECT ref FROM bookings WHERE intent_id = :id", id=intent.id)
    return rows[0]["ref"]


async def _mail(sale: Sale) -> tuple[Mail, Post]:
    post = await Post.of(sale)
    await post.empty()
    return post.mails[0], post


def _letters(pdf: bytes) -> set[str]:
    """Return the letters of a PDF's embedded fonts that its text can be copied as."""
    found = re.findall(rb"<[0-9A-F]{4}> <([0-9A-F]{4,})>", pdf)
    return set("".join(bytes.fromhex(one.decode()).decode("utf-16-be") for one in found))


def _amounts(text: str) -> set[int]:
    return {int(found.replace(",", "")) * 100 for found in _AMOUNT.findall(text)}


async def test_order_charge_ledger_mail_and_sms_name_one_price(new_sale: NewSale) -> None:
    sale = await new_sale(9, 9)
    ref = await _book(sale, 2, 1)
    mail, post = await _mail(sale)
    (row,) = await sale.query(
        "SELECT i.total_paise AS intent, b.total_paise AS booking, b.fee_paise, p.amount_paise, "
        "(SELECT sum(l.amount_paise) FROM ledger_entries l WHERE l.booking_id = b.id "
        " AND l.kind IN ('sale', 'sale_fee')) AS ledger "
        "FROM bookings b JOIN intents i ON i.id = b.intent_id "
        "JOIN payments p ON p.intent_id = i.id WHERE b.ref = :ref",
        ref=ref,
    )
    total = row["booking"]
    assert row["intent"] == row["amount_paise"] == total == row["ledger"]
    parts = {100_000, row["fee_paise"]}
    assert _amounts(mail.text) == _amounts(mail.html) == parts | {total}
    assert _amounts(post.texts[0].text) == {total}
    view = await sale.services.tickets.view(ref)
    lines = sum(line.quantity * line.unit_price_paise for line in view.lines)
    assert lines + view.fee_paise == view.total_paise == total


async def test_ten_tickets_fit_into_a_small_mail(new_sale: NewSale) -> None:
    sale = await new_sale(10, max_per_person=10)
    await _book(sale, 10)
    mail, _ = await _mail(sale)
    size = len(mail.text.encode()) + len(mail.html.encode())
    size += sum(len(file.content) * 4 // 3 for file in mail.attachments)
    assert size < MOST_BYTES
    assert len(mail.html.encode()) < MOST_BYTES_SHOWN
    assert [file.media_type for file in mail.attachments[-2:]] == [
        "application/pdf",
        "text/calendar; method=PUBLISH",
    ]
    assert len([file for file in mail.attachments if file.content_id]) == 6
    assert "The codes of all 10 tickets" in mail.html


async def test_a_mail_is_readable_in_the_dark_and_asks_no_other_host(new_sale: NewSale) -> None:
    sale = await new_sale(3)
    await _book(sale, 1)
    mail, _ = await _mail(sale)
    assert '<meta name="color-scheme" content="light dark">' in mail.html
    assert "prefers-color-scheme: dark" in mail.html
    sources = re.findall(r'(?:src|href)="([^"]+)"', mail.html)
    base = sale.services.settings.base_url
    assert all(one.startswith(("cid:", f"{base}/bookings/")) for one in sources)
    assert "?token=" in mail.text
    assert mail.html.index('class="preheader"') < mail.html.index("<h1>")


async def test_names_in_hindi_reach_mail_and_paper_and_keep_out_of_the_sms(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(3, name="दिवाली मेला", venue="पुणे")
    ref = await _book(sale, 1)
    mail, post = await _mail(sale)
    assert "दिवाली मेला" in mail.subject
    assert sale.slug.replace("-", " ").title() in post.texts[0].text
    assert segments(post.texts[0].text) <= 2
    pdf = next(file for file in mail.attachments if file.media_type == "application/pdf")
    letters = set("दिवाली मेला") - {" "}
    for paper in (pdf.content, await sale.services.tickets.receipt(ref)):
        assert letters <= _letters(paper)
        sizes = {tuple(page.mediabox[2:]) for page in PdfReader(io.BytesIO(paper)).pages}
        assert [[round(side) for side in size] for size in sizes] == [A4]


async def test_the_calendar_keeps_its_uid_and_speaks_in_the_events_zone(new_sale: NewSale) -> None:
    sale = await new_sale(3)
    ref = await _book(sale, 1)
    services = sale.services
    first = Calendar.from_ical(await services.tickets.calendar(ref))
    await services.organizer.change(sale.slug, {"venue": "Another hall"}, actor="test")
    second = Calendar.from_ical(await services.tickets.calendar(ref))
    before, after = first.walk("VEVENT")[0], second.walk("VEVENT")[0]
    assert before["UID"] == after["UID"]
    assert int(str(after["SEQUENCE"])) > int(str(before["SEQUENCE"]))
    assert after["LOCATION"] == "Another hall"
    event = await services.catalog.event(sale.slug)
    assert after.decoded("DTSTART") == event.starts_at.astimezone(
        ZoneInfo(event.time_zone)
    ).replace(microsecond=0)
    assert [zone["TZID"] for zone in second.walk("VTIMEZONE")] == [event.time_zone]


async def test_the_qr_of_a_sold_ticket_is_signed_for_its_event(new_sale: NewSale) -> None:
    sale = await new_sale(3)
    ref = await _book(sale, 1)
    view = await sale.services.tickets.view(ref)
    found = sale.services.ticket_codes.read(view.tickets[0].qr_text)
    assert (found.code, found.event_id, found.proof) == (
        view.tickets[0].code,
        view.event.id,
        TicketSignature.SIGNED,
    )


@pytest.mark.parametrize("price", [0])
async def test_a_free_booking_speaks_of_no_money(new_sale: NewSale, price: int) -> None:
    sale = await new_sale(3, tiers=(NewTier("Tier 1", price, 3),))
    await _book(sale, 1)
    mail, post = await _mail(sale)
    assert _amounts(mail.text) == _amounts(mail.html) == _amounts(post.texts[0].text) == set()


async def test_a_pdf_is_drawn_once_until_the_booking_changes(
    new_sale: NewSale, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await new_sale(3)
    ref = await _book(sale, 1)
    drawn: list[str] = []

    def draw(booking: BookingView) -> bytes:
        drawn.append(booking.name)
        return booking.name.encode()

    monkeypatch.setattr(tickets_module, "draw_tickets", draw)
    first = await sale.services.tickets.pdf(ref)
    assert await sale.services.tickets.pdf(ref) == first
    assert len(drawn) == 1
    await sale.execute("UPDATE bookings SET name = 'Meera' WHERE ref = :ref", ref=ref)
    assert await sale.services.tickets.pdf(ref) == b"Meera"


async def test_pdfs_are_refused_beyond_a_short_queue_and_ten_a_minute(
    new_sale: NewSale, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However slow this machine is, no call is regained while the test runs.
    monkeypatch.setattr(tickets_module, "_PDFS", Limit("pdf-test", per_minute=1, burst=10))
    sale = await new_sale(3)
    ref = await _book(sale, 1)
    services = sale.services
    tickets = Tickets(
        services.database,
        services.identity,
        services.ticket_codes,
        RateLimiter(services.redis, enabled=True),
        base_url="",
    )
    results = await asyncio.gather(
        *(tickets.receipt(ref) for _ in range(10)), return_exceptions=True
    )
    assert any(isinstance(one, bytes) for one in results)
    assert all(isinstance(one, bytes | RateLimited) for one in results)
    with pytest.raises(RateLimited):
        await tickets.pdf(ref)
