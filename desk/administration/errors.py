"""Why a change is refused."""

from __future__ import annotations

from sado.store import StoreError


class RefusedError(StoreError):
    """A change that may not be made, and nothing was: a command says it in English, a page `sentence` in its language,
    filled with `values`."""

    def __init__(self, sentence: str, **values: object) -> None:
        super().__init__(sentence.format(**values))
        self.sentence = sentence
        self.values = values
