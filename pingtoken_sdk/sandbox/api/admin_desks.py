"""The admin's pages about what people do: payments, reviews, letters to users, new versions of agreements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request

from ..accounts import Account
from ..agreements import AGREEMENT_KINDS, Version
from ..clock import parse_moment
from ..notices import CATEGORIES, SEVERITIES
from .admin_reading import Refused, nothing_left

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["DeskPages"]

_IDENTITY: Final = ("none", "pending", "verified", "rejected", "expired")


class DeskPages:
    """What the pages do."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def finish_topup(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """The payment of a top-up ``succeeded`` or ``failed``."""
        status = _one_of("status", body.pop("status", "succeeded"), ("succeeded", "failed"))
        nothing_left(body)
        return self._platform.topups.finish(self._account(request), request.path_params["topup"], status)

    async def change_identity(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Set the ``status`` of an identity, and the ``rejection_reason``."""
        account = self._account(request)
        account.identity.status = _one_of("status", body.pop("status"), _IDENTITY)
        account.identity.rejection_reason = body.pop("rejection_reason", None)
        nothing_left(body)
        self._platform.accounts.save_account(account)
        return account.identity.answer()

    async def write_message(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        identity = self._platform.notices.message(self._account(request).id, **_notice(body))
        return {"id": identity}

    async def announce(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        more: dict[str, Any] = {
            name: None if (given := body.pop(name, None)) is None else parse_moment(str(given))
            for name in ("effective_from", "expires_at")
        }
        more["models"] = [str(model) for model in body.pop("models", ())]
        more["url"] = body.pop("url", None)
        return {"id": self._platform.notices.announce(**_notice(body), **more)}

    async def publish_agreement(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Publish a version. It comes into force at ``effective_from`` (at once); one that is ``required`` is asked
        of every account then."""
        kind = _one_of("kind", body.pop("kind"), AGREEMENT_KINDS)
        now, agreements = self._platform.clock.now(), self._platform.agreements
        starts = body.pop("effective_from", None)
        version = Version(
            kind=kind,
            version=str(body.pop("version")),
            title=str(body.pop("title", agreements.current(kind, now).title)),
            text=str(body.pop("text")),
            published_at=now,
            effective_from=now if starts is None else parse_moment(str(starts)),
            change_summary=body.pop("change_summary", None),
            required=body.pop("required", False) is True,
        )
        nothing_left(body)
        agreements.publish(version)
        self._platform.calendar.catch_up()
        return agreements.get(kind, version.version, None)

    def _account(self, request: Request) -> Account:
        account = self._platform.accounts.by_id.get(request.path_params["account"])
        if account is None:
            raise Refused("there is no such account", 404)
        return account


def _notice(body: dict[str, Any]) -> dict[str, Any]:
    read = {
        "category": _one_of("category", body.pop("category"), CATEGORIES),
        "severity": _one_of("severity", body.pop("severity", "info"), SEVERITIES),
        "title": str(body.pop("title")),
        "body": str(body.pop("body", "")),
    }
    nothing_left(body)
    return read


def _one_of(name: str, given: Any, choices: tuple[str, ...]) -> str:
    if given not in choices:
        raise Refused(f"{name}: expected one of {', '.join(choices)}")
    return str(given)
