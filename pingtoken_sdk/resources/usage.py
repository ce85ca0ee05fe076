"""``client.usage``: what was called for in a time, how much it used, and what it cost."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import UTC, datetime
from typing import Any

from ..dialects.calendar import zone_named
from ..dialects.operation import Operation
from ..dialects.pages import MAX_PAGE, Pages
from ..dialects.platform import Platform
from ..dialects.queries import Bucket, Span, UsageQuery
from ..errors import InvalidRequestError
from ..types.usage import UsageBucket, UsageReport
from .base import Resource
from .names import Named, texts
from .perform import aperform, perform
from .ranges import Moment, Range, bucket_named, range_of, refuse_too_many

__all__ = ["AsyncUsageReports", "UsageReports"]


class UsageReports(Resource):
    """What was used and what it cost, blocking."""

    def query(
        self,
        start: Moment,
        end: Moment | None = None,
        *,
        group_by: str | Sequence[str] | None = None,
        bucket: str = "1d",
        timezone: str | None = None,
        model: str | Sequence[str] | None = None,
        key_id: str | Sequence[str] | None = None,
        fill: bool = True,
    ) -> UsageReport:
        """The usage from ``start`` until before ``end`` (now, if left out), in buckets of a ``"1m"``, ``"1h"``,
        ``"1d"`` or ``"1mo"``, which begin by the clock of ``timezone``, an IANA name; the account's, if left out.

        ``group_by`` divides the buckets: one or several of ``"model"``, ``"key"``, ``"edge"``, ``"endpoint"``,
        ``"status"`` and ``"tag"``. With ``fill`` the buckets without a call are there too. ``source`` of the answer is
        ``"computed"`` where the platform keeps no such sums and the client added up what it recorded itself.

        Raises :class:`InvalidRequestError` for times or a zone that are none, and for buckets too small for the time:
        hours are for at most 31 days, minutes for one.
        """
        keys = self._all_named(key_id, "key")
        del key_id
        asked = _Asked(start, end, group_by, bucket, timezone, model, keys, fill=fill)
        return perform(self._client, _report(self._platform, asked))


class AsyncUsageReports(Resource):
    """What was used and what it cost, awaiting."""

    async def query(
        self,
        start: Moment,
        end: Moment | None = None,
        *,
        group_by: str | Sequence[str] | None = None,
        bucket: str = "1d",
        timezone: str | None = None,
        model: str | Sequence[str] | None = None,
        key_id: str | Sequence[str] | None = None,
        fill: bool = True,
    ) -> UsageReport:
        """The usage from ``start`` until before ``end`` (now, if left out), in buckets of a ``"1m"``, ``"1h"``,
        ``"1d"`` or ``"1mo"``, which begin by the clock of ``timezone``, an IANA name; the account's, if left out.

        ``group_by`` divides the buckets: one or several of ``"model"``, ``"key"``, ``"edge"``, ``"endpoint"``,
        ``"status"`` and ``"tag"``. With ``fill`` the buckets without a call are there too. ``source`` of the answer is
        ``"computed"`` where the platform keeps no such sums and the client added up what it recorded itself.

        Raises :class:`InvalidRequestError` for times or a zone that are none, and for buckets too small for the time:
        hours are for at most 31 days, minutes for one.
        """
        keys = self._all_named(key_id, "key")
        del key_id
        asked = _Asked(start, end, group_by, bucket, timezone, model, keys, fill=fill)
        return await aperform(self._client, _report(self._platform, asked))


class _Asked:
    """What a query asks for, as far as it can be known without asking the platform. Raises
    :class:`InvalidRequestError`."""

    def __init__(
        self,
        start: Moment,
        end: Moment | None,
        group_by: Any,
        bucket: str,
        timezone: str | None,
        model: Any,
        keys: Sequence[Named],
        *,
        fill: bool,
    ) -> None:
        self.range: Range = range_of(start, end)
        self.bucket: Bucket = bucket_named(bucket)
        if self.range.start is None:
            raise InvalidRequestError("start is None", hint="say from when on, such as '2026-11-01'")
        if isinstance(self.range.start, datetime) == isinstance(self.range.end, datetime):
            # Days are as long in one zone as in another, but for an hour.
            _refuse_too_many(self.bucket, self.range.within(UTC))
        self.timezone = timezone
        if timezone is not None:
            zone_named(timezone)
        self.group_by = tuple(texts(group_by, "group_by") or ())
        self.model = tuple(texts(model, "model") or ())
        self.key_id = tuple(key.text for key in keys)
        self.fill = fill


def _report(platform: Platform, asked: _Asked) -> Operation[UsageReport]:
    zone = asked.timezone if asked.timezone is not None else (yield from platform.zone_name())
    span = asked.range.within(zone_named(zone))
    assert span.start is not None
    dialect = yield from platform.find()
    now = dialect.surroundings.now()
    end = max(now, span.start) if span.end is None else span.end
    refuse_too_many(asked.bucket, span.start, end)
    query = UsageQuery(
        start=span.start,
        end=end,
        bucket=asked.bucket,
        timezone=zone,
        group_by=asked.group_by,
        model=asked.model,
        key_id=asked.key_id,
        fill=asked.fill,
        running=span.end is None,
    )
    pages: Pages[UsageBucket] = Pages(dialect.usage(query), identity=_identity, query="usage", size=MAX_PAGE)
    buckets = yield from pages.rest()
    return UsageReport(
        buckets=buckets,
        start=query.start,
        end=max([end, *(bucket.start for bucket in buckets[-1:])]),
        bucket=asked.bucket,
        group_by=list(asked.group_by),
        timezone=zone,
        source="computed" if "usage" in dialect.computes else "platform",
    )


def _refuse_too_many(bucket: Bucket, span: Span) -> None:
    if span.start is not None and span.end is not None:
        refuse_too_many(bucket, span.start, span.end)


def _identity(bucket: UsageBucket) -> Hashable:
    return bucket.start, bucket.end, tuple(sorted((bucket.group or {}).items()))
