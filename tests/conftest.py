"""The stack under test: one real Surge, as `make run` starts it, for the whole session."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from hypothesis import settings as hypothesis_settings
from sqlalchemy import text

from surge_app.clock import new_id, utc_now
from surge_app.container import Container, running
from surge_app.kv import rate_limits
from surge_app.launcher.embedded_servers import backing_services
from surge_app.launcher.ports import free_port
from surge_app.launcher.stored_secrets import development_secrets
from surge_app.services.events.new_event import NewEvent, NewTier
from surge_app.services.waiting_room import snapshots
from surge_app.settings import Settings, load_settings
from tests import command_line

ROOT = Path(__file__).parent.parent
_START_SECONDS = 420
# A machine under load is slow, and no test measures the time of an example. The same code is tried
# with the same examples, unless a search elsewhere is asked for.
hypothesis_settings.register_profile("house", deadline=None, derandomize="SEARCH" not in os.environ)
hypothesis_settings.load_profile("house")
# httpx gives up after five seconds; a machine under load answers later. It reads the certificates
# of all authorities anew for each client, of which the tests make thousands.
_CLIENT = {"timeout": httpx.Timeout(60), "verify": ssl.create_default_context()}
for _call in (httpx.Client.__init__, httpx.AsyncClient.__init__, httpx.get):
    (_call.__kwdefaults__ or {}).update(_CLIENT)
# A slow machine must not look like a Redis that is away: then a limit lets every call pass, and a
# worker refuses to say where visitors stand.
rate_limits._PATIENCE_SECONDS = 30
snapshots._REDIS_SECONDS = 30
_FOREIGN = ("SURGE_", "RAZORPAY_", "SENDGRID_", "TWILIO_")

# The longest files come first, so that no process is left alone with one in the end.
_LONGEST = tuple(f"tests/{name}/" for name in ("browser", "integration", "fuzz", "engine"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by folder; within one they keep their random order."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))


# A developer's own settings must not leak into what is tested; the browser's path may.
for _name in list(os.environ):
    if _name.startswith(_FOREIGN) and _name != "SURGE_BROWSER":
        del os.environ[_name]
for _name in ("DATABASE_URL", "REDIS_URL", "PORT"):
    os.environ.pop(_name, None)


@dataclass(frozen=True, slots=True)
class Surge:
    """A running Surge: where it is, how an organizer gets in, and its command line."""

    url: str
    settings: Settings
    environment: dict[str, str]
    log: Path

    @property
    def organizer(self) -> tuple[str, str]:
        """User and password."""
        return self.settings.admin_user, self.settings.admin_password or ""

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m surge_app …` beside it."""
        return command_line.run(arguments, self.environment)


@pytest.fixture(scope="session")
def surge() -> Generator[Surge]:
    """Start Surge as a newcomer does, without rate limits, and stop it in the end."""
    with tempfile.TemporaryDirectory(prefix="surge-test-") as folder:
        port = free_port()
        environment = {
            **os.environ,
            "PORT": str(port),
            "SURGE_DATA_DIR": folder,
            "SURGE_RATE_LIMITS": "off",
        }
        settings = development_secrets(
            load_settings(port=port, data_dir=Path(folder), rate_limits=False)
        )
        log = Path(folder) / "test-run.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "surge_app", "run"],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(url, process, log)
            yield Surge(url, settings, environment, log)
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(60)
            assert code == 0, log.read_text()[-3000:]


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            if httpx.get(f"{url}/api/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.25)
    pytest.fail(f"Surge did not start: {log.read_text()[-3000:]}")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def services(surge: Surge) -> AsyncGenerator[Container]:
    """The services of a process beside the running one, over the same Postgres and Redis."""
    with backing_services(surge.settings) as ready:
        async with running(ready, process="test") as container:
            yield container


NewSale = Callable[..., Awaitable[str]]


@pytest.fixture
def new_sale(services: Container) -> NewSale:
    """Create an event of its own for a test; takes what `NewEvent` takes."""

    async def create(units: int = 10, **settings: object) -> str:
        values = {
            "slug": f"sale-{secrets.token_hex(5)}",
            "name": "A test sale",
            "venue": "The hall",
            "starts_at": utc_now() + timedelta(days=30),
            "tiers": (NewTier("General", 50_000, units),),
            "challenge": "off",
            **settings,
        }
        return await services.organizer.create(NewEvent(**values), actor="test")  # pyright: ignore[reportArgumentType]

    return create


class Customer:
    """An attendee's browser without the pages: cookies of its own, over real HTTP."""

    def __init__(self, http: httpx.AsyncClient, slug: str) -> None:
        self.http = http
        self.slug = slug

    async def join(self) -> dict[str, object]:
        """Take a place in line."""
        answer = await self.http.post(f"/api/queue/{self.slug}")
        answer.raise_for_status()
        return answer.json()

    async def poll(self) -> dict[str, object]:
        """Ask where we stand."""
        answer = await self.http.get(f"/api/queue/{self.slug}")
        answer.raise_for_status()
        return answer.json()

    async def hold(self, quantity: int = 1, tier: int = 0) -> httpx.Response:
        """Ask for tickets of one tier."""
        event = (await self.http.get(f"/api/events/{self.slug}")).json()
        line = {"tier_id": event["tiers"][tier]["id"], "quantity": quantity}
        return await self.http.post(f"/api/events/{self.slug}/intents", json={"lines": [line]})

    async def start_payment(self, intent_id: str, **contact: str) -> httpx.Response:
        """Give contact details and ask for the order."""
        token = secrets.token_hex(4)
        details = {
            "name": "Asha Rao",
            "email": f"asha-{token}@example.com",
            "phone": f"+9198{int(token, 16) % 10**8:08d}",
            **contact,
        }
        return await self.http.post(f"/api/intents/{intent_id}/payment", json=details)

    async def attempt(self, order_id: str, **wanted: object) -> dict[str, object]:
        """Pay the order at the sandbox; returns what the checkout would hand to the page."""
        answer = await self.http.post(
            f"/sandbox/razorpay/orders/{order_id}/attempts", json={"outcome": "captured", **wanted}
        )
        answer.raise_for_status()
        return answer.json()

    async def callback(self, fields: dict[str, object]) -> httpx.Response:
        """Hand the checkout's fields over, as the page does."""
        return await self.http.post("/api/payments/razorpay/callback", json=fields)

    async def order(self, quantity: int = 1) -> tuple[dict[str, object], dict[str, object]]:
        """Join, hold and start the payment; returns intent and order."""
        joined = await self.join()
        assert joined["state"] == "admitted", joined
        held = await self.hold(quantity)
        assert held.is_success, held.text
        intent = held.json()
        started = await self.start_payment(intent["id"])
        started.raise_for_status()
        return intent, started.json()

    async def buy(self, quantity: int = 1) -> str:
        """Buy tickets and return the booking's reference."""
        _, order = await self.order(quantity)
        fields = await self.attempt(str(order["order_id"]))
        outcome = await self.callback(fields)
        outcome.raise_for_status()
        return outcome.json()["booking_ref"]


NewBuyer = Callable[[str], Customer]


@pytest_asyncio.fixture
async def new_buyer(surge: Surge) -> AsyncGenerator[NewBuyer]:
    """Make buyers for a sale; each has a browser of its own."""
    clients: list[httpx.AsyncClient] = []

    def create(slug: str) -> Customer:
        client = httpx.AsyncClient(base_url=surge.url, timeout=30)
        clients.append(client)
        return Customer(client, slug)

    yield create
    for client in clients:
        await client.aclose()


async def add_action_item(services: Container) -> str:
    """Book a payment that belongs to no order, and return its id once the menu counts it."""
    payment = f"pay_{new_id()}"
    row = text(
        "INSERT INTO unmatched_payments (id, order_id, amount_paise, currency, status)"
        " VALUES (:id, :id, 100, 'INR', 'captured')"
    )
    async with services.database.transaction() as session:
        await session.execute(row, {"id": payment})

    async def is_counted() -> bool:
        return any(one.id == payment for one in await services.action_items.recent())

    await eventually(is_counted, about="the payment without an order in the menu")
    return payment


@asynccontextmanager
async def units_freed_by_hand(services: Container, slug: str) -> AsyncGenerator[None]:
    """Free an event's sold units behind the product's back; they are sold again at the end."""

    async def write(status: str, intent: str) -> None:
        query = text(
            f"UPDATE units SET status = :status, intent_id = {intent}"
            " FROM tickets k JOIN bookings b ON b.id = k.booking_id"
            " JOIN events e ON e.id = b.event_id WHERE e.slug = :slug AND units.id = k.unit_id"
        )
        async with services.database.transaction() as session:
            await session.execute(query, {"status": status, "slug": slug})

    await write("available", "NULL")
    try:
        yield
    finally:
        await write("sold", "b.intent_id")


async def eventually(
    check: Callable[[], Awaitable[bool]], *, within_seconds: float = 120, about: str = "it"
) -> None:
    """Wait until something becomes true; fail if it does not."""
    deadline, pause = time.monotonic() + within_seconds, 0.01
    while not await check():
        if time.monotonic() > deadline:
            pytest.fail(f"{about} did not come true in {within_seconds} s")
        await asyncio.sleep(pause)
        pause = min(1.5 * pause, 0.2)
