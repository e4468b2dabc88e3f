"""Which address needs what: one rule, read by the gate and by the table of pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Access(StrEnum):
    """What a page asks of a visitor."""

    COLD = "cold"
    """Anyone; needs no live connection, so none is opened."""
    PASS = "pass"  # noqa: S105  the right to shop, no password
    """A valid pass for the event."""
    BOOKING = "booking"
    """The booking's cookie or the token of a link."""
    ADMIN = "admin"
    """A signed-in organizer."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a path points to; `name` is the event's slug or the booking's reference."""

    access: Access
    name: str | None
    root: str


QUEUE_API = "/api/queue/"
"""What the address of every line in the API begins with."""

_POLLED = re.compile(QUEUE_API + r"([a-z0-9]+(?:-[a-z0-9]+)*)")
_ROOTS = {
    "events": Access.COLD,
    "queue": Access.COLD,
    "book": Access.PASS,
    "bookings": Access.BOOKING,
    "admin": Access.ADMIN,
}


def is_plain(path: str) -> bool:
    """Whether a path says what it means: no control characters, no `.`, `..` or empty parts."""
    parts = path.split("/")[1:-1]
    return path.isprintable() and not {"", ".", ".."} & {*parts, path.rpartition("/")[2] or "/"}


def page_target(path: str) -> Target | None:
    """Return what a page's path asks for, None if it is not a page of ours."""
    parts = [part for part in path.split("/") if part]
    if parts == ["bookings", "find"]:
        return Target(Access.COLD, "find", "/bookings/find")
    access = _ROOTS.get(parts[0]) if parts else None
    if access is None:
        return None
    return Target(access, parts[1] if len(parts) > 1 else None, f"/{parts[0]}")


def is_for_the_door(path: str) -> bool:
    """Whether a page of the console is also for those who only check tickets in."""
    parts = [part for part in path.split("/") if part]
    return parts == ["admin"] or is_scanner(path)


def is_scanner(path: str) -> bool:
    """Whether a page may use the camera: the check-in, `/admin/events/{slug}/door`."""
    parts = [part for part in path.split("/") if part]
    return len(parts) == 4 and parts[:2] == ["admin", "events"] and parts[3] == "door"  # noqa: PLR2004


def is_upload(path: str) -> bool:
    """Whether a path takes a picture, `/api/admin/events/{slug}/cover`, so a larger body."""
    parts = path.strip("/").split("/")
    return len(parts) == 5 and parts[:3] == ["api", "admin", "events"] and parts[4] == "cover"  # noqa: PLR2004


def is_socket(path: str) -> bool:
    """Whether a path is that of the live connection, in whatever way it goes on."""
    return path.startswith("/_event")


def plain_queue(path: str) -> str | None:
    """Return the slug of `/queue/{slug}/plain`, the waiting room without JavaScript."""
    parts = path.strip("/").split("/")
    is_twin = len(parts) == 3 and parts[0] == "queue" and parts[2] == "plain"  # noqa: PLR2004
    return parts[1] if is_twin else None


def polled_event(path: str) -> str | None:
    """Return the slug of `/api/queue/{slug}`, the one address that is asked all the time."""
    found = _POLLED.fullmatch(path)
    return None if found is None else found[1]


def held_event(path: str) -> str | None:
    """Return the slug of `/api/events/{slug}/intents`, where a hold starts."""
    parts = path.strip("/").split("/")
    is_hold = len(parts) == 4 and parts[:2] == ["api", "events"] and parts[3] == "intents"  # noqa: PLR2004
    return parts[2] if is_hold else None
