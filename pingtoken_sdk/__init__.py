"""pingtoken_sdk: one OpenAI-compatible call over many edges, the price known before it leaves.

Names are loaded when first used, so that the import itself costs little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from . import errors
    from .client import AsyncPingToken, PingToken
    from .ledger import CallSink, LedgerEntry, LedgerTotals, MemoryLedger
    from .options import RetryPolicy, Timeouts
    from .resources.raw import RawResponse
    from .resources.stream import AsyncStream, Stream
    from .types.base import Money
    from .types.calls import Attempt, Cost, EdgeStatus
    from .types.chat import ChatCompletion, ChatCompletionChunk, Message, Usage
    from .types.embeddings import EmbeddingList
    from .types.models import ModelInfo, ModelList

__all__ = [
    "AsyncPingToken",
    "AsyncStream",
    "Attempt",
    "CallSink",
    "ChatCompletion",
    "ChatCompletionChunk",
    "Cost",
    "EdgeStatus",
    "EmbeddingList",
    "LedgerEntry",
    "LedgerTotals",
    "MemoryLedger",
    "Message",
    "ModelInfo",
    "ModelList",
    "Money",
    "PingToken",
    "RawResponse",
    "RetryPolicy",
    "Stream",
    "Timeouts",
    "Usage",
    "__version__",
    "errors",
]

_HOMES = {
    "client": ("AsyncPingToken", "PingToken"),
    "ledger": ("CallSink", "LedgerEntry", "LedgerTotals", "MemoryLedger"),
    "options": ("RetryPolicy", "Timeouts"),
    "resources.raw": ("RawResponse",),
    "resources.stream": ("AsyncStream", "Stream"),
    "types.base": ("Money",),
    "types.calls": ("Attempt", "Cost", "EdgeStatus"),
    "types.chat": ("ChatCompletion", "ChatCompletionChunk", "Message", "Usage"),
    "types.embeddings": ("EmbeddingList",),
    "types.models": ("ModelInfo", "ModelList"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module(".errors", __name__)
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
