"""Paying in the sandbox, with its bad days, and looking for the tickets afterwards."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from surge_app.languages import gettext as _
from surge_app.rehearsal.plan import Plan, VisitorProfile
from surge_app.rehearsal.recorder import Payment
from surge_app.rehearsal.virtual_browser import Answer, Browser

_CAPTURE_AFTER_SECONDS = 3.0
_POLL_SECONDS = 2.0
_AFTER_THE_END_SECONDS = 3.0
_HOW: dict[str, dict[str, object]] = {
    "duplicate": {"webhook": "duplicate"},
    "before_callback": {"webhook": "before_callback"},
    "out_of_order": {"webhook": "out_of_order"},
    "no_webhook": {"webhook": "none"},
    "lost": {"webhook": "none"},
    "forged": {"webhook": "forged"},
    "authorized": {"outcome": "authorized", "capture_after_seconds": _CAPTURE_AFTER_SECONDS},
}
_SILENT = {"no_callback", "lost", "too_late"}


class Payer:
    """Pays for one hold."""

    def __init__(self, browser: Browser, plan: Plan, profile: VisitorProfile) -> None:
        self._browser = browser
        self._notes = browser.crowd.notes
        self._plan = plan
        self._profile = profile

    async def pay(self, intent: dict[str, Any], *, walks_away: bool) -> str:
        """Start the payment and pay, and return how it ended."""
        contact = _contact(self._profile, str(intent["id"]))
        path = f"/api/intents/{intent['id']}/payment"
        order = await self._browser.insist("start payment", "POST", path, contact)
        if not order.is_good:
            return "expired" if order.code == "intent_expired" else "refused"
        if walks_away:
            return "walked_away"
        if order.body["amount_paise"] != intent["total_paise"]:
            self._notes.record_fault(_("the order asks for another amount than was shown"))
        self._notes.bad_days[self._profile.bad_day or "none"] += 1
        payment = Payment(
            self._profile.index,
            str(intent["id"]),
            str(order.body["order_id"]),
            int(order.body["amount_paise"]),
        )
        fields = await self._attempt(payment)
        if not fields.is_good:
            return "refused"
        self._notes.payments.append(payment)
        self._browser.crowd.payers[payment.order_id] = self._browser
        return await self._hand_over(payment, fields.body)

    async def _attempt(self, payment: Payment) -> Answer:
        """Pay as the day wants it; returns what the checkout hands to the page."""
        day = self._profile.bad_day
        if day == "second_try":
            await self._ask_bank(payment, outcome="failed")
        elif day == "failed_then_captured":
            failed = await self._ask_bank(payment, outcome="failed", webhook="none")
            metadata = failed.body.get("error", {}).get("metadata", {})
            late = metadata.get("payment_id")
            return await self._ask_bank(payment, payment_id=late, webhook="out_of_order")
        elif day == "too_late":
            await self._outlast(payment)
        elif day == "delayed":
            late = self._plan.late_seconds
            return await self._ask_bank(payment, webhook="delayed", delay_seconds=late)
        return await self._ask_bank(payment, **_HOW.get(day, {}))

    async def _ask_bank(self, payment: Payment, **wanted: object) -> Answer:
        path = f"/sandbox/razorpay/orders/{payment.order_id}/attempts"
        body = {"outcome": "captured", **wanted}
        return await self._browser.insist("pay at the bank", "POST", path, body)

    async def _outlast(self, payment: Payment) -> None:
        shown = await _read_intent(self._browser, payment)
        left = float(shown.body.get("remaining_seconds", 0)) if shown.is_good else 0.0
        await asyncio.sleep(left + _AFTER_THE_END_SECONDS)

    async def _hand_over(self, payment: Payment, fields: dict[str, Any]) -> str:
        """Tell Surge as the page does, unless the day has the browser closed first."""
        if self._profile.bad_day in _SILENT and not await self._heard_of(payment):
            return "refunded" if payment.refunded else "checking"
        if not await self._call_back(payment, fields):
            return "checking"
        if not payment.booking_ref:
            if not await self._heard_of(payment):
                return "refunded" if payment.refunded else "checking"
            await self._call_back(payment, fields)
        return await self._take_tickets(payment)

    async def _call_back(self, payment: Payment, fields: dict[str, Any]) -> bool:
        for _call in range(2 if self._profile.bad_day == "duplicate" else 1):
            path = "/api/payments/razorpay/callback"
            reply = await self._browser.insist("callback", "POST", path, fields)
            if not reply.is_good:
                self._notes.record_fault(
                    _(
                        "a callback was answered with {status} {code}",
                        status=reply.status,
                        code=reply.code,
                    )
                )
                return False
            ref = str(reply.body.get("booking_ref") or "")
            if payment.booking_ref and ref != payment.booking_ref:
                self._notes.record_fault(_("one payment led to two bookings"))
            payment.booking_ref = ref
        return True

    async def _heard_of(self, payment: Payment) -> bool:
        """Wait until Surge has learned of the money; return whether it is a booking."""
        until = time.monotonic() + self._plan.settle_seconds
        while time.monotonic() < until:
            await asyncio.sleep(_POLL_SECONDS)
            if await has_ended(self._browser, payment):
                break
        return bool(payment.booking_ref)

    async def _take_tickets(self, payment: Payment) -> str:
        self._notes.booked_at.append(self._notes.clock())
        path = f"/api/bookings/{payment.booking_ref}"
        shown = await self._browser.insist("tickets", "GET", path)
        if not shown.is_good:
            self._notes.record_fault(
                _("a booking did not open: {status} {code}", status=shown.status, code=shown.code)
            )
            return "booked"
        if shown.body["total_paise"] != payment.paise:
            self._notes.record_fault(_("a booking has another total than was paid"))
        tickets = [str(ticket["code"]) for ticket in shown.body["tickets"]]
        if len(tickets) != sum(line["quantity"] for line in shown.body["lines"]):
            self._notes.record_fault(_("a booking has another number of tickets than was paid for"))
        self._notes.tickets.update(tickets)
        return "booked"


async def has_ended(browser: Browser, payment: Payment) -> bool:
    """Find out whether a payment has become a booking or went back, and note which."""
    shown = await _read_intent(browser, payment)
    if shown.is_good and shown.body.get("booking_ref"):
        payment.booking_ref = str(shown.body["booking_ref"])
        return True
    path = f"/sandbox/razorpay/orders/{payment.order_id}"
    order = await browser.call("ask the bank", "GET", path)
    payment.refunded = order.is_good and order.body["amount_refunded"] >= payment.paise
    return payment.refunded


async def _read_intent(browser: Browser, payment: Payment) -> Answer:
    return await browser.call("look at hold", "GET", f"/api/intents/{payment.intent_id}")


def _contact(profile: VisitorProfile, intent_id: str) -> dict[str, str]:
    return {
        "name": f"Visitor {profile.index}",
        "email": f"visitor{profile.index}-{intent_id.lower()}@example.com",
        # The stand-in for Twilio delivers none to a number that ends in 000000.
        "phone": f"+91{9_800_000_001 + profile.index % 999_999}",
    }
