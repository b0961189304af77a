"""Whether a station is well, for whatever watches it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from sado.store import Store, Transaction
from sado.store.tables import outbox as entries
from sado.sync import outbox

log = logging.getLogger(__name__)


class Health:
    """The store, the line, the outbox, and whether more cases come than is usual. Whether the store can write is tried
    every minute and not when somebody asks: a stranger may ask as often as he likes, and causes no flush."""

    def __init__(self, store: Store, has_upstream: bool, is_flooded: Callable[[Transaction], bool]) -> None:
        self._store = store
        self._is_flooded = is_flooded
        self._has_upstream = has_upstream
        self._can_write = True

    def look(self) -> None:
        """Try to write."""
        try:
            self._store.write(lambda tx: tx.next_number("health"))
        except Exception:
            log.exception("health: the store failed")
            self._can_write = False
        else:
            self._can_write = True

    def told(self, pack_fault: str) -> tuple[dict[str, Any], int]:
        """What is said, and the status of the answer. Only a store that cannot write is a fault (503): with the line
        down, `degraded`, phones are answered as always."""
        try:
            line, counts, is_flooded = self._store.read(self._facts)
        except Exception:
            log.exception("health: the store failed")
            return {"status": "failed", "store": "cannot read"}, 503
        if not self._can_write:
            return {"status": "failed", "store": "cannot write"}, 503
        given_up = sum(count for (_, state), (count, _) in counts.items() if state in outbox.GIVEN_UP)
        waiting = sum(count for (_, state), (count, _) in counts.items() if state in outbox.WAITING)
        status = "degraded" if line.down_since or given_up or pack_fault or is_flooded else "ok"
        line_word = _line_word(line) if self._has_upstream else "none"
        pack_word = "the one before: the new one is broken, see the log" if pack_fault else "ok"
        counted = {"waiting": waiting, "given_up": given_up}
        told = {"status": status, "store": "ok", "line": line_word, "outbox": counted, "pack": pack_word}
        return told | {"filing": "more than is usual" if is_flooded else "ok"}, 200

    def _facts(self, tx: Transaction) -> tuple[entries.Destination, Mapping[tuple[str, str], tuple[int, int]], bool]:
        return entries.destination(tx, outbox.UPSTREAM), entries.counts(tx), self._is_flooded(tx)


def _line_word(line: entries.Destination) -> str:
    if line.down_since:
        return "down"
    return "up" if line.ok_at else "not tried yet"
