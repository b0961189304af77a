"""A publisher whose key every station of the tests holds, and one that none does."""

import hashlib

from sado.station import Station
from sado.sync.blobs import signature
from sado.sync.blobs.signature import Signed, Statement

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
PUBLISHER = signature.public_of(KEY)


def signed(name: str, content: bytes, edition: int, key: bytes = KEY) -> Signed:
    """The content as the publisher signs it."""
    return Statement(name, edition, hashlib.sha256(content).hexdigest()).sign(key)


def publish_pack(station: Station, folder: str) -> str:
    """Publish as `sado pack publish` does."""
    publishing = station.publishing
    return publishing.publish_pack(folder, [one.sign(KEY) for one in publishing.pack_to_sign(folder)])


def publish_register(station: Station, name: str) -> int:
    """Publish as `sado registers publish` does."""
    publishing = station.publishing
    return publishing.publish_register(name, [one.sign(KEY) for one in publishing.register_to_sign(name)])
