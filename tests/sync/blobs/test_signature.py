"""A station takes what its publisher signed, under that name and newer than what it had, and nothing else."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from sado.store import Store
from sado.store.tables import wanted_blobs
from sado.store.tables.events import Event
from sado.sync import outbox
from sado.sync.blobs.publish import BlobEvents, Offer
from sado.sync.blobs.signature import SignatureError, Signed
from tests.support.blobs import NAME, VILLAGE
from tests.support.publisher import KEY, OTHER_KEY, PUBLISHER, signed
from tests.support.stations import open_store

CONTENT, NEWER = b"the menus", b"the newer menus"
EDITION = 5


def offered(tmp_path: Path, *offers: Signed, publisher: bytes | None = PUBLISHER) -> tuple[str, list[str]]:
    """The hash that is wanted after these offers, and what was said of those that were refused."""
    room = BlobEvents(VILLAGE, publisher)
    with open_store(tmp_path) as store:
        for one in offers:
            body = msgspec.json.encode(Offer(**msgspec.structs.asdict(one), size=9)).decode()
            event = Event("blob.offered", "", body)
            store.write(lambda tx, event=event: room.apply(tx, outbox.UPSTREAM, event))  # type: ignore[misc]
        wanted = store.read(lambda tx: wanted_blobs.find(tx, NAME))
        return wanted.hash.hex() if wanted else "", refusals(store)


def refusals(store: Store) -> list[str]:
    rows = store.read(lambda tx: tx.all("SELECT body FROM outbox WHERE kind = 'blob.refused' ORDER BY id"))
    return [str(row[0]) for row in rows]


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def changed(**changes: object) -> Callable[[Signed], Signed]:
    return lambda right: msgspec.structs.replace(right, **changes)


FORGED: dict[str, Callable[[Signed], Signed]] = {
    "unsigned": changed(signature=""),
    "no hexadecimal": changed(signature="Ω"),
    "signed by another": lambda right: right.sign(OTHER_KEY),
    "of another name": changed(signature=signed("pack/kenya", CONTENT, EDITION).signature),
    "of other content": changed(signature=signed(NAME, NEWER, EDITION).signature),
    "of another edition": changed(edition=EDITION + 1),
    "a flipped bit": lambda right: msgspec.structs.replace(right, signature=flipped(right.signature)),
}


def flipped(signature: str) -> str:
    return (bytes([bytes.fromhex(signature)[0] ^ 1]) + bytes.fromhex(signature)[1:]).hex()


def test_what_the_publisher_signed_is_wanted(tmp_path: Path) -> None:
    assert offered(tmp_path, signed(NAME, CONTENT, EDITION)) == (hash_of(CONTENT), [])


@pytest.mark.parametrize("which", FORGED)
def test_what_is_not_signed_so_is_not_fetched_and_the_one_before_stays(tmp_path: Path, which: str) -> None:
    forged = FORGED[which](signed(NAME, CONTENT, EDITION))

    with pytest.raises(SignatureError, match="not signed by the publisher"):
        forged.check(PUBLISHER)
    wanted, said = offered(tmp_path, signed(NAME, NEWER, EDITION - 1), forged)
    assert (wanted, len(said)) == (hash_of(NEWER), 1)


def test_without_a_publishers_key_nothing_is_taken(tmp_path: Path) -> None:
    assert offered(tmp_path, signed(NAME, CONTENT, EDITION), publisher=None)[0] == ""
    with pytest.raises(SignatureError, match="it is the second line of upstream.key"):
        signed(NAME, CONTENT, EDITION).check(None)


@pytest.mark.parametrize("edition", [1, EDITION])
def test_an_older_edition_is_no_news(tmp_path: Path, edition: int) -> None:
    wanted, said = offered(tmp_path, signed(NAME, NEWER, EDITION), signed(NAME, CONTENT, edition))
    assert (wanted, len(said)) == (hash_of(NEWER), 1)


@pytest.mark.parametrize("content", [CONTENT, NEWER])
def test_a_newer_edition_is_wanted_also_of_what_there_was_before(tmp_path: Path, content: bytes) -> None:
    editions = [signed(NAME, CONTENT, 1), signed(NAME, NEWER, 2), signed(NAME, content, 3)]
    assert offered(tmp_path, *editions) == (hash_of(content), [])


def test_the_same_offer_again_is_no_fault(tmp_path: Path) -> None:
    right = signed(NAME, CONTENT, EDITION)
    assert offered(tmp_path, right, right) == (hash_of(CONTENT), [])


def test_the_bytes_that_are_signed_do_not_change() -> None:
    assert signed(NAME, CONTENT, EDITION, KEY).signature == (
        "fa3d6e7ab568810299b9e830730440c3f9eeecca9d2a6a21d6054a3d5c4af75a"
        "4269f34a6394c4443030e3fb5bdb3bb463aaed9fac27d4c286feaa6bbfda9f0f"
    )
