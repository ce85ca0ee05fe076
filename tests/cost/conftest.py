"""Shared by the tests of the cost room: the published rank files, rebuilt without the package's own code."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

import pingtoken_sdk.cost
from pingtoken_sdk.cost import Catalogue

DATA = Path(pingtoken_sdk.cost.__file__).parent / "data"


@cache
def published_ranks(name: str) -> bytes:
    """The ``.tiktoken`` file of a packed vocabulary: read by the format's description, not by its reader."""
    data = zlib.decompress((DATA / f"{name}.vocab").read_bytes())
    size = int.from_bytes(data[:4], "big")
    lengths, body = data[4 : 4 + size], data[4 + size :]
    assert 255 not in lengths
    lines, at = [], 0
    for rank, length in enumerate(lengths):
        lines.append(base64.b64encode(body[at : at + length]) + b" " + str(rank).encode() + b"\n")
        at += length
    assert at == len(body)
    return b"".join(lines)


@pytest.fixture(scope="session")
def ranks_of() -> Callable[[str], bytes]:
    return published_ranks


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue.bundled()


@pytest.fixture
def at() -> datetime:
    return datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
