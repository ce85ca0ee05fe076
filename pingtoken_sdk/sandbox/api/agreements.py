"""``/agreements``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .operations import Answer, Operation, Table, Visit
from .reading import invalid

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["agreement_operations"]

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def agreement_operations(platform: Platform) -> Table:
    """Their table."""
    pages = _AgreementPages(platform)
    return {
        "/agreements": {"GET": Operation(pages.every, None, public=True)},
        "/agreements/{kind}": {"GET": Operation(pages.get, None, public=True)},
        "/agreements/{kind}/acceptances": {"POST": Operation(pages.accept, "account.write", once="taken")},
    }


class _AgreementPages:
    """What they do."""

    def __init__(self, platform: Platform) -> None:
        self._agreements = platform.agreements

    def every(self, visit: Visit) -> Answer:
        account = None if visit.asking is None else visit.account
        return Answer({"object": "list", "data": self._agreements.every(account)})

    def get(self, visit: Visit) -> Answer:
        account = None if visit.asking is None else visit.account
        return Answer(self._agreements.get(visit.path("kind"), visit.query.get("version"), account))

    def accept(self, visit: Visit) -> Answer:
        body = visit.body
        version, sha256 = body.needed_text("version"), body.needed_text("sha256")
        accepted_by = body.text("accepted_by", 0, 200)
        if not _SHA256.fullmatch(sha256):
            invalid("sha256", "64 hexadecimal digits in lower case")
        kind = visit.path("kind")
        return Answer(self._agreements.accept(visit.account, kind, version, sha256, accepted_by), 201)
