"""Passing events on: a station in the middle is the upstream of some and a downstream of another.

What comes from below goes up as it is, whether this release understands it or not, but for what a station says of a
case of another: above, all that this station passes on is believed to be of those behind it. What comes from above
about a case of a station behind this one goes down to it. An event keeps its id on the way, so one that comes by two
ways is applied once.
"""

from __future__ import annotations

from sado.store import Transaction
from sado.store.tables import identity, lanes, quarantine, stations
from sado.store.tables.events import Event
from sado.sync import outbox
from sado.sync.codes import Cause, Reason
from sado.sync.wire.records import MOST_BYTES_OF_ONE, text_size

MOST_HOPS = 8


def pass_on(tx: Transaction, peer: str, lane: str, event: Event) -> None:
    """Queue the event for the next station on its way, if there is one. One that was passed on too often goes in a
    circle: it is kept aside, as is one that is too large: one that fits no frame would stop the lane for good."""
    to = _next_hop(tx, peer, event.reference)
    if to is None:
        return
    if cause := _fault(event):
        quarantine.keep(tx, peer, event, Reason(cause, event.reference).stored)
    else:
        outbox.pass_on(tx, to, lane, event)


def fault(tx: Transaction, peer: str, event: Event) -> Cause | None:
    """Why `pass_on` would keep the event aside, or None."""
    return _fault(event) if _next_hop(tx, peer, event.reference) else None


def _fault(event: Event) -> Cause | None:
    if event.hops >= MOST_HOPS:
        return Cause.GOES_IN_A_CIRCLE
    is_too_large = text_size(event.kind, event.reference, event.body) > MOST_BYTES_OF_ONE
    return Cause.EVENT_TOO_LARGE if is_too_large else None


def _next_hop(tx: Transaction, peer: str, reference: str) -> str | None:
    station = reference[:3]
    number = int(station) if station.isascii() and station.isdigit() else None
    if peer != outbox.UPSTREAM:
        is_its_own = number is None or outbox.way_to(tx, number) == peer
        return outbox.UPSTREAM if is_its_own and lanes.has_upstream(tx) else None
    here = identity.find(tx)
    if number is None or here is None or number == here.number or stations.find(tx, number) is None:
        return None
    return outbox.way_to(tx, number)
