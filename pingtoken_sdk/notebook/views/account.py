"""The account: what can be spent, what state it and its key are in, what is to be minded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from ...types.account import Account, Balance, Identity, PlatformBudget
from ...types.base import Money
from ...types.bills import Bill
from ...types.keys import Key
from ...types.notices import Notice
from ..charts import Gauge, Part, Split, Tone
from ..labels import Locale
from ..table import Cell, Column, Row, Table
from .base import Banner, Figure, View
from .cells import fact, facts_columns, money_cell, nothing, state_cell, text_cell, when_cell
from .notices import notices_table

__all__ = ["KEY_TONES", "account_view", "budgets_table", "state_banners"]

SOON: Final = timedelta(days=14)
"""What ends within two weeks is said at the head."""

_ACCOUNT_TONES: Final[Mapping[str, Tone]] = {
    "active": "good", "pending_review": "warning", "restricted": "warning", "suspended": "critical",
    "closing": "warning", "closed": "critical",
}  # fmt: skip
KEY_TONES: Final[Mapping[str, Tone]] = {
    "active": "good", "disabled": "critical", "expired": "critical", "exhausted": "critical",
    "revoked": "critical",
}  # fmt: skip
_IDENTITY_TONES: Final[Mapping[str, Tone]] = {
    "verified": "good", "pending": "info", "none": "info", "rejected": "warning", "expired": "warning",
}  # fmt: skip
_BUDGET_TONES: Final[Mapping[str, Tone]] = {"ok": "good", "warned": "warning", "exceeded": "critical"}


def account_view(
    account: Account | None,
    locale: Locale,
    *,
    now: datetime,
    balances: Sequence[Balance] = (),
    key: Key | None = None,
    identity: Identity | None = None,
    bills: Sequence[Bill] = (),
    budgets: Sequence[PlatformBudget] = (),
    notices: Sequence[Notice] = (),
) -> View:
    """The account as far as it is known; whatever is not given is left out.

    ``bills`` are those that may be unpaid. Of a key nothing is shown that is part of it, of its holder neither
    address, telephone nor legal name: a notebook is passed on.
    """
    t = locale.labels
    title = (account.display_name or account.id) if account is not None else t.account if balances else t.key
    notes = (t.times_in.format(zone=locale.zone_name),)
    banners = (*state_banners(account, locale, now=now, bills=bills), *_money_banners(balances, locale, now),
               *_key_banners(key, locale, now), *_identity_banners(account, identity, locale))  # fmt: skip
    tables = [_facts(account, key, identity, locale)] if account is not None or key is not None else []
    if budgets:
        tables.append(budgets_table(budgets, locale))
    if notices:
        tables.append(notices_table(notices, locale, now=now))
    charts = tuple(chart for balance in balances if (chart := _made_of(balance, locale)) is not None)
    figures = tuple(figure for balance in balances for figure in _figures(balance, locale))
    return View(
        title, _headline(account, balances, locale), banners, figures, charts, tuple(tables), notes=notes
    )


def _headline(account: Account | None, balances: Sequence[Balance], locale: Locale) -> str:
    t = locale.labels
    parts = [] if account is None else [f"{t.state}{t.colon}{locale.word(t.account_states, account.status)}"]
    known = [balance.available for balance in balances if balance.available is not None]
    parts += [f"{t.can_spend}{t.colon}{locale.moneys(known, brief=True)}"] if known else []
    return locale.clauses(*parts)


def state_banners(
    account: Account | None, locale: Locale, *, now: datetime, bills: Sequence[Bill] = ()
) -> tuple[Banner, ...]:
    """What the state of the account means, since when, and what is to come: the worst first."""
    t = locale.labels
    found = []
    overdue = [bill for bill in bills if bill.status == "overdue"]
    if account is not None and account.status not in (None, "active"):
        words = t.account_states_explained.get(account.status or "")
        text = words or f"{t.account}{t.colon}{account.status}"
        found.append(Banner(_tone(account.status), text, _details(account, overdue, locale, now)))
    elif overdue:
        found.append(Banner("critical", _overdue_since(overdue, None, locale), _due(overdue, locale, now)))
    if account is not None and account.pending_agreements:
        names = locale.list(locale.word(t.agreement_kinds, kind) for kind in account.pending_agreements)
        found.append(Banner("warning", t.agreements_pending.format(list=names)))
    return tuple(found)


def _tone(status: str | None) -> Tone:
    return _ACCOUNT_TONES.get(status or "", "warning")


def _details(account: Account, overdue: Sequence[Bill], locale: Locale, now: datetime) -> str:
    t = locale.labels
    parts = []
    if account.status_reason:
        parts.append(t.reason.format(reason=locale.word(t.account_reasons, account.status_reason)))
    if account.restrictions:
        parts.append(t.restricted_from.format(list=locale.list(account.restrictions)))
    if overdue or account.status_reason == "overdue":
        parts.append(_overdue_since(overdue, account.status_since, locale))
        parts.append(_due(overdue, locale, now))
    if account.closes_at is not None:
        parts.append(t.closes_at.format(date=locale.when(account.closes_at)))
    return locale.sentences(*parts)


def _overdue_since(overdue: Sequence[Bill], since: datetime | None, locale: Locale) -> str:
    """Since the first of the unpaid bills was due; by the account's own word where no bill tells."""
    due = [bill.due_at for bill in overdue if bill.due_at is not None]
    at = min(due) if due else since
    return "" if at is None else locale.labels.overdue_since.format(date=locale.when(at))


def _due(overdue: Sequence[Bill], locale: Locale, now: datetime) -> str:
    """How much is due, and when service ends if it is not paid."""
    t = locale.labels
    sums: dict[str, Money] = {}
    for due in (bill.amount_due for bill in overdue if bill.amount_due is not None):
        sums[due.currency] = sums[due.currency] + due if due.currency in sums else due
    parts = [t.amount_is_due.format(amount=locale.moneys(sums.values()))] if sums else []
    ends = [bill.suspends_at for bill in overdue if bill.suspends_at is not None and bill.suspends_at > now]
    if ends:
        parts.append(t.suspends_at.format(date=locale.when(min(ends))))
        parts.append(t.suspends_in.format(time=locale.duration((min(ends) - now).total_seconds())))
    return locale.sentences(*parts)


def _money_banners(balances: Sequence[Balance], locale: Locale, now: datetime) -> Iterator[Banner]:
    t = locale.labels
    if balances and all(balance.can_spend is False for balance in balances):
        yield Banner("critical", t.cannot_spend)
    for balance in balances:
        for grant in balance.grants or ():
            if (
                grant.amount is not None
                and grant.expires_at is not None
                and now < grant.expires_at < now + SOON
            ):
                amount, date = locale.money(grant.amount), locale.when(grant.expires_at)
                yield Banner("info", t.grant_expires.format(amount=amount, date=date))


def _key_banners(key: Key | None, locale: Locale, now: datetime) -> Iterator[Banner]:
    t = locale.labels
    if key is None:
        return
    if key.status not in (None, "active"):
        yield Banner("critical", t.key_is.format(state=locale.word(t.key_states, key.status)))
    elif key.expires_at is not None and key.expires_at < now + SOON:
        yield Banner("warning", t.key_expires.format(date=locale.when(key.expires_at)))


def _identity_banners(account: Account | None, identity: Identity | None, locale: Locale) -> Iterator[Banner]:
    status = (
        identity.status if identity is not None else account.identity_status if account is not None else None
    )
    if status in ("rejected", "expired"):
        words = locale.word(locale.labels.identity_states, status)
        yield Banner("warning", locale.labels.identity_is.format(state=words))


def _figures(balance: Balance, locale: Locale) -> Iterator[Figure]:
    t = locale.labels
    tone: Tone = "plain" if balance.can_spend is None else "good" if balance.can_spend else "critical"
    if tone == "good" and balance.available is not None and balance.available.amount < 0:
        tone = "plain"  # it is paid for later: allowed, but no sum to be glad of
    yield _figure(t.can_spend, balance.available, locale, tone)
    parts = ((t.cash, balance.cash), (t.granted, balance.granted), (t.credit, balance.credit_limit))
    for label, money in parts:
        if money is not None and money:
            yield _figure(label, money, locale)
    if balance.pending is not None and balance.pending:
        yield _figure(t.pending, balance.pending, locale)
    if balance.overdue is not None and balance.overdue:
        yield _figure(t.overdue, balance.overdue, locale, "critical")


def _figure(label: str, money: Money | None, locale: Locale, tone: Tone = "plain") -> Figure:
    return Figure(label, locale.brief(money), exact="" if money is None else str(money), tone=tone)


def _made_of(balance: Balance, locale: Locale) -> Split | None:
    """Where the money that can be spent comes from, where that is more than one source."""
    t = locale.labels
    named = ((t.cash, balance.cash), (t.granted, balance.granted), (t.credit, balance.credit_limit))
    parts = [
        Part(name, money.amount, locale.money(money))
        for name, money in named
        if money is not None and money.amount > 0
    ]
    if len(parts) < 2:
        return None
    told = locale.list(f"{part.name} {part.text}" for part in parts)
    return Split(t.made_of, t.split_sentence.format(title=t.made_of, parts=told), tuple(parts))


def _facts(account: Account | None, key: Key | None, identity: Identity | None, locale: Locale) -> Table:
    t = locale.labels
    rows: list[Row] = []
    if account is not None:
        rows.append(fact(f"{t.account}{t.colon}{t.state}",
                         state_cell(locale, t.account_states, account.status, _ACCOUNT_TONES)))  # fmt: skip
        if account.billing_mode:
            rows.append(
                fact(
                    t.billing_mode,
                    Cell(locale.word(t.billing_modes, account.billing_mode), account.billing_mode),
                )
            )
        status = identity.status if identity is not None else account.identity_status
        if status:
            rows.append(fact(t.identity, state_cell(locale, t.identity_states, status, _IDENTITY_TONES)))
        if account.timezone:
            rows.append(fact(t.time_zone, text_cell(locale, account.timezone)))
    if key is not None:
        rows += _key_facts(key, locale)
    return Table(t.facts, facts_columns(locale), tuple(rows), empty=t.no_rows, headed=False)


def _key_facts(key: Key, locale: Locale) -> Iterator[Row]:
    """What is known of a key, and nothing that is part of it: not its hint, which the platform writes."""
    t = locale.labels
    yield fact(t.key, text_cell(locale, key.name or key.id))
    yield fact(f"{t.key}{t.colon}{t.state}", state_cell(locale, t.key_states, key.status, KEY_TONES))
    if key.expires_at is not None:
        yield fact(t.expires, when_cell(locale, key.expires_at))
    if key.last_used_at is not None:
        yield fact(t.last_used, when_cell(locale, key.last_used_at))
    limit = None if key.spend_limit is None else key.spend_limit.amount
    if limit is not None:
        period = locale.word(t.periods, key.spend_limit.period if key.spend_limit is not None else None)
        yield fact(f"{t.limit} ({period})", Cell(locale.money(limit), limit))
    if key.spent is not None:
        yield fact(t.spent, Cell(locale.money(key.spent), key.spent, chart=_key_gauge(key, limit, locale)))
    limits = list(_rate_limits(key, locale))
    if limits:
        yield fact(t.rate_limits, text_cell(locale, locale.list(limits)))
    if key.allowed_models is not None:
        yield fact(t.allowed_models, text_cell(locale, locale.list(key.allowed_models) or t.none_of_them))


def _key_gauge(key: Key, limit: Money | None, locale: Locale) -> Gauge | None:
    if key.spent is None or limit is None or limit.currency != key.spent.currency:
        return None
    return _gauge(locale.labels.key, key.spent, limit, locale)


def _gauge(title: str, spent: Money, limit: Money, locale: Locale) -> Gauge:
    part = spent.amount / limit.amount if limit.amount else None
    told = locale.labels.budget_used.format(
        spent=locale.money(spent), limit=locale.money(limit), share=locale.percent(part)
    )
    tone: Tone = "plain" if part is None or part < 0.8 else "warning" if part < 1 else "critical"
    return Gauge(title, told, spent.amount, limit.amount, tone)


def _rate_limits(key: Key, locale: Locale) -> Iterator[str]:
    t, limits = locale.labels, key.rate_limits
    if limits is None:
        return
    named = (
        (t.requests_per_minute, limits.requests_per_minute), (t.tokens_per_minute, limits.tokens_per_minute),
        (t.requests_per_day, limits.requests_per_day), (t.concurrency, limits.concurrency),
    )  # fmt: skip
    for form, number in named:
        if number is not None:
            yield form.format(count=locale.count(number))


def budgets_table(budgets: Sequence[PlatformBudget], locale: Locale) -> Table:
    """Budgets that the platform keeps, each with how much of it is spent."""
    t = locale.labels
    rows = []
    for budget in budgets:
        scope = budget.scope
        about = locale.word(t.scopes, None if scope is None else scope.type)
        name = " ".join(part for part in (about, scope.id if scope is not None else None) if part)
        chart = None
        if (
            budget.spent is not None
            and budget.amount is not None
            and budget.spent.currency == budget.amount.currency
        ):
            chart = _gauge(budget.name or name, budget.spent, budget.amount, locale)
        rows.append(
            Row(
                (
                    text_cell(locale, budget.name or name),
                    text_cell(locale, name),
                    text_cell(locale, locale.word(t.periods, budget.period)),
                    money_cell(locale, budget.amount),
                    nothing(locale) if budget.spent is None
                    else Cell(locale.money(budget.spent), budget.spent, chart=chart),
                    state_cell(locale, t.budget_states, budget.state, _BUDGET_TONES),
                ),
                key=budget.id,
            )
        )  # fmt: skip
    columns = (
        Column("name", t.name), Column("scope", t.scope), Column("period", t.budget_period),
        Column("amount", t.limit, numeric=True), Column("spent", t.spent, numeric=True), Column("state", t.state),
    )  # fmt: skip
    return Table(t.budgets, columns, tuple(rows), empty=t.no_rows)
