"""One table: what each path is, who may request it, and how large a body it takes."""

from __future__ import annotations

import re
from collections import defaultdict
from enum import IntEnum, StrEnum, auto
from typing import Final, NamedTuple

from starlette.types import Scope

from surge_app.services.events.covers import LARGEST_UPLOAD
from surge_app.services.events.site_texts import SITE_PAGES


class Access(StrEnum):
    """The right that a path requires."""

    PUBLIC = "public"
    """None; a public page opens no live connection."""
    PASS = "pass"  # noqa: S105  an admission pass, no password
    """An admission pass for the event."""
    BOOKING = "booking"
    """The booking's cookie or the token of a link."""
    ADMIN = "admin"
    """A signed-in organizer."""


class Kind(StrEnum):
    """The handling of a path at the edge."""

    QUEUE = auto()
    """Polls and joins, answered by the edge."""
    VISIT = auto()
    """A browser that opened an event's page, counted by the edge."""
    API = auto()
    """Passed to FastAPI."""
    SOCKET = auto()
    """The live connection of pages."""
    HOME = auto()
    """Redirected to the events."""
    EVENTS = auto()
    """The list of events, written by the edge."""
    EVENT = auto()
    """The page of one event, written by the edge."""
    TEXT = auto()
    """A page about the shop, written by the edge."""
    SHELL = auto()
    """A built page of one's own, sent by the edge with the names of its scripts."""
    PAGE = auto()
    """A built page, sent by Reflex."""
    VERIFY = auto()
    """The check of a queue's log, written by the edge."""
    TICKETS = auto()
    """The tickets of a booking, written by the edge."""
    CONTINUE = auto()
    """Where a place is taken over from another device, written by the edge."""
    SIGN_OUT = auto()
    """Ends an admin session."""
    FILE = auto()
    """A built file, or nothing; sent by Reflex."""
    CLOSED = auto()
    """Never answered with content."""


class BodyLimit(IntEnum):
    """The largest body that a path takes, in bytes."""

    VISITOR = 16 * 1024
    ORGANIZER = 256 * 1024
    """Descriptions of 10,000 letters, 500 scans at once; only for a signed-in admin user."""
    VENDOR = 1024 * 1024
    UPLOAD = LARGEST_UPLOAD
    """Pictures; streamed to the endpoint, which checks its sender first."""


PAGES: Final = frozenset(
    {
        Kind.EVENTS,
        Kind.EVENT,
        Kind.TEXT,
        Kind.VERIFY,
        Kind.SHELL,
        Kind.PAGE,
        Kind.TICKETS,
        Kind.CONTINUE,
    }
)


class Route(NamedTuple):
    """A classified path.

    Attributes:
        kind: How the edge handles it.
        label: Its name in the metrics of requests.
        access: The right it requires.
        slug: The event's slug or the booking's reference.
        body_limit: The largest body it takes.
        root: The fixed beginning of the path, such as `/queue`.
        shell: The page in the notation of the pages' router, such as `queue/:slug`.
        for_scanners: Whether scanners may open this admin page too.
        uses_camera: Whether the page reads codes with a camera.
        cache: `Cache-Control` of a file.
        worker_scope: What a worker of this file may answer for; its own folder if empty.
        in_turns: Whether a crowd that requests it gives way to buyers.
    """

    kind: Kind
    label: str
    access: Access = Access.PUBLIC
    slug: str | None = None
    body_limit: BodyLimit = BodyLimit.VISITOR
    root: str = ""
    shell: str = ""
    for_scanners: bool = False
    uses_camera: bool = False
    cache: str = ""
    worker_scope: str = ""
    in_turns: bool = False

    @property
    def is_page(self) -> bool:
        """Return whether a person looks at the response."""
        return self.kind in PAGES


_IMMUTABLE, _MONTH = "public, max-age=31536000, immutable", "public, max-age=2592000"
_DAY = "public, max-age=86400"
_ADMIN_PAGE = Route(Kind.PAGE, "console_page", Access.ADMIN)
_ADMIN_API = Route(Kind.API, "console", body_limit=BodyLimit.ORGANIZER)
# The first pattern that matches decides. `{…}` is one part, `*` the path itself and all below it.
_TABLE: Final = (
    ("/", Route(Kind.HOME, "cold_page")),
    *((f"/{name}", Route(Kind.TEXT, "cold_page", slug=name)) for name in SITE_PAGES),
    ("/events", Route(Kind.EVENTS, "cold_page")),
    ("/events/{slug}", Route(Kind.EVENT, "cold_page")),
    ("/events/*", Route(Kind.FILE, "cold_page")),
    ("/queue/{slug}", Route(Kind.SHELL, "cold_page")),
    ("/queue/{slug}/verify", Route(Kind.VERIFY, "cold_page")),
    ("/queue/*", Route(Kind.FILE, "cold_page")),
    ("/continue/{slug}", Route(Kind.CONTINUE, "cold_page")),
    ("/book/{slug}", Route(Kind.SHELL, "hot_page", Access.PASS)),
    ("/book/{slug}/*", Route(Kind.PAGE, "hot_page", Access.PASS)),
    ("/book", Route(Kind.PAGE, "hot_page", Access.PASS)),
    ("/bookings/find", Route(Kind.PAGE, "hot_page")),
    ("/bookings/{ref}", Route(Kind.SHELL, "hot_page", Access.BOOKING)),
    ("/bookings/{ref}/tickets", Route(Kind.TICKETS, "hot_page", Access.BOOKING)),
    ("/bookings/{ref}/*", Route(Kind.PAGE, "hot_page", Access.BOOKING)),
    ("/bookings", Route(Kind.PAGE, "hot_page", Access.BOOKING)),
    ("/admin", _ADMIN_PAGE._replace(for_scanners=True)),
    ("/admin/logout", Route(Kind.SIGN_OUT, "console_page")),
    ("/admin/events/{slug}/door", _ADMIN_PAGE._replace(for_scanners=True, uses_camera=True)),
    ("/admin/*", _ADMIN_PAGE),
    ("/_event", Route(Kind.SOCKET, "file")),
    ("/api/queue/{event}", Route(Kind.QUEUE, "queue")),
    ("/api/queue/{event}/log", Route(Kind.API, "queue", in_turns=True)),
    ("/api/queue/*", Route(Kind.API, "queue")),
    ("/api/events/{slug}/intents", Route(Kind.API, "hold", Access.PASS)),
    ("/api/events/{event}/visits", Route(Kind.VISIT, "catalog")),
    (
        r"/api/events/{event}/(?:card\.png|cover\.(?:jpg|svg))",
        Route(Kind.API, "catalog", in_turns=True),
    ),
    ("/api/events/*", Route(Kind.API, "catalog")),
    ("/api/event-filters", Route(Kind.API, "catalog")),
    ("/api/intents/{id}/payment", Route(Kind.API, "payment")),
    ("/api/intents/*", Route(Kind.API, "hold")),
    ("/api/bookings/*", Route(Kind.API, "booking")),
    ("/api/admin/events/{slug}/cover", _ADMIN_API._replace(body_limit=BodyLimit.UPLOAD)),
    ("/api/admin/*", _ADMIN_API),
    ("/api/payments/*", Route(Kind.API, "callback")),
    ("/api/webhooks/*", Route(Kind.API, "webhook", body_limit=BodyLimit.VENDOR)),
    ("/api/livez", Route(Kind.API, "health")),
    ("/api/readyz", Route(Kind.API, "health")),
    ("/api/*", Route(Kind.API, "api", in_turns=True)),
    ("/metrics", Route(Kind.API, "health")),
    ("/sandbox/*", Route(Kind.API, "sandbox", body_limit=BodyLimit.VENDOR)),
    ("/assets/*", Route(Kind.FILE, "file", cache=_IMMUTABLE)),
    ("/languages/*", Route(Kind.FILE, "file", cache=_IMMUTABLE)),
    ("/fonts/*", Route(Kind.FILE, "file", cache=_MONTH)),
    ("/icons/*", Route(Kind.FILE, "file", cache=_MONTH)),
    ("/manifest.webmanifest", Route(Kind.FILE, "file", cache=_DAY)),
    ("/js/ticket_worker.js", Route(Kind.FILE, "file", cache="no-cache", worker_scope="/bookings/")),
    # Reflex's own endpoint of health, which tells whether its Redis answers.
    ("/ping", Route(Kind.CLOSED, "file")),
)
_PART = {"event": r"(?P<slug>[a-z0-9]+(?:-[a-z0-9]+)*)", "id": r"[^/]+"}
_SLUG = r"(?P<slug>[^/]+)"
# Looking for a file of seven thousand folders takes 30 ms.
_MAX_PATH = 1024
_ODD = re.compile(r"//|/\.{1,2}(?:/|$)|^/_|\.html$")
_CLOSED: Final = Route(Kind.CLOSED, "file")
_OTHER: Final = Route(Kind.FILE, "file")

_Rules = tuple[tuple[re.Pattern[str], Route], ...]


def classify(path: str) -> Route:
    """Return what a path is; every layer of the edge works from this one answer."""
    path = path or "/"
    if len(path) > _MAX_PATH:
        return _CLOSED
    for pattern, route in _RULES.get(path.split("/", 2)[1], ()) if path[0] == "/" else ():
        if found := pattern.fullmatch(path):
            if not path.isprintable() or (_ODD.search(path) and route.kind is not Kind.SOCKET):
                return _CLOSED
            slug = found.groupdict().get("slug")
            return route if slug is None else route._replace(slug=slug)
    return _CLOSED if path[0] != "/" or not path.isprintable() or _ODD.search(path) else _OTHER


def route_of(scope: Scope) -> Route:
    """Return the route of a connection, classified when it is first requested."""
    found: Route | None = scope.get("surge.route")
    if found is None:
        found = scope["surge.route"] = classify(scope["path"])
    return found


def _compiled() -> dict[str, _Rules]:
    rules: defaultdict[str, list[tuple[re.Pattern[str], Route]]] = defaultdict(list)
    for pattern, route in _TABLE:
        regex = re.sub(r"\{(\w+)\}", lambda found: _PART.get(found[1], _SLUG), pattern)
        # The API's paths are exact; a page's may end in a slash, as a built folder's does.
        is_exact = pattern.startswith("/api/") and not pattern.endswith("/*")
        regex = regex[:-2] + "(?:/.*)?" if pattern.endswith("/*") else regex
        ending = "" if is_exact or pattern.endswith(("/", "/*")) else "/?"
        shell = re.sub(r"\{(\w+)\}", r":\1", pattern)[1:] if route.kind is Kind.SHELL else ""
        complete = route._replace(root=pattern.partition("/{")[0].removesuffix("/*"), shell=shell)
        compiled = re.compile(regex + ending, re.DOTALL)
        rules[pattern.split("/", 2)[1]].append((compiled, complete))
    return {root: tuple(found) for root, found in rules.items()}


_RULES: Final = _compiled()
