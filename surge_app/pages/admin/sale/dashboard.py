"""The dashboard: stock, queue, money and messages of one sale, live, with the last hour."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import layout, progress
from surge_app.components.controls import button
from surge_app.components.feeds import timers
from surge_app.components.frame import admin_layout
from surge_app.components.frame.admin_layout import stat
from surge_app.components.match import match
from surge_app.components.text import gettext as _
from surge_app.pages.admin.bookings.participants import export_links
from surge_app.pages.admin.shared import outcome, page_of
from surge_app.state.admin.sale.dashboard import DashboardState
from surge_app.state.admin.sale.sale_history import Alert, FunnelStep, TierRow

REFRESH_SECONDS = 1


def page() -> rx.Component:
    """Build the page."""
    return framed(_sale(), current="dashboard")


def framed(content: rx.Component, *, current: str) -> rx.Component:
    """Build a page about the sale the dashboard shows."""
    return page_of(
        DashboardState,
        _loading(),
        ("ready", content),
        ("missing", admin_layout.missing(_("There is no such event"))),
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
                " · ",
                _("live"),
                ", ",
                timers.relative_time(sale.at),
                class_name="muted small",
            ),
            class_name="stack tight titled",
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
        rx.fragment(
            rx.cond(
                sale.is_paused,
                button(_("Resume the queue"), kind="primary", on_click=DashboardState.resume),
            ),
            # It keeps its place, so that the second click of a double click resumes nothing.
            button(_("Pause the queue"), on_click=DashboardState.pause, disabled=sale.is_paused),
        ),
    )


def queue_tiles() -> tuple[rx.Component, ...]:
    """The two figures of the queue."""
    sale = DashboardState.sale
    return (
        stat(
            _("In the queue"),
            sale.waiting,
            rx.el.p(sale.last_wait),
            rx.el.p(
                _(
                    "Let in: {pace} in the last minute, {admitted} in total",
                    pace=sale.pace,
                    admitted=sale.admitted,
                )
            ),
            rx.el.p(_("{absent} inactive", absent=sale.absent)),
        ),
        stat(
            _("Inside now"),
            sale.inside,
            rx.el.p(_("of {allowed} at once", allowed=sale.allowed)),
            rx.el.p(
                _(
                    "{left} gave up, {no_shows} missed their turn",
                    left=sale.left,
                    no_shows=sale.no_shows,
                )
            ),
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
        rx.el.div(rx.foreach(DashboardState.alerts, _alert), class_name="alerts"),
        rx.el.div(
            stat(
                _("Sold of {capacity}", capacity=sale.capacity),
                sale.sold,
                progress.stock_bar(
                    sale.sold_percent,
                    sale.held_percent,
                    _(
                        "{sold} sold, {held} held, {free} available",
                        sold=sale.sold,
                        held=sale.held,
                        free=sale.free,
                    ),
                ),
                rx.el.p(_("{held} held · {free} available", held=sale.held, free=sale.free)),
                rx.cond(
                    sale.cancelled_tickets != "",
                    rx.el.p(
                        _(
                            "{cancelled_tickets} refunded, not back on sale",
                            cancelled_tickets=sale.cancelled_tickets,
                        )
                    ),
                ),
            ),
            *queue_tiles(),
            stat(
                _("Net sales (after refunds)"),
                sale.revenue,
                rx.el.p(
                    _(
                        "{gross} sold · {refunded} refunded",
                        gross=sale.gross,
                        refunded=sale.refunded,
                    )
                ),
                rx.el.p(
                    _("includes {fees} fees · {cash} box office", fees=sale.fees, cash=sale.cash)
                ),
                rx.cond(
                    DashboardState.box_office != "",
                    rx.el.p(_("Box office: {amounts}", amounts=DashboardState.box_office)),
                ),
                rx.cond(
                    sale.cash_owed != "₹0",
                    rx.el.p(
                        _("{cash_owed} to hand back at the box office", cash_owed=sale.cash_owed)
                    ),
                ),
                rx.el.p(
                    _(
                        "{bookings}, {last_minute} in the last minute",
                        bookings=sale.bookings,
                        last_minute=sale.last_minute,
                    )
                ),
                rx.el.p(
                    _(
                        "{messages_pending} messages waiting to be sent",
                        messages_pending=sale.messages_pending,
                    )
                ),
            ),
            class_name="tiles",
        ),
        rx.el.div(_history(), _days(), _funnel(), _tiers(), class_name="board"),
    )


def _alert(alert: Alert) -> rx.Component:
    link: Any = rx.el.a(_("See what needs attention"), href=alert.href, class_name="link strong")
    action = rx.cond(alert.href != "", link)
    return match(
        alert.tone,
        ("bad", layout.notice(alert.text, tone="bad", action=action)),
        ("accent", layout.notice(alert.text)),
        layout.notice(alert.text, tone="warn"),
    )


def _history() -> rx.Component:
    return _chart_card(
        _("Last hour"),
        DashboardState.history,
        _("Tickets sold per minute and visitors in the queue, last hour"),
        (("sold", _("sold per minute"), "accent"), ("waiting", _("in the queue"), "warn")),
        is_line=("waiting",),
    )


def _days() -> rx.Component:
    return _chart_card(
        _("Tickets by day"),
        DashboardState.days,
        _("Tickets sold each day, by channel"),
        (
            ("online", _("online"), "accent"),
            ("box_office", _("box office"), "warn"),
            ("complimentary", _("complimentary"), "good"),
        ),
    )


def _chart_card(
    title: Any,
    points: list[Any],
    label: Any,
    series: tuple[tuple[str, Any, str], ...],
    *,
    is_line: tuple[str, ...] = (),
) -> rx.Component:
    """Build a chart with its legend, or a sentence while there are no points.

    Args:
        points: What is drawn; `at` names a point.
        label: The same as text, for screen readers.
        series: The key in a point, its name and its colour.
        is_line: The keys that are lines with an axis of their own; the others are bars.
    """
    return layout.card(
        rx.el.div(
            rx.el.h2(title),
            rx.el.div(
                *(rx.el.span(name, class_name=f"key {colour}") for _, name, colour in series),
                class_name="row small muted",
            ),
            class_name="row apart",
        ),
        rx.cond(
            rx.Var.create(points).length() > 0,
            rx.el.div(
                _chart(points, series, is_line), class_name="chart", role="img", aria_label=label
            ),
            rx.el.p(_("The chart appears when the sale starts."), class_name="muted"),
        ),
    )


def _chart(
    points: list[Any], series: tuple[tuple[str, Any, str], ...], is_line: tuple[str, ...]
) -> rx.Component:
    quiet: dict[str, Any] = {"tick_line": False, "axis_line": False}
    return rx.recharts.composed_chart(
        rx.recharts.cartesian_grid(vertical=False, stroke="var(--line)"),
        rx.recharts.x_axis(data_key="at", stroke="var(--muted)", min_tick_gap=60, **quiet),
        rx.recharts.y_axis(
            y_axis_id="bars", stroke="var(--accent)", width=44, allow_decimals=False, **quiet
        ),
        *(
            rx.recharts.y_axis(
                y_axis_id=key, orientation="right", stroke="var(--warn)", width=52, **quiet
            )
            for key in is_line
        ),
        *(
            rx.recharts.line(
                data_key=key,
                y_axis_id=key,
                name=name,
                type_="monotone",
                stroke=f"var(--{colour})",
                stroke_width=2,
                dot=False,
                is_animation_active=False,
            )
            if key in is_line
            else rx.recharts.bar(
                data_key=key,
                y_axis_id="bars",
                name=name,
                stack_id="bars",
                fill=f"var(--{colour})",
                max_bar_size=64,
                is_animation_active=False,
            )
            for key, name, colour in series
        ),
        rx.recharts.graphing_tooltip(cursor=False),
        data=points,
        width="100%",
        height="100%",
        margin={"top": 8, "right": 0, "left": 0, "bottom": 0},
    )


def _funnel() -> rx.Component:
    return layout.card(
        rx.el.h2(_("From the event page to a ticket")),
        rx.el.ul(rx.foreach(DashboardState.funnel, _step), class_name="plain-list"),
    )


def _step(step: FunnelStep) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.span(step.label),
            rx.el.span(step.number, class_name="number strong"),
            class_name="row apart",
        ),
        progress.stock_bar(step.percent, 0, f"{step.label}: {step.number}"),
        key=step.label,
    )


def _tiers() -> rx.Component:
    labels = (
        _("Ticket type"),
        _("Price"),
        _("Sold"),
        _("Held"),
        _("Available"),
        _("Of"),
        _("Revenue"),
    )
    return layout.card(
        rx.el.h2(_("Tickets")),
        rx.el.div(
            rx.el.table(
                rx.el.thead(rx.el.tr(*(rx.el.th(label, scope="col") for label in labels))),
                rx.el.tbody(rx.foreach(DashboardState.tiers, _tier)),
                class_name="table",
            ),
            class_name="table-wrap",
            # On a phone the table scrolls, and a keyboard must reach what scrolls.
            role="region",
            aria_label=_("Tickets"),
            tab_index=0,
        ),
    )


def _tier(tier: TierRow) -> rx.Component:
    bar = progress.stock_bar(
        tier.sold_percent,
        tier.held_percent,
        _(
            "{sold} sold, {held} held, {free} available",
            sold=tier.sold,
            held=tier.held,
            free=tier.free,
        ),
    )
    figures = (tier.price, tier.sold, tier.held, tier.free, tier.capacity, tier.revenue)
    return rx.el.tr(rx.el.td(tier.name, bar), *(rx.el.td(one) for one in figures), key=tier.name)
