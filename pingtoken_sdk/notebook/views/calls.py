"""Calls as they were recorded, and all that is known of one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ...types.base import Money
from ...types.calls import Attempt
from ...types.records import CallRecord
from ..charts import Part, Split, Tone
from ..labels import Locale
from ..table import Cell, Column, Row, Table
from .base import Banner, View
from .cells import (
    MoneyColumn,
    count_cell,
    fact,
    facts_columns,
    money_cell,
    nothing,
    seconds_cell,
    state_cell,
    text_cell,
    when_cell,
)

__all__ = ["attempts_table", "call_view", "calls_view", "latency"]

_TONES: Final[Mapping[str, Tone]] = {"succeeded": "good", "failed": "critical", "cancelled": "warning"}
_BILLED: Final[Mapping[str, Tone]] = {"yes": "good", "no": "info", "possibly": "warning"}


def calls_view(
    calls: Sequence[CallRecord],
    locale: Locale,
    *,
    names: Mapping[str, str] | None = None,
    more: bool = False,
) -> View:
    """A page of records, in the order given. ``names`` are those of keys by their id; ``more`` says that there are
    other pages."""
    t = locale.labels
    notes = [t.times_in.format(zone=locale.zone_name)]
    notes += [t.computed_note] if any(call.source == "computed" for call in calls) else []
    costs = MoneyColumn(locale, "cost", t.cost, (call.cost for call in calls))
    rows = tuple(_row(call, locale, costs, names or {}) for call in calls)
    columns = (
        Column("created_at", t.time), Column("model", t.model), Column("status", t.state),
        Column("input_tokens", t.input_tokens, numeric=True), Column("output_tokens", t.output_tokens, numeric=True),
        costs.column, Column("first_token_seconds", t.first_token, numeric=True),
        Column("duration_seconds", t.duration, numeric=True), Column("edge", t.edge), Column("key", t.key),
    )  # fmt: skip
    note = t.more_rows.format(shown=locale.count(len(rows))) if more else ""
    headline = t.calls_shown.format(count=locale.counted(len(rows), "call")) if rows else ""
    return View(
        t.calls,
        headline,
        tables=(Table(t.calls, columns, rows, note=note, empty=t.no_rows),),
        notes=tuple(notes),
    )


def _row(call: CallRecord, locale: Locale, costs: MoneyColumn, names: Mapping[str, str]) -> Row:
    t = locale.labels
    settled = call.cost is not None or call.status != "succeeded"
    cost = costs.cell(call.cost) if settled else Cell(t.not_settled)
    key = names.get(call.key_id or "", call.key_name or call.key_id or "")
    return Row(
        (
            when_cell(locale, call.created_at, seconds=True),
            text_cell(locale, call.model),
            _state(call, locale),
            count_cell(locale, call.input_tokens),
            count_cell(locale, call.output_tokens),
            cost,
            seconds_cell(locale, _seconds(call.first_token_ms)),
            seconds_cell(locale, _seconds(call.duration_ms)),
            text_cell(locale, call.edge_id),
            text_cell(locale, key),
        ),
        key=call.id,
    )


def _state(call: CallRecord, locale: Locale) -> Cell:
    """How it ended, with the error where it has one."""
    made = state_cell(locale, locale.labels.call_states, call.status, _TONES)
    if not call.error_code:
        return made
    return Cell(f"{made.text} ({call.error_code})", made.value, call.error_source or "", made.tone)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def call_view(
    call: CallRecord,
    locale: Locale,
    *,
    attempts: Sequence[Attempt] = (),
    estimate: Any = None,
    billed: Money | None = None,
    names: Mapping[str, str] | None = None,
) -> View:
    """One call: where its time went, what it used, and what of it this client saw.

    ``attempts`` are of this client's own ledger, ``estimate`` (:class:`~pingtoken_sdk.cost.Estimate`) is what was
    expected before the call, ``billed`` what this client reckoned after it.
    """
    t = locale.labels
    split = latency(call, locale)
    banners: tuple[Banner, ...] = ()
    if call.error_code:
        words = locale.list(part for part in (call.error_code, call.error_source, _status(call)) if part)
        banners = (
            Banner("critical" if call.status == "failed" else "warning", f"{t.error}{t.colon}{words}"),
        )
    tables = [Table(t.call, facts_columns(locale), tuple(_facts(call, locale, names or {})), headed=False)]
    comparison = _against(call, estimate, billed, locale)
    if comparison is not None:
        tables.append(comparison)
    if attempts:
        tables.append(attempts_table(attempts, locale))
    notes = [t.times_in.format(zone=locale.zone_name)]
    notes += [t.computed_note] if call.source == "computed" else []
    headline = locale.clauses(call.model or t.unknown, locale.word(t.call_states, call.status))
    return View(f"{t.call} {call.request_id or call.id}", headline, banners,
                charts=(split,) if split is not None else (), tables=tuple(tables), notes=tuple(notes))  # fmt: skip


def _status(call: CallRecord) -> str | None:
    return None if call.http_status is None else f"HTTP {call.http_status}"


def latency(call: CallRecord, locale: Locale) -> Split | None:
    """The time until the first token and the time after it; ``None`` where either is unknown."""
    t = locale.labels
    first, whole = _seconds(call.first_token_ms), _seconds(call.duration_ms)
    if first is None or whole is None or whole < first:
        return None
    rest = whole - first
    parts = (
        Part(t.first_token, first, locale.duration(first)),
        Part(t.after_first_token, rest, locale.duration(rest)),
    )
    told = t.latency_sentence.format(
        first=locale.duration(first), rest=locale.duration(rest), total=locale.duration(whole)
    )
    return Split(t.latency, told, parts)


def _facts(call: CallRecord, locale: Locale, names: Mapping[str, str]) -> Iterator[Row]:
    t = locale.labels
    yield fact(t.time, when_cell(locale, call.created_at, seconds=True))
    yield fact(t.state, _state(call, locale))
    yield fact(t.model, text_cell(locale, call.model))
    if call.served_model and call.served_model != call.model:
        yield fact(t.served_model, text_cell(locale, call.served_model))
    yield fact(t.request_id, text_cell(locale, call.request_id))
    named = ((t.endpoint, call.endpoint), (t.edge, call.edge_id),
             (t.key, names.get(call.key_id or "", call.key_name or call.key_id or "")))  # fmt: skip
    for name, text in named:
        if text:
            yield fact(name, text_cell(locale, text))
    if call.streamed is not None:
        yield fact(t.streamed, Cell(t.yes if call.streamed else t.no, call.streamed))
    counts = (
        (t.input_tokens, call.input_tokens), (t.cached_tokens, call.cached_input_tokens),
        (t.output_tokens, call.output_tokens), (t.reasoning_tokens, call.reasoning_tokens),
    )  # fmt: skip
    for name, number in counts:
        if number is not None:
            yield fact(name, count_cell(locale, number))
    yield fact(t.cost, Cell(t.not_settled) if call.cost is None else money_cell(locale, call.cost))
    if call.price_version is not None:
        yield fact(t.price_version, count_cell(locale, call.price_version))
    yield fact(t.first_token, seconds_cell(locale, _seconds(call.first_token_ms)))
    yield fact(t.duration, seconds_cell(locale, _seconds(call.duration_ms)))


def _against(call: CallRecord, estimate: Any, billed: Money | None, locale: Locale) -> Table | None:
    """What was estimated beside what is billed; ``None`` where nothing was."""
    if estimate is None and billed is None:
        return None
    t = locale.labels
    columns = (
        Column("item", ""), Column("input_tokens", t.input_tokens, numeric=True),
        Column("output_tokens", t.output_tokens, numeric=True), Column("cost", t.cost, numeric=True),
    )  # fmt: skip
    rows = []
    if estimate is not None:
        sent, made, cost = estimate.input, estimate.output, estimate.cost
        rows.append(
            Row(
                (
                    Cell(t.estimate, t.estimate),
                    Cell(_span(sent.low, sent.high, locale), sent.tokens),
                    nothing(locale) if made is None else Cell(_span(made.low, made.high, locale), made.tokens),
                    nothing(locale) if cost is None
                    else Cell(f"{locale.money(cost.low)} – {locale.money(cost.high)}", cost.high),
                )
            )
        )  # fmt: skip
    if billed is not None:
        rows.append(
            Row(
                (
                    Cell(t.cost_local, t.cost_local),
                    nothing(locale),
                    nothing(locale),
                    money_cell(locale, billed),
                )
            )
        )
    rows.append(Row((Cell(t.billed, t.billed), count_cell(locale, call.input_tokens),
                     count_cell(locale, call.output_tokens), money_cell(locale, call.cost))))  # fmt: skip
    return Table(t.estimate_and_bill, columns, tuple(rows))


def _span(low: int, high: int, locale: Locale) -> str:
    return locale.count(low) if low == high else f"{locale.count(low)} – {locale.count(high)}"


def attempts_table(attempts: Sequence[Attempt], locale: Locale) -> Table:
    """Every edge that was tried, in order, and what of it may be billed."""
    t = locale.labels
    billed = {"yes": t.yes, "no": t.no, "possibly": t.possibly}
    rows = tuple(
        Row(
            (
                text_cell(locale, attempt.edge),
                Cell(locale.word(t.outcomes, attempt.outcome), attempt.outcome, attempt.detail or ""),
                seconds_cell(locale, attempt.first_token),
                seconds_cell(locale, attempt.duration),
                state_cell(locale, billed, attempt.billed, _BILLED),
            )
        )
        for attempt in attempts
    )
    columns = (
        Column("edge", t.edge), Column("outcome", t.outcome),
        Column("first_token_seconds", t.first_token, numeric=True),
        Column("duration_seconds", t.duration, numeric=True), Column("billed", t.billed),
    )  # fmt: skip
    return Table(t.attempts, columns, rows, empty=t.no_rows)
