"""The webhook: a hop is answered once, whatever the gateway repeats, cuts short or gets wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from sado.cases.service import Cases
from sado.channel.effects.contract import Effects
from sado.channel.effects.registry import all_effects
from sado.channel.front import LARGEST_HOP
from sado.menus.engine import Effect, Outcome
from sado.menus.pack import Pack
from sado.store import Transaction
from tests.support.phone import CODE, Phone
from tests.support.station import WEBHOOK, Station, open_station, shipped_pack

MSISDN = "+992900000001"
FILING = ("3", "2", "1", "1", "Yovon", "1", "No water", "Rahimova Gulnora", "1")
FORM = {"sessionId": "ATUid_1", "serviceCode": CODE, "phoneNumber": MSISDN, "text": ""}
HOUR_S = 3600


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    with open_station(tmp_path) as opened:
        yield opened


@pytest.fixture
def phone(station: Station) -> Phone:
    return Phone(station.client, MSISDN)


def histories(inputs: tuple[str, ...]) -> list[str]:
    """What the gateway sends with each hop of this walk."""
    return ["*".join(inputs[:count]) for count in range(len(inputs) + 1)]


def test_the_gateway_sends_all_that_was_typed_and_only_the_new_part_is_taken(phone: Phone) -> None:
    assert phone.walk("3", "2", "1").startswith("1 Water")
    assert phone.history == "3*2*1"


def test_a_retry_of_any_hop_gets_the_same_bytes(station: Station, phone: Phone) -> None:
    phone.dial()
    for history in histories(FILING):
        first = phone.post(history)
        assert [phone.post(history).data for _ in range(2)] == [first.data] * 2
    assert len(station.filed(MSISDN)) == 1


@pytest.mark.parametrize("hours", [0, 0.1, 3, 300])
def test_a_retry_of_the_last_hop_files_nothing_more(station: Station, phone: Phone, hours: float) -> None:
    saved = phone.walk(*FILING)
    station.clock.move(hours * HOUR_S)
    assert phone.post(phone.history).text == f"END {saved}"
    assert len(station.filed(MSISDN)) == 1


def test_a_late_duplicate_of_an_earlier_hop_gets_what_it_got(station: Station, phone: Phone) -> None:
    first = phone.walk(*FILING[:3])
    early = phone.history
    for text in FILING[3:6]:
        phone.reply(text)
    assert phone.post(early).text == f"CON {first}"
    assert phone.reply("No water").startswith("Surname")


def test_a_late_duplicate_after_the_end_gets_what_it_got(station: Station, phone: Phone) -> None:
    phone.walk(*FILING)
    assert phone.post("3*2").text.startswith("CON 1 Complaint")
    assert phone.post(phone.history).text.startswith("END Saved")
    assert len(station.filed(MSISDN)) == 1


@pytest.mark.parametrize("other", ["2", "1"])
def test_another_hop_after_the_end_does_not_let_the_last_one_file_again(
    station: Station, phone: Phone, other: str
) -> None:
    phone.walk("3")
    saved = phone.walk(*FILING[1:])
    for hours in (0, 3, 3):
        station.clock.move(hours * HOUR_S)
        phone.post(other)
        assert phone.post(phone.history).text == f"END {saved}"
    assert len(station.filed(MSISDN)) == 1


def test_hops_after_the_end_get_the_end_again(station: Station, phone: Phone) -> None:
    saved = phone.walk(*FILING)
    assert phone.reply("1") == saved
    assert phone.reply("") == saved
    assert len(station.filed(MSISDN)) == 1


@pytest.mark.parametrize("words", ["Call me *99*1# at night", "*", "a**b", "no water*"])
def test_an_answer_may_hold_asterisks(station: Station, phone: Phone, words: str) -> None:
    inputs = [*FILING[:6], f"Water: {words}", *FILING[7:]]
    phone.walk(*inputs)
    assert station.filed(MSISDN)[0].text == f"Water: {words}"


def test_an_empty_answer_is_an_answer_to_be_refused(phone: Phone) -> None:
    phone.walk("3", "")
    assert phone.history == "3*"
    assert phone.screen.startswith("Not valid.")
    assert phone.reply("2").startswith("1 Complaint")


def test_an_empty_answer_to_the_first_screen_shows_it_again(phone: Phone) -> None:
    first = phone.dial()
    assert phone.post("").text == f"CON {first}"


def test_one_session_id_on_two_phones_is_two_sessions(station: Station, phone: Phone) -> None:
    other = Phone(station.client, "+992900000002")
    phone.walk("3", "2")
    answer = other.post("", sessionId=phone.session_id)
    assert answer.text.startswith("CON 1 Тоҷикӣ")
    assert phone.reply("1").startswith("1 Water")


def test_a_session_id_seen_again_hours_later_is_a_new_session(station: Station, phone: Phone) -> None:
    phone.walk("3", "2", "1")
    station.clock.move(3 * HOUR_S)
    assert phone.post("").text.startswith("CON 1 Application status")
    assert phone.post("1").text.startswith("CON 1 I have a reference number")


@pytest.mark.parametrize(("service_code", "text"), [(CODE, "2*1"), ("*384*1339#", "1339*2*1")])
def test_what_was_dialled_after_the_code_is_used(phone: Phone, service_code: str, text: str) -> None:
    phone.walk("3")
    answer = phone.post(text, sessionId="another", serviceCode=service_code)
    assert answer.text.startswith("CON 1 Water")


def test_a_wrong_token_is_not_found(station: Station) -> None:
    for path in ("ussd", "ussd-end"):
        assert station.client.post(f"/gateway/africastalking/wrong-token/{path}", data=FORM).status_code == 404
        assert station.client.post(f"/gateway/africastalking/кит/{path}", data=FORM).status_code == 404


@pytest.mark.parametrize("name", FORM)
def test_a_missing_field_is_told_plainly(station: Station, name: str) -> None:
    answer = station.client.post(WEBHOOK, data={key: value for key, value in FORM.items() if key != name})
    assert answer.status_code == 400
    assert answer.text.startswith(f"{name} is missing")


@pytest.mark.parametrize("name", ["sessionId", "phoneNumber", "status"])
def test_a_missing_field_of_the_end_is_told_plainly(station: Station, name: str) -> None:
    form = {"sessionId": "1", "phoneNumber": MSISDN, "status": "Success"}
    answer = station.client.post(f"{WEBHOOK}-end", data={key: value for key, value in form.items() if key != name})
    assert (answer.status_code, answer.text.split()[0]) == (400, name)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"sessionId=1&text=%FF", "The form is not UTF-8."),
        (b"sessionId=1&text=\xff", "The form is not UTF-8."),
        (b"sessionId=1&serviceCode=*1%23&phoneNumber=nobody&text=", "phoneNumber is not a telephone number."),
        (b"sessionId=" + b"1" * 201 + b"&serviceCode=*1%23&phoneNumber=%2B992900000001&text=", "sessionId is missing"),
        (b"", "sessionId is missing"),
    ],
)
def test_a_form_that_cannot_be_used_is_refused_with_the_reason(station: Station, body: bytes, reason: str) -> None:
    answer = station.client.post(WEBHOOK, data=body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400
    assert answer.text.startswith(reason)


def test_a_hop_that_is_too_large_is_refused(station: Station) -> None:
    form = b"sessionId=1&serviceCode=*1339%23&phoneNumber=%2B992900000001&text="
    for size, status in ((LARGEST_HOP, 200), (LARGEST_HOP + 1, 413)):
        answer = station.client.post(WEBHOOK, data=form.ljust(size, b"1"))
        assert (answer.status_code, "larger than 16384 bytes" in answer.text) == (status, status == 413)


@pytest.mark.parametrize("number", ["992900000001", "00992900000001", "900000001", "+992 90 000 0001"])
def test_a_number_in_another_form_is_the_same_phone(station: Station, phone: Phone, number: str) -> None:
    phone.walk("3")
    assert phone.post("", phoneNumber=number, sessionId="another").text.startswith("CON 1 Application status")


class BrokenEffects(Effects):
    """Fails where an appeal is to be filed, as a full disk would."""

    def __init__(self, cases: Cases, pack: Pack) -> None:
        self._sound = all_effects(cases, pack)

    def perform(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        if effect.name == "open_case":
            raise OSError("No space left on device")
        return self._sound.perform(tx, msisdn, effect)


@pytest.mark.parametrize(("key", "language"), [("1", "tg"), ("2", "ru"), ("3", "en")])
def test_our_own_failure_ends_politely_in_her_language(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, key: str, language: str
) -> None:
    with open_station(tmp_path, BrokenEffects) as station:
        phone = Phone(station.client, MSISDN)
        phone.walk(key, *FILING[1:])
    assert phone.screen == shipped_pack().tree.errors["busy"][language]
    assert not phone.is_open
    assert MSISDN not in caplog.text


def test_a_hop_that_failed_is_taken_when_it_comes_again(tmp_path: Path) -> None:
    with open_station(tmp_path, BrokenEffects) as broken:
        phone = Phone(broken.client, MSISDN)
        phone.walk(*FILING)
    with open_station(tmp_path) as mended:
        phone = _moved(phone, mended.client)
        assert phone.post(phone.history).text.startswith("END Saved")
        assert len(mended.filed(MSISDN)) == 1


def _moved(phone: Phone, client: FlaskClient) -> Phone:
    """The same phone in the same session, after the station came back."""
    moved = Phone(client, phone.msisdn)
    moved.session_id, moved.typed = phone.session_id, phone.typed
    return moved


def test_a_station_that_is_stopping_says_so_politely(station: Station, phone: Phone) -> None:
    phone.walk("3")
    station.store.close()
    answer = phone.post("3*2")
    assert answer.status_code == 200
    assert answer.text.removeprefix("END ") in shipped_pack().tree.errors["busy"].values()


def test_a_session_goes_on_after_a_restart(tmp_path: Path) -> None:
    with open_station(tmp_path) as station:
        phone = Phone(station.client, MSISDN)
        phone.walk(*FILING[:-1])
    with open_station(tmp_path) as station:
        assert _moved(phone, station.client).reply("1").startswith("Saved")
        assert len(station.filed(MSISDN)) == 1


def test_the_gateways_word_that_a_session_ended_is_noted(phone: Phone, station: Station) -> None:
    phone.walk("3", "2")
    answer = phone.hang_up()
    assert (answer.status_code, answer.text) == (200, "OK")
    row = station.store.read(lambda tx: tx.one("SELECT is_open, outcome FROM sessions"))
    assert tuple(row) == (0, "Incomplete")


def test_the_end_of_a_session_that_we_do_not_know_is_taken(station: Station) -> None:
    stranger = Phone(station.client, MSISDN)
    stranger.session_id = "never seen"
    assert stranger.hang_up().text == "OK"


def test_an_answer_is_plain_text_and_begins_with_its_word(phone: Phone) -> None:
    phone.dial()
    for history in histories(FILING):
        answer = phone.post(history)
        assert answer.content_type == "text/plain; charset=utf-8"
        assert answer.data.startswith((b"CON ", b"END "))


def test_numbers_and_words_of_residents_are_not_in_the_database_file(tmp_path: Path) -> None:
    with open_station(tmp_path) as station:
        Phone(station.client, MSISDN).walk(*FILING)
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert not [word for word in (b"992900000001", b"No water", b"Rahimova", b"Gulnora") if word in content]


def test_duplicates_anywhere_change_nothing(tmp_path: Path) -> None:
    """One walk of hops with any duplicates among them gives the screens and the cases of the walk without."""
    walks = st.sampled_from(
        [FILING, (*FILING, "1"), ("3", "7", *FILING[1:]), (*FILING[:-1], "2"), ("1", "2", "5", "0")]
    )
    repeats = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=8)
    with open_station(tmp_path) as station:
        numbers = iter(range(900000000, 999999999))

        @settings(max_examples=40)
        @given(walks, repeats)
        def walk(inputs: tuple[str, ...], doubled: list[tuple[int, int]]) -> None:
            plain, doubling = (Phone(station.client, f"+992{next(numbers)}") for _ in range(2))
            plain.dial()
            doubling.dial()
            for at, history in enumerate(histories(inputs)):
                expected, got = plain.post(history), doubling.post(history)
                for _, back in (pair for pair in doubled if pair[0] == at):
                    doubling.post(histories(inputs)[max(0, at - back)])
                assert _without_digits(got.text) == _without_digits(expected.text)
            assert len(station.filed(doubling.msisdn)) == len(station.filed(plain.msisdn))

        walk()


def _without_digits(text: str) -> str:
    """A reference and a code differ between two cases; the rest of the screen may not."""
    return "".join("#" if sign.isdigit() else sign for sign in text)


def test_ten_thousand_digits_get_the_same_screen_with_an_error(phone: Phone) -> None:
    phone.walk("3", "2")
    shown = phone.reply("1" * 10_000)
    assert shown.startswith("Not valid.")
    assert "1 Complaint" in shown
    assert phone.is_open
