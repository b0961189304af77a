"""SMS from residents: a command, an answer to the question that is open, or more of an unfinished form.

An SMS does what the menu does: the same tree, effects and forms. A conversation stays open for a day; a form as long
as it does on a call, and it may be gone on with on either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

import msgspec

from sado.cases.residents import replies
from sado.channel.contract import Message
from sado.channel.sms.commands import LONG, CommandMatch, CommandReader
from sado.channel.turns import Turns
from sado.channel.versions import Versions
from sado.menus.engine import Turn
from sado.menus.fields import accepted
from sado.menus.gsm import Budget
from sado.menus.invisible import clean
from sado.menus.session import Session
from sado.menus.tree import Screen, Tree, without_sms
from sado.menus.view import keys_of, options_of, pages_of
from sado.store import Transaction
from sado.store.tables import attempts, messages, sessions, subscribers
from sado.store.zone_time import DAY_MS, MINUTE_MS

# Two joined segments (3GPP TS 23.040 section 9.2.3.24.1): a whole screen with its error line, and no third to pay.
TWO_SEGMENTS = Budget(2 * 153, 2 * 67)


@dataclass(frozen=True)
class OpenConversation:
    """Something that a phone may go on with: a form with its number, or another conversation by SMS with 0."""

    session: Session
    tree: Tree
    form: int
    touched_at: int

    @property
    def screen(self) -> Screen:
        """Where it stands."""
        return self.tree.screens[self.session.screen]

    def is_answered_by(self, text: str) -> bool:
        """Whether the message is an answer to the question, or moves about."""
        keys = keys_of(self.screen, self.session)
        if text.strip() in (keys.back, keys.home, keys.more):
            return True
        if self.screen.accepts:
            return accepted(self.screen.accepts, self.screen.length, text) is not None
        return any(option.key == text.strip().rstrip(".) ") for option in options_of(self.screen, self.session))


class Inbox:
    """Takes the SMS of every gateway. All of `take` happens inside the caller's transaction."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions
        self._turns = Turns(versions, TWO_SEGMENTS, without_sms, is_proven=False)

    @property
    def _reader(self) -> CommandReader:
        return CommandReader(self._versions.current.pack)

    def take(self, tx: Transaction, gateway: str, message: Message) -> None:
        """Act on a message, and answer it. One that is delivered again changes nothing."""
        name = message.id or f"{message.msisdn} {tx.now // MINUTE_MS} {message.text}"
        if not messages.is_new(tx, gateway, name):
            return
        opened = sorted(self._opened(tx, message.msisdn), key=attrgetter("touched_at"), reverse=True)
        match = self._reader.match(message.text, opened[0].screen if opened else None)
        # LAND is one letter from LANG, but also the name of an option that was shown.
        is_slip = match is not None and match.command.is_near
        is_option = bool(opened) and self._reader.key(opened[0].tree, opened[0].session, message.text) is not None
        if match and not (is_slip and is_option):
            self._command(tx, message.msisdn, match, opened[0].session.language if opened else "")
        elif opened:
            self._go_on(tx, message.msisdn, opened, message.text)
        else:
            self._help(tx, message.msisdn)

    def _opened(self, tx: Transaction, msisdn: str) -> Iterator[OpenConversation]:
        """The conversation by SMS and the latest unfinished form, each if there is one, in her language of now."""
        language = subscribers.language_of(tx, msisdn)
        if form := self._turns.unfinished(tx, msisdn):
            tree = self._turns.tree(form.version)
            yield OpenConversation(_in(form.session, language, tree), tree, form.number, form.touched_at)
        state, touched_at = sessions.load(tx, _session_id(tx, msisdn)) or ("", 0)
        if state and touched_at > tx.now - DAY_MS:
            session = msgspec.json.decode(state, type=Session)
            if self._turns.can_go_on(tx, session, 0):
                tree = self._turns.tree(self._turns.version(tx, session))
                yield OpenConversation(_in(session, language, tree), tree, 0, touched_at)

    def _command(self, tx: Transaction, msisdn: str, match: CommandMatch, spoken: str) -> None:
        """Begin what the command asks for, in the language that she chose, that of the word, or the one `spoken` so
        far. What it answers at once leaves an open question open."""
        languages = self._versions.current.pack.languages
        chosen = subscribers.language_of(tx, msisdn)
        if chosen is None or chosen not in languages.codes:
            chosen = match.command.language or spoken or languages.default
        session = self._reader.begun(match, chosen)
        turn, form = self._turns.settled(tx, msisdn, self._turns.entered(session), 0)
        if form:
            self._keep(tx, msisdn, None)
        elif self._waits(tx, turn):
            self._keep(tx, msisdn, turn.session)
        replies.answer(tx, msisdn, turn.text)

    def _go_on(self, tx: Transaction, msisdn: str, opened: list[OpenConversation], text: str) -> None:
        """Take the message as the answer to what was asked last, or else to what is open beside it."""
        answered = self._answered(opened, text)
        turn = self._next(tx, answered, text)
        turn, form = self._turns.settled(tx, msisdn, turn, answered.form)
        if not answered.form or form != answered.form:
            self._keep(tx, msisdn, turn.session if not form and self._waits(tx, turn) else None)
        replies.answer(tx, msisdn, turn.text)

    def _answered(self, opened: list[OpenConversation], text: str) -> OpenConversation:
        for conversation in opened:
            if conversation.is_answered_by(text) or self._reader.key(conversation.tree, conversation.session, text):
                return conversation
        forms = [conversation for conversation in opened if conversation.form]
        return forms[0] if forms and len(clean(text).strip()) > LONG else opened[0]

    def _next(self, tx: Transaction, opened: OpenConversation, text: str) -> Turn:
        """What is too long for a slip and no answer to the question belongs to the matter of the form: nothing that
        somebody wrote is thrown away."""
        session, screen = opened.session, opened.screen
        earlier, words = session.answers.get("text", ""), clean(text).strip()
        if opened.form and len(words) > LONG and not (screen.accepts and opened.is_answered_by(text)):
            _add(opened, words)
            return self._turns.shown(tx, session)
        turn = self._turns.next(tx, session, self._typed(opened, text))
        if screen.answer == "text" and earlier and turn.session.answers.get("text") == words:
            turn.session.answers["text"] = _joined(earlier, words)
        return turn

    def _typed(self, opened: OpenConversation, text: str) -> str:
        """The key that the name of an option, YES, NO or NEXT stand for here, or what was typed."""
        if self._reader.asks_more(text) and not opened.screen.accepts:
            return keys_of(opened.screen, opened.session).more
        return self._reader.key(opened.tree, opened.session, text) or text

    def _waits(self, tx: Transaction, turn: Turn) -> bool:
        """Whether the screen asks something, or has more pages: a text that was read to its end waits for nothing."""
        if turn.is_last:
            return False
        tree = self._turns.tree(self._turns.version(tx, turn.session))
        screen = tree.screens[turn.session.screen]
        if screen.accepts or options_of(screen, turn.session):
            return True
        return turn.session.page + 1 < len(pages_of(tree, screen, turn.session, TWO_SEGMENTS))

    def _keep(self, tx: Transaction, msisdn: str, session: Session | None) -> None:
        """Keep the conversation by SMS for a day; None: there is none. A form is kept as one."""
        state = msgspec.json.encode(session).decode() if session else ""
        sessions.save(tx, _session_id(tx, msisdn), state, session is not None, msisdn)

    def _help(self, tx: Transaction, msisdn: str) -> None:
        """Once a day: two programs that answer each other would never end."""
        since = tx.now - DAY_MS
        if attempts.count(tx, f"help {msisdn}", since):
            return
        attempts.add(tx, f"help {msisdn}", since)
        pack = self._versions.current.pack
        language = subscribers.language_of(tx, msisdn) or pack.languages.default
        replies.answer(tx, msisdn, pack.message("unknown", language))


def _session_id(tx: Transaction, msisdn: str) -> bytes:
    """A phone has one conversation by SMS, whichever gateways carry it."""
    return tx.lookup(f"sms {msisdn}")


def _in(session: Session, language: str | None, tree: Tree) -> Session:
    """The session in this language, if its tree has it."""
    if language in tree.languages.codes:
        session.language = str(language)
    return session


def _add(opened: OpenConversation, words: str) -> None:
    """Add words to the matter: what is kept of it, or what came with the command and waits for its question."""
    name = next((name for name in opened.session.prefilled if opened.tree.screens[name].answer == "text"), None)
    if name:
        opened.session.prefilled[name] = _joined(opened.session.prefilled[name], words)
    else:
        opened.session.answers["text"] = _joined(opened.session.answers.get("text", ""), words)


def _joined(earlier: str, words: str) -> str:
    return f"{earlier}\n{words}" if earlier else words
