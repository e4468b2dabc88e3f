"""What services give to states, API and console: frozen, plain, safe to show.

A view never holds a table row. Money is integer paise, times are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from surge_app.services.waiting_room.views import LineStats


@dataclass(frozen=True, slots=True)
class TierView:
    """A tier with its counts and its own rules of sale.

    Attributes:
        all_in_paise: One ticket bought alone with the convenience fee folded in, the first
            figure an attendee sees; 0 if the ticket is free.
        status: scheduled, on_sale, all_held, sold_out or ended, as of the counts.
        sales_open_at: None if it opens with its event.
        sales_close_at: None if it closes with its event.
        min_per_booking: Whoever takes any takes at least so many in one booking.
        max_per_booking: None leaves the limit to `max_per_person` of the event.
    """

    id: str
    name: str
    price_paise: int
    all_in_paise: int
    capacity: int
    available: int
    held: int
    sold: int
    status: str = "on_sale"
    sales_open_at: datetime | None = None
    sales_close_at: datetime | None = None
    min_per_booking: int = 1
    max_per_booking: int | None = None


@dataclass(frozen=True, slots=True)
class EventView:
    """An event as attendees see it.

    Attributes:
        status: One of the words of the JSON contract.
        ask_attendee_names: Whether each ticket carries the name of who comes with it.
        is_rehearsal: Whether it is nobody's sale, and in no list.
        cover_digest: Of the organizer's picture; empty if the cover is drawn.
    """

    id: str
    slug: str
    name: str
    description: str
    venue: str
    time_zone: str
    starts_at: datetime
    sales_open_at: datetime | None
    sales_close_at: datetime | None
    status: str
    currency: str
    fee_paise: int
    max_per_person: int
    hold_seconds: int
    refund_policy: str
    organizer_name: str
    organizer_email: str
    organizer_phone: str
    ask_attendee_names: bool
    is_rehearsal: bool
    cover_digest: str
    tiers: tuple[TierView, ...]

    @property
    def available(self) -> int:
        """How many tickets are free right now."""
        return sum(tier.available for tier in self.tiers)

    @property
    def few_left(self) -> bool:
        """Whether it is fair to say so: a tenth of all, at most a hundred, and not none."""
        capacity = sum(tier.capacity for tier in self.tiers)
        return self.status == "on_sale" and self.available <= min(100, capacity // 10)

    @property
    def from_paise(self) -> int:
        """The lowest all-in price one can still pay; of all tiers once nothing is left."""
        free = [tier for tier in self.tiers if tier.available and tier.status != "ended"]
        return min((tier.all_in_paise for tier in free or self.tiers), default=0)

    @property
    def cover(self) -> str:
        """Where its picture is; the address changes with the picture."""
        name = f"cover.jpg?v={self.cover_digest}" if self.cover_digest else "cover.svg?v=1"
        return f"/api/events/{self.slug}/{name}"


@dataclass(frozen=True, slots=True)
class TierOffer:
    """The rules of sale of a tier, as `TierView`, without its counts."""

    id: str
    name: str
    price_paise: int
    sales_open_at: datetime | None
    sales_close_at: datetime | None
    min_per_booking: int
    max_per_booking: int | None


@dataclass(frozen=True, slots=True)
class Offer:
    """What a hold must know of an event: prices and rules, and no counts, which cost more."""

    id: str
    slug: str
    is_cancelled: bool
    closes_at: datetime
    currency: str
    fee_paise: int
    max_per_person: int
    hold_seconds: int
    tiers: tuple[TierOffer, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A wish: so many tickets of one tier."""

    tier_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class IntentLineView:
    """One line of an intent, with the price frozen when it was held."""

    tier_id: str
    tier_name: str
    quantity: int
    unit_price_paise: int


@dataclass(frozen=True, slots=True)
class IntentView:
    """A booking intent.

    Attributes:
        status: held, paying, confirmed, expired or released.
        remaining_seconds: Whole seconds until the hold ends, by the database's clock; 0 when
            it is over.
        booking_ref: Set once confirmed.
        payments_paused: The gateway is out, so no payment can be started.
        clock_stopped: `remaining_seconds` stays as it is until payments go on.
        attendees: For each tier id, the names given so far of who comes.
    """

    id: str
    event_slug: str
    status: str
    lines: tuple[IntentLineView, ...]
    subtotal_paise: int
    fee_paise: int
    total_paise: int
    currency: str
    expires_at: datetime
    remaining_seconds: int
    booking_ref: str | None
    name: str
    email: str
    phone: str
    payments_paused: bool = False
    clock_stopped: bool = False
    attendees: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def is_live(self) -> bool:
        """Whether the units are still reserved for this visitor."""
        return self.status in {"held", "paying"} and self.remaining_seconds > 0


@dataclass(frozen=True, slots=True)
class ListedIntent:
    """An intent as its organizer sees it; contact fields are empty if none were given."""

    id: str
    status: str
    lines: tuple[IntentLineView, ...]
    total_paise: int
    currency: str
    name: str
    email: str
    phone: str
    order_id: str | None
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class IntentPage:
    """Some intents, the newest first; `next_before` asks for the next page, None ends it."""

    intents: tuple[ListedIntent, ...]
    next_before: str | None


@dataclass(frozen=True, slots=True)
class Contact:
    """Who buys: parsed and normalized. `phone` is E.164, `email` has a lower-case domain.

    `attendees` holds, for each tier id, the names of who comes, empty where none was given.
    """

    name: str
    email: str
    phone: str
    attendees: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class CheckoutView:
    """What the payment modal needs. The order is the same on every repeat.

    Attributes:
        order_id: None if there is nothing to pay.
        timeout_seconds: When the modal closes by itself, a little before the tickets go.
        booking_ref: Set if there is nothing to pay: the tickets are free, or paid already.
    """

    key_id: str
    order_id: str | None
    amount_paise: int
    currency: str
    name: str
    description: str
    prefill: Contact
    timeout_seconds: int
    script_url: str
    booking_ref: str | None = None


@dataclass(frozen=True, slots=True)
class TicketView:
    """One ticket.

    Attributes:
        qr_text: What its QR shows: the code, signed.
        is_used: Whether it opened the door.
    """

    code: str
    tier_name: str
    seq: int
    status: str
    qr_text: str
    attendee_name: str = ""
    is_used: bool = False


@dataclass(frozen=True, slots=True)
class BookingView:
    """A booking as its owner sees it.

    Attributes:
        status: confirmed, refunding or refunded.
        channel: online, box_office (paid in cash) or complimentary.
    """

    ref: str
    status: str
    event: EventView
    name: str
    email: str
    phone: str
    lines: tuple[IntentLineView, ...]
    tickets: tuple[TicketView, ...]
    subtotal_paise: int
    fee_paise: int
    total_paise: int
    currency: str
    payment_id: str
    channel: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PaymentOutcome:
    """Where a payment stands after it was settled.

    Attributes:
        booking_ref: Set when the payment was applied to a booking.
        status: confirmed, checking (not captured yet), unpaid, unmatched or refunding.
        is_capture_due: It is authorized, its tickets are held, and it waits to be captured.
    """

    booking_ref: str | None
    status: str
    is_capture_due: bool = False


@dataclass(frozen=True, slots=True)
class RefundedView:
    """What an organizer's refund did.

    Attributes:
        status: Of the booking: confirmed while tickets stay valid, else refunding or refunded.
        amount_paise: What goes back; 0 if only free tickets became void.
        tickets: The numbers of the tickets that became void.
    """

    booking_ref: str
    status: str
    amount_paise: int
    tickets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StuckRefundView:
    """A refund nothing tries again by itself; `status` is requested or failed.

    Attributes:
        by_hand: It is of cash, and waits for somebody to hand it back.
        booking_ref: None if the payment never bought anything.
        last_error: What the gateway said last.
    """

    id: str
    booking_ref: str | None
    payment_id: str
    amount_paise: int
    reason: str
    status: str
    attempts: int
    last_error: str | None
    by_hand: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class QueueStats(LineStats):
    """The line as the organizer sees it, with the rules in force."""

    paused: bool = False
    concurrent_buyers: int = 0


@dataclass(frozen=True, slots=True)
class TierStats:
    """Counts of one tier; `available + held + sold == capacity`."""

    name: str
    capacity: int
    available: int
    held: int
    sold: int


@dataclass(frozen=True, slots=True)
class EventStats:
    """Sold against capacity, money and the line of one event, at one moment.

    `cash_paise` is the part of the revenue that was taken at the counter.
    """

    slug: str
    name: str
    venue: str
    time_zone: str
    starts_at: datetime
    status: str
    capacity: int
    available: int
    held: int
    sold: int
    bookings: int
    revenue_paise: int
    fees_paise: int
    cash_paise: int
    messages_pending: int
    messages_dead: int
    tiers: tuple[TierStats, ...]
    queue: QueueStats
    at: datetime
    gateway_down_since: datetime | None = None

    @property
    def gateway(self) -> str:
        """How the payment gateway is: ok or down."""
        return "ok" if self.gateway_down_since is None else "down"
