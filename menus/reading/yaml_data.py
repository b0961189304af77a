"""YAML of others as plain data, with bounds on what it may grow to: they are looked at before anything is built.

The events of the parser do not call each other, so no depth ends the process, as PyYAML's own composer would at some
twenty thousand brackets. What an alias stands for counts again wherever it is used: whoever reads the data meets it
there.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import yaml

# In C where the library has it. One loader reads and finds lines: the two do not take quite the same files.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEEPEST = 30
MOST_NODES = 500_000
# What is no text: a number of more digits than this takes ever longer to read, and nothing here counts so far.
LONGEST_NUMBER = 40
_STR = "tag:yaml.org,2002:str"


@dataclass
class _Anchored:
    """What an alias stands for: its data, of how many nodes and how many deep. None of it is known while it is read."""

    data: Any = None
    nodes: int = 0
    depth: int = 0
    is_read: bool = False


def read(text: str) -> Any:
    """The data in this text; an empty mapping for an empty one. A name written twice is a fault, not the last one.
    Raises yaml.YAMLError, which knows the line, also for what is too much or too deep."""
    reader = _Reader(text)
    try:
        return reader.document()
    finally:
        reader.loader.dispose()


class _Reader:
    """One pass over the events of one text."""

    def __init__(self, text: str) -> None:
        self.loader = LOADER(text)
        self._anchors: dict[str | None, _Anchored] = {}
        self._nodes = 0
        self._deepest = 0

    def document(self) -> Any:
        """The data of the one document."""
        data: Any = {}
        self.loader.get_event()
        if not self.loader.check_event(yaml.StreamEndEvent):
            self.loader.get_event()
            data = self._value(self.loader.get_event(), 1)
            self.loader.get_event()
        if not self.loader.check_event(yaml.StreamEndEvent):
            raise _fault(self.loader.peek_event(), "another document begins here: a file holds one")
        return data

    def _value(self, event: yaml.NodeEvent, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._again(event, depth)
        if event.anchor is None:
            return self._new(event, depth)
        if event.anchor in self._anchors:
            raise _fault(event, f"found duplicate anchor {event.anchor}")
        anchored = self._anchors[event.anchor] = _Anchored()
        before, above, self._deepest = self._nodes, self._deepest, depth
        anchored.data = self._new(event, depth)
        anchored.nodes, anchored.depth, anchored.is_read = self._nodes - before, self._deepest - depth, True
        self._deepest = max(self._deepest, above)
        return anchored.data

    def _again(self, event: yaml.AliasEvent, depth: int) -> Any:
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            raise _fault(event, f"found undefined alias {event.anchor}")
        if not anchored.is_read:
            raise _fault(event, "something here is a part of itself")
        self._count(event, anchored.nodes, depth + anchored.depth)
        return anchored.data

    def _new(self, event: yaml.NodeEvent, depth: int) -> Any:
        self._count(event, 1, depth)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        return self._list(depth) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(depth)

    def _count(self, event: yaml.NodeEvent, nodes: int, depth: int) -> None:
        self._nodes += nodes
        self._deepest = max(self._deepest, depth)
        if depth > DEEPEST:
            raise _fault(event, f"this lies more than {DEEPEST} deep")
        if self._nodes > MOST_NODES:
            raise _fault(event, f"this file grows beyond {MOST_NODES} values")

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        tag = event.tag
        if tag is None or tag == "!":
            tag = self.loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        if tag == _STR:
            return event.value
        if len(event.value) > LONGEST_NUMBER:
            raise _fault(event, f"a value that is no text has at most {LONGEST_NUMBER} signs: put quotes around a text")
        try:
            node = yaml.ScalarNode(tag, event.value, _mark(event))
            return yaml.constructor.SafeConstructor().construct_object(node)
        except (ValueError, LookupError, TypeError, AttributeError):
            raise _fault(event, f"this is no {tag.rpartition(':')[2]}: put quotes around a text") from None

    def _list(self, depth: int) -> list[Any]:
        data = []
        while not isinstance(event := self.loader.get_event(), yaml.SequenceEndEvent):
            data.append(self._value(event, depth + 1))
        return data

    def _mapping(self, depth: int) -> dict[Hashable, Any]:
        data: dict[Hashable, Any] = {}
        while not isinstance(event := self.loader.get_event(), yaml.MappingEndEvent):
            name = self._value(event, depth + 1)
            if not isinstance(name, Hashable):
                raise _fault(event, "a name is one word, no list and no mapping")
            if name in data:
                raise _fault(event, f"{name} is defined twice")
            data[name] = self._value(self.loader.get_event(), depth + 1)
        return data


def _fault(event: yaml.Event, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=_mark(event))


def _mark(event: yaml.Event) -> Any:
    """Where it begins: the parser in C has marks of its own, which do as well."""
    return event.start_mark
