"""The end of the demo: the figures, what they show, and whether they are as they should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .board import Score
from .books import CURRENCY, Books, Forecast

__all__ = ["Check", "Report", "Section"]


@dataclass(frozen=True, slots=True)
class Check:
    """Something that must be so, in words, and whether it is."""

    ok: bool
    words: str


@dataclass(frozen=True, slots=True)
class Section:
    """A table of the report. ``note`` stands below it."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found. ``by_edge`` holds the scores of the workers that kept to one edge."""

    seed: int
    seconds: float
    routed: Score
    tied: Score
    by_edge: Mapping[str, Score]
    forecast: Forecast
    books: Books

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks())

    def checks(self) -> list[Check]:
        """What must hold for exit code 0."""
        routed, books, forecast = self.routed, self.books, self.forecast
        failed, partial = routed.count("failed"), routed.count("partial")
        ended = len(routed.outcomes) == routed.planned
        return [
            Check(
                failed == 0 and ended,
                f"Of {routed.planned} calls over four edges {routed.count('answered')} were answered whole and "
                f"{failed} failed"
                + (f"; {partial} broke off after their first words, and said so." if partial else "."),
            ),
            Check(
                forecast.low <= books.bill <= forecast.high,
                f"Before anything was sent the cost was put between {_yuan(forecast.low)} and "
                f"{_yuan(forecast.high)}; it came to {_yuan(books.bill)}.",
            ),
            Check(
                books.agree,
                (
                    "Our ledger and the platform's bill agree to the last digit."
                    if books.agree
                    else f"Our ledger says {books.known + books.settled:f}, the bill {books.bill:f} {CURRENCY}: "
                    "they do NOT agree."
                ),
            ),
        ]

    def sections(self) -> list[Section]:
        """The tables, for people."""
        return [self._calls(), self._attempts(), self._money()]

    def _calls(self) -> Section:
        rows = [("calls", str(self.routed.planned), str(self.tied.planned))]
        for status, words in (
            ("answered", "answered whole"),
            ("partial", "broke off, and said so"),
            ("failed", "failed"),
        ):
            rows.append((words, str(self.routed.count(status)), str(self.tied.count(status))))
        rows.append(
            ("wait for the first word, median", _wait(self.routed.median_wait), _wait(self.tied.median_wait))
        )
        rows.append(
            ("wait for the first word, longest", _wait(self.routed.worst_wait), _wait(self.tied.worst_wait))
        )
        rows.append(
            ("over a second without a word", str(self.routed.waited_long), str(self.tied.waited_long))
        )
        edges = ", ".join(
            f"{name} {score.count('answered')} of {len(score.outcomes)}"
            for name, score in self.by_edge.items()
        )
        return Section(
            "The same calls at the same moments, through the same faults",
            ("", "one client, four edges", "each worker tied to one edge"),
            tuple(rows),
            f"Tied to one edge, answered whole: {edges}.",
        )

    def _attempts(self) -> Section:
        counted = self.routed.attempts_per_call
        rows = [(_attempts(number), str(calls)) for number, calls in sorted(counted.items())]
        troubles = ", ".join(f"{name} {count}" for name, count in self.routed.troubles.most_common())
        return Section(
            "Attempts a call, over four edges",
            ("attempts", "calls"),
            tuple(rows),
            f"Attempts that failed: {troubles or 'none'}.",
        )

    def _money(self) -> Section:
        forecast, books = self.forecast, self.books
        width = max(-amount.as_tuple().exponent for amount in (books.known, books.settled, books.bill))  # type: ignore[operator]
        rows = [
            ("estimated before sending, at least", _digits(forecast.low, width)),
            ("estimated before sending, at most", _digits(forecast.high, width)),
            ("our ledger: reported tokens times the price list", _digits(books.known, width)),
            (
                f"{books.uncertain} calls with an answer lost, settled by call records",
                _digits(books.settled, width),
            ),
            ("our ledger, settled", _digits(books.known + books.settled, width)),
            ("the platform's bill", _digits(books.bill, width)),
        ]
        counted = ", ".join(self.forecast.methods)
        return Section(
            "Money",
            ("", CURRENCY),
            tuple(rows),
            f"Tokens were counted here ({counted}); the platform counts and bills with code of its own. "
            f"Calls charged twice: {books.charged_twice}.",
        )

    def as_json(self) -> dict[str, Any]:
        """All figures, for programs."""
        books, forecast = self.books, self.forecast
        return {
            "event": "report",
            "ok": self.ok,
            "seed": self.seed,
            "seconds": self.seconds,
            "routed": _score(self.routed),
            "single_edge": {
                **_score(self.tied),
                "by_edge": {name: _score(score) for name, score in self.by_edge.items()},
            },
            "estimate": {
                "low": forecast.low,
                "high": forecast.high,
                "input": forecast.input,
                "currency": CURRENCY,
                "methods": list(forecast.methods),
                "contains_the_bill": forecast.low <= books.bill <= forecast.high,
            },
            "ledger": {
                "known": books.known,
                "uncertain_calls": books.uncertain,
                "settled_by_call_records": books.settled,
                "total": books.known + books.settled,
                "charged_twice": books.charged_twice,
                "mismatched": books.mismatched,
                "unpriced": books.unpriced,
                "currency": CURRENCY,
            },
            "bill": {"total": books.bill, "lines": books.bill_lines, "currency": CURRENCY},
            "agree": books.agree,
            "checks": [{"ok": check.ok, "words": check.words} for check in self.checks()],
        }


def _score(score: Score) -> dict[str, Any]:
    return {
        "calls": score.planned,
        "ended": len(score.outcomes),
        "answered": score.count("answered"),
        "partial": score.count("partial"),
        "failed": score.count("failed"),
        "median_wait": score.median_wait,
        "longest_wait": score.worst_wait,
        "waited_over_a_second": score.waited_long,
        "attempts_per_call": {
            str(number): calls for number, calls in sorted(score.attempts_per_call.items())
        },
        "failed_attempts": dict(score.troubles.most_common()),
        "reasons": sorted(
            {outcome.reason for outcome in score.outcomes if outcome.status == "failed" and outcome.reason}
        ),
    }


def _attempts(number: int) -> str:
    return {0: "none was sent", 1: "1"}.get(number, str(number))


def _wait(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f} s"


def _yuan(amount: Decimal) -> str:
    return f"{amount:.4f} {CURRENCY}"


def _digits(amount: Decimal, places: int) -> str:
    """All digits, in line with the others of the column."""
    return f"{amount:.{max(places, 2)}f}"
