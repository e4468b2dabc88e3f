"""Offer what is left of a selection that was refused."""

from __future__ import annotations

from collections.abc import Mapping

import reflex as rx

from surge_app.errors import SurgeError
from surge_app.services.checkout.shortages import available_quantity, shortages
from surge_app.services.events.views import EventView
from surge_app.state import view_models


class PartialOffer(rx.State, mixin=True):
    """The offer to take what is left.

    Attributes:
        offer: What to say and to press; empty if there is nothing to offer.
    """

    offer: view_models.OfferCard = view_models.OfferCard()

    _asked: dict[str, int] = {}
    _offered: dict[str, int] = {}

    def _offer_available(
        self, error: SurgeError, event: EventView, asked: dict[str, int], held: Mapping[str, int]
    ) -> None:
        """Offer as much of a refused wish as there is, unless that is held already."""
        short = shortages(event, view_models.lines_of(asked), error, held=held)
        rest = available_quantity(event, asked, short) if short else {}
        self._asked, self._offered = asked, {} if rest == dict(held) else rest
        self.offer = view_models.offer_card(event, short, self._offered)

    def _withdraw_offer(self) -> None:
        self.offer, self._asked, self._offered = view_models.OfferCard(), {}, {}
