"""What a text is written in: the shares of its scripts, by characters."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from typing import Final

from .families import Script

__all__ = ["digit_runs", "shares"]

# First code point of a block and the script from there on; blocks that matter for the count of tokens only.
_BLOCKS: Final[tuple[tuple[int, Script], ...]] = (
    (0x0000, "symbols"),
    (0x0041, "latin"),
    (0x005B, "symbols"),
    (0x0061, "latin"),
    (0x007B, "symbols"),
    (0x00C0, "accented"),
    (0x0370, "cyrillic"),  # Greek fares like Cyrillic
    (0x0590, "arabic"),  # and Hebrew like Arabic
    (0x0780, "other"),
    (0x0900, "indic"),
    (0x0E00, "thai"),
    (0x1000, "other"),
    (0x1100, "hangul"),
    (0x1200, "other"),
    (0x1E00, "accented"),
    (0x1F00, "cyrillic"),
    (0x2000, "symbols"),
    (0x2600, "emoji"),
    (0x27C0, "symbols"),
    (0x2E80, "han"),
    (0x3040, "kana"),
    (0x3100, "han"),
    (0x3130, "hangul"),
    (0x3190, "han"),
    (0xA000, "other"),
    (0xAC00, "hangul"),
    (0xD800, "other"),
    (0xF900, "han"),
    (0xFB00, "arabic"),
    (0xFF00, "han"),  # full-width forms keep company with Chinese and Japanese
    (0xFFF0, "other"),
    (0x1F000, "emoji"),
    (0x20000, "han"),
    (0x32000, "other"),
)
_STARTS: Final = [start for start, _ in _BLOCKS]

# Characters of a script to one o200k token, on running text: only the proportions between them matter.
_CHARACTERS_A_TOKEN: Final[Mapping[Script, float]] = {
    "latin": 4.2,
    "accented": 2.2,
    "symbols": 1.8,
    "han": 1.4,
    "kana": 1.5,
    "hangul": 1.7,
    "cyrillic": 3.4,
    "arabic": 2.8,
    "indic": 2.8,
    "thai": 2.4,
    "emoji": 0.8,
    "other": 1.0,
}

_REMEMBERED: Final = 20_000
_SAMPLE: Final = 200_000
_DIGITS: Final = re.compile(r"[0-9]{1,3}")


class _Scripts(dict[str, "Script | None"]):
    """The script of a character, remembered for the last few thousand of them."""

    def __missing__(self, character: str) -> Script | None:
        if len(self) > _REMEMBERED:
            self.clear()
        if character.isspace() or "0" <= character <= "9":
            script = None  # spaces mostly belong to the word after them; digits are counted apart
        else:
            script = _BLOCKS[bisect_right(_STARTS, ord(character)) - 1][1]
        self[character] = script
        return script


_SCRIPTS: Final = _Scripts()


def shares(text: str) -> dict[Script, float]:
    """The estimated share of each script in the tokens of ``text``; empty for a text without letters.

    A text of more than 200,000 characters is judged by three samples of it.
    """
    if len(text) > _SAMPLE:
        third = _SAMPLE // 3
        middle = len(text) // 2
        text = text[:third] + text[middle : middle + third] + text[-third:]
    weights: dict[Script, float] = {}
    for character, times in Counter(text).items():
        script = _SCRIPTS[character]
        if script is not None:
            weights[script] = weights.get(script, 0.0) + times / _CHARACTERS_A_TOKEN[script]
    total = sum(weights.values())
    return {script: weight / total for script, weight in weights.items()}


def digit_runs(text: str) -> tuple[int, int]:
    """How many groups of up to three digits the text has (as o200k cuts them), and how many digits."""
    groups = _DIGITS.findall(text)
    return len(groups), sum(map(len, groups))
