"""The states of payments, refunds, disputes and messages, in words an organizer reads."""

from __future__ import annotations

from typing import Final

from surge_app.languages import N_, gettext as _

STATE_LABELS: Final = {
    "applied": N_("received"),
    "authorized": N_("authorized"),
    "captured": N_("captured"),
    "created": N_("created"),
    "failed": N_("failed"),
    "refund": N_("refund"),
    "refunded": N_("refunded"),
    # Of a refund.
    "requested": N_("sent to the bank"),
    "sent": N_("sent"),
    "processed": N_("paid back"),
    # Of a dispute.
    "open": N_("open"),
    "under_review": N_("under review"),
    "won": N_("won"),
    "lost": N_("lost"),
    "closed": N_("closed"),
    # Of a message.
    "bounced": N_("did not arrive"),
    "dead": N_("failed"),
    "deferred": N_("delayed by the recipient's provider"),
    "delivered": N_("delivered"),
    "pending": N_("waiting"),
    "sending": N_("being sent"),
}


def state_label(state: str) -> str:
    """Return a state in the organizer's language; a vendor's newer word stays as it is."""
    return _(STATE_LABELS.get(state, state.replace("_", " ")))
