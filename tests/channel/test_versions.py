"""Versions of the pack: what was begun on one is finished on it, and a broken one never takes over."""

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from sado.channel import versions
from sado.cli import station_access
from sado.menus.reading import pack
from sado.menus.reading.source import version as version_of
from sado.publishing import checking
from sado.settings import Settings
from sado.station import build_station
from sado.store import Keyring, Store
from sado.store.tables import drafts, identity, packs
from tests.support.kenya import ASKED, BEGUN, FILING, HERS, HOME, OFFER, STEPS, kenya, rewritten, serving, walked
from tests.support.packs import small, written
from tests.support.phone import Phone
from tests.support.station import Station
from tests.support.stations import open_store

OLD_WORDS, NEW_WORDS = "Describe the matter briefly.", "Tell us what happened."


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A new version of the pack."""
    return str(rewritten(tmp_path / "pack", {OLD_WORDS: NEW_WORDS}))


def begun(tmp_path: Path) -> Phone:
    """A phone that stands before the question for the text, on the version that is shipped."""
    with serving(tmp_path, "kenya") as station:
        return walked(station, *BEGUN, *STEPS[:1])


def lose(station: Station) -> None:
    station.store.write(lambda tx: tx.run("DELETE FROM packs WHERE version = :old", old=kenya().tree.version))


def spoil(station: Station) -> None:
    """The old version asks for what this release does not know."""
    files = {**pack.files_of("kenya"), "trees/case.yaml": b"case: {type: hologram}\n"}
    lose(station)
    station.store.write(lambda tx: packs.save(tx, kenya().tree.version, "kenya", files))


def spoil_registers(station: Station) -> None:
    """The old version has a register that this release cannot put together."""
    files = {**pack.files_of("kenya"), "registers.yaml": b"offices: {agency: CAJ}\n"}
    lose(station)
    station.store.write(lambda tx: packs.save(tx, kenya().tree.version, "kenya", files))


def test_a_session_finishes_on_the_version_it_began_on(tmp_path: Path, folder: str) -> None:
    phone = begun(tmp_path)
    with serving(tmp_path, folder) as station:
        phone = phone.moved(station.client)
        assert phone.reply("1").startswith(OLD_WORDS)
        for text in STEPS[2:]:
            phone.reply(text)
        assert phone.screen.startswith("Saved: ")
        assert len(station.filed(HERS)) == 1


def test_a_form_finishes_on_the_version_it_began_on(tmp_path: Path, folder: str) -> None:
    phone = begun(tmp_path)
    with serving(tmp_path, folder) as station:
        phone = phone.moved(station.client)
        assert phone.dial() == OFFER
        assert phone.reply("1").startswith(ASKED[1])
        assert phone.reply("1").startswith(OLD_WORDS)
        for text in STEPS[2:]:
            phone.reply(text)
        assert len(station.filed(HERS)) == 1
        assert phone.dial().startswith(HOME)


def test_what_is_begun_now_is_on_the_version_of_now(tmp_path: Path, folder: str) -> None:
    begun(tmp_path)
    with serving(tmp_path, folder) as station:
        other = walked(station, *BEGUN, *STEPS[:2], msisdn="+254700000009")
        assert other.screen.startswith(NEW_WORDS)
        assert other.walk().split("\n")[1] == "1 Yes: Complaint: Water"


def test_taking_a_version_back_goes_on_with_forms_of_both(tmp_path: Path, folder: str) -> None:
    phone = begun(tmp_path)
    with serving(tmp_path, folder) as station:
        phone = phone.moved(station.client)
        phone.dial("*1339*2*2*2#")
        phone.reply("Kisumu")
    with serving(tmp_path, "kenya") as station:
        phone = phone.moved(station.client)
        phone.dial()
        assert phone.reply("1").startswith(ASKED[1])
        assert phone.reply("1").startswith(NEW_WORDS)
        phone.dial()
        phone.reply("3")
        assert phone.dial() == OFFER


@pytest.mark.parametrize("gone", [lose, spoil, spoil_registers])
def test_a_form_of_a_version_that_cannot_be_run_is_kept_and_not_offered(
    tmp_path: Path, folder: str, gone: Callable[[Station], None]
) -> None:
    phone = begun(tmp_path)
    with serving(tmp_path, folder) as station:
        gone(station)
        assert phone.moved(station.client).dial().startswith(HOME)
        assert len(station.store.read(lambda tx: drafts.of(tx, HERS))) == 1
    with serving(tmp_path, "kenya") as station:
        phone = phone.moved(station.client)
        phone.dial()
        assert phone.dial() == OFFER


@pytest.mark.parametrize("gone", [lose, spoil])
def test_a_session_of_a_version_that_cannot_be_run_begins_anew_without_using_its_answers(
    tmp_path: Path, folder: str, gone: Callable[[Station], None]
) -> None:
    phone = begun(tmp_path)
    with serving(tmp_path, folder) as station:
        gone(station)
        phone = phone.moved(station.client)
        assert phone.reply("1").startswith(HOME)
        assert phone.reply("2").startswith("1 Complaint")


def test_not_needed_deletes_the_form_that_was_offered_and_not_one_that_waits_for_its_version(
    tmp_path: Path, folder: str
) -> None:
    with serving(tmp_path, folder) as station:
        phone = walked(station, *BEGUN)
    with serving(tmp_path, "kenya") as station:
        station.clock.move(60)
        phone = phone.moved(station.client)
        phone.dial("*1339*2*2*2#")
    with serving(tmp_path, folder) as station:
        lose(station)
        phone = phone.moved(station.client)
        assert phone.dial() == OFFER
        phone.reply("3")
        (left,) = station.store.read(lambda tx: drafts.of(tx, HERS))
        assert kenya().tree.version in left.state


def test_a_form_of_a_version_without_her_language_goes_on_in_its_own(tmp_path: Path) -> None:
    named = "  sw: {name: Kiswahili, locale: sw_KE"
    other = rewritten(tmp_path / "pack", {"sw: ": "fr: ", "Kiswahili, locale: sw_KE": "Français, locale: fr"})
    tables = {"districts.csv": "_sw", "regions.csv": "_sw", "agencies.csv": "_sw"}
    for name, column in tables.items():
        table = other / name
        table.write_text(table.read_text("utf-8").replace(column, "_fr"), "utf-8")
    assert named in (pack.PACKS / "kenya" / "pack.yaml").read_text("utf-8")
    phone = begun(tmp_path)
    with serving(tmp_path, str(other)) as station:
        phone = phone.moved(station.client)
        phone.walk("2", "6", "2")
        assert phone.dial().startswith("Kuendelea?\n1 Ndiyo: Complaint: Water")
        assert phone.reply("1").startswith(ASKED[1])


def settled(folder: Path, name: str) -> Settings:
    """The settings of a station in this folder, which is made at the first use."""
    settings = Settings(data=str(folder), pack=name)
    if not settings.keys.exists():
        folder.mkdir(exist_ok=True)
        with closing(Store(settings.database, Keyring.create(settings.keys))) as store:
            store.write(lambda tx: identity.create(tx, 7))
    return settings


def health(folder: Path, name: str) -> tuple[str, str]:
    """What a station that is to serve this pack says of itself: (status, pack)."""
    settings = settled(folder, name)
    with closing(station_access.open_store(settings)) as store:
        told = build_station(settings, store).app.test_client().get("/healthz").get_json()
    return told["status"], told["pack"]


BROKEN = {
    "a tree": {"trees/base.yaml": b"root: ["},
    "the law": {"law.yaml": b"answer_days: soon\n"},
    "a lookup": {"trees/base.yaml": small("odd: {type: ask, register: gone, go: end}\n")["trees/base.yaml"]},
    "a register": {"registers.yaml": b"offices: {agency: CAJ}\n"},
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_a_station_goes_on_with_the_version_before_when_the_new_one_is_broken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: dict[str, bytes]
) -> None:
    name = str(written(tmp_path / "pack", small()))
    assert health(tmp_path / "station", name) == ("ok", "ok")
    written(tmp_path / "pack", change)
    with caplog.at_level(logging.ERROR):
        status, told = health(tmp_path / "station", name)
    assert (status, told.startswith("the one before")) == ("degraded", True)
    assert version_of(small()) in caplog.text
    written(tmp_path / "pack", small())
    assert health(tmp_path / "station", name) == ("ok", "ok")


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_a_new_station_does_not_start_with_a_broken_pack(tmp_path: Path, change: dict[str, bytes]) -> None:
    name = str(written(tmp_path / "pack", small() | change))
    with pytest.raises(ValueError):
        health(tmp_path / "station", name)


def test_a_broken_version_is_never_kept(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        chosen, fault = checking.choose(store, "kenya")
        broken = str(written(tmp_path / "pack", small() | BROKEN["a tree"]))
        again, told = checking.choose(store, broken)
        assert (fault, again.tree.version) == ("", chosen.tree.version)
        assert "trees/base.yaml:" in told
        assert store.read(lambda tx: tx.value("SELECT COUNT(*) FROM packs")) == 1


def test_an_older_version_is_put_together_once(tmp_path: Path) -> None:
    made: list[str] = []

    def effects(found: pack.Pack) -> object:
        made.append(found.name)
        return None

    newer = replace(kenya(), name="newer", tree=replace(kenya().tree, version="2"))
    with open_store(tmp_path) as store:
        checking.choose(store, "kenya")
        known = versions.Versions(newer, effects, "*1339#")  # type: ignore[arg-type]
        asked = [one for one in ("2", kenya().tree.version, "3") for _ in range(2)]
        found = store.read(lambda tx: [known.of(tx, one) for one in asked])
    assert [one and one.pack.name for one in found] == ["newer", "newer", "kenya", "kenya", None, None]
    assert made == ["newer", "kenya"]


def test_filing_walks_through_every_question_that_this_page_leans_on(tmp_path: Path) -> None:
    with serving(tmp_path, "kenya") as station:
        assert walked(station, *FILING).screen.startswith("Saved: ")
