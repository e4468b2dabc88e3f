"""One action for several bookings: previewed, then done for each as it was shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from surge_app.db.bookings import participants as queries
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries
from surge_app.errors import InvalidRequest, SurgeError
from surge_app.languages import gettext as _
from surge_app.models import BookingStatus
from surge_app.services.concurrency import for_each
from surge_app.services.messaging.notifications import Notifications
from surge_app.services.payments.refunds import Refunds

MAX_SELECTED = 200
_MAX_CONCURRENT = 4


@dataclass(frozen=True, slots=True)
class SelectedBooking:
    """A booking of a selection; an action is refused if someone acted on it since."""

    ref: str
    version: int
    tickets: int
    refundable_paise: int


@dataclass(frozen=True, slots=True)
class Selection:
    """The bookings an action can be applied to.

    Attributes:
        skipped: How many were chosen and are left out, such as refunded ones.
    """

    bookings: tuple[SelectedBooking, ...] = ()
    skipped: int = 0

    @property
    def tickets(self) -> int:
        """The number of their valid tickets."""
        return sum(one.tickets for one in self.bookings)

    @property
    def refundable_paise(self) -> int:
        """The total of a refund of all of them."""
        return sum(one.refundable_paise for one in self.bookings)


@dataclass(slots=True)
class BulkOutcome:
    """The result by reference: done, or the reason why not."""

    done: list[str] = field(default_factory=list[str])
    failed: dict[str, str] = field(default_factory=dict[str, str])


class BulkActions:
    """Refunds or resends a selection of bookings; one that fails stops no other."""

    def __init__(self, database: Database, refunds: Refunds, notifications: Notifications) -> None:
        self._database = database
        self._refunds = refunds
        self._notifications = notifications

    async def select(self, slug: str, refs: Sequence[str], *, needs_contact: bool) -> Selection:
        """Return the bookings of an event that an action can be applied to.

        Raises:
            InvalidRequest: If none or too many were chosen.
            NotFound: If there is no such event.
        """
        if not 0 < len(refs) <= MAX_SELECTED:
            msg = _("Nothing was done. Select 1 to {most} bookings.", most=MAX_SELECTED)
            raise InvalidRequest(msg)
        async with self._database.transaction() as session:
            event = await catalog_queries.require_event(session, slug)
            rows = await queries.selection(session, event.id, refs)
        matching = tuple(
            SelectedBooking(row["ref"], row["version"], row["tickets"], row["refundable_paise"])
            for row in rows
            if row["status"] == BookingStatus.CONFIRMED
            and (row["has_contact"] or not needs_contact)
        )
        return Selection(matching, len(set(refs)) - len(matching))

    async def refund(self, selection: Selection, *, restock: bool, actor: str) -> BulkOutcome:
        """Refund each whole booking; cash waits to be handed back."""

        async def refund(one: SelectedBooking) -> object:
            return await self._refunds.refund(
                one.ref, version=one.version, restock=restock, actor=actor
            )

        return await _apply(selection, refund)

    async def resend(self, selection: Selection, *, actor: str) -> BulkOutcome:
        """Send the tickets of each booking again."""

        async def resend(one: SelectedBooking) -> object:
            return await self._notifications.resend(one.ref, version=one.version, actor=actor)

        return await _apply(selection, resend)


async def _apply(
    selection: Selection, act: Callable[[SelectedBooking], Awaitable[object]]
) -> BulkOutcome:
    outcome = BulkOutcome()

    async def work(one: SelectedBooking) -> None:
        try:
            await act(one)
        except SurgeError as error:
            outcome.failed[one.ref] = error.text
        else:
            outcome.done.append(one.ref)

    await for_each(selection.bookings, work, at_once=_MAX_CONCURRENT)
    return outcome
