"""The commands of the guides, run as they are printed, from the first to the last."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from surge_app.clock import utc_now
from surge_app.container import Container
from surge_app.models import Role
from tests.conftest import Customer, NewBuyer, NewSale, Surge, eventually
from tests.integration.site_text_helper import shown_by_every_worker

pytestmark = pytest.mark.nightly

ROOT = Path(__file__).parents[3]
_SECONDS = 300
# An answer that is an error ends the commands, as it would end an operator's patience.
_START = """set -eu
curl() { command curl --fail-with-body --show-error --silent "$@"; }
"""


def _commands(guide: str, heading: str) -> list[str]:
    """Return the `sh` blocks of a guide from a heading on."""
    text = (ROOT / "docs" / "guides" / guide).read_text("utf-8")
    assert heading in text
    return re.findall(r"^```sh\n(.*?)^```", text.partition(heading)[2], re.DOTALL | re.MULTILINE)


async def _follow(commands: str, named: dict[str, str], surge: Surge, folder: Path) -> str:
    """Run commands whose examples are replaced with what exists here; return their output."""
    for name, value in {".venv/bin/python": f"'{sys.executable}'", **named}.items():
        commands = commands.replace(name, value)
    done = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-c", _START + commands],
        cwd=folder,
        env={**os.environ, **surge.environment, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
    return done.stdout


async def test_the_sale_with_curl_sells_refunds_and_proves_its_books(
    surge: Surge, new_sale: NewSale, tmp_path: Path
) -> None:
    (commands,) = _commands("qa.md", "## A sale with curl")
    named = {
        "http://localhost:3000": surge.url,
        "monsoon-beats": await new_sale(units=10),
        ".surge/secrets.json": f"'{surge.settings.data_dir}/secrets.json'",
    }
    shown = (await _follow(commands, named, surge, tmp_path)).splitlines()
    assert shown[0] == "admitted"
    assert any(line.startswith("SRG-") for line in shown)
    assert any('"status":"refunding"' in line for line in shown)
    assert not any("NO:" in line for line in shown)


async def test_each_command_for_organizers_does_what_it_is_for(
    surge: Surge, services: Container, new_buyer: NewBuyer, tmp_path: Path
) -> None:
    gala, run, gate = (f"{name}-{secrets.token_hex(4)}" for name in ("gala", "run", "gate"))
    user, password = surge.organizer
    await services.admin_access.add_account(
        gate, role=Role.SCANNER, password="x" * 12, actor="test"
    )
    Image.new("RGB", (1200, 630)).save(tmp_path / "photo.jpg")
    named = {
        "http://localhost:3000": surge.url,
        "organizer:your-password": f"'{user}:{password}'",
        "gate2:password": f"{gate}:{'x' * 12}",
        "winter-gala": gala,
        "spring-run": run,
        # The sale is open, and the price stays what the box office takes.
        "2027-11-01T10:00:00+05:30": (utc_now() - timedelta(minutes=1)).isoformat(),
        '"price_paise": 90000': '"price_paise": 80000',
    }
    first, _accounts, *others = _commands("organize.md", "# Organize")
    for block in others:
        known = await _examples(block, new_buyer(gala), surge) | named
        await _follow(first + block, known, surge, tmp_path)
    assert (tmp_path / "participants.csv").read_text("utf-8-sig").startswith('"booking_ref"')
    assert (tmp_path / "tickets.pdf").read_bytes().startswith(b"%PDF")
    # Other tests read the texts as they are delivered.
    await services.site_texts.save("terms", "", actor="test")
    await shown_by_every_worker(surge, "/terms", "Who sells", is_shown=True)


async def _examples(block: str, buyer: Customer, surge: Surge) -> dict[str, str]:
    """Make what a block's examples stand for: a ticket type, a booking, a hold, a message."""
    found = dict[str, str]()
    if "TIER_ID" in block:
        tiers = (await buyer.http.get(f"/api/events/{buyer.slug}")).json()["tiers"]
        # The examples that follow sell the first one.
        found["TIER_ID/close"] = f"{tiers[1]['id']}/close"
        found["TIER_ID"] = tiers[0]["id"]
    if "SRG-XXXXXXXX" in block:
        found["SRG-XXXXXXXX"] = await buyer.buy()
    if "INTENT_ID" in block or "4711" in block:
        await buyer.join()
        found["4711"] = "1"
        found["INTENT_ID"] = (await buyer.hold()).json()["id"]
        await buyer.http.delete(f"/api/intents/{found['INTENT_ID']}")
    if "/ID/" in block:
        found["/ID/"] = f"/{await _bounced(buyer, surge)}/"
    return found


async def _bounced(buyer: Customer, surge: Surge) -> str:
    """Buy with an address that bounces; return the id of the message."""
    await buyer.join()
    intent = (await buyer.hold()).json()["id"]
    email = f"bounce-{secrets.token_hex(4)}@example.com"
    order = (await buyer.start_payment(intent, email=email)).json()
    await buyer.callback(await buyer.attempt(order["order_id"]))
    messages: list[dict[str, object]] = []

    async def is_listed() -> bool:
        address = f"/api/admin/messages?event={buyer.slug}"
        answer = await buyer.http.get(address, auth=surge.organizer)
        messages[:] = answer.raise_for_status().json()["messages"]
        return bool(messages)

    await eventually(is_listed, about="the message that bounced")
    return str(messages[0]["id"])
