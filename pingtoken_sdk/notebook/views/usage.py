"""Usage over time, by group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from ...types.base import Money
from ...types.usage import UsageBucket, UsageReport
from ..charts import Group, Number, Step, Tick, TimeChart, round_steps
from ..labels import Locale
from ..table import Cell, Column, Row, Table
from .base import Banner, Figure, View
from .cells import MoneyColumn, count_cell, money_cell, nothing, share_cell, text_cell

__all__ = ["MOST_BARS", "Metric", "usage_view"]

Metric = Literal["cost", "tokens", "requests"]
MOST_BARS: Final = 62
"""Two months of days. With more steps than this, bars would be hairs: lines are drawn instead."""
_MOST_ROWS: Final = 100
_BUCKETS: Final = {"1m": "minute", "1h": "hour", "1d": "day", "1mo": "month"}


def usage_view(
    usage: UsageReport,
    locale: Locale,
    *,
    metric: Metric = "cost",
    previous: UsageReport | None = None,
    currency: str | None = None,
    names: Mapping[str, str] | None = None,
    top: int = 5,
) -> View:
    """What was used: a chart of ``metric``, totals, and a table of groups, the largest first.

    ``previous`` is the same question for the time before, for the change since. Costs are drawn in ``currency``, or
    else in the one that most of them have; the table has them all. ``names`` writes groups such as key ids as people
    know them. The ``top`` groups have a colour each, the rest have one in common. Ask with ``fill=True``: a step
    without a bucket is not in the chart.
    """
    t = locale.labels
    book = _Book(usage, locale, metric, currency or _main_currency(usage), names or {})
    banners = tuple(_banners(usage, book, locale))
    figures = tuple(_figures(usage, previous, locale))
    notes = [t.times_in.format(zone=locale.zone_name)]
    notes += [t.changes_note] if previous is not None else []
    notes += [t.estimated_note] if usage.totals.estimated else []
    notes += [t.computed_note] if usage.source == "computed" else []
    title = _title(usage, metric, locale)
    if not book.starts or not any(bucket.requests or bucket.cost for bucket in usage.buckets):
        return View(t.usage, t.no_data, banners, figures, notes=tuple(notes))
    chart = _chart(title, book, locale, top)
    return View(t.usage, chart.summary, banners, figures, (chart,), (_groups_table(usage, book, locale),),
                (_steps_table(book, chart, locale),), tuple(notes))  # fmt: skip


def _title(usage: UsageReport, metric: Metric, locale: Locale) -> str:
    t = locale.labels
    if not usage.group_by:
        return locale.word(t.metrics, metric)
    by = locale.list(locale.word(t.groups, name) for name in usage.group_by)
    return t.by_group.format(metric=locale.word(t.metrics, metric), group=by)


def _main_currency(usage: UsageReport) -> str | None:
    found = Counter(bucket.cost.currency for bucket in usage.buckets if bucket.cost is not None)
    return found.most_common(1)[0][0] if found else None


@dataclass(frozen=True, slots=True)
class _Total:
    """What one group used in the whole time."""

    name: str
    value: Decimal
    costs: tuple[Money, ...]
    buckets: tuple[UsageBucket, ...]


class _Book:
    """The buckets of a usage by step and by group, in one metric."""

    def __init__(
        self,
        usage: UsageReport,
        locale: Locale,
        metric: Metric,
        currency: str | None,
        names: Mapping[str, str],
    ) -> None:
        self.metric = metric
        self.currency = currency
        self.bucket = _BUCKETS.get(usage.bucket or "", usage.bucket)
        self._locale = locale
        self.starts = sorted({bucket.start for bucket in usage.buckets})
        self._spans_days = bool(self.starts) and self.starts[-1] - self.starts[0] > timedelta(days=2)
        self.cells: dict[tuple[datetime, str], Decimal] = {}
        self.unknown: set[tuple[datetime, str]] = set()
        self.provisional = {bucket.start for bucket in usage.buckets if bucket.estimated}
        of_group: dict[str, list[UsageBucket]] = {}
        for bucket in usage.buckets:
            name = self._name(bucket, names)
            of_group.setdefault(name, []).append(bucket)
            value, place = self.value(bucket), (bucket.start, name)
            if value is not None:
                self.cells[place] = self.cells.get(place, Decimal(0)) + value
            elif bucket.requests != 0 and not self._elsewhere(bucket):
                self.unknown.add(place)
        totals = [self._total(name, buckets) for name, buckets in of_group.items()]
        used = [total for total in totals if any(bucket.requests or bucket.cost for bucket in total.buckets)]
        self.totals = sorted(used, key=lambda total: (-total.value, total.name))

    def _name(self, bucket: UsageBucket, names: Mapping[str, str]) -> str:
        values = (bucket.group or {}).values()
        written = [
            self._locale.labels.unknown if value is None else names.get(value, value) for value in values
        ]
        return " · ".join(written) or self._locale.labels.total

    def _total(self, name: str, buckets: Sequence[UsageBucket]) -> _Total:
        known = [value for bucket in buckets if (value := self.value(bucket)) is not None]
        return _Total(
            name, sum(known, Decimal(0)), UsageReport(buckets=list(buckets)).totals.costs, tuple(buckets)
        )

    def _elsewhere(self, bucket: UsageBucket) -> bool:
        """Whether its cost is known, in another currency than the one that is shown."""
        return self.metric == "cost" and bucket.cost is not None

    def at(self, start: datetime, name: str) -> Decimal | None:
        """The metric of a group in a step: zero where there is no bucket, ``None`` where there is one that does not
        say."""
        place = start, name
        return self.cells.get(place, None if place in self.unknown else Decimal(0))

    def value(self, bucket: UsageBucket) -> Decimal | None:
        """The metric of one bucket; ``None`` where it is not known, or in another currency."""
        if self.metric == "cost":
            cost = bucket.cost
            return cost.amount if cost is not None and cost.currency == self.currency else None
        if self.metric == "requests":
            return None if bucket.requests is None else Decimal(bucket.requests)
        if bucket.input_tokens is None and bucket.output_tokens is None:
            return None
        return Decimal((bucket.input_tokens or 0) + (bucket.output_tokens or 0))

    def write(self, value: Number) -> str:
        """A value of the metric, exact."""
        exact = value if isinstance(value, Decimal) else Decimal(str(value))
        if self.metric == "cost" and self.currency is not None:
            return self._locale.money(Money(exact, self.currency))
        return self._locale.decimal(exact)

    def write_brief(self, value: Decimal) -> str:
        """A value of the metric, for a sentence."""
        if self.metric == "cost" and self.currency is not None:
            return self._locale.brief(Money(value, self.currency))
        return self._locale.compact(value)

    def write_tick(self, value: Decimal) -> str:
        """A value of the metric, short."""
        if self.metric == "cost":
            return self._locale.decimal(value)
        return self._locale.compact(value)

    def label(self, start: datetime) -> str:
        """A step in a word; none within a day where there are several days."""
        locale = self._locale
        if self.bucket == "month":
            return locale.month(start)
        if self.bucket in ("hour", "minute"):
            clock = f"{locale.local(start):%H:%M}"
            if clock == "00:00":
                return locale.day(start, short=True)
            return "" if self._spans_days else clock
        return locale.day(start, short=True)

    def name_of(self, start: datetime) -> str:
        """A step in full."""
        if self.bucket == "month":
            return self._locale.month(start)
        return self._locale.when(start) if self.bucket in ("hour", "minute") else self._locale.day(start)


def _chart(title: str, book: _Book, locale: Locale, top: int) -> TimeChart:
    t = locale.labels
    shown = [total.name for total in book.totals[:top]]
    rest = [total.name for total in book.totals[top:]]
    if len(rest) == 1:  # one more colour is better than one thing called other
        shown, rest = [*shown, *rest], []
    groups = [Group(name) for name in shown] + ([Group(t.other, rest=True)] if rest else [])
    steps = [_step(start, book, locale, shown, rest) for start in book.starts]
    kind: Literal["bars", "lines"] = "bars" if len(steps) <= MOST_BARS else "lines"
    most = max((_height(step, kind) for step in steps), default=Decimal(0))
    whole = book.metric != "cost"
    scale = [value for value in round_steps(most) if not whole or value == int(value)]
    unit = f"{title} ({book.currency})" if book.metric == "cost" and book.currency else title
    ticks = tuple(Tick(value, book.write_tick(value)) for value in scale)
    return TimeChart(unit, _summary(title, book, locale), tuple(groups), tuple(steps), ticks, kind)


def _step(start: datetime, book: _Book, locale: Locale, shown: list[str], rest: list[str]) -> Step:
    values: list[Number | None] = [book.at(start, name) for name in shown]
    if rest:
        known = [value for name in rest if (value := book.at(start, name)) is not None]
        values.append(sum(known, Decimal(0)) if known else None)
    names = [*shown, *([locale.labels.other] if rest else [])]
    whole = sum((Decimal(value) for value in values if value is not None), Decimal(0))
    told = any(value is not None for value in values)
    colon = locale.labels.colon
    text = f"{book.name_of(start)}{colon}{book.write(whole) if told else locale.labels.unknown}"
    parts = [f"{name} {book.write(value)}" for name, value in zip(names, values, strict=True) if value]
    if len(names) > 1 and parts:
        text += f" ({locale.list(parts)})"
    if start in book.provisional:
        text = locale.clauses(text, locale.labels.provisional_part)
    return Step(book.label(start), book.name_of(start), text, tuple(values), start in book.provisional)


def _height(step: Step, kind: str) -> Decimal:
    known = [max(Decimal(0), Decimal(value)) for value in step.values if value is not None]
    return sum(known, Decimal(0)) if kind == "bars" else max(known, default=Decimal(0))


def _summary(title: str, book: _Book, locale: Locale) -> str:
    t = locale.labels
    parts = [
        t.chart_sentence.format(
            title=title, first=book.name_of(book.starts[0]), last=book.name_of(book.starts[-1])
        )
    ]
    sums = {start: Decimal(0) for start in book.starts}
    for (start, _), value in book.cells.items():
        sums[start] += value
    if len(book.totals) > 1 and book.totals[0].value > 0:
        largest = book.totals[0]
        parts.append(t.chart_largest.format(name=largest.name, value=book.write_brief(largest.value)))
    if sum(value > 0 for value in sums.values()) > 1:
        parts.append(t.chart_latest.format(step=book.name_of(max(sums, key=lambda start: sums[start]))))
    return locale.sentences(*parts)


def _banners(usage: UsageReport, book: _Book, locale: Locale) -> list[Banner]:
    t = locale.labels
    found = []
    totals = usage.totals
    if book.metric == "cost" and len(totals.costs) > 1:
        found.append(Banner("info", t.several_currencies.format(currency=book.currency)))
    if totals.unpriced:
        found.append(Banner("warning", t.unpriced.format(count=locale.counted(totals.unpriced, "bucket"))))
    return found


def _figures(usage: UsageReport, previous: UsageReport | None, locale: Locale) -> list[Figure]:
    t = locale.labels
    now, before = usage.totals, None if previous is None else previous.totals
    past = {money.currency: money.amount for money in before.costs} if before is not None else {}
    figures = []
    for money in now.costs:
        note = locale.change(money.amount, past.get(money.currency, Decimal(0))) if before is not None else ""
        figures.append(Figure(t.cost, locale.brief(money), note, str(money)))
    if not now.costs:
        figures.append(Figure(t.cost, t.nothing))
    counts = (
        (t.requests, now.requests, None if before is None else before.requests),
        (t.input_tokens, now.input_tokens, None if before is None else before.input_tokens),
        (t.output_tokens, now.output_tokens, None if before is None else before.output_tokens),
    )
    for label, number, earlier in counts:
        note = locale.change(number, earlier) if number is not None and earlier is not None else ""
        short = t.nothing if number is None else locale.compact(number)
        figures.append(Figure(label, short, note, locale.count(number)))
    if now.input_tokens and now.cached_input_tokens is not None:
        figures.append(
            Figure(t.cached_share, locale.percent(Decimal(now.cached_input_tokens) / now.input_tokens))
        )
    if now.failed_requests:
        part = locale.percent(Decimal(now.failed_requests) / now.requests, 1) if now.requests else ""
        figures.append(Figure(t.failed, locale.count(now.failed_requests), part, tone="warning"))
    return figures


def _groups_table(usage: UsageReport, book: _Book, locale: Locale) -> Table:
    """A row for each group, the largest first; the costs of several currencies take a row each."""
    t = locale.labels
    whole = sum((total.value for total in book.totals), Decimal(0))
    costs = MoneyColumn(locale, "cost", t.cost, (cost for total in book.totals for cost in total.costs))
    rows = [row for total in book.totals for row in _group_rows(total, whole, costs, locale)]
    columns = (
        Column("group", t.name), costs.column, Column("share", t.share, numeric=True),
        Column("requests", t.requests, numeric=True), Column("failed_requests", t.failed, numeric=True),
        Column("input_tokens", t.input_tokens, numeric=True), Column("cached_share", t.cached_share, numeric=True),
        Column("output_tokens", t.output_tokens, numeric=True),
    )  # fmt: skip
    by = locale.list(locale.word(t.groups, name) for name in usage.group_by or ())
    caption = t.totals_by.format(group=by) if by else t.total
    return Table(caption, columns, tuple(rows), empty=t.no_data)


def _group_rows(total: _Total, whole: Decimal, costs: MoneyColumn, locale: Locale) -> Iterator[Row]:
    sums = UsageReport(buckets=list(total.buckets)).totals
    tokens, cached = sums.input_tokens, sums.cached_input_tokens
    told = (
        share_cell(locale, total.value / whole if whole else None),
        count_cell(locale, sums.requests),
        count_cell(locale, sums.failed_requests),
        count_cell(locale, tokens),
        share_cell(locale, None if not tokens or cached is None else Decimal(cached) / tokens),
        count_cell(locale, sums.output_tokens),
    )
    for at, cost in enumerate(total.costs or (None,)):
        # What has no currency is in the first row only, so that sums over a column count it once.
        others = told if at == 0 else (nothing(locale),) * len(told)
        yield Row((text_cell(locale, total.name), costs.cell(cost), *others), key=total.name)


def _steps_table(book: _Book, chart: TimeChart, locale: Locale) -> Table:
    """The values behind the chart, of the latest steps where there are very many."""
    t = locale.labels
    rows = []
    for start, step in list(zip(book.starts, chart.steps, strict=True))[-_MOST_ROWS:]:
        cells = [_value_cell(book, value, locale) for value in step.values]
        rows.append(Row((Cell(book.name_of(start), locale.local(start)), *cells)))
    columns = [Column("start", t.time)]
    columns += [Column(group.name, group.name, numeric=True) for group in chart.groups]
    whole, shown = locale.count(len(book.starts)), locale.count(len(rows))
    note = t.rest_of_rows.format(shown=shown, total=whole) if len(book.starts) > len(rows) else ""
    return Table(t.by_step, tuple(columns), tuple(rows), note=note)


def _value_cell(book: _Book, value: Number | None, locale: Locale) -> Cell:
    if value is None:
        return nothing(locale)
    exact = Decimal(value)
    if book.metric == "cost" and book.currency is not None:
        return money_cell(locale, Money(exact, book.currency))
    return count_cell(locale, int(exact))
