"""Who signs what is published, and what a village takes of it: between two stations as they are built."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.cases.registers import csv_file
from sado.cases.registers.csv_file import RegisterFile
from sado.menus.reading import pack
from sado.publishing import bundle, publisher
from sado.store import Store
from sado.store.tables import published_blobs, stations, wanted_blobs
from sado.store.tables.published_blobs import Published
from sado.sync.blobs import publish as blobs
from sado.sync.blobs import signature
from sado.sync.blobs.signature import SignatureError
from tests.support.down import VILLAGE, Down, open_down
from tests.support.kenya import rewritten
from tests.support.publisher import KEY, OTHER_KEY, PUBLISHER, publish_pack, publish_register, signed

NAME, BEHIND = "pack/kenya", 9
OFFICES = pack.PACKS / "kenya" / "samples" / "offices.csv"


@pytest.fixture
def down(tmp_path: Path) -> Iterator[Down]:
    with open_down(tmp_path, "kenya") as down:
        yield down


@pytest.fixture
def newer(tmp_path: Path) -> str:
    return str(rewritten(tmp_path / "newer", {"Describe the matter briefly.": "Tell us what happened."}))


def load_offices(down: Down) -> None:
    known = down.hub.registers
    with RegisterFile(OFFICES, known.get("offices"), known.languages) as file:
        day = known.today(down.hub.store.now()).isoformat()
        csv_file.load(file, down.hub.publishing.loading, "offices", day, True, lambda position: None)


def signed_in(store: Store) -> dict[str, Published]:
    return store.read(published_blobs.published)


@pytest.mark.parametrize(
    ("line", "says"), [(signature.public_of(OTHER_KEY).hex(), "not signed by"), ("", "No publisher")]
)
def test_a_village_that_holds_another_key_or_none_takes_nothing(
    tmp_path: Path, newer: str, line: str, says: str
) -> None:
    with open_down(tmp_path, "kenya"):
        pass
    key_file = tmp_path / "village" / "upstream.key"
    key_file.write_text(f"{key_file.read_text().split()[0]}\n{line}\n")

    with open_down(tmp_path, "kenya") as down:
        before = down.village.pack.tree.version
        publish_pack(down.hub, newer)
        down.settle()

        assert (down.told(NAME)[0], says in down.told(NAME)[1]) == (wanted_blobs.REFUSED, True)
        assert down.village.pack.tree.version == before
        assert down.village.store.read(wanted_blobs.all_wanted) == []


def test_what_was_published_before_is_not_taken_as_news(down: Down, newer: str) -> None:
    publish_pack(down.hub, "kenya")
    old = signed_in(down.hub.store)[NAME]
    version = publish_pack(down.hub, newer)
    down.settle()

    content = bundle.packed(pack.files_of("kenya"))
    blobs.publish(down.hub.store, [(signed(NAME, content, old.edition), content)])
    down.settle()

    assert down.told(NAME) == (
        wanted_blobs.REFUSED,
        f"Edition {old.edition} is not newer than {old.edition + 1}, which came before.",
    )
    assert down.village.pack.tree.version == version


@pytest.mark.parametrize("key", [OTHER_KEY, None])
def test_a_hub_publishes_nothing_that_its_publisher_did_not_sign(down: Down, newer: str, key: bytes | None) -> None:
    before = down.hub.pack.tree.version
    statements = down.hub.publishing.pack_to_sign(newer)

    with pytest.raises(SignatureError):
        down.hub.publishing.publish_pack(newer, [one.sign(key) for one in statements] if key else [])

    assert (down.hub.pack.tree.version, signed_in(down.hub.store)) == (before, {})
    down.hub.publishing.publish_pack(newer, [one.sign(KEY) for one in statements])
    assert list(signed_in(down.hub.store)) == [NAME]


def test_what_changed_while_it_was_signed_is_not_published(down: Down, newer: str) -> None:
    statements = down.hub.publishing.pack_to_sign("kenya")
    with pytest.raises(SignatureError, match="publish it again"):
        down.hub.publishing.publish_pack(newer, [one.sign(KEY) for one in statements])


def test_another_publisher_signs_the_same_content_anew(tmp_path: Path, newer: str) -> None:
    other = signature.public_of(OTHER_KEY).hex()
    with open_down(tmp_path, "kenya") as down:
        version = publish_pack(down.hub, newer)
        assert down.hub.publishing.pack_to_sign(newer) == []
    (tmp_path / "hub" / "publisher.pub").write_text(other)
    key_file = tmp_path / "village" / "upstream.key"
    key_file.write_text(f"{key_file.read_text().split()[0]}\n{other}\n")

    with open_down(tmp_path, "kenya") as down:
        statements = down.hub.publishing.pack_to_sign(newer)
        assert down.hub.publishing.publish_pack(newer, [one.sign(OTHER_KEY) for one in statements]) == version
        down.settle()
        assert (down.told(NAME), down.village.pack.tree.version) == ((wanted_blobs.TAKEN, ""), version)


def test_a_relay_passes_every_part_on_as_it_was_signed(down: Down, newer: str) -> None:
    load_offices(down)
    publish_register(down.hub, "offices")
    down.settle()
    assert list(signed_in(down.village.store)) == []
    down.village.store.write(lambda tx: stations.add(tx, BEHIND, ["KE-17"]))
    down.hub.store.write(lambda tx: stations.set_through(tx, BEHIND, VILLAGE))
    down.hub.store.write(lambda tx: blobs.offer_all(tx, VILLAGE))
    publish_pack(down.hub, newer)
    down.settle()

    above, here = signed_in(down.hub.store), signed_in(down.village.store)
    assert here == {name: above[name] for name in above if name != "register/offices"}
    for name, published in here.items():
        signature.Signed(name, published.edition, published.hash.hex(), published.signature).check(PUBLISHER)
    offers = {one.name for one in down.village.store.read(published_blobs.offers) if one.station == BEHIND}
    assert offers == {NAME, "register/offices/KE-17", "register/offices/-"}


def test_a_relay_that_has_every_part_knows_what_no_part_has(down: Down) -> None:
    load_offices(down)
    down.hub.store.write(lambda tx: stations.set_through(tx, BEHIND, VILLAGE))
    publish_register(down.hub, "offices")
    down.settle()

    stations_with_it = (down.hub, down.village)
    found = [
        station.store.read(lambda tx, station=station: station.registers.find(tx, "offices", {"place": "KE-01"}))  # type: ignore[misc]
        for station in stations_with_it
    ]
    assert (found[0].rows, found[0].is_stale) == ((), False)
    assert (found[1].rows, found[1].as_of, found[1].is_stale) == (found[0].rows, found[0].as_of, False)


def test_a_restored_hub_goes_on_above_the_editions_that_it_may_have_given(down: Down) -> None:
    given = down.hub.store.write(published_blobs.next_edition)
    down.hub.store.write(published_blobs.leave_out)
    assert down.hub.store.write(published_blobs.next_edition) > given + published_blobs.LEFT_OUT


# The files of the keys


def test_a_publisher_is_made_once_and_its_private_key_is_for_its_owner(tmp_path: Path) -> None:
    private, public = tmp_path / "stick.key", tmp_path / "publisher.pub"

    made = publisher.make(private, public)

    assert private.stat().st_mode & 0o777 == 0o600
    assert publisher.held(public, None) == made
    (one,) = publisher.sign(private, [signed(NAME, b"", 1)])
    one.check(made)
    with pytest.raises(SignatureError, match="never replaced"):
        publisher.make(private, public)
    assert publisher.held(public, None) == made


@pytest.mark.parametrize(
    ("written", "held"), [("", None), ("00" * 32, None), (f"{'00' * 32}\n{PUBLISHER.hex()}", PUBLISHER)]
)
def test_the_second_line_of_the_upstreams_key_is_the_publishers(
    tmp_path: Path, written: str, held: bytes | None
) -> None:
    file = tmp_path / "upstream.key"
    assert publisher.held(tmp_path / "publisher.pub", file) is None
    file.write_text(written)
    assert publisher.held(tmp_path / "publisher.pub", file) == held


@pytest.mark.parametrize("line", ["no key", "00", "00" * 33])
def test_a_line_that_is_no_key_is_a_sentence(tmp_path: Path, line: str) -> None:
    file = tmp_path / "publisher.pub"
    file.write_text(line)
    with pytest.raises(SignatureError, match="Line 1 of .* is no key"):
        publisher.held(file, None)
    with pytest.raises(SignatureError, match="name the file with --key"):
        publisher.sign(tmp_path / "nothing.key", [signed(NAME, b"", 1)])
