"""Reading the body of a write: each field is of its type, or refused by name. ``null`` counts only where the
contract lets a field be ``null``."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from ..errors import PlatformError
from .reading import invalid
from .times import read_time

__all__ = ["DECIMAL", "Form"]

DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]{1,12})?", re.ASCII)
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_LONGEST_AMOUNT: Final = 40
_MOST: Final = Decimal(10**12)


class Form:
    """Typed access to a JSON object."""

    __slots__ = ("_at", "_fields")

    def __init__(self, fields: Mapping[str, Any], at: str = "") -> None:
        self._fields = fields
        self._at = at

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    @property
    def fields(self) -> Mapping[str, Any]:
        """All of it, unread."""
        return self._fields

    def is_null(self, name: str) -> bool:
        """Whether the field is there, and ``null``."""
        return name in self._fields and self._fields[name] is None

    def need(self, *names: str) -> None:
        """Refuse a body without these."""
        for name in names:
            if name not in self._fields:
                place = self._at + name
                raise PlatformError("invalid_request", f"{place} is required", param=place)

    def need_some(self) -> None:
        """Refuse an empty body."""
        if not self._fields:
            raise PlatformError("invalid_request", "the body names nothing to change")

    def text(self, name: str, least: int = 0, most: int | None = None) -> str | None:
        """A string of so many characters."""
        if name not in self._fields:
            return None
        value = self._fields[name]
        if not isinstance(value, str):
            invalid(self._at + name, "a string")
        if len(value) < least or (most is not None and len(value) > most):
            span = f"at least {least}" if most is None else f"{least} to {most}"
            invalid(self._at + name, f"{span} characters")
        return value

    def needed_text(self, name: str, least: int = 0, most: int | None = None) -> str:
        self.need(name)
        return self.text(name, least, most) or ""

    def choice(self, name: str, choices: Sequence[str]) -> str | None:
        value = self.text(name)
        if value is not None and value not in choices:
            invalid(self._at + name, "one of " + ", ".join(choices))
        return value

    def email(self, name: str) -> str | None:
        value = self.text(name)
        if value is not None and not _EMAIL.fullmatch(value):
            invalid(self._at + name, "an e-mail address")
        return value

    def url(self, name: str) -> str | None:
        value = self.text(name)
        if value is not None and not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", value):
            invalid(self._at + name, "a URL")
        return value

    def whole(self, name: str, least: int, most: int | None = None) -> int | None:
        """A whole number; ``2.0`` is one too."""
        if name not in self._fields:
            return None
        value = self._fields[name]
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            invalid(self._at + name, f"a whole number, {least} at least")
        if most is not None and value > most:
            invalid(self._at + name, f"a whole number, {most} at most")
        return value

    def inner(self, name: str) -> Form | None:
        """An object's fields."""
        if name not in self._fields:
            return None
        value = self._fields[name]
        if not isinstance(value, dict):
            invalid(self._at + name, "an object")
        return Form(value, f"{self._at}{name}.")

    def money(self, name: str) -> Decimal | None:
        """An amount in CNY, above zero."""
        if self.inner(name) is None:
            return None
        given = self.inner(name)
        assert given is not None
        given.need("amount", "currency")
        text, currency = given.text("amount") or "", given.text("currency")
        if not DECIMAL.fullmatch(text) or len(text) > _LONGEST_AMOUNT:
            invalid(f"{self._at}{name}.amount", "a decimal string")
        if currency != "CNY":
            invalid(f"{self._at}{name}.currency", "CNY, the account's currency")
        amount = Decimal(text)
        if not 0 < amount <= _MOST:
            invalid(f"{self._at}{name}.amount", f"more than 0, and {_MOST} at most")
        return amount

    def needed_money(self, name: str) -> Decimal:
        self.need(name)
        amount = self.money(name)
        assert amount is not None
        return amount

    def instant(self, name: str) -> datetime | None:
        """A time; ``None`` also for ``null``."""
        value = None if self.is_null(name) else self.text(name)
        if value is None:
            return None
        try:
            return read_time(value)
        except ValueError:
            invalid(self._at + name, "RFC 3339 with an offset")

    def texts(
        self, name: str, choices: Sequence[str] | None = None, most: int = 1000
    ) -> tuple[str, ...] | None:
        """An array of strings."""
        if name not in self._fields:
            return None
        value = self._fields[name]
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            invalid(self._at + name, "an array of strings")
        if len(value) > most:
            invalid(self._at + name, f"{most} at most")
        if choices is not None and not set(value) <= set(choices):
            invalid(self._at + name, "some of " + ", ".join(choices))
        return tuple(value)

    def networks(self, name: str) -> tuple[str, ...] | None:
        """Addresses or CIDR blocks; ``None`` also for ``null``."""
        blocks = None if self.is_null(name) else self.texts(name)
        for block in blocks or ():
            try:
                ipaddress.ip_network(block, strict=False)
            except ValueError:
                invalid(self._at + name, "addresses or CIDR blocks")
        return blocks

    def numbers(self, name: str, above: float, most: float) -> tuple[float, ...] | None:
        """An array of numbers greater than ``above``, ``most`` at most."""
        if name not in self._fields:
            return None
        value = self._fields[name]
        if not isinstance(value, list) or len(value) > 100:
            invalid(self._at + name, "an array of numbers")
        for number in value:
            if isinstance(number, bool) or not isinstance(number, int | float) or not above < number <= most:
                invalid(self._at + name, f"numbers above {above:g}, at most {most:g}")
        return tuple(value)

    def metadata(self, name: str) -> dict[str, str] | None:
        """Up to 16 texts by name."""
        if name not in self._fields:
            return None
        value = self._fields[name]
        if (
            not isinstance(value, dict)
            or len(value) > 16
            or not all(isinstance(text, str) and len(text) <= 512 for text in value.values())
        ):
            invalid(self._at + name, "at most 16 texts of at most 512 characters")
        return value
