"""Turns of a conversation, whatever carries it: effects performed, and a half-written form kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec

from sado.channel.effects.contract import DROP_FORM, TAKE_UP
from sado.channel.versions import Version, Versions
from sado.menus import engine
from sado.menus.engine import Outcome, Turn
from sado.menus.gsm import Budget
from sado.menus.session import Session
from sado.menus.tree import Tree
from sado.store import Transaction
from sado.store.tables import drafts, subscribers

# More is nobody's way to a screen: whoever dials more is shown the screen after these.
MOST_AHEAD = 20
# An input leads to two effects at most in any pack that we know.
MOST_EFFECTS = 5 * MOST_AHEAD


@dataclass(frozen=True)
class Unfinished:
    """A form that was left half-way: its number, where it stands, and when it was touched last."""

    number: int
    session: Session
    version: Version
    touched_at: int


class Turns:
    """Makes turns that fit `budget`, on each pack's tree as `seen` gives it, for numbers that are proven or not
    (`Effect`). All of it happens inside the caller's transaction."""

    def __init__(
        self,
        versions: Versions,
        budget: Budget,
        seen: Callable[[Tree], Tree] = lambda tree: tree,
        *,
        is_proven: bool = True,
    ) -> None:
        self._versions = versions
        self._budget = budget
        self._seen = seen
        self._is_proven = is_proven
        self._trees: dict[str, Tree] = {}

    def tree(self, version: Version) -> Tree:
        """The tree of this version as these turns walk it."""
        name = version.pack.tree.version
        if name not in self._trees:
            self._trees[name] = self._seen(version.pack.tree)
        return self._trees[name]

    def first(self, tx: Transaction, msisdn: str, dialled: str) -> Turn:
        """Begin: with the main menu, or with an unfinished form. Who dials further numbers knows where she is going."""
        tree, language = self.tree(self._versions.current), subscribers.language_of(tx, msisdn)
        if language in tree.languages.codes and not dialled and (form := self.unfinished(tx, msisdn)):
            title = engine.title(self.tree(form.version), form.session, str(language))
            return engine.offer(tree, str(language), title, self._budget)
        return engine.start(tree, language, dialled.split("*")[:MOST_AHEAD] if dialled else (), self._budget)

    def entered(self, session: Session) -> Turn:
        """Begin with this session of the current version, where it stands and with what it brings."""
        return engine.enter(self.tree(self._versions.current), session, self._budget)

    def can_go_on(self, tx: Transaction, session: Session, draft: int) -> bool:
        """Whether the session's version of the pack can be run here, and its form, if it has one, was not filed, given
        up or deleted meanwhile: by SMS, or in another session of this phone."""
        return self._versions.of(tx, session.tree) is not None and (not draft or drafts.is_kept(tx, draft))

    def next(self, tx: Transaction, session: Session, typed: str) -> Turn:
        """Take one input of a session that can be gone on with."""
        return engine.resume(self.tree(self.version(tx, session)), session, typed, self._budget)

    def shown(self, tx: Transaction, session: Session) -> Turn:
        """The screen where a session stands that a turn was just made of."""
        return engine.reopen(self.tree(self.version(tx, session)), session, session.language, self._budget)

    def unfinished(self, tx: Transaction, msisdn: str) -> Unfinished | None:
        """The latest unfinished form of this phone that can still be gone on with."""
        for draft in drafts.of(tx, msisdn):
            session = msgspec.json.decode(draft.state, type=Session)
            if version := self._versions.of(tx, session.tree):
                return Unfinished(draft.id, session, version, draft.updated_at)
        return None

    def settled(self, tx: Transaction, msisdn: str, turn: Turn, draft: int) -> tuple[Turn, int]:
        """The turn once all that it asks for is done and there is a screen to show. `draft` is the number of the form
        being filled in, 0 without one; so is the second value, after the turn."""
        is_filed = False
        for _ in range(MOST_EFFECTS):
            effect = turn.effect
            if effect is None:
                return turn, _kept(tx, msisdn, turn, draft, is_filed)
            effect = replace(effect, is_proven=self._is_proven)
            if effect.name == TAKE_UP:
                turn, draft = self._taken_up(tx, msisdn, turn, draft)
                continue
            version = self.version(tx, turn.session)
            is_drop = effect.name == DROP_FORM
            outcome = self._dropped(tx, msisdn) if is_drop else version.effects.perform(tx, msisdn, effect)
            is_filed = is_filed or outcome.is_filed
            turn = engine.proceed(self.tree(version), turn.session, outcome, self._budget)
        raise RuntimeError(f"The tree asks for effects without end at {turn.session.screen}.")

    def version(self, tx: Transaction, session: Session) -> Version:
        """The version of a session that can be gone on with."""
        version = self._versions.of(tx, session.tree)
        if version is None:
            raise RuntimeError(f"The version {session.tree} went away during a turn.")
        return version

    def _taken_up(self, tx: Transaction, msisdn: str, turn: Turn, draft: int) -> tuple[Turn, int]:
        """Go on with the unfinished form: from here on this session holds it."""
        form = self.unfinished(tx, msisdn)
        if form is None:
            tree = self.tree(self._versions.current)
            return engine.proceed(tree, turn.session, Outcome("gone"), self._budget), draft
        language = turn.session.language
        return engine.reopen(self.tree(form.version), form.session, language, self._budget), form.number

    def _dropped(self, tx: Transaction, msisdn: str) -> Outcome:
        """She does not need the form that was offered."""
        if form := self.unfinished(tx, msisdn):
            drafts.delete(tx, form.number)
        return Outcome("done")


def _kept(tx: Transaction, msisdn: str, turn: Turn, draft: int, is_filed: bool) -> int:
    """Keep what is answered so far. A form that was filed, or ended by its own last screen, is over; one that was left
    for the main menu stays unfinished."""
    if turn.session.form:
        return drafts.save(tx, draft, msisdn, msgspec.json.encode(turn.session).decode())
    if draft and (is_filed or turn.is_last):
        drafts.delete(tx, draft)
    return 0
