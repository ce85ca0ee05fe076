"""The agreements between the user and the platform, in their versions."""

from __future__ import annotations

import hashlib
from typing import ClassVar

from .fields import Instant
from .rows import Tabular

__all__ = ["Agreement", "AgreementDiff"]


class Agreement(Tabular):
    """One version of an agreement. Lists leave ``text`` out.

    ``kind`` is ``"user_agreement"``, ``"privacy_policy"`` or ``"usage_rules"``; ``status`` ``"past"``, ``"current"`` or
    ``"scheduled"``; ``accepted_how`` ``"explicit"`` or ``"continued_use"``. ``sha256`` is of the text as UTF-8, in
    hexadecimal digits.
    """

    object: str | None = None
    kind: str
    version: str | None = None
    title: str | None = None
    locale: str | None = None
    text: str | None = None
    sha256: str | None = None
    published_at: Instant | None = None
    effective_from: Instant | None = None
    status: str | None = None
    accepted_at: Instant | None = None
    accepted_how: str | None = None
    change_summary: str | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"kind", "version", "title", "locale", "sha256", "published_at", "effective_from", "status", "accepted_at",
         "accepted_how"}
    )  # fmt: skip
    _row_omits: ClassVar[frozenset[str]] = frozenset({"text"})

    @property
    def is_intact(self) -> bool | None:
        """Whether the text is the one that ``sha256`` names; ``None`` where either is missing."""
        if self.text is None or self.sha256 is None:
            return None
        return hashlib.sha256(self.text.encode()).hexdigest() == self.sha256.lower()


class AgreementDiff(Tabular):
    """How ``new`` differs from ``old``, the version that was accepted; ``None`` where none was."""

    kind: str
    old: Agreement | None = None
    new: Agreement

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"kind", "old", "new"})

    @property
    def has_changed(self) -> bool | None:
        """Whether the text is another, told by the hashes; ``None`` where one of them is missing."""
        if self.old is None:
            return True
        if self.old.sha256 is None or self.new.sha256 is None:
            return None
        return self.old.sha256.lower() != self.new.sha256.lower()

    @property
    def lines(self) -> list[str]:
        """The changes, as ``diff -u`` shows them. A version whose text is missing is taken for an empty one."""
        from difflib import unified_diff

        old = self.old.text if self.old is not None else None
        names = (self.old.version if self.old is not None else None), self.new.version
        return list(
            unified_diff(
                (old or "").splitlines(),
                (self.new.text or "").splitlines(),
                names[0] or "nothing accepted",
                names[1] or "new",
                lineterm="",
            )
        )
