"""The effects that a tree may ask for: what each needs, how it may go, and what it fills on the screens after it.

Handlers of the channel perform them; a test holds the two together. The checker reads this table, so that a tree
which forgets one of the ways is told before a resident finds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sado.menus.tree import Screen

# How an effect that files may end beside `saved` (cases/filing_rate.py). The reader makes the screens for both
# (menus/reading/acting.py), so that no tree can forget them. PRESSED is the answer with the digit that was typed.
RATE_LIMITED = ("wait", "confirm")
PRESSED = "pressed"


@dataclass(frozen=True)
class Contract:
    """One effect: what it does, its outcomes, the answers that it needs, and the placeholders it fills."""

    does: str
    outcomes: tuple[str, ...]
    needs: tuple[str, ...] = ()
    fills: tuple[str, ...] = field(default=())


EFFECTS: Mapping[str, Contract] = {
    "remember_language": Contract("keeps the language for this phone", ("done",)),
    "find_place": Contract(
        "finds the place that was typed", ("one", "several", "none"), ("typed_place",), ("place", "found")
    ),
    "regions": Contract("lists the regions", ("listed",)),
    "places_in_region": Contract("lists the places of a region", ("listed",), ("region",)),
    "open_case": Contract(
        "files a case; may also take place, name and text",
        ("saved", *RATE_LIMITED),
        ("kind", "topic"),
        ("ref", "pin", "send_from", "digit"),
    ),
    "add_text": Contract(
        "adds words to a case that is not over; by SMS only with its PIN",
        ("saved", "over", "full", "ask_pin", "mistyped", "wrong", "locked"),
        ("reference", "text"),
        ("ref",),
    ),
    "take_up": Contract("goes on with the unfinished form of this phone", ("gone",)),
    "drop_form": Contract("deletes the unfinished form of this phone", ("done",)),
    "my_cases": Contract("lists the cases filed from this phone", ("some", "none")),
    "read_case": Contract(
        "opens a case to the phone that filed it, or by its PIN",
        ("waiting", "running", "replied", "ask_pin", "mistyped", "wrong", "locked"),
        ("reference",),
        ("ref", "status", "date", "due"),
    ),
    "read_answer": Contract(
        "reads the agency's last words", ("replied", "wrong", "locked"), ("reference",), ("answer",)
    ),
    "finished_case": Contract(
        "opens a case to be rated when it is over",
        ("finished", "open", "ask_pin", "mistyped", "wrong", "locked"),
        ("reference",),
        ("ref",),
    ),
    "lookup": Contract(
        "finds rows of a register; gives each field of a row by its name",
        ("found", "several", "near", "none", "stale", "missing", "locked"),
        ("register",),
        ("as_of",),
    ),
    "send_sms": Contract("sends the screen's words to this phone by SMS", ("sent", "muted", "spent"), ("text",)),
    "ask_agency": Contract(
        "opens a question to the register's agency",
        ("saved", *RATE_LIMITED),
        ("register",),
        ("ref", "pin", "send_from", "digit"),
    ),
    "vote": Contract(
        "counts an answer without its phone; one about `reference` once for that case",
        ("counted", "again"),
        ("subject", "choice"),
    ),
    "subscribe": Contract("asks for an SMS with news on a topic", ("done", "already"), ("topic", "place")),
    "my_subscriptions": Contract("lists what this phone asked news about", ("some", "none")),
    "unsubscribe": Contract("no more news on a line of that list", ("done",), ("subscription",)),
    "stop_sms": Contract("no more SMS to this phone", ("done",)),
    "start_sms": Contract("SMS to this phone again", ("done",)),
    "stored": Contract(
        "counts what is stored about this phone", ("done",), (), ("cases", "drafts", "subscriptions", "date")
    ),
    "forget": Contract("deletes what is stored about this phone; not by SMS", ("done", "unproven")),
    "forget_case": Contract(
        "takes the number off a case; by SMS only with its PIN", ("done", "wrong"), ("reference",), ("ref",)
    ),
    "new_pin": Contract(
        "another PIN for a case of this phone; not by SMS",
        ("done", "wrong", "unproven"),
        ("reference",),
        ("ref", "pin"),
    ),
}


def is_rate_limited(effect: str) -> bool:
    """Whether this effect files, and so may have to wait or be confirmed."""
    return effect in EFFECTS and EFFECTS[effect].outcomes[-len(RATE_LIMITED) :] == RATE_LIMITED


def broken(screen: Screen) -> Iterator[str]:
    """How a screen that asks for an effect breaks its contract."""
    contract = EFFECTS.get(screen.effect)
    if contract is None:
        yield f"there is no effect {screen.effect!r}; the effects are: {', '.join(EFFECTS)}"
        return
    if missing := [name for name in contract.outcomes if name not in screen.outcomes]:
        yield f"{screen.effect} may also end as {', '.join(missing)}: say under `go` where to"
    # A found row may lead to more than one screen: `found.status.ready` is a way of `found`.
    if unknown := [name for name in screen.outcomes if name.partition(".")[0] not in contract.outcomes]:
        yield f"{screen.effect} never ends as {', '.join(unknown)}; it ends as {', '.join(contract.outcomes)}"
    handed = [*screen.inputs, *screen.constants, *(["text"] if screen.text or screen.note else [])]
    if absent := [name for name in contract.needs if name not in handed]:
        yield f"{screen.effect} needs the answers {', '.join(absent)} in `inputs` or `constants`"
