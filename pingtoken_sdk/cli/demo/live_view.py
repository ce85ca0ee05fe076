"""How the demo is shown to a person at a terminal: events scroll by above a table that lives."""

from __future__ import annotations

from typing import Final

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .board import Board, Event, Score
from .books import Forecast
from .plan import Plan
from .report import Report, Section
from .view import OPENING, forecast_words, plan_words

__all__ = ["LiveView"]

_STATE: Final = {
    "unknown": "dim",
    "healthy": "green",
    "limited": "yellow",
    "ejected": "bold red",
    "probing": "magenta",
}
_EVENT: Final = {"fault": "bold", "edge": "cyan", "moved": "", "cut": "yellow", "failed": "bold red"}


class LiveView:
    """The view for terminals."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._seconds = 1.0

    def begin(self, plan: Plan, seconds: float) -> None:
        self._seconds = seconds
        self._console.print(
            Panel(Text(OPENING), title="pingtoken demo", border_style="cyan", box=box.ROUNDED)
        )
        self._console.print(Text(plan_words(plan, seconds), style="dim"))
        self._live.start()
        self._live.update(
            Text("Starting the platform and reading five vocabularies ...", style="dim"), refresh=True
        )

    def forecast(self, forecast: Forecast, calls: int) -> None:
        self._console.print(Text(forecast_words(forecast, calls)))
        self._console.print()

    def event(self, event: Event) -> None:
        mark = {"fault": "!", "moved": "→", "cut": "✂", "failed": "✗"}.get(event.kind, "·")
        line = Text(f"{event.at:5.1f} s  {mark} {event.words}", style=_EVENT[event.kind])
        self._console.print(line)

    def show(self, board: Board, at: float) -> None:
        self._live.update(Group(self._edges(board), self._scores(board, at)), refresh=True)

    def closing(self) -> None:
        self._live.update(Text("All calls have ended. Reading the bill ...", style="dim"), refresh=True)

    def report(self, report: Report) -> None:
        self._live.stop()
        for section in report.sections():
            self._console.print()
            self._console.print(Text(section.title, style="bold"))
            self._console.print(_section(section))
            if section.note:
                self._console.print(Text(section.note, style="dim"))
        lines = Text()
        for number, check in enumerate(report.checks()):
            lines.append("\n" if number else "")
            lines.append("✓ " if check.ok else "✗ ", style="bold green" if check.ok else "bold red")
            lines.append(check.words)
        self._console.print()
        title = "all as it should be" if report.ok else "NOT as it should be"
        self._console.print(
            Panel(lines, title=title, border_style="green" if report.ok else "red", box=box.ROUNDED)
        )

    def end(self) -> None:
        """Give the terminal back as it was."""
        self._live.stop()

    def _edges(self, board: Board) -> Table:
        table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False)
        table.add_column("edge", no_wrap=True)
        table.add_column("state", no_wrap=True, min_width=8)
        for name in ("first token", "in flight", "served", "failed"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("what the router knows", ratio=1, no_wrap=True, overflow="ellipsis")
        for edge in board.edges:
            first = "-" if edge.first_token is None else f"{edge.first_token:.2f} s"
            table.add_row(
                edge.name,
                Text(edge.state, style=_STATE[edge.state]),
                first,
                str(edge.in_flight),
                str(edge.served),
                str(edge.failed),
                Text(edge.explanation, style="dim"),
            )
        return table

    def _scores(self, board: Board, at: float) -> Table:
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(no_wrap=True)
        table.add_column(ratio=1)
        table.add_column(no_wrap=True)
        for name, score in (("four edges, routed", board.routed), ("one edge a worker", board.tied)):
            bar = ProgressBar(total=max(score.planned, 1), completed=len(score.outcomes))
            table.add_row(name, bar, _score(score))
        table.add_row(Text("time", style="dim"), ProgressBar(total=self._seconds, completed=min(at, self._seconds)),
                      Text(f"{at:.1f} s", style="dim"))  # fmt: skip
        return table


def _score(score: Score) -> Text:
    line = Text(f"{score.count('answered'):3d} answered", style="green")
    partial, failed = score.count("partial"), score.count("failed")
    line.append(f"  {partial:2d} broke off", style="yellow" if partial else "dim")
    line.append(f"  {failed:2d} failed", style="bold red" if failed else "dim")
    line.append(f"  {score.under_way:2d} under way", style="dim")
    return line


def _section(section: Section) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, head in enumerate(section.heads):
        table.add_column(head, justify="right" if place else "left", no_wrap=True)
    for row in section.rows:
        table.add_row(*row)
    return table
