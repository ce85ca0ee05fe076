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
    from .dialects.newapi import NewAPI
    from .ledger import CallSink, LedgerEntry, LedgerTotals, MemoryLedger
    from .options import RetryPolicy, Timeouts
    from .resources.listing import AsyncListing, Listing
    from .resources.raw import RawResponse
    from .resources.stream import AsyncStream, Stream
    from .types.account import (
        Account,
        Balance,
        BalanceList,
        Closure,
        Grant,
        Identity,
        PlatformBudget,
        Topup,
        Transaction,
    )
    from .types.agreements import Agreement, AgreementDiff
    from .types.base import Money
    from .types.billing import PriceSchedule
    from .types.bills import Bill, BillLine, Invoice
    from .types.calls import Attempt, Cost, EdgeStatus
    from .types.chat import ChatCompletion, ChatCompletionChunk, Message, Usage
    from .types.embeddings import EmbeddingList
    from .types.feedback import Ticket, TicketReply
    from .types.keys import Key, KeyRateLimits, NewKey, SpendLimit
    from .types.models import ModelInfo, ModelList
    from .types.notices import Notice
    from .types.platform import Capabilities, Health
    from .types.records import CallRecord, Export
    from .types.secret import Secret
    from .types.usage import UsageBucket, UsageReport, UsageTotals

__all__ = [
    "Account",
    "Agreement",
    "AgreementDiff",
    "AsyncListing",
    "AsyncPingToken",
    "AsyncStream",
    "Attempt",
    "Balance",
    "BalanceList",
    "Bill",
    "BillLine",
    "CallRecord",
    "CallSink",
    "Capabilities",
    "ChatCompletion",
    "ChatCompletionChunk",
    "Closure",
    "Cost",
    "EdgeStatus",
    "EmbeddingList",
    "Export",
    "Grant",
    "Health",
    "Identity",
    "Invoice",
    "Key",
    "KeyRateLimits",
    "LedgerEntry",
    "LedgerTotals",
    "Listing",
    "MemoryLedger",
    "Message",
    "ModelInfo",
    "ModelList",
    "Money",
    "NewAPI",
    "NewKey",
    "Notice",
    "PingToken",
    "PlatformBudget",
    "PriceSchedule",
    "RawResponse",
    "RetryPolicy",
    "Secret",
    "SpendLimit",
    "Stream",
    "Ticket",
    "TicketReply",
    "Timeouts",
    "Topup",
    "Transaction",
    "Usage",
    "UsageBucket",
    "UsageReport",
    "UsageTotals",
    "__version__",
    "errors",
]

_HOMES = {
    "client": ("AsyncPingToken", "PingToken"),
    "dialects.newapi": ("NewAPI",),
    "ledger": ("CallSink", "LedgerEntry", "LedgerTotals", "MemoryLedger"),
    "options": ("RetryPolicy", "Timeouts"),
    "resources.listing": ("AsyncListing", "Listing"),
    "resources.raw": ("RawResponse",),
    "resources.stream": ("AsyncStream", "Stream"),
    "types.account": (
        "Account",
        "Balance",
        "BalanceList",
        "Closure",
        "Grant",
        "Identity",
        "PlatformBudget",
        "Topup",
        "Transaction",
    ),
    "types.agreements": ("Agreement", "AgreementDiff"),
    "types.base": ("Money",),
    "types.billing": ("PriceSchedule",),
    "types.bills": ("Bill", "BillLine", "Invoice"),
    "types.calls": ("Attempt", "Cost", "EdgeStatus"),
    "types.chat": ("ChatCompletion", "ChatCompletionChunk", "Message", "Usage"),
    "types.embeddings": ("EmbeddingList",),
    "types.feedback": ("Ticket", "TicketReply"),
    "types.keys": ("Key", "KeyRateLimits", "NewKey", "SpendLimit"),
    "types.models": ("ModelInfo", "ModelList"),
    "types.notices": ("Notice",),
    "types.platform": ("Capabilities", "Health"),
    "types.records": ("CallRecord", "Export"),
    "types.secret": ("Secret",),
    "types.usage": ("UsageBucket", "UsageReport", "UsageTotals"),
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
