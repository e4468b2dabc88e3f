"""Background jobs: expiry, webhook events, outbox, reconciliation. One leader runs them."""

from surge_app.jobs.leader_election import jobs_running

__all__ = ["jobs_running"]
