"""The command line of operators, beside a running Surge and without one."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import psycopg
import pytest
import pytest_asyncio
from argon2 import PasswordHasher
from sqlalchemy import text

from surge_app.container import Container
from tests import command_line
from tests.conftest import NewBuyer, NewSale, Surge, eventually

ROOT = Path(__file__).parents[3]
GOOD = {
    "--name": "From the command line",
    "--venue": "The hall",
    "--starts-at": "2027-03-06T19:00:00+05:30",
    "--tier": "General:50000:10",
}


def _create(surge: Surge, **changes: str) -> subprocess.CompletedProcess[str]:
    options = {"--slug": f"cli-{secrets.token_hex(4)}", **GOOD}
    options |= {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    return surge.command("event", "create", *(word for pair in options.items() for word in pair))


def _run(surge: Surge, *words: str, typed: str = "", **environment: str) -> tuple[int, str, str]:
    """Run a command with other variables, without a terminal."""
    done = command_line.run(words, {**surge.environment, **environment}, typed)
    return done.returncode, done.stdout, done.stderr


def _assert_sentence(code: int, out: str, error: str) -> None:
    assert code == 2, (out, error)
    assert out == ""
    *before, sentence = error.splitlines()
    assert sentence
    # A command that got as far as a database says which, also where it fails.
    assert [line for line in before if not line.startswith("Database: ")] == []
    assert len(before) <= 1


async def test_an_event_created_beside_a_running_surge_is_on_sale_at_once(
    surge: Surge, new_buyer: NewBuyer
) -> None:
    slug = f"cli-{secrets.token_hex(4)}"
    made = _create(surge, slug=slug, concurrent_buyers="7", max_per_person="3", hold_seconds="60")
    assert (made.returncode, made.stdout) == (0, f"{slug}\n"), made.stderr
    buyer = new_buyer(slug)
    event = (await buyer.http.get(f"/api/events/{slug}")).json()
    assert (event["max_per_person"], event["hold_seconds"]) == (3, 60)
    assert event["starts_at"] == "2027-03-06T13:30:00Z"
    assert event["tiers"][0]["all_in_paise"] == 52_500
    assert (await buyer.join())["state"] == "admitted"
    assert (await buyer.hold()).status_code == 201
    listed = surge.command("event", "list", "--json")
    assert listed.returncode == 0
    mine = next(one for one in json.loads(listed.stdout) if one["slug"] == slug)
    assert (mine["capacity"], mine["held"], mine["available"]) == (10, 1, 9)
    assert mine["concurrent_buyers"] == 7
    assert slug[:8] in surge.command("event", "list").stdout


async def test_several_tiers_are_created_in_their_order(surge: Surge, new_buyer: NewBuyer) -> None:
    slug = f"cli-{secrets.token_hex(4)}"
    words = [word for pair in GOOD.items() for word in pair]
    made = surge.command("event", "create", "--slug", slug, *words, "--tier", "Balcony:9900:2")
    assert made.returncode == 0
    event = (await new_buyer(slug).http.get(f"/api/events/{slug}")).json()
    tiers = [(one["name"], one["price_paise"], one["capacity"]) for one in event["tiers"]]
    assert tiers == [("General", 50_000, 10), ("Balcony", 9_900, 2)]


@pytest.mark.parametrize(
    ("option", "value", "about"),
    [
        ("tier", "General", "--tier"),
        ("tier", "General:500.50:10", "--tier"),
        ("tier", ":500:10", "--tier"),
        ("tier", "General:50000:0", "at least one ticket"),
        ("tier", "General:99999999999999999999:10", "paise"),
        ("starts_at", "2027-03-06T19:00:00", "--starts-at"),
        ("sales_open_at", "2027-03-06", "--sales-open-at"),
        ("slug", "Not A Slug", "web address"),
    ],
)
def test_a_mistake_in_an_event_is_one_sentence(
    surge: Surge, option: str, value: str, about: str
) -> None:
    done = _create(surge, **{option: value})
    _assert_sentence(done.returncode, done.stdout, done.stderr)
    assert about in done.stderr


async def test_an_address_that_is_taken_is_one_sentence(surge: Surge, new_sale: NewSale) -> None:
    done = _create(surge, slug=await new_sale())
    _assert_sentence(done.returncode, done.stdout, done.stderr)
    assert "slug_taken" in done.stderr


@pytest.mark.parametrize("words", [("nothing",), ("event", "create"), ("webhook", "replay")])
def test_a_wrong_command_shows_how_to_use_it(surge: Surge, words: tuple[str, ...]) -> None:
    done = surge.command(*words)
    assert done.returncode == 2
    assert "Usage" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_module_started_anew_answers_as_in_a_process_that_knows_it(surge: Surge) -> None:
    words = ("event", "list", "--json")
    anew = subprocess.run(
        [sys.executable, "-m", "surge_app", *words],
        cwd=ROOT,
        env=surge.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    known = surge.command(*words)
    slugs = [{one["slug"] for one in json.loads(done.stdout)} for done in (anew, known)]
    assert slugs[0] == slugs[1] != set()
    assert anew.returncode == known.returncode == 0
    assert anew.stderr == known.stderr == f"Database: embedded, in {surge.settings.data_dir}\n"


def test_a_hashed_password_verifies_and_only_the_hash_is_printed(surge: Surge) -> None:
    password = "  पासवर्ड with spaces "
    code, out, error = _run(surge, "admin", "hash-password", typed=f"{password}\n{password}\n")
    assert code == 0, error
    assert out.startswith("$argon2id$"), "what is printed goes into a variable as it is"
    assert PasswordHasher().verify(out.strip(), password)
    assert password not in out + error


def test_a_short_password_is_refused_with_one_sentence(surge: Surge) -> None:
    code, out, error = _run(surge, "admin", "hash-password", typed="short\nshort\n")
    assert code == 2
    assert "$argon2" not in out
    assert error.splitlines()[-1] == "An organizer's password has at least 8 characters."


async def test_the_audit_tells_programs_what_holds(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    await new_buyer(slug).buy()
    done = surge.command("audit", "--json", "--event", slug)
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert report["ok"] is True
    codes = [check["code"] for check in report["checks"]]
    assert len(set(codes)) == len(codes) >= 10
    assert {"money_has_one_end", "one_confirmation_each", "holds_end_in_time"} <= set(codes)
    assert all(check["holds"] and check["promise"].endswith(".") for check in report["checks"])
    assert "yes" in surge.command("audit", "--event", slug).stdout


def test_auditing_an_event_that_is_not_there_is_no_clean_bill(surge: Surge) -> None:
    done = surge.command("audit", "--event", "no-such-event")
    _assert_sentence(done.returncode, done.stdout, done.stderr)


def test_the_doctor_finds_a_running_surge_well(surge: Surge) -> None:
    done = surge.command("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert done.returncode == 0, checks
    assert {"postgres", "redis", "migrations", "secret key", "clock"} <= set(checks)
    assert "payments: sandbox" in checks
    assert all(check["is_ok"] for check in checks.values())


def test_the_doctor_says_what_is_missing_and_how_to_mend_it(surge: Surge) -> None:
    code, out, error = _run(
        surge, "doctor", "--json", REDIS_URL="redis://127.0.0.1:1/0", SURGE_SECRET_KEY="short"
    )
    checks = {check["name"]: check for check in json.loads(out)}
    assert code == 1, error
    for name, variable in (("redis", "REDIS_URL"), ("secret key", "SURGE_SECRET_KEY")):
        assert not checks[name]["is_ok"]
        assert variable in checks[name]["advice"]
    assert checks["postgres"]["is_ok"]


def test_the_doctor_examines_malformed_addresses_without_repeating_them(surge: Surge) -> None:
    broken = {
        "DATABASE_URL": "postgresql://u:geheim@[broken/x",
        "REDIS_URL": "redis://:geheim@127.0.0.1:port/0",
    }
    code, out, error = _run(surge, "doctor", "--json", **broken)
    assert code == 1, error
    failed = {check["name"] for check in json.loads(out) if not check["is_ok"]}
    assert {"postgres", "redis"} <= failed
    assert "geheim" not in out + error


@pytest.mark.parametrize(
    "words", [("audit",), ("doctor",), ("event", "list"), ("backup", "x.dump")]
)
def test_a_command_where_no_surge_is_makes_none(
    surge: Surge, tmp_path: Path, words: tuple[str, ...]
) -> None:
    folder = tmp_path / "data"
    code, out, error = _run(surge, *words, SURGE_DATA_DIR=str(folder), DATABASE_URL="")
    _assert_sentence(code, out, error)
    assert str(folder) in error
    assert not folder.exists()


def test_a_backup_that_is_not_there_makes_no_database(surge: Surge, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    environment = {"SURGE_DATA_DIR": str(folder), "DATABASE_URL": ""}
    code, out, error = _run(surge, "restore", str(tmp_path / "x.dump"), **environment)
    _assert_sentence(code, out, error)
    assert error.startswith("There is no file ")
    assert not folder.exists()


def test_migrating_what_is_migrated_changes_nothing(surge: Surge) -> None:
    code, out, error = _run(surge, "migrate")
    assert code == 0, error
    assert "Traceback" not in out + error


@pytest_asyncio.fixture
async def bare(services: Container) -> AsyncGenerator[str]:
    """The URL of an empty database."""
    name = f"bare_{secrets.token_hex(4)}"
    async with services.database.engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await autocommit.execute(text(f"CREATE DATABASE {name}"))
        try:
            yield (services.settings.database_url or "").replace("/surge?", f"/{name}?")
        finally:
            await autocommit.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def _name(address: str) -> str:
    return address.partition("?")[0].rpartition("/")[2]


def test_a_database_without_tables_is_one_sentence(surge: Surge, bare: str, tmp_path: Path) -> None:
    for words, hint in (
        (("event", "list"), "`migrate`"),
        (("audit",), "`migrate`"),
        (("backup", str(tmp_path / "surge.dump")), "right one?"),
    ):
        code, out, error = _run(surge, *words, DATABASE_URL=bare)
        _assert_sentence(code, out, error)
        assert hint in error
        assert error.startswith(f"Database: {_name(bare)} at ")
    assert not (tmp_path / "surge.dump").exists()


def test_a_database_without_events_is_not_audited(surge: Surge, bare: str) -> None:
    code, _, error = _run(surge, "migrate", DATABASE_URL=bare)
    assert code == 0, error
    assert f"Database: {_name(bare)} at " in error
    code, out, error = _run(surge, "audit", DATABASE_URL=bare)
    _assert_sentence(code, out, error)
    assert "no event" in error


async def test_a_database_of_a_later_release_is_left_as_it_is(surge: Surge, bare: str) -> None:
    assert _run(surge, "migrate", DATABASE_URL=bare)[0] == 0
    async with await psycopg.AsyncConnection.connect(bare) as connection:
        await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    code, _, error = _run(surge, "migrate", DATABASE_URL=bare)
    assert code == 0, error
    assert "revision 9999, newer than" in error
    _, out, _ = _run(surge, "doctor", "--json", DATABASE_URL=bare)
    (migrations,) = [check for check in json.loads(out) if check["name"] == "migrations"]
    assert not migrations["is_ok"]
    assert migrations["advice"].startswith("Update this node")


async def test_replaying_a_stored_webhook_does_nothing_twice(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    _, order = await buyer.order(quantity=2)
    outcome = await buyer.callback(await buyer.attempt(str(order["order_id"])))
    ref = outcome.json()["booking_ref"]

    async def rows(query: str) -> list[tuple[object, ...]]:
        async with services.database.transaction() as session:
            found = await session.execute(text(query), {"ref": ref, "order": order["order_id"]})
            return [tuple(row) for row in found]

    stored = (
        "SELECT id FROM webhook_inbox WHERE processed_at IS NOT NULL"
        " AND position(convert_to(:order, 'UTF8') IN body) > 0"
    )

    async def is_processed() -> bool:
        return bool(await rows(stored))

    await eventually(is_processed, about="the webhook")
    of_booking = "JOIN bookings b ON b.id = x.booking_id WHERE b.ref = :ref ORDER BY x.id"
    of_order = "JOIN intents i ON i.id = p.intent_id WHERE i.order_id = :order ORDER BY p.id"
    traces = [
        "SELECT id, status, total_paise FROM bookings WHERE ref = :ref",
        f"SELECT x.id, x.code, x.status FROM tickets x {of_booking}",
        f"SELECT x.id, x.kind, x.amount_paise FROM ledger_entries x {of_booking}",
        f"SELECT x.id FROM message_outbox x {of_booking}",
        f"SELECT p.id, p.status, p.disposition FROM payments p {of_order}",
        f"SELECT r.id FROM refunds r JOIN payments p ON p.id = r.payment_id {of_order}",
    ]
    before = [await rows(query) for query in traces]
    assert [len(found) for found in before] == [1, 2, 2, 2, 1, 0]
    for (event_id,) in await rows(stored):
        done = surge.command("webhook", "replay", str(event_id))
        assert done.returncode == 0, done.stderr
    assert [await rows(query) for query in traces] == before
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


def test_replaying_a_webhook_that_was_never_stored_is_one_sentence(surge: Surge) -> None:
    done = surge.command("webhook", "replay", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
    _assert_sentence(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("words", [("run",), ("event", "list")])
def test_production_without_its_secrets_does_not_start(surge: Surge, words: tuple[str]) -> None:
    code, out, error = _run(surge, *words, SURGE_ENV="production")
    _assert_sentence(code, out, error)
    assert "SURGE_SECRET_KEY" in error


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [
        ("event list", "REDIS_URL", "redis://127.0.0.1:1/0"),
        ("event list", "REDIS_URL", "localhost:6379"),
        ("event list", "DATABASE_URL", "postgresql://u:geheim@127.0.0.1:1/x"),
        ("audit", "DATABASE_URL", "postgresql://u:geheim@[broken/x"),
        ("migrate", "DATABASE_URL", "postgresql://u:geheim@127.0.0.1:1/x"),
        ("migrate", "DATABASE_URL", "mysql://u:geheim@127.0.0.1/x"),
    ],
)
def test_a_server_that_cannot_be_reached_is_one_sentence(
    surge: Surge, command: str, name: str, value: str
) -> None:
    code, out, error = _run(surge, *command.split(), **{name: value})
    _assert_sentence(code, out, error)
    assert error.splitlines()[-1].startswith(f"{name}: ")
    assert "geheim" not in error


def test_a_migration_starts_no_redis(surge: Surge, services: Container, tmp_path: Path) -> None:
    elsewhere = {
        "DATABASE_URL": services.settings.database_url or "",
        "REDIS_URL": "",
        "SURGE_DATA_DIR": str(tmp_path / "data"),
    }
    code, _, error = _run(surge, "migrate", **elsewhere)
    assert code == 0, error
    assert not (tmp_path / "data" / "redis").exists()


def test_the_commands_leave_the_running_surge_running(surge: Surge) -> None:
    assert surge.command("event", "list").returncode == 0
    assert httpx.get(f"{surge.url}/api/readyz").is_success
