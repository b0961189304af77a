"""The contract of the gateways, the same for each: what comes in is read or refused, what goes out is taken or fails in
the outbox's words, and no number, text or password is seen on the way."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sado.channel.contract import Hop, Message, Report, SessionEnd
from sado.channel.request import LONGEST_TEXT, BadRequestError, Request
from sado.sync.codes import Cause
from sado.sync.outbox import OutcomeUnknownError, RejectedError, SendError
from tests.support.gateway_contract import (
    KEY,
    MSISDN,
    SECRETS,
    SMS,
    TEXT,
    USSD,
    WEB,
    Fault,
    Format,
    SmsContract,
    UssdContract,
    WebSms,
)
from tests.support.provider import provider, silent

NOT_PEOPLE = ["1339", "112", "+1320", "MEGAFON", "Babilon-M", "Beeline0611"]
Parse = Callable[[Request], object]

each_sms = pytest.mark.parametrize("contract", SMS, ids=[one.name for one in SMS])
each_web = pytest.mark.parametrize("contract", WEB, ids=[one.name for one in WEB])
ANSWERED_AT_ONCE = [one for one in USSD if one.name != "kannel"]
each_ussd = pytest.mark.parametrize("contract", USSD, ids=[one.name for one in USSD])


def inbound() -> Iterator[tuple[str, Format, Parse]]:
    """Everything that may come from a gateway, and what reads it."""
    for sms in WEB:
        yield f"{sms.name} sms", sms.message, sms.idle().parse_message
        yield f"{sms.name} report", sms.report, sms.idle().parse_report
    for ussd in USSD:
        yield f"{ussd.name} hop", ussd.hop, ussd.gateway.parse_hop
        yield f"{ussd.name} end", ussd.end, ussd.parse_end


INBOUND = list(inbound())
each_inbound = pytest.mark.parametrize(("form", "parse"), [row[1:] for row in INBOUND], ids=[row[0] for row in INBOUND])
each_needed = pytest.mark.parametrize(
    ("form", "parse", "name"),
    [(form, parse, name) for _, form, parse in INBOUND for name in form.needed],
    ids=[f"{where} {name}" for where, form, _ in INBOUND for name in form.needed],
)


@each_sms
@pytest.mark.parametrize("number", [MSISDN, "992900000001", "00992900000001", "900000001", "+992 90 000 0001"])
def test_a_message_is_read_whatever_form_its_number_has(contract: SmsContract, tmp_path: Path, number: str) -> None:
    read = contract.read(tmp_path, number)
    assert read is not None
    assert (read.msisdn, read.text) == contract.expected


@each_sms
def test_a_message_has_the_same_name_when_it_comes_again(contract: SmsContract, tmp_path: Path) -> None:
    first, again = (contract.read(tmp_path, MSISDN) for _ in range(2))
    assert first and again
    assert first.id == again.id != ""


@each_sms
@pytest.mark.parametrize("sender", NOT_PEOPLE)
def test_what_no_person_sent_is_no_message(contract: SmsContract, tmp_path: Path, sender: str) -> None:
    assert contract.read(tmp_path, sender) is None


@each_sms
def test_each_state_of_a_report_is_known(contract: SmsContract, tmp_path: Path) -> None:
    for word, state in contract.states.items():
        report = contract.told(tmp_path, word)
        assert report is not None
        assert (report.id, report.state) == (contract.reported, state)


@each_sms
def test_a_state_of_tomorrow_is_accepted(contract: SmsContract, tmp_path: Path) -> None:
    word = "sms:teleported" if contract.name == "android" else "Teleported"
    report = contract.told(tmp_path, word)
    assert report is not None
    assert (report.id, report.state) == (contract.reported, None)


@each_web
@pytest.mark.parametrize("prefix", ["", "sms:"])
def test_the_word_of_a_state_tells_no_number(contract: WebSms, tmp_path: Path, prefix: str) -> None:
    report = contract.told(tmp_path, f"{prefix}Odd{MSISDN}")
    assert report is None or not [secret for secret in SECRETS if secret in report.word]


@each_ussd
def test_a_hop_is_read(contract: UssdContract) -> None:
    assert contract.gateway.parse_hop(contract.hop.request()) == contract.expected


@each_ussd
def test_the_end_of_a_session_names_the_session_of_its_hops(contract: UssdContract) -> None:
    end = contract.parse_end(contract.end.request())
    assert isinstance(end, SessionEnd)
    assert (end.session_id, end.msisdn) == (contract.expected.session_id, MSISDN)


@pytest.mark.parametrize("contract", ANSWERED_AT_ONCE, ids=[one.name for one in ANSWERED_AT_ONCE])
def test_a_screen_is_shown_as_it_is_and_the_last_one_otherwise(contract: UssdContract) -> None:
    screen = "1 Хабар\n0 Ба қафо"
    on, last = (contract.gateway.answer(contract.expected, screen, is_last) for is_last in (False, True))
    assert on != last
    assert on.partition(" ")[2] == last.partition(" ")[2] == screen


@each_inbound
def test_a_field_that_we_do_not_know_changes_nothing(form: Format, parse: Parse) -> None:
    assert parse(form.doubled("tomorrow", "1")) == parse(form.request())


@each_needed
def test_a_missing_field_is_refused(form: Format, parse: Parse, name: str) -> None:
    with pytest.raises(BadRequestError):
        parse(form.without(name))


@each_needed
def test_an_oversized_field_is_refused(form: Format, parse: Parse, name: str) -> None:
    with pytest.raises(BadRequestError):
        parse(form.request(**{name: "1" * (LONGEST_TEXT + 1)}))


@each_needed
def test_a_field_that_is_not_utf8_is_refused(form: Format, parse: Parse, name: str) -> None:
    with pytest.raises(BadRequestError):
        parse(form.wrongly_encoded(name))


@each_needed
def test_of_a_doubled_field_the_last_one_counts(form: Format, parse: Parse, name: str) -> None:
    assert parse(form.doubled(name, form.fields[name])) == parse(form.request())
    assert outcome(parse, form.doubled(name, "1")) == outcome(parse, form.request(**{name: "1"}))


def is_read_or_refused(parse: Parse, request: Request) -> bool:
    found = outcome(parse, request)
    return found in (None, BadRequestError) or isinstance(found, Hop | SessionEnd | Message | Report)


def outcome(parse: Parse, request: Request) -> object:
    """What is read, or that nothing is: the refusal is the only exception there may be, and tells no secret."""
    try:
        return parse(request)
    except BadRequestError as error:
        assert not [secret for secret in SECRETS if secret in str(error)]
        return BadRequestError


@each_inbound
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.one_of(st.binary(max_size=300), st.recursive(st.just(b'"x"'), lambda inner: inner.map(b"[%s]".__mod__))))
def test_whatever_bytes_come_are_read_or_refused(
    form: Format, parse: Parse, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    assert is_read_or_refused(parse, form.carry(body))
    assert is_read_or_refused(parse, form.carry(form.write(list(form.fields.items())) + body))
    assert caplog.text == ""


@each_inbound
@settings(max_examples=60)
@given(data=st.data())
def test_whatever_is_in_the_fields_is_read_or_refused(form: Format, parse: Parse, data: st.DataObject) -> None:
    names, words = st.sampled_from(sorted(form.fields)), st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    values = st.one_of(words, st.sampled_from([MSISDN, "1339", "0", "-1", "None", "\0", "*", "+", " ", "9" * 300]))
    changed = data.draw(st.lists(st.tuples(names, values), max_size=6))
    assert is_read_or_refused(parse, form.carry(form.write([*form.fields.items(), *changed])))


@each_inbound
def test_nesting_without_end_is_refused(form: Format, parse: Parse) -> None:
    for nested in (b'"payload": ' + b"[" * 8000, b'"odd": ' + b"[" * 4000 + b"]" * 4000 + b"}"):
        assert outcome(parse, form.carry(b'{"event": "sms:sent", "id": "1", ' + nested)) is BadRequestError


@each_sms
def test_a_message_is_handed_over_once_and_its_reports_name_it(contract: SmsContract, tmp_path: Path) -> None:
    with contract.sound(tmp_path) as (gateway, count):
        assert gateway.send(MSISDN, TEXT, KEY) == contract.reported
        assert count() == 1


@contextmanager
def assert_fails(error: type[SendError], caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Sending fails so, and neither the error nor any line of the log tells a secret."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(error) as raised:
        yield
    shown = f"{raised.value} {caplog.text}"
    assert not [secret for secret in SECRETS if secret in shown]
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None or raised.value.__suppress_context__


@pytest.mark.parametrize("secret", SECRETS)
def test_a_planted_leak_is_noticed(caplog: pytest.LogCaptureFixture, secret: str) -> None:
    with pytest.raises(AssertionError), assert_fails(RejectedError, caplog):
        raise RejectedError(Cause.GATEWAY_REFUSES_NUMBER, secret)
    with pytest.raises(AssertionError), assert_fails(RejectedError, caplog):
        logging.getLogger("channel").debug("refused: %s", secret)
        raise RejectedError(Cause.GATEWAY_REFUSES_NUMBER)


FAULTS = [(one.name, name, *fault) for one in SMS for name, fault in one.broken().items()]


@pytest.mark.parametrize(
    ("fault", "error"),
    [(fault, error) for _, _, fault, error in FAULTS],
    ids=[f"{gateway}: {name}" for gateway, name, _, _ in FAULTS],
)
def test_what_goes_wrong_is_told_in_the_outboxs_words(
    fault: Fault, error: type[SendError], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with fault(tmp_path) as gateway, assert_fails(error, caplog):
        gateway.send(MSISDN, TEXT, KEY)


@pytest.mark.long
def test_a_message_taken_without_a_word_may_have_gone(caplog: pytest.LogCaptureFixture) -> None:
    """All gateways at once: each waits ten seconds."""

    def fate(contract: WebSms) -> Exception | None:
        try:
            contract.make(server.url).send(MSISDN, TEXT, KEY)
        except SendError as error:
            return error
        return None

    caplog.set_level(logging.DEBUG)
    with provider(silent) as server, ThreadPoolExecutor() as pool:
        fates = list(pool.map(fate, WEB))
    assert [type(one) for one in fates] == [OutcomeUnknownError] * len(WEB)
    assert not [secret for secret in SECRETS if secret in f"{fates} {caplog.text}"]
