"""How the platform counts: text by each family's vocabulary, chats by each family's framing.

Where a family's vocabulary is bundled, the count of a text is exact. The others are counted with o200k under a
factor by kind of writing, which stands for a tokenizer that the client cannot have: it can only learn it from
``usage``. Framing figures follow what is published of each family (tokens a message, tokens once); where nothing
is, they are the sandbox's own.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...cost.vocabulary import Vocabulary, load
from .catalogue import Model

__all__ = ["FAMILIES", "Family", "Tokenizer", "Tokenizers"]

_LONG_TEXT: Final = 50_000
_HAN: Final = re.compile(r"[　-鿿豈-﫿！-￮]")
_DIGIT: Final = re.compile(r"[0-9]")
_OTHER: Final = re.compile(r"[^\x00-\x7f　-鿿豈-﫿！-￮]")


@dataclass(frozen=True, slots=True)
class Family:
    """How a family of models wraps a chat, in tokens: ``base`` once, ``message`` for each, ``name`` where one is
    given, ``tools`` once if there are any and ``tool`` for each, ``image`` for each.

    ``factors`` multiply an o200k count by the share of (Latin, Chinese, digit, other) characters.
    """

    base: int
    message: int
    name: int
    tools: int
    tool: int
    image: int
    factors: tuple[float, float, float, float] | None = None

    def scale(self, text: str) -> float:
        """The factor of a text; 1 where the vocabulary is known."""
        if self.factors is None or not text:
            return 1.0
        latin, han, digit, other = self.factors
        size = len(text)
        n_han, n_digit, n_other = (
            len(_HAN.findall(text)),
            len(_DIGIT.findall(text)),
            len(_OTHER.findall(text)),
        )
        n_latin = size - n_han - n_digit - n_other
        return (n_latin * latin + n_han * han + n_digit * digit + n_other * other) / size


FAMILIES: Final[Mapping[str, Family]] = {
    "openai": Family(3, 4, 1, 12, 8, 765),
    "openai-5": Family(3, 5, 1, 20, 8, 630),
    "deepseek": Family(3, 2, 1, 142, 42, 765),
    "qwen": Family(3, 5, 1, 137, 55, 1024),
    "mistral": Family(1, 3, 1, 60, 57, 1020),
    "qwen-3.5": Family(3, 5, 1, 180, 55, 1024, (0.98, 0.90, 1.50, 1.00)),
    "claude": Family(6, 3, 1, 340, 53, 1400, (1.12, 1.30, 1.25, 1.30)),
    "claude-4.7": Family(6, 3, 1, 400, 53, 1600, (1.42, 1.55, 1.50, 1.50)),
    "gemini": Family(0, 1, 1, 20, 20, 258, (1.03, 1.02, 1.70, 1.05)),
    "glm": Family(9, 3, 1, 127, 28, 1000, (1.02, 0.93, 1.00, 1.05)),
    "kimi": Family(8, 3, 1, 60, 45, 1000, (1.00, 0.88, 1.00, 1.10)),
    "doubao": Family(5, 4, 1, 90, 40, 1000, (1.04, 0.90, 1.50, 1.10)),
    "minimax": Family(40, 4, 1, 147, 51, 1000, (1.02, 0.95, 1.30, 1.08)),
    "ernie": Family(4, 3, 1, 80, 40, 1000, (1.06, 0.92, 1.60, 1.10)),
    "hunyuan": Family(3, 3, 1, 80, 40, 1000, (1.03, 0.90, 1.70, 1.30)),
    "grok": Family(5, 3, 1, 190, 32, 800, (1.01, 1.00, 1.20, 1.15)),
    "cohere": Family(3, 4, 1, 100, 40, 1000, (1.02, 1.15, 1.70, 1.10)),
    "llama-3": Family(5, 5, 1, 90, 40, 1000, (1.00, 1.10, 1.00, 1.10)),
    "llama-4": Family(5, 5, 1, 90, 40, 1000, (1.00, 1.02, 1.00, 1.05)),
}


class Tokenizer:
    """The counting of one model's family, over one vocabulary."""

    def __init__(self, vocabulary: Vocabulary, family: Family) -> None:
        self.vocabulary = vocabulary
        self.family = family

    def count(self, text: str) -> int:
        """Tokens the platform charges for ``text``."""
        return self.scaled(self.vocabulary.count(text), self.family.scale(text))

    def scaled(self, tokens: int, scale: float) -> int:
        """What ``tokens`` of the vocabulary are reported as; never fewer than one for some."""
        return tokens if scale == 1.0 else max(1 if tokens else 0, round(tokens * scale))

    def token_bytes(self, text: str) -> list[bytes]:
        """The tokens of ``text`` as bytes."""
        return [self.vocabulary.token_bytes(token) for token in self.vocabulary.encode(text)]

    def count_chat(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]
    ) -> tuple[int, list[int]]:
        """Input tokens of a chat, and the running total after each message (for the prompt cache)."""
        family = self.family
        total = family.base
        if tools:
            total += family.tools + sum(family.tool + self.count(_compact(tool)) for tool in tools)
        running = []
        for message in messages:
            total += family.message + sum(self.count(text) for text in _texts(message))
            total += family.name if message.get("name") else 0
            total += family.image * _images(message)
            running.append(total)
        return total, running

    async def count_chat_aside(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]
    ) -> tuple[int, list[int]]:
        """The same, in a thread where the text is long, so that other calls go on meanwhile."""
        size = sum(len(text) for message in messages for text in _texts(message))
        if size < _LONG_TEXT:
            return self.count_chat(messages, tools)
        return await asyncio.to_thread(self.count_chat, messages, tools)


class Tokenizers:
    """The tokenizers in use; a vocabulary is loaded in a thread, when its first call arrives."""

    def __init__(self) -> None:
        self._ready: dict[tuple[str, str], Tokenizer] = {}

    async def of(self, model: Model) -> Tokenizer:
        key = (model.family, model.vocabulary or "o200k_base")
        found = self._ready.get(key)
        if found is None:
            vocabulary = await asyncio.to_thread(load, key[1])
            found = self._ready[key] = Tokenizer(vocabulary, FAMILIES[model.family])
        return found


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _texts(message: Mapping[str, Any]) -> Iterable[str]:
    content = message.get("content")
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            text = part.get("text") if isinstance(part, Mapping) else None
            if isinstance(text, str):
                yield text
    name = message.get("name")
    if isinstance(name, str):
        yield name
    for call in message.get("tool_calls") or ():
        if isinstance(call, Mapping):
            yield _compact(call.get("function"))
    # Reasoning of earlier turns is not fed back to the model, so it is not counted.


def _images(message: Mapping[str, Any]) -> int:
    content = message.get("content")
    if not isinstance(content, list):
        return 0
    return sum(isinstance(part, Mapping) and part.get("type") not in {"text", None} for part in content)
