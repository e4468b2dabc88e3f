"""The public documents of a queue, which any cache may serve.

A page computes its position from three of them: the snapshot counts the visitors who wait before
each block of positions, the block says which positions of it wait, and in a drawn order the page of
positions leads from a number to its position. Each is signed with the keys of tickets: the header
`Surge-Signature` is `<key id>.<base64url>`, over `SRGD1.` and the body.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import time
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b

from surge_app.errors import NotFound
from surge_app.services.access.signing_keys import SigningKeys
from surge_app.services.waiting_room.answers import NOTES, queue_order, stock_by_tier
from surge_app.services.waiting_room.estimates import eta_seconds
from surge_app.services.waiting_room.lottery import RANDOM
from surge_app.services.waiting_room.snapshots import QueueSnapshots, Snapshot
from surge_app.services.waiting_room.views import (
    PublicQueueView,
    QueueBlock,
    QueueBlocks,
    QueuePositions,
)

SIGNATURE_HEADER = "surge-signature"

_PATH = re.compile(
    r"(?P<slug>[a-z0-9]+(?:-[a-z0-9]+)*)/(?:"
    r"(?P<public>public)(?:/(?P<size>\d{1,9})-(?P<block>\d{1,6}))?|positions/(?P<page>\d{1,6}))"
)
_SMALLEST_BLOCK, _MAX_BLOCKS = 8_192, 128
_POSITIONS = 1_024
_RETRY_MS = 12_000
_ESTIMATES = 12
_RISKS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
_MAX_DOCUMENTS = 512
# The snapshot, a block, and a page of the draw, which never changes.
_CACHED = {
    "public": (1.0, "public, s-maxage=1, stale-while-revalidate=5"),
    "block": (5.0, "public, s-maxage=15, stale-while-revalidate=15"),
    "positions": (60.0, "public, s-maxage=3600, stale-while-revalidate=60"),
}


@dataclass(frozen=True, slots=True)
class PublicDocument:
    """A document as it is sent, whole and compressed."""

    body: bytes
    compressed: bytes
    tag: str
    signature: str
    cached: str
    fresh_until: float

    def reply(self, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body for a request with these headers, in small letters."""
        own = {
            "content-type": "application/json",
            "cache-control": self.cached,
            "etag": self.tag,
            "vary": "accept-encoding",
            SIGNATURE_HEADER: self.signature,
        }
        if self.tag in headers.get("if-none-match", ""):
            return 304, own, b""
        if "gzip" in headers.get("accept-encoding", ""):
            return 200, own | {"content-encoding": "gzip"}, self.compressed
        return 200, own, self.body


class PublicQueue:
    """The public documents of one process, each made at most once in the time it is fresh."""

    def __init__(self, snapshots: QueueSnapshots, keys: SigningKeys) -> None:
        self._snapshots = snapshots
        self._keys = keys
        self._documents: dict[str, PublicDocument] = {}

    def current(self, path: str) -> PublicDocument | None:
        """Return the document of a path below `/api/queue/`, if this process can make it now."""
        found = self._documents.get(path)
        if found is not None and found.fresh_until > time.monotonic():
            return found
        parts = _PATH.fullmatch(path)
        snapshot = parts and self._snapshots.current(parts["slug"])
        if not parts or snapshot is None:
            return None
        return self._make(path, parts, snapshot)

    async def document(self, path: str) -> PublicDocument:
        """Return the document of a path.

        Raises:
            NotFound: If there is no such event, block or page.
            QueueUnavailable: If Redis does not answer.
        """
        found = self.current(path)
        parts = _PATH.fullmatch(path)
        if found is None and parts:
            found = self._make(path, parts, await self._snapshots.wait_for_next(parts["slug"]))
        if found is None:
            raise NotFound
        return found

    def _make(self, path: str, parts: re.Match[str], snapshot: Snapshot) -> PublicDocument | None:
        slug = parts["slug"]
        if parts["page"]:
            kind, content = "positions", _positions(slug, snapshot, int(parts["page"]))
        elif parts["size"]:
            kind = "block"
            content = _block(slug, snapshot, int(parts["size"]), int(parts["block"]))
        else:
            kind, content = "public", public_view(slug, snapshot)
        if content is None:
            return None
        body = json.dumps(asdict(content), separators=(",", ":")).encode()
        lifetime, cached = _CACHED[kind]
        now = time.monotonic()
        made = PublicDocument(
            body=body,
            compressed=gzip.compress(body, 5, mtime=0),
            tag=f'W/"{blake2b(body, digest_size=12).hexdigest()}"',
            signature=self._keys.sign_document(body),
            cached=cached,
            fresh_until=now + lifetime,
        )
        if len(self._documents) >= _MAX_DOCUMENTS:
            documents = self._documents.items()
            self._documents = {key: one for key, one in documents if one.fresh_until > now}
        if len(self._documents) < _MAX_DOCUMENTS:
            self._documents[path] = made
        return made


def public_view(slug: str, snapshot: Snapshot) -> PublicQueueView:
    """Return what anyone may know about a queue."""
    queue, note = snapshot.queue, snapshot.note
    # A sale that opened and whose order is not drawn yet counts as scheduled.
    opens = snapshot.state == "scheduled" and (queue.opens_at_ms or queue.now_ms)
    return PublicQueueView(
        event=slug,
        at_ms=queue.now_ms,
        state=snapshot.state,
        start=queue.start or 0,
        issued=queue.issued,
        waiting=queue.waiting,
        head=snapshot.head,
        admitted_per_minute=round(snapshot.pace.per_second * 60, 1),
        max_per_minute=queue.max_per_minute,
        available=queue.available or 0,
        by_tier=stock_by_tier(queue),
        held=queue.held or 0,
        message=queue.message,
        note=note,
        note_text=NOTES[note] if note else None,
        opens_at_ms=opens or None,
        order=queue_order(queue),
        personal_below=queue.personal_below,
        retry_after_ms=_RETRY_MS,
        eta_seconds=_estimates(snapshot),
        odds=_odds(snapshot),
        blocks=_blocks(snapshot),
    )


def _block_size(snapshot: Snapshot) -> int:
    size = _SMALLEST_BLOCK
    while (snapshot.queue.issued - snapshot.head) // size >= _MAX_BLOCKS:
        size *= 2
    return size


def _blocks(snapshot: Snapshot) -> QueueBlocks:
    size = _block_size(snapshot)
    first = snapshot.head // size
    last = max(first, snapshot.queue.issued // size)
    ahead = [snapshot.waiting_before(block * size) for block in range(first, last + 1)]
    return QueueBlocks(size=size, first=first, ahead=[*ahead, snapshot.queue.waiting])


def _estimates(snapshot: Snapshot) -> list[tuple[int, int, int]]:
    """Return estimates of the wait at some positions; between them they are about linear."""
    waiting = snapshot.queue.waiting
    if snapshot.state != "waiting" or not waiting:
        return []
    steps = {round(waiting ** (step / _ESTIMATES)) - 1 for step in range(_ESTIMATES + 1)}
    found = [(ahead, eta_seconds(snapshot.queue, ahead, snapshot.pace)) for ahead in sorted(steps)]
    return [(ahead, *eta) for ahead, eta in found if eta is not None]


def _odds(snapshot: Snapshot) -> list[tuple[int, float]]:
    """Return where the chance of a ticket falls below each tenth; before the first one is sure."""
    queue, found = snapshot.queue, dict[int, float]()
    if snapshot.state not in {"waiting", "paused"}:
        return []

    def _risk(ahead: int) -> float:
        chance = snapshot.odds(ahead)
        return 0.0 if chance is None else 1 - chance

    ahead = 0
    for risk in _RISKS:
        ahead = bisect_left(range(queue.waiting), risk, lo=ahead, key=_risk)
        if ahead >= queue.waiting:
            break
        found[ahead] = round(1 - _risk(ahead), 3)
    return [*found.items()]


def _block(slug: str, snapshot: Snapshot, size: int, block: int) -> QueueBlock | None:
    blocks = _blocks(snapshot)
    if size != blocks.size or not 0 <= block - blocks.first < len(blocks.ahead) - 1:
        return None
    return QueueBlock(
        event=slug,
        at_ms=snapshot.queue.now_ms,
        start=snapshot.queue.start or 0,
        size=size,
        block=block,
        bits=base64.b64encode(snapshot.bits(block * size, size)).decode(),
    )


def _positions(slug: str, snapshot: Snapshot, page: int) -> QueuePositions | None:
    positions = snapshot.positions(page * _POSITIONS + 1, _POSITIONS)
    if not positions or snapshot.queue.queue_order != RANDOM:
        return None
    return QueuePositions(slug, page, _POSITIONS, list(positions))
