"""What models say: a walk over a small stock of sentences, in the token ids of the model's own vocabulary."""

from __future__ import annotations

import codecs
import json
import random
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Final, NamedTuple

from .counting import Tokenizer

__all__ = ["Piece", "Prose", "pieces"]

_HAN: Final = re.compile(r"[一-鿿]")
_CODE: Final = re.compile(r"\b(code|python|function|sql|javascript|script)\b|代码|函数", re.IGNORECASE)


class Piece(NamedTuple):
    """Some text and the tokens it took. Text may be empty at the very end, where a character stayed unfinished."""

    text: str
    tokens: tuple[bytes, ...]


class Prose:
    """Sentences by language, measured once for each vocabulary."""

    def __init__(self) -> None:
        text = (files("pingtoken_sdk.sandbox") / "data" / "prose.json").read_text(encoding="utf-8")
        self._stock: dict[str, list[str]] = json.loads(text)
        self._counts: dict[tuple[str, str], int] = {}

    def walk(self, tokenizer: Tokenizer, rng: random.Random, language: str, at_least: int) -> list[bytes]:
        """Whole sentences, at least ``at_least`` tokens of them."""
        stock = self._stock[language]
        glue = " " if language in {"en", "thought"} else "\n" if language == "code" else ""
        text = ""
        parts = 0
        left: list[str] = []
        while True:
            while parts < at_least or not text:
                if not left:
                    left = rng.sample(stock, len(stock))
                sentence = glue + left.pop() if text else left.pop()
                parts += self._count(tokenizer, sentence)
                text += sentence
            # Tokens reach over the ends of sentences, so the whole is what counts.
            tokens = tokenizer.token_bytes(text)
            if len(tokens) >= at_least:
                return tokens
            parts = len(tokens)

    def language(self, prompt: str) -> str:
        """``"zh"``, ``"code"`` or ``"en"``, by what the prompt looks like."""
        if _HAN.search(prompt):
            return "zh"
        return "code" if _CODE.search(prompt) else "en"

    def _count(self, tokenizer: Tokenizer, text: str) -> int:
        key = (tokenizer.vocabulary.name, text)
        found = self._counts.get(key)
        if found is None:
            found = self._counts[key] = len(tokenizer.token_bytes(text))
        return found


def pieces(tokens: Sequence[bytes], rng: random.Random, largest: int) -> list[Piece]:
    """Group tokens by 1 to ``largest`` into pieces of whole characters, as a stream would deliver them."""
    decoder = codecs.getincrementaldecoder("utf-8")("ignore")
    found: list[Piece] = []
    group: list[bytes] = []
    text = ""
    wanted = rng.randint(1, largest)
    for token in tokens:
        group.append(token)
        text += decoder.decode(token)
        if len(group) >= wanted and text:
            found.append(Piece(text, tuple(group)))
            group, text, wanted = [], "", rng.randint(1, largest)
    if group:
        found.append(Piece(text, tuple(group)))
    return found
