"""How the families of models count: their vocabularies, and tables for what is not public.

Numbers written as three are (low, likely, high). Where a figure comes from:

* ratios to o200k: measured over nine vocabularies of 128,000 tokens and more, on texts in 15 languages, code,
  JSON, tables and logs (5th, 50th and 95th percentile of the documents), widened to what a family left out of
  the fit showed. Claude: the published 65,000-token vocabulary of Claude 2 x 1.10 fits Claude 3 to 4.6 within
  5 % (coder/ai-tokenizer, checked against reported usage); from 4.7 on "approximately 30 percent more tokens"
  (Anthropic's page on token counting), independently 1.0 to 1.5. Gemini: o200k x 1.08 (coder/ai-tokenizer).
* chat framing: OpenAI's cookbook "How to count tokens with tiktoken", the published chat templates of open
  models (DeepSeek, Qwen, Llama, Mistral, Kimi, GLM), and coder/ai-tokenizer's fits to reported usage.
* tools: OpenAI's cookbook for OpenAI; the same fits for what the others add once.
* images: the vendors' pages on vision (OpenAI, Anthropic, Google, Qwen-VL), for the smallest and the largest.

Where nothing is public (Doubao, ERNIE, Hunyuan's and Cohere's framing, Gemini's tools), the figures are ours, and
wide on purpose. All of them wait to be replaced by what an account's own ``usage`` teaches.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from .vocabulary import VOCABULARIES, VocabularyName

__all__ = [
    "DEFAULT_RATIOS",
    "Family",
    "Framing",
    "Images",
    "Script",
    "Span",
    "Tokenizer",
    "family_of",
    "guess",
]

Span: TypeAlias = tuple[float, float, float]

Script: TypeAlias = Literal[
    "latin",
    "accented",
    "symbols",
    "han",
    "kana",
    "hangul",
    "cyrillic",
    "arabic",
    "indic",
    "thai",
    "emoji",
    "other",
]


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """How a family cuts text: by a bundled vocabulary, or else as a ratio to o200k for each script.

    ``digits`` says how runs of digits are cut: ``"single"`` is mostly one token a digit, ``"triple"`` one for up
    to three, ``"unknown"`` anything between.
    """

    name: str
    vocabulary: VocabularyName | None = None
    ratios: Mapping[Script, Span] = field(default_factory=dict)
    digits: Literal["single", "triple", "unknown"] = "unknown"


@dataclass(frozen=True, slots=True)
class Framing:
    """Tokens that a chat costs beside its text.

    ``base`` once a request (the reply's opening included), ``message`` once a message (its role included),
    ``name`` for a ``name`` field beside its text, ``call`` for a tool call beside its name and arguments;
    ``tools`` once if there are any, ``tool`` for each, and ``schema`` as a factor on the tokens of its JSON.
    ``typescript`` marks OpenAI's way, where definitions are rewritten; its ``tool`` is counted by the
    cookbook.
    """

    base: Span
    message: Span
    name: Span = (0, 1, 3)
    call: Span = (2, 8, 20)
    tools: Span = (0, 120, 400)
    tool: Span = (0, 4, 24)
    schema: Span = (0.6, 1.0, 1.4)
    typescript: int | None = None


@dataclass(frozen=True, slots=True)
class Images:
    """Tokens of one image whose size is not known; ``low_detail`` where the caller asked for that."""

    tokens: Span
    low_detail: Span | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """All that counting needs to know of a model. ``known`` is false where it was guessed from the name."""

    tokenizer: Tokenizer
    framing: Framing
    images: Images
    known: bool = True


DEFAULT_RATIOS: Final[Mapping[Script, Span]] = MappingProxyType(
    {
        "latin": (0.88, 1.01, 1.20),
        "accented": (0.88, 1.12, 1.60),
        "symbols": (0.85, 1.08, 1.45),
        "han": (0.74, 0.97, 1.26),
        "kana": (0.80, 1.01, 1.30),
        "hangul": (0.85, 1.06, 1.60),
        "cyrillic": (0.85, 1.17, 1.60),
        "arabic": (0.90, 1.16, 2.00),
        "indic": (0.90, 1.53, 2.70),
        "thai": (0.70, 1.11, 2.40),
        "emoji": (0.75, 0.99, 1.60),
        "other": (0.70, 1.20, 2.60),
    }
)

_CLAUDE: Final[Mapping[Script, Span]] = {
    "latin": (1.02, 1.17, 1.34),
    "accented": (1.05, 1.35, 1.90),
    "symbols": (0.95, 1.18, 1.50),
    "han": (1.10, 1.50, 2.10),
    "kana": (1.10, 1.45, 2.00),
    "hangul": (1.20, 1.80, 2.50),
    "cyrillic": (1.10, 1.60, 2.40),
    "arabic": (1.10, 2.00, 3.80),
    "indic": (1.40, 2.20, 4.00),
    "thai": (1.50, 2.80, 4.50),
    "emoji": (0.90, 1.30, 2.20),
    "other": (1.00, 1.80, 4.00),
}


def _scaled(ratios: Mapping[Script, Span], by: Span) -> Mapping[Script, Span]:
    return {script: (low * by[0], mid * by[1], high * by[2]) for script, (low, mid, high) in ratios.items()}


_TOKENIZERS: Final[Mapping[str, Tokenizer]] = {
    **{name: Tokenizer(name, vocabulary=name) for name in VOCABULARIES},
    "claude": Tokenizer("claude", ratios=_CLAUDE),
    "claude-4.7": Tokenizer("claude-4.7", ratios=_scaled(_CLAUDE, (1.0, 1.30, 1.50))),
    "gemma": Tokenizer(
        "gemma",
        ratios={"latin": (0.95, 1.05, 1.20), "symbols": (0.95, 1.18, 1.50), "han": (0.78, 0.96, 1.20)},
        digits="single",
    ),
    "llama3": Tokenizer("llama3", ratios={"latin": (0.95, 1.01, 1.08)}, digits="triple"),
    "llama4": Tokenizer("llama4", ratios={"latin": (0.95, 1.00, 1.08)}, digits="triple"),
    "command-r": Tokenizer("command-r", digits="single"),
    "hunyuan": Tokenizer("hunyuan", digits="single"),
    "qwen3.5": Tokenizer(
        "qwen3.5", ratios={"latin": (0.92, 1.00, 1.12), "han": (0.75, 0.94, 1.15)}, digits="single"
    ),
    "kimi": Tokenizer(
        "kimi", ratios={"latin": (0.85, 1.00, 1.25), "han": (0.62, 0.85, 1.15)}, digits="triple"
    ),
    "minimax": Tokenizer("minimax", ratios={"latin": (0.88, 1.05, 1.40)}),
    "glm": Tokenizer("glm"),
    "doubao": Tokenizer("doubao"),
    "ernie": Tokenizer("ernie"),
    "grok": Tokenizer("grok"),
}

_FRAMINGS: Final[Mapping[str, Framing]] = {
    "openai": Framing(
        base=(2, 3, 6), message=(3, 4, 5), tools=(8, 12, 24), tool=(0, 0, 8), call=(2, 6, 14), typescript=7
    ),
    "openai-cl100k": Framing(
        base=(2, 3, 3), message=(3, 4, 4), tools=(8, 12, 24), tool=(0, 0, 8), call=(2, 6, 14), typescript=10
    ),
    "deepseek": Framing(base=(1, 4, 8), message=(0, 1, 3), tools=(20, 142, 300), tool=(0, 6, 40)),
    "qwen": Framing(base=(3, 5, 32), message=(4, 5, 5), tools=(40, 145, 260)),
    "mistral": Framing(base=(1, 1, 4), message=(1, 2, 3), tools=(2, 60, 120)),
    "claude": Framing(base=(2, 6, 12), message=(1, 3, 5), tools=(150, 420, 620)),
    "gemini": Framing(base=(0, 0, 6), message=(0, 0, 5), tools=(0, 10, 120), schema=(0.2, 0.7, 1.3)),
    "llama": Framing(base=(4, 6, 40), message=(4, 5, 5), tools=(10, 80, 300)),
    "kimi": Framing(base=(2, 8, 28), message=(2, 4, 6), tools=(10, 55, 120)),
    "glm": Framing(base=(2, 6, 14), message=(1, 3, 5), tools=(40, 127, 220)),
    "minimax": Framing(base=(3, 40, 60), message=(3, 4, 6), tools=(40, 147, 260)),
    "grok": Framing(base=(2, 8, 700), message=(2, 3, 6), tools=(60, 200, 340)),
    "cohere": Framing(base=(0, 4, 90), message=(0, 3, 5)),
}

_UNKNOWN_FRAMING: Final = Framing(base=(0, 6, 80), message=(0, 4, 8), tools=(0, 120, 620))

# OpenAI tiles: base + n x tile for 1 to 8 tiles of 512 pixels; a square photograph has 4. Patches: up to
# 1,536 of 32 x 32 pixels, times a factor of at most 2.46.
_TILES: Final = Images((255, 765, 1445), (85, 85, 85))
_MINI_TILES: Final = Images((8500, 25501, 48169), (2833, 2833, 2833))
_GPT5_TILES: Final = Images((210, 630, 1190), (70, 70, 70))
_REASONING_TILES: Final = Images((225, 675, 1275), (75, 75, 75))
_PATCHES: Final = Images((1, 1100, 3780))
_OPENAI_IMAGES: Final = (
    (re.compile(r"gpt-4o-mini"), _MINI_TILES),
    (re.compile(r"gpt-4o|gpt-4\.1(?!-)|gpt-4-turbo|chatgpt-4o"), _TILES),
    (re.compile(r"gpt-5(?!.*(?:mini|nano))(?!\.)"), _GPT5_TILES),
    (re.compile(r"o[13](?!-mini)"), _REASONING_TILES),
)
_IMAGES: Final[Mapping[str, Images]] = {
    "openai": Images((1, 1000, 3780)),
    "claude": Images((1, 1300, 1640)),
    "claude-4.7": Images((1, 1600, 4920)),
    "gemini": Images((64, 1032, 4128)),
    "qwen": Images((4, 1280, 16384)),
}
_UNKNOWN_IMAGES: Final = Images((1, 1200, 16384))

# What a name that is not in the catalogue tells, most specific first: (pattern, tokenizer, framing).
_NAMES: Final = tuple(
    (re.compile(pattern), tokenizer, framing)
    for pattern, tokenizer, framing in (
        (r"gpt-(?:4o|4\.1|4\.5|5|oss)|chatgpt|o[134](?:-|$)", "o200k_base", "openai"),
        (r"gpt-(?:4|3\.5)|text-embedding-(?:3|ada)", "cl100k_base", "openai-cl100k"),
        (r"deepseek-(?:v3|v4|r1|chat|reasoner)", "deepseek_v3v4", "deepseek"),
        (r"qwen-?3\.[5-9]|qwen-?[4-9]", "qwen3.5", "qwen"),
        (r"qwen|qwq|qvq", "qwen", "qwen"),
        (r"(?:mistral-(?:nemo|small|medium|large)|ministral|pixtral|codestral|devstral|magistral)",
         "tekken_240911", "mistral"),
        (r"claude-(?:opus|sonnet|haiku|fable|mythos)-(?:4-[789]|[5-9])", "claude-4.7", "claude"),
        (r"claude", "claude", "claude"),
        (r"gemini|gemma-?[3-9]", "gemma", "gemini"),
        (r"llama-?4", "llama4", "llama"),
        (r"llama-?3", "llama3", "llama"),
        (r"kimi|moonshot", "kimi", "kimi"),
        (r"glm", "glm", "glm"),
        (r"minimax|abab", "minimax", "minimax"),
        (r"grok", "grok", "grok"),
        (r"command-(?:r|a)|aya", "command-r", "cohere"),
        (r"hunyuan|hy3", "hunyuan", "hunyuan"),
        (r"doubao|seed", "doubao", "doubao"),
        (r"ernie", "ernie", "ernie"),
    )
)  # fmt: skip


def family_of(model: str, tokenizer: str, family: str) -> Family:
    """The family of a model of the catalogue, by the names of its tokenizer and family there."""
    return Family(_TOKENIZERS[tokenizer], _framing(tokenizer, family), _images(model, tokenizer, family))


@lru_cache(maxsize=512)
def guess(model: str) -> Family:
    """The family of a model that the catalogue does not know, from its name alone."""
    short = model.lower().rsplit("/", 1)[-1]
    for pattern, tokenizer, family in _NAMES:
        if pattern.match(short):
            images = _images(short, tokenizer, family)
            return Family(_TOKENIZERS[tokenizer], _framing(tokenizer, family), images, known=False)
    return Family(Tokenizer("unknown"), _UNKNOWN_FRAMING, _UNKNOWN_IMAGES, known=False)


def _framing(tokenizer: str, family: str) -> Framing:
    if family == "openai" and tokenizer == "cl100k_base":
        family = "openai-cl100k"
    return _FRAMINGS.get(family, _UNKNOWN_FRAMING)


def _images(model: str, tokenizer: str, family: str) -> Images:
    if family.startswith("openai"):
        for pattern, images in _OPENAI_IMAGES:
            if pattern.match(model):
                return images
    return _IMAGES.get(tokenizer) or _IMAGES.get(family, _UNKNOWN_IMAGES)
