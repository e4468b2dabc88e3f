"""The documented rounds of a change of the secret key, while nodes of two rounds serve."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack

import httpx

from surge_app.container import Container, running
from surge_app.services.access.identity import Cookie
from surge_app.services.bookings.ticket_signing import TicketSignature
from surge_app.settings import Settings
from tests.engine.gateway import InProcessGateway

OLD, NEW = "o" * 40, "n" * 40
ROUNDS = ((OLD,), (OLD, NEW), (NEW, OLD))
REF = "SRG-ABCDEFGH"


def _header(*cookies: Cookie) -> str:
    return "; ".join(cookie.header.partition(";")[0] for cookie in cookies)


async def _refused(by: Container, at: Container) -> list[str]:
    """Return what one node signs and another refuses."""
    visitor = by.identity.new_visitor()
    queue = by.identity.set_queue_cookie(visitor, "gala", 7)
    admitted = by.identity.set_pass_cookie(_header(queue), visitor.id, "gala")
    booked = by.identity.add_booking_cookie("", REF)
    ticket = by.ticket_codes.qr_text("01ARZ3NDEKTSV4RRFFQ69G5FAV", "a" * 22)
    password = httpx.BasicAuth(
        by.settings.admin_user, by.settings.admin_password or ""
    )._auth_header
    user, signed_in = await by.admin_access.sign_in(password, client_address="127.0.0.1")
    seen = at.identity.visitor(_header(queue))
    accepted = {
        "queue number": seen is not None and seen.queue_numbers == {"gala": 7},
        "pass": at.identity.passes(_header(queue, admitted)) == ["gala"],
        "booking": at.identity.bookings(_header(booked)) == {REF: None},
        "link": at.identity.opens_booking(by.identity.booking_token(REF), REF),
        "ticket": at.ticket_codes.read(ticket).proof == TicketSignature.SIGNED,
        "admin": await at.admin_access.session(_header(*signed_in)) == user,
    }
    return [name for name, is_accepted in accepted.items() if not is_accepted]


async def _nodes(
    stack: AsyncExitStack, rounds: Sequence[tuple[str, ...]], base: Settings, gateway: object
) -> list[Container]:
    nodes = [
        running(base.model_copy(update={"secret_key": keys}), process="node", gateway=gateway)
        for keys in rounds
    ]
    return [await stack.enter_async_context(node) for node in nodes]


async def test_nodes_of_two_neighbouring_rounds_accept_what_the_other_signs(
    backing: Settings, gateway: InProcessGateway
) -> None:
    async with AsyncExitStack() as stack:
        first, second, third = await _nodes(stack, ROUNDS, backing, gateway)
        for one, other in ((first, second), (second, third)):
            assert await _refused(one, other) == []
            assert await _refused(other, one) == []


async def test_a_skipped_round_would_throw_visitors_out(
    backing: Settings, gateway: InProcessGateway
) -> None:
    async with AsyncExitStack() as stack:
        first, third = await _nodes(stack, ROUNDS[::2], backing, gateway)
        assert "queue number" in await _refused(third, first)
