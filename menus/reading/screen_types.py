"""The types of screens that an administrator writes.

Each class is one `type:` of the YAML and is where its fields are documented: the published JSON Schema is made of
these. Its `screens` turns it into screens of the engine (menus/tree.py): a `poll` becomes a choice and an action, a
`prompt` for a place becomes the prompt and the questions that follow it. What an administrator can say grows here;
the engine does not.
"""

from __future__ import annotations

from sado.menus.reading.acting import Action, Ask, Goto, Lookup, Sms, Subscribe
from sado.menus.reading.contract import ScreenTypes
from sado.menus.reading.showing import CaseList, Choice, LanguageChoice, List, Notice, Poll, Prompt, Rating

# In the order in which a fault names them.
_CLASSES = (
    Choice,
    Prompt,
    Notice,
    List,
    Lookup,
    Ask,
    Sms,
    CaseList,
    LanguageChoice,
    Poll,
    Rating,
    Subscribe,
    Goto,
    Action,
)
# Every class by its `type:`.
SCREEN_TYPES: ScreenTypes = {str(written.__struct_config__.tag): written for written in _CLASSES}
