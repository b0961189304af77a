"""Turns that a hostile or hasty phone asks for: one form in two sessions, and many numbers dialled at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.channel.turns import MOST_AHEAD
from sado.store.tables import drafts, subscribers
from tests.support.kenya import ASKED, BEGUN, FILING, HERS, HOME, STEPS, open_kenya, walked
from tests.support.phone import Phone
from tests.support.station import Station, open_station


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    with open_kenya(tmp_path) as opened:
        yield opened


def second_session(station: Station) -> Phone:
    """Another session of the same phone, while the station still waits for an answer in the first."""
    phone = Phone(station.client, HERS)
    phone.session_id = "another session"
    assert phone.reply("").startswith("Continue?")
    phone.typed.clear()
    return phone


def test_a_form_in_two_sessions_is_filed_once(station: Station) -> None:
    first = walked(station, *BEGUN)
    second = second_session(station)
    assert second.reply("1").startswith(ASKED[0])
    for text in STEPS:
        second.reply(text)
    assert [first.reply(text) for text in STEPS][0].startswith(HOME)
    assert len(station.filed(HERS)) == 1


def test_two_sessions_that_each_began_a_form_file_two(station: Station) -> None:
    """What the guard above must not take for one form."""
    first = walked(station, *BEGUN)
    second = second_session(station)
    for text in ("2", *FILING[1:]):
        second.reply(text)
    for text in STEPS:
        first.reply(text)
    assert len(station.filed(HERS)) == 2


def test_a_form_that_was_deleted_meanwhile_does_not_come_back(station: Station) -> None:
    phone = walked(station, *BEGUN, *STEPS[:3])
    station.store.write(lambda tx: subscribers.forget(tx, HERS))
    phone.reply(STEPS[3])
    assert station.store.read(lambda tx: drafts.of(tx, HERS)) == []


@pytest.mark.parametrize("times", [1, 300])
def test_however_much_is_dialled_ahead_a_screen_answers(station: Station, times: int) -> None:
    """Each round asks for the cases of this phone, an effect."""
    walked(station, "1")
    phone = Phone(station.client, HERS)
    phone.session_id = "much ahead"
    answer = phone.post("*".join(["1", "2", "00"] * times)).text
    assert answer.startswith("CON ")


def test_as_much_as_anybody_needs_is_used_of_what_is_dialled_ahead(station: Station) -> None:
    phone = walked(station, "1")
    there = ["1", "00"] * (MOST_AHEAD // 2 - 1) + ["2", "1"]
    assert phone.dial(f"*1339*{'*'.join(there)}#").startswith("1 Water")
    assert phone.dial(f"*1339*{'*'.join([*there, '1'])}#").startswith("1 Water")


def test_another_form_begun_by_going_back_leaves_the_first_as_it_is(tmp_path: Path) -> None:
    with open_station(tmp_path) as tajik:
        phone = Phone(tajik.client, HERS)
        phone.walk("1", "2", "1", "1", "Ёвон", "1", "Се рӯз боз об нест.", "0", "0", "0", "0", "0", "6", "1", "Рашт")
        kept = tajik.store.read(lambda tx: drafts.of(tx, HERS))
        assert ['"form":"municipal' in one.state for one in kept] == [True, False]
        assert '"screen":"appeal' in kept[1].state and "Се рӯз боз об нест." in kept[1].state
