"""An event becomes values where its body is fields as we write them, and comes back byte for byte in any case."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sado.sync.wire import records
from sado.sync.wire.records import Shape, Wired

SENT_AT = 1_767_225_600_000
MANY = {f"field{number}": number for number in range(records.MOST_FIELDS)}


def as_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def crossed(event: Wired) -> Wired:
    shape, row = records.row_of(event, SENT_AT)
    assert len(row) == shape.width
    return records.event_of(shape, row, SENT_AT)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ('{"event":"7.1","at":5}', ["event", "at"]),
        ('{"at":5,"event":"7.1"}', ["at", "event"]),
        (as_json({"number": records.LARGEST - 1, "other": 1 - records.LARGEST}), ["number", "other"]),
        (as_json(MANY), list(MANY)),
        ('{"text":"\\u0000\\u001b"}', ["text"]),
        ('{"":1,"\\u0001":2}', ["", "\x01"]),
    ],
)
def test_a_body_of_texts_and_whole_numbers_has_a_value_for_each(body: str, names: list[str]) -> None:
    event = Wired("case.moved", "007000001", body)
    shape, _ = records.row_of(event, SENT_AT)
    assert shape == Shape("case.moved", tuple(names))
    assert crossed(event) == event


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        "[1]",
        "null",
        '{"text": "a space"}',
        '{"a":1,"a":1}',
        '{"a":true}',
        '{"a":null}',
        '{"a":1.5}',
        '{"a":1.0}',
        '{"a":-0}',
        '{"a":[1]}',
        '{"a":"\\u0410"}',
        as_json({"a": records.LARGEST}),
        as_json({"a": -records.LARGEST}),
        as_json({**MANY, "one more": 1}),
        "[" * 100_000,
        '{"a":' * 100_000,
        "not json",
    ],
)
def test_any_other_body_is_one_value(body: str) -> None:
    event = Wired("case.noise", "", body)
    assert records.row_of(event, SENT_AT)[0] == Shape("case.noise")
    assert crossed(event) == event


@given(
    st.text(),
    st.text(),
    st.one_of(st.text(), st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.booleans())).map(as_json)),
    st.integers(-(1 << 50), 1 << 50),
    st.integers(-(1 << 50), 1 << 50),
    st.sampled_from(["", "0123456789abcdef"]),
    st.integers(0, 9),
)
def test_any_event_comes_back(kind: str, reference: str, body: str, ago: int, slip: int, name: str, hops: int) -> None:
    event = Wired(kind, reference, body, ago, slip, name, hops)
    assert crossed(event) == event


SHAPE = Shape("case.moved", ("event", "at"))
ROW = (SENT_AT - 5, "007000001", 0, 0, "", "7.1", 9)


def test_a_row_is_an_event() -> None:
    event = Wired("case.moved", "007000001", '{"event":"7.1","at":9}', 5)
    assert records.event_of(SHAPE, ROW, SENT_AT) == event


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (0, "5"),
        (0, records.LARGEST),
        (1, 5),
        (2, ""),
        (2, -records.LARGEST),
        (3, "1"),
        (3, -1),
        (4, 1),
        (4, "no hex digits..."),
        (4, "0123456789abcde"),
        (4, "0123456789ABCDEF"),
        (4, "0123456789abcdef\n"),
        (6, records.LARGEST),
    ],
)
def test_a_value_that_its_field_cannot_hold_is_refused(at: int, value: str | int) -> None:
    row = [*ROW[:at], value, *ROW[at + 1 :]]
    with pytest.raises(ValueError, match="."):
        records.event_of(SHAPE, row, SENT_AT)


def test_a_body_that_is_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="str"):
        records.event_of(Shape("case.noise"), (*ROW[:5], 7), SENT_AT)


def test_more_fields_than_any_event_has_are_refused() -> None:
    for fields, is_taken in ((tuple(MANY), True), ((*MANY, "one more"), False)):
        packed = msgspec.msgpack.encode(Shape("kind", fields))
        if is_taken:
            assert msgspec.msgpack.decode(packed, type=Shape).width == records.META + records.MOST_FIELDS
        else:
            with pytest.raises(ValueError, match="length <= 50"):
                msgspec.msgpack.decode(packed, type=Shape)
