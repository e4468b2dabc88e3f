"""The work nobody asks for: expiry, inbox, outbox, reconciliation. One leader runs it."""

from surge_app.jobs.leader_election import jobs_running

__all__ = ["jobs_running"]
