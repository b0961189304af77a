"""The phone in the terminal, on a real station over HTTP: what a bad network does to it harms no appeal."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from werkzeug.serving import make_server

from sado.cli import terminal_phone
from sado.menus.handset import Handset, Letters
from tests.support import filing
from tests.support.station import WEBHOOK, Station, open_station

MMI_FAULT = "Connection problem or invalid MMI code."
NUMBER, CODE = "+992900000005", "*1339#"
FILING = filing.typed()
MY_APPEALS = ("1", "2")


@dataclass
class Terminal:
    """A terminal with a real station behind it. `said` is what the last use printed."""

    station: Station
    url: str
    read_out: Callable[[], str]
    said: str = ""

    def use(self, *lines: str, handset: Handset | None = None, code: str = CODE) -> str:
        """Dial, type these lines and Ctrl-D."""
        left = iter(lines)

        def ask() -> str:
            try:
                return next(left)
            except StopIteration:
                raise click.Abort from None

        self.read_out()
        terminal_phone.run(self.url, NUMBER, code, handset or Handset(), ask)
        self.said = self.read_out()
        return self.said

    def references(self) -> list[str]:
        return [case.reference for case in self.station.filed(NUMBER)]

    def sessions(self) -> list[str | None]:
        """How the gateway said that each session ended; None for one that it said nothing about."""
        rows = self.station.store.read(lambda tx: tx.all("SELECT outcome FROM sessions ORDER BY updated_at, id"))
        return [outcome for (outcome,) in rows]


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Terminal]:
    with open_station(tmp_path) as station:
        server = make_server("127.0.0.1", 0, station.client.application, threaded=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Terminal(station, f"http://127.0.0.1:{server.server_port}{WEBHOOK}", lambda: capsys.readouterr().out)
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_appeal_is_filed_and_the_phone_is_at_rest(terminal: Terminal) -> None:
    terminal.use(*FILING)

    assert terminal.references()[0] in terminal.said
    assert "Enter dials *1339# again" in terminal.said
    assert terminal.sessions() == [None]


def test_enter_dials_again_in_a_session_of_its_own(terminal: Terminal) -> None:
    terminal.use(*FILING, "", *MY_APPEALS)

    assert terminal.said.count(terminal.references()[0]) == 2
    assert len(terminal.sessions()) == 2


def test_ctrl_d_tells_the_station_that_an_open_session_ended(terminal: Terminal) -> None:
    terminal.use(*FILING[:2])

    assert terminal.sessions() == ["Incomplete"]


def test_a_repeated_filing_leaves_one_case_and_shows_the_same_answer(terminal: Terminal) -> None:
    said = terminal.use(*FILING, "/repeat", "/repeat")

    (reference,) = terminal.references()
    assert said.count(f" {reference}") == 3
    assert said.count("both answers are the same to the letter") == 2


def test_filing_twice_in_two_sessions_leaves_two_cases(terminal: Terminal) -> None:
    """The control of the test above: what leaves one case is that the request is a repeat."""
    terminal.use(*FILING, "", *FILING[1:])

    assert len(terminal.references()) == 2


def test_an_answer_that_changed_is_told(terminal: Terminal) -> None:
    lines = iter([*FILING[:2], "/repeat"])

    def ask() -> str:
        line = next(lines, "")
        if line == "/repeat":
            terminal.station.clock.move(24 * 3600)
        if not line:
            raise EOFError
        return line

    terminal_phone.run(terminal.url, NUMBER, CODE, Handset(), ask)
    assert "the second answer is another one" in terminal.read_out()


def test_a_lost_reply_of_the_filing_leaves_one_case_that_the_list_shows(terminal: Terminal) -> None:
    said = terminal.use(*FILING[:-1], "/lose", FILING[-1], "", *MY_APPEALS)

    (reference,) = terminal.references()
    assert MMI_FAULT in said
    assert said.count(reference) == 1
    assert said.index(MMI_FAULT) < said.index(reference)


def test_a_lost_reply_comes_with_the_repeat(terminal: Terminal) -> None:
    said = terminal.use(*FILING[:-1], "/lose", FILING[-1], "/repeat")

    (reference,) = terminal.references()
    assert said.index(MMI_FAULT) < said.index(reference)


def test_a_session_whose_reply_was_lost_goes_on_after_the_repeat(terminal: Terminal) -> None:
    terminal.use(*FILING[:3], "/lose", FILING[3], "/repeat", *FILING[4:])

    assert len(terminal.references()) == 1


def test_only_one_reply_is_lost(terminal: Terminal) -> None:
    assert terminal.use("/lose", FILING[0], "", FILING[1]).count(MMI_FAULT) == 1


def test_a_dropped_session_is_told_to_the_station_and_the_next_is_new(terminal: Terminal) -> None:
    said = terminal.use(*FILING[:4], "/drop", "")

    assert "The network ended the session." in said
    assert terminal.sessions() == ["Incomplete", "Incomplete"]
    assert terminal.references() == []


def test_after_a_drop_there_is_nothing_to_drop_or_repeat(terminal: Terminal) -> None:
    said = terminal.use("/drop", "/drop", "/repeat")

    assert "No session is open." in said and "There is no request to repeat." in said
    assert terminal.sessions() == ["Incomplete"]


def test_a_cut_screen_shows_what_is_left_and_tells_what_is_lost(terminal: Terminal) -> None:
    said = terminal.use("1", "/cut 14", "/cut", handset=Handset(cut=20)).splitlines()

    last_line_of_the_whole_screen = [line for line in said if line.startswith("|")][-1].strip("| ")
    lost = [line for line in said if "never came" in line]
    assert [line.split(",")[0].strip() for line in lost] == ["cut at 20", "cut at 20", "cut at 14"]
    assert all(line.endswith(last_line_of_the_whole_screen) for line in lost[1:])
    assert [last_line_of_the_whole_screen in line for line in said if line.startswith("|")].count(True) == 1


@pytest.mark.parametrize("wrong", ["/cut 0", "/cut x", "/cut -3", "/cut 1 2"])
def test_a_cut_that_is_no_number_changes_nothing(terminal: Terminal, wrong: str) -> None:
    said = terminal.use(wrong, "1")

    assert "such as /cut 60" in said and "never came" not in said


@pytest.mark.parametrize(
    ("handset", "is_lacking", "is_there"),
    [
        (Handset(), "□", "Тоҷикӣ"),
        (Handset(letters=Letters.RUSSIAN), "Тоҷикӣ", "То□ик□"),
        (Handset(letters=Letters.LATIN), "Русский", "□□□□□□□"),
    ],
)
def test_a_phone_shows_a_box_for_a_letter_that_it_lacks(
    terminal: Terminal, handset: Handset, is_lacking: str, is_there: str
) -> None:
    said = terminal.use(handset=handset)

    assert is_there in said and is_lacking not in said


def test_the_letters_can_be_changed_on_the_way(terminal: Terminal) -> None:
    said = terminal.use("/latin", "/russian", "/all")

    assert [word in said for word in ("□□□□□□□", "То□ик□")] == [True, True]
    assert said.count("Тоҷикӣ") == 2


def test_a_command_that_does_not_exist_is_explained_and_not_sent(terminal: Terminal) -> None:
    said = terminal.use(*FILING[:6], "/dorp", *FILING[6:])

    assert "There is no /dorp. These are known:" in said and "/drop" in said
    assert len(terminal.references()) == 1


@pytest.mark.parametrize("line", ["drop", "*", "#", "1/2", "help"])
def test_what_a_resident_types_is_never_a_command(terminal: Terminal, line: str) -> None:
    terminal.use("1", line)

    assert terminal.said.count("+----") >= 6
    assert "  /drop " not in terminal.said


def test_what_is_no_code_is_not_dialled(terminal: Terminal) -> None:
    said = terminal.use(*FILING, "1339")

    assert "This is no code to dial" in said
    assert len(terminal.sessions()) == 1


def test_another_code_can_be_dialled_at_rest(terminal: Terminal) -> None:
    terminal.use(*FILING, "*1339*1*2#")

    assert terminal.said.count(terminal.references()[0]) == 2


def test_help_lists_every_command(terminal: Terminal) -> None:
    said = terminal.use("/help")

    assert all(f"/{name}" in said for name in ("drop", "lose", "repeat", "cut N", "latin", "russian", "all", "help"))
