"""Who files much, or while many do, waits or confirms, by phone and by SMS, and nothing that was typed is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.cases.filing_rate import MOST_A_DAY
from sado.menus.effects import EFFECTS, is_rate_limited
from sado.menus.engine import Effect
from tests.support.filing import typed
from tests.support.phone import Phone
from tests.support.station import Station, open_station
from tests.support.writer import Writer

HERS = "+992900000001"
FORMS = {
    "open_case": {"kind": "callback", "topic": "doctor", "place": "KT-YOV", "text": "Call"},
    "ask_agency": {"register": "licences", "number": "AM 0001234"},
}
WAITS, ASKS = "10 муроҷиат шуд", "Ҳоло бисёр одамон менависанд"


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    with open_station(tmp_path) as opened:
        yield opened


@pytest.fixture
def phone(station: Station) -> Phone:
    return Phone(station.client, HERS)


def files_by_sms(station: Station) -> None:
    """As many cases as a day allows were filed by SMS in her name."""
    note = station.cases.filing_rate.note
    station.store.write(lambda tx: [note(tx, HERS, is_proven=False) for _ in range(MOST_A_DAY)])


def test_what_waits_is_offered_on_the_next_dial_and_filed_when_its_time_has_come(
    station: Station, phone: Phone
) -> None:
    station.files(HERS, MOST_A_DAY)
    assert WAITS in phone.walk(*typed())
    phone.hang_up()
    station.clock.move(24 * 3600)
    assert "Шикоят: Об" in phone.dial()
    assert WAITS in phone.reply("1")
    assert "Сабт шуд" in phone.reply("1")
    assert station.filed(HERS)[0].name == "Раҳимова Гулнора"


def test_before_that_it_still_waits_and_nothing_is_filed(station: Station, phone: Phone) -> None:
    station.files(HERS, MOST_A_DAY)
    phone.walk(*typed())
    station.clock.move(24 * 3600 - 1)
    phone.dial()
    assert WAITS in phone.reply("1") and WAITS in phone.reply("1")
    assert station.filed(HERS) == []


def test_what_was_not_confirmed_is_offered_on_the_next_dial(station: Station, phone: Phone) -> None:
    station.is_busy()
    assert f"{ASKS}. Барои фиристодан 7" in phone.walk(*typed())
    phone.dial()
    assert ASKS in phone.reply("1")
    assert "Сабт шуд" in phone.reply("7")
    assert len(station.filed(HERS)) == 1


def test_a_village_whose_water_failed_files_with_one_key_more(station: Station) -> None:
    station.is_busy()
    for number in range(20):
        phone = Phone(station.client, f"+9929100000{number:02}")
        digit = phone.walk(*typed()).split("фиристодан ")[1][0]
        assert "Сабт шуд" in phone.reply(digit)
        assert len(station.filed(phone.msisdn)) == 1


def test_each_filing_is_confirmed_by_itself(station: Station, phone: Phone) -> None:
    station.is_busy()
    phone.walk(*typed())
    phone.reply("7")
    assert ASKS in phone.walk(*typed()[1:])


def test_by_sms_the_answer_asks_for_the_digit_and_the_next_sms_gives_it(station: Station) -> None:
    station.is_busy()
    writer = Writer(station, HERS)
    asked = writer.say("ШИКОЯТ", "1", "Ёвон", "1", "Се рӯз боз об нест, лутфан", "Раҳимова Гулнора", "1")
    assert f"{ASKS}. Барои фиристодан 7" in asked
    assert "Барои фиристодан 3" in writer.say("4")
    assert "Сабт шуд" in writer.say("3")
    assert station.filed(HERS)[0].text == "Се рӯз боз об нест, лутфан"


def test_by_sms_what_waits_is_kept_and_goes_on_a_day_later(station: Station) -> None:
    writer = Writer(station, HERS)
    station.store.write(
        lambda tx: [station.cases.filing_rate.note(tx, HERS, is_proven=False) for _ in range(MOST_A_DAY)]
    )
    assert WAITS in writer.say("ШИКОЯТ", "1", "Ёвон", "1", "Се рӯз боз об нест, лутфан", "Раҳимова Гулнора", "1")
    station.clock.move(24 * 3600)
    assert "Сабт шуд" in writer.say("1")


def test_sms_in_her_name_do_not_make_her_telephone_wait(station: Station, phone: Phone) -> None:
    station.store.write(
        lambda tx: [station.cases.filing_rate.note(tx, HERS, is_proven=False) for _ in range(MOST_A_DAY)]
    )
    assert "Сабт шуд" in phone.walk(*typed())


def test_the_table_has_a_form_for_every_effect_that_files() -> None:
    assert (
        {name for name in EFFECTS if is_rate_limited(name)}
        == {name for name, one in EFFECTS.items() if "pin" in one.fills} - {"new_pin"}
        == set(FORMS)
    )


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("is_proven", [True, False])
def test_every_effect_that_files_keeps_the_rate(station: Station, name: str, is_proven: bool) -> None:
    def do(**answers: str) -> str:
        effect = Effect(name, FORMS[name] | answers, "tg", is_proven)
        return station.store.write(lambda tx: station.effects.perform(tx, HERS, effect)).name

    station.is_busy()
    assert do() == "confirm" and station.filed(HERS) == []
    station.store.write(lambda tx: [station.cases.filing_rate.note(tx, HERS, is_proven) for _ in range(MOST_A_DAY)])
    assert do(pressed="7") == "wait" and station.filed(HERS) == []
    station.clock.move(24 * 3600)
    assert do() == "saved" and len(station.filed(HERS)) == 1


def test_a_question_that_is_open_already_is_shown_again_and_does_not_wait(station: Station) -> None:
    def ask(number: str) -> str:
        effect = Effect("ask_agency", {"register": "licences", "number": number}, "tg")
        return station.store.write(lambda tx: station.effects.perform(tx, HERS, effect)).name

    assert ask("AM 0001234") == "saved"
    station.files(HERS, MOST_A_DAY)
    assert (ask("AM 0001234"), ask("AM 0009999")) == ("saved", "wait")
