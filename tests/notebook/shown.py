"""Every kind of view, made of the samples."""

from __future__ import annotations

from datetime import datetime

from pingtoken_sdk.notebook.labels import Locale
from pingtoken_sdk.notebook.views.account import account_view
from pingtoken_sdk.notebook.views.base import View
from pingtoken_sdk.notebook.views.bills import bill_view, bills_view
from pingtoken_sdk.notebook.views.calls import call_view, calls_view
from pingtoken_sdk.notebook.views.edges import edges_view
from pingtoken_sdk.notebook.views.keys import keys_view
from pingtoken_sdk.notebook.views.meter import meter_view
from pingtoken_sdk.notebook.views.notices import notices_view
from pingtoken_sdk.notebook.views.usage import usage_view
from pingtoken_sdk.types.base import Money

from . import samples


def every_view(locale: Locale) -> dict[str, View]:
    bills, ledger = samples.bills(), samples.ledger()
    before = samples.usage(seed=9, end=datetime(2026, 11, 1, tzinfo=samples.ZONE))
    return {
        "account": account_view(
            samples.suspended(), locale, now=samples.NOW, balances=[samples.balance()], key=samples.key(), bills=bills,
            budgets=samples.budgets(), notices=samples.notices(),
        ),
        "usage": usage_view(samples.usage(), locale, previous=before),
        "tokens": usage_view(samples.usage(models=3), locale, metric="tokens"),
        "hours": usage_view(samples.usage(168, 4, bucket="hour"), locale, metric="requests"),
        "bills": bills_view(bills, locale, more=True),
        "bills by model": bills_view(bills, locale, lines={bill.id: samples.lines(bill) for bill in bills}),
        "bill": bill_view(bills[2], samples.lines(bills[2]), locale),
        "calls": calls_view(samples.calls(), locale, more=True),
        "call": call_view(samples.calls()[1], locale, attempts=samples.attempts()),
        "edges": edges_view(samples.edges(), locale, history=samples.history()),
        "keys": keys_view([samples.key()], locale),
        "meter": meter_view(ledger.totals(), locale, budget=Money("0.05", "CNY"), latest=ledger.entries()[:5]),
        "notices": notices_view(samples.notices(), locale, now=samples.NOW),
    }  # fmt: skip


NAMES = tuple(every_view(Locale()))
