"""Free ports for servers of this machine alone."""

from __future__ import annotations

import errno
import secrets
import socket

# Below those that systems give to outgoing connections: one of these could take a port between the
# moment it is chosen and the moment its server listens. Any of them, so that two that start at once
# seldom choose the same.
# The bus of a Redis cluster listens 10,000 above.
_LOWEST, _HIGHEST = 12_000, 22_000


def free_port() -> int:
    """Return a port that nothing listens on and no outgoing connection takes."""
    while True:
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return port
