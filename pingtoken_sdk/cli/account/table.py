"""Tables and lists of facts for people. Whatever the platform wrote is shown as one line of plain text, so that
nothing in it can move the cursor or colour the screen."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...notebook.markup import clean
from ...notebook.table.text import plain_line, text_width
from ..output import is_terminal

__all__ = ["Column", "facts", "plain_text", "print_facts", "print_table", "remark", "table"]

_GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. Where the terminal is too narrow its cells are cut, down to ``least`` columns (``None``:
    never, since an id is there to be copied), and columns with a ``rank`` are left out, the highest first."""

    head: str
    right: bool = False
    least: int | None = None
    rank: int = 0


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print a table, fitted to the terminal if there is one, with a remark on what had to be left out."""
    width = shutil.get_terminal_size().columns if is_terminal() else None
    text, left_out = table(columns, list(rows), width)
    print(text)
    if left_out:
        remark(f"left out for want of room: {', '.join(left_out)}")


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None
) -> tuple[str, list[str]]:
    """A table at most ``width`` columns wide where that can be, and the headings of what was left out.

    A column without anything in it is left out without a word.
    """
    texts = [[plain_line(cell) for cell in row] for row in rows]
    kept = [
        place
        for place, column in enumerate(columns)
        if not texts or not column.rank or any(row[place] for row in texts)
    ]
    widths = {
        place: max(text_width(cell) for cell in (columns[place].head, *(row[place] for row in texts)))
        for place in kept
    }
    left_out = [] if width is None else _fit(columns, widths, width)
    lines = [_line(columns, widths, [column.head for column in columns])]
    lines.append(_GAP.join("-" * size for size in widths.values()))
    lines += [_line(columns, widths, row) for row in texts]
    return "\n".join(lines), left_out


def _fit(columns: Sequence[Column], widths: dict[int, int], width: int) -> list[str]:
    """Leave columns out of ``widths``, then narrow those that may be cut. Returns the headings of the former."""
    left_out: list[tuple[int, str]] = []
    while (over := _taken(widths) - width) > 0:
        give = {place: size - (columns[place].least or size) for place, size in widths.items()}
        give = {place: most for place, most in give.items() if most > 0}
        droppable = [place for place in widths if columns[place].rank]
        if sum(give.values()) < over and droppable:
            place = max(droppable, key=lambda place: columns[place].rank)
            del widths[place]
            left_out.append((place, columns[place].head))
            continue
        for _ in range(min(over, sum(give.values()))):  # always from the widest
            place = max((place for place, most in give.items() if most), key=lambda place: widths[place])
            widths[place] -= 1
            give[place] -= 1
        break
    return [head for _, head in sorted(left_out)]


def _taken(widths: dict[int, int]) -> int:
    return sum(widths.values()) + len(_GAP) * (len(widths) - 1)


def _line(columns: Sequence[Column], widths: dict[int, int], row: Sequence[str]) -> str:
    cells = []
    for place, size in widths.items():
        text = _cut(row[place], size)
        gap = " " * (size - text_width(text))
        cells.append(gap + text if columns[place].right else text + gap)
    return _GAP.join(cells).rstrip()


def _cut(text: str, size: int) -> str:
    if text_width(text) <= size:
        return text
    kept = ""
    for mark in text:
        if text_width(kept + mark) > size - 1:
            break
        kept += mark
    return kept + "…"


def print_facts(pairs: Iterable[tuple[str, str | None]]) -> None:
    """Print a list of facts, fitted to the terminal if there is one."""
    print(facts(pairs, shutil.get_terminal_size().columns if is_terminal() else None))


def facts(pairs: Iterable[tuple[str, str | None]], width: int | None = None) -> str:
    """A line for each fact that is known, the names in a column of their own."""
    known = [(name, plain_line(value)) for name, value in pairs if value]
    margin = max((len(name) for name, _ in known), default=0) + len(_GAP)
    lines = []
    for name, value in known:
        room = max(20, width - margin) if width is not None else max(1, len(value))
        # Neither words nor hyphens are broken: an id or a URL is there to be copied.
        first, *more = textwrap.wrap(value, room, break_long_words=False, break_on_hyphens=False) or [""]
        lines.append(f"{name:{margin}}{first}".rstrip())
        lines += [f"{'':{margin}}{line}" for line in more]
    return "\n".join(lines)


def plain_text(text: str) -> str:
    """Text of several lines, without control characters."""
    return "\n".join(clean(line.replace("\t", "    ")) for line in text.splitlines())


def remark(text: str) -> None:
    """Say something beside the result."""
    print(f"-- {plain_line(text)}", file=sys.stderr)
