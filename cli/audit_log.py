"""What `sado audit` does, in the process that has the database: a step for each time that it is asked."""

from __future__ import annotations

from typing import Any

import msgspec

from sado.cases import audit_check
from sado.cases.audit_check import Fault, Place
from sado.store import Store
from sado.store.tables import audit as rows

EXPORTED_AT_ONCE = 1000
# Before the first row of the first chain.
BEGINNING = (-1, 0, 0)


def act(store: Store, body: Any) -> dict[str, Any]:
    """Do the step that this body asks for."""
    if body["act"] == "begin":
        return {"places": msgspec.to_builtins(store.read(audit_check.begin))}
    if body["act"] == "go on":
        place = msgspec.convert(body["place"], Place)
        return {"place": msgspec.to_builtins(store.read(lambda tx: audit_check.go_on(tx, place)))}
    if body["act"] == "keep":
        audit_check.keep(store, msgspec.convert(body["faults"], list[Fault]))
        return {}
    after = msgspec.convert(body["after"] or BEGINNING, tuple[int, int, int])
    step = store.read(lambda tx: rows.every_after(tx, after, EXPORTED_AT_ONCE))
    return {"rows": [{**row.__dict__, "hash": row.hash.hex()} for row in step]}
