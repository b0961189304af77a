"""Whatever way words come by, no phone is shown a character that nobody sees, and desks and agencies see it marked."""

import html
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sado.cases.payloads import OPENED, Opened
from sado.cases.registers import csv_file
from sado.cases.registers.csv_file import RegisterFile
from sado.cases.registers.loading import Loading
from sado.channel.effects.register_words import RegisterWords
from sado.channel.gateways import africastalking
from sado.desk import pages
from sado.menus import layout
from sado.menus.invisible import clean, marked, without
from sado.settings import Settings
from sado.station import Station, build_station
from sado.store import Keyring, Store
from sado.store.tables import accounts, identity, stations
from sado.store.tables.events import Event
from tests.support import packs
from tests.support.browser import HASHED, PASSWORD, PEOPLE, enter, post
from tests.support.filing import typed
from tests.support.phone import Phone
from tests.support.station import TOKEN
from tests.support.stations import APPEAL
from tests.support.writer import Writer

HERS, BEHIND, AGENCYS = "+992900000001", 8, "token of the water agency"
CONTROLS = "\x00\x01\x07\x08\x1b\x7f\x80\x9b\x9f"
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
OTHERS = "\u00ad\u200b\u200c\u200d\u2060\ufeff\u2028\u2029\u034f\u3164\u2065\u2800\ufff3\U000e0001\U000e0041\U000e0100"
NASTY = CONTROLS + BIDI + OTHERS
WORDS = " ".join(f"об{sign}нест" for sign in NASTY)
# Tajik letters also as a letter and its mark, Persian with the joiner that belongs there, and a vowel killer of Hindi.
GOOD = "Ҷӯй ва қӯрғон, ғи\u0304ш; می\u200cخواهم; क्\u200dष"
KEPT = "Ҷӯй ва қӯрғон, ғӣш; می\u200cخواهم; क्\u200dष"
SAID = f"{GOOD} {WORDS}"


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    with opened(tmp_path) as station:
        yield station


@contextmanager
def opened(folder: Path) -> Iterator[Station]:
    """A hub with everything: a gateway, the desk, an agency's system and a station behind it."""
    settings = Settings(data=str(folder), blocks=(africastalking.Settings(token=TOKEN),))
    store = Store(settings.database, Keyring.create(settings.keys))
    store.write(lambda tx: identity.create(tx, 7))
    store.write(lambda tx: stations.add(tx, BEHIND))
    store.write(lambda tx: accounts.save_token(tx, "HCU", AGENCYS))
    for role, name in PEOPLE.items():
        agency = "HCU" if role == "officer" else ""
        store.write(lambda tx, n=name, r=role, a=agency: accounts.save(tx, n, HASHED, r, a))
    try:
        yield build_station(settings, store)
    finally:
        store.close()


def by_phone(station: Station) -> str:
    *before, _text, name, send = typed()
    Phone(station.app.test_client(), HERS).walk(*before, SAID, name, send)
    return latest(station)


def by_sms(station: Station) -> str:
    writer = Writer(Wrapped(station), HERS)
    writer.say("ШИКОЯТ", "1", "Ёвон", "1", SAID, "Раҳимова Гулнора", "1")
    return latest(station)


def by_peer(station: Station) -> str:
    told = msgspec.structs.asdict(APPEAL) | {"agency": "HCU", "place": "KT-YOV", "text": SAID, "name": SAID[-80:]}
    event = {"event": "008.life.1", "reference": "0080000018", "station": BEHIND, "received_at": station.store.now()}
    case = msgspec.convert(told | event, Opened)
    body = msgspec.json.encode(case).decode()
    station.store.write(lambda tx: station.cases.apply(tx, f"station:{BEHIND:03}", Event(OPENED, case.reference, body)))
    return case.reference


def by_api(station: Station) -> str:
    number = filed(station)
    for kind in ("registered", "answered"):
        sent = station.app.test_client().post(
            f"/agency/v1/cases/{number}/events", json={"kind": kind, "text": SAID}, headers=bearer()
        )
        assert sent.status_code == 201
    return number


def by_page(station: Station) -> str:
    number, officer = filed(station), signed_in(station, "officer")
    for kind in ("registered", "answered"):
        page = f"/agency/cases/{number}"
        assert post(officer, page, f"{page}/events", kind=kind, event=kind, text=SAID).status_code == 302
    return number


WAYS_IN: dict[str, Callable[[Station], str]] = {
    "phone": by_phone,
    "sms": by_sms,
    "peer": by_peer,
    "api": by_api,
    "page": by_page,
}


class Wrapped:
    """As much of a station as a writer of SMS needs."""

    def __init__(self, station: Station) -> None:
        self.client, self.store = station.app.test_client(), station.store


def filed(station: Station) -> str:
    appeal = msgspec.structs.replace(APPEAL, agency="HCU", place="KT-YOV", msisdn=HERS)
    return station.store.write(lambda tx: station.cases.open(tx, appeal)).reference


def latest(station: Station) -> str:
    return str(station.store.read(lambda tx: tx.value("SELECT reference FROM cases ORDER BY number DESC LIMIT 1")))


def bearer() -> dict[str, str]:
    return {"Authorization": f"Bearer {AGENCYS}"}


def signed_in(station: Station, role: str) -> Any:
    client = station.app.test_client()
    assert enter(client, PEOPLE[role], PASSWORD).status_code == 302
    return client


def shown_at_desks(station: Station, number: str) -> list[str]:
    """What an agency's system, its officer and the operator are given of a case."""
    whole = station.app.test_client().get(f"/agency/v1/cases/{number}", headers=bearer()).get_json()
    words = [whole["text"], whole["name"], *(event["text"] for event in whole["events"])]
    answers = [
        signed_in(station, role).get(page)
        for role, page in (("officer", f"/agency/cases/{number}"), ("operator", f"/operator/case/{number}"))
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    read = [answer.text for answer in answers]
    return [*words, *(html.unescape(re.sub(r"<style.*?</style>", "", page)) for page in read)]


def seen(text: str) -> set[str]:
    """Which of the nasty characters stand in it, outside of the words in which two of them belong."""
    return set(text.replace(KEPT, "").replace(GOOD, "")) & set(NASTY)


@pytest.mark.parametrize("way", WAYS_IN)
def test_a_desk_and_an_agency_are_given_no_such_character_whichever_way_it_came(station: Station, way: str) -> None:
    texts = shown_at_desks(station, WAYS_IN[way](station))
    assert [seen(text) for text in texts if seen(text)] == []
    assert any(KEPT in text or GOOD in text for text in texts)


@pytest.mark.parametrize("way", ["peer", "api", "page"])
def test_what_was_not_cleaned_on_the_way_in_is_marked(station: Station, way: str) -> None:
    texts = shown_at_desks(station, WAYS_IN[way](station))
    assert any("об‹202E›нест" in text and "об‹E0041›нест" in text for text in texts)


@pytest.mark.parametrize("way", ["api", "page"])
def test_a_phone_is_shown_an_agencys_words_without_them(station: Station, way: str) -> None:
    WAYS_IN[way](station)
    phone = Phone(station.app.test_client(), HERS)
    phone.walk("1", "1", "2", "1", "1")
    assert KEPT[:20] in phone.screen and not seen(phone.screen) and marked(phone.screen) == phone.screen


def test_a_register_is_shown_without_them(station: Station, tmp_path: Path) -> None:
    words = " ".join(f"об{sign}нест" for sign in BIDI)
    rows = f"number,topic,place,text_tg,text_ru,text_en,last_day,sample\nS-1,school,,{words},a,b,2099-08-31,yes\n"
    (tmp_path / "announcements.csv").write_text(rows, "utf-8")
    loading = Loading(station.store, station.registers, RegisterWords(station.pack).announcer(lambda *told: None))
    definition, day = station.registers.get("announcements"), station.registers.today(station.store.now()).isoformat()
    with RegisterFile(tmp_path / "announcements.csv", definition, station.registers.languages) as file:
        csv_file.load(file, loading, "announcements", day, True, lambda position: None)
    found = station.store.read(lambda tx: station.registers.find(tx, "announcements", {"topic": "school"}))
    assert not seen(RegisterWords(station.pack).line(found.register, found.rows[0].values, "tg"))


@pytest.mark.parametrize("sign", NASTY.replace("\x00", "").replace("\x85", ""))
def test_a_pack_with_one_has_a_fault_and_shows_it_nowhere(sign: str) -> None:
    said = f'odd: {{type: notice, text: {{en: "A\\U{ord(sign):08x}B", ru: Я}}}}\n'
    assert any("nobody sees" in fault.says for fault in packs.faults(packs.small(said)))
    assert layout.pages(f"A{sign}B", (), (), "", packs.Budget()) == ("AB",)


@pytest.mark.parametrize("sign", [*NASTY, "\ud800", "\udfff"])
def test_each_of_them_goes_from_a_phone_and_is_marked_at_a_desk(sign: str) -> None:
    assert without(f"a{sign}b") == "ab"
    assert not {sign} & {*clean(f"a{sign}b")}
    assert marked(f"a{sign}b") == f"a‹{ord(sign):04X}›b"


def test_of_many_that_are_the_same_there_is_one_mark() -> None:
    assert marked("a\u202e\u202e\u202e\u202db  ") == "a‹202E ×3›‹202D›b  "
    assert len(marked("\u202e" * 20_000)) < 20


def test_signs_of_arabic_that_are_seen_stay() -> None:
    assert clean("\u0600\u06dd") == marked("\u0600\u06dd") == "\u0600\u06dd"


def test_words_that_need_a_joiner_or_a_mark_keep_it() -> None:
    assert (clean(GOOD), without(GOOD), marked(GOOD)) == (KEPT, GOOD, GOOD)


def test_a_desk_that_does_not_mark_is_noticed(monkeypatch: pytest.MonkeyPatch, station: Station) -> None:
    number = by_peer(station)
    monkeypatch.setattr(pages, "marked", str)
    station.app.jinja_env.finalize = None
    assert any(seen(text) for text in shown_at_desks(station, number))
