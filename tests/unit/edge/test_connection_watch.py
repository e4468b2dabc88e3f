"""Connections that occupy a worker without using it end; all others go on."""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import ExitStack

import pytest

from surge_app.edge.connection_watch import ConnectionWatch

DEADLINE = 12.0


@pytest.fixture
def stack() -> Generator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def listener(stack: ExitStack) -> socket.socket:
    return stack.enter_context(socket.create_server(("127.0.0.1", 0)))


def _pair(stack: ExitStack, listener: socket.socket) -> tuple[socket.socket, socket.socket]:
    """Return both ends of a connection with small buffers: the client's, then the server's."""
    client = stack.enter_context(socket.socket())
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(listener.getsockname())
    client.settimeout(20)
    server = stack.enter_context(listener.accept()[0])
    return client, server


def _fill(server: socket.socket) -> int:
    """Send until nothing more fits."""
    server.setblocking(False)
    sent = 0
    try:
        while True:
            sent += server.send(bytes(65_536))
    except BlockingIOError:
        return sent


def _read_all(client: socket.socket) -> None:
    while client.recv(65_536):
        pass


def _is_open(server: socket.socket) -> bool:
    server.setblocking(False)
    try:
        return server.recv(1) != b""
    except BlockingIOError:
        return True


def _watch(listener: socket.socket, **bounds: int) -> ConnectionWatch:
    return ConnectionWatch(listener.getsockname()[1], **bounds)


def test_an_answer_that_nobody_reads_ends(stack: ExitStack, listener: socket.socket) -> None:
    client, server = _pair(stack, listener)
    _fill(server)
    watch = _watch(listener)
    assert [watch.sweep(now) for now in (0.0, DEADLINE - 0.1, DEADLINE)] == [0, 0, 1]
    assert not _is_open(server)
    server.close()
    with pytest.raises(ConnectionResetError):
        _read_all(client)


def test_an_answer_that_drips_ends(stack: ExitStack, listener: socket.socket) -> None:
    client, server = _pair(stack, listener)
    _fill(server)
    watch = _watch(listener)
    ended: list[int] = []
    for second in range(int(DEADLINE) + 1):
        ended.append(watch.sweep(float(second)))
        client.recv(10)
    assert ended == [*[0] * int(DEADLINE), 1]


def test_a_slow_phone_reads_on(stack: ExitStack, listener: socket.socket) -> None:
    client, server = _pair(stack, listener)
    sent = _fill(server)
    watch = _watch(listener)
    now, read = 0.0, 0
    while read < sent:
        assert watch.sweep(now) == 0
        for _ in range(8):
            if read < sent:
                read += len(client.recv(8192))
        now += DEADLINE / 2
    assert _is_open(server)


def test_a_connection_whose_client_has_read_all_is_left_to_the_server(
    stack: ExitStack, listener: socket.socket
) -> None:
    client, server = _pair(stack, listener)
    server.sendall(b"answer")
    assert client.recv(10) == b"answer"
    watch = _watch(listener)
    assert [watch.sweep(now) for now in (0.0, 100.0)] == [0, 0]
    assert _is_open(server)


def test_of_a_network_beyond_its_bound_the_quiet_connections_end(
    stack: ExitStack, listener: socket.socket
) -> None:
    pairs = [_pair(stack, listener) for _ in range(3)]
    watch = _watch(listener, max_per_ipv4=3)
    assert watch.sweep(0.0) == 0
    pairs.append(_pair(stack, listener))
    client, server = pairs[0]
    client.sendall(b"request")
    assert server.recv(10) == b"request"
    assert watch.sweep(1.0) == 1
    assert _is_open(server)
    assert sum(_is_open(server) for _, server in pairs) == 3


def test_connections_of_a_proxy_are_not_capped(stack: ExitStack, listener: socket.socket) -> None:
    for _ in range(3):
        _pair(stack, listener)
    watch = ConnectionWatch(listener.getsockname()[1], is_capped=False, max_per_ipv4=1)
    assert watch.sweep(0.0) == 0
