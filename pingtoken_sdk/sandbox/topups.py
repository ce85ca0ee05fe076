"""Top-ups: begun through the API, paid on a payment page, or by a redemption code at once."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from .accounts import Account, Accounts
from .billing import plain
from .clock import Clock, timestamp
from .documents import Document, Documents, Place
from .errands import Errands
from .errors import PlatformError

__all__ = ["METHODS", "Topups"]

METHODS: Final = ("alipay", "wechat_pay", "bank_transfer", "card", "redemption_code")
_LASTS: Final = timedelta(minutes=30)
_CODE: Final = re.compile(r"SANDBOX-([1-9][0-9]{0,5})-[0-9A-Za-z]+")
"""A redemption code of the sandbox: what it is worth in CNY, and anything that makes it another one."""


class Topups:
    """The top-ups of every account. ``pay_in(account, amount, reference)`` moves the money."""

    def __init__(
        self, accounts: Accounts, documents: Documents, errands: Errands, clock: Clock,
        pay_in: Callable[[Account, Decimal, str], None], payment_url: Callable[[str], str],
    ) -> None:  # fmt: skip
        self._accounts = accounts
        self._documents = documents
        self._clock = clock
        self._pay_in = pay_in
        self._payment_url = payment_url
        errands.on("topup", self._expire)

    def begin(self, account: Account, amount: Decimal, method: str, code: str | None) -> dict[str, Any]:
        """A new one. A redemption code is worth what it says, whatever ``amount`` is; one that was used is a
        conflict."""
        now = self._clock.now()
        identity = f"topup_{secrets.token_hex(8)}"
        body: dict[str, Any] = {
            "amount": str(amount), "credited": None, "method": method, "status": "pending",
            "token": secrets.token_urlsafe(16), "completed_at": None,
        }  # fmt: skip
        if method != "redemption_code":
            return self._answer(
                self._documents.add("topup", account.id, identity, body, at=now, due=now + _LASTS)
            )
        worth = self._redeem(code or "", identity, now)
        document = self._documents.add("topup", account.id, identity, body, at=now)
        self._succeed(document, worth, now)
        return self._answer(document)

    def find(self, account: Account, identity: str) -> dict[str, Any]:
        document = self._documents.find("topup", account.id, identity)
        if document is None:
            raise PlatformError("not_found", "there is no top-up of that id")
        return self._answer(document)

    def page(
        self, account: Account, place: Place | None, limit: int
    ) -> tuple[list[dict[str, Any]], Place | None]:
        found, more = self._documents.page("topup", account.id, place, limit, self._clock.now())
        return [self._answer(document) for document in found], more

    def finish(self, account: Account, identity: str, outcome: str) -> dict[str, Any]:
        """The payment ``succeeded`` or ``failed``; a payment of one that is not pending changes nothing."""
        document = self._documents.find("topup", account.id, identity)
        if document is None:
            raise PlatformError("not_found", "there is no top-up of that id")
        if document.body["status"] == "pending":
            now = self._clock.now()
            if outcome == "succeeded":
                self._succeed(document, Decimal(document.body["amount"]), now)
            else:
                self._end(document, "failed", now)
        return self._answer(document)

    def to_pay(self, token: str) -> tuple[Account, dict[str, Any]] | None:
        """The account and the top-up that a payment page is for."""
        account_id, identity, secret = (*token.split("."), "", "")[:3]
        account = self._accounts.by_id.get(account_id)
        document = None if account is None else self._documents.find("topup", account.id, identity)
        if account is None or document is None:
            return None
        if not secrets.compare_digest(document.body["token"].encode(), secret.encode()):
            return None
        return account, self._answer(document)

    def _redeem(self, code: str, identity: str, now: datetime) -> Decimal:
        form = _CODE.fullmatch(code)
        if form is None:
            raise PlatformError(
                "invalid_parameter", "code: this is no code that can be redeemed", param="code"
            )
        if self._documents.find("code", "", code) is not None:
            raise PlatformError("state_conflict", "this code has been redeemed already", param="code")
        self._documents.add("code", "", code, {"topup": identity}, at=now)
        return Decimal(form[1])

    def _succeed(self, document: Document, credited: Decimal, now: datetime) -> None:
        document.body["credited"] = str(credited)
        self._end(document, "succeeded", now)
        self._pay_in(self._accounts.by_id[document.account_id], credited, document.id)

    def _end(self, document: Document, status: str, now: datetime) -> None:
        document.body |= {"status": status, "completed_at": timestamp(now)}
        document.due = None
        self._documents.save(document)

    def _expire(self, document: Document, due: datetime) -> None:
        document.body |= {"status": "expired", "completed_at": timestamp(due)}
        self._documents.save(document)

    def _answer(self, document: Document) -> dict[str, Any]:
        """The contract's ``Topup``."""
        body = document.body
        pending = body["status"] == "pending"
        url = self._payment_url(f"{document.account_id}.{document.id}.{body['token']}") if pending else None
        credited = body["credited"]
        return {
            "object": "topup",
            "id": document.id,
            "amount": _cny(body["amount"]),
            "credited": None if credited is None else _cny(credited),
            "method": body["method"],
            "status": body["status"],
            "payment_url": url,
            "qr_code": url if body["method"] in {"alipay", "wechat_pay"} else None,
            "expires_at": timestamp(document.at + _LASTS) if pending else None,
            "created_at": timestamp(document.at),
            "completed_at": body["completed_at"],
        }


def _cny(amount: str) -> dict[str, str]:
    return {"amount": plain(Decimal(amount)), "currency": "CNY"}
