"""Derive the client address from as many proxy headers as are trusted."""

from __future__ import annotations

import ipaddress


def forwarded_address(peer: str, forwarded: str, trusted_proxy_hops: int) -> str:
    """Return the client's IP address from the peer of the connection and `X-Forwarded-For`.

    Trusted proxies append to the header, so entries are taken from the right, never from the
    left. Some balancers append a port, which is dropped.
    """
    if trusted_proxy_hops == 0:
        return peer
    chain = [entry.strip() for entry in forwarded.split(",") if entry.strip()]
    return without_port(chain[-min(trusted_proxy_hops, len(chain))]) if chain else peer


def without_port(entry: str) -> str:
    """Return the address of `address`, `address:port` or `[address]:port`."""
    if entry.startswith("["):
        entry = entry[1:].partition("]")[0]
    elif entry.count(":") == 1:
        entry = entry.partition(":")[0]
    try:
        return str(ipaddress.ip_address(entry))
    except ValueError:
        return entry
