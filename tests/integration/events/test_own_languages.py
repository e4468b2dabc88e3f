"""The organizer's texts in another language reach the page, the API, the mail and the papers."""

from __future__ import annotations

import io

from pypdf import PdfReader

from tests.conftest import NewBuyer, NewSale, eventually

_TEXTS = "hi name: Barsaat ki raat\nhi venue: Purani mill\nhi what_to_bring: Chhata laaiye."


async def test_texts_of_the_organizer_follow_the_language_of_the_visitor(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(await new_sale(name="Monsoon night", translations=_TEXTS))
    path = f"/events/{buyer.slug}"
    english = (await buyer.http.get(f"/api{path}")).json()
    hindi = (await buyer.http.get(f"/api{path}?lang=hi")).json()
    assert (english["name"], hindi["name"]) == ("Monsoon night", "Barsaat ki raat")
    assert "translations" not in english
    assert "Chhata laaiye." in str(hindi["facts"])
    page = (await buyer.http.get(f"{path}?lang=hi")).text
    assert "<h1" in page
    assert '"name": "Barsaat ki raat"' in page
    assert "Purani mill" in page
    other = (await buyer.http.get(f"{path}?lang=ta")).text
    assert "Monsoon night" in other
    assert "Barsaat" not in other


async def test_a_booking_keeps_the_texts_of_its_language(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(await new_sale(name="Monsoon night", translations=_TEXTS))
    buyer.http.cookies.set("surge_lang", "hi")
    ref = await buyer.buy()
    pdf = (await buyer.http.get(f"/api/bookings/{ref}/tickets.pdf")).content
    assert "Barsaat ki raat" in PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
    calendar = (await buyer.http.get(f"/api/bookings/{ref}/calendar.ics")).text
    assert "SUMMARY:Barsaat ki raat" in calendar

    async def subjects() -> list[str]:
        outbox = (await buyer.http.get("/sandbox/outbox.json")).json()["messages"]
        return [one["subject"] for one in outbox if one["booking_ref"] == ref and one["subject"]]

    async def is_told() -> bool:
        return any("Barsaat ki raat" in subject for subject in await subjects())

    await eventually(is_told, about="the confirmation")
