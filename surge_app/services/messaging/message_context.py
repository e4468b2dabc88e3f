"""The rows a message is about, and what they let it say about money."""

from __future__ import annotations

from dataclasses import dataclass, replace

from surge_app.db.messaging.subjects import MessageSubject
from surge_app.formatting import rupees
from surge_app.languages import gettext as _
from surge_app.models import (
    Booking,
    BookingStatus,
    EventNotice,
    Intent,
    MessageKind,
    Refund,
    RefundReason,
    SalesChannel,
)
from surge_app.services.events.views import EventView


@dataclass(frozen=True, slots=True)
class MessageContext:
    """The rows a message is about.

    Attributes:
        about: The intent with all that belongs to it.
        paid_paise: What the buyer paid, which may differ from the total of the order.
        refund_paise: What goes back, as far as the message is about that.
        cause: Why a payment buys nothing; empty if it buys.
        example: Stands for every amount in a preview.
    """

    about: MessageSubject
    event: EventView
    intent: Intent
    booking: Booking | None
    refund: Refund | None
    notice: EventNotice | None
    paid_paise: int
    refund_paise: int
    cause: str = ""
    example: str = ""

    def in_language(self) -> MessageContext:
        """Return it with the organizer's texts in the current language."""
        return replace(self, event=self.event.in_language())

    @property
    def paid(self) -> str:
        """The amount that the buyer paid, as it reads."""
        return self.example or rupees(self.paid_paise)

    @property
    def refunded(self) -> str:
        """The amount that goes back, as it reads."""
        return self.example or rupees(self.refund_paise)

    @property
    def ref(self) -> str:
        """The reference of the booking; empty without one."""
        return self.booking.ref if self.booking else ""

    @property
    def by_hand(self) -> bool:
        """Return whether the organizer hands it back, the way it was paid at the box office."""
        if self.refund is not None:
            return self.refund.by_hand
        return self.booking is not None and self.booking.channel == SalesChannel.BOX_OFFICE

    @property
    def is_additional(self) -> bool:
        """Return whether it is about a payment that bought nothing, beside one that did."""
        return self.refund is not None and self.refund.reason not in set(RefundReason)

    @property
    def is_cancelled(self) -> bool:
        """Return whether no ticket of the booking is valid any more."""
        if self.refund is not None:
            return self.refund.reason == RefundReason.WHOLE
        return self.booking is not None and self.booking.status != BookingStatus.CONFIRMED


def refund_title(context: MessageContext) -> str:
    """Return what a mail about a refund or cancelled tickets is called."""
    if context.is_additional:
        return _("Your second payment is being returned")
    if context.refund_paise:
        return _("{amount} is being refunded", amount=context.refunded)
    if context.is_cancelled:
        return _("Your booking is cancelled")
    return _("Some of your tickets are cancelled")


def money_sentences(kind: str, context: MessageContext) -> list[str]:
    """Return what a mail says of the money, as far as its kind is about that."""
    write = {
        MessageKind.REFUNDED: _refunded,
        MessageKind.REFUND_PAID: _paid_back,
        MessageKind.EVENT_CANCELLED: _event_cancelled,
        MessageKind.LATE_PAYMENT: _refused_payment,
    }.get(MessageKind(kind))
    return write(context) if write else []


def _refunded(context: MessageContext) -> list[str]:
    ref, event = context.ref, context.event.name
    if context.is_additional:
        amount = context.refunded
        return [
            _(
                "A second payment of {amount} arrived for booking {ref} ({event}).",
                amount=amount,
                ref=ref,
                event=event,
            ),
            _goes_back(context, amount),
            _("Your booking and its tickets stay valid. You don't need to do anything."),
        ]
    money = [_goes_back(context, _amount_of_booking(context))] if context.refund_paise else []
    if context.refund is not None and context.refund.reason == RefundReason.GOODWILL:
        return [*money, _("Your tickets stay valid.")]
    if context.is_cancelled:
        said = _(
            "Booking {ref} ({event}) is cancelled, and its tickets are no longer valid.",
            ref=ref,
            event=event,
        )
        return [said, *money]
    said = _("Some tickets of booking {ref} ({event}) are cancelled.", ref=ref, event=event)
    return [said, *money, _("Your other tickets stay valid.")]


def _paid_back(context: MessageContext) -> list[str]:
    values = {"amount": context.refunded, "event": context.event.name}
    if not context.ref:
        return [
            _(
                "We've refunded {amount} ({event}) to the account you paid from. Banks take up to "
                "7 working days.",
                **values,
            )
        ]
    return [
        _(
            "We've refunded {amount} for booking {ref} ({event}) to the account you paid from. "
            "Banks take up to 7 working days.",
            **values,
            ref=context.ref,
        )
    ]


def _event_cancelled(context: MessageContext) -> list[str]:
    ref = context.ref
    if context.intent.total_paise == 0:
        return [
            _("Your tickets of booking {ref} were free, so you don't need to do anything.", ref=ref)
        ]
    if not context.refund_paise:
        return [_("Booking {ref} is refunded already, so you don't need to do anything.", ref=ref)]
    money = _goes_back(context, _amount_of_booking(context))
    return [money] if context.by_hand else [money, _("You don't need to do anything.")]


def _refused_payment(context: MessageContext) -> list[str]:
    values = {
        "amount": context.refunded if context.refund_paise else context.paid,
        "event": context.event.name,
    }
    if context.cause == "event_cancelled":
        return [
            _(
                "{event} is cancelled, so we could not book any tickets with your payment of "
                "{amount}. We're sorry.",
                **values,
            )
        ]
    if context.cause == "person_limit":
        return [
            _(
                "You already have the most tickets that one person may buy for {event}. So we "
                "could not book any with your payment of {amount}.",
                **values,
            )
        ]
    return [
        _(
            "Your payment of {amount} for {event} arrived after your tickets were released, or "
            "did not match the order. So we could not book any tickets with it, and we're sorry.",
            **values,
        )
    ]


def _amount_of_booking(context: MessageContext) -> str:
    return _(
        "{amount} of booking {ref} ({event})",
        amount=context.refunded,
        ref=context.ref,
        event=context.event.name,
    )


def _goes_back(context: MessageContext, amount: str) -> str:
    if context.by_hand:
        return _("{amount} goes back to you from the organizer, the way you paid.", amount=amount)
    return _(
        "{amount} goes back to the account you paid from. Banks take up to 7 working days.",
        amount=amount,
    )
