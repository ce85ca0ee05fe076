"""The way in to every page of an account: token, address, scope, and what the account's state allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request

from ..accounts import Key
from . import desk

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["address_of", "asking", "enter"]


def enter(
    platform: Platform, request: Request, scope: str | None, *, closed: bool = False, dead: bool = False,
    action: str | None = None,
) -> Key:  # fmt: skip
    """The key of a request that may have what it asks for, or :class:`PlatformError`.

    ``closed``: also for closed accounts. ``dead``: also for keys that are expired, disabled or revoked. ``action`` is
    the name by which a restriction may block it; the scope, unless it has another.
    """
    platform.calendar.catch_up()
    key = desk.authenticate(
        platform.accounts,
        request.headers.get("authorization"),
        platform.clock.now(),
        address_of(request),
        dead=dead,
    )
    if not closed:
        desk.check_open(key.account)
    if scope is not None:
        desk.require(key, scope)
        desk.check_restriction(key.account, action or scope)
    return key


def asking(platform: Platform, request: Request) -> Key | None:
    """The key of a request that may come without one."""
    platform.calendar.catch_up()
    given = request.headers.get("authorization")
    if given is None:
        return None
    return desk.authenticate(platform.accounts, given, platform.clock.now(), address_of(request))


def address_of(request: Request) -> str | None:
    """The client's address."""
    return None if request.client is None else request.client.host
