"""One account of the sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from .faults import Faults

if TYPE_CHECKING:
    from .process import Sandbox

__all__ = ["AccountStatus", "SandboxAccount", "moment"]

AccountStatus = Literal["active", "pending_review", "restricted", "suspended", "overdue", "closing", "closed"]


class SandboxAccount:
    """One account of the sandbox: what a test calls with, and what the platform says about it."""

    def __init__(self, sandbox: Sandbox, account_id: str, api_key: str, key_id: str) -> None:
        self.sandbox = sandbox
        self.id = account_id
        self.api_key = api_key
        self.key_id = key_id
        self.faults = Faults(sandbox, account_id)
        self._use_shared_edges()

    def _use_shared_edges(self) -> None:
        self.base_url = self.sandbox.base_url
        self.edges = list(self.sandbox.edges)
        self.edge_names = [f"edge-{number + 1}" for number in range(len(self.edges))]

    def __repr__(self) -> str:
        return f"<SandboxAccount {self.id}>"

    @property
    def balance(self) -> Decimal:
        """What is left, in CNY."""
        return Decimal(self.sandbox.admin("GET", f"/accounts/{self.id}")["balance"])

    @property
    def held(self) -> Decimal:
        """What running calls hold, in CNY."""
        return Decimal(self.sandbox.admin("GET", f"/accounts/{self.id}")["held"])

    def calls(self) -> list[dict[str, Any]]:
        """Every attempt the platform saw, in the order they ended, those that still run last.

        ``outcome`` is ``running``, ``succeeded``, ``failed``, ``cancelled`` (the client left; charged for what was
        generated), ``superseded`` (a later attempt took its place; not charged) or ``replayed``. ``cost`` is a
        decimal string in CNY; ``delivered_bytes`` is what the edge passed on to the client.
        """
        found: list[dict[str, Any]] = self.sandbox.admin("GET", f"/accounts/{self.id}/calls")["data"]
        return found

    def charged(self) -> Decimal:
        """What all attempts were charged together, in CNY."""
        return sum((Decimal(call["cost"]) for call in self.calls()), Decimal(0))

    def private_edges(self, count: int) -> list[str]:
        """Open ``count`` edges for this account alone; ``edges``, ``edge_names`` and ``base_url`` become theirs."""
        opened = self.sandbox.admin("POST", "/edges", {"account": self.id, "count": count})["data"]
        self.edges = [edge["base_url"] for edge in opened]
        self.edge_names = [edge["id"] for edge in opened]
        self.base_url = self.edges[0]
        return self.edges

    def close_private_edges(self) -> None:
        """Close this account's own edges, and go back to those of all."""
        self.sandbox.admin("DELETE", "/edges", {"account": self.id})
        self._use_shared_edges()

    def change(self, **fields: Any) -> None:
        """Change ``status``, ``status_reason``, ``restrictions``, ``pending_agreements``, ``billing_mode``,
        ``credit_limit``, or set the ``balance`` (decimal strings in CNY)."""
        self.sandbox.admin("PATCH", f"/accounts/{self.id}", fields)

    def top_up(self, amount: str) -> None:
        """Pay in ``amount`` (``"5"`` or ``"5 CNY"``)."""
        self.sandbox.admin("POST", f"/accounts/{self.id}/topup", {"amount": amount})

    def change_key(self, **fields: Any) -> None:
        """Change the first key: ``status``, ``scopes``, ``allowed_models``, ``rate_limits``, ``spend_limit``,
        ``expires_at``."""
        self.sandbox.admin("PATCH", f"/keys/{self.key_id}", fields)

    def issue_key(self, **key: Any) -> str:
        """Another key of this account, shaped like those of :meth:`Sandbox.account`; returns its secret."""
        secret: str = self.sandbox.admin("POST", f"/accounts/{self.id}/keys", key)["api_key"]
        return secret

    # --- states, by script

    @property
    def status(self) -> str:
        """Its state on the platform: one of the contract's ``AccountStatus``."""
        status: str = self.sandbox.admin("GET", f"/accounts/{self.id}")["status"]
        return status

    def set_status(
        self, status: AccountStatus, *, reason: str | None = None, restrictions: Sequence[str] = ("inference",),
        amount: str = "128.40", suspend: bool = True, days: float = 15,
    ) -> None:  # fmt: skip
        """Bring the account into a state as the platform does, with its message to the account's inbox.

        ``overdue`` issues an unpaid bill of last month: ``amount`` CNY of it are due after the account's cash is
        used up, and service is suspended for it, unless ``suspend`` is false. A top-up of that amount pays it and
        restores service. ``restrictions`` (``inference``, ``topup``, ``keys.write``, ...) are those of ``restricted``;
        ``days`` are those until an account that is ``closing`` closes. Raises :class:`SandboxError` for a state or
        reason that does not exist.
        """
        body = {
            "status": status, "restrictions": list(restrictions), "amount": amount, "suspend": suspend, "days": days,
        }  # fmt: skip
        if reason is not None:
            body["reason"] = reason
        self.sandbox.admin("POST", f"/accounts/{self.id}/status", body)

    def disable_key(self, key_id: str | None = None) -> None:
        """Disable a key, the first if ``None``: ``401 token_disabled``."""
        self._set_key(key_id, "disabled")

    def expire_key(self, key_id: str | None = None) -> None:
        """Let a key expire: ``401 token_expired``."""
        self._set_key(key_id, "expired")

    def exhaust_key(self, key_id: str | None = None) -> None:
        """Use a key's spend limit up: ``402 key_spend_limit_exceeded`` for inference; the rest still works."""
        self._set_key(key_id, "exhausted")

    def enable_key(self, key_id: str | None = None) -> None:
        """Let a key work again."""
        self._set_key(key_id, "active")

    def _set_key(self, key_id: str | None, status: str) -> None:
        self.sandbox.admin("PATCH", f"/keys/{key_id or self.key_id}", {"status": status})

    def give_voucher(
        self, amount: str, *, expires_at: date | str | None = None, models: Sequence[str] | None = None
    ) -> str:
        """Give ``amount`` CNY until ``expires_at``, for some ``models`` only if they are named; returns its id."""
        body: dict[str, Any] = {"amount": amount}
        if expires_at is not None:
            body["expires_at"] = moment(expires_at)
        if models is not None:
            body["models"] = list(models)
        identity: str = self.sandbox.admin("POST", f"/accounts/{self.id}/grants", body)["id"]
        return identity


def moment(given: date | str) -> str:
    """An instant or a day as the platform reads it. Raises :class:`ValueError` for a time without an offset."""
    if isinstance(given, datetime) and given.tzinfo is None:
        raise ValueError("a time needs its UTC offset")
    return given if isinstance(given, str) else given.isoformat()
