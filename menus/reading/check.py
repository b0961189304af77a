"""What is wrong with a tree: faults that keep it from being used, and those that a resident would stumble over."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from itertools import chain

from sado.menus import effects
from sado.menus.fields import FIELDS
from sado.menus.gsm import Budget, encoding, units
from sado.menus.invisible import marked, without
from sado.menus.language.languages import Languages
from sado.menus.reading.faults import Fault
from sado.menus.reading.yaml_files import Written
from sado.menus.session import Session
from sado.menus.tree import PLACEHOLDER, Form, Screen, Texts, Tree, without_sms
from sado.menus.view import options_of, pages_of, words

MOST_OPTIONS = 9
# So little over a segment, an SMS costs two (3GPP TS 23.040, section 9.2.3.24.1).
JUST_OVER = {"UCS-2": range(71, 81), "GSM-7": range(161, 171)}
WHOLE = Budget(10**6, 10**6)
DEEPEST = 4
PAGES_WITH_ERROR = 2


def structure(tree: Tree, written: Written) -> Iterator[Fault]:
    """What makes the tree unusable: a resident would meet an error, an empty line or no end."""
    placeholders, answers = known_to(tree), {screen.answer for screen in tree.screens.values()}
    for screen in tree.screens.values():
        for says in chain(_leads_nowhere(tree, screen), _type_faults(screen), _uncounted(tree, screen)):
            yield written.fault(screen.id, says)
        yield from _text_faults(tree, written, screen, placeholders, answers)
    yield from _endless(tree, written)


def style(tree: Tree, written: Written, budget: Budget) -> Iterator[Fault]:
    """What a tree can be used with, and should not have: too long, too deep, out of reach. The tree has no fault of
    `structure`."""
    roots = [tree.start, tree.first_contact, tree.resume, *tree.entered]
    in_reach, depths = reached(tree.screens, roots), _depths(tree)
    answers = {screen.answer for screen in tree.screens.values()}
    for screen in tree.screens.values():
        if screen.id not in in_reach and not screen.is_goto:
            yield written.fault(screen.id, "no screen leads here: remove it, or lead to it")
        elif (deep := depths.get(screen.id, 0)) > DEEPEST:
            yield written.fault(screen.id, f"is {deep} choices deep; more than {DEEPEST} are not found")
        for says in _unasked(screen, answers):
            yield written.fault(screen.id, says)
        yield from _length_faults(tree, written, screen, budget)
    yield from _no_exit(tree, written, in_reach)
    yield from _just_over_a_segment(tree, written)


def known_to(tree: Tree) -> set[str]:
    """The placeholders that something fills."""
    return {*tree.placeholders, *tree.fixed_placeholders, *(answer for answer, _ in tree.labels)}


def text_faults(texts: Texts, languages: Languages, placeholders: set[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with one text: (language, or nothing where it is the same in all; what to do)."""
    for language in languages.codes:
        if not texts.get(language):
            yield language, "has no words in this language"
    for language in sorted(set(texts) - set(languages.codes)):
        yield language, "is no language of pack.yaml"
    for language, form in texts.items():
        if not isinstance(form, str) and (missing := [part for part in ("by", "other") if part not in form]):
            yield language, f"these plural forms need {' and '.join(f'`{part}`' for part in missing)}"
    for language, form in texts.items():
        if any(without(words) != words for words in _forms(form)):
            yield language, f"has a character that nobody sees: {marked(''.join(_forms(form)))}"
    used = {name for form in texts.values() for name in _placeholders(form)}
    for name in sorted(used - placeholders):
        yield "", f"nothing fills {{{name}}}: the placeholders are in pack.yaml"


def worst(tree: Tree, screen: Screen, language: str) -> Session:
    """A session that fills every placeholder of this screen with its longest value in this language, and has a way
    back: the main menu has one too, after the language was asked."""
    values = {name: str(texts.get(language, "")) for name, texts in tree.placeholders.items()}
    for (answer, _), texts in tree.labels.items():
        values[answer] = max(values.get(answer, ""), str(texts[language]), key=units)
    trail = [] if screen.id == tree.resume else [tree.first_contact]
    return Session(tree=tree.version, language=language, screen=screen.id, values=values, trail=trail)


def _leads_nowhere(tree: Tree, screen: Screen) -> Iterator[str]:
    for target in screen.targets():
        if target not in tree.screens:
            yield f"leads to {target}, which is no screen"
        elif tree.screens[target].is_goto:
            yield f"leads to {target}, a go-to that leads back to itself"


def _type_faults(screen: Screen) -> Iterator[str]:
    keys = [option.key for option in screen.options]
    rules = {
        "a choice needs options or a text": screen.is_choice and not (screen.options or screen.text),
        "a prompt needs a text": screen.accepts and not screen.text,
        "a notice needs a text": screen.is_last and not screen.text,
        "every option needs words": not all(option.text for option in screen.options),
        "every option needs `go`": any(not (option.go or screen.go) for option in screen.options),
        "two options have one key": len(set(keys)) < len(keys),
        f"more than {MOST_OPTIONS} options: split the screen": len(keys) > MOST_OPTIONS,
        f"there is no field {screen.accepts!r}; the fields are: {', '.join(FIELDS)}, place, and the digits of"
        " pack.yaml": screen.accepts and screen.accepts not in FIELDS,
        "`field: digits` needs `length`": screen.accepts == "digits" and not screen.length,
    }
    broken = effects.broken(screen) if screen.effect else ()
    return chain((says for says, is_broken in rules.items() if is_broken), broken)


def _unasked(screen: Screen, answers: Set[str]) -> Iterator[str]:
    """Answers handed to an effect that no screen asks for: a slip in a name would file an empty text."""
    handed = {*screen.inputs, *PLACEHOLDER.findall(" ".join(screen.constants.values()))}
    yield from (f"no screen asks for {name}, which this hands over" for name in sorted(handed - answers - {"language"}))


def _uncounted(tree: Tree, screen: Screen) -> Iterator[str]:
    """Votes that could not be told apart."""
    counted = [
        option.value for option in screen.options if tree.screens.get(option.go or screen.go, screen).effect == "vote"
    ]
    if "" in counted or len(set(counted)) < len(counted):
        yield "every option that is counted needs a `value` of its own"


def _text_faults(
    tree: Tree, written: Written, screen: Screen, placeholders: set[str], answers: set[str]
) -> Iterator[Fault]:
    faults = dict.fromkeys(
        fault for texts in screen.texts() for fault in text_faults(texts, tree.languages, placeholders)
    )
    for language, says in faults:
        yield written.fault(screen.id, says, language=language)
    for name in sorted(set(PLACEHOLDER.findall(screen.note)) - placeholders - answers):
        yield written.fault(screen.id, f"nothing fills {{{name}}} of the note: it is no answer")


def _forms(form: Form) -> list[str]:
    return [form] if isinstance(form, str) else [words for category, words in form.items() if category != "by"]


def _placeholders(form: Form) -> list[str]:
    counted = [] if isinstance(form, str) else [form.get("by", "")]
    return [*PLACEHOLDER.findall(" ".join(_forms(form))), *filter(None, counted)]


def _endless(tree: Tree, written: Written) -> Iterator[Fault]:
    """Effects that lead to each other and never to a screen."""
    silent = {name: screen for name, screen in tree.screens.items() if screen.effect}
    while quiet := {
        name for name, screen in silent.items() if not any(target in silent for target in screen.targets())
    }:
        silent = {name: screen for name, screen in silent.items() if name not in quiet}
    circle = {name for name in silent if _leads_back(silent, name)}
    for name in sorted(circle):
        yield written.fault(name, "goes round without ever showing a screen")


def _leads_back(screens: Mapping[str, Screen], name: str) -> bool:
    return name in reached(screens, screens[name].targets())


def reached(screens: Mapping[str, Screen], first: list[str]) -> set[str]:
    """Every screen that can be come to from these."""
    reached: set[str] = set()
    ahead = [name for name in first if name in screens]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += [target for target in screens[name].targets() if target in screens]
    return reached


def _depths(tree: Tree) -> dict[str, int]:
    """Screen → the fewest menus in a row that lead to it, itself among them where it is one."""
    depths = {tree.first_contact: 0, tree.resume: 0, tree.start: 1}
    ahead = list(depths)
    while ahead:
        screen = tree.screens[ahead.pop(0)]
        for target in _shown_next(tree, screen):
            depth = depths[screen.id] + (_is_menu(screen) and _is_menu(tree.screens[target]))
            if depth < depths.get(target, depth + 1):
                depths[target] = depth
                ahead.append(target)
    return depths


def _shown_next(tree: Tree, screen: Screen) -> set[str]:
    """The screens that somebody may see next: actions between are seen by nobody."""
    actions = {name: action for name, action in tree.screens.items() if action.effect}
    steps = [screen, *(actions[name] for name in reached(actions, screen.targets()))]
    return {target for step in steps for target in step.targets()} - set(actions)


def _is_menu(screen: Screen) -> bool:
    """A choice with an answer is a step of a form."""
    return bool(screen.options) and not screen.answer


def _no_exit(tree: Tree, written: Written, reached: set[str]) -> Iterator[Fault]:
    """Screens from which only `0` and hanging up lead out: no text to read, no notice, no main menu."""
    ends = {name for name in reached if tree.screens[name].is_last or not tree.screens[name].targets()}
    ends.add(tree.start)
    while more := {name for name in reached - ends if any(target in ends for target in tree.screens[name].targets())}:
        ends |= more
    for name in sorted(reached - ends):
        yield written.fault(name, "no way on from here ever ends")


def _length_faults(tree: Tree, written: Written, screen: Screen, budget: Budget) -> Iterator[Fault]:
    if screen.effect or screen.is_goto:
        return
    longest = _longest_forms(screen)
    for language in tree.languages.codes:
        session = worst(tree, screen, language)
        try:
            says = _too_long(tree, longest, session, budget) or _leaves_gsm(tree, longest, session)
        except ValueError as error:
            says = str(error)
        if says:
            yield written.fault(screen.id, says, language=language)


def _just_over_a_segment(tree: Tree, written: Written) -> Iterator[Fault]:
    """What leaves by SMS alone, and costs two segments for a few letters: what a screen sends, and the words that
    commands lead to and no menu does."""
    by_sms = without_sms(tree)
    on_calls = reached(tree.screens, [tree.start, tree.first_contact, tree.resume])
    for screen in by_sms.screens.values():
        says_alone = not (screen.id in on_calls or screen.effect or screen.is_list or screen.is_goto or screen.options)
        if says_alone or screen.effect == "send_sms":
            for language in tree.languages.codes:
                said = _sent(by_sms, _longest_forms(screen), worst(tree, screen, language))
                if (count := units(said)) in (over := JUST_OVER[encoding(said)]):
                    says = f"takes {count} units as an SMS, which is two segments: {over.start - 1} are one"
                    yield written.fault(screen.id, says, language=language)


def _sent(tree: Tree, screen: Screen, session: Session) -> str:
    if screen.effect:
        return words(tree, screen.text, session)
    return "\n".join(pages_of(tree, screen, session, WHOLE))


def _longest_forms(screen: Screen) -> Screen:
    """The screen with each text in the longest of its plural forms."""

    def longest(texts: Texts) -> Texts:
        return {language: max(_forms(form), key=units) for language, form in texts.items()}

    options = tuple(replace(option, text=longest(option.text)) for option in screen.options)
    return replace(screen, text=longest(screen.text), options=options)


def _too_long(tree: Tree, screen: Screen, session: Session, budget: Budget) -> str:
    """In one page by itself unless it is `paged`; with the error line above in two at most."""
    shown = pages_of(tree, screen, session, budget)
    if len(shown) > 1 and not screen.is_paged and not screen.is_list:
        whole = pages_of(tree, screen, session, WHOLE)[0]
        return f"takes {units(whole)} of {budget.of(whole)} units: shorten it, or say `paged: true`"
    session.error = screen.accepts or "choice"
    with_error = pages_of(tree, screen, session, budget)
    if len(with_error) > len(shown) + PAGES_WITH_ERROR - 1 and options_of(screen, session):
        return f"takes {len(with_error)} pages with the error line above: shorten it"
    return ""


def _leaves_gsm(tree: Tree, screen: Screen, session: Session) -> str:
    """Latin text with one letter outside GSM-7 has room for 80 letters instead of 182, and nobody sees why."""
    session.error = ""
    whole = "\n".join(pages_of(tree, screen, session, WHOLE))
    letters = [sign for sign in whole if sign.isalpha()]
    if encoding(whole) == "GSM-7" or not all("LATIN" in unicodedata.name(sign, "") for sign in letters):
        return ""
    outside = sorted({sign for sign in whole if encoding(sign) != "GSM-7"})
    return f"Latin text with {' '.join(outside)}, which GSM-7 does not have: it more than halves the room"
