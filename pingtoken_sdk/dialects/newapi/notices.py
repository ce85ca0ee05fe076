"""What the gateway tells all its users: announcements, the notice, agreements, and how it is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ...errors import APIError, FeatureUnavailableError, NotFoundError
from ...types.agreements import Agreement
from ...types.notices import Announcement
from ...types.platform import Capabilities, Health
from ..operation import Operation, UnreadableAnswerError, read
from ..pages import Fetch
from .gateway import Gateway
from .logs import text_of
from .paging import MAX_ROWS, single_page

__all__ = ["NoticeSide"]

_SEVERITY: Final = {"warning": "warning", "error": "critical"}
_AGREEMENTS: Final = {"user_agreement": "/api/user-agreement", "privacy_policy": "/api/privacy-policy"}
_MONITORS: Final = {0: "unhealthy", 1: "healthy", 2: "degraded", 3: "draining"}
"""What the gateway's monitor says of a service: down, up, pending, under maintenance."""
_OPEN: Final = (
    "announcements",
    "agreements",
    "health",
    "prices",
    "key_current",
    "call_records",
    "usage",
    "bills",
)
_WITH_ACCESS: Final = ("account", "account_write", "balance", "keys", "topups", "transactions")
_NEVER: Final = ("budgets", "closure", "exports", "feedback", "identity", "invoices", "messages")


class NoticeSide(Gateway):
    """``/api/status``, ``/api/notice``, ``/api/user-agreement`` and the like."""

    def announcements(self, category: str | None, since: datetime | None) -> Fetch[Announcement]:
        return single_page(lambda: self._announcements(category, since))

    def agreements(self) -> Operation[list[Agreement]]:
        found = []
        for kind in _AGREEMENTS:
            told = yield from self._agreement(kind)
            if told is not None:
                found.append(told.model_copy(update={"text": None}))
        return found

    def agreement(self, kind: str, version: str | None) -> Operation[Agreement]:
        told = (yield from self._agreement(kind)) if kind in _AGREEMENTS else None
        if told is None or version not in (None, told.version):
            raise NotFoundError(
                f"there is no such {kind.replace('_', ' ')}"[:80], status_code=404, code="not_found",
                hint="the gateway has its present agreements only; client.agreements.list() names them",
            )  # fmt: skip
        return told

    def health(self) -> Operation[Health]:
        status = yield from self.fresh_status()
        upstreams = yield from self._upstreams()
        return read(
            {
                "status": "degraded" if "unhealthy" in upstreams.values() else "healthy",
                "version": text_of(status.told.get("version")),
                "time": self.surroundings.now(),
                "upstreams": upstreams or None,
            },
            Health,
        )

    def capabilities(self) -> Operation[Capabilities]:
        status = yield from self.status()
        priced = status.units.currency is not None
        features = {
            **dict.fromkeys(_OPEN, True),
            **dict.fromkeys(_WITH_ACCESS, self.access is not None),
            **dict.fromkeys(_NEVER, False),
        }
        features.update(prices=priced, bills=priced, balance=priced and self.access is not None)
        return read(
            {
                "object": "capabilities",
                "idempotency": "none",
                "features": dict(sorted(features.items())),
                "limits": {
                    "max_page_size": MAX_ROWS,
                    "usage_settlement_delay_seconds": 300 if status.hourly and self.access is not None else 0,
                    "min_poll_interval_seconds": 60,
                },
                "source": "computed",
            },
            Capabilities,
        )

    def _announcements(self, category: str | None, since: datetime | None) -> Operation[list[Announcement]]:
        status = yield from self.status()
        told = status.told.get("announcements")
        found = (
            [_announcement(entry) for entry in told if isinstance(entry, Mapping)]
            if isinstance(told, list)
            else []
        )
        try:
            notice = yield from self.asked(self.open_page("/api/notice", "announcements"))
        except FeatureUnavailableError:
            notice = None
        if isinstance(notice, str) and notice.strip():
            found.append(_announcement({"content": notice, "kind": "notice"}))
        return [
            one
            for one in found
            if (category is None or one.category == category)
            # One without a date may be new, and a notice that is not seen is worse than one seen twice.
            and (since is None or one.published_at is None or one.published_at >= since)
        ]

    def _agreement(self, kind: str) -> Operation[Agreement | None]:
        try:
            told = yield from self.asked(self.open_page(_AGREEMENTS[kind], "agreements"))
        except FeatureUnavailableError:
            return None
        if not isinstance(told, str) or not told.strip():
            return None
        # The gateway numbers no versions and dates none: another text is another version.
        digest = hashlib.sha256(told.encode()).hexdigest()
        return read(
            {
                "object": "agreement",
                "kind": kind,
                "version": digest[:12],
                "sha256": digest,
                "text": told,
                "status": "current",
            },
            Agreement,
        )

    def _upstreams(self) -> Operation[dict[str, str]]:
        """What the monitor of the gateway's operator says, if there is one. It never spoils the answer."""
        try:
            told = yield from self.asked(self.open_page("/api/uptime/status", "health"))
        except (FeatureUnavailableError, APIError, UnreadableAnswerError):
            return {}
        found: dict[str, str] = {}
        for category in told if isinstance(told, list) else ():
            monitors = category.get("monitors") if isinstance(category, Mapping) else None
            for monitor in monitors if isinstance(monitors, list) else ():
                name = text_of(monitor.get("name")) if isinstance(monitor, Mapping) else None
                if name is not None:
                    found[name] = _MONITORS.get(monitor.get("status"), "unknown")
        return found


def _announcement(told: Mapping[str, Any]) -> Announcement:
    """Its first line is its title. Its id is made of what it says."""
    content, extra = text_of(told.get("content")) or "", text_of(told.get("extra"))
    kind = text_of(told.get("kind")) or "announcement"
    date = told.get("publishDate")
    digest = hashlib.blake2b(f"{date}\n{content}\n{extra}".encode(), digest_size=8).hexdigest()
    first = content.strip().splitlines()[0] if content.strip() else ""
    return read(
        {
            "object": "announcement",
            "id": f"{kind}-{digest}",
            "category": "other",
            "severity": _SEVERITY.get(text_of(told.get("type")) or "", "info"),
            "title": first.lstrip("# ")[:80] or None,
            "body": content if extra is None else f"{content}\n\n{extra}",
            "published_at": _date(date),
        },
        Announcement,
    )


def _date(written: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(written) if isinstance(written, str) else None
    except ValueError:
        return None
    return at if at is None or at.tzinfo is not None else at.replace(tzinfo=UTC)
