"""Two tests that run at once never share a port."""

import socket

import pytest

from tests.support.processes import free_port


def bind(port: int) -> socket.socket:
    """As a server does that may follow one on the same port."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", port))
    return server


def test_a_port_is_given_to_nobody_else() -> None:
    ours = free_port()

    given = [socket.socket() for _ in range(2000)]
    for other in given:
        other.bind(("127.0.0.1", 0))
    ports = {other.getsockname()[1] for other in given}
    for other in given:
        other.close()

    assert len(ports) == 2000 and ours not in ports
    with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind(("127.0.0.1", ours))


def test_its_own_server_listens_there_and_nobody_before() -> None:
    ours = free_port()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ours))

    with bind(ours) as server:
        server.listen()
        with socket.create_connection(("127.0.0.1", ours)) as caller, server.accept()[0] as answered:
            caller.sendall(b"hello")
            assert answered.recv(5) == b"hello"


def test_a_port_that_was_only_free_a_moment_ago_is_taken_by_the_next() -> None:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port = asked.getsockname()[1]

    with bind(port) as stranger:
        assert stranger.getsockname()[1] == port
