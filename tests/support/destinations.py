"""Destinations of both kinds, and how long they are waited for."""

from sado.sync import backoff, outbox
from sado.sync.codes import Cause, Reason

AGENCY = "agency:HCU"
PEERS = (outbox.UPSTREAM, outbox.station(7))
SINGLES = (outbox.SMS, AGENCY)
LONGEST_S = backoff.LONGEST_S * (1 + backoff.JITTER) + 1
DAY_S = 24 * 3600
KEEP_MS = 14 * DAY_S * 1000
WHY = Reason(Cause.GATEWAY_UNREACHABLE)
