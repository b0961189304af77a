"""USSD sessions: the sealed state between two hops. What is in it is the channel's business."""

from __future__ import annotations

from sado.store.transaction import Transaction

STATE = "sessions.state"


def load(tx: Transaction, session_id: bytes) -> tuple[str, int] | None:
    """The state of a session and when it was last touched, or None for one that we do not know."""
    row = tx.one("SELECT state, updated_at FROM sessions WHERE id = :id", id=session_id)
    return None if row is None else (tx.unseal(row[0], STATE, session_id.hex()), row[1])


def save(tx: Transaction, session_id: bytes, state: str, is_open: bool, msisdn: str = "") -> None:
    """Keep the state, in place of an earlier one. It goes with the number that it is of, if one is named."""
    tx.run(
        "INSERT INTO sessions (id, state, is_open, updated_at, subscriber)"
        " VALUES (:id, :state, :is_open, :at, :subscriber)"
        " ON CONFLICT (id) DO UPDATE SET state = excluded.state, is_open = excluded.is_open,"
        " outcome = NULL, updated_at = excluded.updated_at, subscriber = excluded.subscriber",
        id=session_id,
        state=tx.seal(state, STATE, session_id.hex()),
        is_open=is_open,
        at=tx.now,
        subscriber=tx.lookup(msisdn) if msisdn else None,
    )


def close(tx: Transaction, session_id: bytes, outcome: str) -> bool:
    """Note how the gateway says the session ended. False when we do not know the session."""
    row = tx.one(
        "UPDATE sessions SET is_open = :no, outcome = :outcome WHERE id = :id RETURNING id",
        no=False,
        outcome=outcome,
        id=session_id,
    )
    return row is not None


def forget(tx: Transaction, before: int) -> int:
    """Delete the sessions not touched since `before`; how many."""
    return len(tx.all("DELETE FROM sessions WHERE updated_at < :before RETURNING id", before=before))
