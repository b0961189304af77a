"""A small SMSC on loopback that speaks SMPP 3.4 to one client at a time, enough for Kannel: SMS, USSD and receipts."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

# Command ids (section 5.1.2.1) and TLVs (5.3.2).
BIND_TRANSCEIVER, SUBMIT, DELIVER, UNBIND, ENQUIRE = 0x09, 0x04, 0x05, 0x06, 0x15
ANSWER = 0x80000000
TLVS = {"ussd_service_op": 0x0501, "its_session_info": 0x1383}
NO_UDH, UDH, RECEIPT = 0x00, 0x40, 0x04
GSM, UCS2 = 0, 8


@dataclass(frozen=True)
class Submitted:
    """A message that the client sent; `id` is the SMSC's for it, `data` as it went on the wire."""

    id: str
    service_type: str
    source: str
    destination: str
    esm_class: int
    coding: int
    data: bytes
    tlvs: Mapping[str, bytes]

    @property
    def text(self) -> str:
        """The text without its joining header."""
        octets = self.data[self.data[0] + 1 :] if self.esm_class & UDH else self.data
        return octets.decode("utf-16-be" if self.coding == UCS2 else "ascii")


class Smsc:
    """Keeps what is submitted in `submitted`, and hands over what it is told to."""

    def __init__(self) -> None:
        self.submitted: list[Submitted] = []
        self.taken = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._client: socket.socket | None = None
        self._numbers = iter(range(1, 1 << 30))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def deliver(
        self,
        source: str,
        destination: str,
        data: bytes,
        coding: int = UCS2,
        service_type: str = "",
        esm_class: int = NO_UDH,
        tlvs: Mapping[str, bytes] | None = None,
    ) -> None:
        """Hand a message from a phone to the client."""
        addresses = b"\x01\x01" + source.encode() + b"\0" + b"\x00\x01" + destination.encode() + b"\0"
        fixed = bytes([esm_class, 0, 0]) + b"\0\0" + bytes([0, 0, coding, 0, len(data)])
        optional = b"".join(struct.pack("!HH", TLVS[name], len(value)) + value for name, value in (tlvs or {}).items())
        body = service_type.encode() + b"\0" + addresses + fixed + data + optional
        assert self._client is not None, "nobody is bound"
        self._client.sendall(_pdu(DELIVER, 0, next(self._numbers), body))

    def deliver_ussd(self, source: str, code: str, text: str, operation: int, session: bytes) -> None:
        """Hand over one hop of a USSD session."""
        tlvs = {"ussd_service_op": bytes([operation]), "its_session_info": session}
        self.deliver(source, code, text.encode("utf-16-be"), UCS2, "USSD", NO_UDH, tlvs)

    def receipt(self, message: Submitted, stat: str) -> None:
        """Tell the client what became of a message (appendix B)."""
        words = (
            f"id:{message.id} sub:001 dlvrd:001 submit date:2611230900 done date:2611230901 stat:{stat} err:000 text:"
        )
        self.deliver(message.destination, message.source, words.encode(), GSM, esm_class=RECEIPT)

    @property
    def is_bound(self) -> bool:
        return self._client is not None

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self._client is not None:
            with suppress(OSError):
                self._client.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, suppress(OSError):
                self._talk(client)
            self._client = None

    def _talk(self, client: socket.socket) -> None:
        """Answer the client's requests until it goes."""
        for command, number, body in _pdus(client):
            if command == BIND_TRANSCEIVER:
                client.sendall(_pdu(command | ANSWER, 0, number, b"smsc\0"))
                self._client = client
            elif command == SUBMIT:
                message = _submitted(f"m{len(self.submitted)}", body)
                self.submitted.append(message)
                client.sendall(_pdu(command | ANSWER, 0, number, message.id.encode() + b"\0"))
            elif command in (UNBIND, ENQUIRE):
                client.sendall(_pdu(command | ANSWER, 0, number, b""))
            elif command == DELIVER | ANSWER:
                self.taken += 1


def _pdu(command: int, status: int, number: int, body: bytes) -> bytes:
    return struct.pack("!4I", 16 + len(body), command, status, number) + body


def _pdus(client: socket.socket) -> Iterator[tuple[int, int, bytes]]:
    """(command, sequence number, body) of each PDU that comes."""
    with client.makefile("rb") as stream:
        while len(head := stream.read(16)) == 16:
            length, command, _, number = struct.unpack("!4I", head)
            yield command, number, stream.read(length - 16)


def _submitted(message_id: str, body: bytes) -> Submitted:
    service_type, rest = _string(body)
    source, rest = _string(rest[2:])
    destination, rest = _string(rest[2:])
    esm_class, rest = rest[0], rest[3:]
    _, rest = _string(rest)
    _, rest = _string(rest)
    coding, length, rest = rest[2], rest[4], rest[5:]
    return Submitted(
        message_id, service_type, source, destination, esm_class, coding, rest[:length], dict(_tlvs(rest[length:]))
    )


def _string(octets: bytes) -> tuple[str, bytes]:
    text, _, rest = octets.partition(b"\0")
    return text.decode(), rest


def _tlvs(octets: bytes) -> Iterator[tuple[str, bytes]]:
    names = {tag: name for name, tag in TLVS.items()}
    while octets:
        tag, length = struct.unpack("!HH", octets[:4])
        yield names.get(tag, hex(tag)), octets[4 : 4 + length]
        octets = octets[4 + length :]
