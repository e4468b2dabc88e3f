"""One table of pages, one rule of access, and the whole contract served."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from surge_app.edge.routes import Access, BodyLimit, Kind, classify
from surge_app.pages import ROUTES, Route as PageRoute
from tests.architecture import snapshots

ROOT = Path(__file__).parents[2]
# DESIGN section 5.
CONTRACT = {
    "GET /api/event-filters",
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
    "/events": Access.PUBLIC,
    "/events/[slug]": Access.PUBLIC,
    "/queue/[slug]": Access.PUBLIC,
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
def test_the_edge_requires_of_each_page_what_the_table_of_pages_says(
    route: PageRoute, ending: str
) -> None:
    found = classify(route.path.replace("[slug]", "gala").replace("[ref]", "gala") + ending)
    assert (found.is_page, found.access) == (True, route.access)
    if "[" in route.path and route.access is not Access.ADMIN:
        assert found.slug == "gala"
        assert found.root == route.path.partition("/[")[0]


@pytest.mark.parametrize("path", ["/book/a/b/c", "/admin/a/b", "/bookings/x/y", "/admin/x/"])
def test_everything_below_a_live_page_requires_its_right_too(path: str) -> None:
    assert classify(path).access is not Access.PUBLIC


@pytest.mark.parametrize(
    "path",
    [
        "//book/a",
        "/book//a",
        "///admin",
        "/./admin",
        "/events/../admin",
        "/book/a\n",
        "book/a",
        "/_health",
        "/ping",
        "/_event/x",
        "/_all_routes",
        "/admin.html",
        "/__spa-fallback.html",
    ],
)
def test_an_oddly_written_path_and_what_reflex_serves_beside_pages_are_closed(path: str) -> None:
    assert classify(path).kind is Kind.CLOSED


@pytest.mark.parametrize("path", ["/surge.css", "/assets/x.js", "/bookkeeping", "/queue/a/plain"])
def test_a_path_that_is_no_page_requires_no_right(path: str) -> None:
    found = classify(path)
    assert (found.kind, found.access) == (Kind.FILE, Access.PUBLIC)


def test_polls_and_holds_are_recognised_by_their_whole_path() -> None:
    found = classify("/api/queue/gala")
    assert (found.kind, found.slug) == (Kind.QUEUE, "gala")
    for path in ("/api/queue/", "/api/queue", "/api/queue/gala/x", "/x/api/queue/gala"):
        assert classify(path).kind is not Kind.QUEUE
    hold = classify("/api/events/gala/intents")
    assert (hold.access, hold.slug) == (Access.PASS, "gala")
    for path in ("/api/events/gala", "/api/events/gala/intents/x", "/api/intents/gala"):
        assert classify(path).access is Access.PUBLIC


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/api/queue/gala", BodyLimit.VISITOR),
        ("/api/bookings/find", BodyLimit.VISITOR),
        ("/nothing", BodyLimit.VISITOR),
        ("/api/admin/events", BodyLimit.ORGANIZER),
        ("/api/admin/events/gala/cover", BodyLimit.UPLOAD),
        ("/api/webhooks/razorpay", BodyLimit.VENDOR),
    ],
)
def test_a_path_takes_bodies_of_its_own_size(path: str, limit: BodyLimit) -> None:
    assert classify(path).body_limit is limit


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
