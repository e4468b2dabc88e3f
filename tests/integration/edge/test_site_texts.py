"""Help, refunds, privacy and terms: there from the start, rewritten by organizers, plain text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.container import Container
from surge_app.edge.pages import plain_pages
from surge_app.services.events import site_texts
from surge_app.services.events.rich_text import TextBlock
from surge_app.services.events.site_texts import SITE_PAGES, SitePage, SiteTexts
from tests.conftest import Surge, eventually
from tests.integration.site_text_helper import shown_by_every_worker

_SAVED = sql("SELECT count(*) FROM audit_log WHERE action = 'text.save' AND subject = 'terms'")


@pytest_asyncio.fixture
async def stranger(surge: Surge) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as http:
        yield http


@pytest.mark.parametrize("name", SITE_PAGES)
async def test_a_page_about_the_shop_has_a_text_from_the_start_and_the_way_to_the_others(
    stranger: httpx.AsyncClient, name: str
) -> None:
    answer = await stranger.get(f"/{name}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f"<h1>{SITE_PAGES[name]}</h1>" in answer.text
    assert all(f'href="/{other}"' in answer.text for other in SITE_PAGES)
    assert '<a class="brand" href="/events"' in answer.text
    assert "<script" not in answer.text
    assert "backend-enabled" not in answer.headers.get("set-cookie", "")
    # Small enough for the slowest phone.
    assert len(answer.content) < 8_000


async def test_an_organizer_rewrites_a_text_and_nothing_in_it_is_markup(
    stranger: httpx.AsyncClient, surge: Surge, services: Container
) -> None:
    text = "# Grievance officer\n- Asha Rao, asha@acme.example\n<script>alert(1)</script>"
    path = "/api/admin/texts/terms"
    assert (await stranger.put(path, json={"body": text})).status_code == 401
    before = await _saved(services)
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
        assert (await http.put(path, json={"body": text})).status_code == 204
        assert (await http.put("/api/admin/texts/other", json={"body": ""})).status_code == 404

        async def is_shown() -> bool:
            page = (await stranger.get("/terms")).text
            return "<h2>Grievance officer</h2>" in page and "&lt;script&gt;" in page

        await eventually(is_shown, about="the new text")
        page = (await stranger.get("/terms")).text
        assert '<li>Asha Rao, <a href="mailto:asha@acme.example"' in page
        assert "<script" not in page
        assert (await http.put(path, json={"body": ""})).status_code == 204
    await shown_by_every_worker(surge, "/terms", "Who sells", is_shown=True)
    assert await _saved(services) == before + 2


async def _saved(services: Container) -> int:
    """Count how often the terms were saved, also by other tests."""
    async with services.database.transaction() as session:
        return int(await session.scalar(_SAVED) or 0)


async def test_a_text_that_someone_else_changed_is_not_replaced_by_the_api_unseen(
    surge: Surge,
) -> None:
    path = "/api/admin/texts/refunds"
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
        texts = (await http.get("/api/admin/texts")).json()
        (shown,) = [one["body"] for one in texts if one["name"] == "refunds"]
        first = await http.put(path, json={"body": "Within a week.", "was": shown})
        stale = await http.put(path, json={"body": "Never.", "was": shown})
        seen = await http.put(path, json={"body": "", "was": "Within a week."})
    assert [first.status_code, stale.status_code, seen.status_code] == [204, 409, 204]
    assert stale.json()["code"] == "changed_meanwhile"


async def test_an_editor_is_shown_what_another_worker_has_stored_since(
    services: Container,
) -> None:
    editor, worker = SiteTexts(services.database), SiteTexts(services.database)
    ours = {page.name: page.body for page in await editor.pages()}["privacy"]
    try:
        await worker.save("privacy", "Nothing is kept.", actor="test")
        shown = {page.name: page.body for page in await editor.pages()}["privacy"]
        assert shown == "Nothing is kept."
        await editor.save("privacy", "Little is kept.", actor="test", expected=shown)
    finally:
        await worker.save("privacy", "", actor="test")
    assert {page.name: page.body for page in await editor.pages()}["privacy"] == ours


async def test_an_address_that_nothing_has_gets_a_page_with_a_way_back(
    stranger: httpx.AsyncClient,
) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for path in ("/nothing", "/events/a/b", "/assets/none.js", "/index.html", "/book/x/y"):
        answer = await stranger.get(path, headers=browser, follow_redirects=True)
        if answer.status_code != 404:
            assert path == "/book/x/y"
            continue
        assert '<main class="column plain"><h1>There is no such page</h1>' in answer.text, path
        assert '<a class="button primary" href="/events">All events</a>' in answer.text, path
        assert answer.headers["content-length"] == str(len(answer.content))
        assert "content-security-policy" in answer.headers
    assert (await stranger.get("/index.html")).headers["content-type"].startswith("application/")
    card = await stranger.get("/api/card.png")
    assert (card.status_code, card.headers["content-type"]) == (200, "image/png")
    assert "/api/card.png" in (await stranger.get("/events")).text


async def test_a_crowd_reads_the_texts_once(
    services: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, read = 0, site_texts.queries.site_texts

    async def counted(session: AsyncSession) -> dict[str, str]:
        nonlocal reads
        reads += 1
        return await read(session)

    monkeypatch.setattr(site_texts.queries, "site_texts", counted)
    monkeypatch.setattr(site_texts, "_FRESH_SECONDS", 3_600)
    texts = SiteTexts(services.database)
    pages = await asyncio.gather(*(texts.page("help") for _ in range(50)))
    assert (len(set(pages)), reads) == (1, 1)


def test_a_text_is_made_into_a_page_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    rich_text = plain_pages.rich_text

    def counted(body: str) -> tuple[TextBlock, ...]:
        rendered.append(body)
        return rich_text(body)

    monkeypatch.setattr(plain_pages, "rich_text", counted)
    for _ in range(3):
        page = SitePage("help", "Help", "- One line of this test\n" * 500, is_default=False)
        assert plain_pages.text_page(page).status_code == 200
    assert len(rendered) == 1
