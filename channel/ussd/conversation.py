"""One hop of a USSD session, as one transaction: the session, the engine's turn and its effects together."""

from __future__ import annotations

from sado.channel.contract import Hop, SessionEnd, UssdGateway
from sado.channel.turns import Turns
from sado.channel.ussd import session as kept_sessions
from sado.channel.ussd.session import Kept, Reply
from sado.channel.versions import Versions
from sado.menus.engine import Turn
from sado.store import Transaction
from sado.store.tables import deletions, sessions


class Conversation:
    """Answers hops from one gateway. All of `answer` happens inside the caller's transaction."""

    def __init__(self, gateway: UssdGateway, versions: Versions) -> None:
        self._gateway = gateway
        self._versions = versions
        self._turns = Turns(versions, gateway.budget)

    def answer(self, tx: Transaction, hop: Hop) -> Reply:
        """The screen for the phone. A repeat of a hop gets the same one and changes nothing."""
        session_id = self._session_id(tx, hop)
        kept, age_ms = self._load(tx, session_id)
        is_cumulative = self._gateway.is_cumulative
        kept, history = kept_sessions.history(kept, hop, is_cumulative, age_ms)
        if repeated := kept_sessions.reply_to(kept, history):
            return repeated
        kept, turn = self._turn(tx, hop.msisdn, kept, history)
        reply = Reply(history, turn.text, turn.is_last, "" if is_cumulative else hop.request_id or hop.text)
        kept.replies.append(reply)
        kept.engine = None if turn.is_last else turn.session
        if turn.is_last and deletions.is_new(tx, hop.msisdn):
            last = Kept(replies=[Reply("", turn.text, is_last=True)], is_deleted=True)
            sessions.save(tx, session_id, kept_sessions.dump(last), is_open=False)
        else:
            sessions.save(tx, session_id, kept_sessions.dump(kept), not turn.is_last, hop.msisdn)
        return reply

    def end(self, tx: Transaction, end: SessionEnd) -> bool:
        """Note that the gateway ended a session. False for a session that we do not know."""
        return sessions.close(tx, self._session_id(tx, end), end.outcome)

    def apology(self, language: str | None) -> Reply:
        """What the resident sees when our own side fails: a last screen in her language."""
        tree = self._versions.current.pack.tree
        busy = tree.errors["busy"]
        return Reply("", str(busy.get(language or "", busy[tree.languages.default])), is_last=True)

    def _session_id(self, tx: Transaction, of: Hop | SessionEnd) -> bytes:
        """A session is a gateway's id on one phone: providers repeat ids, and give one id to two phones."""
        return tx.lookup(f"{self._gateway.name} {of.msisdn} {of.session_id}")

    def _load(self, tx: Transaction, session_id: bytes) -> tuple[Kept, int]:
        """What is kept of the session, and the milliseconds since its last answer."""
        row = sessions.load(tx, session_id)
        if row is None:
            return Kept(), 0
        state, touched_at = row
        return kept_sessions.load(state), tx.now - touched_at

    def _turn(self, tx: Transaction, msisdn: str, kept: Kept, history: str) -> tuple[Kept, Turn]:
        """The next turn of this session, or the first of a new one."""
        typed = kept_sessions.new_input(kept, history)
        if kept.engine is None or typed is None:
            kept, turn = kept_sessions.begun(kept), self._turns.first(tx, msisdn, history)
        elif self._turns.can_go_on(tx, kept.engine, kept.draft):
            turn = self._turns.next(tx, kept.engine, typed)
        else:
            # What was answered to screens of a version that is gone may mean something else to those of this one, and
            # a form that is over must not be filed twice.
            kept, turn = kept_sessions.begun(kept), self._turns.first(tx, msisdn, "")
        turn, kept.draft = self._turns.settled(tx, msisdn, turn, kept.draft)
        return kept, turn
