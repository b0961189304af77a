"""What the tests publish, and what it costs."""

import hashlib
import random
from collections.abc import Mapping

from sado.menus.reading import pack
from sado.store.tables import stations
from sado.sync.blobs import delta, protocol
from sado.sync.blobs.protocol import Answer, Request
from tests.support.blobs import VILLAGE, Link

CHUNK = 700
STRANGER = 8
HOUR_S = 3600
# What a range costs beside its bytes: nonce, head and tag.
OVERHEAD = protocol.NONCE_BYTES + protocol.HEAD.size + 16


def shipped() -> dict[str, bytes]:
    return pack.files_of("tajikistan")


def one_word_changed() -> dict[str, bytes]:
    """The shipped pack with one word of one screen changed."""
    files = shipped()
    old = files["trees/appeal.yaml"]
    files["trees/appeal.yaml"] = old.replace("Вода".encode(), "Водичка".encode(), 1)
    assert files["trees/appeal.yaml"] != old
    return files


def content(seed: int, size: int = 6000) -> bytes:
    """Bytes that do not get smaller."""
    return random.Random(seed).randbytes(size)


def plain_size(of: bytes) -> int:
    return len(delta.pack(of))


def given_by_hub(link: Link, target: str, headers: Mapping[str, str], kind: int, encoded: bytes) -> bytes:
    """An answer of a hub that gives these bytes, whatever was asked for."""
    path, _, query = target.partition("?")
    request, _ = protocol.read(path, query, headers)
    link.hub.write(lambda tx: stations.accept_fetch(tx, VILLAGE, request.number))
    part = encoded[request.start : request.start + request.length]
    body = Answer(kind, len(encoded), protocol.name_of(encoded), part).sealed(link.key, request)
    link.ranges.append(len(body))
    return body


def asked(link: Link, **changes: object) -> Request:
    """A sound request of the village for the first bytes of what it is offered, with these changes."""
    values = {"station": VILLAGE, "number": 1, "hash": hashlib.sha256(content(1)).digest(), "base": b"", "start": 0}
    return Request(**{"length": CHUNK, **values, **changes})  # type: ignore[arg-type]
