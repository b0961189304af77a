"""SMS from residents. An unfinished form is gone on with; to anything else one short help a day is sent."""

from __future__ import annotations

from cases import replies
from channel.gateways import Message
from channel.turns import Turns
from channel.versions import Versions
from menus.engine import Turn
from menus.fields import accepted
from menus.gsm import Budget
from menus.layout import clean
from menus.session import Session
from menus.tree import Screen
from store import Transaction, attempts, messages, subscribers

# Two joined segments (3GPP TS 23.040 section 9.2.3.24.1): a whole screen with its error line, and no third to pay.
TWO_SEGMENTS = Budget(2 * 153, 2 * 67)
# More than this is no slip in an answer but part of the matter.
LONG = 20
DAY_MS = 24 * 3600 * 1000


class Inbox:
    """Takes the SMS of every gateway. All of `take` happens inside the caller's transaction."""

    def __init__(self, versions: Versions, service_code: str) -> None:
        self._versions = versions
        self._service_code = service_code
        self._turns = Turns(versions, TWO_SEGMENTS)

    def take(self, tx: Transaction, gateway: str, message: Message) -> None:
        """Act on a message. One that is delivered again changes nothing."""
        if not messages.is_new(tx, gateway, message.id):
            return
        if found := self._turns.unfinished(tx, message.msisdn):
            draft, session, version = found
            turn = self._next(tx, session, version.pack.tree.screens[session.screen], message.text)
            turn, _ = self._turns.settled(tx, message.msisdn, turn, draft)
            replies.send(tx, message.msisdn, turn.text)
        else:
            self._help(tx, message.msisdn)

    def _next(self, tx: Transaction, session: Session, screen: Screen, text: str) -> Turn:
        """Take the message as the answer to the question that the form stands at. What is too long for a slip and no
        answer to it belongs to the matter: nothing that somebody wrote is thrown away."""
        earlier, words = session.answers.get("text", ""), clean(text).strip()
        if len(words) > LONG and not _answers(screen, text):
            session.answers["text"] = _joined(earlier, words)
            return self._turns.shown(tx, session)
        turn = self._turns.next(tx, session, text)
        if screen.answer == "text" and earlier:
            turn.session.answers["text"] = _joined(earlier, words)
        return turn

    def _help(self, tx: Transaction, msisdn: str) -> None:
        """Once a day: two programs that answer each other would never end."""
        since = tx.now - DAY_MS
        if attempts.count(tx, f"help {msisdn}", since):
            return
        attempts.add(tx, f"help {msisdn}", since)
        pack = self._versions.current.pack
        language = subscribers.language_of(tx, msisdn) or pack.languages.default
        replies.send(tx, msisdn, pack.message("unknown", language, ussd=self._service_code))


def _answers(screen: Screen, text: str) -> bool:
    """Whether a long text can be an answer here: to a prompt that takes it, never to a choice."""
    return screen.kind == "prompt" and accepted(screen.accepts, screen.length, text) is not None


def _joined(earlier: str, words: str) -> str:
    return f"{earlier}\n{words}" if earlier else words
