"""Content encodings: one member or many, cut anywhere, within a bound."""

from __future__ import annotations

import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk.flow.coding import UnreadableBodyError, decoder_for, undo
from pingtoken_sdk.flow.effects import Headers

GZIP = Headers([(b"content-encoding", b"gzip")])
DEFLATE = Headers([(b"content-encoding", b"deflate")])
LIMIT = 10**6


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=6), st.data())
def test_members_follow_one_another(members: list[bytes], data: st.DataObject) -> None:
    packed = b"".join(gzip.compress(member) for member in members)
    cuts = data.draw(st.lists(st.integers(0, len(packed)), max_size=8))
    decoder = decoder_for(GZIP, LIMIT)
    assert decoder is not None
    places = sorted({0, len(packed), *cuts})
    pieces = [decoder.decode(packed[start:end]) for start, end in pairwise(places)]
    assert b"".join(pieces) == undo(GZIP, packed, LIMIT) == b"".join(members)


def test_members_longer_than_what_is_unpacked_at_once() -> None:
    member = bytes(range(256)) * 700
    for compress in (gzip.compress, lambda data: gzip.compress(data, 0)):
        assert undo(GZIP, compress(member) * 3, LIMIT) == member * 3


@pytest.mark.parametrize(
    "padding", [b"\0" * 512, b"\x1f", b"\x1fx", b"anything at all", b"x" + gzip.compress(b"no")]
)
@pytest.mark.parametrize(("headers", "compress"), [(GZIP, gzip.compress), (DEFLATE, zlib.compress)])
def test_padding_is_no_part_of_the_body(headers: Headers, compress: object, padding: bytes) -> None:
    packed = compress(b"the body") + padding  # type: ignore[operator]
    assert undo(headers, packed, LIMIT) == b"the body"
    decoder = decoder_for(headers, LIMIT)
    assert decoder is not None
    assert b"".join(decoder.decode(bytes([byte])) for byte in packed) == b"the body"


def test_a_broken_member_is_told() -> None:
    second = bytearray(gzip.compress(b"second"))
    second[-6] ^= 1  # in its checksum
    with pytest.raises(UnreadableBodyError, match="does not unpack"):
        undo(GZIP, gzip.compress(b"first") + bytes(second), LIMIT)


def test_one_limit_for_all_members() -> None:
    member = gzip.compress(b"x" * 10**5)
    assert len(undo(GZIP, member * 9, LIMIT)) == 9 * 10**5
    with pytest.raises(UnreadableBodyError, match="limit"):
        undo(GZIP, member * 11, LIMIT)
    decoder = decoder_for(GZIP, LIMIT)
    assert decoder is not None
    for _ in range(9):
        assert len(decoder.decode(member)) == 10**5
    with pytest.raises(UnreadableBodyError, match="limit"):
        decoder.decode(member)  # its content would just fit, but the members themselves take a little


def test_members_without_content_come_to_an_end() -> None:
    assert undo(GZIP, gzip.compress(b"") * 100, LIMIT) == b""
    with pytest.raises(UnreadableBodyError, match="limit"):
        undo(GZIP, gzip.compress(b"") * 100_000, LIMIT)


def test_an_encoding_is_named_if_it_is_a_name() -> None:
    for coding, shown in (("br", "'br'"), ("gzip, br", "'gzip, br'"), ("a secret: {42}", "something")):
        with pytest.raises(UnreadableBodyError, match=shown):
            undo(Headers([(b"content-encoding", coding.encode())]), b"", LIMIT)
