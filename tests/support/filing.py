"""How an appeal is filed, for tests about something else: what is typed in the dialogue that shows it."""

from pathlib import Path

_DIALOGUE = Path(__file__).parents[1] / "dialogues" / "filing.tg.txt"


def typed() -> list[str]:
    """Every answer from the first dial of a new phone to the reference; the last one files the appeal."""
    session = _DIALOGUE.read_text("utf-8").partition("\nEND")[0]
    return [line.removeprefix(">").strip() for line in session.splitlines() if line.startswith(">")]
