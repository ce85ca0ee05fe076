"""``client.agreements``: what was agreed with the platform, and what is about to change."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import Final

from ..dialects.operation import Operation
from ..dialects.platform import Platform
from ..errors import APIResponseValidationError, InvalidRequestError, VersionConflictError
from ..types.agreements import Agreement, AgreementDiff
from ..types.rows import TabularList
from .base import Resource
from .perform import aperform, perform

__all__ = ["Agreements", "AsyncAgreements"]

_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
_OLDEST: Final = datetime.min.replace(tzinfo=UTC)


class Agreements(Resource):
    """What was agreed with the platform, blocking. ``kind`` is ``"user_agreement"``, ``"privacy_policy"`` or
    ``"usage_rules"``."""

    def current(self, kind: str = "user_agreement") -> Agreement:
        """The version in force, with its text. Raises :class:`NotFoundError` for an unknown kind."""
        wanted = _checked_kind(kind)
        return perform(self._client, self._platform.ask(lambda dialect: dialect.agreement(wanted, None)))

    def list(self) -> TabularList[Agreement]:
        """All kinds, without their texts: the versions in force and announced, and which of them are accepted."""
        return perform(self._client, _list(self._platform))

    def diff(self, kind: str = "user_agreement") -> AgreementDiff:
        """How the version that is announced, or else the one in force, differs from the one that was accepted last.
        ``has_changed`` goes by the hashes of the texts, ``lines`` show the change.

        Raises :class:`NotFoundError` for an unknown kind.
        """
        return perform(self._client, _diff(self._platform, _checked_kind(kind)))

    def accept(self, kind: str = "user_agreement", *, version: str, sha256: str) -> Agreement:
        """Accept a version in the name of the account's holder. ``version`` and ``sha256`` are those of the text that
        the holder was shown; nothing is accepted but that very text. The client never does so by itself.

        Raises :class:`VersionConflictError` where the platform now serves another text, or a newer version is in force.
        """
        wanted = _checked_kind(kind)
        _refuse_half(version, sha256)
        return perform(self._client, _accept(self._platform, wanted, version, sha256))


class AsyncAgreements(Resource):
    """What was agreed with the platform, awaiting. ``kind`` is ``"user_agreement"``, ``"privacy_policy"`` or
    ``"usage_rules"``."""

    async def current(self, kind: str = "user_agreement") -> Agreement:
        """The version in force, with its text. Raises :class:`NotFoundError` for an unknown kind."""
        wanted = _checked_kind(kind)
        return await aperform(
            self._client, self._platform.ask(lambda dialect: dialect.agreement(wanted, None))
        )

    async def list(self) -> TabularList[Agreement]:
        """All kinds, without their texts: the versions in force and announced, and which of them are accepted."""
        return await aperform(self._client, _list(self._platform))

    async def diff(self, kind: str = "user_agreement") -> AgreementDiff:
        """How the version that is announced, or else the one in force, differs from the one that was accepted last.
        ``has_changed`` goes by the hashes of the texts, ``lines`` show the change.

        Raises :class:`NotFoundError` for an unknown kind.
        """
        return await aperform(self._client, _diff(self._platform, _checked_kind(kind)))

    async def accept(self, kind: str = "user_agreement", *, version: str, sha256: str) -> Agreement:
        """Accept a version in the name of the account's holder. ``version`` and ``sha256`` are those of the text that
        the holder was shown; nothing is accepted but that very text. The client never does so by itself.

        Raises :class:`VersionConflictError` where the platform now serves another text, or a newer version is in force.
        """
        wanted = _checked_kind(kind)
        _refuse_half(version, sha256)
        return await aperform(self._client, _accept(self._platform, wanted, version, sha256))


def _checked_kind(kind: object) -> str:
    if not isinstance(kind, str) or not kind.strip():
        raise InvalidRequestError(
            f"kind is {kind!r:.40}", hint="give 'user_agreement', 'privacy_policy' or 'usage_rules'"
        )
    return kind.strip()


def _refuse_half(version: object, sha256: object) -> None:
    how = "give version= and sha256= of the agreement that was read: client.agreements.current() has both"
    if not isinstance(version, str) or not version.strip():
        raise InvalidRequestError("the version to accept is not named", hint=how)
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise InvalidRequestError("sha256 is not a hash of 64 hexadecimal digits", hint=how)


def _list(platform: Platform) -> Operation[TabularList[Agreement]]:
    return TabularList((yield from platform.ask(lambda dialect: dialect.agreements())))


def _diff(platform: Platform, kind: str) -> Operation[AgreementDiff]:
    listed = yield from platform.ask(lambda dialect: dialect.agreements())
    known = [agreement for agreement in listed if agreement.kind == kind]
    accepted = max(
        (agreement for agreement in known if agreement.accepted_at is not None),
        key=lambda agreement: (agreement.effective_from or _OLDEST, agreement.accepted_at or _OLDEST),
        default=None,
    )
    announced = [agreement for agreement in known if agreement.status == "scheduled"]
    coming = min(announced, key=lambda agreement: agreement.effective_from or _OLDEST, default=None)
    new = yield from _text_of(platform, kind, None if coming is None else coming.version)
    if accepted is None or accepted.version is None:
        old = None
    elif accepted.version == new.version:
        old = new
    else:
        old = yield from _text_of(platform, kind, accepted.version)
    return AgreementDiff(kind=kind, old=old, new=new)


def _text_of(platform: Platform, kind: str, version: str | None) -> Operation[Agreement]:
    return platform.ask(lambda dialect: dialect.agreement(kind, version))


def _accept(platform: Platform, kind: str, version: str, sha256: str) -> Operation[Agreement]:
    served = yield from _text_of(platform, kind, version)
    if served.text is None:
        raise APIResponseValidationError(
            f"the platform does not show the text of version {version!r:.40}",
            hint="what cannot be read is not accepted",
        )
    digest = hashlib.sha256(served.text.encode()).hexdigest()
    if not hmac.compare_digest(digest, sha256.lower()) or served.is_intact is False:
        raise VersionConflictError(
            f"the text of version {version!r:.40} is not the one with that hash",
            status_code=409,
            code="version_conflict",
        )
    return (yield from platform.ask(lambda dialect: dialect.accept_agreement(kind, version, digest)))
