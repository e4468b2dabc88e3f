"""`verify-queue`: check the public log of a queue, on any machine."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urljoin, urlsplit

import httpx
import typer

from surge_app.errors import ConfigurationError
from surge_app.services.access.signing_keys import read_jwk_set
from surge_app.services.waiting_room.log_verification import (
    LogReport,
    Receipt,
    read_receipt,
    verify_log,
)

_TIMEOUT_SECONDS = 60
_KEYS = "/api/tickets/keys"
_INVALID = 1


def verify_queue(
    log: Annotated[str, typer.Argument(help="A file, or the address of …/api/queue/SLUG/log.")],
    *,
    receipt: Annotated[str | None, typer.Option(help="A file with a receipt.")] = None,
    keys: Annotated[
        str | None,
        typer.Option(help=f"A file or address with the keys; by default {_KEYS} beside the log."),
    ] = None,
) -> None:
    """Check chain, signatures, draw and order of a queue's public log; exit code 0 if all hold."""
    is_address = urlsplit(log).scheme in {"http", "https"}
    if keys is None and not is_address:
        msg = (
            "A file does not say who signed it. Nothing was checked. "
            f"Name the keys of the shop with --keys, such as https://tickets.example.com{_KEYS}."
        )
        raise ConfigurationError(msg)
    try:
        public = read_jwk_set(json.loads(_read(keys or urljoin(log, _KEYS)))["keys"])
    except (ValueError, KeyError, TypeError) as error:
        msg = "The keys cannot be read. Nothing was checked. Name a document with a list of keys."
        raise ConfigurationError(msg) from error
    own = None
    if receipt is not None:
        own = read_receipt(_read(receipt).decode("utf-8", "replace"), public)
        if own is None:
            typer.echo("The receipt is not genuine: its signature is not of these keys.")
            raise typer.Exit(_INVALID)
    # Only line feeds end a line: any other byte that was changed stays in its line.
    text = _read(log).decode("utf-8", "replace").removesuffix("\n")
    report = verify_log(text.split("\n") if text else [], public, own)
    _print(report, own)
    if report.problems or (own is not None and own.event != report.event):
        raise typer.Exit(_INVALID)


def _print(report: LogReport, own: Receipt | None) -> None:
    draw = "; its draw fits the fingerprint" if report.is_drawn else ""
    typer.echo(
        f"{report.event or 'The log'}: {report.lines} lines, {report.issued} numbers, "
        f"{report.called} called, {report.skipped} skipped, {report.returned} returned, "
        f"{report.left} left, {report.gaps} gaps{draw}."
    )
    if own is not None and own.event != report.event:
        typer.echo(f"The receipt is of another event, {own.event}.")
    elif own is not None:
        if not report.events:
            typer.echo(f"Number {own.number} is not in the log yet.")
        for event in report.events:
            at = datetime.fromtimestamp(event.at_ms / 1000, UTC)
            typer.echo(f"  {at:%Y-%m-%d %H:%M:%S}Z  {event.text}")
    for problem in report.problems:
        typer.echo(f"line {problem.line}: {problem.text}")
    typer.echo("Wrong." if report.problems else "Everything holds.")


def _read(source: str) -> bytes:
    """Return a file, or the answer of an address."""
    try:
        if urlsplit(source).scheme in {"http", "https"}:
            answer = httpx.get(source, timeout=_TIMEOUT_SECONDS, follow_redirects=True)
            return answer.raise_for_status().content
        return Path(source).read_bytes()
    except (httpx.HTTPError, OSError) as error:
        msg = f"{source} cannot be read ({error}). Nothing was checked."
        raise ConfigurationError(msg) from error
