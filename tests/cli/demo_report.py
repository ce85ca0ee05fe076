"""A report of a demo that never ran, for tests of what is made of one."""

from __future__ import annotations

from decimal import Decimal

from pingtoken_sdk.cli.demo.board import Score
from pingtoken_sdk.cli.demo.books import Books, Forecast
from pingtoken_sdk.cli.demo.report import Report
from pingtoken_sdk.cli.demo.traffic import Outcome
from pingtoken_sdk.types.calls import Attempt

OK = Attempt("edge-4", "ok", "yes", 1.0, 0.2)
SILENT = Attempt("edge-2", "silent", "possibly", 1.0)
CUT = Attempt("edge-1", "cut", "possibly", 0.7, 0.1)


def outcomes(*, failed: int = 0) -> list[Outcome]:
    """Two answered calls, one that broke off, and ``failed`` that failed."""
    return [
        Outcome(1, "gpt-4o-mini", "answered", 0.2, (OK,)),
        Outcome(2, "qwen-plus", "answered", 1.3, (SILENT, OK)),
        Outcome(3, "qwen-plus", "partial", 0.1, (CUT,), "it broke"),
        *(
            Outcome(4 + number, "qwen-plus", "failed", None, (SILENT,), "no answer")
            for number in range(failed)
        ),
    ]


def a_report(
    *,
    bill: Decimal = Decimal(1),
    lines: Decimal | None = None,
    failed: int = 0,
    unended: int = 0,
    mismatched: int = 0,
    unpriced: int = 0,
    high: Decimal = Decimal(2),
) -> Report:
    """A report in which all is well, unless told otherwise."""
    routed = Score(3 + failed + unended, 3 + failed + unended, outcomes(failed=failed))
    tied = Score(5, 5, outcomes(failed=2))
    books = Books(
        known=Decimal("0.75"),
        uncertain=2,
        settled=Decimal("0.25"),
        charged_twice=0,
        mismatched=mismatched,
        unpriced=unpriced,
        bill=bill,
        bill_lines=bill if lines is None else lines,
    )
    forecast = Forecast(Decimal("0.5"), high, Decimal("0.6"), ("exact",))
    return Report(7, 20.0, routed, tied, {"edge-1": tied}, forecast, books)
