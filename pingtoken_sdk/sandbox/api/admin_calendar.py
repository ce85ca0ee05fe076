"""The admin's pages about time and money: the calendar, prices, states of accounts, vouchers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request

from ..accounts import Account
from ..billing import plain
from ..clock import parse_moment, timestamp
from ..states import Script
from .admin_reading import Refused, amount, nothing_left

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["CalendarPages"]

_LAST: Final = datetime(2900, 1, 1, tzinfo=UTC)


class CalendarPages:
    """What the pages do."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def clock(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Move the calendar: by ``offset`` seconds from the machine's clock, also backwards; nothing falls due
        twice."""
        clock, done = self._platform.clock, 0
        moved = datetime.now(UTC) + timedelta(seconds=float(body["offset"]))
        if moved > clock.now():
            done = self._platform.calendar.advance(moved)
        else:
            clock.move_to(moved)
        return {"now": timestamp(clock.now()), "events": done}

    async def advance(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Move the calendar forward ``to`` an instant or a day, or by so many ``days`` and ``seconds``."""
        clock = self._platform.clock
        if "to" in body:
            to = parse_moment(str(body.pop("to")))
        else:
            to = clock.now() + timedelta(
                days=float(body.pop("days", 0)), seconds=float(body.pop("seconds", 0))
            )
        nothing_left(body)
        if to > _LAST:
            raise Refused("to: the calendar ends in 2899")
        done = self._platform.calendar.advance(to)
        return {"now": timestamp(clock.now()), "events": done}

    async def announce_price(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        if body["model"] not in self._platform.catalogue.models:
            raise Refused("model: there is no such model", 404)
        rates = {meter: amount(rate) for meter, rate in body["rates"].items()}
        added = self._platform.prices.announce(
            body["model"], rates, parse_moment(str(body["effective_from"]))
        )
        return added.answer(self._platform.clock.now())

    async def set_status(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Bring an account into a state."""
        account, usual = self._account(request), Script(body.pop("status"))
        script = Script(
            state=usual.state,
            reason=body.pop("reason", None),
            restrictions=tuple(body.pop("restrictions", usual.restrictions)),
            amount=amount(body.pop("amount", usual.amount)),
            suspend=bool(body.pop("suspend", usual.suspend)),
            after=timedelta(days=float(body.pop("days", usual.after.days))),
        )
        nothing_left(body)
        self._platform.states.enter(account, script)
        return {**account.answer(), "balance": plain(account.balance)}

    async def give_grant(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        account, expires = self._account(request), body.pop("expires_at", None)
        given, models = amount(body.pop("amount")), body.pop("models", None)
        nothing_left(body)
        known = self._platform.catalogue.models
        if models is not None and not set(models) <= known.keys():
            raise Refused("models: there are others among them than those of the platform")
        grant = self._platform.grants.give(
            account, given, None if expires is None else parse_moment(str(expires)), models
        )
        return {**grant.answer(), "balance": plain(account.balance)}

    def _account(self, request: Request) -> Account:
        account = self._platform.accounts.by_id.get(request.path_params["account"])
        if account is None:
            raise Refused("there is no such account", 404)
        return account
