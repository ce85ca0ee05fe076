"""CSV on standard output, a row as it comes.

Money takes two columns, ``cost`` and ``cost_currency``; times are ISO 8601 with their offset; an object of names and
values is one column of JSON.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, get_args, get_origin

from ...notebook.table.csv import guarded
from ...types.base import Model
from ...types.rows import rows_of

__all__ = ["print_objects", "print_rows"]


def print_objects(items: Iterable[Model], kind: type[Model]) -> None:
    """A row for each object of ``kind``, in constant memory. The headings are there even without a row."""
    mappings = [name for name, field in kind.model_fields.items() if _is_mapping(field.annotation)]
    required: dict[str, Any] = {
        name: None for name, field in kind.model_fields.items() if field.is_required()
    }
    heads = [*rows_of([kind.model_construct(**required)])[0], *mappings]
    print_rows((_row(item, mappings) for item in items), heads)


def _is_mapping(annotation: Any) -> bool:
    return any(get_origin(option) is dict for option in (annotation, *get_args(annotation)))


def _row(item: Model, mappings: Sequence[str]) -> dict[str, Any]:
    """The flat row; a mapping, whose keys differ from object to object, in one column for all of them."""
    texts = {
        name: json.dumps(value, ensure_ascii=False)
        for name in mappings
        if (value := getattr(item, name)) is not None
    }
    return {**rows_of([item])[0], **texts}


class _Lines:
    """Standard output, where a stream of text makes of ``\\n`` what ends a line here. The writer must not know: only
    what it ends lines with itself is quoted within a field."""

    def write(self, line: str) -> int:
        return sys.stdout.write(line.removesuffix("\r\n") + "\n")


def print_rows(rows: Iterable[Mapping[str, Any]], heads: Sequence[str]) -> None:
    """A row for each mapping. The columns are ``heads``; what is not among them is left out."""
    writer = csv.writer(_Lines())
    writer.writerow([guarded(head) for head in heads])
    writer.writerows(_fields(rows, heads))


def _fields(rows: Iterable[Mapping[str, Any]], heads: Sequence[str]) -> Iterator[list[str]]:
    for row in rows:
        yield [_field(row.get(head)) for head in heads]


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    if isinstance(value, list | tuple):
        return guarded(" ".join(map(str, value)))
    return guarded(value) if isinstance(value, str) else str(value)
