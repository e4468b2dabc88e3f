"""The tickets of the checkout, with their steppers."""

from __future__ import annotations

import reflex as rx

from surge_app.components import controls, layout
from surge_app.components.prose import language
from surge_app.components.text import gettext as _
from surge_app.state.checkout import CheckoutState
from surge_app.state.element_ids import TICKETS
from surge_app.state.view_models import TierCard

# A short list is quicker to read than to unfold.
_MAX_UNFOLDED = 4
_LOCKED, _LAST = "tickets-locked", "last-tickets"


def choice() -> rx.Component:
    """List every ticket type."""
    return _card()


def held() -> rx.Component:
    """List what is held; the rest of a long list unfolds, so that the form is near."""
    return _card(
        rx.cond(
            rx.Var.create(CheckoutState.tiers).length() > _MAX_UNFOLDED,
            # The stylesheet hides what is not held. In a list of its own, a ticket type would
            # lose the focus whenever it changes lists.
            layout.disclosure(_("Other ticket types"), id="others"),
        ),
        rx.cond(
            CheckoutState.is_paying,
            rx.el.p(
                _(
                    "You've started to pay, so these tickets can't be changed. To choose others, "
                    "cancel and release them first."
                ),
                class_name="muted small",
                id=_LOCKED,
            ),
            rx.el.p(
                _("These are your last tickets. To give them back, cancel and release them below."),
                class_name="muted small why",
                id=_LAST,
            ),
        ),
    )


def _card(*below: rx.Component) -> rx.Component:
    return layout.card(
        rx.el.h2(_("Tickets"), class_name="sr-only", id=TICKETS, tab_index=-1),
        rx.el.ul(rx.foreach(CheckoutState.tiers, _tier), class_name="tiers divided"),
        *below,
        rx.cond(
            CheckoutState.sale.fee != "",
            rx.el.p(
                _("Booking fee {fee} per booking", fee=CheckoutState.sale.fee),
                class_name="muted small number",
            ),
        ),
    )


def _tier(tier: TierCard) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.p(tier.name, class_name="strong", **language(tier.name)),
            rx.el.p(tier.note, class_name="muted small number"),
            rx.el.p(
                tier.limit,
                id=f"limit-{tier.id}",
                class_name=rx.cond(tier.quantity > 0, "small", "small why"),
                # Ten types at the limit of a person must not all speak at once.
                role=rx.cond(tier.quantity > 0, "status", "note"),
            ),
            class_name="grow",
        ),
        controls.stepper(
            tier.quantity,
            name=tier.name,
            least=tier.least,
            most=tier.most,
            can_remove=tier.can_remove,
            can_add=tier.can_add,
            why_no_more=rx.cond(CheckoutState.is_paying, _LOCKED, f"limit-{tier.id}"),
            why_no_fewer=rx.cond(
                tier.quantity > 0, rx.cond(CheckoutState.is_paying, _LOCKED, _LAST), ""
            ),
            on_remove=CheckoutState.remove(tier.id),
            on_add=CheckoutState.add(tier.id),
        ),
        class_name=rx.cond(tier.quantity > 0, "tier", "tier none"),
        key=tier.id,
    )
