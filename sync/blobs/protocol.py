"""A request for a range of a blob, and its answer: who may ask is proven, and the answer can be read by nobody else.

    GET /x/2/blob/<sha256>?base=<sha256>      base: what the station has under the same name, if anything
    Range: bytes=<first>-<last>               of the encoded bytes (sync/blobs/delta.py)
    Authorization: Sado <station> <number> <MAC>

The MAC is HMAC-SHA-256, cut to 16 bytes, over all of that; the number grows with each request, so that one which was
overheard is answered to nobody a second time. The answer is AES-256-GCM under another key from the same secret, bound
to its request, for the line may be plain HTTP and a register about persons. Being sealed it is a new thing for each
request, not a part of a stored one, so it comes with status 200.

    nonce 12 | sealed: kind u8 | number u64 | encoding 8 bytes | bytes of the range
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sado.sync.codes import Cause
from sado.sync.wire.frame import FrameError

PREFIX = "/x/2/blob/"
MAC_BYTES, NONCE_BYTES, ENCODING_BYTES = 16, 12, 8
HEAD = struct.Struct(f">BQ{ENCODING_BYTES}s")
# Bytes of the blob whole, or of the difference to the base; nothing, since the blob is not offered to this station, or
# since the number of the request does not grow.
PLAIN, DELTA, NOT_OFFERED, REPEATED = range(4)
_PATH = re.compile(rf"{PREFIX}([0-9a-f]{{64}})")
_QUERY = re.compile(r"(?:base=([0-9a-f]{64}))?")
_RANGE = re.compile(r"bytes=([0-9]{1,12})-([0-9]{1,12})")
_AUTHORIZATION = re.compile(rf"Sado ([0-9]{{1,3}}) ([0-9]{{1,18}}) ([0-9a-f]{{{2 * MAC_BYTES}}})")


@dataclass(frozen=True)
class Request:
    """What a station asks for: `length` of the encoded bytes from `start`. `base` is empty when it has none."""

    station: int
    number: int
    hash: bytes
    base: bytes
    start: int
    length: int

    @property
    def target(self) -> str:
        """The path and query of the request."""
        return f"{PREFIX}{self.hash.hex()}" + (f"?base={self.base.hex()}" if self.base else "")

    @property
    def range(self) -> str:
        """The header of this name."""
        return f"bytes={self.start}-{self.start + self.length - 1}"

    def headers(self, key: bytes) -> dict[str, str]:
        """The headers that ask for it in the name of the station with this key."""
        return {"Range": self.range, "Authorization": f"Sado {self.station} {self.number} {self._mac(key).hex()}"}

    def is_from(self, key: bytes, mac: bytes) -> bool:
        """Whether the holder of this key asked exactly this."""
        return hmac.compare_digest(self._mac(key), mac)

    def _mac(self, key: bytes) -> bytes:
        return hmac.digest(_derived(key, b"request"), self.bound, "sha256")[:MAC_BYTES]

    @property
    def bound(self) -> bytes:
        """All that the request says, as the MAC and the answer are bound to it."""
        return "\n".join(("GET", self.target, self.range, str(self.station), str(self.number))).encode()


@dataclass(frozen=True)
class Answer:
    """What the upstream gives: its `kind`, a `number` (the bytes of the whole encoding, or the last number that it
    noted), a name for the encoding, and the bytes."""

    kind: int
    number: int = 0
    encoding: bytes = bytes(ENCODING_BYTES)
    content: bytes = b""

    def sealed(self, key: bytes, request: Request) -> bytes:
        """As it travels to the station that asked."""
        nonce = os.urandom(NONCE_BYTES)
        plain = HEAD.pack(self.kind, self.number, self.encoding) + self.content
        return nonce + AESGCM(_derived(key, b"answer")).encrypt(nonce, plain, request.bound)


def name_of(encoded: bytes) -> bytes:
    """What an encoding is known by: an upstream of another release may encode the same blob in another way."""
    return hashlib.sha256(encoded).digest()[:ENCODING_BYTES]


def read(path: str, query: str, headers: Mapping[str, str]) -> tuple[Request, bytes]:
    """The request and its MAC, which is not looked at yet. Raises FrameError for what is not one."""
    matches = [_PATH.fullmatch(path), _QUERY.fullmatch(query)]
    matches += [_RANGE.fullmatch(headers.get("Range", "")), _AUTHORIZATION.fullmatch(headers.get("Authorization", ""))]
    named, based, ranged, signed = matches
    if named is None or based is None or ranged is None or signed is None:
        raise FrameError(Cause.BLOB_REQUEST_UNREADABLE)
    first, last = int(ranged[1]), int(ranged[2])
    if last < first:
        raise FrameError(Cause.BLOB_REQUEST_UNREADABLE)
    base = bytes.fromhex(based[1] or "")
    request = Request(int(signed[1]), int(signed[2]), bytes.fromhex(named[1]), base, first, last - first + 1)
    return request, bytes.fromhex(signed[3])


def opened(key: bytes, request: Request, sealed: bytes) -> Answer:
    """The answer to this request. Raises FrameError for anything else."""
    nonce, content = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        plain = AESGCM(_derived(key, b"answer")).decrypt(nonce, content, request.bound)
        kind, number, encoding = HEAD.unpack_from(plain)
    except (InvalidTag, ValueError, struct.error):
        raise FrameError(Cause.ANSWER_TO_ANOTHER) from None
    return Answer(kind, number, encoding, plain[HEAD.size :])


def _derived(key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(key, b"sado blob " + purpose, "sha256")
