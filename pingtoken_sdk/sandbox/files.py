"""Files that the platform makes, and links to them that work for a while without a token."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Final, NamedTuple

from .clock import Clock
from .ledger import Ledger

__all__ = ["LINK_LASTS", "File", "Files"]

LINK_LASTS: Final = timedelta(minutes=15)


class File(NamedTuple):
    """One file."""

    name: str
    content_type: str
    body: bytes


class Files:
    """The files of one ledger. Links are signed with a secret of this run, so they end with it.

    ``root()`` is the URL below which the files are served.
    """

    def __init__(self, ledger: Ledger, clock: Clock, root: Callable[[], str]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._root = root
        self._secret = secrets.token_bytes(32)

    def keep(self, account_id: str, file: File) -> str:
        """Keep a file; returns its id."""
        identity = f"file_{secrets.token_hex(8)}"
        self._ledger.database.execute(
            "INSERT INTO files VALUES (?, ?, ?, ?, ?)", (identity, account_id, *file)
        )
        return identity

    def remove(self, identity: str) -> None:
        self._ledger.database.execute("DELETE FROM files WHERE id = ?", (identity,))

    def link(self, identity: str) -> str:
        """A URL under which the file can be had from now on for :data:`LINK_LASTS`."""
        until = str(int((self._clock.now() + LINK_LASTS).timestamp()))
        return f"{self._root()}/files/{identity}?until={until}&signature={self._sign(identity, until)}"

    def read(self, identity: str, until: str, signature: str) -> File | None:
        """The file that a link leads to; ``None`` if the link is none of ours or is over, or the file is gone."""
        if not hmac.compare_digest(self._sign(identity, until).encode(), signature.encode()):
            return None
        if int(until) < self._clock.now().timestamp():
            return None
        row = self._ledger.database.execute(
            "SELECT name, content_type, body FROM files WHERE id = ?", (identity,)
        ).fetchone()
        return None if row is None else File(*row)

    def _sign(self, identity: str, until: str) -> str:
        return hmac.new(self._secret, f"{identity}\n{until}".encode(), hashlib.sha256).hexdigest()
