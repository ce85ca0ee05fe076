"""Review of identities: what is submitted is looked at a moment later, and verified or sent back with a reason."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from .accounts import Account, Accounts
from .clock import Clock, timestamp
from .documents import Document, Documents
from .errands import MOMENT, Errands
from .errors import PlatformError
from .notices import Notices
from .profiles import Identity, masked

__all__ = ["Identities"]

_NUMBERS: Final = {"individual": re.compile(r"\d{17}[\dXx]"), "enterprise": re.compile(r"[0-9A-Za-z]{18}")}
"""An identity card's number, and an enterprise's unified social credit code; only the form is looked at."""


class Identities:
    """Submissions and their reviews."""

    def __init__(
        self, accounts: Accounts, documents: Documents, notices: Notices, errands: Errands, clock: Clock
    ) -> None:
        self._accounts = accounts
        self._documents = documents
        self._notices = notices
        self._clock = clock
        errands.on("identity", self._review)

    def submit(self, account: Account, kind: str, legal_name: str, number: str, country: str) -> Identity:
        """Take data for review. Raises :class:`PlatformError` while earlier data is under review."""
        if account.identity.status == "pending":
            raise PlatformError("state_conflict", "the identity is under review already")
        now = self._clock.now()
        account.identity = Identity(
            status="pending",
            kind=kind,
            legal_name=legal_name,
            document_number_masked=masked(number),
            country=country,
            submitted_at=timestamp(now),
        )
        sound = bool(legal_name.strip()) and _NUMBERS[kind].fullmatch(number) is not None
        self._accounts.save_account(account)
        # The number itself is forgotten here; only the finding goes on.
        self._documents.add(
            "identity", account.id, timestamp(now), {"sound": sound}, at=now, due=now + MOMENT
        )
        return account.identity

    def _review(self, document: Document, due: datetime) -> None:
        account = self._accounts.by_id[document.account_id]
        identity = account.identity
        self._documents.remove(document)
        if identity.status != "pending":  # changed by the admin meanwhile
            return
        identity.reviewed_at = timestamp(due)
        if document.body["sound"]:
            identity.status = "verified"
            if account.status == "pending_review" or account.status_reason == "identity":
                account.status, account.status_reason, account.status_since = "active", None, timestamp(due)
        else:
            identity.status = "rejected"
            identity.rejection_reason = (
                "The document number or the name is not in a form that can be checked."
            )
        self._accounts.save_account(account)
        self._notices.message(
            account.id, "account", f"Identity {identity.status}",
            identity.rejection_reason or "Your identity has been verified.", at=due,
            severity="info" if identity.status == "verified" else "warning",
        )  # fmt: skip
