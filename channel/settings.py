"""The settings of the channel: how SMS are sent, and the block of each gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from sado.channel.gateways.registry import GATEWAYS


class SmsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """SADO_SMS_*: sending, whatever the gateway."""

    gateways: Annotated[
        str,
        Meta(description="Which gateways send SMS, the preferred one first: kannel,gammu. Empty: all set up."),
    ] = ""
    per_second: Annotated[float, Meta(gt=0, le=1000, description="How many SMS a gateway is given in a second.")] = 10.0
    at_night: Annotated[
        bool, Meta(description="Send notices at night too; otherwise they wait for the morning, as the pack says.")
    ] = False
    daily_budget: Annotated[
        float,
        Meta(ge=0, le=1e9, description="What SMS may cost in a day; with replies, twice as much. 0: no limit."),
    ] = 0.0
    notices_per_station: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description="How many notices leave in a day because of one other station; more wait. 0: no limit.",
        ),
    ] = 1000


BLOCKS: Mapping[str, type[msgspec.Struct]] = {
    "sms": SmsSettings,
    **{gateway.NAME: gateway.Settings for gateway in GATEWAYS},
}
