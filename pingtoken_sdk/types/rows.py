"""From typed objects to rows of plain values, as data frames and tables take them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar, get_args, get_origin

from pydantic import ConfigDict

from .base import Model, Money
from .display import Listed
from .secret import Secret

__all__ = ["Tabular", "TabularList", "rows_of"]

T = TypeVar("T")


class Tabular(Model):
    """An object of the account side. It can be a row of a table; numbers sent as names of things are taken as text,
    and an answer that cannot be read is not quoted in the error.

    ``_row_omits`` names the fields that are no columns.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True, hide_input_in_errors=True)

    _row_omits: ClassVar[frozenset[str]] = frozenset()

    def to_rows(self) -> list[dict[str, Any]]:
        """This object as a table of one row: see :func:`rows_of`."""
        return rows_of([self])


def rows_of(items: Iterable[Any]) -> list[dict[str, Any]]:
    """Each object as a flat dict, all of them with the same keys: ready for ``pandas.DataFrame(rows)`` or
    ``polars.DataFrame(rows)``.

    Money becomes two columns, ``cost`` (a ``Decimal``) and ``cost_currency``. An object within gives a column for
    each of its fields, and a mapping one for each key, joined by ``_``. Times stay aware. Lists of plain values stay
    lists; lists of objects are tables of their own and are left out, as are secrets and fields that are not
    documented (``model_extra`` has those).
    """
    rows = [_row(item) for item in items]
    columns = dict.fromkeys(column for row in rows for column in row)
    return [{column: row.get(column) for column in columns} for row in rows]


class TabularList(Listed[T]):
    """A list of such objects, which is a table of as many rows."""

    def to_rows(self) -> list[dict[str, Any]]:
        """A flat row for each object: see :func:`rows_of`."""
        return rows_of(self)


class _Column(NamedTuple):
    name: str
    form: Literal["plain", "money", "object", "mapping"]
    kind: type[Model] | None


@lru_cache(maxsize=256)
def _columns(kind: type[Model]) -> tuple[_Column, ...]:
    omitted: frozenset[str] = getattr(kind, "_row_omits", frozenset())
    found = []
    for name, field in kind.model_fields.items():
        if name == "object" or name in omitted:  # `object` says the same in every row
            continue
        column = _column(name, field.annotation)
        if column is not None:
            found.append(column)
    return tuple(found)


def _column(name: str, annotation: Any) -> _Column | None:
    options = get_args(annotation) if get_origin(annotation) not in (list, dict, tuple) else (annotation,)
    for option in options or (annotation,):
        if option is Secret or (get_origin(option) is list and _is_model(get_args(option)[0])):
            return None
        if option is Money:
            return _Column(name, "money", None)
        if _is_model(option):
            return _Column(name, "object", option)
        if get_origin(option) is dict:
            return _Column(name, "mapping", None)
    return _Column(name, "plain", None)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Model)


def _row(item: Model) -> dict[str, Any]:
    row: dict[str, Any] = {}
    _fill(row, "", type(item), item)
    return row


def _fill(row: dict[str, Any], prefix: str, kind: type[Model], item: Model | None) -> None:
    """Enter the columns of ``item``; all empty where it is not there."""
    for name, form, inner in _columns(kind):
        value = None if item is None else getattr(item, name)
        column = prefix + name
        if form == "money":
            row[column] = None if value is None else value.amount
            row[column + "_currency"] = None if value is None else value.currency
        elif inner is not None:
            _fill(row, column + "_", inner, value)
        elif form == "mapping":
            _fill_mapping(row, column + "_", value or {})
        else:
            row[column] = list(value) if isinstance(value, list | tuple) else value


def _fill_mapping(row: dict[str, Any], prefix: str, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping):
            _fill_mapping(row, f"{prefix}{key}_", value)
        else:
            row[f"{prefix}{key}"] = value
