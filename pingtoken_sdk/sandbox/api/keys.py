"""``/keys``: the account's tokens. A secret is in the answer that makes it, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from ..accounts import SCOPES, RateLimits
from ..spending import PERIODS
from .form import Form
from .operations import Answer, Operation, Table, Visit
from .reading import invalid

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["key_operations"]

_STATUSES: Final = ("active", "disabled", "expired", "exhausted", "revoked")
_LONGEST_GRACE: Final = 604_800


def key_operations(platform: Platform) -> Table:
    """Their table."""
    pages = _KeyPages(platform)
    return {
        "/keys": {
            "GET": Operation(pages.list, "keys.read"),
            "POST": Operation(pages.create, "keys.write", once="required"),
        },
        "/keys/current": {"GET": Operation(pages.current, None, dead=True)},
        "/keys/{key_id}": {
            "GET": Operation(pages.get, "keys.read"),
            "PATCH": Operation(pages.update, "keys.write"),
            "DELETE": Operation(pages.revoke, "keys.write"),
        },
        "/keys/{key_id}/rotate": {
            "POST": Operation(pages.rotate, "keys.write", once="required", bare=True)
        },
    }  # fmt: skip


class _KeyPages:
    """What they do."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._keys = platform.keys

    def list(self, visit: Visit) -> Answer:
        status, part = visit.choice("status", _STATUSES), visit.query.get("name", "")
        pages = visit.pages()
        last = pages.held.get("number")
        found: list[tuple[int, dict[str, Any]]] = []
        for number, key in self._keys.of(visit.account):
            if isinstance(last, int) and number >= last:
                continue
            view = self._keys.answer(key)
            if status in {None, view["status"]} and part in key.name:
                found.append((number, view))
                if len(found) > pages.limit:
                    break
        data = [view for _, view in found[: pages.limit]]
        more = {"number": found[pages.limit - 1][0]} if len(found) > pages.limit else None
        return Answer(pages.page(data, more))

    def create(self, visit: Visit) -> Answer:
        name = visit.body.needed_text("name", 1, 50)
        changes = dict(_shape(visit.body))
        key, secret = self._platform.accounts.issue(visit.account, name)
        self._keys.change(key, {"scopes": ("inference",), **changes, "name": name}.items())
        return Answer({**self._keys.answer(key), "secret": secret}, 201, secret=True)

    def current(self, visit: Visit) -> Answer:
        return Answer(self._keys.answer(visit.key))

    def get(self, visit: Visit) -> Answer:
        return Answer(self._keys.answer(self._keys.find(visit.account, visit.path("key_id"))))

    def update(self, visit: Visit) -> Answer:
        key = self._keys.find(visit.account, visit.path("key_id"))
        visit.body.need_some()
        changes = dict(_shape(visit.body))
        name = visit.body.text("name", 1, 50)
        if name is not None:
            changes["name"] = name
        status = visit.body.choice("status", ("active", "disabled"))
        if status is not None:
            changes["status"] = status
        self._keys.change(key, changes.items())
        return Answer(self._keys.answer(key))

    def revoke(self, visit: Visit) -> Answer:
        key = self._keys.find(visit.account, visit.path("key_id"))
        self._keys.revoke(key, visit.key, allow_self=bool(visit.flag("allow_self")))
        return Answer(None, 204)

    def rotate(self, visit: Visit) -> Answer:
        key = self._keys.find(visit.account, visit.path("key_id"))
        grace = visit.body.whole("grace_seconds", 0, _LONGEST_GRACE)
        until = visit.now + timedelta(seconds=3600 if grace is None else grace)
        secret = self._keys.rotate(key, until)
        return Answer({**self._keys.answer(key), "secret": secret}, secret=True)


def _shape(form: Form) -> Iterator[tuple[str, Any]]:
    """Fields of a key that a body names, as :class:`Key` holds them."""
    scopes = form.texts("scopes", SCOPES)
    if scopes is not None:
        yield "scopes", tuple(dict.fromkeys(scopes))
    if "allowed_models" in form:
        yield "allowed_models", None if form.is_null("allowed_models") else form.texts("allowed_models")
    if "allowed_ips" in form:
        yield "allowed_ips", form.networks("allowed_ips")
    limits = form.inner("rate_limits")
    if limits is not None:
        yield "rate_limits", _rate_limits(limits)
    if "spend_limit" in form:
        yield from _spend_limit(form)
    if "expires_at" in form:
        yield "expires_at", form.instant("expires_at")
    metadata = form.metadata("metadata")
    if metadata is not None:
        yield "metadata", metadata


def _rate_limits(limits: Form) -> RateLimits:
    names = ("requests_per_minute", "tokens_per_minute", "requests_per_day", "concurrency")
    return RateLimits(**{name: None if limits.is_null(name) else limits.whole(name, 1) for name in names})


def _spend_limit(form: Form) -> Iterator[tuple[str, Any]]:
    if form.is_null("spend_limit"):
        yield from (("spend_limit", None), ("spend_period", "lifetime"))
        return
    given = form.inner("spend_limit")
    if given is None:
        invalid("spend_limit", "an object, or null")
    given.need("amount", "period")
    yield "spend_limit", given.money("amount")
    yield "spend_period", given.choice("period", PERIODS)
