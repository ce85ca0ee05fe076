"""The account and its money: who it is, what is left, and what came in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ...errors import InvalidRequestError, NotFoundError
from ...types.account import Account, BalanceList, Topup, Transaction
from ..operation import Operation, read
from ..pages import Fetch, Page
from ..queries import Span
from .gateway import data_in, rows_in
from .logs import ADJUSTMENT, REFUND, TOPUP, Names, count_of, instant_of, text_of, transaction_of
from .paging import Cursor
from .records import RecordSide
from .units import Units, decimal_of

__all__ = ["MoneySide"]

Row = Mapping[str, Any]

_SELF: Final = "/api/user/self"
_STATUS: Final = {1: "active", 2: "suspended"}
_TOPUP_STATUS: Final = {
    "pending": "pending",
    "success": "succeeded",
    "failed": "failed",
    "expired": "expired",
}
_KINDS: Final = {
    "topup": (TOPUP,),
    "adjustment": (ADJUSTMENT,),
    "refund": (REFUND,),
    None: (TOPUP, ADJUSTMENT, REFUND),
}


class MoneySide(RecordSide):
    """``/api/user`` and the rows of the log that are about money."""

    def account(self) -> Operation[Account]:
        told = yield from self._self()
        return _account(told, (yield from self.status()).units)

    def update_account(self, changes: Mapping[str, Any]) -> Operation[Account]:
        question = self.account_page(_SELF, "account_write")
        if set(changes) != {"display_name"}:
            others = ", ".join(sorted(set(changes) - {"display_name"})) or "nothing"
            self.lacks(f"changing {others}")
        told = data_in((yield from self.asked(question)), "account")
        # The whole of what may be changed is written: a user name left out could be taken for an empty one.
        body = {"username": told.get("username"), "display_name": changes["display_name"]}
        yield from self.asked(self.account_page(_SELF, "account_write", method="PUT", body=body))
        return (yield from self.account())

    def balances(self) -> Operation[BalanceList]:
        told = yield from self._self()
        units = (yield from self.status()).units
        quota = decimal_of(told.get("quota"))
        if units.currency is None:
            self.lacks("balance in tokens")
        balance = {
            "object": "balance",
            "currency": units.currency,
            "available": None if quota is None else units.money(quota),
            "can_spend": None if quota is None else quota > 0 and told.get("status") != 2,
            "as_of": self.surroundings.now(),
        }
        return read({"object": "list", "data": [balance]}, BalanceList)

    def transactions(self, span: Span, kind: str | None) -> Fetch[Transaction]:
        if self.access is None:
            self.needs_access("transactions")
        kinds = _KINDS.get(kind, ())

        def fetch(cursor: str | None, size: int) -> Operation[Page[Transaction]]:
            places = _places(cursor, kinds, size, lambda place: self.frozen(place, span))
            units = (yield from self.status()).units
            merged = _Merged()
            for one, place in places.items():
                if place is not None:
                    told = yield from self.log_page(place, one, span)
                    merged.add(one, place, rows_in(told, "transactions"))
            items = [transaction_of(row, units, name) for row, name in merged.take()]
            again = json.dumps({one: None if place is None else str(place) for one, place in places.items()})
            return Page(items, merged.cursor, again=again)

        return fetch

    def topups(self) -> Fetch[Topup]:
        if self.access is None:
            self.needs_access("topups")

        def fetch(cursor: str | None, size: int) -> Operation[Page[Topup]]:
            place = Cursor.read(cursor, size)
            units = (yield from self.status()).units
            rows = yield from self._topup_rows(place)
            below = place.below
            numbers = [count_of(row.get("id")) or 0 for row in rows]
            items = [
                _topup(row, units)
                for row, at in zip(rows, numbers, strict=True)
                if below is None or at < below
            ]
            end = len(rows) < place.size
            following = None if end else str(place.to(place.page + 1, below=min(numbers)))
            return Page(
                items, following, again=str(place.to(place.page, below=below or max(numbers, default=0) + 1))
            )

        return fetch

    def topup(self, topup_id: str) -> Operation[Topup]:
        units = (yield from self.status()).units
        place: Cursor | None = Cursor()
        while place is not None:
            rows = yield from self._topup_rows(place, keyword=topup_id)
            for row in rows:
                if _topup_id(row) == topup_id:
                    return _topup(row, units)
            place = place.to(place.page + 1) if len(rows) >= place.size else None
        raise NotFoundError(
            "there is no such top-up", status_code=404, code="not_found",
            hint="client.account.topups() has their ids; redeemed codes are among the transactions",
        )  # fmt: skip

    def top_up(self, body: Mapping[str, Any], idempotency_key: str | None) -> Operation[Topup]:
        if self.access is None:
            self.needs_access("topups")
        if not isinstance(body.get("code"), str):
            self.lacks("topups")
        if not body["code"].strip():
            raise InvalidRequestError("the code is empty", hint="give the code to be redeemed")
        units = (yield from self.status()).units
        question = self.account_page(
            "/api/user/topup", "topups", method="POST", body={"key": body["code"].strip()}, once=True
        )
        quota = decimal_of((yield from self.asked(question)))
        now = self.surroundings.now()
        named = hashlib.blake2b(body["code"].strip().encode(), digest_size=8).hexdigest()
        return read(
            {
                "object": "topup",
                "id": f"code-{named}",
                "credited": None if quota is None else units.money(quota),
                "method": "redemption_code",
                "status": "succeeded",
                "created_at": now,
                "completed_at": now,
                "quota": None if quota is None else int(quota),
            },
            Topup,
        )

    def _self(self) -> Operation[Row]:
        return data_in((yield from self.asked(self.account_page(_SELF, "account"))), "account")

    def _topup_rows(self, place: Cursor, keyword: str | None = None) -> Operation[list[Row]]:
        question = self.account_page(
            "/api/user/topup/self", "topups", query={**place.query, "keyword": keyword}, about=keyword or ""
        )
        return rows_in((yield from self.asked(question)), "topups")


def _account(told: Row, units: Units) -> Account:
    quota, used = decimal_of(told.get("quota")), decimal_of(told.get("used_quota"))
    number = count_of(told.get("id"))
    return read(
        {
            "object": "account",
            "id": None if number is None else str(number),
            "display_name": text_of(told.get("display_name")) or text_of(told.get("username")),
            "email": text_of(told.get("email")),
            "status": _STATUS.get(count_of(told.get("status")) or 0),
            "billing_mode": "prepaid",
            "currency": units.currency,
            "group": text_of(told.get("group")),
            "quota": None if quota is None else int(quota),
            "used_quota": None if used is None else int(used),
            "request_count": count_of(told.get("request_count")),
        },
        Account,
    )


def _topup_id(row: Row) -> str:
    return text_of(row.get("trade_no")) or str(row.get("id"))


def _topup(row: Row, units: Units) -> Topup:
    """What was paid is told without its currency, and so is not told here; what was credited is in dollars."""
    credited = decimal_of(row.get("amount"))
    status = text_of(row.get("status"))
    return read(
        {
            "object": "topup",
            "id": _topup_id(row),
            "credited": None if credited is None else units.money(credited * units.per_unit),
            "method": text_of(row.get("payment_method")),
            "status": None if status is None else _TOPUP_STATUS.get(status, status),
            "created_at": instant_of(row.get("create_time")),
            "completed_at": instant_of(row.get("complete_time")),
        },
        Topup,
    )


def _places(cursor: str | None, kinds: Sequence[int], size: int, freeze: Any) -> dict[int, Cursor | None]:
    """Where each of the lists that are merged was left; ``None`` for one that has come to its end."""
    if cursor is None:
        return {kind: freeze(Cursor.read(None, size)) for kind in kinds}
    try:
        told = json.loads(cursor)
        return {
            kind: None if told[str(kind)] is None else Cursor.read(told[str(kind)], size) for kind in kinds
        }
    except (ValueError, TypeError, KeyError):
        raise InvalidRequestError("the cursor is none that this client gave") from None


class _Merged:
    """Pages of several lists, each with its latest first, as one list in that order.

    Rows are taken as long as no list that goes on has run out: its next page might have later ones. Those left over
    are read again with their page.
    """

    def __init__(self) -> None:
        self._lists: list[_List] = []

    def add(self, kind: int, place: Cursor, rows: list[Row]) -> None:
        self._lists.append(_List(kind, place, rows))

    def take(self) -> list[tuple[Row, str]]:
        taken: list[tuple[Row, str]] = []
        while True:
            heads = [one for one in self._lists if one.left]
            if not heads or any(not one.left and not one.ends for one in self._lists):
                return taken
            latest = max(heads, key=lambda one: count_of(one.left[0][0].get("created_at")) or 0)
            taken.append(latest.left.pop(0))

    @property
    def cursor(self) -> str | None:
        """Where to go on; ``None`` at the end of them all."""
        places = {one.kind: one.following for one in self._lists}
        told = {kind: None if place is None else str(place) for kind, place in places.items()}
        return json.dumps({**_ENDED, **told}) if any(place is not None for place in places.values()) else None


_ENDED: Final = dict.fromkeys((TOPUP, ADJUSTMENT, REFUND))


class _List:
    """One of them: the rows of a page that were not taken yet."""

    def __init__(self, kind: int, place: Cursor, rows: list[Row]) -> None:
        self.kind = kind
        self._place = place
        self._count = len(rows)
        self.ends = len(rows) < place.size
        self._before = dict(place.carried)
        taken = self._before.pop(_TAKEN, 0)
        self._names = Names(self._before)
        self.left = [(row, f"{kind}-{self._names.name(row)}") for row in rows][taken:]

    @property
    def following(self) -> Cursor | None:
        """Where this one goes on: on the same page while there are rows left."""
        if self.left:
            carried = {**self._before, _TAKEN: self._count - len(self.left)}
            return self._place.to(self._place.page, carried=carried)
        return None if self.ends else self._place.to(self._place.page + 1, carried=self._names.carried)


_TAKEN: Final = "taken"
"""Beside the numbers of names, which begin otherwise, a cursor carries how many rows of its page were taken."""
