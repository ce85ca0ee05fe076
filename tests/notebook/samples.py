"""A small team's account, made up: what the tests of the views show."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from pingtoken_sdk.ledger import LedgerEntry, MemoryLedger
from pingtoken_sdk.types.account import Account, Balance, PlatformBudget
from pingtoken_sdk.types.bills import Bill, BillLine
from pingtoken_sdk.types.calls import Attempt, Cost, EdgeStatus
from pingtoken_sdk.types.keys import Key
from pingtoken_sdk.types.notices import Notice
from pingtoken_sdk.types.records import CallRecord
from pingtoken_sdk.types.usage import UsageBucket, UsageReport

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
MODELS = ("deepseek-v4-pro", "gpt-4o", "qwen3-max", "glm-5", "claude-sonnet-5", "kimi-k3", "doubao-2-lite")
CANARY = "pt-canary-9f3c-never-shown"


def account(**changes: object) -> Account:
    return Account.model_validate(
        {
            "id": "acct_1", "display_name": "Lantern Lab", "status": "active", "billing_mode": "postpaid",
            "email": "someone@example.com", "phone": "+86 13800000000", "currency": "CNY",
            "timezone": "Asia/Shanghai", "identity_status": "verified", "created_at": "2026-01-05T08:00:00Z",
            **changes,
        }
    )  # fmt: skip


def suspended() -> Account:
    return account(status="suspended", status_reason="overdue", status_since="2026-11-20T00:00:00Z")


def balance(**changes: object) -> Balance:
    return Balance.model_validate(
        {
            "currency": "CNY", "available": "1283.456789", "cash": "803.456789", "granted": "80.00",
            "credit_limit": "500.00", "pending": "1.25", "overdue": "0", "can_spend": True,
            "grants": [{"amount": "80.00", "expires_at": "2026-12-01T00:00:00Z"}], "as_of": "2026-11-24T04:29:00Z",
            **changes,
        }
    )  # fmt: skip


def key(**changes: object) -> Key:
    return Key.model_validate(
        {
            "id": "key_1", "name": "research", "hint": CANARY, "status": "active", "expires_at": "2026-12-02T00:00:00Z",
            "rate_limits": {"requests_per_minute": 600, "tokens_per_minute": 200000, "concurrency": 32},
            "spend_limit": {"amount": {"amount": "500", "currency": "CNY"}, "period": "month"},
            "spent": {"amount": "431.2", "currency": "CNY"}, "last_used_at": "2026-11-24T04:28:10Z",
            **changes,
        }
    )  # fmt: skip


def budgets() -> list[PlatformBudget]:
    return [
        PlatformBudget.model_validate(
            {"id": "b1", "name": "Team", "scope": {"type": "account"}, "period": "month", "state": "warned",
             "amount": {"amount": "2000", "currency": "CNY"}, "spent": {"amount": "1712.5", "currency": "CNY"}}
        )
    ]  # fmt: skip


def notices() -> list[Notice]:
    return [
        Notice.model_validate(
            {"id": "n1", "kind": "announcement", "category": "maintenance", "severity": "warning",
             "title": "Maintenance of the Hong Kong edge", "at": "2026-11-20T02:00:00Z",
             "effective_from": "2026-11-26T18:00:00Z"}
        ),
        Notice.model_validate(
            {"id": "n2", "kind": "price_change", "category": "price", "severity": "warning",
             "title": "x", "unread": True,
             "at": "2026-11-10T02:00:00Z", "effective_from": "2026-11-30T16:00:00Z",
             "price": {"model": "deepseek-v4-pro", "currency": "CNY", "rates": {"input": "2.5"},
                       "effective_from": "2026-11-30T16:00:00Z"}}
        ),
        Notice.model_validate(
            {"id": "n3", "kind": "message", "category": "billing", "severity": "info",
             "title": "Bill 2026-10 was issued",
             "at": "2026-11-01T00:10:00Z", "unread": False}
        ),
    ]  # fmt: skip


def usage(
    days: int = 24, models: int = 7, *, bucket: str = "day", seed: int = 7, end: datetime | None = None
) -> UsageReport:
    rng = random.Random(seed)
    step = timedelta(hours=1) if bucket == "hour" else timedelta(days=1)
    last = end or datetime(2026, 11, 25, tzinfo=ZONE)
    buckets = []
    for place in range(days):
        start = last - step * (days - place)
        for rank, model in enumerate(MODELS[:models]):
            load = rng.uniform(0.4, 1.3) / (rank + 1) * (0.35 if start.weekday() > 4 else 1.0)
            asked = int(900 * load)
            sent, made = asked * 1800, asked * 420
            buckets.append(
                UsageBucket.model_validate(
                    {
                        "start": start.isoformat(), "end": (start + step).isoformat(), "timezone": "Asia/Shanghai",
                        "estimated": place == days - 1, "group": {"model": model}, "requests": asked,
                        "failed_requests": asked // 90, "input_tokens": sent, "cached_input_tokens": sent // 3,
                        "output_tokens": made,
                        "cost": {"amount": f"{Decimal(sent * 2 + made * 8) / 1_000_000:f}", "currency": "CNY"},
                    }
                )
            )  # fmt: skip
    return UsageReport(buckets=buckets, bucket=bucket, group_by=["model"], timezone="Asia/Shanghai")


def bills() -> list[Bill]:
    made = []
    for month in range(6, 12):
        total = Decimal("910.25") + Decimal("173.31") * (month % 4)
        is_open, overdue = month == 11, month == 10
        paid = Decimal(0) if is_open or overdue else total
        made.append(
            Bill.model_validate(
                {
                    "id": f"bill_{month}", "number": None if is_open else f"B-2026{month:02}-0417",
                    "period_start": datetime(2026, month, 1, tzinfo=ZONE).isoformat(),
                    "period_end": datetime(2026, month + 1, 1, tzinfo=ZONE).isoformat(),
                    "timezone": "Asia/Shanghai",
                    "status": "open" if is_open else "overdue" if overdue else "paid", "estimated": is_open,
                    "currency": "CNY", "subtotal": f"{total + 50}", "discount": "30",
                    "granted_applied": "20", "tax": "0",
                    "total": f"{total}", "amount_paid": f"{paid}", "amount_due": f"{total - paid}",
                    "due_at": None if is_open else datetime(2026, month + 1, 15, tzinfo=ZONE).isoformat(),
                    "suspends_at": datetime(2026, 11, 29, tzinfo=ZONE).isoformat() if overdue else None,
                }
            )
        )  # fmt: skip
    return made


def lines(bill: Bill) -> list[BillLine]:
    assert bill.subtotal is not None
    left, made = bill.subtotal.amount, []
    for rank, model in enumerate(MODELS[:4]):
        part = (left * Decimal("0.55")).quantize(Decimal("0.01")) if rank < 3 else left
        left -= part
        for meter, share in (("input_tokens", Decimal("0.25")), ("output_tokens", Decimal("0.75"))):
            amount = part * share
            made.append(
                BillLine.model_validate(
                    {"id": f"{bill.id}_{rank}_{meter}", "kind": "usage", "description": f"{model} {meter}",
                     "model": model,
                     "meter": meter, "quantity": "123456789", "unit_price": "2.00", "unit_quantity": 1_000_000,
                     "currency": "CNY", "amount": f"{amount}"}
                )
            )  # fmt: skip
    return made


def calls(count: int = 8) -> list[CallRecord]:
    rng = random.Random(3)
    made = []
    for place in range(count):
        failed = place == 2
        made.append(
            CallRecord.model_validate(
                {
                    "id": f"call_{place}", "request_id": f"req_{place:04}", "model": MODELS[place % 3],
                    "created_at": (NOW - timedelta(seconds=17 * place)).isoformat(),
                    "status": "failed" if failed else "succeeded", "error_code": "upstream_timeout" if failed else None,
                    "error_source": "upstream" if failed else None, "http_status": 504 if failed else 200,
                    "edge_id": ("sh", "hk")[place % 2], "key_id": "key_1", "key_name": "research", "streamed": True,
                    "endpoint": "/chat/completions", "input_tokens": 1200 + place,
                    "output_tokens": None if failed else 345,
                    "cached_input_tokens": 400, "price_version": 3,
                    "cost": None if failed or place == 0 else {"amount": f"0.00{412 + place}", "currency": "CNY"},
                    "first_token_ms": None if failed else rng.randint(80, 900), "duration_ms": rng.randint(1200, 9000),
                }
            )
        )  # fmt: skip
    return made


def edges() -> list[EdgeStatus]:
    return [
        EdgeStatus("sh", "https://sh.example/api/v1", "healthy", "last heard 0.4 s ago", 0.213, 3, 412, 2),
        EdgeStatus("hk", "https://hk.example/api/v1", "ejected",
                   "ejected 4.2 s ago after 3 resets; probe in 1.8 s", None, 0, 87, 9, 1.8),
        EdgeStatus("bj", "https://bj.example/api/v1", "unknown", "nothing heard yet", None, 0, 0, 0),
    ]  # fmt: skip


def history() -> dict[str, list[float | None]]:
    rng = random.Random(5)
    return {
        "sh": [rng.uniform(0.15, 0.4) for _ in range(30)],
        "hk": [0.3, 0.35, None, None, 1.2, 2.4, None],
        "bj": [],
    }


def attempts() -> tuple[Attempt, ...]:
    return (
        Attempt("hk", "silent", "possibly", 2.1, detail="no byte for 2 s"),
        Attempt("sh", "ok", "yes", 3.25, first_token=0.213, status=200, request_id="req_0001"),
    )


def ledger() -> MemoryLedger:
    book = MemoryLedger()
    for place in range(12):
        book.record(
            LedgerEntry(
                at=NOW - timedelta(seconds=40 - place), endpoint="/chat/completions", model=MODELS[place % 2],
                streamed=True, status="ok" if place != 5 else "cut", edge="sh", request_id=f"req_{place}",
                idempotency_key=f"idem_{place}", input_tokens=900 + place, cached_tokens=100, output_tokens=250,
                cost=Cost(f"0.00{310 + place}", "CNY", source="local", price="platform"), cost_note=None,
                attempts=attempts() if place == 11 else attempts()[1:],
            )
        )  # fmt: skip
    return book
