"""A form that was left half-way: nothing that was answered is lost, and the next dial offers to go on."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from sado.store.tables import drafts
from tests.support.kenya import ASKED, BEGUN, FILING, HERS, HIS, HOME, OFFER, STEPS, open_kenya, walked
from tests.support.phone import Phone
from tests.support.station import Station
from tests.support.stations import Clock

HOUR_S = 3600


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    with open_kenya(tmp_path) as opened:
        yield opened


def unfinished(station: Station, msisdn: str = HERS) -> int:
    return len(station.store.read(lambda tx: drafts.of(tx, msisdn)))


@pytest.mark.parametrize("answered", range(5))
def test_every_answer_is_kept_and_the_next_dial_offers_to_go_on(station: Station, answered: int) -> None:
    phone = walked(station, *BEGUN, *STEPS[:answered])
    assert phone.screen.startswith(ASKED[answered])
    assert phone.dial() == OFFER
    assert phone.reply("1").startswith(ASKED[answered])
    for text in STEPS[answered:]:
        phone.reply(text)
    (case,) = station.filed(HERS)
    assert (case.place, case.text, case.name) == ("KE-17", "No water", "Ali Otieno")


@pytest.mark.parametrize("inputs", [("1",), ("1", "2"), ("1", "2", "1"), ("1", "1", "1")])
def test_where_no_form_was_begun_nothing_is_offered(station: Station, inputs: tuple[str, ...]) -> None:
    assert walked(station, *inputs).dial().startswith(HOME)


def test_an_answer_that_was_not_accepted_is_asked_again_after_the_offer(station: Station) -> None:
    phone = walked(station, *BEGUN, *STEPS[:3], "7")
    assert phone.screen.startswith("Not valid.")
    phone.dial()
    assert phone.reply("1").startswith(ASKED[3])


def test_an_offer_that_is_declined_stays(station: Station) -> None:
    phone = walked(station, *BEGUN)
    phone.dial()
    assert phone.reply("2").startswith(HOME)
    assert phone.dial() == OFFER


def test_an_offer_that_nobody_answers_stays(station: Station) -> None:
    phone = walked(station, *BEGUN)
    assert [phone.dial(), phone.reply("9").split("\n", 1)[1], phone.dial()] == [OFFER] * 3


def test_an_offer_that_is_not_needed_any_more_is_gone(station: Station) -> None:
    phone = walked(station, *BEGUN)
    phone.dial()
    assert phone.reply("3").startswith(HOME)
    assert phone.dial().startswith(HOME)
    assert unfinished(station) == 0


def test_a_form_that_was_taken_up_is_one_form(station: Station) -> None:
    phone = walked(station, *BEGUN)
    for answered in range(3):
        phone.dial()
        phone.reply("1")
        phone.reply(STEPS[answered])
        assert unfinished(station) == 1
    phone.dial()
    assert phone.reply("1").startswith(ASKED[3])


def test_filing_a_form_uses_it_up(station: Station) -> None:
    phone = walked(station, *FILING)
    assert unfinished(station) == 0
    assert phone.dial().startswith(HOME)


def test_refusing_consent_deletes_what_was_answered(station: Station) -> None:
    phone = walked(station, *FILING[:-1], "2")
    assert phone.screen.startswith("Goodbye!")
    assert unfinished(station) == 0
    assert phone.dial().startswith(HOME)


def test_leaving_for_the_main_menu_keeps_the_form(station: Station) -> None:
    phone = walked(station, *FILING[:-2], "00")
    assert phone.screen.startswith(HOME)
    assert phone.dial() == OFFER
    assert phone.reply("1").startswith(ASKED[3])


def test_a_second_form_leaves_the_first_one_unfinished(station: Station) -> None:
    phone = walked(station, *BEGUN, "00", "2", "2", "2")
    assert phone.dial().split("\n")[1] == "1 Yes: Request for information: Electricity"
    phone.reply("3")
    assert phone.dial() == OFFER


def test_two_phones_never_mix(station: Station) -> None:
    hers, his = walked(station, *BEGUN), walked(station, "1", msisdn=HIS)
    assert his.dial().startswith(HOME)
    assert his.walk("2", "2", "2").startswith(ASKED[0])
    assert hers.dial() == OFFER
    assert his.dial().split("\n")[1] == "1 Yes: Request for information: Electricity"


def test_who_dials_further_numbers_goes_there_and_finds_the_offer_later(station: Station) -> None:
    phone = walked(station, *BEGUN)
    assert phone.dial("*1339*1#").startswith("1 I have a reference number")
    assert phone.dial() == OFFER


def test_a_session_id_that_the_provider_uses_again_loses_nothing(station: Station) -> None:
    phone = walked(station, *BEGUN, *STEPS[:3])
    station.clock.move(3 * HOUR_S)
    assert phone.post("").text == f"CON {OFFER}"
    assert phone.post("1").text.startswith(f"CON {ASKED[3]}")
    assert unfinished(station) == 1


def test_a_repeat_of_a_hop_does_not_take_the_form_up_twice(station: Station) -> None:
    phone = walked(station, *BEGUN, *STEPS[:3])
    phone.dial()
    taken = phone.reply("1")
    assert phone.post("1").text == f"CON {taken}"
    for text in STEPS[3:]:
        phone.reply(text)
    assert phone.post(phone.history).text == f"END {phone.screen}"
    assert len(station.filed(HERS)) == 1


def test_the_offer_and_the_form_are_in_the_language_of_now(station: Station) -> None:
    phone = walked(station, *BEGUN, "00", "6", "2")
    assert phone.dial() == "Kuendelea?\n1 Ndiyo: Malalamiko: Maji\n2 Anza upya\n3 Haihitajiki tena"
    assert phone.reply("1").startswith("Andika kaunti yako")
    for text in STEPS:
        phone.reply(text)
    assert phone.screen.startswith("Imehifadhiwa: ")
    assert station.filed(HERS)[0].language == "sw"


def test_a_form_outlives_the_process(tmp_path: Path) -> None:
    with open_kenya(tmp_path) as station:
        phone = walked(station, *BEGUN)
    with open_kenya(tmp_path) as station:
        assert phone.moved(station.client).dial() == OFFER


TOPICS = ("Water", "Electricity", "Something else")


@dataclass
class Expected:
    """What one phone should find: its unfinished forms, the latest last, each with its topic and the answers given."""

    forms: list[list[int]] = field(default_factory=list)
    is_in_form: bool = False
    is_offered: bool = False
    filed: int = 0

    def title(self) -> str:
        return f"Complaint: {TOPICS[self.forms[-1][0]]}"

    def screen(self) -> str:
        topic, answered = self.forms[-1]
        return [*ASKED[:4], f"Complaint: {TOPICS[topic]}. Do you agree"][answered]


PHONES = st.sampled_from([HERS, HIS])


class Forms(RuleBasedStateMachine):
    """Two phones begin, leave, go on with, refuse and file forms in any order."""

    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        self.clock = Clock()
        folder = Path(self._open.enter_context(tempfile.TemporaryDirectory()))
        self.station = self._open.enter_context(open_kenya(folder, self.clock))
        self.phones = {msisdn: walked(self.station, "1", msisdn=msisdn) for msisdn in (HERS, HIS)}
        self.expected = {msisdn: Expected() for msisdn in (HERS, HIS)}

    def teardown(self) -> None:
        self._open.close()

    def at(self, msisdn: str) -> tuple[Phone, Expected]:
        self.clock.move(1)
        return self.phones[msisdn], self.expected[msisdn]

    @rule(msisdn=PHONES, topic=st.integers(0, 2))
    def begin(self, msisdn: str, topic: int) -> None:
        phone, expected = self.at(msisdn)
        assert phone.dial(f"*1339*2*1*{topic + 1}#").startswith(ASKED[0])
        expected.forms.append([topic, 0])
        expected.is_in_form, expected.is_offered = True, False

    @rule(msisdn=PHONES)
    def redial(self, msisdn: str) -> None:
        phone, expected = self.at(msisdn)
        first = phone.dial()
        expected.is_in_form, expected.is_offered = False, bool(expected.forms)
        if expected.forms:
            assert first.startswith(f"Continue?\n1 Yes: {expected.title()}\n")
        else:
            assert first.startswith(HOME)

    @precondition(lambda self: any(one.is_in_form for one in self.expected.values()))
    @rule(msisdn=PHONES, text=st.sampled_from(["", "the next answer", "00", "refuse"]))
    def type(self, msisdn: str, text: str) -> None:
        phone, expected = self.at(msisdn)
        if not expected.is_in_form:
            return
        form = expected.forms[-1]
        if text == "the next answer":
            self._answer(phone, expected, form)
        elif text == "00":
            assert phone.reply(text).startswith(HOME)
            expected.is_in_form = False
        elif text == "refuse" and form[1] == 4:
            assert phone.reply("2").startswith("Goodbye!")
            expected.forms.pop()
            expected.is_in_form = False
        elif text == "":
            assert phone.reply(text).startswith("Not valid.")

    def _answer(self, phone: Phone, expected: Expected, form: list[int]) -> None:
        shown = phone.reply(STEPS[form[1]])
        form[1] += 1
        if form[1] < len(STEPS):
            assert shown.startswith(expected.screen())
            return
        assert shown.startswith("Saved: ")
        expected.forms.pop()
        expected.is_in_form = False
        expected.filed += 1

    @precondition(lambda self: any(one.is_offered for one in self.expected.values()))
    @rule(msisdn=PHONES, choice=st.sampled_from(["1", "2", "3"]))
    def choose(self, msisdn: str, choice: str) -> None:
        phone, expected = self.at(msisdn)
        if not expected.is_offered:
            return
        shown = phone.reply(choice)
        expected.is_offered = False
        if choice == "1":
            assert shown.startswith(expected.screen())
            expected.is_in_form = True
        else:
            assert shown.startswith(HOME)
        if choice == "3":
            expected.forms.pop()

    @rule(hours=st.sampled_from([1, 24]))
    def time_passes(self, hours: int) -> None:
        self.clock.move(hours * HOUR_S)
        for expected in self.expected.values():
            expected.is_in_form = expected.is_offered = False

    @invariant()
    def as_many_are_kept_as_were_left(self) -> None:
        for msisdn, expected in self.expected.items():
            assert unfinished(self.station, msisdn) == len(expected.forms)
            assert len(self.station.filed(msisdn)) == min(expected.filed, 9)


def test_forms_are_kept_whatever_two_phones_do() -> None:
    run_state_machine_as_test(Forms, settings=settings(max_examples=30, stateful_step_count=30, deadline=None))


def test_a_form_that_is_lost_is_noticed() -> None:
    machine = Forms()
    machine.begin(HERS, 0)
    machine.as_many_are_kept_as_were_left()
    machine.station.store.write(lambda tx: [drafts.delete(tx, one.id) for one in drafts.of(tx, HERS)])
    with pytest.raises(AssertionError):
        machine.as_many_are_kept_as_were_left()
    machine.teardown()
