"""The agreements in all their versions, and which of them each account has accepted."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any, Final

from .accounts import Account, Accounts
from .clock import parse_time, timestamp
from .documents import Document, Documents
from .errands import Errands
from .errors import PlatformError
from .ledger import Ledger
from .notices import Notices

__all__ = ["AGREEMENT_KINDS", "Agreements", "Version"]

AGREEMENT_KINDS: Final = ("user_agreement", "privacy_policy", "usage_rules")


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one agreement. A ``required`` one must be accepted before calls go on after it comes into
    force; to any other, an account agrees by going on."""

    kind: str
    version: str
    title: str
    text: str
    published_at: datetime
    effective_from: datetime
    change_summary: str | None
    required: bool = False

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Acceptance:
    at: str
    how: str


class Agreements:
    """All of them. Those in the data file date from the ledger's beginning; the admin may publish more."""

    def __init__(
        self, ledger: Ledger, accounts: Accounts, documents: Documents, notices: Notices, errands: Errands
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._documents = documents
        self._notices = notices
        self._versions = {kind: _built_in(kind, ledger.epoch) for kind in AGREEMENT_KINDS}
        for document in documents.all("agreement", ""):
            self._insert(_version(document))
        errands.on("agreement", self._come_into_force)

    def publish(self, version: Version) -> None:
        """Announce a version. Raises :class:`ValueError` if there is one of that name."""
        if any(known.version == version.version for known in self._versions[version.kind]):
            raise ValueError(f"{version.kind} has a version {version.version} already")
        body = asdict(version)
        for name in ("published_at", "effective_from"):
            body[name] = timestamp(body[name])
        self._documents.add(
            "agreement", "", f"{version.kind}/{version.version}", body, at=version.published_at,
            due=version.effective_from,
        )  # fmt: skip
        self._insert(version)
        self._notices.announce(
            "agreement", f"{version.title}: version {version.version}",
            version.change_summary or "A new version has been published.", at=version.published_at,
            effective_from=version.effective_from, severity="warning" if version.required else "info",
        )  # fmt: skip

    def every(self, account: Account | None) -> list[dict[str, Any]]:
        """The versions in force and announced; of an account also the last one that it accepted, for comparison."""
        now = self._ledger.clock.now()
        found = []
        for kind, versions in self._versions.items():
            accepted = None if account is None else self._last_accepted(account, kind)
            for version in versions:
                shown = version is accepted or self._status(version, now) != "past"
                if version.published_at <= now and shown:
                    found.append(self._answer(version, account, now))
        return found

    def get(self, kind: str, name: str | None, account: Account | None) -> dict[str, Any]:
        """One version with its text: the one in force, or the one named."""
        now = self._ledger.clock.now()
        version = self.current(kind, now) if name is None else self._named(kind, name)
        return {**self._answer(version, account, now), "text": version.text}

    def current(self, kind: str, at: datetime) -> Version:
        """The version in force; before the first, the first."""
        if kind not in self._versions:
            raise PlatformError("not_found", "there is no agreement of that kind")
        versions = self._versions[kind]
        return next((version for version in reversed(versions) if version.effective_from <= at), versions[0])

    def accept(
        self, account: Account, kind: str, name: str, sha256: str, accepted_by: str | None
    ) -> dict[str, Any]:
        """Record that the holder accepts what he was shown. Raises :class:`PlatformError` if the text is another, or
        the version is past."""
        now = self._ledger.clock.now()
        current, version = self.current(kind, now), self._named(kind, name)
        if version.sha256 != sha256:
            raise PlatformError("version_conflict", "this is not the text of that version", param="sha256")
        if version.effective_from < current.effective_from:
            raise PlatformError(
                "version_conflict", "a newer version is in force", details={"version": current.version}
            )
        if self._recorded(account, version) is None:
            body = {"how": "explicit", "accepted_by": accepted_by}
            self._documents.add("acceptance", account.id, f"{kind}/{name}", body, at=now)
        if kind in account.pending_agreements:
            account.pending_agreements = tuple(other for other in account.pending_agreements if other != kind)
            self._accounts.save_account(account)
        return self.get(kind, name, account)

    def _come_into_force(self, document: Document, due: datetime) -> None:
        version = _version(document)
        for account in list(self._accounts.by_id.values()):
            if not version.required or self._acceptance(account, version) is not None:
                continue
            account.pending_agreements = tuple(dict.fromkeys((*account.pending_agreements, version.kind)))
            self._accounts.save_account(account)
            self._notices.message(
                account.id, "agreement", f"{version.title}: version {version.version} is to be accepted",
                "Calls are refused until it is.", severity="critical", at=due,
                reference=("agreement", f"{version.kind}/{version.version}"),
            )  # fmt: skip

    def _insert(self, version: Version) -> None:
        versions = [*self._versions[version.kind], version]
        self._versions[version.kind] = sorted(versions, key=lambda known: known.effective_from)

    def _named(self, kind: str, name: str) -> Version:
        now = self._ledger.clock.now()
        for version in self._versions.get(kind, ()):
            if version.version == name and version.published_at <= now:
                return version
        raise PlatformError("not_found", "there is no such version", param="version")

    def _status(self, version: Version, at: datetime) -> str:
        if version.effective_from > at:
            return "scheduled"
        return "current" if version is self.current(version.kind, at) else "past"

    def _last_accepted(self, account: Account, kind: str) -> Version | None:
        for version in reversed(self._versions[kind]):
            if self._acceptance(account, version) is not None:
                return version
        return None

    def _recorded(self, account: Account, version: Version) -> Document | None:
        return self._documents.find("acceptance", account.id, f"{version.kind}/{version.version}")

    def _acceptance(self, account: Account, version: Version) -> _Acceptance | None:
        """Explicit acceptance, recorded or given by opening the account; or the first call under a version."""
        recorded = self._recorded(account, version)
        if recorded is not None:
            return _Acceptance(timestamp(recorded.at), "explicit")
        if version is self.current(version.kind, parse_time(account.created_at)):
            return _Acceptance(account.created_at, "explicit")
        if version.required or version.effective_from < parse_time(account.created_at):
            return None
        after = next(
            (
                later
                for later in self._versions[version.kind]
                if later.effective_from > version.effective_from
            ),
            None,
        )
        until = "9" if after is None else timestamp(after.effective_from)
        first = self._ledger.database.execute(
            "SELECT MIN(created_at) FROM attempts WHERE account_id = ? AND created_at >= ? AND created_at < ?",
            (account.id, timestamp(version.effective_from), until),
        ).fetchone()[0]
        return None if first is None else _Acceptance(first, "continued_use")

    def _answer(self, version: Version, account: Account | None, at: datetime) -> dict[str, Any]:
        """The contract's ``Agreement``, without its text."""
        accepted = None if account is None else self._acceptance(account, version)
        return {
            "object": "agreement",
            "kind": version.kind,
            "version": version.version,
            "title": version.title,
            "locale": "en",
            "text": None,
            "sha256": version.sha256,
            "published_at": timestamp(version.published_at),
            "effective_from": timestamp(version.effective_from),
            "status": self._status(version, at),
            "accepted_at": None if accepted is None else accepted.at,
            "accepted_how": None if accepted is None else accepted.how,
            "change_summary": version.change_summary,
        }


def _built_in(kind: str, epoch: datetime) -> list[Version]:
    text = (files("pingtoken_sdk.sandbox") / "data" / "agreements.json").read_text(encoding="utf-8")
    entry = json.loads(text)[kind]
    return [
        Version(
            kind=kind,
            version=version["version"],
            title=entry["title"],
            text=version["text"],
            published_at=epoch + timedelta(days=version["published"]),
            effective_from=epoch + timedelta(days=version["days"]),
            change_summary=version["change_summary"],
        )
        for version in entry["versions"]
    ]


def _version(document: Document) -> Version:
    body = document.body
    times = {name: parse_time(body[name]) for name in ("published_at", "effective_from")}
    return Version(**{**body, **times})
