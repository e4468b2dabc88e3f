"""Refunds: decided in one transaction, sent afterwards, retried until the money is back.

A refund that cannot succeed automatically becomes an action item. Every change of one
takes the lock of its intent first, as `settle` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from surge_app.db.bookings import records as booking_queries
from surge_app.db.checkout import intents as intent_queries
from surge_app.db.engine import Database
from surge_app.db.events import units
from surge_app.db.payments import records as payment_queries, refunds as queries
from surge_app.db.payments.settlement import write_unmatched
from surge_app.errors import AlreadyRefunded, InvalidRequest, NotFound, RefundNotStuck
from surge_app.languages import gettext as _
from surge_app.models import BALANCE_LOW, AuditEntry, BookingStatus, Refund, RefundStatus
from surge_app.observability.log import get_logger
from surge_app.services.bookings.versioning import bump_version
from surge_app.services.concurrency import for_each
from surge_app.services.events.catalog import Catalog
from surge_app.services.payments import ledger
from surge_app.services.payments.refund_matching import (
    flag_double_refund,
    is_exhausted,
    log_unfinished,
    match_refund,
)
from surge_app.services.payments.refund_policy import (
    is_receipt_of,
    next_idempotency_key,
    plan_refund,
)
from surge_app.services.payments.refund_writer import (
    add_refund,
    adopt_gateway_refund,
    audit_entry,
    close_booking,
    finish_refund,
    lock_paid,
    notify,
    notify_paid,
    unmatched_refund,
)
from surge_app.services.payments.views import RefundedView, StuckRefundView
from surge_app.services.vendors.ports import (
    GatewayRefund,
    GatewayRefundStatus,
    PaymentGateway,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRejected,
)

_log = get_logger(__name__)

_BATCH = 50
_MAX_CONCURRENT = 8
_LEASE = timedelta(minutes=2)
_MAX_PAUSE_SECONDS = 3600


class Refunds:
    """Gives money back: all of it or a part, exactly once."""

    def __init__(self, database: Database, gateway: PaymentGateway, catalog: Catalog) -> None:
        self._database = database
        self._gateway = gateway
        self._catalog = catalog

    async def refund(
        self,
        ref: str,
        *,
        actor: str,
        restock: bool,
        tickets: Sequence[int] | None = None,
        amount_paise: int | None = None,
        version: int | None = None,
        handed_over: bool = False,
    ) -> RefundedView:
        """Take a booking back, whole or in part; the money is sent afterwards.

        Money of the box office is not sent: it waits for `hand_over`, unless that happened already.

        Args:
            restock: Whether the units of void tickets go on sale again.
            tickets: Take back only these, by their numbers in the booking. With the last valid
                ticket the convenience fee goes back, too.
            amount_paise: Give back this much as goodwill; every ticket stays valid.
            version: Of the booking as it was read; None ignores concurrent changes.
            handed_over: The buyer has the money back, the way they paid at the box office.

        Raises:
            AlreadyRefunded: If nothing is left to take back.
            ChangedMeanwhile: If someone else changed it since it was read; nothing was refunded.
            InvalidRequest: If the tickets are not the booking's, or the amount cannot be paid, or
                what was paid online is said to be handed over.
            NotFound: If there is no such booking.
        """
        async with self._database.transaction() as session:
            paid = await lock_paid(session, ref)
            bump_version(paid.booking, version)
            if paid.booking.status != BookingStatus.CONFIRMED:
                raise AlreadyRefunded
            entries = await queries.entries_of_booking(session, paid.booking.id)
            prices = await booking_queries.prices_of_valid_tickets(session, paid.booking.id)
            plan = plan_refund(
                ledger.balance(entries), prices, tickets=tickets, amount_paise=amount_paise
            )
            refund = await add_refund(session, paid, plan)
            if handed_over and refund is not None and not refund.by_hand:
                raise InvalidRequest(_("This was paid online, and goes back the way it came."))
            unit_ids = await booking_queries.void_tickets(session, paid.booking.id, plan.seqs)
            if restock:
                await units.restock(session, unit_ids)
            if plan.seqs and len(plan.seqs) == len(prices):
                await close_booking(session, paid)
            session.add(
                audit_entry(ref, plan, actor=actor, restock=restock, handed_over=handed_over)
            )
            await session.flush()
            if handed_over and refund is not None and paid.payment is not None:
                rows = await queries.of_payment(session, paid.payment.id)
                await finish_refund(session, paid.payment, refund, rows)
            await notify(session, paid, plan, refund)
            done = RefundedView(ref, str(paid.booking.status), plan.amount_paise, plan.seqs)
        self._catalog.invalidate()
        _log.info("booking_refund", booking=ref, amount_paise=done.amount_paise, status=done.status)
        return done

    async def record_gateway_refund(self, refund: GatewayRefund) -> str:
        """Record the state that the gateway reports of a refund; forward only, safe to repeat.

        Returns:
            The state of the refund. One made in the gateway's dashboard becomes ours, unless its
            booking does not have that much left: then it is unmatched.
        """
        return await self._record(refund, refund_id=None)

    async def submit_pending(self) -> int:
        """Ask the gateway for refunds that are due, or how they stand; returns how many."""
        async with self._database.transaction() as session:
            due = await queries.lease_due_refunds(session, limit=_BATCH, lease=_LEASE)
        await for_each(due, self._submit, at_once=_MAX_CONCURRENT)
        return len(due)

    async def stuck(self) -> list[StuckRefundView]:
        """Return the refunds that wait for an operator, the oldest first."""
        async with self._database.transaction() as session:
            found = await queries.stuck(session)
        return [
            StuckRefundView(
                id=refund.id,
                booking_ref=ref,
                payment_id=refund.payment_id,
                amount_paise=refund.amount_paise,
                reason=refund.reason,
                status=str(refund.status),
                attempts=refund.attempts,
                last_error=refund.last_error,
                by_hand=refund.by_hand,
                created_at=refund.created_at,
            )
            for refund, ref in found
        ]

    async def retry(self, refund_id: str, *, actor: str) -> None:
        """Try a refund again that waits for an operator.

        One that failed at the gateway is asked for anew, as its old key would only return the
        failure; one that met errors may have been made after all and keeps its key.

        Raises:
            NotFound: If there is no such refund.
            RefundNotStuck: If it is done, or still being tried.
        """
        async with self._database.transaction() as session:
            refund = await queries.by_id(session, refund_id, for_update=True)
            if refund is None:
                raise NotFound
            if refund.by_hand:
                msg = _(
                    "This was paid at the box office. Hand it back the same way, then confirm it."
                )
                raise RefundNotStuck(msg)
            lacks_funds = refund.last_error == BALANCE_LOW
            is_retried = refund.next_attempt_at is not None and not lacks_funds
            if is_retried or refund.status == RefundStatus.PROCESSED:
                raise RefundNotStuck
            before = {"status": str(refund.status), "key": refund.idempotency_key}
            if refund.status == RefundStatus.FAILED:
                next_idempotency_key(refund)
                refund.status = RefundStatus.REQUESTED
            # Not 0: the gateway is asked first what it knows of this refund.
            refund.attempts = 1
            refund.next_attempt_at = await intent_queries.database_now(session)
            after = {"status": str(refund.status), "key": refund.idempotency_key}
            session.add(
                AuditEntry(
                    actor=actor,
                    action="refund.retry",
                    subject=refund_id,
                    before=before,
                    after=after,
                )
            )
        _log.info("refund_retried", refund=refund_id, key=refund.idempotency_key)

    async def hand_over(self, refund_id: str, *, actor: str) -> None:
        """Note that a refund of the box office was handed back; a second call does nothing.

        Raises:
            NotFound: If there is no such refund.
            RefundNotStuck: If it is not of the box office, or was handed back already.
        """
        async with self._database.transaction() as session:
            payment = await queries.payment_of(session, refund_id)
            if payment is None:
                raise NotFound
            await intent_queries.by_id(session, payment.intent_id, for_update=True)
            rows = await queries.of_payment(session, payment.id)
            refund = next(row for row in rows if row.id == refund_id)
            if not refund.by_hand or refund.status == RefundStatus.PROCESSED:
                raise RefundNotStuck
            await finish_refund(session, payment, refund, rows)
            booking = await booking_queries.by_intent(session, payment.intent_id)
            session.add(
                AuditEntry(
                    actor=actor,
                    action="refund.hand_over",
                    subject=booking.ref if booking else refund_id,
                    after={"amount_paise": refund.amount_paise},
                )
            )

    async def _submit(self, refund: Refund) -> None:
        try:
            answer = await self._query_gateway(refund)
        except ProviderRejected as error:
            # The money may have gone back by the gateway's dashboard, and the event got lost.
            await self._take_in_refunds(refund.payment_id)
            await self._reschedule(refund.id, str(error))
            return
        except ProviderError as error:
            await self._reschedule(refund.id, str(error))
            return
        await self._record(answer, refund_id=refund.id)
        if answer.status != GatewayRefundStatus.PROCESSED:
            await self._reschedule(refund.id, None)

    async def _take_in_refunds(self, payment_id: str) -> None:
        try:
            known = await self._gateway.payment_refunds(payment_id)
        except ProviderError as error:
            _log.warning("refunds_unlisted", payment=payment_id, error=str(error))
            return
        for one in known:
            await self._record(one, refund_id=None)

    async def _query_gateway(self, refund: Refund) -> GatewayRefund:
        if refund.attempts > 1:
            # A repeat may be answered as the first request was, and not every account honours
            # the key: what the gateway has already decides.
            known = await self._gateway.payment_refunds(refund.payment_id)
            ours = [
                one
                for one in known
                if one.id == refund.gateway_id or is_receipt_of(refund, one.receipt)
            ]
            for one in sorted(ours, key=lambda one: one.status != GatewayRefundStatus.PROCESSED):
                if one.status == GatewayRefundStatus.PROCESSED:
                    return one
                if refund.idempotency_key == one.receipt or not refund.body:
                    return one
        if not refund.body:
            msg = _("The gateway does not list this refund, which was made in its dashboard.")
            raise ProviderOutcomeUnknown(msg)
        return await self._gateway.refund(
            refund.payment_id, body=refund.body, idempotency_key=refund.idempotency_key
        )

    async def _record(self, refund: GatewayRefund, *, refund_id: str | None) -> str:
        async with self._database.transaction() as session:
            payment = await payment_queries.by_id(session, refund.payment_id)
            rows: Sequence[Refund] = []
            intent = None
            if payment is not None:
                intent = await intent_queries.by_id(session, payment.intent_id, for_update=True)
                rows = await queries.of_payment(session, payment.id)
            row = match_refund(rows, refund, refund_id)
            if row is None and payment is not None and refund.status != GatewayRefundStatus.FAILED:
                row = await adopt_gateway_refund(session, payment, rows, refund)
                rows = await queries.of_payment(session, payment.id)
            if payment is None or intent is None or row is None:
                if payment is not None and refund.status == GatewayRefundStatus.PROCESSED:
                    await write_unmatched(session, [unmatched_refund(refund, payment)])
                _log.error("refund_unmatched", refund=refund.id, payment=refund.payment_id)
                return "unmatched"
            if row.status == RefundStatus.PROCESSED:
                flag_double_refund(row, refund)
            elif refund.status == GatewayRefundStatus.PROCESSED:
                row.gateway_id = refund.id
                await finish_refund(session, payment, row, rows)
                await notify_paid(session, intent, row)
            elif refund.receipt in {None, row.idempotency_key} or row.gateway_id == refund.id:
                log_unfinished(row, refund)
            return str(row.status)

    async def _reschedule(self, refund_id: str, error: str | None) -> None:
        async with self._database.transaction() as session:
            row = await queries.by_id(session, refund_id, for_update=True)
            if row is None or row.status == RefundStatus.PROCESSED:
                return
            row.last_error = error or row.last_error
            lacks_funds = error == BALANCE_LOW
            # Funds may come days later, and an organizer knows meanwhile: these are not counted.
            row.attempts = 1 if lacks_funds else row.attempts
            seconds = _MAX_PAUSE_SECONDS if lacks_funds else 2 ** min(row.attempts, 12)
            pause = timedelta(seconds=min(_MAX_PAUSE_SECONDS, seconds))
            is_over = is_exhausted(row)
            now = await intent_queries.database_now(session)
            row.next_attempt_at = None if is_over else now + pause
            last_error = row.last_error
        if is_over:
            _log.error("refund_stuck", refund=refund_id, error=last_error)
        elif error:
            _log.warning("refund_postponed", refund=refund_id, error=error)
