"""The checkout: choose, hold, say who is coming, pay."""

from __future__ import annotations

from collections.abc import AsyncIterator

import reflex as rx

from surge_app.container import current
from surge_app.errors import (
    GatewayUnavailable,
    IntentExists,
    IntentExpired,
    InvalidContact,
    NotAdmitted,
    NotFound,
    PaymentBeingChecked,
    SurgeError,
)
from surge_app.languages import gettext as _
from surge_app.services.checkout.views import IntentView
from surge_app.services.events.views import EventView
from surge_app.services.payments.views import PaymentOutcome
from surge_app.state import session, view_models
from surge_app.state.choice_timer import ChoiceTimer
from surge_app.state.contact_form import ContactForm
from surge_app.state.element_ids import CONTACT, ENDED, HOLD, OUTCOMES, PAY, TICKETS
from surge_app.state.error_notice import clear_problem
from surge_app.state.hold_timer import HoldTimer
from surge_app.state.partial_offer import PartialOffer
from surge_app.state.release_question import ReleaseQuestion

_SELLING = {"on_sale", "all_held", "paused", "sold_out"}


class CheckoutState(ContactForm, ChoiceTimer, HoldTimer, PartialOffer, ReleaseQuestion, rx.State):
    """One visitor's checkout for one event.

    Attributes:
        phase: loading, choose, held, checking, refunding, expired, closed or missing.
        busy: The running action: hold, pay, check, or empty.
        attempt: Grows with each press of Pay that may open the modal, and never goes back.
    """

    phase: str = "loading"
    sale: view_models.SaleCard = view_models.SaleCard()
    tiers: list[view_models.TierCard] = []
    price: view_models.PriceCard = view_models.PriceCard()
    tickets_free: int = 0
    tickets_held: int = 0
    is_paying: bool = False
    owned_link: str = ""
    busy: str = ""
    checkout: view_models.CheckoutCard = view_models.CheckoutCard()
    attempt: int = 0

    _intent_id: str = ""
    _selection: dict[str, int] = {}

    @rx.event
    async def load(self) -> rx.event.EventCallback[()] | None:
        """Show where this visitor stands: a live hold, an ended one, or the choice."""
        await clear_problem(self)
        await self._load()
        # One handler is one hold of the state's lock; only where something is paid there is more.
        return CheckoutState.check_payment if self.is_paying else None

    async def _load(self) -> None:
        slug, visitor = session.path_param(self, 1), session.visitor(self)
        self._reset_page(slug)
        if visitor is None:
            self.leave_to = f"/queue/{slug}"
            return
        try:
            event = await current().catalog.event(slug)
            intent = await current().intents.latest(slug, visitor)
            await self._check_pass(slug, visitor)
        except SurgeError as error:
            self.phase = "missing" if isinstance(error, NotFound) else "closed"
            self.notice = error.text
        else:
            self._show_event(event)
            await self._show_arrival(event, intent)

    @rx.event
    async def add(self, tier_id: object) -> None:
        """Wish for one more ticket of a tier."""
        await self._adjust(tier_id, 1)

    @rx.event
    async def remove(self, tier_id: object) -> None:
        """Wish for one ticket less of a tier."""
        await self._adjust(tier_id, -1)

    @rx.event
    async def hold(self) -> AsyncIterator[None]:
        """Hold what is chosen."""
        visitor = session.visitor(self)
        if visitor is None or self.phase not in {"choose", "expired"}:
            return
        self.busy, self.notice = "hold", ""
        yield
        await self._hold_selection(visitor, self._selection, asked=self._selection)

    @rx.event
    async def accept_offer(self) -> AsyncIterator[None]:
        """Hold what is left of a refused selection, which is kept in case that is gone as well."""
        visitor, rest, asked = session.visitor(self), self._offered, self._asked
        if visitor is None or not rest or self.busy or self.phase not in {"choose", "held"}:
            return
        self.busy, self.notice = "hold", ""
        yield
        await self._hold_selection(visitor, rest, asked=asked)

    @rx.event
    async def hold_again(self) -> AsyncIterator[None]:
        """Continue after the hold expired: hold the same again, or return to the queue."""
        visitor, slug = session.visitor(self), self.sale.slug
        if self.phase != "expired":
            return
        if visitor is None or not await self._recheck_pass(slug, visitor):
            self.leave_to = f"/queue/{slug}"
            return
        if not self._selection or self.tickets_free == 0:
            self.phase = "choose"
            await self._refresh()
            self._focus(TICKETS)
            return
        async for step in self.hold():
            yield step

    @rx.event
    async def release(self) -> None:
        """Let the held tickets go."""
        visitor = session.visitor(self)
        self.asks_release = False
        if visitor is None or self.phase != "held":
            return
        try:
            await current().intents.release(self._intent_id, visitor)
        except SurgeError as error:
            self._show_notice(error.text)
            return
        self._intent_id, self._selection = "", {}
        self.phase, self.is_paying = "choose", False
        await self._recheck_pass(self.sale.slug, visitor)
        await self._refresh()
        self._focus(TICKETS)
        self._show_notice(_("Tickets released."), "accent")

    @rx.event
    async def heartbeat(self) -> None:
        """Ask the server how long the hold still lasts; the clock in the browser only shows it."""
        visitor = session.visitor(self)
        if visitor is None or not self._intent_id or self.phase not in {"held", "checking"}:
            return
        try:
            await self._refresh_hold(visitor)
        except SurgeError as error:
            self._show_notice(error.text, "warn")

    @rx.event
    async def refresh_availability(self) -> None:
        """Refresh counts without extending the pass: a forgotten tab must not keep it."""
        visitor = session.visitor(self)
        if visitor is None or self.phase not in {"choose", "expired"} or self.busy:
            return
        await self._recheck_pass(self.sale.slug, visitor)
        await self._refresh()

    @rx.event(background=True)
    async def pay(self, form: dict[str, object]) -> None:
        """Start the payment, or open it again: the order stays the same."""
        async with self:
            visitor = session.visitor(self)
            # A press counts too while the end of the last window is still being looked at.
            is_ready = self.phase == "held" and self.busy in {"", "check"}
            if visitor is None or not is_ready or self._refuse_other_total(form, self.price.total):
                return
            self.busy, self.notice = "pay", ""
            typed, coming = self._read_form(form)
            intent_id = self._intent_id
        try:
            checkout = await current().payments.start(intent_id, visitor, **typed, attendees=coming)
            intent = await current().intents.get(intent_id, visitor)
        except SurgeError as error:
            async with self:
                self.busy = ""  # What is busy cannot be looked at.
                await self._show_refusal(error, visitor)
        else:
            async with self:
                await self._refresh(intent)
                if checkout.order_id is not None:
                    self.checkout = view_models.checkout_card(checkout)
                    self.attempt += 1
        finally:
            async with self:
                self.busy = ""

    @rx.event(background=True)
    async def payment_closed(self, outcome: object) -> None:
        """Check the payment after its window closed; `outcome` only picks the sentence."""
        if isinstance(outcome, str) and outcome in OUTCOMES:
            await self._check(outcome)

    @rx.event(background=True)
    async def check_payment(self) -> None:
        """Look again while a payment is being checked, and once after a reload."""
        async with self:
            outcome = "failed" if self.phase == "checking" else session.query_param(self, "payment")
        await self._check(outcome)

    async def _check(self, outcome: str) -> None:
        async with self:
            visitor, intent_id = session.visitor(self), self._intent_id
            if visitor is None or not intent_id or self.busy:
                return
            if not self.is_paying or self.phase not in {"held", "checking"}:
                return
            self.busy, self.notice = "check", ""
        try:
            found: PaymentOutcome | None = await current().payments.check(intent_id, visitor)
        except GatewayUnavailable:
            # An unknown outcome is "checking": a second payment would be worse.
            found = PaymentOutcome(None, "checking")
        except NotFound:
            found = None
        finally:
            async with self:
                is_overtaken = self.busy != "check"
                if not is_overtaken:
                    self.busy = ""
        if not is_overtaken:
            async with self:
                await self._apply_outcome(found, outcome, visitor)

    async def _apply_outcome(
        self, found: PaymentOutcome | None, outcome: str, visitor: str
    ) -> None:
        if found is None:
            self.phase = "missing"
        elif found.booking_ref is not None:
            self.leave_to = session.booking_link(found.booking_ref)
        elif found.status in {"checking", "refunding"}:
            self.phase = found.status
        else:
            self.phase = "held"
            await self._refresh_hold(visitor)
            if self.phase == "held":
                self._show_notice(_(OUTCOMES.get(outcome, "")), "warn")
                self._focus(PAY)

    async def _refresh_hold(self, visitor: str) -> None:
        try:
            intent = await current().intents.heartbeat(self._intent_id, visitor)
        except (IntentExpired, NotFound):
            await self._expire(visitor)
        else:
            await self._refresh(intent)

    async def _adjust(self, tier_id: object, step: int) -> None:
        visitor = session.visitor(self)
        known = {tier.id: tier for tier in self.tiers}
        tier = known.get(tier_id) if isinstance(tier_id, str) else None
        if visitor is None or tier is None or self.phase not in {"choose", "held"}:
            return
        if self.busy or not (tier.can_add if step > 0 else tier.can_remove):
            return
        selection = {**self._selection, tier.id: view_models.stepped(tier, step)}
        self.notice = ""
        self._withdraw_offer()
        if self.phase == "choose":
            self._selection = selection
            await self._recheck_pass(self.sale.slug, visitor, is_active=True)
            await self._refresh()
            return
        await self._hold_selection(visitor, selection, asked=selection)

    async def _hold_selection(
        self, visitor: str, selection: dict[str, int], *, asked: dict[str, int]
    ) -> None:
        """Hold a wish, or exchange what is held for it; if refused, offer what is left."""
        slug, lines = self.sale.slug, view_models.lines_of(selection)
        held = self._selection if self.phase == "held" else {}
        intents, address = current().intents, session.client_address(self)
        self._withdraw_offer()
        try:
            if held:
                intent = await intents.change(
                    self._intent_id, visitor, lines, client_address=address
                )
            else:
                intent, _ = await intents.start(slug, visitor, lines, client_address=address)
        except NotAdmitted:
            await self._recheck_pass(slug, visitor)
            self.may_shop, self.choose_seconds = False, 0
            await self._refresh()
        except IntentExpired:
            await self._expire(visitor)
        except IntentExists as error:
            latest = await current().intents.latest(slug, visitor)
            await self._refresh(latest if latest and latest.is_live else None)
            self._show_notice(error.text, "warn")
        except SurgeError as error:
            self.phase = "held" if held else "choose"
            await self._refresh()
            self._offer_available(error, await current().catalog.event(slug), asked, held)
            self._show_notice(self.offer.text or error.text, "warn" if self.offer.label else "bad")
        else:
            await self._refresh(intent)
        finally:
            self.busy = ""
            if not held:
                self._focus(CONTACT if self.phase == "held" else HOLD)

    async def _show_arrival(self, event: EventView, intent: IntentView | None) -> None:
        """Choose the phase for a visitor who has just arrived."""
        if intent is not None:
            self._restore_contact(intent)
        if intent is not None and intent.status in {"held", "paying"} and intent.is_live:
            await self._refresh(intent)
        elif intent is not None and intent.status == "paying":
            self._intent_id, self.phase, self.is_paying = intent.id, "checking", True
        elif intent is not None and intent.booking_ref and not self.may_shop:
            self._intent_id, self.leave_to = intent.id, session.booking_link(intent.booking_ref)
        elif intent is not None and intent.status in {"held", "expired"} and not self.may_shop:
            self._selection, self.phase = view_models.selection_of(intent), "expired"
            await self._refresh()
        elif not self.may_shop:
            self.leave_to = f"/queue/{event.slug}"
        elif event.status not in _SELLING:
            self.phase = "closed"
        else:
            ref = intent.booking_ref if intent else None
            self.owned_link = session.booking_link(ref) if ref else ""
            ended = (
                view_models.selection_of(intent) if intent and intent.status == "expired" else {}
            )
            remembered = {} if ref else self._selection or ended
            self.phase, self._selection = "choose", remembered or view_models.first_selection(event)
            await self._refresh()

    async def _refresh(self, intent: IntentView | None = None) -> None:
        """Show fresh counts, and the hold if there is one."""
        event = await current().catalog.event(self.sale.slug)
        self._show_event(event)
        if intent is not None or self.phase not in {"held", "checking"}:
            self._set_clock(intent)
        if intent is not None and intent.booking_ref:
            self.leave_to = session.booking_link(intent.booking_ref)
            return
        if intent is not None:
            self._intent_id, self._selection = intent.id, view_models.selection_of(intent)
            self.is_paying = intent.status == "paying"
            self.price = view_models.price_of_intent(intent)
            self._show_attendee_fields(event, intent)
            if self.phase != "checking" or not self.is_paying:
                self.phase = "held" if intent.is_live else "checking"
        elif self.phase in {"choose", "expired"}:
            self.price = view_models.price_of_selection(event, self._selection)
        is_held = self.phase in {"held", "checking"}
        self.tiers = view_models.tier_cards(
            event, self._selection, is_held=is_held, is_locked=is_held and self.is_paying
        )

    async def _expire(self, visitor: str) -> None:
        self._intent_id, self.phase, self.is_paying = "", "expired", False
        self.notice, self.asks_release = "", False
        await self._recheck_pass(self.sale.slug, visitor)
        await self._refresh()
        self._focus(ENDED)

    async def _show_refusal(self, error: SurgeError, visitor: str) -> None:
        if isinstance(error, InvalidContact):
            self._show_field_errors(error)
        elif isinstance(error, IntentExpired | NotFound):
            await self._expire(visitor)
        elif isinstance(error, GatewayUnavailable):
            await self._refresh_hold(visitor)
            if not self.payments_paused:
                self._show_notice(error.text, "warn", at=PAY)
        elif isinstance(error, PaymentBeingChecked) and "booking_ref" in error.details:
            self.leave_to = session.booking_link(str(error.details["booking_ref"]))
        else:
            self._show_notice(error.text, at=PAY)

    def _show_event(self, event: EventView) -> None:
        self.sale = view_models.sale_card(event)
        self.tickets_free = sum(tier.available for tier in event.tiers)
        self.tickets_held = sum(tier.held for tier in event.tiers)

    def _reset_page(self, slug: str) -> None:
        """Forget the page before; a reconnection must not empty a form that is being filled."""
        typed = ("_selection", "contact", "suggestion", "_names") if self.sale.slug == slug else ()
        remembered = {name: getattr(self, name) for name in ("attempt", "focus_stamp", *typed)}
        self.reset()
        for name, value in remembered.items():
            setattr(self, name, value)
