"""A pack that comes while the station serves: what was begun on the old one ends on it, a faulty one never serves."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.cases import views
from sado.menus.misfits import Misfit
from sado.menus.pack import Pack
from sado.menus.reading import pack
from sado.menus.reading.source import version as version_of
from sado.publishing import bundle, checking
from sado.store import LARGEST
from sado.store.tables import audit, packs, published_blobs, stations, wanted_blobs
from tests.support.down import Down, built, open_down, settings_of
from tests.support.kenya import ASKED, BEGUN, HERS, HOME, OFFER, STEPS, rewritten
from tests.support.phone import Phone
from tests.support.publisher import publish_pack

OLD_WORDS, NEW_WORDS = "Describe the matter briefly.", "Tell us what happened."
NAME = "pack/kenya"


@pytest.fixture
def down(tmp_path: Path) -> Iterator[Down]:
    with open_down(tmp_path, "kenya") as down:
        yield down


@pytest.fixture
def newer(tmp_path: Path) -> str:
    """The folder of a pack in which one question has other words."""
    return str(rewritten(tmp_path / "newer", {OLD_WORDS: NEW_WORDS}))


def dialling(down: Down, *inputs: str, msisdn: str = HERS) -> Phone:
    phone = Phone(down.village.app.test_client(), msisdn)
    phone.walk(*inputs)
    return phone


def publish(down: Down, folder: str) -> str:
    """Publish at the hub, and let it arrive."""
    version = publish_pack(down.hub, folder)
    down.settle()
    return version


def offer(down: Down, files: dict[str, bytes]) -> None:
    """Offer these files without the hub's own check: another release may let pass what this one does not."""
    down.offer(NAME, bundle.packed(files))


def test_a_session_in_progress_ends_on_the_old_version_and_the_next_dial_is_on_the_new(down: Down, newer: str) -> None:
    phone = dialling(down, *BEGUN, *STEPS[:1])

    version = publish(down, newer)

    assert down.village.pack.tree.version == down.hub.pack.tree.version == version
    assert phone.reply("1").startswith(OLD_WORDS)
    for text in STEPS[2:]:
        phone.reply(text)
    assert phone.screen.startswith("Saved: ")
    assert dialling(down, *BEGUN, *STEPS[:2], msisdn="+254700000009").screen.startswith(NEW_WORDS)
    assert down.told(NAME) == (wanted_blobs.TAKEN, "")


def test_that_a_version_came_and_serves_is_in_the_audit_log(down: Down, newer: str) -> None:
    publish(down, newer)

    rows = down.village.store.read(lambda tx: audit.listed(tx, {"object": NAME}, 0, LARGEST, 0, 9))
    assert [(row.who, row.action) for row in rows] == [("station", "published")]


def test_a_form_that_was_left_is_finished_on_the_version_it_began_on(down: Down, newer: str) -> None:
    phone = dialling(down, *BEGUN, *STEPS[:1])

    publish(down, newer)

    assert phone.dial() == OFFER
    assert phone.reply("1").startswith(ASKED[1])
    assert phone.reply("1").startswith(OLD_WORDS)


def test_two_versions_later_a_session_still_ends_on_its_own(down: Down, newer: str, tmp_path: Path) -> None:
    phone = dialling(down, *BEGUN, *STEPS[:1])

    publish(down, newer)
    publish(down, str(rewritten(tmp_path / "third", {OLD_WORDS: "What is it about?"})))

    assert phone.reply("1").startswith(OLD_WORDS)


def test_a_form_is_filed_also_when_the_new_law_has_no_such_kind(down: Down, tmp_path: Path) -> None:
    phone = dialling(down, *BEGUN, *STEPS[:1])

    publish(down, str(rewritten(tmp_path / "newer", {"complaint": "grievance"})))
    for text in STEPS[1:]:
        phone.reply(text)
    down.settle()

    assert phone.screen.startswith("Saved: ")
    assert [(case.kind, case.agency) for case in down.hub.store.read(lambda tx: views.mine(tx, HERS))] == [
        ("complaint", "WSR")
    ]


def test_pages_and_rules_are_those_of_the_new_version(down: Down, tmp_path: Path) -> None:
    folder = rewritten(tmp_path / "newer", {"answer_days: 21": "answer_days: 10"})
    agencies = folder / "agencies.csv"
    agencies.write_text(agencies.read_text("utf-8").replace("\nCAJ,", "\nNEW,New agency,Mpya\nCAJ,", 1), "utf-8")
    client = down.village.app.test_client()
    before = client.get("/agency/v1/openapi.json").get_json()["components"]["schemas"]["AgencyCode"]["enum"]

    publish(down, str(folder))

    after = client.get("/agency/v1/openapi.json").get_json()["components"]["schemas"]["AgencyCode"]["enum"]
    assert set(after) - set(before) == {"NEW"}
    assert down.village.cases.law().answer_days == 10


def test_what_came_serves_after_a_restart_too_and_a_newer_pack_of_the_settings_after_it(
    down: Down, newer: str, tmp_path: Path
) -> None:
    came = publish(down, newer)
    store = down.village.store

    chosen, fault = checking.choose(store, "kenya")
    assert (chosen.tree.version, fault) == (came, "")
    third = str(rewritten(tmp_path / "third", {OLD_WORDS: "What is it about?"}))
    chosen, fault = checking.choose(store, third)
    assert (chosen.tree.version, fault) == (version_of(pack.files_of(third)), "")
    chosen, fault = checking.choose(store, third)
    assert chosen.tree.version == version_of(pack.files_of(third))


def test_a_version_that_comes_after_it_was_taken_back_serves_again(down: Down, newer: str, tmp_path: Path) -> None:
    came = publish(down, newer)
    publish(down, "kenya")
    assert down.village.pack.tree.version != came

    assert publish(down, newer) == came
    chosen, _ = checking.choose(down.village.store, "kenya")
    assert chosen.tree.version == down.village.pack.tree.version == came


def test_what_came_and_cannot_be_run_after_an_upgrade_gives_way_to_the_settings(down: Down, newer: str) -> None:
    came = publish(down, newer)

    def look(pack: Pack) -> list[Misfit]:
        return [("law.yaml", ("kinds",), "of a release that is gone")] if pack.tree.version == came else []

    chosen, fault = checking.choose(down.village.store, "kenya", look)
    assert chosen.tree.version != came
    assert re.search(r"law.yaml:\d+: kinds: of a release that is gone", fault)
    chosen, fault = checking.choose(down.village.store, "kenya")
    assert (chosen.tree.version, fault) == (came, "")


FAULTY = {
    "a tree": ("trees/case.yaml", b"case: {type: hologram}\n"),
    "the law": ("law.yaml", b"answer_days: soon\n"),
    "a register": ("registers.yaml", b"offices: {agency: CAJ}\n"),
    "another country": ("pack.yaml", b""),
    "a strange file": ("../pack.py", b""),
}


def faulty(which: str) -> dict[str, bytes]:
    name, content = FAULTY[which]
    files = pack.files_of("kenya")
    content = content or files.get(name, b"").replace(b"country: KE", b"country: TJ")
    return files | {name: content}


@pytest.mark.parametrize("which", FAULTY)
def test_a_faulty_pack_never_serves_and_the_hub_learns_why(down: Down, which: str, newer: str) -> None:
    served = down.village.pack.tree.version
    phone = dialling(down, *BEGUN)

    offer(down, faulty(which))

    state, reason = down.told(NAME)
    assert (state, down.village.pack.tree.version) == (wanted_blobs.REFUSED, served)
    assert reason and any("refused pack/kenya: " + reason[:9] in line for line in down.hub.publishing.status())
    assert any("the one before is used" in line for line in down.village.publishing.status())
    assert phone.dial().startswith(OFFER[:9])
    chosen, fault = checking.choose(down.village.store, "kenya")
    assert (chosen.tree.version, fault) == (served, "")
    assert down.village.store.read(lambda tx: tx.value("SELECT COUNT(*) FROM packs")) == 1

    assert publish(down, newer) == down.village.pack.tree.version
    assert down.told(NAME) == (wanted_blobs.TAKEN, "")


@pytest.mark.parametrize("content", [b"no bundle", b"\x91\x92\xa1\xff\xc4\x00"], ids=["words", "a name not in UTF-8"])
def test_a_bundle_that_is_none_is_refused(down: Down, content: bytes) -> None:
    down.offer(NAME, content)
    down.offer("film/kenya", content)

    assert down.told(NAME) == (wanted_blobs.REFUSED, "What came is no bundle of a pack.")
    assert down.told("film/kenya") == (wanted_blobs.REFUSED, "This release does not know what it is.")


def test_a_station_whose_pack_was_broken_is_well_again_once_a_sound_one_came(tmp_path: Path, newer: str) -> None:
    folder = rewritten(tmp_path / "mine", {})
    settings = settings_of(tmp_path / "hub", str(folder))
    with built(settings):
        pass
    (folder / "law.yaml").write_bytes(FAULTY["the law"][1])
    with built(settings) as station:
        client = station.app.test_client()
        assert client.get("/healthz").get_json()["status"] == "degraded"

        publish_pack(station, newer)

        told = client.get("/healthz").get_json()
    assert (told["status"], told["pack"]) == ("ok", "ok")


@pytest.mark.parametrize("which", ["a tree", "the law", "another country"])
def test_the_hub_does_not_publish_a_faulty_pack(down: Down, tmp_path: Path, which: str) -> None:
    folder = rewritten(tmp_path / "faulty", {})
    (folder / FAULTY[which][0]).write_bytes(faulty(which)[FAULTY[which][0]])
    served = down.hub.pack.tree.version

    with pytest.raises(ValueError):
        publish_pack(down.hub, str(folder))

    assert down.hub.pack.tree.version == served
    assert down.hub.store.read(published_blobs.published) == {}


def test_phones_are_answered_whole_while_a_version_takes_effect(down: Down, tmp_path: Path) -> None:
    folders = [
        str(rewritten(tmp_path / "one", {"Status of my case": "Status one"})),
        str(rewritten(tmp_path / "two", {"Status of my case": "Status two"})),
    ]
    seen: set[str] = set()
    done = threading.Event()
    phone = dialling(down, "1", msisdn="+254700000100")

    def dial() -> None:
        while not done.is_set():
            seen.add(phone.dial())

    dialler = threading.Thread(target=dial)
    dialler.start()
    for folder in folders * 3:
        publish(down, folder)
    done.set()
    dialler.join()

    seen.add(phone.dial())
    assert {screen.partition("\n")[0] for screen in seen} <= {HOME, "1 Status one", "1 Status two"}
    assert phone.screen.startswith("1 Status two")


def test_a_station_in_the_middle_passes_a_pack_on(down: Down, newer: str) -> None:
    down.village.store.write(lambda tx: stations.add(tx, 9))

    publish(down, newer)

    offers = down.village.store.read(published_blobs.offers)
    assert [(one.station, one.name, one.state) for one in offers] == [(9, NAME, published_blobs.OFFERED)]


def test_a_pack_that_came_is_kept_with_its_files(down: Down, newer: str) -> None:
    came = publish(down, newer)

    found = down.village.store.read(lambda tx: packs.find(tx, came))
    assert found is not None and dict(found.files) == pack.files_of(newer)


def test_a_started_station_is_on_what_came(tmp_path: Path, newer: str) -> None:
    with open_down(tmp_path, "kenya") as down:
        came = publish(down, newer)
    with built(settings_of(tmp_path / "village", "kenya")) as station:
        assert station.pack.tree.version == came
        health = station.app.test_client().get("/healthz").get_json()
        assert health["pack"] == "ok"
