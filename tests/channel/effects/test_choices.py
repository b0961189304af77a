"""The effects of what residents choose for themselves, as a tree asks for them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sado.cases.residents.consultation import Consultation
from sado.cases.residents.privacy import Privacy
from sado.channel.effects.choices import Choices
from sado.menus.engine import Effect, Outcome
from sado.store.tables import subscribers
from tests.support.station import shipped_pack
from tests.support.stations import APPEAL, Station, open_station

HERS, HIS = APPEAL.msisdn, "+992900000002"
# The fixed clock of the tests, in Dushanbe.
TODAY = "15.01.2027"


@dataclass
class Phone:
    """Performs effects as a session of one number does."""

    station: Station
    choices: Choices
    msisdn: str = HERS

    def do(self, name: str, language: str = "en", **answers: str) -> Outcome:
        """The outcome of an effect that takes these answers."""
        handler = self.choices.handlers()[name]
        return self.station.store.write(lambda tx: handler(tx, self.msisdn, Effect(name, answers, language)))


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    with open_station(tmp_path, 7, has_upstream=False) as opened:
        yield opened


@pytest.fixture
def hers(station: Station) -> Phone:
    return Phone(station, Choices(shipped_pack(), Consultation(False), Privacy(False)))


@pytest.fixture
def his(hers: Phone) -> Phone:
    return Phone(hers.station, hers.choices, HIS)


def place() -> tuple[str, str]:
    """A place of the pack and its short name in English."""
    (found,) = shipped_pack().gazetteer.find("Yovon").places
    return found.code, found.short["en"]


def test_a_vote_counts_once_for_a_phone(hers: Phone, his: Phone) -> None:
    votes = [(hers, "yes"), (hers, "no"), (his, "no")]
    voted = [phone.do("vote", subject="poll.certificate", choice=choice).name for phone, choice in votes]
    assert voted == ["counted", "again", "counted"]


def test_subscribing_twice_says_so(hers: Phone) -> None:
    outcomes = [hers.do("subscribe", topic="school", place="").name for _ in range(2)]
    assert outcomes == ["done", "already"]


def test_without_a_subscription_the_list_says_none(hers: Phone, his: Phone) -> None:
    his.do("subscribe", topic="school", place="")
    assert hers.do("my_subscriptions") == Outcome("none")


def test_the_list_is_in_words_and_each_line_of_it_can_be_taken_back(hers: Phone) -> None:
    code, name = place()
    hers.do("subscribe", topic="school", place=code)
    hers.do("subscribe", topic="lessons.grade9", place="")
    listed = hers.do("my_subscriptions")
    assert listed.name == "some"
    assert [value for value, _ in listed.items] == ["lessons.grade9@", f"school@{code}"]
    assert listed.items[0][1] == "lessons.grade9", "a topic that the pack has no words for shows as it is"
    assert listed.items[1][1].endswith(f", {name}")
    for value, _ in listed.items:
        assert hers.do("unsubscribe", subscription=value) == Outcome("done")
    assert hers.do("my_subscriptions").name == "none"


def test_a_topic_everywhere_is_another_subscription_than_at_a_place(hers: Phone) -> None:
    code, _ = place()
    hers.do("subscribe", topic="school", place=code)
    hers.do("unsubscribe", subscription="school@")
    assert hers.do("my_subscriptions").name == "some"


def test_a_topic_that_no_option_names_has_the_words_of_its_register(hers: Phone) -> None:
    hers.do("subscribe", topic="exam_points", place="")
    assert hers.do("my_subscriptions").items[0][1] == "Mobile exam point"


def test_a_place_that_the_pack_lost_shows_its_code(hers: Phone) -> None:
    hers.do("subscribe", topic="lessons.grade9", place="XX-1")
    assert hers.do("my_subscriptions").items[0][1] == "lessons.grade9, XX-1"


@pytest.mark.parametrize(("name", "is_muted"), [("stop_sms", True), ("start_sms", False)])
def test_stop_and_start_are_kept_for_the_phone(hers: Phone, his: Phone, name: str, is_muted: bool) -> None:
    his.do("stop_sms")
    assert hers.do(name) == Outcome("done")
    muted = [hers.station.store.read(lambda tx, m=m: subscribers.is_muted(tx, m)) for m in (HERS, HIS)]
    assert muted == [is_muted, True]


def test_what_is_stored_is_told_in_numbers(hers: Phone, his: Phone) -> None:
    hers.station.store.write(lambda tx: subscribers.remember_language(tx, HERS, "en"))
    hers.station.store.write(lambda tx: hers.station.cases.open(tx, APPEAL))
    hers.do("subscribe", topic="school", place="")
    assert hers.do("stored").values == {"cases": "1", "drafts": "0", "subscriptions": "1", "date": TODAY}
    assert his.do("stored").values == {"cases": "0", "drafts": "0", "subscriptions": "0", "date": "-"}


def test_forgetting_leaves_nothing_to_tell(hers: Phone) -> None:
    hers.station.store.write(lambda tx: hers.station.cases.open(tx, APPEAL))
    hers.do("subscribe", topic="school", place="")
    assert hers.do("forget") == Outcome("done")
    assert hers.do("stored").values == {"cases": "0", "drafts": "0", "subscriptions": "0", "date": "-"}


def test_a_new_pin_is_for_the_filing_phone_alone(hers: Phone, his: Phone) -> None:
    filed = hers.station.store.write(lambda tx: hers.station.cases.open(tx, APPEAL))
    assert his.do("new_pin", reference=filed.reference) == Outcome("wrong")
    assert hers.do("new_pin", reference="0070000000") == Outcome("wrong")
    new = hers.do("new_pin", reference=filed.reference)
    assert (new.name, new.values["ref"]) == ("done", filed.reference)
    assert len(new.values["pin"]) == 4 and new.values["pin"] != filed.pin
