"""The gateways that there are, each a file of this folder. Nothing else imports one."""

from __future__ import annotations

from sado.channel.contract import GatewayFile
from sado.channel.gateways import africastalking, android, fieldmap, gammu, kannel

GATEWAYS: tuple[GatewayFile, ...] = (
    africastalking,
    android,
    fieldmap,
    gammu,
    kannel,
)
