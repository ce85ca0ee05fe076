"""What a model answered, and what a call is expected to take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...cost.estimates import Estimate
from ...types.calls import Cost
from ...types.chat import ChatCompletion, Message
from ..labels import Locale
from ..table import Cell, Column, Row, Table
from .base import Banner, View
from .calls import attempts_table
from .cells import MoneyColumn, count_cell, nothing, text_cell

__all__ = ["completion_view", "estimate_view", "message_view"]


def completion_view(answer: ChatCompletion, locale: Locale) -> View:
    """The text of each choice as it is, tool calls as a table, and one line on what it took. The attempts are shown
    where there was more than one."""
    messages = [choice.message for choice in answer.choices]
    told = " · ".join(_told(answer, locale))
    notes = [note for note in (told, answer.cost_note or "") if note]
    view = message_view(messages, locale)
    attempts = (attempts_table(answer.attempts, locale),) if len(answer.attempts) > 1 else ()
    return View(prose=view.prose, tables=(*view.tables, *attempts), notes=tuple(notes))


def message_view(messages: Sequence[Message], locale: Locale) -> View:
    """The text of messages, and the tools that they call."""
    t = locale.labels
    texts = [text for message in messages if (text := message.content or message.refusal)]
    calls = [call for message in messages for call in message.tool_calls or ()]
    tables: tuple[Table, ...] = ()
    if calls:
        rows = tuple(
            Row(
                (text_cell(locale, call.function.name), text_cell(locale, call.function.arguments)),
                key=call.id,
            )
            for call in calls
        )
        columns = (Column("name", t.name), Column("arguments", t.value, wraps=True))
        tables = (Table(t.tool_calls, columns, rows),)
    return View(prose=tuple(texts), headline="" if texts or not calls else t.answer_only_tools, tables=tables)


def _told(answer: ChatCompletion, locale: Locale) -> Iterator[str]:
    t = locale.labels
    if answer.model:
        yield answer.model
    if answer.usage is not None:
        yield f"{t.input_tokens}{t.colon}{locale.count(answer.usage.prompt_tokens)}"
        yield f"{t.output_tokens}{t.colon}{locale.count(answer.usage.completion_tokens)}"
    cost = answer.cost
    if cost is not None:
        source = t.cost_by_platform if isinstance(cost, Cost) and cost.source == "platform" else t.cost_local
        yield f"{t.cost}{t.colon}{locale.money(cost)} ({source})"
    reasons = {
        choice.finish_reason for choice in answer.choices if choice.finish_reason not in (None, "stop")
    }
    if reasons:
        yield f"{t.finish}{t.colon}{locale.list(sorted(str(reason) for reason in reasons))}"
    if answer.attempts:
        last = answer.attempts[-1]
        first = "" if last.first_token is None else f" ({t.first_token} {locale.duration(last.first_token)})"
        yield f"{t.edge}{t.colon}{last.edge}{first}"


def estimate_view(estimate: Estimate, locale: Locale) -> View:
    """Tokens and cost of a call before it is made: at least, likely, at most."""
    t = locale.labels
    cost = estimate.cost
    money = MoneyColumn(locale, "cost", t.cost, () if cost is None else (cost.low, cost.input, cost.high))
    sent, made = estimate.input, estimate.output
    columns = (Column("bound", ""), Column("input_tokens", t.input_tokens, numeric=True),
               Column("output_tokens", t.output_tokens, numeric=True), money.column)  # fmt: skip

    def row(name: str, tokens: int, answer: int | None, amount: Cell) -> Row:
        written = Cell(t.unlimited) if made is None else count_cell(locale, answer)
        return Row((Cell(name, name), count_cell(locale, tokens), written, amount))

    rows = (
        row(
            t.low,
            sent.low,
            None if made is None else made.low,
            money.cell(None if cost is None else cost.low),
        ),
        row(
            t.high,
            sent.high,
            None if made is None else made.high,
            money.cell(None if cost is None else cost.high),
        ),
    )
    likely = Row(
        (Cell(t.likely, t.likely), count_cell(locale, sent.tokens), nothing(locale), nothing(locale))
    )
    shown = (rows[0], likely, rows[1]) if not sent.certain else rows
    banners = (
        (Banner("info", t.no_cost.format(reason=estimate.reason)),)
        if cost is None and estimate.reason
        else ()
    )
    notes = [f"{t.tokens}{t.colon}{sent.method}" + (f" ({sent.vocabulary})" if sent.vocabulary else "")]
    return View(f"{t.estimate}{t.colon}{estimate.model}", banners=banners,
                tables=(Table(t.estimate, columns, shown),), notes=(*notes, *estimate.notes))  # fmt: skip
