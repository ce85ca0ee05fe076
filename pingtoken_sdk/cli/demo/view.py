"""How the demo is shown: plain lines for logs and pipes, JSON lines for programs."""

from __future__ import annotations

from typing import Final, Protocol

from ..output import columns, print_json
from .board import Board, Event
from .books import CURRENCY, Forecast
from .plan import Plan
from .report import Report

__all__ = ["OPENING", "JsonView", "PlainView", "View", "forecast_words", "plan_words"]

OPENING: Final = (
    "A platform with four edges starts on this machine. One client sends it streamed chats over all four, while one "
    "edge dies in mid-stream, one falls silent and one runs into its rate limit. The same calls go out a second time "
    "from workers that each know one edge only. At the end: who got answers, and whether estimate, ledger and bill "
    "agree."
)
_STATUS_EVERY: Final = 2.0


class View(Protocol):
    """Where the demo is shown. Calls come in this order: ``begin``, ``forecast``, then ``event`` and ``show`` as
    things happen, ``closing``, ``report``; ``end`` always, however it ends."""

    def begin(self, plan: Plan, seconds: float) -> None: ...
    def forecast(self, forecast: Forecast, calls: int) -> None: ...
    def event(self, event: Event) -> None: ...
    def show(self, board: Board, at: float) -> None: ...
    def closing(self) -> None: ...
    def report(self, report: Report) -> None: ...
    def end(self) -> None: ...


def plan_words(plan: Plan, seconds: float) -> str:
    """The plan in a line."""
    return f"{len(plan.calls)} chats by {len(plan.lanes)} workers within {seconds:g} s. No network, no key, no cost."


def forecast_words(forecast: Forecast, calls: int) -> str:
    """The estimate in a line."""
    return (
        f"Estimated before anything is sent: {calls} chats and an embedding, between {forecast.low:.4f} and "
        f"{forecast.high:.4f} {CURRENCY} (input {forecast.input:.4f}, answers up to their limit)."
    )


class JsonView:
    """One JSON object a line: events, and the report at the end."""

    def begin(self, plan: Plan, seconds: float) -> None:
        print_json(
            {
                "event": "begin",
                "words": OPENING,
                "calls": len(plan.calls),
                "workers": len(plan.lanes),
                "seconds": seconds,
            }
        )

    def forecast(self, forecast: Forecast, calls: int) -> None:
        print_json(
            {
                "event": "estimate",
                "low": forecast.low,
                "high": forecast.high,
                "currency": CURRENCY,
                "calls": calls,
            }
        )

    def event(self, event: Event) -> None:
        print_json({"event": event.kind, "at": round(event.at, 3), "words": event.words, **event.data})

    def show(self, board: Board, at: float) -> None:
        """Events tell all of it."""

    def closing(self) -> None:
        """The report follows at once."""

    def report(self, report: Report) -> None:
        print_json(report.as_json())

    def end(self) -> None:
        """Nothing is held open."""


class PlainView:
    """Lines of text, with a line about the edges every two seconds."""

    def __init__(self) -> None:
        self._next_status = 0.0

    def begin(self, plan: Plan, seconds: float) -> None:
        print(OPENING)
        print(plan_words(plan, seconds), flush=True)

    def forecast(self, forecast: Forecast, calls: int) -> None:
        print(forecast_words(forecast, calls), flush=True)

    def event(self, event: Event) -> None:
        mark = "**" if event.kind == "fault" else "  "
        print(f"{event.at:6.2f} s {mark} {event.words}", flush=True)

    def show(self, board: Board, at: float) -> None:
        if at < self._next_status:
            return
        self._next_status = at + _STATUS_EVERY
        edges = ", ".join(
            f"{edge.name} {edge.state} ({edge.in_flight} in flight, {edge.served} served)"
            for edge in board.edges
        )
        routed, tied = board.routed, board.tied
        print(
            f"{at:6.2f} s .. {edges}; answered: {routed.count('answered')} with four edges, "
            f"{tied.count('answered')} with one",
            flush=True,
        )

    def closing(self) -> None:
        print("All calls have ended. Reading the bill.", flush=True)

    def report(self, report: Report) -> None:
        for section in report.sections():
            print(f"\n{section.title}\n")
            print(columns(section.heads, section.rows, right=range(1, len(section.heads))))
            if section.note:
                print(section.note)
        print()
        for check in report.checks():
            print(f"{'ok ' if check.ok else 'NO '} {check.words}")

    def end(self) -> None:
        """Nothing is held open."""
