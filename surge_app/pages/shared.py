"""Parts that several pages with state share."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import layout
from surge_app.components.controls import text_button
from surge_app.components.prose import language
from surge_app.components.text import gettext as _
from surge_app.state.error_notice import ErrorNoticeState
from surge_app.state.view_models import PriceRow


def sale_title(sale: Any) -> rx.Component:
    """Name the event: what, when, where."""
    return rx.el.div(
        rx.el.h1(sale.name, **language(sale.name)),
        rx.el.p(f"{sale.when} · {sale.venue}", class_name="muted"),
        class_name="stack tight",
    )


def price_details(price: Any) -> rx.Component:
    """Unfold the breakup of a price; the total never moves."""
    return layout.disclosure(_("Price details"), price_rows(price))


def price_rows(price: Any) -> rx.Component:
    """Lay out the breakup of a price."""
    return layout.price_breakdown(rx.foreach(price.rows, _row), price.total)


def _row(row: PriceRow) -> rx.Component:
    return rx.fragment(rx.el.dt(row.label), rx.el.dd(row.amount))


def problem_notice() -> rx.Component:
    """Show the neutral notice about a bug, if there was one."""
    return rx.cond(
        ErrorNoticeState.number != "",
        layout.notice(
            _(
                "That did not work because of a fault on our side. Please try again. If you write "
                "to us, give this number: {number}",
                number=ErrorNoticeState.number,
            ),
            tone="bad",
            action=text_button(_("Close"), on_click=ErrorNoticeState.dismiss),
        ),
    )


def email_check(state: Any) -> dict[str, Any]:
    """Return the properties of an email field that offers a likelier spelling once it is left."""
    return {"suggestion": suggestion(state), "on_blur": state.check_email}


def suggestion(state: Any) -> rx.Component:
    """Offer a likelier spelling of an email address."""
    return rx.cond(
        state.suggestion != "",
        rx.el.p(
            _("Did you mean {address}?", address=state.suggestion),
            " ",
            text_button(_("Use it"), on_click=state.apply_suggestion),
            class_name="suggestion",
        ),
    )
