"""The list of participants as a file: CSV and XLSX, one row for each ticket, in flat memory."""

# xlsxwriter comes without types.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import anyio.to_thread
import xlsxwriter  # pyright: ignore[reportMissingTypeStubs]

from surge_app.db.bookings import records as booking_queries
from surge_app.db.bookings.participants import Filter
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries
from surge_app.models import Event

_FIELDS = {
    "booking_ref": "ref",
    "ticket": "seq",
    "code": "code",
    "ticket_status": "ticket_status",
    "booking_status": "booking_status",
    "name": "name",
    "email": "email",
    "phone": "phone",
    "tier": "tier_name",
    "ticket_price_paise": "unit_price_paise",
    "booking_fee_paise": "fee_paise",
    "booking_total_paise": "total_paise",
    "currency": "currency",
    "payment_id": "payment_id",
    "booked_at": "created_at",
    "attendee_name": "attendee_name",
    "checked_in_at": "checked_in_at",
    "gate": "checked_in_gate",
    "channel": "channel",
    "payment_method": "method",
    "payment_reference": "reference",
    "taken_by": "taken_by",
}
COLUMNS = tuple(_FIELDS)
_MONEY = [name for name in COLUMNS if name.endswith("_paise")]
_CSV_COLUMNS = (*COLUMNS, *(name.replace("_paise", "_rupees") for name in _MONEY))
_BATCH = 500
_CHUNK_BYTES = 64 * 1024
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_WIDTHS = {"booking_ref": 14, "code": 24, "name": 24, "email": 28, "phone": 16, "booked_at": 18}


_EVERYONE = Filter()


class Exports:
    """Streams what was sold."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def participants_csv(self, slug: str, wanted: Filter = _EVERYONE) -> AsyncIterator[bytes]:
        """Yield the participants that match as CSV.

        UTF-8 with a byte order mark; every field quoted; what a spreadsheet would take for a
        formula, phone numbers among them, is led by an apostrophe.

        Raises:
            NotFound: If there is no such event.
        """
        event = await self._event(slug)
        yield "\ufeff".encode() + _csv_lines([_CSV_COLUMNS])
        async for rows in self._batches(event, wanted):
            yield _csv_lines([(*row, *_rupees(row)) for row in rows])

    async def participants_xlsx(
        self, slug: str, wanted: Filter = _EVERYONE
    ) -> AsyncIterator[bytes]:
        """Yield the participants that match as a workbook with typed cells.

        Amounts are rupees as numbers, times are dates of the event's zone, and everything else
        is text, which is never read as a formula. The workbook is put together on disk.

        Raises:
            NotFound: If there is no such event.
        """
        event = await self._event(slug)
        with tempfile.TemporaryDirectory(prefix="surge-export-") as folder:
            path = Path(folder) / "participants.xlsx"
            sheet = _Sheet(path)
            async for rows in self._batches(event, wanted):
                await anyio.to_thread.run_sync(sheet.write, rows)
            await anyio.to_thread.run_sync(sheet.close)
            async with await anyio.open_file(path, "rb") as file:
                while chunk := await file.read(_CHUNK_BYTES):
                    yield chunk

    async def _batches(
        self, event: Event, wanted: Filter
    ) -> AsyncIterator[list[tuple[object, ...]]]:
        zone = ZoneInfo(event.time_zone)
        rows: list[tuple[object, ...]] = []
        stream = booking_queries.stream_participants(
            self._database.engine, event.id, wanted, batch=_BATCH
        )
        async for row in stream:
            rows.append(_participant(row, zone))
            if len(rows) == _BATCH:
                yield rows
                rows = []
        yield rows

    async def _event(self, slug: str) -> Event:
        async with self._database.transaction() as session:
            return await catalog_queries.require_event(session, slug)


class _Sheet:
    """A workbook written row by row: what is written leaves memory."""

    def __init__(self, path: Path) -> None:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = xlsxwriter.Workbook(str(path), {**options, "tmpdir": str(path.parent)})
        self._sheet = self._book.add_worksheet("Participants")
        self._money = self._book.add_format({"num_format": "#,##0.00"})
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        head = self._book.add_format({"bold": True})
        for column, name in enumerate(COLUMNS):
            self._sheet.set_column(column, column, _WIDTHS.get(name, 12))
            self._sheet.write_string(0, column, name.replace("_paise", "_rupees"), head)
        self._sheet.freeze_panes(1, 0)
        self._row = 1

    def write(self, rows: list[tuple[object, ...]]) -> None:
        """Write some participants below the others."""
        for row in rows:
            for column, (name, value) in enumerate(zip(COLUMNS, row, strict=True)):
                self._cell(column, name, value)
            self._row += 1

    def close(self) -> None:
        """Put the file together."""
        self._book.close()

    def _cell(self, column: int, name: str, value: object) -> None:
        if isinstance(value, datetime):
            # A spreadsheet knows no time zones: it shows the clock on the wall of the event.
            self._sheet.write_datetime(self._row, column, value.replace(tzinfo=None), self._moment)
        elif isinstance(value, int) and name.endswith("_paise"):
            self._sheet.write_number(self._row, column, value / 100, self._money)
        elif isinstance(value, int):
            self._sheet.write_number(self._row, column, value)
        elif value:
            self._sheet.write_string(self._row, column, str(value))


def _participant(row: Mapping[str, Any], zone: ZoneInfo) -> tuple[object, ...]:
    values = (row[field] for field in _FIELDS.values())
    return tuple(one.astimezone(zone) if isinstance(one, datetime) else one for one in values)


def _text(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return "" if value is None else value


def _rupees(row: tuple[object, ...]) -> list[object]:
    paise = [row[COLUMNS.index(name)] for name in _MONEY]
    return ["" if one is None else f"{cast('int', one) / 100:.2f}" for one in paise]


def _csv_lines(rows: Sequence[tuple[object, ...]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerows([_inert(str(_text(value))) for value in row] for row in rows)
    return out.getvalue().encode()


def _inert(value: str) -> str:
    return f"'{value}" if value.lstrip(" ").startswith(_FORMULA_STARTS) else value
