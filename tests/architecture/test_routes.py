"""One table of pages, one rule of access, and the whole contract served."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from surge_app.edge.routes import Access, held_event, page_target, plain_queue, polled_event
from surge_app.pages import ROUTES, Route
from tests.architecture import snapshots

ROOT = Path(__file__).parents[2]
# DESIGN section 5.
CONTRACT = {
    "GET /api/events",
    "GET /api/events/{slug}",
    "POST /api/queue/{slug}",
    "GET /api/queue/{slug}",
    "DELETE /api/queue/{slug}",
    "POST /api/events/{slug}/intents",
    "GET /api/intents/{intent_id}",
    "PUT /api/intents/{intent_id}/lines",
    "DELETE /api/intents/{intent_id}",
    "POST /api/intents/{intent_id}/heartbeat",
    "POST /api/intents/{intent_id}/payment",
    "POST /api/payments/razorpay/callback",
    "POST /api/webhooks/razorpay",
    "GET /api/bookings/{ref}",
    "GET /api/bookings/{ref}/tickets.pdf",
    "GET /api/bookings/{ref}/calendar.ics",
    "GET /api/admin/events/{slug}/stats",
    "GET /api/admin/events/{slug}/participants.csv",
    "POST /api/admin/events",
    "PATCH /api/admin/events/{slug}",
    "POST /api/admin/events/{slug}/queue/pause",
    "POST /api/admin/events/{slug}/queue/resume",
    "POST /api/admin/bookings/{ref}/refund",
    "POST /api/admin/bookings/{ref}/resend",
    "GET /api/livez",
    "GET /api/readyz",
    "GET /metrics",
    "GET /api/openapi.json",
}
PAGES = {
    "/events": Access.COLD,
    "/events/[slug]": Access.COLD,
    "/queue/[slug]": Access.COLD,
    "/book/[slug]": Access.PASS,
    "/bookings/[ref]": Access.BOOKING,
    "/admin": Access.ADMIN,
    "/admin/[slug]": Access.ADMIN,
}


def test_the_table_has_the_pages_of_the_contract() -> None:
    table = {route.path: route.access for route in ROUTES}
    assert len(table) == len(ROUTES)
    assert table.items() >= PAGES.items()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
@pytest.mark.parametrize("ending", ["", "/"])
def test_the_gate_asks_of_each_page_what_the_table_says(route: Route, ending: str) -> None:
    path = route.path.replace("[slug]", "gala").replace("[ref]", "SRG-ABCDEFGH")
    target = page_target(path + ending)
    assert target is not None
    assert target.access == route.access
    names = [part for part in path.split("/")[2:] if part]
    assert target.name == (names[0] if names else None)


@pytest.mark.parametrize(
    "path", ["/book/a/b/c", "//book/a", "/book//a", "/admin/a/b", "///admin", "/bookings/x/y"]
)
def test_what_lies_below_a_guarded_page_or_is_written_oddly_is_guarded_too(path: str) -> None:
    target = page_target(path)
    assert target is not None
    assert target.access is not Access.COLD


@pytest.mark.parametrize("path", ["/", "/surge.css", "/assets/x.js", "/bookkeeping", "/api/events"])
def test_what_is_no_page_of_ours_is_not_judged_as_one(path: str) -> None:
    assert page_target(path) is None


def test_the_poll_and_the_hold_are_told_apart_by_their_whole_address() -> None:
    assert polled_event("/api/queue/gala") == "gala"
    for path in ("/api/queue/", "/api/queue", "/api/queue/gala/x", "/x/api/queue/gala"):
        assert polled_event(path) is None
    assert held_event("/api/events/gala/intents") == "gala"
    for path in ("/api/events/gala", "/api/events/gala/intents/x", "/api/intents/gala"):
        assert held_event(path) is None


def test_the_waiting_room_has_a_plain_twin_and_nothing_else_has() -> None:
    assert plain_queue("/queue/gala/plain") == plain_queue("/queue/gala/plain/") == "gala"
    for path in ("/queue/plain", "/queue/gala", "/queue/gala/plain/x", "/book/gala/plain"):
        assert plain_queue(path) is None


def test_pages_are_added_from_the_table_alone() -> None:
    added: list[str] = []
    for path in sorted((ROOT / "surge_app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            named = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
            if called.endswith("app.add_page") or named in {"rx.page", "reflex.page"}:
                added.append(str(path.relative_to(ROOT)))
    assert added == ["surge_app/surge_app.py"]
    tree = ast.parse((ROOT / "surge_app" / "surge_app.py").read_text("utf-8"))
    loops = [node for node in tree.body if isinstance(node, ast.For)]
    assert [ast.unparse(loop.iter) for loop in loops] == ["ROUTES"]
    assert "app.add_page" in ast.unparse(loops[0])


def test_the_routes_of_the_api_are_the_committed_ones() -> None:
    assert snapshots.api_routes() == snapshots.stored("api.txt"), (
        "If this is meant, run `python -m tests.architecture.snapshots` and commit the change."
    )


def test_the_api_has_every_call_of_the_contract() -> None:
    assert set(snapshots.api_routes()) >= CONTRACT


def test_no_dependency_of_the_api_is_sent_to_a_thread() -> None:
    """FastAPI runs a plain function in a thread, at several times the cost of what it does."""
    asked: set[str] = set()
    plain: set[str] = set()
    for path in (ROOT / "surge_app" / "api").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                plain.add(node.name)
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "Depends":
                asked |= {ast.unparse(argument) for argument in node.args}
    assert len(asked) > 5
    assert asked & plain == set()
