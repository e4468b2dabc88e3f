"""A purchase keeps its language: mail, SMS, papers and calendar follow it, whoever sends them."""

from __future__ import annotations

import io
import re

import pytest
from pypdf import PdfReader

from surge_app.languages import SUPPORTED, gettext, use
from surge_app.services.messaging.composer import Composer
from surge_app.services.messaging.sms_templates import TEXTS
from tests.engine.conftest import NewSale
from tests.engine.mail_helper import Post
from tests.engine.purchase_helper import Bought, buy
from tests.engine.sale_helper import Sale


async def _in_hindi(sale: Sale) -> Bought:
    with use("hi"):
        return await buy(sale, sale.line(2))


def _fonts(pdf: bytes) -> str:
    return " ".join(
        str(font.get_object()["/BaseFont"])
        for page in PdfReader(io.BytesIO(pdf)).pages
        for font in page["/Resources"]["/Font"].values()
    ).lower()


def _is_hindi(text: str) -> bool:
    return any("\u0900" <= letter <= "\u097f" for letter in text)


async def test_a_confirmation_in_hindi_is_hindi_in_all_its_parts(new_sale: NewSale) -> None:
    sale = await new_sale(5, 5)
    bought = await _in_hindi(sale)
    post = await Post.of(sale)
    await post.empty()
    (mail,), (sms,) = post.mails, post.texts
    event = await sale.services.catalog.event(sale.slug)
    assert mail.subject == f"{bought.ref}: {event.name} के आपके टिकट"
    assert "आपकी बुकिंग कन्फ़र्म हो गई है।" in mail.text
    assert "आपकी बुकिंग कन्फ़र्म हो गई है।" in mail.html
    assert '<html lang="hi-IN">' in mail.html
    assert "कुल पेमेंट: ₹1,025\n" in mail.text
    assert " कन्फ़र्म है: " in sms.text
    assert "पेमेंट ₹1,025।" in sms.text
    pdf, calendar = mail.attachments[-2:]
    assert "devanagari" in _fonts(pdf.content)
    assert len(PdfReader(io.BytesIO(pdf.content)).pages) == 2
    assert "devanagari" in _fonts(await sale.services.tickets.receipt(bought.ref))
    assert f"बुकिंग {bought.ref}। टिकट: " in calendar.content.decode().replace("\r\n ", "")


@pytest.mark.parametrize("tag", [tag for tag in SUPPORTED if tag != "en"])
async def test_a_confirmation_is_in_the_language_of_its_buyer(new_sale: NewSale, tag: str) -> None:
    sale = await new_sale(5)
    with use(tag):
        bought = await buy(sale, sale.line(2))
        confirmed = gettext("You're going. Your booking is confirmed.")
    post = await Post.of(sale)
    await post.empty()
    (mail,), (sms,) = post.mails, post.texts
    assert confirmed in mail.text
    assert confirmed in mail.html
    assert f'<html lang="{SUPPORTED[tag].html_lang}">' in mail.html
    for text in (mail.subject, mail.text, mail.html, sms.text):
        assert bought.ref in text
        assert not re.search(r"\{\w+\}", re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL))


async def test_a_sale_at_the_counter_has_the_language_of_its_buyer_not_of_its_seller(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(5)
    contact = {"email": "asha@example.com", "name": "Asha Rao"}
    with use("hi"):
        await sale.counter(**contact, language="en")
    hindi = await sale.counter(**contact, language="hi")
    # Of a value that is not offered nothing but English is left.
    await sale.counter(**contact, language="../hi")
    post = await Post.of(sale)
    await post.empty()
    assert len(post.mails) == 3
    assert [mail.subject.split(":")[0] for mail in post.mails if _is_hindi(mail.subject)] == [
        hindi.ref
    ]


async def test_a_refund_is_told_in_the_language_of_the_purchase(new_sale: NewSale) -> None:
    sale = await new_sale(5)
    english = await buy(sale, sale.line(1))
    hindi = await _in_hindi(sale)
    for bought in (english, hindi):
        await bought.refund()
    post = await Post.of(sale)
    await post.empty()
    told = {mail.text: mail for mail in post.mails if "₹" in mail.subject}
    for text, mail in told.items():
        assert _is_hindi(text) == _is_hindi(mail.subject) == (hindi.ref in text)
    texts = [sms.text for sms in post.texts if re.search("7 (working|कामकाजी)", sms.text)]
    assert sorted(map(_is_hindi, texts)) == [False, True]


async def test_an_sms_without_a_registered_hindi_text_is_sent_in_english(new_sale: NewSale) -> None:
    sale = await new_sale(5)
    await _in_hindi(sale)
    post = await Post.of(sale)
    services = sale.services
    post.dispatcher._composer = Composer(
        services.database, services.tickets, sms_texts=frozenset(TEXTS)
    )
    await post.empty()
    assert "is confirmed" in post.texts[0].text
    assert _is_hindi(post.mails[0].text)


async def test_a_tampered_language_in_the_database_is_english(new_sale: NewSale) -> None:
    sale = await new_sale(5)
    bought = await _in_hindi(sale)
    await sale.execute(
        "UPDATE intents SET language = '../hi' FROM bookings b "
        "WHERE b.intent_id = intents.id AND b.ref = :ref",
        ref=bought.ref,
    )
    post = await Post.of(sale)
    await post.empty()
    assert "your tickets for" in post.mails[0].subject
