"""The city or district somebody typed, in any of the ways people spell it."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from menus.folding import fold

__all__ = ["Gazetteer", "Place", "UnknownPlaceError", "fold"]

_ALPHABET = "абвгғдеёжзиӣйкқлмнопрстуӯфхҳчҷшъэюя"  # The order of 1998.
_LANGUAGES = ("tg", "ru", "en")


class UnknownPlaceError(KeyError):
    """No city or district has this code: the code is not from this country's list."""


@dataclass(frozen=True)
class Place:
    """A city or district: `names` in full, to be recognised; `short` ones, for lists."""

    code: str
    region: str
    names: Mapping[str, str] = field(hash=False)
    short: Mapping[str, str] = field(hash=False)


class Gazetteer:
    """All places of one country, found by what people type."""

    def __init__(
        self,
        places: Mapping[str, Place],
        index: Mapping[str, tuple[Place, ...]],
        regions: Mapping[str, Mapping[str, str]],
    ) -> None:
        self._places = places
        self._index = index
        self.regions = regions

    @classmethod
    def load(cls, folder: Path) -> "Gazetteer":
        """Read `districts.csv` and `regions.csv` of a country pack, and build the index once."""
        rows = list(_rows(folder / "districts.csv"))
        places = {row["code"]: _place(row) for row in rows}
        regions = {row["iso"]: _names(row, "short_") for row in _rows(folder / "regions.csv")}
        return cls(places, _index(rows, places), regions)

    def find(self, typed: str) -> tuple[Place, ...]:
        """Give the places typed, present names before former ones; failing that, those one letter away.

        Names repeat and near misses are real places (Ашт, Рашт): the person must confirm the answer.
        """
        key = fold(typed)
        if key in self._index or len(key) < 4:
            return self._index.get(key, ())
        near = [places for name, places in self._index.items() if _one_edit_apart(key, name)]
        return _once(place for places in near for place in places)

    def get(self, code: str) -> Place:
        """Give the place with this code, or raise UnknownPlaceError."""
        try:
            return self._places[code]
        except KeyError:
            raise UnknownPlaceError(code) from None

    def in_region(self, iso: str) -> tuple[Place, ...]:
        """Give the places of a region in the order of the Tajik alphabet, as a reader looks for them."""
        members = [place for place in self._places.values() if place.region == iso]
        return tuple(sorted(members, key=_alphabetical))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _names(row: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {language: row[prefix + language] for language in _LANGUAGES}


def _place(row: Mapping[str, str]) -> Place:
    """Name a place as on a door plate: "г. Худжанд", "Аштский р-н" (short: a screen holds 80 letters)."""
    city = row["type"] in ("city", "capital")
    russian = f"г. {row['name_ru']}" if city else row["name_ru"].replace("район", "р-н")
    english = f"{row['name_en']} {'city' if city else 'district'}"
    short = _names(row, "name_") | {"ru": row["name_ru"].replace("район", "").strip()}
    names = {"tg": row["name_tg_full"], "ru": russian, "en": english}
    return Place(row["code"], row["region_iso"], names, short)


def _index(rows: list[dict[str, str]], places: Mapping[str, Place]) -> dict[str, tuple[Place, ...]]:
    """Map each key to its places; all present names go in first, so that they are offered first."""
    spellings = [(row["code"], name) for row in rows for name in _names(row, "name_").values()]
    spellings += [(row["code"], name) for row in rows for name in row["former_names"].split(";")]
    index: dict[str, tuple[Place, ...]] = {}
    for code, name in spellings:
        for key in _keys(name):
            index[key] = _once((*index.get(key, ()), places[code]))
    return index


def _keys(name: str) -> set[str]:
    """Fold a name; a Russian one such as "Яванский район" is also asked for as "Яван"."""
    key = fold(name)
    return {key, key.removesuffix("ски")} - {""}


def _once(places: Iterable[Place]) -> tuple[Place, ...]:
    return tuple(dict.fromkeys(places))


def _one_edit_apart(one: str, other: str) -> bool:
    """Tell whether one letter changed, added or left out turns one key into the other."""
    short, long = sorted((one, other), key=len)
    if len(short) == len(long):
        return sum(a != b for a, b in zip(short, long, strict=True)) == 1
    return len(long) - len(short) == 1 and any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


def _alphabetical(place: Place) -> list[int]:
    # A space is not in the alphabet: find gives -1, so a shorter first word comes first.
    return [_ALPHABET.find(letter) for letter in place.short["tg"].lower()]
