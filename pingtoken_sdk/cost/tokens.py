"""How many tokens a text has, as an interval that says how it was found."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final, Literal

from .families import DEFAULT_RATIOS, Family, Span, Tokenizer
from .scripts import digit_runs, shares
from .vocabulary import load

__all__ = ["Method", "TokenCount", "count_text"]

Method = Literal["exact", "calibrated", "learned", "heuristic"]

_REFERENCE: Final = "o200k_base"

# Scripts in which the bundled DeepSeek vocabulary was seen to differ from the vendor's own encoder (rare
# merges of single bytes): Hebrew, Arabic and characters beyond the basic plane, by at most 2.2 % of a text.
_DEEPSEEK_RARE: Final = re.compile("[\u0590-\u08ff\U00010000-\U0010ffff]")


# A vocabulary that was guessed from a model's name is likely its own; a sibling's is this far off.
_GUESS: Final[Span] = (0.85, 1.0, 1.20)


@dataclass(frozen=True, slots=True)
class TokenCount:
    """A number of tokens: the likely one, and an interval around it.

    ``method`` says how the text was counted: ``"exact"`` by the model's own vocabulary, ``"calibrated"`` by
    one close to it, ``"learned"`` from reported usage, ``"heuristic"`` by o200k and a ratio for the family.
    What a chat adds around its text (roles, tools, images) is in the interval, also of an ``"exact"``
    count, since no vendor promises it. ``vocabulary`` is the one that counted.
    """

    tokens: int
    low: int
    high: int
    method: Method
    vocabulary: str | None

    @property
    def certain(self) -> bool:
        """Whether low and high are the same."""
        return self.low == self.high

    def __str__(self) -> str:
        spread = "" if self.certain else f" ({self.low}..{self.high})"
        return f"{self.tokens}{spread} tokens, {self.method}"


def count_text(text: str, family: Family) -> TokenCount:
    """The tokens of a bare text for a family of models. Raises
    :class:`~pingtoken_sdk.cost.vocabulary.VocabularyError` if the encoder gives up."""
    low, mid, high = text_span(text, family)
    vocabulary = counted_by(family.tokenizer)
    return TokenCount(round(mid), math.floor(low), math.ceil(high), method_of(text, family), vocabulary)


def text_span(text: str, family: Family) -> Span:
    """Low, likely and high number of tokens of a text; all three the same where the vocabulary is surely
    its own.
    """
    if not text:
        return 0, 0, 0
    tokenizer = family.tokenizer
    if tokenizer.vocabulary is None:
        return _by_ratio(text, load(_REFERENCE).count(text), tokenizer)
    exact = load(tokenizer.vocabulary).count(text)
    if not family.known:
        return math.floor(exact * _GUESS[0]), exact, math.ceil(exact * _GUESS[2])
    if tokenizer.vocabulary == "deepseek_v3v4" and is_rare(text):
        return math.floor(exact * 0.97), exact, math.ceil(exact * 1.03)
    return exact, exact, exact


def is_rare(text: str) -> bool:
    """Whether a text holds scripts in which the bundled DeepSeek vocabulary is not always exact."""
    return not text.isascii() and _DEEPSEEK_RARE.search(text) is not None


def method_of(text: str, family: Family) -> Method:
    """How a text is counted for this family."""
    vocabulary = family.tokenizer.vocabulary
    if vocabulary is None:
        return "heuristic"
    if not family.known or (vocabulary == "deepseek_v3v4" and is_rare(text)):
        return "calibrated"
    return "exact"


def counted_by(tokenizer: Tokenizer) -> str:
    """The vocabulary that counts for a tokenizer."""
    return tokenizer.vocabulary or _REFERENCE


def _by_ratio(text: str, reference: int, tokenizer: Tokenizer) -> Span:
    """The o200k count x the ratio of each script, weighted by its share; digits apart, since they are cut in
    threes, one by one, or not known how. A short text strays further from its family's mean than a long
    one.
    """
    groups, digits = digit_runs(text)
    others = max(reference - groups, 0)
    low = mid = high = 0.0
    for script, share in shares(text).items():
        ratio = tokenizer.ratios.get(script) or DEFAULT_RATIOS[script]
        low += share * ratio[0]
        mid += share * ratio[1]
        high += share * ratio[2]
    if mid == 0.0:
        low, mid, high = 0.8, 1.0, 1.5
    stray = 0.3 * math.sqrt(others) + 1.0
    below, between, above = _digit_tokens(groups, digits, tokenizer)
    return (
        max(low * others - stray, 0.0) + below,
        mid * others + between,
        high * others + stray + above,
    )


def _digit_tokens(groups: int, digits: int, tokenizer: Tokenizer) -> Span:
    if tokenizer.digits == "single":
        return max(groups, 0.55 * digits), digits, digits
    if tokenizer.digits == "triple":
        return groups, groups, groups
    return groups, (groups + digits) / 2, digits
