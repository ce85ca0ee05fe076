"""Usage, call records and exports by the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...types.records import CallRecord, Export
from ...types.usage import UsageBucket
from ..operation import Operation
from ..pages import Fetch
from ..queries import CallFilters, UsageQuery
from .contract import Contract, one

__all__ = ["UsageSide"]


class UsageSide(Contract):
    """``/usage``, ``/call-records`` and ``/exports``."""

    def usage(self, query: UsageQuery) -> Fetch[UsageBucket]:
        asked = {
            "start": query.start,
            "end": None if query.running else query.end,
            "bucket": query.bucket,
            "group_by": list(query.group_by) or None,
            "model": list(query.model) or None,
            "key_id": list(query.key_id) or None,
            "timezone": query.timezone,
            "fill": True if query.fill else None,
        }
        return self.listed("/usage", "usage", UsageBucket, asked, most=1440)

    def calls(self, filters: CallFilters) -> Fetch[CallRecord]:
        asked = {
            "start": filters.span.start,
            "end": filters.span.end,
            "model": list(filters.model) or None,
            "key_id": list(filters.key_id) or None,
            "status": filters.status,
            "edge_id": filters.edge_id,
            "request_id": filters.request_id,
            "idempotency_key": filters.idempotency_key,
            "error_code": filters.error_code,
            "tag": filters.tag,
            "min_cost": None if filters.min_cost is None else f"{filters.min_cost:f}",
            "order": filters.order,
        }
        return self.listed("/call-records", "call_records", CallRecord, asked)

    def call(self, call_id: str) -> Operation[CallRecord]:
        return self.one(self.get(one("/call-records", call_id), "call_records", about=call_id), CallRecord)

    def create_export(self, body: Mapping[str, Any]) -> Operation[Export]:
        return self.one(self.change("POST", "/exports", "exports", body), Export)

    def export(self, export_id: str) -> Operation[Export]:
        return self.one(self.get(one("/exports", export_id), "exports", about=export_id), Export)
