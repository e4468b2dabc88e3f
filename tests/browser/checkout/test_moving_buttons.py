"""An answer moves the page while a button is pressed: the press counts, and only there."""

from __future__ import annotations

import re

from playwright.async_api import Locator, WebSocketRoute, expect

from tests.browser.checkout import Attendee
from tests.browser.conftest import NewPerson, Person, fill_contact
from tests.conftest import NewSale


class Answers:
    """The answers of the live connection, which wait while a test says so."""

    def __init__(self) -> None:
        self.may_pass = True
        self._waiting: list[tuple[WebSocketRoute, str | bytes]] = []

    async def of(self, person: Person) -> None:
        """Stand between a browser and Surge."""

        def connect(socket: WebSocketRoute) -> None:
            def answer(said: str | bytes) -> None:
                self._waiting.append((socket, said))
                if self.may_pass:
                    self.let_pass()

            socket.connect_to_server().on_message(answer)

        await person.context.route_web_socket(re.compile("/_event"), connect)

    def let_pass(self) -> None:
        """Let what waits through, and what comes."""
        self.may_pass = True
        waiting, self._waiting = self._waiting, []
        for socket, said in waiting:
            socket.send(said)


async def _box(button: Locator) -> tuple[float, float, float, float]:
    """Measure the left, top, right and bottom of a button."""
    box = await button.bounding_box()
    assert box is not None
    return box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]


async def _middle(button: Locator) -> tuple[float, float]:
    left, top, right, bottom = await _box(button)
    return (left + right) / 2, (top + bottom) / 2


async def _is_outside(button: Locator, x: float, y: float) -> bool:
    left, top, right, bottom = await _box(button)
    return not (left <= x <= right and top <= y <= bottom)


_COUNT = """button => {
    window.pressed = 0;
    button.addEventListener("click", () => { window.pressed += 1; });
}"""


async def _press_while_it_moves(asha: Attendee, answers: Answers) -> tuple[float, float]:
    """Press Pay where it is, let an answer move it, and return where the mouse is held down."""
    page = asha.page
    email, pay = page.get_by_label("Email"), asha.button("^Pay")
    notice = page.get_by_text("Please check the marked fields.")
    await email.fill("asha@")
    await pay.click()
    await expect(notice).to_be_visible()
    answers.may_pass = False
    await email.fill(f"{asha.tag}@example.com")
    x, y = await _middle(pay)
    await page.mouse.move(x, y)
    await page.mouse.down()
    answers.let_pass()
    await expect(notice).to_have_count(0)
    assert await _is_outside(pay, x, y)
    return x, y


async def test_a_press_counts_though_an_answer_moves_the_button_before_its_release(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    person, answers = await new_person(desktop=True), Answers()
    await answers.of(person)
    asha, page = Attendee(person, await new_sale()), person.page
    await asha.enter()
    await asha.choose(1)
    await asha.hold()
    await fill_contact(page, tag=asha.tag)
    pay = asha.button("^Pay")
    x, y = await _press_while_it_moves(asha, answers)
    # A hand that moves away takes its press back.
    await pay.evaluate(_COUNT)
    await page.mouse.move(x, y - 200)
    assert await _is_outside(pay, x, y - 200)
    await page.mouse.up()
    assert await page.evaluate("window.pressed") == 0
    # From a button that stands, a little is enough.
    left, _, right, bottom = await _box(pay)
    x = (left + right) / 2
    await page.mouse.move(x, bottom - 2)
    await page.mouse.down()
    await page.mouse.move(x, bottom + 4)
    assert await _is_outside(pay, x, bottom + 4)
    await page.mouse.up()
    assert await page.evaluate("window.pressed") == 0

    await _press_while_it_moves(asha, answers)
    await page.mouse.up()
    await expect(asha.window).to_be_visible()
    assert person.errors == []
