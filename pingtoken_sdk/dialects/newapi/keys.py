"""Keys, which the gateway calls tokens. It writes them whole: what is left out of a change is set to zero, and an
expiry left out means "expired at once". So every change is read, changed, and written back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel

from ...errors import (
    APIResponseValidationError,
    APIStatusError,
    FeatureUnavailableError,
    InvalidRequestError,
    NotFoundError,
)
from ...types.base import Money
from ...types.keys import Key, NewKey
from ...types.secret import Secret
from ..operation import Operation, read
from ..pages import Fetch, Page
from .gateway import Gateway, data_in, rows_in
from .logs import count_of, instant_of, text_of
from .paging import Cursor
from .units import Units, decimal_of, money_of

__all__ = ["KeySide"]

Row = Mapping[str, Any]

_TOKENS: Final = "/api/token/"
_STATUS: Final = {1: "active", 2: "disabled", 3: "expired", 4: "exhausted"}
_SWITCH: Final = {"active": 1, "disabled": 2}
_NAME: Final = 50
"""The longest name, in bytes."""
_WRITTEN: Final = (
    "id", "name", "expired_time", "remain_quota", "unlimited_quota", "model_limits_enabled", "model_limits",
    "allow_ips", "group", "cross_group_retry",
)  # fmt: skip
"""The fields that a change writes."""
_KNOWN: Final = frozenset({"name", "status", "allowed_models", "allowed_ips", "spend_limit", "expires_at"})


class _Answer(BaseModel):
    """The answer that holds a secret."""

    class Told(BaseModel):
        """Its data."""

        key: Secret

    data: Told


class KeySide(Gateway):
    """``/api/token`` and ``/api/usage/token``."""

    def keys(self, status: str | None, name: str | None) -> Fetch[Key]:
        if self.access is None:
            self.needs_access("keys")

        def fetch(cursor: str | None, size: int) -> Operation[Page[Key]]:
            place = Cursor.read(cursor, size)
            units = (yield from self.status()).units
            rows, total = yield from self._rows(place)
            if place.total is not None and total < place.total:
                # Keys are gone, and those behind them have moved up: some may be on a page that was read already.
                while place.page > 1 and not any(_number(row) >= (place.below or 0) for row in rows):
                    place = place.to(place.page - 1)
                    rows, total = yield from self._rows(place)
            numbers = [_number(row) for row in rows]
            fresh = [row for row in rows if place.below is None or _number(row) < place.below]
            found = [key for key in (_key(row, units) for row in fresh) if _is_wanted(key, status, name)]
            begun = place.to(place.page, below=place.below or max(numbers, default=0) + 1, total=total)
            if len(rows) < place.size:
                return Page(found, None, again=str(begun))
            following = place.to(place.page + 1, below=min(numbers), total=total)
            return Page(found, str(following), again=str(begun))

        return fetch

    def key(self, key_id: str) -> Operation[Key]:
        row = yield from self._row(key_id)
        return _key(row, (yield from self.status()).units)

    def current_key(self) -> Operation[Key]:
        """The key in use, which is told even where it is expired, exhausted or, by older gateways, disabled. The page
        does not name it: its ``id`` is ``"current"``."""
        units = (yield from self.status()).units
        question = self.key_page("/api/usage/token/", "key_current")
        told, at = yield from self.rationed("key", question, lambda told: data_in(told, "current key"))
        return _own_key(told, units, at, self.surroundings.now())

    def create_key(self, body: Mapping[str, Any], idempotency_key: str | None) -> Operation[NewKey]:
        """Three requests: the first makes the key, and by most gateways is answered with nothing; the second finds it,
        the third asks for its secret. Two programs that make the same key for the same account in the same second
        may get each other's."""
        if self.access is None:
            self.needs_access("keys")
        self._refuse_what_keys_lack(body)
        units = (yield from self.status()).units
        wanted = _written(_BLANK, body, units)
        question = self.account_page(_TOKENS, "keys", method="POST", body=wanted, once=True)
        told = yield from self.asked(question)
        made = told if isinstance(told, Mapping) and _number(told) else (yield from self._latest_like(wanted))
        secret = yield from self._secret(_number(made))
        return _with_secret(_key(made, units), secret)

    def update_key(self, key_id: str, body: Mapping[str, Any]) -> Operation[Key]:
        self._refuse_what_keys_lack(body)
        units = (yield from self.status()).units
        row = yield from self._row(key_id)
        changes = {name: value for name, value in body.items() if name != "status"}
        if changes:
            whole = {name: row[name] for name in _WRITTEN if name in row}
            yield from self._put(_written({**_BLANK, **whole}, changes, units, used=row.get("used_quota")))
        if "status" in body:
            if body["status"] not in _SWITCH:
                raise InvalidRequestError(
                    f"status is {body['status']!r:.40}", hint="give 'active' or 'disabled'"
                )
            switch = {"id": _number(row), "status": _SWITCH[body["status"]]}
            yield from self._put(switch, query={"status_only": 1})
        return (yield from self.key(key_id))

    def revoke_key(self, key_id: str, *, allow_self: bool) -> Operation[None]:
        row = yield from self._row(key_id)
        if not allow_self:
            yield from self._refuse_self(row)
        path = f"{_TOKENS}{_number(row)}"
        question = self.account_page(path, "keys", method="DELETE", about=key_id)
        yield from self.asked(question, NotFoundError)

    def rotate_key(self, key_id: str, grace: int | None, idempotency_key: str | None) -> Operation[NewKey]:
        self.lacks("key_rotation")

    # -- the requests

    def _rows(self, place: Cursor) -> Operation[tuple[list[Row], int]]:
        told = yield from self.asked(self.account_page(_TOKENS, "keys", query=place.query))
        rows = rows_in(told, "keys")
        total = count_of(told.get("total")) if isinstance(told, Mapping) else None
        return rows, len(rows) if total is None else total

    def _row(self, key_id: str) -> Operation[Row]:
        number = key_id if isinstance(key_id, str) and key_id.isascii() and key_id.isdecimal() else None
        question = self.account_page(f"{_TOKENS}{number}", "keys", about="key")
        if number is None or len(number) > 18:
            raise InvalidRequestError(
                "the id of a key is a number here",
                hint="client.keys.list() has the ids; a key itself is none",
            )
        return data_in((yield from self.asked(question, NotFoundError)), "key")

    def _put(self, body: Row, query: Mapping[str, Any] | None = None) -> Operation[None]:
        yield from self.asked(self.account_page(_TOKENS, "keys", method="PUT", body=body, query=query))

    def _latest_like(self, wanted: Row) -> Operation[Row]:
        rows, _ = yield from self._rows(Cursor())
        for row in rows:  # the latest comes first
            if all(row.get(name) == value for name, value in wanted.items() if name in row and name != "id"):
                return row
        raise APIResponseValidationError(
            "the key was made, but it is not among the latest", hint="look for it in client.keys.list()"
        )

    def _secret(self, number: int) -> Operation[Secret]:
        question = self.account_page(f"{_TOKENS}{number}/key", "keys", method="POST", body={}, about="key")
        try:
            reply = yield from self.replied(question, NotFoundError)
            return reply.read(_Answer).data.key
        except APIStatusError as error:
            error.hint = (
                f"key {number} was made, but its secret was not told: see the gateway's console, or revoke it"
            )
            raise

    def _refuse_self(self, row: Row) -> Operation[None]:
        """Raises :class:`InvalidRequestError` for what may be the key in use. The gateway tells its name alone."""
        try:
            current = yield from self.current_key()
        except (APIStatusError, FeatureUnavailableError):
            return  # a key that is not let in is not cut off by this
        if current.name == text_of(row.get("name")):
            raise InvalidRequestError(
                "this may be the key in use: it has the same name",
                hint="allow_self=True revokes it all the same",
            )

    def _refuse_what_keys_lack(self, body: Row) -> None:
        """Raises :class:`FeatureUnavailableError` for what the gateway's keys do not have."""
        scopes = body.get("scopes")
        if scopes is not None and list(scopes) != ["inference"]:
            self.lacks("key scopes")
        for name, value in body.items():
            if name not in _KNOWN and name != "scopes" and value:
                self.lacks(f"key {name.replace('_', ' ')}")


_BLANK: Final[Row] = {
    "name": "", "expired_time": -1, "remain_quota": 0, "unlimited_quota": True, "model_limits_enabled": False,
    "model_limits": "", "allow_ips": "", "group": "", "cross_group_retry": False,
}  # fmt: skip


def _written(row: Row, changes: Row, units: Units, used: Any = 0) -> dict[str, Any]:
    """A whole key as it is written, with ``changes`` in the contract's words."""
    whole = dict(row)
    if "name" in changes:
        whole["name"] = _named(changes["name"])
    if "expires_at" in changes:
        whole["expired_time"] = _expiry(changes["expires_at"])
    if "allowed_models" in changes:
        models = changes["allowed_models"]
        whole["model_limits_enabled"] = models is not None
        whole["model_limits"] = _joined(models, ",", "allowed_models")
    if "allowed_ips" in changes:
        whole["allow_ips"] = _joined(changes["allowed_ips"], "\n", "allowed_ips")
    if "spend_limit" in changes:
        limit = _limit(changes["spend_limit"])
        whole["unlimited_quota"] = limit is None
        whole["remain_quota"] = (
            0 if limit is None else max(0, units.quota(limit) - int(decimal_of(used) or 0))
        )
    return whole


def _named(name: Any) -> str:
    if not isinstance(name, str) or not name.strip():
        raise InvalidRequestError("name is empty", hint="name the key for what it is used for")
    if len(name.encode()) > _NAME:
        raise InvalidRequestError(
            f"name is {len(name.encode())} bytes long", hint=f"at most {_NAME} are allowed here"
        )
    return name


def _expiry(at: Any) -> int:
    if at is None:
        return -1
    try:
        moment = datetime.fromisoformat(at) if isinstance(at, str) else at
        seconds = int(moment.timestamp())
    except (ValueError, AttributeError, OverflowError):
        raise InvalidRequestError("expires_at is no time", hint="give an aware datetime") from None
    return seconds


def _joined(values: Any, mark: str, name: str) -> str:
    if values is None:
        return ""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise InvalidRequestError(f"{name} is no list", hint="give a list of texts")
    for value in values:
        if not isinstance(value, str) or not value.strip() or mark in value:
            raise InvalidRequestError(f"{name} holds {value!r:.60}", hint="give a list of texts")
    return mark.join(values)


def _limit(given: Any) -> Money | None:
    if given is None:
        return None
    period = given.get("period") if isinstance(given, Mapping) else None
    amount = money_of(given.get("amount")) if isinstance(given, Mapping) else None
    if amount is None:
        raise InvalidRequestError("spend_limit has no amount", hint="give an amount with its currency")
    if period not in (None, "lifetime"):
        raise InvalidRequestError(
            f"spend_limit has the period {period!r:.20}",
            hint="limits of this gateway's keys are for their lifetime",
        )
    return amount


def _number(row: Row) -> int:
    return count_of(row.get("id")) or 0


def _is_wanted(key: Key, status: str | None, name: str | None) -> bool:
    return (status is None or key.status == status) and (
        name is None or name.lower() in (key.name or "").lower()
    )


def _key(row: Row, units: Units) -> Key:
    number = _number(row)
    remaining, used = decimal_of(row.get("remain_quota")), decimal_of(row.get("used_quota"))
    limited = row.get("unlimited_quota") is False
    models = text_of(row.get("model_limits")) or ""
    addresses = [part.strip() for part in (text_of(row.get("allow_ips")) or "").splitlines() if part.strip()]
    limit = None if remaining is None or used is None else units.money(remaining + used)
    return read(
        {
            "object": "key",
            "id": str(number) if number else None,
            "name": text_of(row.get("name")),
            "hint": text_of(row.get("key")),
            "status": _STATUS.get(count_of(row.get("status")) or 0),
            "scopes": ["inference"],
            "allowed_models": [m for m in models.split(",") if m]
            if row.get("model_limits_enabled") is True
            else None,
            "allowed_ips": addresses or None,
            "spend_limit": {"amount": limit, "period": "lifetime"} if limited and limit is not None else None,
            "spent": None if used is None else units.money(used),
            "spent_total": None if used is None else units.money(used),
            "remaining": units.money(remaining) if limited and remaining is not None else None,
            "expires_at": instant_of(row.get("expired_time")),
            "created_at": instant_of(row.get("created_time")),
            "last_used_at": instant_of(row.get("accessed_time")),
            "group": text_of(row.get("group")),
        },
        Key,
    )


def _own_key(told: Row, units: Units, as_of: datetime, now: datetime) -> Key:
    granted, used = decimal_of(told.get("total_granted")), decimal_of(told.get("total_used"))
    remaining = decimal_of(told.get("total_available"))
    expires = instant_of(told.get("expires_at"))
    limited = told.get("unlimited_quota") is False
    models = told.get("model_limits")
    status = "active"
    if expires is not None and expires <= now:
        status = "expired"
    elif limited and remaining is not None and remaining <= 0:
        status = "exhausted"
    limit = None if granted is None else units.money(granted)
    return read(
        {
            "object": "key",
            "id": "current",
            "name": text_of(told.get("name")),
            "status": status,
            "scopes": ["inference"],
            "allowed_models": sorted(models)
            if told.get("model_limits_enabled") is True and isinstance(models, Mapping)
            else None,
            "spend_limit": {"amount": limit, "period": "lifetime"} if limited and limit is not None else None,
            "spent": None if used is None else units.money(used),
            "spent_total": None if used is None else units.money(used),
            "remaining": units.money(remaining) if limited and remaining is not None else None,
            "expires_at": expires,
            "as_of": as_of,
        },
        Key,
    )


def _with_secret(key: Key, told: Secret) -> NewKey:
    """The key as it is to be used: with the prefix that the gateway leaves out."""
    whole = told if told.reveal().startswith("sk-") else Secret("sk-" + told.reveal())
    return NewKey.model_validate({**key.model_dump(), "secret": whole})
