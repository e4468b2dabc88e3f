"""View models: frozen values of ready text. No table row, no service view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from surge_app.formatting import price, rupees, tickets, when
from surge_app.languages import gettext as _, ngettext
from surge_app.services.bookings.views import DISCOUNT
from surge_app.services.checkout.contacts import ATTENDEES
from surge_app.services.checkout.shortages import Shortage
from surge_app.services.checkout.views import IntentLineView, IntentView, OrderLine
from surge_app.services.events.rich_text import TextPart
from surge_app.services.events.views import EventView, TierView
from surge_app.services.payments.views import CheckoutView

_PAIR = 2


@dataclass(frozen=True)
class FactCard:
    """A fact of an event under its heading."""

    title: str = ""
    lines: tuple[TextPart, ...] = ()


@dataclass(frozen=True)
class SaleCard:
    """The event a page is about."""

    slug: str = ""
    name: str = ""
    venue: str = ""
    when: str = ""
    status: str = ""
    hold_time: str = "5 minutes"
    fee: str = ""
    facts: tuple[FactCard, ...] = ()
    directions: str = ""


@dataclass(frozen=True)
class TierCard:
    """A tier with the number of tickets chosen or held; some or none, never fewer than `least`.

    Attributes:
        limit: Why no more can be added; empty if they can.
    """

    id: str = ""
    name: str = ""
    note: str = ""
    limit: str = ""
    least: int = 1
    most: int = 0
    quantity: int = 0
    can_add: bool = False
    can_remove: bool = False


@dataclass(frozen=True)
class PriceRow:
    """One row of the breakup of a price."""

    label: str = ""
    amount: str = ""


@dataclass(frozen=True)
class PriceCard:
    """The all-in price of the quantity shown, and its breakup."""

    quantity: int = 0
    tickets: str = ""
    total: str = ""
    is_free: bool = False
    rows: tuple[PriceRow, ...] = ()


@dataclass(frozen=True)
class OfferCard:
    """A partial offer: its text and the text of its button; empty if nothing is left."""

    text: str = ""
    label: str = ""


@dataclass(frozen=True)
class ContactCard:
    """The buyer for the payment modal, or the fields of the contact form, or their errors."""

    name: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True)
class AttendeeCard:
    """The name field of one ticket, with its label, text and error."""

    id: str = ""
    label: str = ""
    name: str = ""
    complaint: str = ""


@dataclass(frozen=True)
class CheckoutCard:
    """The parameters of the payment modal; nothing in it is secret."""

    key_id: str = ""
    order_id: str = ""
    amount_paise: int = 0
    currency: str = ""
    name: str = ""
    description: str = ""
    prefill: ContactCard = ContactCard()
    timeout_seconds: int = 0
    script_url: str = ""


def sale_card(event: EventView) -> SaleCard:
    """Project an event."""
    event = event.in_language()
    return SaleCard(
        slug=event.slug,
        name=event.name,
        venue=event.venue,
        when=when(event.starts_at, event.time_zone),
        status=event.status,
        hold_time=_hold_time(event.hold_seconds),
        fee=rupees(event.fee_paise) if any(tier.price_paise for tier in event.tiers) else "",
        facts=tuple(FactCard(fact.title, fact.lines) for fact in event.facts),
        directions=event.directions,
    )


def _hold_time(seconds: int) -> str:
    """Return how long a hold lasts, never longer than it does."""
    minutes, rest = divmod(seconds, 60)
    if minutes < 2 and rest:  # noqa: PLR2004  to leave out some seconds of so few would mislead
        return ngettext("{count} second", "{count} seconds", seconds)
    return ngettext("{count} minute", "{count} minutes", minutes)


def tier_cards(
    event: EventView, selection: dict[str, int], *, is_held: bool, is_locked: bool = False
) -> list[TierCard]:
    """Project the tiers of an event.

    Args:
        selection: Tickets by tier id; what is held if `is_held`.
        is_held: Whether the wish is reserved already, so `available` does not count it.
        is_locked: Whether nothing can be changed any more.
    """
    total = sum(selection.values())
    cards: list[TierCard] = []
    for tier in event.tiers:
        chosen, least = selection.get(tier.id, 0), tier.min_per_booking
        fewer = chosen - (chosen if chosen <= least else 1)
        limit = _limit(event, tier, selection, is_held=is_held)
        cards.append(
            TierCard(
                id=tier.id,
                name=tier.name,
                note=_note(event, tier, chosen if is_held else 0),
                limit="" if is_locked else limit,
                least=least,
                most=chosen + max(0, _room(event, tier, selection, is_held=is_held)),
                quantity=chosen,
                can_add=not is_locked and not limit,
                # The last held ticket is given back by its own button, which asks first.
                can_remove=not is_locked
                and chosen > 0
                and not (is_held and total - chosen + fewer == 0),
            )
        )
    return cards


def stepped(tier: TierCard, step: int) -> int:
    """Return the quantity after a step up or down; between none and the least there is nothing."""
    quantity = tier.quantity + step
    if quantity >= tier.least:
        return quantity
    return tier.least if step > 0 else 0


def _room(event: EventView, tier: TierView, selection: dict[str, int], *, is_held: bool) -> int:
    """Return how many more of a tier can be wished for."""
    if tier.status in {"scheduled", "ended"}:
        return 0
    chosen = selection.get(tier.id, 0)
    return min(
        tier.available if is_held else tier.available - chosen,
        event.max_per_person - sum(selection.values()),
        (tier.max_per_booking or event.max_per_person) - chosen,
    )


def _limit(event: EventView, tier: TierView, selection: dict[str, int], *, is_held: bool) -> str:
    """Return why one more of a tier cannot be had, or the fewest of it; empty if they can."""
    chosen = selection.get(tier.id, 0)
    needed = max(1, tier.min_per_booking - chosen)
    if needed <= _room(event, tier, selection, is_held=is_held):
        return ""
    if tier.status in {"scheduled", "ended"}:
        return _sentence(_stand(event, tier))
    if sum(selection.values()) + needed > event.max_per_person:
        return ngettext(
            "Maximum {count} ticket per person",
            "Maximum {count} tickets per person",
            event.max_per_person,
        )
    if tier.max_per_booking is not None and chosen + needed > tier.max_per_booking:
        return _("Maximum {most} of these per booking", most=tier.max_per_booking)
    left = tier.available if is_held else tier.available - chosen
    if left > 0:
        return _(
            "At least {least} per booking, and only {left} left",
            least=tier.min_per_booking,
            left=left,
        )
    return _("No more left") if chosen else _sentence(_stand(event, tier))


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _note(event: EventView, tier: TierView, yours: int) -> str:
    each = price(tier.price_paise)
    if yours:
        if not tier.price_paise:
            return _("{number} held for you · {price}", number=yours, price=each)
        return _("{number} held for you · {price} each", number=yours, price=each)
    return " · ".join([each, _stand(event, tier), *_quantity_rules(event, tier)])


def _quantity_rules(event: EventView, tier: TierView) -> list[str]:
    least, most = tier.min_per_booking, tier.max_per_booking
    if least > 1 and most == least:
        groups = _("sold in groups of {number}", number=least)
        return [_("sold in pairs") if least == _PAIR else groups]
    rules = [_("at least {number}", number=least)] if least > 1 else []
    if most is not None and most < event.max_per_person:
        rules.append(_("at most {number}", number=most))
    return rules


def _stand(event: EventView, tier: TierView) -> str:
    opens = tier.sales_open_at or event.sales_open_at
    if tier.status == "scheduled" and opens:
        return _("opens {time}", time=when(opens, event.time_zone))
    words = {
        "ended": _("no longer on sale"),
        "sold_out": _("sold out"),
        "all_held": _("all in checkouts"),
        "scheduled": _("not open yet"),
    }
    return words.get(tier.status) or _("{number} left", number=tier.available)


def price_of_selection(event: EventView, selection: dict[str, int]) -> PriceCard:
    """Price a wish exactly as the hold will: the tickets, and the fee once unless all is free."""
    rows = [
        (tier.name, selection[tier.id], tier.price_paise)
        for tier in event.tiers
        if selection.get(tier.id, 0) > 0
    ]
    costs = any(each for _, _, each in rows)
    return _price(rows, event.fee_paise if costs else 0) if rows else PriceCard()


def price_of_lines(
    lines: tuple[IntentLineView, ...], *, fee_paise: int, total_paise: int
) -> PriceCard:
    """Show a frozen price; it is never computed anew."""
    rows = [(line.tier_name, line.quantity, line.unit_price_paise) for line in lines]
    return _price(rows, fee_paise, total_paise)


def price_of_intent(intent: IntentView) -> PriceCard:
    """Show the frozen price of an intent."""
    return price_of_lines(intent.lines, fee_paise=intent.fee_paise, total_paise=intent.total_paise)


def _price(
    rows: list[tuple[str, int, int]], fee_paise: int, total_paise: int | None = None
) -> PriceCard:
    shown = [
        PriceRow(f"{quantity} \u00d7 {name}", price(quantity * each))
        for name, quantity, each in rows
    ]
    if fee_paise:
        shown.append(PriceRow(_("Booking fee, once per booking"), rupees(fee_paise)))
    quantity = sum(quantity for _, quantity, _ in rows)
    listed_paise = sum(quantity * each for _, quantity, each in rows) + fee_paise
    if total_paise is None:
        total_paise = listed_paise
    if total_paise < listed_paise:
        shown.append(PriceRow(_(DISCOUNT), f"−{rupees(listed_paise - total_paise)}"))
    is_free = total_paise == 0
    return PriceCard(quantity, tickets(quantity), price(total_paise), is_free, tuple(shown))


def first_selection(event: EventView) -> dict[str, int]:
    """Start with the fewest tickets one can take where there is nothing to choose from."""
    open_tiers = [
        tier
        for tier in event.tiers
        if tier.min_per_booking <= _room(event, tier, {}, is_held=False)
    ]
    return {tier.id: tier.min_per_booking for tier in open_tiers} if len(open_tiers) == 1 else {}


def offer_card(event: EventView, short: Sequence[Shortage], rest: dict[str, int]) -> OfferCard:
    """Tell what each tier is short of, and offer the rest if there is any."""
    names = {tier.id: tier.name for tier in event.tiers}
    if not short:
        return OfferCard()
    number = sum(rest.values())
    counts = [
        _("{tier}: {number} left", tier=names[one.tier_id], number=one.left)
        if one.left
        else _("{tier}: none left", tier=names[one.tier_id])
        for one in short
    ]
    if len(short) == 1 and len(rest) <= 1 and short[0].left:
        counts = [_("{number} left", number=short[0].left)]
    counted = ". ".join(counts)
    if not number:
        return OfferCard(f"{counted}.")
    total = price_of_selection(event, rest).total
    return OfferCard(
        _("{counts}: take {number}?", counts=counted, number=number),
        _("Take {number}: {total}", number=number, total=total),
    )


def attendee_cards(intent: IntentView, names: dict[str, str]) -> list[AttendeeCard]:
    """Ask for one name for each ticket of a hold.

    Args:
        names: What was typed already, by the field's name.
    """
    number, total = 0, sum(line.quantity for line in intent.lines)
    made: list[AttendeeCard] = []
    for line in intent.lines:
        for seq in range(line.quantity):
            number += 1
            field = f"{ATTENDEES}{line.tier_id}.{seq}"
            which = {"number": number, "total": total, "tier": line.tier_name}
            label = _("Ticket {number} of {total}, {tier}", **which)
            made.append(AttendeeCard(field, label, names.get(field, "")))
    return made


def names_of(intent: IntentView) -> dict[str, str]:
    """Return the names given so far, by the field's name."""
    return {
        f"{ATTENDEES}{tier_id}.{seq}": name
        for tier_id, names in intent.attendees
        for seq, name in enumerate(names)
    }


def lines_of(selection: dict[str, int]) -> list[OrderLine]:
    """Convert a selection to order lines."""
    return [OrderLine(tier_id, quantity) for tier_id, quantity in selection.items() if quantity > 0]


def selection_of(intent: IntentView) -> dict[str, int]:
    """Convert the lines of an intent to a selection."""
    return {line.tier_id: line.quantity for line in intent.lines}


def checkout_card(view: CheckoutView) -> CheckoutCard:
    """Project what the payment modal needs."""
    return CheckoutCard(
        key_id=view.key_id,
        order_id=view.order_id or "",
        amount_paise=view.amount_paise,
        currency=view.currency,
        name=view.name,
        description=view.description,
        prefill=ContactCard(view.prefill.name, view.prefill.email, view.prefill.phone),
        timeout_seconds=view.timeout_seconds,
        script_url=view.script_url,
    )
