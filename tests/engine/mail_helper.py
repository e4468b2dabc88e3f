"""Providers of mail and SMS in this process, which fail as a test orders."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from surge_app.clock import utc_now
from surge_app.services.messaging.composer import Composer
from surge_app.services.messaging.dispatcher import Dispatcher
from surge_app.services.vendors.ports import (
    Mail,
    MailSender,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderUnavailable,
    Sms,
    SmsSender,
)
from tests.engine.sale_helper import Sale


class TakenAllTheSame(ProviderUnavailable):
    """What a gateway in between answers of a message the provider has taken."""


@dataclass(slots=True)
class Post:
    """One sale's messages, the dispatcher that sends them, and what the providers got.

    Attributes:
        mails: What the mail provider accepted.
        texts: What the SMS provider accepted.
        mail_faults: What it raises next, for each call; an unknown outcome was carried out, and so
            was `TakenAllTheSame`.
        sms_faults: As above.
        shows_texts: Whether the SMS provider finds what it accepted.
        is_alone: Without a sale: only the senders are wanted.
    """

    sale: Sale
    mails: list[Mail] = field(default_factory=list[Mail])
    texts: list[Sms] = field(default_factory=list[Sms])
    mail_faults: list[ProviderError] = field(default_factory=list[ProviderError])
    sms_faults: list[ProviderError] = field(default_factory=list[ProviderError])
    shows_texts: bool = True
    accepted_at: list[datetime] = field(default_factory=list[datetime])
    is_alone: bool = False
    dispatcher: Dispatcher = field(init=False)
    mail_sender: MailSender = field(init=False)
    sms_sender: SmsSender = field(init=False)

    def __post_init__(self) -> None:
        """Build the senders and, unless they stand alone, the dispatcher."""
        self.mail_sender, self.sms_sender = _Mails(self), _Texts(self)
        if not self.is_alone:
            services = self.sale.services
            composer = Composer(services.database, services.tickets)
            self.dispatcher = Dispatcher(
                services.database, composer, self.mail_sender, self.sms_sender
            )

    @classmethod
    async def of(cls, sale: Sale) -> Post:
        """Take over the messages of a sale; others in this database have left thousands."""
        await sale.execute(
            "UPDATE message_outbox m SET status = 'sent' FROM intents i JOIN events e "
            "ON e.id = i.event_id WHERE i.id = m.intent_id AND m.status IN ('pending', 'sending') "
            "AND e.slug <> :slug",
            slug=sale.slug,
        )
        return cls(sale)

    async def empty(self, *, most: int = 30) -> None:
        """Try what is due, and let the pauses pass, until nothing waits."""
        for _ in range(most):
            await self.dispatcher.dispatch()
            if not any(row["status"] in {"pending", "sending"} for row in await self.rows()):
                return
            await self.let_pauses_pass()

    async def let_pauses_pass(self) -> None:
        """Make every waiting message of the sale due."""
        await self.sale.execute(
            "UPDATE message_outbox m SET next_attempt_at = now() - interval '1 second' "
            "FROM intents i JOIN events e ON e.id = i.event_id WHERE i.id = m.intent_id "
            "AND e.slug = :slug AND m.status IN ('pending', 'sending')",
            slug=self.sale.slug,
        )

    async def rows(self, kind: str = "confirmation") -> list[dict[str, Any]]:
        """Return the messages of a kind, mail before SMS."""
        return await self.sale.query(
            "SELECT m.*, extract(epoch FROM m.next_attempt_at - now()) AS pause "
            "FROM message_outbox m JOIN intents i ON i.id = m.intent_id "
            "JOIN events e ON e.id = i.event_id WHERE e.slug = :slug AND m.kind = :kind "
            "ORDER BY m.channel, m.id",
            slug=self.sale.slug,
            kind=kind,
        )


class _Mails:
    def __init__(self, post: Post) -> None:
        self._post = post

    async def send(self, mail: Mail) -> str:
        _fail(self._post.mail_faults, lambda: self._post.mails.append(mail))
        self._post.mails.append(mail)
        return f"mail-{len(self._post.mails)}"


class _Texts:
    def __init__(self, post: Post) -> None:
        self._post = post

    async def send(self, sms: Sms) -> str:
        _fail(self._post.sms_faults, lambda: self._accept(sms))
        return self._accept(sms)

    async def find(self, sms: Sms, *, since: datetime) -> str | None:
        post = self._post
        for number, (text, at) in enumerate(zip(post.texts, post.accepted_at, strict=True), 1):
            if post.shows_texts and text == sms and at >= since:
                return f"sms-{number}"
        return None

    def _accept(self, sms: Sms) -> str:
        self._post.texts.append(sms)
        self._post.accepted_at.append(utc_now())
        return f"sms-{len(self._post.texts)}"


def _fail(faults: list[ProviderError], take_effect: Any) -> None:
    if not faults:
        return
    fault = faults.pop(0)
    if isinstance(fault, ProviderOutcomeUnknown | TakenAllTheSame):
        take_effect()
    raise fault
