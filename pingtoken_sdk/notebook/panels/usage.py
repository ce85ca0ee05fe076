"""Usage over time, by model, key or edge, and how it has changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, NamedTuple

from ...types.keys import Key
from ...types.usage import UsageBucket, UsageReport
from ..desk import Desk
from ..drawing import Drawn, csv_link
from ..labels import Labels
from ..loading import Slot
from ..panel import Panel
from ..polling import Pace
from ..stock import offer, picker
from ..views.usage import Metric, usage_view

__all__ = ["UsagePanel"]


class _Range(NamedTuple):
    """``steps`` steps of a bucket, the last of them the one that runs."""

    bucket: str
    steps: int


_RANGES: Final = {
    "24h": _Range("1h", 24), "7d": _Range("1d", 7), "30d": _Range("1d", 30), "90d": _Range("1d", 90),
    "12mo": _Range("1mo", 12),
}  # fmt: skip
_GROUPS: Final = ("model", "key", "edge")
_METRICS: Final[tuple[Metric, ...]] = ("cost", "tokens", "requests")


class UsagePanel(Panel):
    """A chart of cost, tokens or requests; totals against the period before; the largest groups."""

    pace: ClassVar[Pace | None] = Pace(first=120.0, longest=1800.0)

    def __init__(self, client: Any, *, lang: str | None = None, desk: Desk | None = None) -> None:
        super().__init__(client, lang=lang, desk=desk)
        self._range = "30d"
        self._group: str | None = "model"
        self._metric: Metric = "cost"
        self._usage: Slot[UsageReport] = Slot("usage")
        self._keys: Slot[Sequence[Key]] = Slot("keys")
        self._asked: tuple[str, str | None, datetime] | None = None
        """What the answer is to."""
        self._before: list[UsageBucket] = []
        self._middle = self._now()
        """Where the period shown begins, and the one before it ends."""
        self._pickers: tuple[Any, ...] = ()

    def _title(self, labels: Labels) -> str:
        return labels.usage

    def _slots(self) -> Sequence[Slot[Any]]:
        return (self._usage,)

    def _again(self) -> None:
        self._desk.know_profile(self._loader, self._ask)  # its days are those of the account's clock

    def _ask(self) -> None:
        now, span = self._now(), _RANGES[self._range]
        middle = self._begins(now, span, span.steps)
        asked = (self._range, self._group, middle)
        # One question for both periods, that shown and that before it; of the latter nothing changes any more.
        known = asked == self._asked and self._usage.value is not None
        start = middle if known else self._begins(now, span, 2 * span.steps)
        group, zone = self._group, self._desk.zone_name

        def over() -> None:
            usage = self._usage.value
            if usage is None or self._usage.trouble is not None:
                return
            self._asked, self._middle = asked, middle
            if not known:
                self._before = [bucket for bucket in usage.buckets if bucket.start < middle]

        self._loader.load(
            self._usage,
            lambda client: client.usage.query(
                start, bucket=span.bucket, group_by=group, timezone=zone, fill=True
            ),
            over,
        )

    def _begins(self, now: datetime, span: _Range, steps: int) -> datetime:
        """When the first of the last ``steps`` steps began, by the account's clock."""
        local = self._locale.local(now)
        if span.bucket == "1h":
            return now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=steps - 1)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        if span.bucket == "1d":
            return midnight - timedelta(days=steps - 1)
        months = midnight.year * 12 + midnight.month - 1 - (steps - 1)
        return midnight.replace(year=months // 12, month=months % 12 + 1, day=1)

    def _content(self) -> Drawn:
        whole = self._usage.value
        assert whole is not None
        now = whole.model_copy(
            update={"buckets": [each for each in whole.buckets if each.start >= self._middle]}
        )
        before = whole.model_copy(update={"buckets": self._before})
        view = usage_view(now, self._locale, metric=self._metric, previous=before, names=self._names())
        links = csv_link(view.folded[0], "usage.csv", self._locale.labels.download) if view.folded else ""
        return Drawn([view], now.to_rows(), links=links)

    def _names(self) -> dict[str, str]:
        return {key.id: key.name for key in self._keys.value or () if key.name}

    def _filters(self, widgets: Any) -> list[Any]:
        self._pickers = tuple(
            picker(widgets, self._chosen(take))
            for take in (self._take_range, self._take_group, self._take_metric)
        )
        return list(self._pickers)

    def _sync_controls(self, labels: Labels, *, usable: bool) -> None:
        ranges, groups, metrics = self._pickers
        spans = [(self._range_name(name), name) for name in _RANGES]
        offer(ranges, labels.range, spans, self._range, disabled=not usable)
        named = [(labels.groups.get(name, name), name) for name in _GROUPS]
        offer(
            groups, labels.group_by, [*named, (labels.undivided, "")], self._group or "", disabled=not usable
        )
        shown = [(labels.metrics.get(name, name), name) for name in _METRICS]
        offer(metrics, labels.metric, shown, self._metric, disabled=not usable)

    def _range_name(self, name: str) -> str:
        labels, span = self._locale.labels, _RANGES[name]
        forms = {"1h": labels.last_hours, "1d": labels.last_days, "1mo": labels.last_months}
        return forms[span.bucket].format(count=span.steps)

    def _take_range(self, name: str) -> None:
        if name != self._range:
            self._range = name
            self._again()

    def _take_group(self, name: str) -> None:
        group = name or None
        if group == self._group:
            return
        self._group = group
        if group == "key" and not self._keys.tried:
            self._loader.load(self._keys, lambda client: client.keys.list().next_page())
        self._again()

    def _take_metric(self, metric: Metric) -> None:
        self._metric = metric
