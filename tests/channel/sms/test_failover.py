"""Which gateway sends a message: the first that is up, at its rate, and never two of them the same message."""

from __future__ import annotations

import pytest

from sado.channel.sms.failover import FIRST_WAIT_S, Failover, Receipt, Route, UncertainError
from sado.sync.codes import Cause
from sado.sync.outbox import DeferredError, DestinationDownError, OutcomeUnknownError, RejectedError, SendError
from tests.support.sms import KeepingGateway

HERS, TEXT = "+992900000001", "№0074424284: хабар ҳаст."


class Time:
    """A clock that moves by hand, and when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class FailingGateway(KeepingGateway):
    """Fails as it is told."""

    def __init__(self, error: SendError) -> None:
        super().__init__("failing")
        self.error = error
        self.asked = 0

    def send(self, msisdn: str, text: str, key: str) -> str:
        self.asked += 1
        raise self.error


def failover(time: Time, *gateways: KeepingGateway, per_second: float = 100.0) -> Failover:
    return Failover([Route(one, per_second) for one in gateways], time, time.sleep)


def test_the_first_gateway_carries_while_it_is_well() -> None:
    first, second = KeepingGateway("first"), KeepingGateway("second")
    assert failover(Time(), first, second).send(HERS, TEXT, "1") == Receipt("first", "first-1")
    assert second.given == []


def test_a_gateway_that_is_down_is_passed_over_and_come_back_to() -> None:
    time, first, second = Time(), KeepingGateway("first", is_down=True), KeepingGateway("second")
    found = failover(time, first, second)
    assert found.send(HERS, TEXT, "1").gateway == "second"
    first.is_down = False
    assert found.send(HERS, TEXT, "2").gateway == "second", "it rests"
    time.now += FIRST_WAIT_S + 1
    assert found.send(HERS, TEXT, "3").gateway == "first"


def test_a_gateway_that_stays_down_is_tried_less_and_less() -> None:
    time, failing, second = (
        Time(),
        FailingGateway(DestinationDownError(Cause.GATEWAY_UNREACHABLE)),
        KeepingGateway("second"),
    )
    found = failover(time, failing, second)
    for _ in range(120):
        found.send(HERS, TEXT, "1")
        time.now += 60
    assert failing.asked < 12
    assert len(second.given) == 120


def test_with_every_gateway_down_the_message_waits() -> None:
    found = failover(Time(), KeepingGateway("first", is_down=True), KeepingGateway("second", is_down=True))
    for _ in range(2):
        with pytest.raises(DestinationDownError):
            found.send(HERS, TEXT, "1")


def test_while_every_gateway_rests_all_are_asked_and_the_cause_is_told() -> None:
    first, second = KeepingGateway("first", is_down=True), FailingGateway(DestinationDownError(Cause.GAMMU_ASLEEP))
    found = failover(Time(), first, second)
    for _ in range(2):
        with pytest.raises(DestinationDownError, match="has no modem"):
            found.send(HERS, TEXT, "1")
    first.is_down = False
    assert found.send(HERS, TEXT, "1").gateway == "first", "somebody has mended it and asked to try again at once"


@pytest.mark.parametrize(
    "error",
    [
        RejectedError(Cause.GATEWAY_REFUSES_NUMBER),
        DeferredError(Cause.GATEWAY_DID_NOT_TAKE_IT),
        OutcomeUnknownError(Cause.GATEWAY_SAID_NOTHING),
    ],
)
def test_a_message_that_was_refused_or_may_have_left_goes_to_no_other_gateway(error: SendError) -> None:
    second = KeepingGateway("second")
    with pytest.raises(type(error)):
        failover(Time(), FailingGateway(error), second).send(HERS, TEXT, "1")
    assert second.given == []


def test_a_message_that_may_have_left_is_known_by_our_key() -> None:
    with pytest.raises(UncertainError) as raised:
        failover(Time(), FailingGateway(OutcomeUnknownError(Cause.GATEWAY_SAID_NOTHING))).send(HERS, TEXT, "007-1-1")
    assert raised.value.taken == Receipt("failing", "007-1-1")


def test_a_gateway_gets_no_more_than_its_rate() -> None:
    time, gateway = Time(), KeepingGateway()
    found = failover(time, gateway, per_second=2.0)
    began = time.now
    for number in range(5):
        found.send(HERS, TEXT, str(number))
    assert time.now - began == pytest.approx(2.0)
    assert failover(time, gateway, per_second=1000.0).send(HERS, TEXT, "6") and time.slept[-1] == pytest.approx(0.5)
