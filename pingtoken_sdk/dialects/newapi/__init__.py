"""New API gateways: their account side, asked with the key alone or with the account's own access token."""

from __future__ import annotations

from .credentials import Access, NewAPI
from .dialect import NewAPIDialect

__all__ = ["Access", "NewAPI", "NewAPIDialect"]
