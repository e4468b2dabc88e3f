"""The preflight: what a sale needs, each check named, with how to mend it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
from alembic.config import Config
from alembic.script import ScriptDirectory
from pydantic import ConfigDict
from redis.exceptions import RedisError

from surge_app.db.engine import LARGEST_POOL
from surge_app.errors import BadSignature, ConfigurationError
from surge_app.kv.client import clock_seconds, connect, information, takes_writes
from surge_app.languages import N_, gettext as _
from surge_app.launcher.connectivity import failure_reason
from surge_app.services.messaging.sms_templates import (
    registered_names,
    sent_in_english,
    unregistered,
)
from surge_app.settings import PROJECT, STATEMENT_SECONDS, Settings

_MAX_SKEW_SECONDS = 2.0
# Jobs, LISTEN, locks and the command line beside the web workers' pools.
_OTHER_CONNECTIONS = 15
_KNOCK_SECONDS = 5.0
_SHORTEST_KEY = 32
_MIGRATE = N_("Run `python -m surge_app migrate`.")
_FULLEST_REDIS = 0.8
_MIN_FREE_BYTES = 500 * 2**20
_LONGEST_STATEMENT_SECONDS = 60
_COUNTRIES, _TEXTS = N_("sms countries"), N_("sms texts")
_IN_ENGLISH = N_("sms sent in English, not registered")
NOT_COMPARED = "not compared with registered ones"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: whether it is fine, and what to do otherwise, in the reader's language.

    Attributes:
        name: The same for every reader; the admin area translates what stands before a colon.
    """

    name: str
    is_ok: bool
    advice: str = ""

    # Every field is in every answer of the API.
    __pydantic_config__ = ConfigDict(json_schema_serialization_defaults_required=True)


async def examine(settings: Settings) -> list[Check]:
    """Run every check; none changes anything.

    Args:
        settings: With `database_url` and `redis_url` filled in.
    """
    probes: list[Callable[[Settings], Coroutine[Any, Any, list[Check]]]] = [
        _postgres,
        _redis,
        _webhooks,
    ]
    results = await asyncio.gather(*(probe(settings) for probe in probes))
    found = [check for checks in results for check in checks]
    return [*_configuration(settings), _disk_space(settings), *found]


# The API does not tell these settings, so the operator looks once.
_ACCOUNT = N_(
    "In the Razorpay dashboard: send payment.*, refund.*, order.paid and payment.dispute.* events. "
    "Offers may lower what a buyer pays, by less than the price of the tickets."
)


def _configuration(settings: Settings) -> list[Check]:
    sandboxes = {
        N_("payments"): (settings.uses_sandbox_payments, "RAZORPAY_KEY_ID"),
        N_("mail"): (settings.uses_sandbox_mail, "SENDGRID_API_KEY"),
        "sms": (settings.uses_sandbox_sms, "TWILIO_ACCOUNT_SID"),
    }
    vendors = [
        Check(
            f"{name}: {'sandbox' if is_sandbox else 'real'}",
            not (is_sandbox and settings.is_production),
            _("Set {variable} to use the real one.", variable=variable) if is_sandbox else "",
        )
        for name, (is_sandbox, variable) in sandboxes.items()
    ]
    is_long = all(len(key) >= _SHORTEST_KEY for key in settings.secret_key)
    is_guarded = bool(settings.admin_password_hash) or not settings.is_production
    is_signed = settings.uses_sandbox_payments or bool(settings.razorpay_webhook_secrets)
    is_mailable = settings.uses_sandbox_mail or "@" in (settings.sendgrid_from or "")
    is_textable = settings.uses_sandbox_sms or bool(settings.twilio_from)
    rest = (
        (
            N_("secret key"),
            bool(settings.secret_key) and is_long,
            _("Make SURGE_SECRET_KEY at least {count} characters long.", count=_SHORTEST_KEY),
        ),
        (
            N_("organizer's password"),
            is_guarded,
            _("Set SURGE_ADMIN_PASSWORD_HASH; `admin hash-password` makes one."),
        ),
        (
            N_("webhook secret"),
            is_signed,
            _("Set RAZORPAY_WEBHOOK_SECRET to what Razorpay's dashboard has for the webhook."),
        ),
        (
            N_("mail sender"),
            is_mailable,
            _("Set SENDGRID_FROM to an address SendGrid has verified."),
        ),
        (
            N_("sms sender"),
            is_textable,
            _("Set TWILIO_FROM to the number or header SMS come from."),
        ),
    )
    return [
        *vendors,
        *(
            ()
            if settings.uses_sandbox_payments
            else (Check(N_("payment account"), True, _(_ACCOUNT)),)
        ),
        *_mail_reports(settings),
        *_sms_texts(settings),
        Check(f"{_COUNTRIES}: {', '.join(sorted(settings.sms_countries))}, and the event's", True),
        *(Check(name, is_ok, "" if is_ok else advice) for name, is_ok, advice in rest),
    ]


def _disk_space(settings: Settings) -> Check:
    free = shutil.disk_usage(settings.data_dir).free
    is_enough = free >= _MIN_FREE_BYTES
    advice = _(
        "{free} MB are free for {folder}. A full disk stops the embedded servers and the logs; "
        "free at least {least} MB.",
        free=free >> 20,
        folder=settings.data_dir,
        least=_MIN_FREE_BYTES >> 20,
    )
    return Check(N_("disk space"), is_enough, "" if is_enough else advice)


async def _webhooks(settings: Settings) -> list[Check]:
    """Call the address of payment webhooks without a signature; only Surge refuses it for that.

    The stand-in of the sandbox sends to this machine, the vendor to the public address, which
    links in messages need in any case.
    """
    base = settings.local_url if settings.uses_sandbox_payments else settings.base_url
    called = {N_("webhooks arrive"): base}
    if settings.public_url != base and settings.public_url:
        called[N_("public address")] = settings.public_url
    checks = list(await asyncio.gather(*(_call(name, url) for name, url in called.items())))
    if settings.uses_sandbox and checks[0].is_ok:
        checks.append(await _sandbox(settings))
    return checks


async def _sandbox(settings: Settings) -> Check:
    try:
        async with httpx.AsyncClient(timeout=_KNOCK_SECONDS) as http:
            answer = await http.get(f"{settings.local_url}/sandbox/vendors")
        is_ok = answer.is_success
    except httpx.HTTPError:
        is_ok = False
    advice = _(
        "The sandbox does not answer, so payments and messages fail. The launcher restarts it "
        "and prints the reason."
    )
    return Check(N_("sandbox answers"), is_ok, "" if is_ok else advice)


async def _call(name: str, base: str) -> Check:
    address = f"{base}/api/webhooks/razorpay"
    reason = ""
    try:
        async with httpx.AsyncClient(timeout=_KNOCK_SECONDS) as http:
            answer = await http.post(address, content=b"{}")
        reason = _("it answers {status}", status=answer.status_code)
        is_ours = answer.json()["code"] == BadSignature.code
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        is_ours = False
        if isinstance(error, httpx.HTTPError):
            reason = str(error) or type(error).__name__
    advice = _(
        "{address} does not lead here ({reason}): start Surge, and check SURGE_PUBLIC_URL, its "
        "certificate, and that the proxy passes /api on.",
        address=address,
        reason=reason,
    )
    return Check(name, is_ours, "" if is_ours else advice)


def _mail_reports(settings: Settings) -> list[Check]:
    is_heard = settings.uses_sandbox_mail or bool(settings.sendgrid_webhook_public_keys)
    advice = _("Set SENDGRID_WEBHOOK_PUBLIC_KEY, or mails that bounce are not reported.")
    return [Check(N_("mail reports"), is_heard, "" if is_heard else advice)]


def _sms_texts(settings: Settings) -> list[Check]:
    if settings.dlt_templates is None:
        return [Check(f"{_TEXTS}: {NOT_COMPARED}", is_ok=True)]
    try:
        problems = unregistered(settings)
        names = sent_in_english(registered_names(settings) or ())
    except ConfigurationError as error:
        problems, names = [str(error)], []
    checks = [Check(_TEXTS, not problems, " ".join(problems))]
    if names:
        checks.append(Check(f"{_IN_ENGLISH}: {', '.join(names)}", True))
    return checks


async def _postgres(settings: Settings) -> list[Check]:
    asked_at = _now()
    try:
        async with await psycopg.AsyncConnection.connect(
            settings.direct_url or "", connect_timeout=5
        ) as connection:
            cursor = await connection.execute(
                "SELECT clock_timestamp(), current_setting('max_connections')::int,"
                " to_regclass('alembic_version') IS NOT NULL"
            )
            row = await cursor.fetchone()
            if row is None:
                return [Check("postgres", is_ok=False, advice=_("Check DATABASE_URL."))]
            now, connections, is_migrated = row
            revision = None
            if is_migrated:
                found = await connection.execute("SELECT version_num FROM alembic_version")
                newest = await found.fetchone()
                revision = newest[0] if newest else None
    except psycopg.Error as error:
        reason = failure_reason(error, settings.database_url or "")
        return [Check("postgres", is_ok=False, advice=_unreachable("DATABASE_URL", reason))]
    head = _head()
    is_newer = (revision or "") > (head or "")
    advice = (
        _("Update this node: its release is older than the database.") if is_newer else _(_MIGRATE)
    )
    return [
        Check("postgres", is_ok=True),
        _clock(N_("clock"), asked_at, now.timestamp()),
        _pool_sizes(settings, connections),
        Check(N_("migrations"), revision == head, "" if revision == head else advice),
        *await _pooler(settings),
    ]


def _unreachable(variable: str, reason: str) -> str:
    return _("Check {variable} and that it runs{reason}", variable=variable, reason=reason)


def _now() -> float:
    return datetime.now(UTC).timestamp()


def _clock(name: str, asked_at: float, answered: float) -> Check:
    """Compare a server's clock with the time its answer took: a slow answer is no wrong clock."""
    skew = max(asked_at - answered, answered - _now(), 0)
    is_right = skew <= _MAX_SKEW_SECONDS
    advice = _("It is {seconds} s off; start a time service.", seconds=f"{skew:.1f}")
    return Check(name, is_right, "" if is_right else advice)


def _pool_sizes(settings: Settings, connections: int) -> Check:
    # Behind a pooler the pools of the workers do not reach Postgres.
    pools = 0 if settings.database_direct_url else settings.worker_count * LARGEST_POOL
    needed = pools + _OTHER_CONNECTIONS
    advice = _(
        "Postgres takes {connections} connections and this node may open {needed}; raise "
        "max_connections, lower SURGE_WORKERS or put PgBouncer in between.",
        connections=connections,
        needed=needed,
    )
    is_enough = connections >= needed
    return Check(N_("pool sizes"), is_enough, "" if is_enough else advice)


async def _pooler(settings: Settings) -> list[Check]:
    """Look at Postgres the way the services do, if a pooler stands in between."""
    if settings.database_direct_url is None:
        return []
    try:
        async with await psycopg.AsyncConnection.connect(
            settings.database_url or "", connect_timeout=5, prepare_threshold=None
        ) as connection:
            cursor = await connection.execute(
                "SELECT extract(epoch FROM current_setting('statement_timeout')::interval)::int,"
                " current_database()"
            )
            row = await cursor.fetchone()
    except psycopg.Error as error:
        reason = failure_reason(error, settings.database_url or "")
        return [Check("pooler", is_ok=False, advice=_unreachable("DATABASE_URL", reason))]
    limit, name = row or (0, "")
    is_limited = 0 < limit <= _LONGEST_STATEMENT_SECONDS
    advice = _(
        "Run {command}.",
        command=f"ALTER DATABASE {name} SET statement_timeout = '{STATEMENT_SECONDS}s'",
    )
    return [
        Check(N_("pooler"), is_ok=True),
        Check(N_("time of a statement"), is_limited, "" if is_limited else advice),
    ]


async def _redis(settings: Settings) -> list[Check]:
    try:
        client = connect(settings.redis_url or "", client_name="surge-doctor")
    except ValueError:
        advice = _("REDIS_URL is not a valid redis:// address.")
        return [Check("redis", is_ok=False, advice=advice)]
    try:
        persistence = await information(client, "persistence")
        memory = await information(client, "memory")
        is_writable = await takes_writes(client)
        asked_at, now = _now(), await clock_seconds(client)
    except RedisError as error:
        reason = failure_reason(error, settings.redis_url or "")
        return [Check("redis", is_ok=False, advice=_unreachable("REDIS_URL", reason))]
    finally:
        await client.aclose()
    appends = str(persistence.get("aof_enabled")) == "1"
    keeps = memory.get("maxmemory_policy", "noeviction") == "noeviction"
    used, most = int(memory.get("used_memory", 0)), int(memory.get("maxmemory", 0))
    has_room = is_writable and (not most or used < most * _FULLEST_REDIS)
    return [
        Check("redis", is_ok=True),
        _clock(N_("redis clock"), asked_at, now),
        Check(
            N_("redis memory"),
            has_room,
            ""
            if has_room
            else _(
                "It uses {used} of {most} MB, or its disk is full. When it takes no writes, no one "
                "can join; raise `maxmemory` or free space.",
                used=used >> 20,
                most=most >> 20,
            ),
        ),
        Check(
            N_("redis persistence"),
            appends,
            "" if appends else _("Set `appendonly yes`, or a restart forgets the queue."),
        ),
        Check(
            N_("redis eviction"),
            keeps,
            "" if keeps else _("Set `maxmemory-policy noeviction`, or places are forgotten."),
        ),
    ]


def _head() -> str | None:
    config = Config(str(PROJECT / "alembic.ini"))
    return ScriptDirectory.from_config(config).get_current_head()
