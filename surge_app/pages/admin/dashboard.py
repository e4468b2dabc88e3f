"""The dashboard: stock, queue, money and messages of one sale, live, with the last hour."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import admin_layout, layout, progress, timers
from surge_app.components.admin_layout import stat
from surge_app.components.controls import button
from surge_app.pages.admin.participants import export_links
from surge_app.pages.admin.shared import outcome, page_of
from surge_app.state.admin.dashboard import DashboardState

REFRESH_SECONDS = 1
_CHART_HEIGHT = 220


def page() -> rx.Component:
    """Build the page."""
    return framed(_sale(), current="dashboard")


def framed(content: rx.Component, *, current: str) -> rx.Component:
    """Build a page about the sale the dashboard shows."""
    return page_of(
        DashboardState,
        _loading(),
        ("ready", content),
        ("missing", admin_layout.missing("event")),
        current=current,
        slug=DashboardState.sale.slug,
    )


def head(title: Any, *actions: rx.Component) -> rx.Component:
    """Name the sale, the age of its figures, and what can be done."""
    sale = DashboardState.sale
    return rx.el.div(
        rx.el.div(
            rx.el.h1(title),
            rx.el.p(
                sale.where_when,
                " · live, ",
                timers.relative_time(sale.at),
                class_name="muted small",
            ),
            class_name="stack tight",
        ),
        rx.el.div(admin_layout.tone_chip(sale.status, sale.tone), *actions, class_name="row"),
        class_name="row apart",
    )


def pause_button() -> rx.Component:
    """Pause or resume the queue; a cancelled event has none."""
    sale = DashboardState.sale
    return rx.cond(
        sale.is_cancelled,
        rx.fragment(),
        rx.cond(
            sale.is_paused,
            button("Resume the queue", kind="primary", on_click=DashboardState.resume),
            button("Pause the queue", kind="primary", on_click=DashboardState.pause),
        ),
    )


def queue_tiles() -> tuple[rx.Component, ...]:
    """The two figures of the queue."""
    sale = DashboardState.sale
    return (
        stat(
            "In the queue",
            sale.waiting,
            rx.el.p(sale.last_wait),
            rx.el.p(f"Let in: {sale.pace} in the last minute, {sale.admitted} in total"),
            rx.el.p(f"{sale.absent} inactive"),
        ),
        stat(
            "Inside now",
            sale.inside,
            rx.el.p(f"of {sale.allowed} at once"),
            rx.el.p(f"{sale.left} gave up, {sale.no_shows} missed their turn"),
        ),
    )


def _loading() -> rx.Component:
    return layout.loading(
        layout.skeleton("36px", "18rem"),
        rx.el.div(
            *(layout.skeleton_card("20px", "40px", "44px") for _ in range(4)), class_name="tiles"
        ),
        layout.skeleton_card("28px", "220px"),
    )


def _sale() -> rx.Component:
    sale = DashboardState.sale
    return rx.fragment(
        timers.interval(REFRESH_SECONDS, DashboardState.refresh),
        head(sale.name, *export_links(sale.slug), pause_button()),
        outcome(DashboardState),
        _warning(
            sale.payments_paused_since != "",
            f"Razorpay is not responding since {sale.payments_paused_since}. Checkouts are paused "
            "and keep their tickets. They resume automatically.",
        ),
        _warning(
            sale.is_queue_down,
            "The waiting room is not responding. Buyers inside can finish. No one is let in.",
        ),
        _warning(
            sale.is_paused & ~sale.is_cancelled,
            "The queue is paused. No one is let in until you resume it.",
        ),
        rx.el.div(
            stat(
                f"Sold of {sale.capacity}",
                sale.sold,
                progress.stock_bar(
                    sale.sold_percent,
                    sale.held_percent,
                    f"{sale.sold} sold, {sale.held} held, {sale.free} available",
                ),
                rx.el.p(f"{sale.held} held · {sale.free} available"),
                rx.cond(
                    sale.cancelled_tickets != "",
                    rx.el.p(f"{sale.cancelled_tickets} refunded, not back on sale"),
                    rx.fragment(),
                ),
            ),
            *queue_tiles(),
            stat(
                "Net sales (after refunds)",
                sale.revenue,
                rx.el.p(f"{sale.gross} sold · {sale.refunded} refunded"),
                rx.el.p(f"includes {sale.fees} fees · {sale.cash} cash"),
                rx.cond(
                    sale.cash_owed != "₹0",
                    rx.el.p(f"{sale.cash_owed} cash to hand back"),
                    rx.fragment(),
                ),
                rx.el.p(f"{sale.bookings}, {sale.last_minute} in the last minute"),
            ),
            class_name="tiles",
        ),
        _history(),
        _tiers(),
        _messages(sale),
    )


def _warning(applies: Any, text: Any) -> rx.Component:
    return rx.cond(applies, layout.notice(text, tone="warn"), rx.fragment())


def _history() -> rx.Component:
    return layout.card(
        rx.el.div(
            rx.el.h2("Last hour"),
            rx.el.div(
                rx.el.span("sold per minute", class_name="key accent"),
                rx.el.span("in the queue", class_name="key warn"),
                class_name="row small muted",
            ),
            class_name="row apart",
        ),
        rx.cond(
            rx.Var.create(DashboardState.history).length() > 0,
            rx.el.div(
                _chart(),
                class_name="chart",
                role="img",
                aria_label="Tickets sold per minute and visitors in the queue, last hour",
            ),
            rx.el.p("The chart appears when the sale starts.", class_name="muted"),
        ),
    )


def _chart() -> rx.Component:
    return rx.recharts.composed_chart(
        rx.recharts.cartesian_grid(vertical=False, stroke="var(--line)"),
        rx.recharts.x_axis(
            data_key="at",
            stroke="var(--muted)",
            tick_line=False,
            axis_line=False,
            min_tick_gap=60,
        ),
        rx.recharts.y_axis(
            y_axis_id="sold", stroke="var(--accent)", tick_line=False, axis_line=False, width=44
        ),
        rx.recharts.y_axis(
            y_axis_id="queue",
            orientation="right",
            stroke="var(--warn)",
            tick_line=False,
            axis_line=False,
            width=52,
        ),
        rx.recharts.bar(
            data_key="sold",
            y_axis_id="sold",
            name="sold per minute",
            fill="var(--accent)",
            is_animation_active=False,
        ),
        rx.recharts.line(
            data_key="waiting",
            y_axis_id="queue",
            name="in the queue",
            type_="monotone",
            stroke="var(--warn)",
            stroke_width=2,
            dot=False,
            is_animation_active=False,
        ),
        rx.recharts.graphing_tooltip(cursor=False),
        data=DashboardState.history,
        width="100%",
        height=_CHART_HEIGHT,
        margin={"top": 8, "right": 0, "left": 0, "bottom": 0},
    )


def _tiers() -> rx.Component:
    return layout.card(
        rx.el.h2("Tickets"),
        rx.el.div(
            rx.el.table(
                rx.el.thead(
                    rx.el.tr(
                        *(
                            rx.el.th(label, scope="col")
                            for label in ("Ticket type", "Tickets", "Sold", "Held", "Available")
                        )
                    )
                ),
                rx.el.tbody(rx.foreach(DashboardState.tiers, _tier)),
                class_name="table",
            ),
            class_name="table-wrap",
        ),
    )


def _tier(figures: rx.Var[tuple[str, ...]]) -> rx.Component:
    return rx.el.tr(rx.foreach(figures, rx.el.td))


def _messages(sale: Any) -> rx.Component:
    return layout.card(
        rx.el.h2("Messages"),
        rx.el.p(f"{sale.messages_pending} waiting to be sent", class_name="muted number"),
        rx.cond(
            sale.messages_dead > 0,
            layout.notice(
                f"{sale.messages_dead} did not arrive.",
                tone="bad",
                action=rx.el.a(
                    "See what needs attention",
                    href="/admin/install/checks",
                    class_name="link strong",
                ),
            ),
            rx.fragment(),
        ),
    )
