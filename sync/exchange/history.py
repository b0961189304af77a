"""What both sides of a lane already have, as a dictionary for the compressor.

The sender takes the urgent events before those that it sends, the receiver the same numbers from what it has received.
The frame says which, with a check; where they differ (a restored disk, words that somebody had deleted) it is
sent again without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sado.store import Transaction
from sado.store.tables import lane_events, lanes, received_events
from sado.sync.wire import shared_history
from sado.sync.wire.frame import Run, size_of
from sado.sync.wire.records import Wired
from sado.sync.wire.shared_history import SharedHistory

# To remember is work on both sides: for a few events as many as these pay.
FEW_WORDS, FEW_REMEMBERED = 4 * 1024, 256


def of_sent(tx: Transaction, peer: str, runs: Mapping[str, Run]) -> SharedHistory | None:
    """The memory to send these runs to the peer with: the urgent events right before them. None where there is none.

    The peer has them when it reads the frame: they were acknowledged, or are in a frame that comes before this one on
    the same connection."""
    if shared_history.LANE not in runs:
        return None
    lane, since = lanes.find(tx, peer, shared_history.LANE), lanes.peer(tx, peer).history_since
    most = shared_history.MOST_EVENTS if size_of(runs) > FEW_WORDS else FEW_REMEMBERED
    before = lane_events.before(tx, lane, runs[shared_history.LANE].first - 1, most)
    last = [sent for sent in before if sent.number > since]
    if not last:
        return None
    events = [Wired(sent.event.kind, sent.event.reference, sent.event.body, -sent.event.at) for sent in last]
    return SharedHistory(last[0].number - 1, last[-1].number, events, runs[shared_history.LANE].base)


def of_received(tx: Transaction, peer: str, after: int, upto: int) -> SharedHistory:
    """What the peer means by these numbers, as far as it is here."""
    if not 0 <= after < upto <= after + shared_history.MOST_EVENTS:
        return SharedHistory(after, upto, [])
    heard = received_events.between(tx, peer, after, upto)
    events = [Wired(kind, reference, body, -at) for kind, reference, body, at in heard]
    return SharedHistory(after, upto, events, received_events.hash_at(tx, peer, upto))


def is_lost(tx: Transaction, peer: str) -> None:
    """The peer does not have what we took for known: begin anew with what it acknowledges from now on."""
    row = lanes.peer(tx, peer)
    acked = lanes.find(tx, peer, shared_history.LANE).acked
    lanes.save_peer(tx, replace(row, history_since=acked))
