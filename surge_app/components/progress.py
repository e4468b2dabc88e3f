"""Drawings of progress: a visitor's way through the queue, and the stock of an event."""

from __future__ import annotations

import reflex as rx


def queue_progress(progress: rx.Var[float]) -> rx.Component:
    """Draw how far a visitor has come in the queue.

    Args:
        progress: 0 to 100; the text beside it says the same, so screen readers skip it.
    """
    return rx.el.div(
        rx.el.span(class_name="gone"),
        rx.el.span(class_name="entrance"),
        rx.el.span(class_name="you"),
        class_name="way",
        style={"--at": f"{progress}%"},
        aria_hidden=True,
    )


def stock_bar(
    sold: rx.Var[float] | float, held: rx.Var[float] | float, label: object
) -> rx.Component:
    """Draw how much of a capacity is sold and how much is on hold.

    Args:
        label: The same as text, for screen readers.
    """
    return rx.el.div(
        rx.el.span(class_name="sold", style={"width": f"{sold}%"}),
        rx.el.span(class_name="reserved", style={"width": f"{held}%"}),
        class_name="stock",
        role="img",
        aria_label=label,
    )


def illustration(at: int = 45) -> rx.Component:
    """Draw the motif large, for empty and error states.

    Args:
        at: Where the ring stands, 0 to 100.
    """
    middle = 14 + at * 1.2
    return rx.el.svg(
        rx.el.path(
            d=f"M6 20H{middle - 12}",
            stroke="var(--accent)",
            stroke_width="7",
            stroke_linecap="round",
        ),
        rx.el.path(
            d=f"M{middle + 14} 20H154",
            stroke="var(--line)",
            stroke_width="7",
            stroke_linecap="round",
        ),
        rx.el.circle(
            cx=str(middle), cy="20", r="10", fill="none", stroke="var(--accent)", stroke_width="6"
        ),
        rx.el.path(d="M146 6V34", stroke="var(--ink)", stroke_width="4", stroke_linecap="round"),
        view_box="0 0 160 40",
        aria_hidden=True,
    )
