"""Which gateway sends a message: the first that is up. One that is down is left alone a while and then tried again, so
the messages come back to it by themselves."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sado.channel.contract import Sender
from sado.sync.codes import Cause, Reason
from sado.sync.outbox import DestinationDownError, OutcomeUnknownError

log = logging.getLogger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 30.0, 1800.0


@dataclass(frozen=True)
class Receipt:
    """Which gateway took a message, and what its reports will name it by."""

    gateway: str
    message: str


class UncertainError(OutcomeUnknownError):
    """A gateway may have taken the message: `taken` is what its reports would name it by."""

    def __init__(self, reason: Reason, taken: Receipt) -> None:
        super().__init__(reason.cause, reason.detail)
        self.taken = taken


@dataclass
class Route:
    """A gateway, how many messages a second it may be given, and how it is."""

    gateway: Sender
    per_second: float
    failures: int = 0
    rests_until: float = field(default=0.0)
    next_at: float = field(default=0.0)


class Failover:
    """The gateways of a station, the one to be preferred first. `clock` and `sleep` are those of time."""

    def __init__(
        self,
        routes: Sequence[Route],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._routes = routes
        self._clock = clock
        self._sleep = sleep

    def send(self, msisdn: str, text: str, key: str) -> Receipt:
        """Hand the message to the first gateway that is up. When all of them rest, all are asked: the outbox waits
        between tries by itself, and whoever looks there sees the cause. Raises one of the outbox's SendErrors: the last
        one's when every gateway is down. A message that may have left is never handed to another gateway."""
        last = DestinationDownError(Cause.NO_GATEWAY)
        up = [route for route in self._routes if route.rests_until <= self._clock()]
        for route in up or self._routes:
            try:
                return self._hand_over(route, msisdn, text, key)
            except DestinationDownError as error:
                last = error
                self._rest(route, error)
        raise last

    def _hand_over(self, route: Route, msisdn: str, text: str, key: str) -> Receipt:
        self._keep_rate(route)
        name = route.gateway.name
        try:
            message = route.gateway.send(msisdn, text, key)
        except OutcomeUnknownError as error:
            raise UncertainError(error.reason, Receipt(name, key)) from error
        route.failures = 0
        return Receipt(name, message)

    def _keep_rate(self, route: Route) -> None:
        now = self._clock()
        if route.next_at > now:
            self._sleep(route.next_at - now)
        route.next_at = max(now, route.next_at) + 1 / route.per_second

    def _rest(self, route: Route, error: DestinationDownError) -> None:
        wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**route.failures)
        route.failures += 1
        route.rests_until = self._clock() + wait
        log.warning("the SMS gateway %s rests %.0f s: %s", route.gateway.name, wait, error)
