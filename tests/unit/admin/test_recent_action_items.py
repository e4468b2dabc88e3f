"""The menu's count of action items: what is resolved is gone from it, also in the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from surge_app.clock import utc_now
from surge_app.services.admin import action_items
from surge_app.services.admin.action_items import ActionItem, ActionItems


def _item(name: str) -> ActionItem:
    return ActionItem("unmatched_payment", name, utc_now(), "", name, 100, "captured", None)


class Items(ActionItems):
    """Items in memory; a list of them takes until a test says so."""

    def __init__(self) -> None:
        nothing = cast("Any", None)
        super().__init__(nothing, nothing, nothing, nothing)
        self.open = [_item("first"), _item("second")]
        self.is_read, self.may_answer = asyncio.Event(), asyncio.Event()
        self.may_answer.set()

    async def list(self, *, most: int = 100, skip: int = 0) -> Sequence[ActionItem]:
        found = self.open[skip:most]
        self.is_read.set()
        await self.may_answer.wait()
        return found

    async def _close(self, close: object, action: str, item_id: str, actor: str) -> None:
        del close, action, actor
        self.open = [one for one in self.open if one.id != item_id]


async def _names(items: Items) -> list[str]:
    return [one.id for one in await items.recent()]


async def test_a_list_that_was_read_before_an_item_was_resolved_is_not_kept() -> None:
    items = Items()
    items.may_answer.clear()
    early = asyncio.create_task(_names(items))
    await items.is_read.wait()
    await items.resolve("unmatched_payment", "first", actor="test")
    items.may_answer.set()
    assert await early == ["first", "second"]
    assert await _names(items) == ["second"]


async def test_the_other_items_are_counted_while_they_are_read_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(action_items, "_FRESH_SECONDS", 3_600)
    items = Items()
    assert await _names(items) == ["first", "second"]
    await items.resolve("unmatched_payment", "first", actor="test")
    items.is_read.clear()
    items.may_answer.clear()
    reading = asyncio.create_task(_names(items))
    await items.is_read.wait()
    assert await _names(items) == ["second"]
    items.may_answer.set()
    assert await reading == ["second"]
