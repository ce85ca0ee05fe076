"""``/account`` itself: its profile, its holder's identity, and its closing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import PlatformError
from ..profiles import zone_of
from .operations import Answer, Operation, Table, Visit
from .reading import invalid

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["CHANNELS", "profile_operations"]

CHANNELS = ("in_app", "email", "sms", "webhook")


def profile_operations(platform: Platform) -> Table:
    """Their table."""
    pages = _ProfilePages(platform)
    return {
        "/account": {
            "GET": Operation(pages.account, "account.read", closed=True),
            "PATCH": Operation(pages.update, "account.write", once="taken"),
        },
        "/account/identity": {
            "GET": Operation(pages.identity, "account.read"),
            "PUT": Operation(pages.submit_identity, "account.write", once="taken"),
        },
        "/account/closure": {
            "GET": Operation(pages.closure, "account.read"),
            "POST": Operation(pages.request_closure, "account.write", once="required"),
            "DELETE": Operation(pages.withdraw_closure, "account.write"),
        },
    }


class _ProfilePages:
    """What they do."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def account(self, visit: Visit) -> Answer:
        return Answer(visit.account.answer(self._platform.notices.unread(visit.account.id)))

    def update(self, visit: Visit) -> Answer:
        body, account = visit.body, visit.account
        body.need_some()
        changes: dict[str, Any] = {
            "email": body.email("email"),
            "phone": body.text("phone"),
            "locale": body.text("locale"),
            "timezone": body.text("timezone"),
            "notification_channels": body.texts("notification_channels", CHANNELS),
        }
        name = body.text("display_name", 0, 100)
        if changes["timezone"] is not None and zone_of(changes["timezone"]) is None:
            invalid("timezone", "the IANA name of a time zone, such as Asia/Shanghai")
        account.profile = replace(
            account.profile, **{field: value for field, value in changes.items() if value is not None}
        )
        account.name = account.name if name is None else name
        self._platform.accounts.save_account(account)
        return self.account(visit)

    def identity(self, visit: Visit) -> Answer:
        return Answer(visit.account.identity.answer())

    def submit_identity(self, visit: Visit) -> Answer:
        body = visit.body
        body.need("kind", "legal_name", "document_number")
        kind = body.choice("kind", ("individual", "enterprise")) or ""
        name, number = body.needed_text("legal_name"), body.needed_text("document_number")
        country = body.text("country")
        body.text("legal_representative")
        body.text("contact_phone")
        identity = self._platform.identities.submit(
            visit.account, kind, name, number, "CN" if country is None else country
        )
        return Answer(identity.answer(), 202)

    def closure(self, visit: Visit) -> Answer:
        return Answer(self._platform.closures.state(visit.account))

    def request_closure(self, visit: Visit) -> Answer:
        confirmed = visit.body.needed_text("confirm_account_id")
        reason = visit.body.text("reason", 0, 2000)
        if confirmed != visit.account.id:
            raise PlatformError(
                "invalid_parameter",
                "confirm_account_id: expected the id of the account that is to be closed",
                param="confirm_account_id",
            )
        return Answer(self._platform.closures.request(visit.account, reason), 202)

    def withdraw_closure(self, visit: Visit) -> Answer:
        self._platform.closures.withdraw(visit.account)
        return Answer(None, 204)
