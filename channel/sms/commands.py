"""SMS commands on a pack: which message is one, and the session that it begins."""

from __future__ import annotations

from dataclasses import dataclass

from sado.menus import commands
from sado.menus.commands import Arguments, Command
from sado.menus.fields import accepted
from sado.menus.pack import Pack
from sado.menus.session import Session
from sado.menus.tree import Screen, Tree
from sado.menus.view import options_of

# More than this is no slip in an answer and no command's argument, but part of the matter.
LONG = 20
# Prompts for these take almost anything, so that a command among them is one only when it cannot be meant as words.
WORDS = ("text", "name", "place")


@dataclass(frozen=True)
class CommandMatch:
    """A command that somebody meant, and what it answers already."""

    command: Command
    arguments: Arguments


class CommandReader:
    """Reads commands of one pack out of messages."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack

    def match(self, text: str, asked: Screen | None) -> CommandMatch | None:
        """The command that a message is to somebody who was asked `asked` (None: nothing), or None.

        A command wins over an open question. Where words are asked for, only one that fits its form whole does, and no
        command that brings a text of its own wins over the question for the text: "Кор дар деҳа нест" is somebody's
        matter, "НАЗАР АЛИЕВ" her name. What is long and no command in full goes on with what is open. A word that is
        one letter away, or that destroys, counts only as a command in full."""
        command = self._pack.commands.parse(text, self._pack.tree)
        if command is None or command.keyword.does:
            return None
        match = CommandMatch(command, commands.arguments(self._pack.tree, command.keyword, command.rest))
        if not command.language:
            return None if asked and _takes_number(asked, text) else match
        is_whole = self._is_whole(match)
        if _asks_words(asked):
            wins = is_whole and not command.is_near and not self._is_text(match, asked)
        elif command.is_near or command.keyword.destructive:
            wins = is_whole
        else:
            wins = asked is None or is_whole or len(text) <= LONG
        return match if wins else None

    def begun(self, match: CommandMatch, language: str) -> Session:
        """The session that a command begins."""
        keyword, inputs = match.command.keyword, dict(match.arguments.inputs)
        for name in match.arguments.inputs:
            # A place that is spelt in full and is the only one of its name needs no question whether it is meant.
            if self._pack.tree.screens[name].accepts == "place" and self._is_place(inputs[name]):
                inputs[f"{name}.sure"] = "1"
        go = keyword.go_with_inputs if inputs and keyword.go_with_inputs else keyword.go
        return Session(
            tree=self._pack.tree.version,
            language=language,
            screen=str(go),
            answers=dict(keyword.constants),
            prefilled=inputs,
        )

    def key(self, tree: Tree, session: Session, text: str) -> str | None:
        """The number of the option among those shown that has this name, in any language, or that a YES or a NO
        chooses: one that begins with such a word."""
        fold = tree.languages.fold
        typed = fold(text)
        options = options_of(tree.screens[session.screen], session)
        named = {option.key for option in options if typed in {fold(str(name)) for name in option.text.values()}}
        if typed and named:
            return named.pop() if len(named) == 1 else None
        command = self._pack.commands.parse(text, tree)
        if command is None or command.keyword.does != "choose" or command.rest or command.is_near:
            return None
        for option in options:
            first = str(option.text.get(session.language, "")).split(",")[0].split(" ")[0].rstrip(":.")
            if self._pack.commands.is_word_of(command.name, first):
                return option.key
        return None

    def asks_more(self, text: str) -> bool:
        """Whether a message asks for the next page."""
        command = self._pack.commands.parse(text, self._pack.tree)
        return command is not None and command.keyword.does == "more" and not command.rest and not command.is_near

    def _is_whole(self, match: CommandMatch) -> bool:
        """Whether everything that was written fits the command."""
        if match.arguments.left:
            return False
        screens = self._pack.tree.screens
        typed = ((screens[name], text) for name, text in match.arguments.inputs.items())
        return all(self._fits(screen, text) for screen, text in typed)

    def _fits(self, screen: Screen, text: str) -> bool:
        if screen.accepts == "place":
            return self._is_place(text)
        return not screen.accepts or accepted(screen.accepts, screen.length, text) is not None

    def _is_place(self, text: str) -> bool:
        matching = self._pack.gazetteer.find(text)
        return matching.exact and len(matching.places) == 1

    def _is_text(self, match: CommandMatch, asked: Screen | None) -> bool:
        """Whether a text is asked for, and the command has one."""
        screens = self._pack.tree.screens
        is_asked = asked is not None and asked.accepts == "text"
        return is_asked and any(screens[name].answer == "text" for name in match.arguments.inputs)


def _asks_words(asked: Screen | None) -> bool:
    return asked is not None and asked.accepts in WORDS


def _takes_number(asked: Screen, text: str) -> bool:
    """Whether a bare number answers the question: never one for words."""
    if not asked.accepts or asked.accepts in WORDS:
        return False
    return accepted(asked.accepts, asked.length, text) is not None
