from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingtoken_sdk.cost import Catalogue
from pingtoken_sdk.cost.estimates import family_for
from pingtoken_sdk.cost.families import DEFAULT_RATIOS, Family, guess
from pingtoken_sdk.cost.scripts import digit_runs, shares
from pingtoken_sdk.cost.tokens import TokenCount, count_text
from pingtoken_sdk.cost.vocabulary import load

CATALOGUE = Catalogue.bundled()

ENGLISH = (
    "The committee met on Tuesday to discuss the new library. Most members agreed that the old building, although "
    "beautiful, had become too small, and that the roof would not survive another winter. A vote will follow."
)
CHINESE = (
    "委员会星期二开会讨论新图书馆。大多数成员认为旧楼虽然漂亮，"
    "但已经太小，屋顶也熬不过下一个冬天。投票将随后进行。"
)


def family(model: str) -> Family:
    return family_for(model, CATALOGUE.model(model))


EXACT = {
    "gpt-4o": "o200k_base",
    "gpt-5.5": "o200k_base",
    "text-embedding-3-small": "cl100k_base",
    "deepseek-v4-pro": "deepseek_v3v4",
    "qwen3-max": "qwen",
    "mistral-large-latest": "tekken_240911",
}


@pytest.mark.parametrize(("model", "vocabulary"), EXACT.items())
def test_bundled_families_are_exact(model: str, vocabulary: str) -> None:
    for text in (ENGLISH, CHINESE, ""):
        expected = load(vocabulary).count(text)
        assert count_text(text, family(model)) == TokenCount(
            expected, expected, expected, "exact", vocabulary
        )


def test_every_model_of_the_catalogue_has_a_family() -> None:
    models = CATALOGUE.models()
    assert len(models) == 114
    for model in models:
        count = count_text(ENGLISH, family(model.id))
        assert 0 < count.low <= count.tokens <= count.high
        assert count.method == ("exact" if family(model.id).tokenizer.vocabulary else "heuristic")


@pytest.mark.parametrize(
    "model", ["claude-sonnet-5", "kimi-k3", "gemini-2.5-pro", "grok-4.7", "never-heard-of"]
)
@settings(max_examples=80, deadline=None)
@given(text=st.text(max_size=400))
def test_intervals_are_in_order(model: str, text: str) -> None:
    count = count_text(text, family(model))
    assert 0 <= count.low <= count.tokens <= count.high
    assert count.method == "heuristic"
    assert (count.high > 0) == bool(text)


def test_other_vocabularies_fall_into_the_interval_of_the_unknown() -> None:
    """The bundled vocabularies stand in for a family that nobody knows."""
    stranger = guess("never-heard-of")
    texts = {
        "english": ENGLISH * 4,
        "chinese": CHINESE * 4,
        "code": "for (let i = 0; i < rows.length; i++) {\n  total += rows[i].price * rows[i].count;\n}\n" * 8,
        "json": '{"id": 48213, "tags": ["new", "sale"], "price": 19.99, "stock": {"berlin": 3, "paris": 0}}\n'
        * 8,
        "numbers": "1042,3.14159,20260817,99.5,18446744073709551615\n" * 12,
        "russian": "Комитет собрался во вторник, чтобы обсудить новую библиотеку. Голосование состоится позже. "
        * 4,
        "german": "Der Ausschuss traf sich am Dienstag, um über die neue Bücherei zu sprechen; größer wäre schöner. "
        * 4,
    }
    for kind, text in texts.items():
        interval = count_text(text, stranger)
        for vocabulary in ("deepseek_v3v4", "qwen", "tekken_240911", "o200k_base"):
            assert interval.low <= load(vocabulary).count(text) <= interval.high, (kind, vocabulary)


def test_a_longer_text_has_a_narrower_interval() -> None:
    short = count_text(ENGLISH[:40], family("kimi-k3"))
    long = count_text(ENGLISH * 20, family("kimi-k3"))
    assert (long.high - long.low) / long.tokens < (short.high - short.low) / short.tokens


def test_deepseek_says_where_it_is_not_sure() -> None:
    assert count_text("plain text 天空", family("deepseek-v4-pro")).method == "exact"
    for text in ("السماء زرقاء", "השמים כחולים", "well \U0001f600"):
        count = count_text(text * 30, family("deepseek-v4-pro"))
        assert count.method == "calibrated"
        assert count.low < count.tokens < count.high


def test_newer_claude_counts_more_than_older() -> None:
    older, newer = (
        count_text(ENGLISH, family("claude-opus-4-6")),
        count_text(ENGLISH, family("claude-opus-5")),
    )
    assert older.tokens < newer.tokens
    assert newer.high > older.high


@pytest.mark.parametrize(
    ("name", "tokenizer"),
    [
        ("gpt-4o-2024-08-06", "o200k_base"),
        ("openai/gpt-5-codex", "o200k_base"),
        ("o3-pro", "o200k_base"),
        ("gpt-4-0613", "cl100k_base"),
        ("gpt-3.5-turbo", "cl100k_base"),
        ("deepseek-ai/DeepSeek-V3", "deepseek_v3v4"),
        ("Qwen/Qwen2.5-72B-Instruct", "qwen"),
        ("qwen3.6-plus", "qwen3.5"),
        ("mistral-nemo", "tekken_240911"),
        ("claude-3-5-sonnet", "claude"),
        ("claude-opus-4-9", "claude-4.7"),
        ("claude-sonnet-6", "claude-4.7"),
        ("gemini-4-pro", "gemma"),
        ("meta-llama/Llama-3.1-70B", "llama3"),
        ("glm-6", "glm"),
        ("hello", "unknown"),
    ],
)
def test_names_outside_the_catalogue(name: str, tokenizer: str) -> None:
    guessed = guess(name)
    assert guessed.tokenizer.name == tokenizer
    count = count_text(ENGLISH, guessed)
    assert count.method == ("calibrated" if guessed.tokenizer.vocabulary else "heuristic")
    assert count.low < count.tokens < count.high


def test_shares_add_up_and_know_their_scripts() -> None:
    assert shares("") == {}
    assert shares("  12 34\n") == {}
    assert set(shares("abc")) == {"latin"}
    mixed = shares("Hello, мир! 天空 ひらがな 한국어 नमस्ते สวัสดี مرحبا \U0001f600 é")
    assert sum(mixed.values()) == pytest.approx(1.0)
    assert set(mixed) == {
        "latin", "symbols", "cyrillic", "han", "kana", "hangul", "indic", "thai", "arabic", "emoji", "accented",
    }  # fmt: skip
    assert set(mixed) <= set(DEFAULT_RATIOS)


def test_shares_of_a_long_text_are_sampled() -> None:
    assert shares("天" * 300_000 + "a" * 300_000).keys() == {"han", "latin"}


@pytest.mark.parametrize(
    ("text", "expected"), [("", (0, 0)), ("1", (1, 1)), ("1234567 89", (4, 9)), ("a1b22", (2, 3))]
)
def test_digit_runs(text: str, expected: tuple[int, int]) -> None:
    assert digit_runs(text) == expected


def test_repr_of_a_count_is_short() -> None:
    assert str(TokenCount(10, 8, 12, "heuristic", "o200k_base")) == "10 (8..12) tokens, heuristic"
    assert str(TokenCount(10, 10, 10, "exact", "qwen")) == "10 tokens, exact"


@pytest.mark.parametrize(
    ("model", "likely"),
    [("gemini-2.5-pro", 9_000), ("llama-3.1-8b-instant", 3_000), ("never-heard-of", 6_000)],
)
def test_digits_are_counted_as_the_family_cuts_them(model: str, likely: int) -> None:
    count = count_text("123456789" * 1_000, family(model))
    assert count.tokens == pytest.approx(likely, rel=0.01)
    assert count.high >= (9_000 if likely > 3_000 else 3_000)
    assert count.low <= likely
