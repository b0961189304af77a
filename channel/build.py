"""The channel of a station: the gateways that are set up, joined to what answers them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from sado.channel.contract import Context, Gateway, GatewayFile, Sender
from sado.channel.endpoints import SmsEndpoints, UssdEndpoints
from sado.channel.front import Endpoint, Webhook
from sado.channel.settings import SmsSettings
from sado.channel.sms.failover import Failover, Route
from sado.channel.sms.inbox import Inbox
from sado.channel.sms.poller import Poller
from sado.channel.sms.reports import Reports
from sado.channel.ussd.conversation import Conversation
from sado.channel.versions import Versions
from sado.store import Store


@dataclass(frozen=True)
class Channel:
    """What comes in and how SMS go out: who calls us, who sends (None: SMS wait), who is polled."""

    webhooks: Sequence[Webhook]
    failover: Failover | None
    pollers: Sequence[Poller]


def set_up(
    files: Iterable[GatewayFile], block: Callable[[type[msgspec.Struct]], msgspec.Struct], context: Context
) -> list[Gateway]:
    """Those of the gateways that the settings set up; `block` gives the settings of one. Raises ValueError for settings
    that do not go together."""
    built = (file.build(block(file.Settings), context) for file in files)
    return [gateway for gateway in built if gateway is not None]


def connect(
    gateways: Sequence[Gateway],
    settings: SmsSettings,
    store: Store,
    versions: Versions,
    inbox: Inbox,
    reports: Reports,
) -> Channel:
    """The channel of these gateways. Raises ValueError when one is to send that cannot."""
    webhooks = [
        Webhook(gateway.name, part, gateway.token, endpoint, gateway.allowed)
        for gateway in gateways
        if gateway.token
        for part, endpoint in _endpoints(gateway, store, versions, inbox, reports)
    ]
    senders = {gateway.name: gateway.sender for gateway in gateways if gateway.sender}
    routes = [Route(sender, settings.per_second) for sender in _ordered(senders, settings.gateways)]
    pollers = [Poller(store, gateway.polled, inbox, reports) for gateway in gateways if gateway.polled]
    return Channel(webhooks, Failover(routes) if routes else None, pollers)


def _endpoints(
    gateway: Gateway, store: Store, versions: Versions, inbox: Inbox, reports: Reports
) -> Iterator[tuple[str, Endpoint]]:
    """What answers at each of the gateway's addresses, by their last part."""
    if gateway.ussd:
        yield from UssdEndpoints(store, gateway.ussd, Conversation(gateway.ussd, versions)).endpoints().items()
    if gateway.sms:
        yield from SmsEndpoints(store, gateway.sms, inbox, reports).endpoints().items()


def _ordered(senders: Mapping[str, Sender], wished: str) -> list[Sender]:
    """Those that send, in the order that is wished; without a wish, all of them."""
    names = list(dict.fromkeys(filter(None, map(str.strip, wished.split(",")))))
    if missing := [name for name in names if name not in senders]:
        raise ValueError(f"SADO_SMS_GATEWAYS names {missing[0]}, which is not set up to send.")
    return [senders[name] for name in names or senders]
