"""Logs of queues with what is to be found in them, for both verifiers.

`python -m tests.unit.waiting_room.log_vectors` writes queue_logs.json, which the tests of
the browser's verifier read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from surge_app.services.access.signing_keys import SigningKeys
from surge_app.services.waiting_room.lottery import commitment
from surge_app.services.waiting_room.public_log import line_hash

FILE = Path(__file__).with_name("queue_logs.json")
KEYS = SigningKeys(("a key of the test vectors",))
OTHER = SigningKeys(("a key of another shop",))
SEED = "a seed"
EARLY = 12
_MINUTE = 60_000

Content = dict[str, object]
Problem = tuple[int, str]


def signed(content: Content, keys: SigningKeys = KEYS) -> str:
    """Return a document with its signature."""
    document = json.dumps(content, separators=(",", ":"), sort_keys=True)
    return f"{document} {keys.sign_document(document.encode())}"


def log(*contents: Content, keys: SigningKeys = KEYS) -> list[str]:
    """Return a log as the job writes it, a line a minute."""
    lines: list[str] = []
    for seq, content in enumerate(contents, start=1):
        previous = line_hash(lines[-1] if lines else None)
        whole = {"event": "gala", "seq": seq, "at_ms": seq * _MINUTE, "previous": previous}
        lines.append(signed(whole | content, keys))
    return lines


def _receipt(number: int, *, at: int, event: str = "gala", keys: SigningKeys = KEYS) -> str:
    return signed({"event": event, "number": number, "at_ms": at * _MINUTE}, keys)


def _case(
    name: str,
    lines: Sequence[str],
    *problems: Problem,
    receipt: str = "",
    events: Sequence[str] = (),
    is_genuine: bool = True,
) -> dict[str, Any]:
    return {
        "name": name,
        "lines": list(lines),
        "receipt": receipt,
        "is_genuine": is_genuine,
        "problems": [list(problem) for problem in problems],
        "events": list(events),
    }


def _flipped(line: str, at: int) -> str:
    return line[:at] + chr(ord(line[at]) ^ 1) + line[at + 1 :]


SALE = log(
    {"issued": [1, 50], "steps": "c1-5 l6 c7"},
    {"issued": [51, 90], "steps": "s8-9 c10-12 r8 c8"},
    {"steps": "l13-20 c21"},
    {"issued": [91, 91]},
)
_DRAW = {"commitment": commitment(SEED)}
_REVEALED = _DRAW | {"seed": SEED}
_DRAWN: tuple[Content, Content] = (
    {"issued": [1, EARLY], "draw": _DRAW, "steps": "l7"},
    {"issued": [13, 13], "draw": _REVEALED, "steps": f"d{EARLY}"},
)
DRAWN = log(*_DRAWN)
LOST = log(
    {"issued": [1, 3], "steps": "c1"},
    {"gap": True, "start": 100, "issued": [101, 101], "steps": "r3 r2 c2-3 c101"},
)
# Redis lost its last seconds, and 4 with them: those that it knows are stated anew.
CUT = log(
    {"issued": [1, 6], "steps": "c1-2"},
    {"gap": True, "start": 100, "issued": [101, 101], "steps": "r3 r5-6 l3 r4 s2 c4-6 c101"},
)


def _changed() -> list[dict[str, Any]]:
    one, two, three, four = SALE
    return [
        _case("an untouched log holds", SALE),
        _case("one flipped byte of a document", [one, _flipped(two, 40), three, four],
              (2, "signature"), (3, "chain")),
        _case("one flipped byte of a signature", [one, two, three, _flipped(four, -10)],
              (4, "signature")),
        _case("a second spelling of a signature", [one, two, three, f"{four}="], (4, "signature")),
        _case("a line that is none", [one, two, "", four],
              (3, "signature"), (4, "chain")),
        _case("two lines that changed places", [one, three, two, four],
              (2, "sequence"), (2, "chain"), (3, "sequence"), (3, "chain"), (3, "older"),
              (4, "chain"), (2, "called_early")),
        _case("a line that is missing", [one, two, four], (3, "sequence"), (3, "chain")),
        _case("the log of another shop", log({"issued": [1, 3]}, {}, keys=OTHER),
              (1, "signature"), (2, "signature")),
        _case("the line of another event", log({"issued": [1, 3]}, {"event": "other"}),
              (2, "event")),
    ]  # fmt: skip


def _out_of_order() -> list[dict[str, Any]]:
    steps: dict[str, list[str]] = {
        "c2": ["called_early"],
        "s2": ["skipped_early"],
        "c1 c1": ["called_absent"],
        "s9": ["skipped_absent"],
        "r1": ["returned_present"],
        "l9": ["left_absent"],
        "x1 c1": ["unreadable"],
        "c1-99999999999": ["unreadable"],
        "c3-1": ["range"],
        "c1 s1 r1 c1 l1": [],
    }
    return [
        *(
            _case(f"the steps {words}", log({"issued": [1, 3]}, {"steps": words}),
                  *((2, code) for code in codes))
            for words, codes in steps.items()
        ),
        _case("a number that is issued twice", log({"issued": [1, 3]}, {"issued": [3, 4]}),
              (2, "issued")),
        _case("a queue that begins in the middle", log({"issued": [2, 3]}), (1, "issued")),
        _case("a queue that was lost and goes on", LOST),
        _case("a turn out of order after a gap",
              log({"issued": [1, 6]}, {"gap": True, "start": 100, "steps": "r2-6 c3"}),
              (2, "called_early")),
    ]  # fmt: skip


def _drawn() -> list[dict[str, Any]]:
    early: Content = {"issued": [1, EARLY], "draw": _DRAW}
    later = {"draw": {"commitment": commitment("another")}}
    gap: Content = {"draw": _REVEALED, "gap": True, "start": 100}
    other_seed = {"draw": _DRAW | {"seed": "another"}, "steps": f"d{EARLY}"}
    return [
        _case("a draw that fits its fingerprint", DRAWN, receipt=_receipt(3, at=1),
              events=["issued", "drawn"]),
        _case("a draw that a gap leaves as it is",
              log(*_DRAWN, gap | {"steps": f"r1-{EARLY} c1-{EARLY}"}),
              receipt=_receipt(3, at=1), events=["issued", "drawn", "r", "c"]),
        _case("a draw that a gap repeats",
              log(*_DRAWN, gap | {"steps": f"r1-{EARLY} d{EARLY} c1-{EARLY}"}),
              receipt=_receipt(3, at=1), events=["issued", "drawn", "r", "drawn", "c"]),
        _case("a draw whose seed was exchanged", log(early, other_seed), (2, "seed")),
        _case("a draw whose fingerprint was exchanged", log(early, later), (2, "fingerprint")),
    ]  # fmt: skip


def _followed() -> list[dict[str, Any]]:
    late = log(
        {"issued": [1, 3]}, {"at_ms": 20 * _MINUTE}, {"at_ms": 21 * _MINUTE, "issued": [4, 4]}
    )
    return [
        _case("a receipt leads to what happened", SALE, receipt=_receipt(8, at=1),
              events=["issued", "s", "r", "c"]),
        _case("a receipt of today is not in the log yet", SALE, receipt=_receipt(92, at=4)),
        _case("a receipt of another event", SALE, receipt=_receipt(8, at=1, event="other")),
        _case("a receipt of another shop", SALE, receipt=_receipt(8, at=1, keys=OTHER),
              is_genuine=False),
        _case("a line is no receipt", SALE, receipt=SALE[0], is_genuine=False),
        _case("a receipt that the log leaves out", late, (3, "receipt_missing"),
              receipt=_receipt(9, at=2)),
        _case("a receipt whose number comes too late", late, (3, "receipt_late"),
              receipt=_receipt(4, at=2), events=["issued"]),
        _case("a queue that lost its last seconds and goes on", CUT, receipt=_receipt(4, at=1),
              events=["issued", "r", "c"]),
    ]  # fmt: skip


def document() -> str:
    """Return the content of the file."""
    cases = [*_changed(), *_out_of_order(), *_drawn(), *_followed()]
    whole = {"keys": KEYS.jwk_set()["keys"], "cases": cases}
    return json.dumps(whole, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(document(), "utf-8")
