"""Gateways that send the last input alone: the same screens as from a history, and a repeat is known for one."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sado.channel.effects.registry import all_effects
from sado.channel.endpoints import UssdEndpoints
from sado.channel.front import Endpoint
from sado.channel.gateways import fieldmap
from sado.channel.ussd.conversation import Conversation
from sado.channel.ussd.session import LIFE_MS, REPEAT_MS
from sado.channel.versions import Versions
from tests.support.gateway_contract import CODE, COUNTRY, in_address
from tests.support.phone import Phone
from tests.support.station import Station, open_station

MSISDN = "+992900000001"
FILING = ("3", "2", "1", "1", "Yovon", "1", "No *water*", "Rahimova Gulnora", "1")
STATUS = ("1", "2")
AGAIN_S = REPEAT_MS / 1000


def endpoints(station: Station, request_id: str) -> Endpoint:
    """The endpoint of a gateway that sends the last input alone, and names requests in this field if it has a name."""
    fields = fieldmap.Settings(session="session", msisdn="msisdn", request_id=request_id, is_cumulative=False)
    gateway = fieldmap.FieldMapUssd(fields, CODE, COUNTRY)
    conversation = Conversation(gateway, Versions(station.pack, lambda one: all_effects(station.cases, one), "*1339#"))
    return UssdEndpoints(station.store, gateway, conversation).endpoints()["ussd"]


@dataclass
class LastPhone:
    """A phone behind such a gateway; every input comes some seconds after the one before."""

    station: Station
    endpoint: Endpoint
    msisdn: str = MSISDN
    session: str = "s1"
    seconds: float = 5.0
    requests: list[str] = field(default_factory=list)

    def post(self, text: str) -> str:
        """One request of the gateway."""
        self.requests.append(text)
        return self.repeat(len(self.requests) - 1)

    def repeat(self, number: int) -> str:
        """The same request once more."""
        fields = {"session": self.session, "msisdn": self.msisdn, "text": self.requests[number], "number": str(number)}
        return self.endpoint(in_address(urlencode(fields).encode()))

    def walk(self, *inputs: str, dialled: str = "") -> str:
        """Dial, and type each of these; the last answer."""
        body = self.post(dialled)
        for text in inputs:
            self.station.clock.move(self.seconds)
            body = self.post(text)
        return body


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    with open_station(tmp_path) as opened:
        yield opened


@pytest.fixture(params=["number", ""], ids=["requests have ids", "requests have none"])
def phone(station: Station, request: pytest.FixtureRequest) -> LastPhone:
    return LastPhone(station, endpoints(station, request.param))


@pytest.fixture
def nameless(station: Station) -> LastPhone:
    return LastPhone(station, endpoints(station, ""))


@pytest.mark.parametrize("dialled", ["", CODE, "*1339*3*2#"])
def test_every_screen_is_that_of_a_gateway_that_sends_the_history(
    station: Station, phone: LastPhone, dialled: str
) -> None:
    known = Phone(station.client, "+992900000002")
    expected = [known.dial(dialled or CODE)]
    got = [phone.post(dialled)]
    for text in FILING[len(known.typed) :]:
        station.clock.move(phone.seconds)
        expected.append(known.reply(text))
        got.append(phone.post(text))
    assert [without_digits(body[4:]) for body in got] == [without_digits(screen) for screen in expected]
    assert [case.text for case in station.filed(MSISDN)] == [case.text for case in station.filed(known.msisdn)]
    assert len(station.filed(MSISDN)) == 1


def test_the_same_input_on_two_screens_is_two_inputs(station: Station, phone: LastPhone) -> None:
    phone.walk("3")
    bodies = []
    for _ in range(3):
        station.clock.move(AGAIN_S)
        bodies.append(phone.post("1"))
    assert len(set(bodies)) == 3


def test_a_request_that_is_repeated_at_once_gets_the_same_bytes(station: Station, phone: LastPhone) -> None:
    phone.post("")
    for text in FILING:
        station.clock.move(phone.seconds)
        first = phone.post(text)
        assert [phone.repeat(len(phone.requests) - 1) for _ in range(2)] == [first] * 2
    assert len(station.filed(MSISDN)) == 1


def test_without_ids_a_repeat_is_known_only_for_a_moment(station: Station, nameless: LastPhone) -> None:
    first = nameless.walk("3")
    station.clock.move(AGAIN_S - 0.1)
    assert nameless.post("3") == first
    station.clock.move(0.1)
    assert nameless.post("3") != first


def test_a_clock_that_was_set_back_makes_no_input_a_repeat(station: Station, nameless: LastPhone) -> None:
    first = nameless.walk("3")
    station.clock.move(-3600)
    assert nameless.post("3") != first


@pytest.mark.parametrize("seconds", [0, 1, 60, LIFE_MS / 1000])
def test_after_the_end_nothing_is_filed_again(station: Station, phone: LastPhone, seconds: float) -> None:
    saved = phone.walk(*FILING)
    station.clock.move(seconds)
    assert phone.repeat(len(phone.requests) - 1) == saved
    assert phone.post("1") == saved
    assert len(station.filed(MSISDN)) == 1


@pytest.mark.parametrize("dialled", ["", CODE])
def test_who_dials_again_under_the_same_id_begins_anew(station: Station, phone: LastPhone, dialled: str) -> None:
    """Some gateways take the number for the session's id."""
    for _ in range(2):
        assert "Write down: number" in phone.walk(*FILING, dialled=dialled)
        station.clock.move(phone.seconds)
    assert len(station.filed(MSISDN)) == 2


def test_who_dials_again_in_the_middle_begins_anew(station: Station, phone: LastPhone) -> None:
    first = phone.walk("3", "2", dialled=CODE)
    station.clock.move(phone.seconds)
    assert phone.post(CODE) != first
    station.clock.move(phone.seconds)
    assert phone.post(CODE).startswith("CON ")


def test_a_number_dialled_ahead_is_not_dialled_twice_by_a_repeat(station: Station, nameless: LastPhone) -> None:
    first = nameless.post("*1339*3*2*1*1#")
    station.clock.move(60)
    assert nameless.repeat(0) == first
    station.clock.move(60)
    assert nameless.post("Yovon") != first


def test_an_id_seen_again_hours_later_is_a_new_session(station: Station, phone: LastPhone) -> None:
    phone.walk("3", "2", "1")
    station.clock.move(3 * 3600)
    assert phone.post("").startswith("CON 1 ")


def test_an_empty_answer_is_refused_and_may_be_given_again(station: Station, phone: LastPhone) -> None:
    assert phone.walk("3", "").startswith("CON Not valid.")
    station.clock.move(phone.seconds)
    assert phone.post("2").startswith("CON 1 ")


def test_duplicates_anywhere_change_nothing_where_requests_have_ids(tmp_path: Path) -> None:
    walks = st.sampled_from([FILING, (*FILING[:-1], "2"), STATUS, ("3", "7", *FILING[1:])])
    repeats = st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), max_size=8)
    with open_station(tmp_path) as station:
        numbers = iter(range(900000000, 999999999))
        endpoint = endpoints(station, "number")

        @settings(max_examples=25)
        @given(walks, repeats)
        def walk(inputs: tuple[str, ...], doubled: list[tuple[int, int]]) -> None:
            plain, doubling = (LastPhone(station, endpoint, f"+992{next(numbers)}") for _ in range(2))
            for at, text in enumerate(("", *inputs)):
                assert without_digits(doubling.post(text)) == without_digits(plain.post(text))
                for _, back in (pair for pair in doubled if pair[0] == at):
                    doubling.repeat(max(0, at - back))
            assert len(station.filed(doubling.msisdn)) == len(station.filed(plain.msisdn))

        walk()


def without_digits(text: str) -> str:
    """A reference and a code differ between two cases; the rest of the screen may not."""
    return "".join("#" if sign.isdigit() else sign for sign in text)
