"""Buyers in and before a queue of one, and where Redis keeps them."""

from __future__ import annotations

from surge_app.container import Container
from surge_app.kv import keys
from tests.conftest import Customer, NewBuyer, NewSale


def passes(slug: str) -> str:
    """Return the key of a queue's passes."""
    return keys.part(slug, "passes")


def visitor_of(services: Container, buyer: Customer) -> str:
    """Return the visitor's id in a buyer's cookie."""
    header = "; ".join(f"{name}={value}" for name, value in buyer.http.cookies.items())
    visitor_id = services.identity.visitor_id(header)
    assert visitor_id is not None
    return visitor_id


async def one_inside_one_waiting(
    new_sale: NewSale, new_buyer: NewBuyer, **settings: object
) -> tuple[Customer, Customer]:
    """Let one buyer in and one wait."""
    slug = await new_sale(concurrent_buyers=1, **settings)
    first, second = new_buyer(slug), new_buyer(slug)
    assert (await first.join())["state"] == "admitted"
    assert (await second.join())["state"] == "waiting"
    return first, second
