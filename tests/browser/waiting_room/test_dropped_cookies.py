"""Browsers that keep no cookies: one plain sentence, no place, and nothing that loops."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import Route, expect

from surge_app.container import Container
from tests.browser.conftest import NO_STORAGE, NewPerson
from tests.conftest import NewSale

# As a browser shows a page whose site may store nothing at all.
_BLOCKED = (
    NO_STORAGE
    + 'Object.defineProperty(document, "cookie", { configurable: true, get: () => "", set() {} });'
)
_SECURE_ON_HTTP = "surge_visitor=kept-by-no-browser; Secure; HttpOnly; Path=/; SameSite=Lax"


async def _answer_without_cookies(route: Route, *, cookie: str) -> None:
    """Pass a request on as a proxy does that drops cookies, or as a server on the wrong scheme."""
    request = route.request
    headers = {name: value for name, value in request.headers.items() if name != "cookie"}
    async with httpx.AsyncClient() as proxy:
        answer = await proxy.request(
            request.method, request.url, headers=headers, content=request.post_data_buffer
        )
    kept = {
        name: value
        for name, value in answer.headers.items()
        if name not in {"set-cookie", "content-encoding", "content-length", "transfer-encoding"}
    }
    own = {"set-cookie": cookie} if cookie else {}
    await route.fulfill(status=answer.status_code, headers=kept | own, body=answer.content)


@pytest.mark.parametrize(
    ("cookie", "script"),
    [("", ""), ("", _BLOCKED), (_SECURE_ON_HTTP, "")],
    ids=["dropped", "dropped, no storage", "secure on http"],
)
async def test_a_browser_that_keeps_no_cookie_reads_what_to_do_and_takes_no_place(
    new_person: NewPerson, new_sale: NewSale, services: Container, cookie: str, script: str
) -> None:
    slug = await new_sale(units=10, concurrent_buyers=10)
    person = await new_person()
    await person.context.add_init_script(f"{{ {script} }}")
    joins: list[str] = []

    async def pass_on(route: Route) -> None:
        joins.append(route.request.method)
        await _answer_without_cookies(route, cookie=cookie)

    await person.page.route(f"**/api/queue/{slug}", pass_on)
    await person.page.goto(f"/queue/{slug}")
    page = person.page
    await expect(page.get_by_role("heading", name="Your browser does not keep")).to_be_visible()
    assert joins == ["POST", "POST"]
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("heading", name="Your browser does not keep")).to_be_visible()
    queue = await services.waiting_room.stats(slug)
    assert (queue.admitted, queue.waiting) == (0, 0)
    # Once cookies are kept, the same press joins.
    await page.unroute_all(behavior="wait")
    await page.get_by_role("button", name="Try again").click()
    await page.wait_for_url(f"**/book/{slug}")
