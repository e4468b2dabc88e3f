"""The checkout on one page: choose, hold, say who is coming, pay."""

from __future__ import annotations

import reflex as rx

from surge_app.components import controls, formatting, layout, shell, status, timers
from surge_app.components.controls import button, button_link, text_button
from surge_app.components.match import switch
from surge_app.pages import contact_form, hold_timer
from surge_app.pages.shared import price_details, problem_notice, sale_title
from surge_app.state.checkout import BookState
from surge_app.state.element_ids import ENDED, HOLD, PAY, TICKETS
from surge_app.state.view_models import TierCard

_BEAT_SECONDS = 15
_RECHECK_SECONDS = 4
_FORM = "who"


def page() -> rx.Component:
    """Build the page."""
    return shell.page(
        timers.settled(
            _loading(),
            timers.leave(BookState.leave_to),
            timers.focus(BookState.focus, BookState.focus_stamp),
            timers.payment_modal(BookState.checkout, BookState.attempt, BookState.payment_closed),
            status.disconnected(),
            problem_notice(),
            switch(
                BookState.phase,
                ("loading", _loading()),
                ("choose", "held", "expired", _shopping()),
                ("checking", _checking()),
                ("refunding", _refunding()),
                ("closed", _closed()),
                _missing(),
            ),
        ),
        aside=timers.settled(rx.fragment(), hold_timer.clock()),
        stuck=True,
    )


def _loading() -> rx.Component:
    return layout.loading(
        layout.skeleton("36px", "80%"),
        layout.skeleton("24px", "70%"),
        layout.waiting_card("50px"),
        layout.waiting_card("28px", "80px", "80px", "80px"),
    )


def _tiers() -> rx.Component:
    return layout.card(
        rx.el.h2("Tickets", class_name="sr-only", id=TICKETS, tab_index=-1),
        rx.el.ul(rx.foreach(BookState.tiers, _tier), class_name="tiers divided"),
    )


def _tier(tier: TierCard) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.p(tier.name, class_name="strong"),
            rx.el.p(tier.note, class_name="muted small number"),
            class_name="grow",
        ),
        controls.stepper(
            tier.quantity,
            name=tier.name,
            can_remove=tier.can_remove,
            can_add=tier.can_add,
            on_remove=BookState.remove(tier.id),
            on_add=BookState.add(tier.id),
        ),
        class_name="tier",
        key=tier.id,
    )


def _notice() -> rx.Component:
    return rx.cond(
        BookState.notice != "",
        switch(
            BookState.tone,
            ("warn", layout.notice(BookState.notice, tone="warn", action=_offer())),
            ("accent", layout.notice(BookState.notice)),
            layout.notice(BookState.notice, tone="bad"),
        ),
        rx.fragment(),
    )


def _offer() -> rx.Component:
    """Offer what is left with one button; it holds at once."""
    return rx.cond(
        BookState.offer.label != "",
        button(
            BookState.offer.label,
            kind="primary",
            full=True,
            disabled=BookState.busy != "",
            id=HOLD,
            on_click=BookState.take,
        ),
        rx.fragment(),
    )


def _total() -> rx.Component:
    price = BookState.price
    return rx.cond(
        price.quantity > 0,
        rx.el.div(
            rx.el.div(
                rx.el.p("Total, everything included", class_name="muted small"),
                rx.el.p(price.total, class_name="figure"),
            ),
            price_details(price),
            class_name="total",
        ),
        rx.el.p("Choose how many tickets you want.", class_name="muted"),
    )


def _nothing_free() -> rx.Component:
    """Say why nothing can be chosen; what comes back is shown as soon as it does."""
    return rx.fragment(
        rx.el.p(
            rx.cond(
                BookState.seats_held > 0,
                "Every ticket that is left is on hold. Some may come back in a few minutes; this "
                "page shows it when they do.",
                "All tickets are sold.",
            ),
            class_name="muted",
        ),
        button_link("See other events", href="/events", full=True),
    )


def _shopping() -> rx.Component:
    """Choose, hold and pay; the form stays on the page throughout.

    It is hidden rather than taken away when the time ends: what is half typed must not be lost.
    """
    return rx.fragment(
        sale_title(BookState.sale),
        switch(
            BookState.phase,
            ("choose", _choose()),
            ("held", rx.fragment(hold_timer.beat(), _tiers())),
            _expired(),
        ),
        rx.el.div(contact_form.form(_FORM), hidden=BookState.phase != "held"),
        switch(BookState.phase, ("choose", _hold_bar()), ("held", _pay_bar()), rx.fragment()),
    )


def _choose() -> rx.Component:
    return rx.fragment(
        timers.every(_BEAT_SECONDS, BookState.look),
        rx.cond(
            BookState.owned_link != "",
            layout.notice(
                "You have a booking for this event already.",
                action=controls.link(
                    "Open it", href=BookState.owned_link, class_name="link strong"
                ),
            ),
            rx.fragment(),
        ),
        _tiers(),
        rx.el.p(
            f"Your tickets are held for {BookState.sale.hold_minutes} minutes while you pay.",
            class_name="muted",
        ),
    )


def _hold_bar() -> rx.Component:
    return rx.el.div(
        _notice(),
        # One way on at a time; another step of the stepper takes the offer back.
        rx.cond(
            BookState.offer.label != "",
            rx.fragment(),
            rx.cond(
                BookState.seats_free > 0, rx.fragment(_total(), _hold_button()), _nothing_free()
            ),
        ),
        class_name="paybar",
    )


def _hold_button() -> rx.Component:
    return button(
        rx.cond(
            BookState.busy == "hold",
            _spinning("Holding your tickets"),
            rx.cond(
                BookState.price.quantity > 0,
                rx.fragment("Hold ", BookState.price.tickets),
                rx.fragment("Hold tickets"),
            ),
        ),
        kind="primary",
        full=True,
        disabled=(BookState.price.quantity == 0) | (BookState.busy != ""),
        id=HOLD,
        on_click=BookState.hold,
    )


def _pay_bar() -> rx.Component:
    return rx.fragment(
        text_button("Let these tickets go", on_click=BookState.release),
        rx.el.div(
            hold_timer.paused(),
            _notice(),
            _total(),
            button(
                switch(
                    BookState.busy,
                    ("pay", _spinning("Opening the payment")),
                    ("check", _spinning("Checking your payment")),
                    rx.cond(
                        BookState.price.is_free,
                        rx.fragment("Book for free"),
                        rx.fragment("Pay ", BookState.price.total),
                    ),
                ),
                kind="primary",
                full=True,
                disabled=(BookState.busy != "") | BookState.payments_paused,
                id=PAY,
                type="submit",
                form=_FORM,
            ),
            class_name="paybar",
        ),
        rx.el.p(
            rx.cond(BookState.price.is_free, "", "UPI, cards, netbanking by Razorpay. "),
            "No account needed.",
            class_name="muted small center",
        ),
    )


def _spinning(label: str) -> rx.Component:
    return rx.fragment(rx.el.span(class_name="spin", aria_hidden=True), label)


def _expired() -> rx.Component:
    return rx.fragment(
        timers.every(_BEAT_SECONDS, BookState.look),
        layout.card(
            # The focus comes here, as the form it was in is gone; so it is read out once.
            rx.el.h2(
                f"Your {BookState.sale.hold_minutes} minutes ended",
                class_name="hero words",
                id=ENDED,
                tab_index=-1,
                aria_describedby=f"{ENDED}-about",
            ),
            rx.el.p(
                "The tickets went back to the others. Nothing was paid. What you typed is kept.",
                class_name="muted",
                id=f"{ENDED}-about",
            ),
            rx.el.p(
                rx.cond(
                    BookState.seats_free > 0,
                    rx.fragment("Seats free right now: ", formatting.count(BookState.seats_free)),
                    rx.cond(
                        BookState.seats_held > 0,
                        "No seat is free right now. Some are on hold and may come back; this page "
                        "shows it when one does.",
                        "All tickets are sold.",
                    ),
                ),
                class_name="strong number",
                role="status",
            ),
        ),
        _notice(),
        rx.cond(
            (BookState.seats_free > 0) | (~BookState.may_shop & (BookState.seats_held > 0)),
            _again(),
            button_link("See other events", href="/events", full=True),
        ),
    )


def _again() -> rx.Component:
    return button(
        rx.cond(
            BookState.busy == "hold",
            _spinning("Holding your tickets"),
            rx.cond(
                BookState.may_shop,
                rx.cond(
                    BookState.price.quantity > 0,
                    rx.fragment("Hold ", BookState.price.tickets, " again"),
                    "Choose again",
                ),
                "Back to the line",
            ),
        ),
        kind="primary",
        full=True,
        disabled=BookState.busy != "",
        on_click=BookState.again,
    )


def _checking() -> rx.Component:
    return rx.fragment(
        timers.every(_RECHECK_SECONDS, BookState.recheck),
        sale_title(BookState.sale),
        layout.card(
            rx.el.p("Your payment is being checked", class_name="hero words", role="status"),
            rx.el.p(
                "Do not pay again. Your bank can take a few minutes to answer; this page goes on "
                "by itself. If you close it, your tickets still come by email and SMS.",
                class_name="muted",
            ),
            rx.el.span(class_name="spin", aria_hidden=True),
        ),
        _notice(),
    )


def _refunding() -> rx.Component:
    return rx.fragment(
        sale_title(BookState.sale),
        layout.card(
            rx.el.p("Your money is on its way back", class_name="hero words", role="status"),
            rx.el.p(
                "Your payment arrived after the tickets had gone to someone else. We are sorry. "
                "All of it is being refunded; banks take up to 7 days.",
                class_name="muted",
            ),
        ),
        button_link("See other events", href="/events", full=True),
    )


def _closed() -> rx.Component:
    return layout.state(
        "Tickets cannot be bought right now",
        rx.cond(BookState.notice != "", BookState.notice, "The sale for this event is not open."),
        action=button_link("All events", href="/events", kind="primary"),
        at=4,
    )


def _missing() -> rx.Component:
    return layout.state(
        "There is no such event",
        "The address may be mistyped.",
        action=button_link("All events", href="/events", kind="primary"),
        at=4,
    )
