"""What a connection carried, as the network counts it: with handshakes, headers of packets, acknowledgements.

Linux keeps the numbers for each connection (struct tcp_info of linux/tcp.h); elsewhere nothing is known, and nothing
is counted.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

# tcpi_bytes_acked, tcpi_bytes_received, tcpi_segs_out, tcpi_segs_in
COUNTS = struct.Struct("=QQII")
COUNTS_AT = 120
# IPv4 and TCP with its time stamps.
HEADERS = 52


@dataclass(frozen=True)
class ByteCount:
    """Bytes that left and bytes that came."""

    up: int
    down: int

    def __add__(self, other: ByteCount) -> ByteCount:
        return ByteCount(self.up + other.up, self.down + other.down)

    def __sub__(self, other: ByteCount) -> ByteCount:
        return ByteCount(self.up - other.up, self.down - other.down)

    @property
    def total(self) -> int:
        """Both ways together."""
        return self.up + self.down


def counted(connection: socket.socket) -> ByteCount:
    """What this connection carried so far."""
    option = getattr(socket, "TCP_INFO", None)
    if option is None:
        return ByteCount(0, 0)
    try:
        said = connection.getsockopt(socket.IPPROTO_TCP, option, COUNTS_AT + COUNTS.size)
    except OSError:
        return ByteCount(0, 0)
    if len(said) < COUNTS_AT + COUNTS.size:
        return ByteCount(0, 0)
    acked, received, sent_packets, received_packets = COUNTS.unpack_from(said, COUNTS_AT)
    return ByteCount(acked + HEADERS * sent_packets, received + HEADERS * received_packets)
