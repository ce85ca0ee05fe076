from __future__ import annotations

import base64
import hashlib
import json
import random
import subprocess
import sys
import threading
import unicodedata
import zlib
from collections.abc import Callable

import pytest
import tiktoken
import tiktoken_ext.openai_public  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from pingtoken_sdk.cost import vocabulary
from pingtoken_sdk.cost.packing import pack, parse_ranks, render_ranks, unpack
from pingtoken_sdk.cost.vocabulary import VOCABULARIES, Vocabulary, VocabularyError, load

# SHA-256 of the files as their publishers have them; two are also in tiktoken's own source.
PUBLISHED = {
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "deepseek_v3v4": "54a75564c4f651eacebacef63a1101d5cb505fa0398b709b0ab929f11e713e49",
    "qwen": "b2b1b8dfb5cc5f024bafc373121c6aba3f66f9a5a0269e243470a1de16a33186",
    "tekken_240911": "64a081edb3cbb8639a4eea9a7135ab9a0467c50676c672b217ba655f4d50e127",
}

MIXED = (
    "def f(x): return x ** 2  # squares\n\n\tif True:\r\n    pass   \n"
    "Why is the sky blue? 天空为什么是蓝色的？空は青い。하늘은 푸르다. Небо синее. السماء زرقاء. आसमान नीला है।\n"
    "| a | 1234567 | 3.14159 |\n<|endoftext|> it's I'LL we've  https://example.org/a?b=c&d=%20\n"
)


@pytest.mark.parametrize("name", VOCABULARIES)
def test_packed_file_gives_back_the_published_one(name: str, ranks_of: Callable[[str], bytes]) -> None:
    assert hashlib.sha256(ranks_of(name)).hexdigest() == PUBLISHED[name]


@pytest.mark.parametrize("name", VOCABULARIES)
def test_size_and_round_trip(name: str, ranks_of: Callable[[str], bytes]) -> None:
    loaded = load(name)
    assert loaded.size == ranks_of(name).count(b"\n")
    tokens = loaded.encode(MIXED)
    assert loaded.count(MIXED) == len(tokens)
    assert all(0 <= token < loaded.size for token in tokens)
    assert loaded.decode_bytes(tokens).decode() == MIXED
    assert b"".join(map(loaded.token_bytes, tokens)).decode() == MIXED
    with pytest.raises(KeyError):
        loaded.token_bytes(loaded.size)


@pytest.fixture(scope="module")
def openai_encodings(ranks_of: Callable[[str], bytes]) -> dict[str, tiktoken.Encoding]:
    """tiktoken's own encodings, its pattern and all, over the rebuilt files in place of a download."""

    def from_packed(url: str, expected_hash: str) -> dict[bytes, int]:
        name = url.rsplit("/", 1)[-1].removesuffix(".tiktoken")
        assert expected_hash == PUBLISHED[name]
        lines = (line.split() for line in ranks_of(name).splitlines())
        return {base64.b64decode(token): int(rank) for token, rank in lines}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiktoken_ext.openai_public, "load_tiktoken_bpe", from_packed)
        return {
            "o200k_base": tiktoken.Encoding(**tiktoken_ext.openai_public.o200k_base()),
            "cl100k_base": tiktoken.Encoding(**tiktoken_ext.openai_public.cl100k_base()),
        }


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [" ", "  ", "\n", "\r\n", "\t", " \n ", "'s", "'LL", "1", "12345", "。", "，", "中文", "é", "/"]
        ),
        st.text(max_size=6),
    ),
    max_size=30,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(text=PIECES)
def test_openai_counts_are_those_of_tiktoken(
    openai_encodings: dict[str, tiktoken.Encoding], text: str
) -> None:
    for name, encoding in openai_encodings.items():
        assert load(name).encode(text) == encoding.encode_ordinary(text)


def test_known_ids() -> None:
    # Ids that the vendors' documentation and model cards show; tekken's own ids begin at 1,000.
    assert load("o200k_base").encode("hello world") == [24912, 2375]
    assert load("cl100k_base").encode("tiktoken is great!") == [83, 1609, 5963, 374, 2294, 0]
    assert load("qwen").encode("Hello world") == [9707, 1879]
    assert load("qwen").encode("你好") == [108386]


def test_qwen_reads_composed_characters() -> None:
    decomposed = "re\u0301sume\u0301 \u1112\u1161\u11ab"
    composed = "résumé 한"
    assert load("qwen").encode(decomposed) == load("qwen").encode(composed)
    assert load("o200k_base").encode(decomposed) != load("o200k_base").encode(composed)


@pytest.mark.parametrize("name", VOCABULARIES)
@pytest.mark.parametrize(
    "monster",
    [
        " " * 1_000_000 + "x",
        "\n" * 300_000,
        "\t \r\n" * 100_000,
        "a" * 300_000,
        "天" * 200_000,
        "\U0001f600" * 50_000,
        "=" * 200_000 + " " * 200_000,
    ],
    ids=["spaces", "newlines", "mixed-space", "letters", "chinese", "emoji", "rules"],
)
def test_monsters_are_counted(name: str, monster: str, capfd: pytest.CaptureFixture[str]) -> None:
    loaded = load(name)
    count = loaded.count(monster)
    assert 0 < count <= len(monster.encode())
    assert "panicked" not in capfd.readouterr().err


def test_lone_surrogates_are_counted() -> None:
    for name in VOCABULARIES:
        assert load(name).count("a \ud800 b") > 0


# Everything that a pattern treats in a way of its own, and what Python and the encoder may call space or letter.
FRAGMENTS = [
    *(
        " ",
        "  ",
        "\n",
        "\r\n",
        "\t",
        " \n ",
        "\u3000",
        "\xa0",
        "\x1c",
        "\x85",
        "\u2028",
        "'s",
        "'LL",
        "'",
        "/",
        "//",
    ),
    *(
        "1",
        "12345",
        "²",
        "Ⅷ",
        "①",
        "。",
        "，",
        "：",
        "!",
        "?",
        "--",
        "_",
        "a",
        "Word",
        "é",
        "ver\u0301",
        "中文",
        "ア",
    ),
    *("한글", "شم", "\U0001f600"),
]


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_cut_at_a_seam_changes_no_token(name: str) -> None:
    rng = random.Random(5)
    loaded = load(name)
    cuts = 0
    for _ in range(4_000):
        text = "".join(rng.choice(FRAGMENTS) for _ in range(rng.randint(2, 40)))
        if name == "qwen":
            text = unicodedata.normalize("NFC", text)
        seams = [match.start() for match in vocabulary._SEAM.finditer(text) if match.start() > 0]
        if seams:
            cut = rng.choice(seams)
            parts = loaded._encoding.encode_ordinary(text[:cut]) + loaded._encoding.encode_ordinary(
                text[cut:]
            )
            assert parts == loaded._encoding.encode_ordinary(text), (text[:cut], text[cut:])
            cuts += 1
    assert cuts > 1_000


def test_long_text_is_counted_exactly_where_it_has_seams() -> None:
    text = MIXED * 700
    assert len(text) > 150_000
    for name in VOCABULARIES:
        loaded = load(name)
        if name == "qwen":
            text = unicodedata.normalize("NFC", text)
        assert loaded.encode(text) == loaded._encoding.encode_ordinary(text)
        assert loaded.count(text) == len(loaded.encode(text))


class PanicException(BaseException):
    """Looks like the panic of the encoder, which cannot be imported."""


class Panicking:
    """An encoder that gives up on texts longer than ``limit``."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def encode_ordinary(self, text: str) -> list[int]:
        if len(text) > self.limit:
            raise PanicException("stack overflow")
        return [ord(character) for character in text]


def test_a_panic_is_retried_in_halves() -> None:
    small = Vocabulary("small", Panicking(3), size=256, form=None)  # type: ignore[arg-type]
    assert small.encode("abcdefghij") == [ord(character) for character in "abcdefghij"]


def test_an_encoder_that_never_works_is_an_error_without_the_text() -> None:
    broken = Vocabulary("broken", Panicking(0), size=256, form=None)  # type: ignore[arg-type]
    with pytest.raises(VocabularyError) as caught:
        broken.count("hunter2")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


def test_other_interruptions_pass_through() -> None:
    class Interrupted:
        def encode_ordinary(self, text: str) -> list[int]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Vocabulary("x", Interrupted(), size=1, form=None).count("text")  # type: ignore[arg-type]


def test_unknown_name() -> None:
    with pytest.raises(ValueError, match="bundled are o200k_base"):
        load("gpt2")


def test_many_threads_load_one_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "_loaded", {})
    read = vocabulary._read
    reads: list[str] = []
    ready = threading.Barrier(4)

    def counted(name: str) -> Vocabulary:
        reads.append(name)
        return read(name)

    monkeypatch.setattr(vocabulary, "_read", counted)
    found: list[Vocabulary] = []

    def worker() -> None:
        ready.wait(10)
        found.append(load("cl100k_base"))

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reads == ["cl100k_base"]
    assert len(found) == 4
    assert len({id(one) for one in found}) == 1


def test_importing_the_room_loads_no_tokenizer_and_no_data() -> None:
    code = (
        "import sys, threading, json; before = threading.active_count(); import pingtoken_sdk.cost as c;"
        "from pingtoken_sdk.cost import vocabulary as v;"
        "print(json.dumps(['tiktoken' in sys.modules, len(v._loaded), threading.active_count() - before]))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(answer.stdout) == [False, 0, 0]


@given(tokens=st.lists(st.binary(min_size=1, max_size=6), unique=True, max_size=60))
def test_packing_is_reversible(tokens: list[bytes]) -> None:
    assert unpack(pack(tokens)) == {token: rank for rank, token in enumerate(tokens)}
    assert parse_ranks(render_ranks(tokens)) == tokens


@pytest.mark.parametrize("length", [254, 255, 256, 70_000])
def test_long_tokens_use_the_escape(length: int) -> None:
    tokens = [b"a", b"x" * length, b"b", b"y" * length]
    assert unpack(pack(tokens)) == {token: rank for rank, token in enumerate(tokens)}


def test_damage_is_named() -> None:
    packed = pack([b"ab", b"c", b"d"])
    with pytest.raises(ValueError, match="damaged"):
        unpack(packed[:-3])
    with pytest.raises(ValueError, match="twice"):
        unpack(pack([b"a", b"a"]))
    with pytest.raises(ValueError, match="add up"):
        unpack(zlib.compress(b"\x00\x00\x00\x01\x05ab"))
    with pytest.raises(ValueError, match="gaps"):
        parse_ranks(b"YQ== 0\nYg== 2\n")
