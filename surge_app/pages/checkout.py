"""The checkout on one page: choose, hold, say who is coming, pay."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import controls, formatting, layout
from surge_app.components.controls import button
from surge_app.components.feeds import connection, timers
from surge_app.components.frame import navigation, shell
from surge_app.components.match import match
from surge_app.components.scripts import razorpay_checkout
from surge_app.components.scripts.device_move import device_move
from surge_app.components.text import gettext as _
from surge_app.pages import checkout_states as states, contact_form, hold_timer, release, tier_list
from surge_app.pages.shared import price_details, problem_notice, sale_title
from surge_app.state.checkout import CheckoutState
from surge_app.state.element_ids import ENDED, HOLD, PAY

_BEAT_SECONDS = 15
_RECHECK_SECONDS = 4
_FORM = "who"


def page() -> rx.Component:
    """Build the page."""
    return shell.page(
        navigation.access_check(),
        navigation.when_settled(
            _loading(),
            navigation.redirect(CheckoutState.leave_to),
            navigation.focus(CheckoutState.focus, CheckoutState.focus_stamp),
            razorpay_checkout.payment_modal(
                CheckoutState.checkout, CheckoutState.attempt, CheckoutState.payment_closed
            ),
            connection.hold_record(
                CheckoutState.sale.slug,
                CheckoutState.sale.name,
                CheckoutState.price.tickets,
                rx.cond(
                    (CheckoutState.phase == "held") & (CheckoutState.leave_to == ""),
                    CheckoutState.remaining_seconds,
                    0,
                ),
                CheckoutState.stamp,
            ),
            problem_notice(),
            match(
                CheckoutState.phase,
                ("loading", _loading()),
                ("choose", "held", "expired", _shopping()),
                ("checking", _checking()),
                ("refunding", states.refunding()),
                ("closed", states.closed()),
                states.missing(),
            ),
            blocked=connection.blocked_checkout(),
        ),
        aside=navigation.when_settled(rx.fragment(), hold_timer.clock(), blocked=rx.fragment()),
        width="split",
        stuck=True,
    )


def _loading() -> rx.Component:
    return layout.loading(
        layout.split(
            layout.skeleton("36px", "80%"),
            layout.skeleton("24px", "70%"),
            layout.skeleton_card("50px"),
            side=(layout.skeleton_card("28px", "80px", "80px", "80px"),),
        )
    )


def _notice() -> rx.Component:
    return rx.cond(
        CheckoutState.notice != "",
        match(
            CheckoutState.tone,
            ("warn", layout.notice(CheckoutState.notice, tone="warn", action=_offer())),
            ("accent", layout.notice(CheckoutState.notice)),
            layout.notice(CheckoutState.notice, tone="bad"),
        ),
    )


def _offer() -> rx.Component:
    """Offer what is left with one button; it holds at once."""
    return rx.cond(
        CheckoutState.offer.label != "",
        button(
            CheckoutState.offer.label,
            kind="primary",
            full=True,
            disabled=CheckoutState.busy != "",
            id=HOLD,
            on_click=CheckoutState.accept_offer,
        ),
    )


def _total() -> rx.Component:
    price = CheckoutState.price
    return rx.cond(
        price.quantity > 0,
        rx.el.div(
            rx.el.div(
                rx.el.p(_("Total"), class_name="muted small"),
                rx.el.p(price.total, class_name="figure"),
            ),
            price_details(price),
            class_name="total",
        ),
        rx.el.p(_("Choose how many tickets you want."), class_name="muted"),
    )


def _nothing_free() -> rx.Component:
    """Say why nothing can be chosen; tickets that are released appear at once."""
    return rx.fragment(
        rx.el.p(
            rx.cond(
                CheckoutState.tickets_held > 0,
                _(
                    "All remaining tickets are in other people's checkouts. If any are released, "
                    "they appear here."
                ),
                _("All tickets are sold."),
            ),
            class_name="muted",
        ),
        states.other_events(),
    )


def _shopping() -> rx.Component:
    """Choose, hold and pay; the form stays on the page throughout.

    It is hidden rather than taken away when the time ends: what is half typed must not be lost.
    """
    return connection.require_connection(
        layout.split(
            sale_title(CheckoutState.sale),
            match(
                CheckoutState.phase,
                ("choose", _choose()),
                ("held", rx.fragment(hold_timer.beat(), tier_list.held())),
                _expired(),
            ),
            rx.el.div(contact_form.form(_FORM), hidden=CheckoutState.phase != "held"),
            side=(
                match(
                    CheckoutState.phase,
                    ("choose", _hold_bar()),
                    ("held", _pay_bar()),
                    rx.fragment(),
                ),
            ),
        ),
        answer=f"{CheckoutState.phase} {CheckoutState.busy} {CheckoutState.stamp} "
        f"{CheckoutState.focus_stamp} {CheckoutState.notice}",
    )


def _choose() -> rx.Component:
    return rx.fragment(
        timers.interval(_BEAT_SECONDS, CheckoutState.refresh_availability),
        rx.cond(
            CheckoutState.owned_link != "",
            layout.notice(
                _("You have a booking for this event already."),
                action=controls.link(
                    _("Open it"), href=CheckoutState.owned_link, class_name="link strong"
                ),
            ),
        ),
        tier_list.choice(),
        rx.el.p(
            _(
                "We'll hold your tickets for {duration} while you pay.",
                duration=CheckoutState.sale.hold_time,
            ),
            class_name="muted",
        ),
    )


def _hold_bar() -> rx.Component:
    return rx.fragment(_hold_choice(), device_move(CheckoutState.sale.slug))


def _hold_choice() -> rx.Component:
    return rx.el.div(
        connection.offline_notice(_("Your turn is kept until the time runs out.")),
        _notice(),
        # One way on at a time; another step of the stepper takes the offer back.
        rx.cond(
            CheckoutState.offer.label != "",
            rx.fragment(),
            rx.cond(
                # Where nothing can come back, another turn would lead nowhere.
                CheckoutState.may_shop
                | ((CheckoutState.tickets_free == 0) & (CheckoutState.tickets_held == 0)),
                rx.cond(
                    CheckoutState.tickets_free > 0,
                    rx.fragment(_total(), _hold_button()),
                    _nothing_free(),
                ),
                hold_timer.choice_over(),
            ),
        ),
        class_name="paybar",
    )


def _hold_button() -> rx.Component:
    return button(
        rx.cond(
            CheckoutState.busy == "hold",
            _spinning(_("Holding your tickets")),
            rx.cond(
                CheckoutState.price.quantity > 0,
                _("Hold {tickets}", tickets=CheckoutState.price.tickets),
                _("Hold tickets"),
            ),
        ),
        kind="primary",
        full=True,
        disabled=(CheckoutState.price.quantity == 0) | (CheckoutState.busy != ""),
        id=HOLD,
        on_click=CheckoutState.hold,
    )


def _pay_bar() -> rx.Component:
    return rx.fragment(
        rx.el.div(
            hold_timer.paused(),
            connection.offline_notice(_("We still hold your tickets while the clock runs.")),
            _notice(),
            # Outside the form, whose fields are remembered.
            rx.el.input(type="hidden", name="total", value=CheckoutState.price.total, form=_FORM),
            _total(),
            button(
                match(
                    CheckoutState.busy,
                    ("pay", _spinning(_("Opening the payment"))),
                    ("check", _spinning(_("Checking your payment"))),
                    rx.cond(
                        CheckoutState.price.is_free,
                        _("Book for free"),
                        _("Pay {amount}", amount=CheckoutState.price.total),
                    ),
                ),
                kind="primary",
                full=True,
                disabled=(CheckoutState.busy != "") | CheckoutState.payments_paused,
                id=PAY,
                type="submit",
                form=_FORM,
            ),
            class_name="paybar",
        ),
        rx.el.p(
            rx.cond(CheckoutState.price.is_free, "", _("UPI, cards, netbanking by Razorpay.")),
            " ",
            _("No account needed."),
            class_name="muted small center",
        ),
        device_move(CheckoutState.sale.slug),
        release.question(),
    )


def _spinning(label: Any) -> rx.Component:
    return rx.fragment(rx.el.span(class_name="spin", aria_hidden=True), label)


def _expired() -> rx.Component:
    return rx.fragment(
        timers.interval(_BEAT_SECONDS, CheckoutState.refresh_availability),
        layout.card(
            # The focus comes here, as the form it was in is gone; so it is read out once.
            rx.el.h2(
                _("Your time ran out"),
                class_name="hero words",
                id=ENDED,
                tab_index=-1,
                aria_describedby=f"{ENDED}-about",
            ),
            rx.el.p(
                _(
                    "We released your tickets. You haven't been charged, and we've kept your "
                    "details."
                ),
                class_name="muted",
                id=f"{ENDED}-about",
            ),
            rx.el.p(
                rx.cond(
                    CheckoutState.tickets_free > 0,
                    _("Tickets left: {count}", count=formatting.count(CheckoutState.tickets_free)),
                    rx.cond(
                        CheckoutState.tickets_held > 0,
                        _("No tickets are free right now. If any are released, they appear here."),
                        _("All tickets are sold."),
                    ),
                ),
                class_name="strong number",
                role="status",
            ),
        ),
        _notice(),
        rx.cond(
            (CheckoutState.tickets_free > 0)
            | (~CheckoutState.may_shop & (CheckoutState.tickets_held > 0)),
            _again(),
            states.other_events(),
        ),
    )


def _again() -> rx.Component:
    return button(
        rx.cond(
            CheckoutState.busy == "hold",
            _spinning(_("Holding your tickets")),
            rx.cond(
                CheckoutState.may_shop,
                rx.cond(
                    CheckoutState.price.quantity > 0,
                    _("Hold {tickets} again", tickets=CheckoutState.price.tickets),
                    _("Choose again"),
                ),
                _("Back to the queue"),
            ),
        ),
        kind="primary",
        full=True,
        disabled=CheckoutState.busy != "",
        on_click=CheckoutState.hold_again,
    )


def _checking() -> rx.Component:
    return rx.fragment(
        timers.interval(_RECHECK_SECONDS, CheckoutState.check_payment),
        sale_title(CheckoutState.sale),
        layout.card(
            rx.el.p(_("Your payment is being checked"), class_name="hero words", role="status"),
            rx.el.p(
                _(
                    "Please don't pay again. Your bank can take a few minutes to answer, and this "
                    "page updates automatically. You can close it: your tickets also come by "
                    "email and SMS."
                ),
                class_name="muted",
            ),
            rx.el.span(class_name="spin", aria_hidden=True),
        ),
        _notice(),
    )
