"""The city or district somebody typed, in any of the ways people spell it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from sado.menus.language import csv_rows
from sado.menus.language.csv_rows import Row
from sado.menus.language.folding import is_one_edit_apart
from sado.menus.language.languages import Languages
from sado.menus.misfits import Misfit, MisfitError

DISTRICTS, REGIONS = "districts.csv", "regions.csv"


@dataclass(frozen=True)
class Place:
    """A city or district: `names` in full, to be recognised; `short` ones, for lists. Both in every language."""

    code: str
    region: str
    names: Mapping[str, str] = field(hash=False)
    short: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True)
class Found:
    """What somebody may have meant. Where it is not `exact`, each place is one letter away: a question to ask her,
    never an answer to take."""

    places: tuple[Place, ...]
    exact: bool


class Gazetteer:
    """All places of one country, found by what people type."""

    def __init__(
        self,
        places: Mapping[str, Place],
        index: Mapping[str, tuple[Place, ...]],
        place_words: Set[str],
        regions: Mapping[str, Mapping[str, str]],
        languages: Languages,
    ) -> None:
        self._places = places
        self._index = index
        self._place_words = place_words
        self.regions = regions
        self._languages = languages

    @classmethod
    def read(
        cls, districts_csv: str, regions_csv: str, languages: Languages, place_words: Iterable[str] = ()
    ) -> Gazetteer:
        """Take the two lists of a pack, and build the index once.

        Both have `short_` columns for each written language, districts `full_` ones too, and names that people also
        type in `other_names` and `former_names`, parted by semicolons. `place_words` are those for "city" and
        "district", typed beside a name or not. Raises MisfitError with every fault at once.
        """
        if misfits := [*_misfits(csv_rows.read(districts_csv), csv_rows.read(regions_csv), languages)]:
            raise MisfitError(misfits)
        rows, regions = ([row for _, row in csv_rows.read(text)] for text in (districts_csv, regions_csv))
        drop = frozenset(languages.fold(word) for word in place_words)
        places = {row["code"]: _place(row, languages) for row in rows}
        named = {row["iso"]: languages.complete(_texts(row, "short", languages)) for row in regions}
        return cls(places, _index(rows, places, drop, languages), drop, named, languages)

    def find(self, typed: str) -> Found:
        """Give the places typed, present names before former ones; failing that, those one letter away.

        Names repeat, and near misses are real places (Ашт, Рашт).
        """
        key = self._languages.fold(typed, self._place_words)
        if key in self._index or len(key) < 4:
            return Found(self._index.get(key, ()), exact=key in self._index)
        near = [places for name, places in self._index.items() if is_one_edit_apart(key, name)]
        return Found(_once(place for places in near for place in places), exact=False)

    def __iter__(self) -> Iterator[Place]:
        """Every place."""
        return iter(self._places.values())

    def name(self, code: str, language: str) -> str:
        """Give the full name of a place; its code where the list, or the pack its language, does not have it."""
        return self._places[code].names.get(language, code) if code in self._places else code

    def short_name(self, code: str, language: str) -> str:
        """Give the short name of a place; its code where the list, or the pack its language, does not have it."""
        return self._places[code].short.get(language, code) if code in self._places else code

    def in_region(self, iso: str) -> tuple[Place, ...]:
        """Give the places of a region in the alphabet of the default language, whose readers look for them."""
        default = self._languages.default
        members = [place for place in self._places.values() if place.region == iso]
        return tuple(sorted(members, key=lambda place: self._languages.alphabetical(place.short[default], default)))


def _texts(row: Row, prefix: str, languages: Languages) -> dict[str, str]:
    return {code: row[f"{prefix}_{code}"] for code in languages.written}


def _place(row: Row, languages: Languages) -> Place:
    names, short = (languages.complete(_texts(row, prefix, languages)) for prefix in ("full", "short"))
    return Place(row["code"], row["region_iso"], names, short)


def _index(
    rows: Sequence[Row], places: Mapping[str, Place], drop: Set[str], languages: Languages
) -> dict[str, tuple[Place, ...]]:
    """Map each key to its places; all present names go in first, so that they are offered first."""
    spellings = [(place, name) for place in places.values() for name in (*place.short.values(), *place.names.values())]
    for column in ("other_names", "former_names"):
        spellings += [(places[row["code"]], name) for row in rows for name in row[column].split(";")]
    index: dict[str, tuple[Place, ...]] = {}
    for place, name in spellings:
        if key := languages.fold(name, drop):
            index[key] = _once((*index.get(key, ()), place))
    return index


def _once(places: Iterable[Place]) -> tuple[Place, ...]:
    return tuple(dict.fromkeys(places))


Lines = Sequence[tuple[int, Row]]


def _misfits(districts: Lines, regions: Lines, languages: Languages) -> Iterator[Misfit]:
    short, full = ([f"{prefix}_{code}" for code in languages.written] for prefix in ("short", "full"))
    needed = ["code", "region_iso", *short, *full]
    yield from ((REGIONS, (line,), says) for line, says in _row_faults("region", regions, ["iso", *short]))
    yield from ((DISTRICTS, (line,), says) for line, says in _row_faults("district", districts, needed))
    if districts and not districts[0][1].keys() >= {"other_names", "former_names"}:
        yield DISTRICTS, (1,), "districts need the columns other_names and former_names; a cell may be empty"
    iso_codes = {row["iso"] for _, row in regions if "iso" in row}
    for line, row in districts if iso_codes else ():
        if "region_iso" in row and row["region_iso"] not in iso_codes:
            yield DISTRICTS, (line,), f"there is no region {row['region_iso']}"


def _row_faults(kind: str, rows: Lines, needed: Sequence[str]) -> Iterator[tuple[int, str]]:
    """(line, what to do). The first needed column names a row: no two may share it."""
    if not rows:
        yield 1, f"there is no {kind}"
    elif absent := [column for column in needed if column not in rows[0][1]]:
        yield 1, f"the list of {kind}s has no column {', '.join(absent)}"
    else:
        codes = Counter(row[needed[0]] for _, row in rows)
        for line, row in rows:
            if empty := [column for column in needed if not row[column]]:
                yield line, f"nothing in {', '.join(empty)}"
            if codes[row[needed[0]]] > 1:
                yield line, f"{row[needed[0]]} stands in two rows"
