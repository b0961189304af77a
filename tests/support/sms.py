"""SMS that leave a station: a gateway that keeps what it is given, and the transport in front of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sado.cases.service import Cases
from sado.channel.contract import Message, Report
from sado.channel.request import Request
from sado.channel.sms.failover import Failover, Route
from sado.channel.sms.notices import Notices
from sado.channel.sms.send_policy import SendPolicy
from sado.store import Store
from sado.sync.codes import Cause
from sado.sync.outbox import DestinationDownError
from tests.support.station import shipped_pack


@dataclass
class KeepingGateway:
    """Keeps what it is given; while `is_down`, takes nothing."""

    name: str = "keeping"
    acknowledgement: str = "OK"
    given: list[tuple[str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    is_down: bool = False

    def parse_message(self, request: Request) -> Message | None:
        raise NotImplementedError

    def parse_report(self, request: Request) -> Report | None:
        raise NotImplementedError

    def send(self, msisdn: str, text: str, key: str) -> str:
        if self.is_down:
            raise DestinationDownError(Cause.GATEWAY_UNREACHABLE)
        self.given.append((msisdn, text))
        self.keys.append(key)
        return f"{self.name}-{key}"


def notices(
    store: Store, cases: Cases, *gateways: KeepingGateway, daily_budget: int = 0, policy: SendPolicy | None = None
) -> Notices:
    """The transport of SMS with these gateways, the first to be preferred; `daily_budget` in thousandths. One that was
    down is tried again at once."""
    failover = Failover([Route(one, 1000.0) for one in gateways], clock=_Later(), sleep=lambda seconds: None)
    pack = shipped_pack()
    return Notices(store, failover, pack, cases, policy or SendPolicy(pack, daily_budget))


class _Later:
    """A clock on which a day has passed at every look."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        self._now += 86400.0
        return self._now
