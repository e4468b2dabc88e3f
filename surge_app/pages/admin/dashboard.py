"""Sale day: stock, line, money and messages of one sale, live, with the last hour."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import admin_layout, layout, progress, timers
from surge_app.components.admin_layout import tile
from surge_app.components.controls import button, button_link
from surge_app.pages.admin.shared import page_of
from surge_app.state.admin.dashboard import DashboardState, StockRow

REFRESH_SECONDS = 1
_CHART_HEIGHT = 220


def page() -> rx.Component:
    """Build the page."""
    return framed(_sale(), current="sale")


def framed(content: rx.Component, *, current: str) -> rx.Component:
    """Build a page about the sale the board shows."""
    return page_of(
        DashboardState,
        _loading(),
        ("ready", content),
        ("missing", admin_layout.missing("event")),
        current=current,
        slug=DashboardState.board.slug,
    )


def head(title: Any, *actions: rx.Component) -> rx.Component:
    """Name the sale, how old its figures are, and what can be done."""
    card = DashboardState.board
    return rx.el.div(
        rx.el.div(
            rx.el.h1(title),
            rx.el.p(
                card.where_when,
                " · live, ",
                timers.relative_time(card.at),
                class_name="muted small",
            ),
            class_name="stack tight",
        ),
        rx.el.div(admin_layout.toned(card.status, card.tone), *actions, class_name="row"),
        class_name="row apart",
    )


def switch_button() -> rx.Component:
    """Pause the queue, or go on."""
    return rx.cond(
        DashboardState.board.is_paused,
        button("Resume the queue", kind="primary", on_click=DashboardState.resume),
        button("Pause the queue", kind="primary", on_click=DashboardState.pause),
    )


def line_tiles() -> tuple[rx.Component, ...]:
    """The two figures of the line."""
    card = DashboardState.board
    return (
        tile(
            "In line",
            card.waiting,
            rx.cond(
                card.last_wait != "",
                rx.el.p(f"last in line: {card.last_wait}"),
                rx.el.p("wait of the last not known yet"),
            ),
            rx.el.p(f"{card.pace} let in within a minute, {card.admitted} so far"),
            rx.el.p(f"{card.absent} stopped looking"),
        ),
        tile(
            "Inside now",
            card.inside,
            rx.el.p(f"of {card.allowed} allowed"),
            rx.el.p(f"{card.left} left, {card.no_shows} did not come"),
        ),
    )


def _loading() -> rx.Component:
    return layout.loading(
        layout.skeleton("36px", "18rem"),
        rx.el.div(
            *(layout.waiting_card("20px", "40px", "44px") for _ in range(4)), class_name="tiles"
        ),
        layout.waiting_card("28px", "220px"),
    )


def _sale() -> rx.Component:
    card = DashboardState.board
    files = f"/api/admin/events/{card.slug}/participants"
    return rx.fragment(
        timers.interval(REFRESH_SECONDS, DashboardState.refresh),
        head(
            card.name,
            button_link("CSV", href=f"{files}.csv"),
            button_link("Excel", href=f"{files}.xlsx"),
            switch_button(),
        ),
        admin_layout.news("", DashboardState.notice),
        _troubles(card),
        rx.el.div(
            tile(
                f"Sold of {card.capacity}",
                card.sold,
                progress.stock(
                    card.sold_percent,
                    card.held_percent,
                    f"{card.sold} sold, {card.held} on hold, {card.free} free",
                ),
                rx.el.p(f"{card.held} on hold · {card.free} free"),
            ),
            *line_tiles(),
            tile(
                "Taken",
                card.taken,
                rx.el.p(f"fees {card.fees} · cash {card.cash}"),
                rx.el.p(f"{card.bookings}, {card.last_minute} in the last minute"),
            ),
            class_name="tiles",
        ),
        _course(),
        _tiers(),
        _messages(card),
    )


def _troubles(card: Any) -> rx.Component:
    return rx.fragment(
        rx.cond(
            card.payments_paused_since != "",
            layout.notice(
                f"Payments pause since {card.payments_paused_since}, because the payment provider "
                "does not answer. Nobody loses a hold meanwhile; it goes on by itself.",
                tone="warn",
            ),
            rx.fragment(),
        ),
        rx.cond(
            card.is_line_away,
            layout.notice(
                "The waiting room does not answer. Who is inside can finish; nobody is let in.",
                tone="bad",
            ),
            rx.fragment(),
        ),
    )


def _course() -> rx.Component:
    return layout.card(
        rx.el.div(
            rx.el.h2("The last hour"),
            rx.el.div(
                rx.el.span("sold per minute", class_name="key accent"),
                rx.el.span("in line", class_name="key warn"),
                class_name="row small muted",
            ),
            class_name="row apart",
        ),
        rx.cond(
            rx.Var.create(DashboardState.course).length() > 1,
            rx.el.div(
                _chart(),
                class_name="chart",
                role="img",
                aria_label="Sold per minute and people in line over the last hour",
            ),
            rx.el.p("The course is drawn once the sale has run for a moment.", class_name="muted"),
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
            y_axis_id="pace", stroke="var(--accent)", tick_line=False, axis_line=False, width=44
        ),
        rx.recharts.y_axis(
            y_axis_id="line",
            orientation="right",
            stroke="var(--warn)",
            tick_line=False,
            axis_line=False,
            width=52,
        ),
        rx.recharts.area(
            data_key="pace",
            y_axis_id="pace",
            name="sold per minute",
            type_="monotone",
            stroke="var(--accent)",
            fill="var(--accent)",
            stroke_width=3,
            dot=False,
            is_animation_active=False,
        ),
        rx.recharts.line(
            data_key="waiting",
            y_axis_id="line",
            name="in line",
            type_="monotone",
            stroke="var(--warn)",
            stroke_width=2,
            dot=False,
            is_animation_active=False,
        ),
        rx.recharts.graphing_tooltip(cursor=False),
        data=DashboardState.course,
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
                            for label in ("Tier", "Capacity", "Sold", "On hold", "Free")
                        )
                    )
                ),
                rx.el.tbody(rx.foreach(DashboardState.tiers, _tier)),
                class_name="table",
            ),
            class_name="table-wrap",
        ),
    )


def _tier(row: StockRow) -> rx.Component:
    return rx.el.tr(
        rx.el.td(row.name),
        rx.el.td(row.capacity),
        rx.el.td(row.sold),
        rx.el.td(row.held),
        rx.el.td(row.free),
    )


def _messages(card: Any) -> rx.Component:
    return layout.card(
        rx.el.h2("Messages"),
        rx.el.p(f"{card.messages_pending} waiting to be sent", class_name="muted number"),
        rx.cond(
            card.messages_dead > 0,
            layout.notice(
                f"{card.messages_dead} could not be delivered.",
                tone="bad",
                action=rx.el.a(
                    "See what waits for you", href="/admin/install/checks", class_name="link strong"
                ),
            ),
            rx.fragment(),
        ),
    )
