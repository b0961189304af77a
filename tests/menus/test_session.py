"""A session is plain data: it survives being kept, and a copy shares nothing with it."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from sado.menus.session import Session

TEXT = st.text(max_size=20)
SESSIONS = st.builds(
    Session,
    tree=TEXT,
    language=TEXT,
    screen=TEXT,
    page=st.integers(0, 9),
    error=TEXT,
    answers=st.dictionaries(TEXT, TEXT, max_size=3),
    values=st.dictionaries(TEXT, TEXT, max_size=3),
    items=st.lists(st.tuples(TEXT, TEXT), max_size=3),
    found_by=TEXT,
    trail=st.lists(TEXT, max_size=3),
    ahead=st.lists(TEXT, max_size=3),
    form=TEXT,
)


@given(SESSIONS)
def test_a_session_is_the_same_after_it_was_kept(session: Session) -> None:
    assert msgspec.json.decode(msgspec.json.encode(session), type=Session) == session


@given(SESSIONS)
def test_a_copy_is_the_same_and_shares_nothing(session: Session) -> None:
    before, copy = msgspec.json.encode(session), session.copied()
    assert copy == session
    for part in (copy.answers, copy.values):
        part["new"] = "new"
    for listed in (copy.items, copy.trail, copy.ahead):
        listed.clear()
    copy.screen = "elsewhere"
    assert msgspec.json.encode(session) == before


def test_a_session_of_an_earlier_release_can_still_be_read() -> None:
    old = b'{"tree":"1","language":"tg","screen":"root","answers":{"kind":"complaint"},"unknown":[]}'
    assert msgspec.json.decode(old, type=Session).answers == {"kind": "complaint"}
