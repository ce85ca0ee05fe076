"""``/account/topups``, and the payment page that a top-up leads to."""

from __future__ import annotations

import html
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from ..errors import PlatformError
from ..topups import METHODS
from .operations import Answer, Operation, Table, Visit
from .reading import invalid

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["payment_routes", "topup_operations"]

_MOST: Final = Decimal(1_000_000)
_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Pay</title>
<h1>{amount} CNY by {method}</h1><p>{state}</p>{form}</html>
"""
_FORM: Final = '<form method="post"><button>Pay</button></form>'


def topup_operations(platform: Platform) -> Table:
    """Their table."""
    pages = _TopupPages(platform)
    return {
        "/account/topups": {
            "GET": Operation(pages.list, "billing.read"),
            "POST": Operation(pages.begin, "billing.write", once="required", action="topup"),
        },
        "/account/topups/{topup_id}": {"GET": Operation(pages.get, "billing.read")},
    }


def payment_routes(platform: Platform) -> list[Route]:
    """The payment page: to look at, and to pay with the button. Whoever has the link may."""

    async def page(request: Request) -> Response:
        platform.calendar.catch_up()
        found = platform.topups.to_pay(request.path_params["token"])
        if found is None:
            raise PlatformError("not_found", "there is nothing to pay here")
        account, topup = found
        if request.method == "POST":
            topup = platform.topups.finish(account, topup["id"], "succeeded")
        text = _PAGE.format(
            amount=topup["amount"]["amount"],
            method=html.escape(topup["method"]),
            state=topup["status"],
            form=_FORM if topup["status"] == "pending" else "",
        )
        return HTMLResponse(text)

    return [Route("/pay/{token}", page, methods=["GET", "POST"])]


class _TopupPages:
    """What they do."""

    def __init__(self, platform: Platform) -> None:
        self._topups = platform.topups

    def list(self, visit: Visit) -> Answer:
        pages = visit.pages()
        return Answer(pages.documents(*self._topups.page(visit.account, pages.place, pages.limit)))

    def get(self, visit: Visit) -> Answer:
        return Answer(self._topups.find(visit.account, visit.path("topup_id")))

    def begin(self, visit: Visit) -> Answer:
        body = visit.body
        amount = body.needed_money("amount")
        body.need("method")
        method = body.choice("method", METHODS) or ""
        code = body.text("code")
        body.url("return_url")
        if amount > _MOST or amount != amount.quantize(Decimal("0.01")):
            invalid("amount.amount", f"whole fen, {_MOST} CNY at most")
        if method == "redemption_code" and code is None:
            raise PlatformError("invalid_request", "code is required for redemption_code", param="code")
        return Answer(self._topups.begin(visit.account, amount, method, code), 201)
