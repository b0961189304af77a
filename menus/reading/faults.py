"""Faults of a pack: what is wrong, in which file and line, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

import msgspec
import yaml

from sado.menus.misfits import Path
from sado.menus.reading.yaml_data import LOADER

NOT_UTF8 = "this is not UTF-8: save it in that encoding"
# What to do about a value of the wrong type, by what msgspec says of it.
ADVICE = {
    "Expected `object`": "write names with their values, such as {en: Words}",
    "Expected `array`": "write a list: lines that begin with a dash",
    "got `bool`": "put quotes around words such as yes, no, on and off",
}


@dataclass(frozen=True, order=True)
class Fault:
    """One fault. `line` counts from 1; `language` is empty where it is the same in all of them."""

    file: str
    line: int
    screen: str
    language: str
    says: str

    def __str__(self) -> str:
        where = " ".join(part for part in (self.screen, self.language) if part)
        return f"{self.file}:{self.line}: {where}: {self.says}" if where else f"{self.file}:{self.line}: {self.says}"


def lines(text: str) -> yaml.Node | None:
    """The nodes of a YAML file that was read (yaml_data.py), which know their lines; None for an empty file."""
    return yaml.compose(text, Loader=LOADER)


def line_of(node: yaml.Node | None, path: Path) -> int:
    """The line where `path` stands in a file, or as much of it as is there."""
    line = 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            entry = next(((key, value) for key, value in node.value if key.value == str(step)), None)
            if entry is None:
                break
            line, node = entry[0].start_mark.line + 1, entry[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line


def misfits(value: Any, wanted: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Everywhere that `value`, as read from YAML, does not fit the type `wanted`: (where, what to do).

    msgspec tells the first misfit; a person mends a file faster when told all of them at once."""
    wanted = _bare(wanted)
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct) and isinstance(value, dict):
        yield from _struct_misfits(value, wanted, path)
    elif get_origin(wanted) is list and isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from misfits(item, get_args(wanted)[0], (*path, number))
    elif get_origin(wanted) is dict and isinstance(value, dict) and value:
        for key, item in value.items():
            if not isinstance(key, str):
                yield path, f"{key!r} is no name: put quotes around words such as yes, no, on and off"
            yield from misfits(item, get_args(wanted)[1], (*path, key))
    else:
        yield from _misfit(value, wanted, path)


def _struct_misfits(value: Mapping[str, Any], wanted: type[msgspec.Struct], path: Path) -> Iterator[tuple[Path, str]]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(wanted)}
    tag = wanted.__struct_config__.tag_field
    for key in value:
        if key not in fields and key != tag:
            yield (*path, key), f"there is no `{key}` here{_nearest(str(key), fields)}"
    for name, field in fields.items():
        if name in value and value[name] is None and field.default is None:
            continue
        if name in value:
            yield from misfits(value[name], field.type, (*path, name))
        elif field.required:
            yield path, f"`{name}` is missing{_described(field.type)}"


def _misfit(value: Any, wanted: Any, path: Path) -> Iterator[tuple[Path, str]]:
    try:
        msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        says = str(error).partition(" - at ")[0]
        advice = (advice for part, advice in ADVICE.items() if part in says)
        yield path, "; ".join([says, *advice])


def _bare(wanted: Any) -> Any:
    """The type without its description, and without `None` beside it."""
    while get_origin(wanted) is Annotated and not _is_constrained(wanted):
        wanted = get_args(wanted)[0]
    choices = [choice for choice in get_args(wanted) if choice is not type(None)]
    is_optional = type(None) in get_args(wanted) and len(choices) == 1
    return _bare(choices[0]) if is_optional else wanted


def _is_constrained(wanted: Any) -> bool:
    """Whether msgspec has more to check here than the type of each part."""
    base, *metas = get_args(wanted)
    is_leaf = get_origin(base) not in (list, dict)
    limits = ("pattern", "ge", "le", "min_length", "max_length")
    return is_leaf and any(getattr(meta, limit, None) is not None for meta in metas for limit in limits)


def _nearest(key: str, allowed: Iterable[str]) -> str:
    import difflib  # a sound pack needs no advice

    near = difflib.get_close_matches(key, list(allowed), 1)
    return f"; did you mean `{near[0]}`?" if near else f"; there can be: {', '.join(allowed)}"


def _described(wanted: Any) -> str:
    metas = get_args(wanted)[1:] if get_origin(wanted) is Annotated else ()
    words = next((meta.description for meta in reversed(metas) if getattr(meta, "description", None)), "")
    return f": {words}" if words else ""
