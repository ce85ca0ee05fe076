"""One key, one effect: what a repeated ``Idempotency-Key`` does to writes of the account side.

The first answer is kept for 24 hours. One that holds a secret is not written down: its replay is in memory for ten
minutes, and after that only its fingerprint is known.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from .clock import Clock
from .documents import Documents
from .errors import PlatformError

__all__ = ["Writes", "Written", "write_fingerprint"]

_KEPT: Final = timedelta(hours=24)
_SECRET_KEPT: Final = timedelta(minutes=10)


def write_fingerprint(method: str, path: str, body: Any) -> str:
    """The same for the same request, however its JSON was written."""
    text = json.dumps([method, path, body], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Written:
    """An answer that was given: its status and JSON."""

    status: int
    body: Any


class Writes:
    """The answers under each account's keys."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        self._secrets: dict[tuple[str, str], tuple[datetime, Written]] = {}

    def replay(self, account_id: str, key: str, print_: str) -> Written | None:
        """The answer of the same request; ``None`` if there was none. Raises :class:`PlatformError` where the key
        belongs to another request, or the secret is not to be had any more."""
        document = self._documents.find("write", account_id, key)
        now = self._clock.now()
        if document is None:
            return None
        if now >= document.at + _KEPT:
            self._documents.remove(document)
            return None
        if document.body["fingerprint"] != print_:
            raise PlatformError("idempotency_conflict", "this Idempotency-Key belongs to another request")
        if not document.body["secret"]:
            return Written(document.body["status"], document.body["answer"])
        until, written = self._secrets.get((account_id, key), (now, None))
        if written is None or now >= until:
            self._secrets.pop((account_id, key), None)
            raise PlatformError(
                "idempotency_secret_expired",
                "the secret under this Idempotency-Key was shown more than ten minutes ago",
            )
        return written

    def keep(self, account_id: str, key: str, print_: str, written: Written, *, secret: bool) -> None:
        """Keep an answer for replays."""
        now = self._clock.now()
        body = {
            "fingerprint": print_, "secret": secret, "status": written.status,
            "answer": None if secret else written.body,
        }  # fmt: skip
        self._documents.add("write", account_id, key, body, at=now)
        if secret:
            self._secrets = {place: held for place, held in self._secrets.items() if held[0] > now}
            self._secrets[account_id, key] = now + _SECRET_KEPT, written
