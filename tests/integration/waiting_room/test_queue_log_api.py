"""The public log over HTTP: written once, by whichever process, and checked by anyone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from surge_app.container import Container
from surge_app.services.access.signing_keys import read_jwk_set
from surge_app.services.waiting_room.log_verification import verify_log
from tests.conftest import NewBuyer, NewSale, Surge, eventually


async def _log(surge: Surge, slug: str) -> list[str]:
    async with httpx.AsyncClient(base_url=surge.url) as stranger:
        answer = await stranger.get(f"/api/queue/{slug}/log")
        assert answer.status_code == 200
        assert answer.headers["cache-control"].startswith("public, s-maxage=30")
        assert "set-cookie" not in answer.headers
        return answer.text.splitlines()


async def test_a_sale_can_be_checked_by_anyone_with_their_receipt(
    surge: Surge, services: Container, new_sale: NewSale, new_buyer: NewBuyer, tmp_path: Path
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    buyers = [new_buyer(slug) for _ in range(4)]
    for buyer in buyers:
        await buyer.join()
    receipt = await buyers[2].http.get(f"/api/queue/{slug}/receipt")
    assert receipt.status_code == 200
    assert "attachment" in receipt.headers["content-disposition"]
    assert (await new_buyer(slug).http.get(f"/api/queue/{slug}/receipt")).status_code == 404
    # Several processes write at once; one of them wins each line.
    await asyncio.gather(*(services.queue_log.write([slug]) for _ in range(5)))
    await buyers[1].http.delete(f"/api/queue/{slug}")
    await buyers[0].http.delete(f"/api/queue/{slug}")

    async def is_written() -> bool:
        await services.queue_log.write([slug])
        keys = (await buyers[0].http.get("/api/tickets/keys")).json()["keys"]
        report = verify_log(await _log(surge, slug), read_jwk_set(keys))
        assert report.problems == []
        return (report.issued, report.called, report.left) == (4, 2, 1)

    await eventually(is_written, about="the log")
    own = tmp_path / "receipt.txt"
    own.write_text(receipt.text)
    url = f"{surge.url}/api/queue/{slug}/log"
    checked = await asyncio.to_thread(surge.command, "verify-queue", url, "--receipt", str(own))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "Number 3 was issued, with 2 ahead" in checked.stdout
    assert "Called" in checked.stdout
    changed = tmp_path / "log.txt"
    changed.write_text("\n".join(await _log(surge, slug)).replace('"issued":[1,', '"issued":[2,'))
    keys_url = f"{surge.url}/api/tickets/keys"
    found = await asyncio.to_thread(surge.command, "verify-queue", str(changed), "--keys", keys_url)
    assert found.returncode == 1
    assert "line 1: The signature is wrong" in found.stdout


async def test_a_log_of_nothing_is_not_there(surge: Surge, new_sale: NewSale) -> None:
    async with httpx.AsyncClient(base_url=surge.url) as stranger:
        assert (await stranger.get("/api/queue/no-such-event/log")).status_code == 404
        quiet = await stranger.get(f"/api/queue/{await new_sale()}/log")
        assert quiet.status_code == 200
