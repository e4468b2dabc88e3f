"""One event and its one action. A cold page: no live connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import reflex as rx

from surge_app.components import controls, formatting, layout
from surge_app.components.controls import button, button_link
from surge_app.components.feeds import connection, polling, status, timers
from surge_app.components.frame import shell
from surge_app.components.match import match
from surge_app.components.prose import language, prose, text_part
from surge_app.components.scripts import prerendered, proof_of_work
from surge_app.components.text import gettext as _, ngettext

_JOIN = _("Join the queue")


def page() -> rx.Component:
    """Build the page."""
    feed, value = polling.event()
    return feed(
        shell.page(
            proof_of_work.honeypot(),
            rx.cond(value.phase == "loading", rx.fragment(), prerendered.prerendered_handoff()),
            match(
                value.phase,
                ("loading", loading()),
                ("ready", ready(value)),
                ("missing", _missing()),
                status.unreachable(_("This event cannot be shown right now"), value.problem),
            ),
            width="split",
        )
    )


def loading() -> rx.Component:
    """Build the placeholder of an event that is loading."""
    return layout.loading(
        layout.split(
            layout.skeleton("34px", "6rem"),
            layout.skeleton("36px", "80%"),
            layout.skeleton("48px", "70%"),
            across=rx.el.span(class_name="skeleton cover", aria_hidden=True),
            side=(layout.skeleton_card("28px", "64px", "64px"), layout.skeleton("50px")),
        )
    )


def _missing() -> rx.Component:
    return layout.state(
        _("There is no such event"),
        _("The address may be mistyped, or the event is over."),
        action=button_link(_("All events"), href="/events", kind="primary"),
        at=4,
    )


def ready(value: Any) -> rx.Component:
    """Build an event from its feed; the preview shows the same."""
    event = value.event
    return layout.split(
        rx.el.div(
            status.chip(event),
            rx.el.h1(event.name, **language(event.name)),
            _where(event),
            controls.share(event.name),
            class_name="stack",
        ),
        status.offline(value.offline),
        rx.cond(event.description != "", prose(event.text, event.description)),
        across=layout.cover(event.cover, first=True),
        side=(
            rx.cond(event.status == "cancelled", rx.fragment(), _offer(event)),
            rx.el.div(_action(value), class_name="paybar last"),
        ),
        more=(
            _continue_here(event),
            _small_print(event),
            rx.el.p(controls.verify_link(event.slug), class_name="small"),
        ),
    )


def _offer(event: Any) -> rx.Component:
    return layout.card(
        tickets(
            event,
            lambda tier: rx.el.p(
                left(tier, event), _limits(tier, event), class_name="muted small number"
            ),
        ),
        rx.el.p(
            rx.cond(event.costs, whole_price(event)),
            ngettext(
                "Maximum {count} ticket per person.",
                "Maximum {count} tickets per person.",
                event.max_per_person,
            ),
            class_name="muted small",
        ),
    )


def tickets(event: Any, about: Callable[[Any], rx.Component]) -> rx.Component:
    """List the ticket types with their prices.

    Args:
        event: An event of the JSON API.
        about: Says what is to be known of a ticket type.
    """
    return rx.fragment(
        rx.el.div(
            rx.el.h2(_("Tickets")),
            rx.el.p(formatting.prices(event.from_paise, event.to_paise), class_name="price"),
            class_name="row apart",
        ),
        rx.el.ul(
            rx.foreach(event.tiers, lambda tier: _tier(tier, about)),
            class_name="tiers divided",
        ),
    )


def whole_price(event: Any) -> rx.Component:
    """Say what the prices include, and the fee that comes to them once."""
    return rx.fragment(
        _("Prices include all taxes."),
        " ",
        rx.cond(
            event.fee_paise > 0,
            _(
                "A {fee} booking fee is added once per booking.",
                fee=formatting.money(event.fee_paise),
            ),
            "",
        ),
        " ",
    )


def _where(event: Any) -> rx.Component:
    here = formatting.local_time(event.starts_at, event.time_zone)
    return rx.el.dl(
        rx.el.div(
            rx.el.dt(_("When")),
            rx.el.dd(
                formatting.event_time(event.starts_at, event.time_zone),
                rx.cond(
                    here != "",
                    rx.el.span(_("{time} where you are", time=here), class_name="muted small"),
                ),
            ),
        ),
        rx.el.div(rx.el.dt(_("Where")), rx.el.dd(event.venue, **language(event.venue))),
        rx.foreach(event.facts, _brief),
        class_name="where",
    )


def _tier(tier: Any, about: Callable[[Any], rx.Component]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.p(tier.name, class_name="strong", **language(tier.name)),
            about(tier),
            class_name="grow",
        ),
        rx.el.p(formatting.price(tier.price_paise), class_name="price"),
        class_name="tier",
    )


def left(tier: Any, event: Any) -> Any:
    """Say what is left, as it is: never fewer than there are."""
    return rx.match(
        tier.status,
        ("ended", _("No longer on sale")),
        ("sold_out", _("Sold out")),
        ("all_held", _("All in checkouts; some may be released")),
        (
            "scheduled",
            rx.cond(
                tier.sales_open_at != "",
                _("Opens {time}", time=formatting.event_time(tier.sales_open_at, event.time_zone)),
                _tickets(tier.available),
            ),
        ),
        _("{count} left", count=formatting.count(tier.available)),
    )


def _tickets(number: Any) -> rx.Var[str]:
    return ngettext("{count} ticket", "{count} tickets", number)


def _limits(tier: Any, event: Any) -> rx.Component:
    """Say how many make a booking, where the tier has a rule of its own."""
    least, most = tier.min_per_booking, tier.max_per_booking
    return rx.cond(
        (least > 1) & (least == most),
        rx.cond(
            least == 2,  # noqa: PLR2004  a pair
            _after_dot(_("sold in pairs")),
            _after_dot(_("sold in groups of {count}", count=formatting.count(least))),
        ),
        rx.fragment(
            rx.cond(least > 1, _after_dot(_("at least {count}", count=formatting.count(least)))),
            rx.cond(
                (most > 0) & (most < event.max_per_person),
                _after_dot(_("at most {count}", count=formatting.count(most))),
            ),
        ),
    )


def _after_dot(text: Any) -> rx.Component:
    return rx.fragment(" · ", text)


def _continue_here(event: Any) -> rx.Component:
    """Lead a visitor whose place is on another device past a second place at the end."""
    return match(
        event.status,
        ("ended", rx.fragment()),
        ("cancelled", rx.fragment()),
        rx.el.p(
            _("Already in the queue on another device?"),
            " ",
            controls.link(
                _("Continue on this device"), href=f"/continue/{event.slug}", class_name="link"
            ),
            class_name="small",
        ),
    )


def _small_print(event: Any) -> rx.Component:
    return rx.foreach(
        event.facts, lambda fact: rx.cond(fact.is_brief, rx.fragment(), _section(fact))
    )


def _section(fact: Any) -> rx.Component:
    return rx.el.section(
        rx.el.h2(fact.title),
        rx.foreach(
            fact.lines,
            lambda line: rx.el.p(text_part(line), class_name="prose", **language(line.text)),
        ),
        class_name="card flat stack tight",
    )


def _brief(fact: Any) -> rx.Component:
    return rx.cond(
        fact.is_brief, rx.el.div(rx.el.dt(fact.title), rx.el.dd(rx.foreach(fact.lines, text_part)))
    )


def _action(value: Any) -> rx.Component:
    return rx.fragment(
        connection.held_tickets(value.event.slug),
        rx.cond(value.problem != "", layout.notice(value.problem, tone="bad")),
        match(
            value.event.status,
            ("on_sale", _enter(value, _("Get tickets"))),
            (
                "all_held",
                _explained(
                    _(
                        "All remaining tickets are in other people's checkouts. Any that are "
                        "released go to the queue, in order."
                    ),
                    _enter(value, _JOIN),
                ),
            ),
            (
                "paused",
                _explained(
                    _("The sale is paused. You can join the queue now."),
                    _enter(value, _JOIN),
                ),
            ),
            ("scheduled", _scheduled(value)),
            ("sold_out", _sold_out(value)),
            ("cancelled", _cancelled()),
            _explained(_("The sale for this event is over."), _others()),
        ),
    )


def _enter(value: Any, label: Any) -> rx.Component:
    return button(
        rx.cond(
            value.busy,
            rx.fragment(
                rx.el.span(class_name="spin", aria_hidden=True),
                _("Joining the queue…") if label is _JOIN else _("One moment"),
            ),
            label,
        ),
        kind="primary",
        full=True,
        disabled=value.busy,
        on_click=polling.dispatch("enter"),
    )


def _scheduled(value: Any) -> rx.Component:
    return rx.el.div(
        rx.cond(
            value.event.opens_in_seconds > 0,
            rx.el.p(
                timers.countdown(
                    value.event.opens_in_seconds,
                    stamp=value.at,
                    label=_("The sale opens in"),
                    on_end=polling.dispatch("opened"),
                ),
                class_name="center strong",
            ),
            rx.el.p(_("The sale has not opened yet."), class_name="center strong"),
        ),
        _enter(value, _JOIN),
        class_name="stack",
    )


def _sold_out(value: Any) -> rx.Component:
    """Lead into the queue, which tickets that come back go to."""
    return rx.el.div(
        rx.el.p(_("All tickets are sold."), class_name="center strong"),
        rx.el.p(
            _("Cancelled tickets go to the queue, in order."),
            class_name="muted center",
        ),
        button_link(
            _("Join the queue for returned tickets"),
            href=f"/queue/{value.event.slug}",
            kind="primary",
            full=True,
        ),
        class_name="stack",
    )


def _cancelled() -> rx.Component:
    """Lead ticket holders to what follows for them, and everyone else on."""
    return rx.el.div(
        rx.el.p(_("This event is cancelled."), class_name="center strong"),
        rx.el.p(
            _("If you have tickets, open your booking to see what happens next."),
            class_name="muted center",
        ),
        button_link(_("Find my booking"), href="/bookings/find", full=True),
        _others(),
        class_name="stack",
    )


def _explained(sentence: Any, action: rx.Component) -> rx.Component:
    return rx.el.div(rx.el.p(sentence, class_name="center"), action, class_name="stack")


def _others() -> rx.Component:
    return button_link(_("See other events"), href="/events", full=True)
