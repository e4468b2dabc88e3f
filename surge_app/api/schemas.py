"""The JSON of the contract. Money is integer paise, times are ISO 8601 in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from surge_app.api.fact_models import ViewOut, answer_of
from surge_app.services.bookings.views import RefundLine
from surge_app.services.checkout.views import IntentLineView
from surge_app.services.events.changes import EventChange
from surge_app.services.events.facts import PUBLIC_FACTS, ShownFact
from surge_app.services.events.rich_text import TextBlock
from surge_app.services.events.views import TierView
from surge_app.services.request_body import StrictBody

Slug = Annotated[str, Field(max_length=60)]


class EventOut(answer_of(PUBLIC_FACTS)):
    """An event and where its sale stands.

    `from_paise` and `to_paise` are the lowest and highest all-in price of a ticket one can still
    buy, `cover` is the address of its picture.
    """

    slug: str
    status: Literal["scheduled", "on_sale", "paused", "all_held", "sold_out", "ended", "cancelled"]
    currency: str
    fee_paise: int
    available: int
    few_left: bool
    from_paise: int
    to_paise: int
    cover: str
    facts: list[ShownFact]
    tiers: list[TierView]


class EventPageOut(EventOut):
    """An event with its description read as paragraphs, lists and links."""

    text: list[TextBlock]


class EtaOut(BaseModel):
    """An honest estimate: a range, in seconds."""

    low: int
    high: int


class OrderOut(BaseModel):
    """The rule by which visitors are called.

    With `random` those who came before the opening are drawn: `commitment` is the SHA-256 of
    `seed`, which stays null until the opening; `early` is how many numbers were drawn.
    """

    rule: Literal["fifo", "random"]
    commitment: str | None
    seed: str | None
    early: int | None


class QueueOut(BaseModel):
    """The state of a visitor. `position` 1 is next; `waiting` counts the whole queue.

    With `personal_below` or more ahead, `/api/queue/{slug}/public` suffices until there are fewer.
    `by_tier` counts free tickets in the order of the event's tiers; empty while it is not known.
    `note` explains why nothing moves or the estimate grew; `note_text` is the same in a sentence.
    """

    state: Literal["not_joined", "waiting", "admitted", "paused", "sold_out", "scheduled", "ended"]
    position: int | None
    ahead: int | None
    number: int | None
    eta_seconds: EtaOut | None
    odds: float | None
    retry_after_ms: int
    available: int
    by_tier: list[int]
    held: int
    message: str
    pass_expires_at: datetime | None
    waiting: int
    note: (
        Literal[
            "slower",
            "all_held",
            "recovering",
            "recalled",
            "place_lost",
            "full",
            "cookie_required",
            "moved",
        ]
        | None
    )
    note_text: str | None
    opens_in_ms: int | None
    order: OrderOut
    personal_below: int | None


class MoveIn(StrictBody):
    """The form of the checkout as far as it is filled in, by the names of its fields."""

    typed: dict[Annotated[str, Field(max_length=80)], Annotated[str, Field(max_length=200)]] = (
        Field(default_factory=dict, max_length=40)
    )


class MoveOut(BaseModel):
    """The codes of a place: a link with its QR code as a picture, and a short one to type."""

    link: str
    qr: str
    code: str
    valid_seconds: int


class TakeIn(StrictBody):
    """A code, scanned or typed; `replaces` gives up a place that this browser has."""

    code: str = Field(max_length=80)
    replaces: bool = False


class TakeOut(QueueOut):
    """The state of the visitor now, and the form as it was typed on the device before."""

    typed: dict[str, str]


class LineIn(StrictBody):
    """So many tickets of one tier."""

    tier_id: str = Field(max_length=40)
    quantity: int = Field(ge=0, le=100)


class LinesIn(StrictBody):
    """The selection of a visitor."""

    lines: list[LineIn] = Field(min_length=1, max_length=20)


class IntentOut(ViewOut):
    """A booking intent; only its visitor ever sees it."""

    id: str
    event_slug: str
    status: Literal["held", "paying", "confirmed", "expired", "released"]
    lines: list[IntentLineView]
    subtotal_paise: int
    fee_paise: int
    total_paise: int
    currency: str
    expires_at: datetime
    remaining_seconds: int
    booking_ref: str | None
    payments_paused: bool
    clock_stopped: bool


class HeartbeatOut(ViewOut):
    """The source of the page's countdown, which stands still while `clock_stopped`."""

    status: str
    remaining_seconds: int
    payments_paused: bool
    clock_stopped: bool


class ContactIn(StrictBody):
    """Contact details as typed; the answer to a wrong one has a sentence for each field.

    `attendees` has, by tier id, the name of who comes with each ticket, if the event asks for
    them; a wrong one is told under `attendees.{tier_id}.{number}`, counted from 0.
    """

    name: str = Field(max_length=500)
    email: str = Field(max_length=500)
    phone: str = Field(max_length=100)
    attendees: dict[
        Annotated[str, Field(max_length=40)],
        Annotated[list[Annotated[str, Field(max_length=500)]], Field(max_length=100)],
    ] = Field(default_factory=dict, max_length=20)


class PrefillOut(ViewOut):
    """The contact that the payment modal starts with."""

    name: str
    email: str
    phone: str


class CheckoutOut(ViewOut):
    """The parameters of the payment modal; a booking instead of an order if it is free."""

    key_id: str
    order_id: str | None
    amount_paise: int
    currency: str
    name: str
    description: str
    prefill: PrefillOut
    timeout_seconds: int
    script_url: str
    booking_ref: str | None


class OutcomeOut(ViewOut):
    """The state of a payment: confirmed, checking, unpaid, refunding or refunded."""

    booking_ref: str | None
    status: str


class TicketOut(ViewOut):
    """A ticket; `qr_text` is what its QR shows: the code, signed (see `/api/tickets/keys`)."""

    code: str
    qr_text: str
    tier_name: str
    seq: int
    status: str
    attendee_name: str


class BookingOut(ViewOut):
    """A booking, for its owner."""

    ref: str
    status: str
    event: EventOut
    name: str
    email: str
    phone: str
    lines: list[IntentLineView]
    tickets: list[TicketOut]
    subtotal_paise: int
    fee_paise: int
    total_paise: int
    currency: str
    channel: Literal["online", "box_office", "complimentary"]
    created_at: datetime
    refunds: list[RefundLine]
    changes: list[EventChange]
    cancelled_at: datetime | None
    cancel_reason: str


class SentOut(BaseModel):
    """The number of messages that were queued."""

    messages: int


class ProblemOut(BaseModel):
    """An error (RFC 9457). `code` is stable, `title` may be shown."""

    type: str
    title: str
    status: int
    code: str
