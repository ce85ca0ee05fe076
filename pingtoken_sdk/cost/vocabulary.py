"""The bundled token vocabularies: loaded once, when first asked for, and guarded against monstrous texts.

Counts through tiktoken's own encoder, over rank files and split patterns that ship with this package, so that
no network is ever touched (``tiktoken.get_encoding`` downloads). The sources of the rank files are in NOTICE.
"""

from __future__ import annotations

import json
import os
import re
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from .packing import unpack

if TYPE_CHECKING:
    import tiktoken

__all__ = ["VOCABULARIES", "Vocabulary", "VocabularyError", "VocabularyName", "load"]

VocabularyName: TypeAlias = Literal["o200k_base", "cl100k_base", "deepseek_v3v4", "qwen", "tekken_240911"]

VOCABULARIES: Final[tuple[VocabularyName, ...]] = (
    "o200k_base",
    "cl100k_base",
    "deepseek_v3v4",
    "qwen",
    "tekken_240911",
)
"""GPT-4o and later (and gpt-oss); GPT-4 and 3.5; DeepSeek V3, R1, V4; Qwen 1 to 3; Mistral tekken v3."""

# tiktoken's regex engine panics on a run of about a million spaces; half a million still pass. A piece of so
# many characters is far below that, and costs nothing: pieces are cut where every pattern cuts anyway.
_PIECE: Final = 65_536
_TAIL: Final = 4_096

# Places that none of the five patterns can match across, so that a cut there changes no token: before a plain
# space that follows a non-space; between a newline and a non-space (not "/", which may trail punctuation and
# newlines); before Chinese punctuation that follows a letter or digit.
_SEAM: Final = re.compile(r"(?<=\S)(?= )|(?<=\n)(?=[^\s/])|(?<=[^\W_])(?=[，。、；：！？])")


class VocabularyError(RuntimeError):
    """The encoder failed on a text, or a packed vocabulary is damaged. The message never holds the text."""


class Vocabulary:
    """One byte-pair vocabulary. Token ids run from 0 to ``size - 1``; control tokens are not among them.

    Text that looks like a control token (``<|endoftext|>``) is encoded as the ordinary text it is.
    Safe to use from several threads; the interpreter lock is released while encoding.
    """

    __slots__ = ("_encoding", "_form", "name", "size")

    def __init__(
        self, name: str, encoding: tiktoken.Encoding, *, size: int, form: Literal["NFC"] | None
    ) -> None:
        self.name = name
        self.size = size
        self._encoding = encoding
        self._form = form

    def encode(self, text: str) -> list[int]:
        """The token ids of ``text``, of any length.

        Raises :class:`VocabularyError` if the encoder gives up.
        """
        if self._form is not None:
            text = unicodedata.normalize(self._form, text)
        if len(text) <= _PIECE:
            return self._encode_piece(text)
        return [token for piece in _pieces(text) for token in self._encode_piece(piece)]

    def count(self, text: str) -> int:
        """How many tokens ``text`` has. Raises :class:`VocabularyError` if the encoder gives up."""
        if self._form is not None:
            text = unicodedata.normalize(self._form, text)
        if len(text) <= _PIECE:
            return len(self._encode_piece(text))
        return sum(len(self._encode_piece(piece)) for piece in _pieces(text))

    def token_bytes(self, token: int) -> bytes:
        """The bytes of one token, often only a part of a UTF-8 character.

        Raises :class:`KeyError` for an id that is no token.
        """
        return self._encoding.decode_single_token_bytes(token)

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        """The bytes of several tokens. Raises :class:`KeyError` for an id that is no token."""
        return self._encoding.decode_bytes(tokens)

    def _encode_piece(self, text: str) -> list[int]:
        try:
            return self._encoding.encode_ordinary(text)
        except BaseException as panic:
            # A panic inside the encoder derives from BaseException, not Exception, and is not importable.
            if type(panic).__name__ != "PanicException":
                raise
        if len(text) < 2:
            raise VocabularyError(f"the {self.name} encoder cannot encode a text of {len(text)} characters")
        half = len(text) // 2
        return self._encode_piece(text[:half]) + self._encode_piece(text[half:])

    def __repr__(self) -> str:
        return f"<Vocabulary {self.name}: {self.size} tokens>"


def _pieces(text: str) -> Iterator[str]:
    """Cut a long text at seams; where a whole piece has none, cut it anyway, which costs a token or two."""
    start = 0
    while len(text) - start > _PIECE:
        end = start + _PIECE
        cut = _last_seam(text, end - _TAIL, end) or _last_seam(text, start + 1, end) or end
        yield text[start:cut]
        start = cut
    yield text[start:]


def _last_seam(text: str, start: int, end: int) -> int | None:
    last = None
    for match in _SEAM.finditer(text, start, end):
        last = match.start()
    return last


_loaded: dict[str, Vocabulary] = {}
_loading = threading.Lock()


def _renew_lock() -> None:
    """After a fork: a lock that another thread held at that moment would stay held in the child for ever."""
    global _loading
    _loading = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def load(name: str) -> Vocabulary:
    """The bundled vocabulary of that name; the first call for each costs some tenths of a CPU second.

    Raises :class:`ValueError` for a name that is not in :data:`VOCABULARIES`, and :class:`VocabularyError` if
    its file is damaged.
    """
    found = _loaded.get(name)
    if found is not None:
        return found
    with _loading:
        found = _loaded.get(name)
        if found is None:
            found = _loaded[name] = _read(name)
        return found


def _read(name: str) -> Vocabulary:
    if name not in VOCABULARIES:
        raise ValueError(f"no vocabulary named {name!r}; bundled are {', '.join(VOCABULARIES)}")
    from importlib.resources import files

    import tiktoken

    data = files(__package__) / "data"
    facts = json.loads((data / "vocabularies.json").read_text(encoding="utf-8"))[name]
    try:
        ranks = unpack((data / f"{name}.vocab").read_bytes())
    except ValueError as damage:
        raise VocabularyError(f"{name}: {damage}") from None
    size: int = facts["tokens"]
    if len(ranks) != size:
        raise VocabularyError(f"{name}: {len(ranks)} tokens in the file, not {size}")
    encoding = tiktoken.Encoding(
        f"pingtoken_{name}", pat_str=facts["pattern"], mergeable_ranks=ranks, special_tokens={}
    )
    return Vocabulary(name, encoding, size=size, form=facts["normalization"])
