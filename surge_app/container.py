"""Builds the services of one process and provides them through `current()`.

Reflex constructs State objects itself, and a mounted API has no lifespan of its own, so both look
the container up at call time.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from surge_app.db.engine import Database
from surge_app.errors import ConfigurationError
from surge_app.kv.admission import JoinStore
from surge_app.kv.client import connect, queue_client_name
from surge_app.kv.job_status import JobStatusStore
from surge_app.kv.moves import MoveStore
from surge_app.kv.queue import QueueStore
from surge_app.kv.queue_log import QueueLogStore
from surge_app.kv.rate_limits import RateLimiter
from surge_app.kv.visits import VisitStore
from surge_app.observability import tracing
from surge_app.providers import (
    build_gateway,
    build_mail,
    build_mail_reports,
    build_sms,
    build_sms_reports,
    close_connections,
)
from surge_app.services.access.admin_auth import AdminAuth
from surge_app.services.access.identity import Identity
from surge_app.services.access.move_codes import MoveCodes
from surge_app.services.access.signing_keys import SigningKeys
from surge_app.services.admin.action_items import ActionItems
from surge_app.services.admin.audit_log import AuditLog
from surge_app.services.admin.bulk_actions import BulkActions
from surge_app.services.admin.dashboard import Dashboard
from surge_app.services.admin.event_admin import Organizer
from surge_app.services.admin.event_lifecycle import Lifecycle
from surge_app.services.admin.hold_recovery import HoldRecovery
from surge_app.services.admin.participants import Participants
from surge_app.services.admin.passes import Passes
from surge_app.services.admin.privacy import Privacy
from surge_app.services.admin.rehearsals import Rehearsals
from surge_app.services.admin.sales_report import SalesReports
from surge_app.services.bookings.access import BookingAccess
from surge_app.services.bookings.attendees import Attendees
from surge_app.services.bookings.check_in import CheckIn
from surge_app.services.bookings.exports import Exports
from surge_app.services.bookings.lookup import BookingLookup
from surge_app.services.bookings.ticket_signing import TicketCodes
from surge_app.services.bookings.tickets import Tickets
from surge_app.services.checkout.contacts import Contacts
from surge_app.services.checkout.device_moves import DeviceMoves
from surge_app.services.checkout.free_tickets import FreeTickets
from surge_app.services.checkout.intents import Intents
from surge_app.services.events.catalog import Catalog
from surge_app.services.events.covers import Covers
from surge_app.services.events.inventory import Inventory
from surge_app.services.events.site_texts import SiteTexts
from surge_app.services.messaging.composer import Composer
from surge_app.services.messaging.contact_codes import ContactCodes
from surge_app.services.messaging.delivery_reports import Deliveries
from surge_app.services.messaging.dispatcher import Dispatcher
from surge_app.services.messaging.event_notices import EventNotices
from surge_app.services.messaging.notifications import Notifications
from surge_app.services.messaging.sms_templates import registered_names
from surge_app.services.operations.invariants import Audit
from surge_app.services.operations.readiness import Readiness
from surge_app.services.operations.telemetry import Telemetry
from surge_app.services.payments.box_office import BoxOffice
from surge_app.services.payments.gateway_queries import GatewayQueries
from surge_app.services.payments.payment_start import PaymentStarter
from surge_app.services.payments.reconciliation import Reconciliation
from surge_app.services.payments.refunds import Refunds
from surge_app.services.payments.service import Payments
from surge_app.services.payments.settlement import Settlement
from surge_app.services.vendors.circuit_breaker import CircuitBreaker, GuardedGateway
from surge_app.services.vendors.ports import PaymentGateway
from surge_app.services.waiting_room.admission import JoinService
from surge_app.services.waiting_room.proof_of_work import ProofOfWork
from surge_app.services.waiting_room.public_log import QueueLog
from surge_app.services.waiting_room.public_queue import PublicQueue
from surge_app.services.waiting_room.redis_sync import QueueSync
from surge_app.services.waiting_room.requests import QueueRequests
from surge_app.services.waiting_room.service import WaitingRoom
from surge_app.services.waiting_room.visits import Visits
from surge_app.settings import Settings


@dataclass(frozen=True, slots=True)
class Container:
    """The long-lived collaborators of one process."""

    settings: Settings
    database: Database
    redis: Redis
    limits: RateLimiter
    outages: CircuitBreaker
    identity: Identity
    signing_keys: SigningKeys
    admin_access: AdminAuth
    catalog: Catalog
    contacts: Contacts
    covers: Covers
    site_texts: SiteTexts
    finder: BookingLookup
    booking_access: BookingAccess
    waiting_room: WaitingRoom
    joins: JoinService
    queue_requests: QueueRequests
    device_moves: DeviceMoves
    public_queue: PublicQueue
    queue_log: QueueLog
    intents: Intents
    payments: Payments
    settlement: Settlement
    refunds: Refunds
    ticket_codes: TicketCodes
    tickets: Tickets
    attendees: Attendees
    notifications: Notifications
    event_notices: EventNotices
    dispatcher: Dispatcher
    deliveries: Deliveries
    organizer: Organizer
    passes: Passes
    dashboard: Dashboard
    sales_reports: SalesReports
    box_office: BoxOffice
    check_in: CheckIn
    lifecycle: Lifecycle
    action_items: ActionItems
    bulk_actions: BulkActions
    exports: Exports
    participants: Participants
    inventory: Inventory
    hold_recovery: HoldRecovery
    reconciliation: Reconciliation
    audit: Audit
    audit_log: AuditLog
    telemetry: Telemetry
    readiness: Readiness
    privacy: Privacy
    rehearsals: Rehearsals


def build_container(
    settings: Settings, *, process: str = "web", gateway: PaymentGateway | None = None
) -> Container:
    """Build the services. Nothing connects before its first use.

    Args:
        settings: With `database_url`, `redis_url` and `secret_key` filled in.
        process: `web`, `jobs` or `cli`; shown by Postgres and Redis.
        gateway: Replaces the gateway from the settings.

    Raises:
        ConfigurationError: If one of them is missing.
    """
    if not (settings.database_url and settings.redis_url and settings.secret_key):
        msg = (
            "DATABASE_URL, REDIS_URL and SURGE_SECRET_KEY must be known before the services start."
        )
        raise ConfigurationError(msg)
    database = Database(
        settings.database_url,
        application_name=f"surge-{process}",
        is_pooled=settings.database_direct_url is not None,
    )
    redis = connect(settings.redis_url, client_name=queue_client_name(process))
    limits = RateLimiter(redis, enabled=settings.rate_limits)
    identity = Identity(settings.secret_key, secure=settings.has_secure_cookies)
    signing_keys = SigningKeys(settings.secret_key)
    vendor = gateway or build_gateway(settings)
    outages = CircuitBreaker(database, vendor)
    gateway = GuardedGateway(vendor, outages)
    contacts = Contacts()
    catalog = Catalog(database, default_fee_paise=settings.convenience_fee_paise)
    queue_store, moves = QueueStore(redis), MoveStore(redis)
    waiting_room = WaitingRoom(
        queue_store,
        moves,
        QueueSync(database, queue_store, personal_below=settings.queue_personal_below),
        Visits(VisitStore(redis)),
    )
    joins = JoinService(
        JoinStore(redis),
        ProofOfWork(settings.secret_key),
        waiting_room,
        has_limits=settings.rate_limits,
    )
    intents = Intents(
        database,
        waiting_room,
        catalog,
        outages,
        limits,
        FreeTickets(limits, per_hour=settings.free_bookings_per_hour),
        network_percent=settings.network_hold_percent if settings.rate_limits else None,
    )
    queue_requests = QueueRequests(identity, joins, waiting_room)
    settlement = Settlement(database, waiting_room)
    refunds = Refunds(database, gateway, catalog)
    queries = GatewayQueries(gateway, settlement, limits)
    starter = PaymentStarter(database, gateway, waiting_room, settlement, outages, queries)
    payments = Payments(database, gateway, contacts, starter, queries, refunds, limits)
    audit = Audit(database)
    ticket_codes = TicketCodes(signing_keys)
    tickets = Tickets(database, identity, ticket_codes, limits, base_url=settings.base_url)
    codes = ContactCodes(database, identity, limits)
    notifications = Notifications(database, contacts, codes, limits)
    composer = Composer(
        database,
        tickets,
        sms_countries=settings.sms_countries,
        sms_texts=registered_names(settings),
    )
    mail, sms = build_mail(settings), build_sms(settings)
    return Container(
        settings=settings,
        database=database,
        redis=redis,
        limits=limits,
        outages=outages,
        identity=identity,
        signing_keys=signing_keys,
        admin_access=AdminAuth(settings, limits, database, identity),
        catalog=catalog,
        contacts=contacts,
        covers=Covers(database, catalog),
        site_texts=SiteTexts(database),
        finder=BookingLookup(database, limits, contacts),
        booking_access=BookingAccess(database, identity),
        waiting_room=waiting_room,
        joins=joins,
        queue_requests=queue_requests,
        device_moves=DeviceMoves(
            database,
            moves,
            MoveCodes(settings.secret_key),
            identity,
            queue_requests,
            intents,
            limits,
        ),
        public_queue=PublicQueue(waiting_room.snapshots, signing_keys),
        queue_log=QueueLog(database, QueueLogStore(redis), signing_keys, limits),
        intents=intents,
        payments=payments,
        settlement=settlement,
        refunds=refunds,
        ticket_codes=ticket_codes,
        tickets=tickets,
        attendees=Attendees(database, contacts),
        notifications=notifications,
        event_notices=EventNotices(database, composer),
        dispatcher=Dispatcher(database, composer, mail, sms),
        deliveries=Deliveries(database, build_mail_reports(settings), build_sms_reports(settings)),
        hold_recovery=HoldRecovery(database, catalog, waiting_room),
        inventory=Inventory(database, catalog, waiting_room),
        participants=Participants(database, contacts),
        exports=Exports(database),
        action_items=ActionItems(database, payments, refunds, notifications),
        bulk_actions=BulkActions(database, refunds, notifications),
        lifecycle=Lifecycle(database, catalog, waiting_room, refunds),
        check_in=CheckIn(database, ticket_codes, limits),
        dashboard=Dashboard(database, waiting_room),
        sales_reports=SalesReports(database),
        box_office=BoxOffice(database, catalog, contacts),
        organizer=Organizer(database, catalog, waiting_room, notifications),
        passes=Passes(database, waiting_room, intents),
        reconciliation=Reconciliation(database, gateway, intents, payments, settlement),
        audit=audit,
        audit_log=AuditLog(database),
        telemetry=Telemetry(database, JobStatusStore(redis), waiting_room, audit),
        readiness=Readiness(database, redis),
        privacy=Privacy(database, contacts),
        rehearsals=Rehearsals(database, settings),
    )


_installed: Container | None = None


def current() -> Container:
    """Return this process's container.

    Raises:
        RuntimeError: If the lifespan has not started.
    """
    if _installed is None:
        raise RuntimeError("No container is installed: the lifespan has not started.")
    return _installed


def is_installed() -> bool:
    """Return whether the lifespan has started."""
    return _installed is not None


@contextmanager
def installed(container: Container) -> Generator[Container]:
    """Install a container for a block: the lifespan, the command line, a test."""
    global _installed  # noqa: PLW0603  the one slot of the process
    previous, _installed = _installed, container
    try:
        yield container
    finally:
        _installed = previous


@asynccontextmanager
async def running(
    settings: Settings, *, process: str = "web", gateway: PaymentGateway | None = None
) -> AsyncGenerator[Container]:
    """Build and install the services, and close them at the end."""
    container = build_container(settings, process=process, gateway=gateway)
    tracing.begin(settings.traces_endpoint, process=process)
    with installed(container):
        try:
            yield container
        finally:
            await container.rehearsals.close()
            tracing.end()
            await container.waiting_room.snapshots.close()
            await container.waiting_room.visits.close()
            await close_connections()
            await container.redis.aclose()
            await container.database.close()
