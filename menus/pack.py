"""A pack: everything about one country that the code asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from sado.menus.commands import Commands
from sado.menus.language.languages import Languages
from sado.menus.language.places import Gazetteer
from sado.menus.tree import Texts, Tree, filled

Clock = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="HH:MM")]


class SmsRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How SMS are sent: the price of a segment, between which hours only what was asked for is sent, and after how many
    hours a notice is of no use."""

    price: Annotated[str, Meta(pattern=r"^\d+(\.\d{1,3})?$", description="of a segment, in the country's money")]
    quiet: tuple[Clock, Clock] = ("21:00", "07:00")
    expires_hours: Annotated[int, Meta(ge=1, le=720)] = 72


@dataclass(frozen=True)
class Agency:
    """A body that receives cases: its code and its name in each language."""

    code: str
    names: Mapping[str, str]


@dataclass(frozen=True)
class Pack:
    """Everything about one country that the code asks for. `law` and `registers` are as written: `cases` reads
    them (cases/law.py, cases/registers/lookup.py)."""

    name: str
    tree: Tree
    gazetteer: Gazetteer
    agencies: Mapping[str, Agency]
    routing: Mapping[str, str]
    statuses: Mapping[str, Mapping[str, str]]
    messages: Mapping[str, Mapping[str, str]]
    case_words: Mapping[tuple[str, str], Texts]
    country: str
    sms: SmsRules
    commands: Commands
    law: Mapping[str, Any]
    registers: Mapping[str, Any]

    @property
    def time_zone(self) -> str:
        """The country's clock, by which the law's days are counted."""
        return str(self.law.get("time_zone", "UTC"))

    @property
    def languages(self) -> Languages:
        """The languages and scripts that residents choose among."""
        return self.tree.languages

    def case_word(self, part: str, code: str, language: str) -> str:
        """The word for a case's `kind` or `topic`; one that this version of the pack does not know shows as it came."""
        return str(self.case_words.get((part, code), {}).get(language, code))

    def message(self, name: str, language: str, **values: str) -> str:
        """An SMS text in `language` (or the pack's default), filled."""
        texts, known = self.messages[name], {**self.tree.fixed_placeholders, **values}
        return filled(texts.get(language) or texts[self.languages.default], lambda name: known.get(name, ""))

    def dialled_at(self, service_code: str) -> Pack:
        """The pack where this code is dialled: `{ussd}` is the code, `{dial}` what comes before further digits, as in
        *1339*6*7*4#."""
        codes = {"ussd": service_code, "dial": service_code.removesuffix("#")}
        tree = replace(self.tree, fixed_placeholders={**self.tree.fixed_placeholders, **codes})
        return replace(self, tree=tree)

    def status(self, status: str, language: str) -> str:
        """The word for a status; a status of a newer release shows as it came."""
        return self.statuses.get(status, {}).get(language, status)
