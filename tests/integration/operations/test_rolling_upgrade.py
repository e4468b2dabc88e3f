"""The release before goes on selling while the database is migrated under it."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from bench.clients import Client, Diary, buy_on_and_on
from bench.faults import is_bare
from bench.stack import Node, Stack
from surge_app.clock import utc_now
from surge_app.container import running
from surge_app.launcher.embedded_servers import backing_services
from surge_app.launcher.ports import free_port
from surge_app.launcher.stored_secrets import development_secrets
from surge_app.settings import Settings, load_settings
from tests.conftest import eventually

pytestmark = pytest.mark.nightly

ROOT = Path(__file__).parents[3]
# The last commit of the release before; move it with each release.
_RELEASE_BEFORE = "1c9133d6bc802ad4384015cd6dd203ebb08f042a"
_BUYERS, _BOOKINGS = 4, 8
# Its pages are not looked at; without a stamp it would build them for a minute.
_STAMP = """
from surge_app.frontend_build import fingerprint
from surge_app.settings import load_settings
print(fingerprint(load_settings()))
"""
_VERSION = "SELECT version_num FROM alembic_version"


@pytest.fixture
def code_before(tmp_path: Path) -> Path:
    """The code of the release before."""
    archive = subprocess.run(
        ["git", "-C", ROOT, "archive", _RELEASE_BEFORE], capture_output=True, check=False
    )
    if archive.returncode:
        pytest.fail("This needs the history: run `git fetch --unshallow`.")
    folder = tmp_path / "before"
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


@pytest.fixture
def before(code_before: Path, tmp_path: Path) -> Generator[Node]:
    """A node of the release before with its own servers, database and schema."""
    settings = development_secrets(
        load_settings(data_dir=tmp_path / "data", port=free_port(), rate_limits=False)
    )
    environment = os.environ | {
        "PORT": str(settings.port),
        "SURGE_DATA_DIR": str(settings.data_dir),
        "SURGE_RATE_LIMITS": "off",
        "SURGE_WORKERS": "2",
    }
    fingerprint = subprocess.run(
        [sys.executable, "-c", _STAMP],
        cwd=code_before,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    site = settings.data_dir / "pages"
    index = site / "build" / "client" / "index.html"
    index.parent.mkdir(parents=True)
    index.write_text("<title>Nobody looks here.</title>", "utf-8")
    (site / "surge-build.json").write_text(json.dumps({"fingerprint": fingerprint}), "utf-8")
    node = Node("before", settings, environment, tmp_path / "node.log", code=code_before)
    node.start()
    try:
        node.wait_ready()
        yield node
    finally:
        node.stop()


def _event(node: Node) -> str:
    slug = "rolling"
    new = {
        "slug": slug,
        "name": "Rolling",
        "venue": "Here",
        "starts_at": (utc_now() + timedelta(days=1)).isoformat(),
        "tiers": [{"name": "General", "price_paise": 50_000, "units": 5_000}],
        "concurrent_buyers": _BUYERS,
    }
    _ask(node, "POST", "/api/admin/events", json=new)
    return slug


def _ask(node: Node, method: str, path: str, **sent: Any) -> httpx.Response:
    organizer = (node.settings.admin_user, node.settings.admin_password or "")
    answer = httpx.request(method, node.url + path, auth=organizer, timeout=30, **sent)
    assert answer.is_success, answer.text
    return answer


def _backed(node: Node) -> Settings:
    """Return the settings with the addresses of the servers that the node started."""
    with backing_services(node.settings) as ready:
        return ready


def _migrate(settings: Settings) -> None:
    addresses = {
        "DATABASE_URL": settings.database_url or "",
        "REDIS_URL": settings.redis_url or "",
        "SURGE_DATA_DIR": str(settings.data_dir),
    }
    subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=ROOT,
        env=os.environ | addresses,
        check=True,
    )


def _revision(settings: Settings) -> str:
    with psycopg.connect(settings.database_url or "") as connection:
        row = connection.execute(_VERSION).fetchone()
    assert row is not None
    return str(row[0])


async def test_the_release_before_sells_on_the_new_schema(before: Node) -> None:
    slug = await asyncio.to_thread(_event, before)
    settings = await asyncio.to_thread(_backed, before)
    diary, is_over = Diary(), asyncio.Event()
    client = Client(Stack(before.url, settings, [before], settings.data_dir), diary)
    buyers = asyncio.gather(*(buy_on_and_on(client, slug, is_over) for _ in range(_BUYERS)))

    def sold(since: int) -> Callable[[], Any]:
        async def is_sold() -> bool:
            return len(diary.booked) >= since + _BOOKINGS

        return is_sold

    try:
        await eventually(sold(0), about="purchases on the schema before")
        revision = await asyncio.to_thread(_revision, settings)
        await asyncio.to_thread(_migrate, settings)
        assert await asyncio.to_thread(_revision, settings) > revision
        done = len(diary.booked)
        await eventually(sold(done), about="purchases on the new schema")
        intents = await asyncio.to_thread(_ask, before, "GET", f"/api/admin/events/{slug}/stats")
        assert intents.json()["sold"] >= done
        is_over.set()
        await buyers
    finally:
        is_over.set()
        await client.close()
    assert [what for what in diary.errors if is_bare(what)] == []
    assert diary.losses == []
    log = before.log.read_text("utf-8")
    assert not [line for line in log.splitlines() if "violates" in line or "Undefined" in line]
    async with running(settings, process="after") as services:
        assert [one.code for one in await services.audit.run() if not one.holds] == []
