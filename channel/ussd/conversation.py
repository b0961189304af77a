"""One hop of a USSD session, as one transaction: the session, the engine's turn and its effects together."""

from __future__ import annotations

from dataclasses import replace

from sado.channel.contract import Hop, UssdGateway
from sado.channel.gateways.history import LastInput
from sado.channel.turns import Turns
from sado.channel.ussd import session as kept_sessions
from sado.channel.ussd.session import Kept, Reply
from sado.channel.versions import Versions
from sado.menus.engine import Turn
from sado.store import Transaction
from sado.store.tables import sessions


class Conversation:
    """Answers hops from one gateway. All of `answer` happens inside the caller's transaction."""

    def __init__(self, gateway: UssdGateway, versions: Versions) -> None:
        self._gateway = gateway
        self._versions = versions
        self._turns = Turns(versions, gateway.budget)

    def answer(self, tx: Transaction, hop: Hop) -> str:
        """The body for the gateway. A repeat of a hop gets the same bytes and changes nothing."""
        session_id = self._session_id(tx, hop)
        kept, age_ms = self._load(tx, session_id)
        name = ""
        if isinstance(hop, LastInput):
            name = hop.request_id or hop.text
            kept, hop = _with_history(kept, hop, age_ms)
        is_fresh = age_ms <= kept_sessions.LIFE_MS
        known = kept_sessions.repeated(kept, hop.text, is_fresh) if kept else None
        if known is not None:
            return known
        kept, turn = self._turn(tx, hop, kept, is_fresh)
        body = self._gateway.render(turn.text, turn.is_last)
        kept.replies.append(Reply(hop.text, body, name))
        kept.text, kept.engine = hop.text, None if turn.is_last else turn.session
        sessions.save(tx, session_id, kept_sessions.dump(kept), not turn.is_last)
        return body

    def end(self, tx: Transaction, session_id: str, msisdn: str, outcome: str) -> bool:
        """Note that the gateway ended a session. False for a session that we do not know."""
        return sessions.close(tx, self._session_id(tx, Hop(session_id, msisdn, "")), outcome)

    def apology(self, language: str | None) -> str:
        """What the resident sees when our own side fails: a last screen in her language."""
        tree = self._versions.current.pack.tree
        busy = tree.errors["busy"]
        return self._gateway.render(str(busy.get(language or "", busy[tree.languages.default])), True)

    def _session_id(self, tx: Transaction, hop: Hop) -> bytes:
        """A session is a gateway's id on one phone: providers repeat ids, and give one id to two phones."""
        return tx.keys.lookup(f"{self._gateway.name} {hop.msisdn} {hop.session_id}")

    def _load(self, tx: Transaction, session_id: bytes) -> tuple[Kept | None, int]:
        """What is kept of the session, and the milliseconds since its last answer."""
        found = sessions.load(tx, session_id)
        if found is None:
            return None, 0
        state, touched_at = found
        return kept_sessions.load(state), tx.now - touched_at

    def _turn(self, tx: Transaction, hop: Hop, kept: Kept | None, is_fresh: bool) -> tuple[Kept, Turn]:
        """The next turn of this session, or the first of a new one."""
        typed = kept_sessions.new_input(kept, hop.text) if kept and is_fresh else None
        if kept is None or kept.engine is None or typed is None:
            kept, turn = kept_sessions.begun(kept), self._turns.first(tx, hop.msisdn, hop.text)
        elif self._turns.can_go_on(tx, kept.engine, kept.draft):
            turn = self._turns.next(tx, kept.engine, typed)
        else:
            # What was answered to screens of a version that is gone may mean something else to those of this one, and
            # a form that is over must not be filed twice.
            kept, turn = kept_sessions.begun(kept), self._turns.first(tx, hop.msisdn, "")
        turn, kept.draft = self._turns.settled(tx, hop.msisdn, turn, kept.draft)
        return kept, turn


def _with_history(kept: Kept | None, hop: LastInput, age_ms: int) -> tuple[Kept | None, Hop]:
    """The hop as other gateways send it. One that begins a session knows nothing of the session before: the histories
    are ours, so the same walk on another day has the same one."""
    history = kept_sessions.history(kept, hop, age_ms)
    return (None, hop) if history is None else (kept, replace(hop, text=history))
