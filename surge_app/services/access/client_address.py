"""Derive the client address from as many proxy headers as are trusted."""

from __future__ import annotations

import ipaddress


def forwarded_address(peer: str, forwarded: str, trusted_proxy_hops: int) -> str:
    """Return the client's IP address from the peer of the connection and `X-Forwarded-For`.

    Trusted proxies append to the header, so entries are taken from the right, never from the
    left. Some balancers append a port or add quotes, which are dropped.
    """
    chain = [entry.strip(' \t"') for entry in forwarded.split(",") if entry.strip(' \t"')]
    if trusted_proxy_hops and chain:
        peer = without_port(chain[-min(trusted_proxy_hops, len(chain))])
    try:
        found = ipaddress.ip_address(peer)
    except ValueError:
        return peer
    # A socket that takes both families writes IPv4 as ::ffff:192.0.2.1.
    return str(getattr(found, "ipv4_mapped", None) or found)


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
