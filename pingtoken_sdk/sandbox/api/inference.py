"""Inference from the first byte of a request to its settlement."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..accounts import Key
from ..billing import ChargeLine, PriceVersion, Usage, charge
from ..calls import Attempt, Outcome, Replay
from ..edges.faults import Rule
from ..edges.relay import EXCHANGE_HEADER, OUT_OF_SERVICE, Exchange
from ..errors import PlatformError, error_body
from ..idempotency import fingerprint
from ..pacing import Pace
from . import broken, desk
from .outbound import Outbound, Receive, Send, read_body
from .reading import parse_object

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["Inference", "Job", "Work"]


@dataclass(slots=True)
class Job:
    """A call that has been admitted: what it is, who pays, and how it may be interrupted."""

    attempt: Attempt
    pace: Pace
    body: Mapping[str, Any]
    fault: Rule | None
    slowness: float = 1.0

    @property
    def key(self) -> Key:
        return self.attempt.key


class Work(ABC):
    """What a model does for one call. Subclasses say how to prepare, what it may cost at most, and how to answer."""

    input_tokens: int
    most: Usage
    price: PriceVersion
    streamed = False

    def __init__(self, platform: Platform, job: Job) -> None:
        self.platform = platform
        self.job = job

    @abstractmethod
    async def prepare(self) -> None:
        """Check the request and work out the answer."""

    @abstractmethod
    async def deliver(self, out: Outbound) -> None:
        """Generate, settle, and send."""

    def lines(self, usage: Usage) -> list[ChargeLine]:
        return charge(self.price, usage, self.job.attempt.created_at)

    def settle(self, outcome: Outcome, usage: Usage, content: tuple[str, bytes] | None = None) -> Decimal:
        """Charge for ``usage`` and end the attempt, keeping ``content`` (its type and body) for replays. Returns
        the cost in CNY. An attempt that was superseded meanwhile is settled already."""
        job = self.job
        attempt = job.attempt
        if attempt.outcome != "running":
            return attempt.cost
        attempt.usage = usage
        attempt.price_version = self.price.version
        replay = None
        if content is not None and outcome == "succeeded" and self.platform.idempotency.keeps(attempt):
            print_ = fingerprint(job.body, attempt.endpoint)
            replay = Replay(print_, attempt.id, attempt.request_id, *content)
        self.platform.calls.settle(attempt, outcome, self.lines(usage), replay)
        return attempt.cost


class Inference:
    """An ASGI application for one inference endpoint; ``work`` makes what it does for a call."""

    def __init__(self, platform: Platform, endpoint: str, work: type[Work]) -> None:
        self._platform = platform
        self._endpoint = endpoint
        self._work = work

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        exchange = self._platform.exchanges.take(int(headers.get(EXCHANGE_HEADER.decode(), "0")))
        edge = headers.get("x-edge", "")
        out = Outbound(send, {"X-Request-Id": desk.new_request_id(), "X-Edge-Id": edge})
        try:
            client = scope.get("client")
            key = desk.authenticate(
                self._platform.accounts,
                headers.get("authorization"),
                self._platform.clock.now(),
                None if client is None else client[0],
            )
        except PlatformError as error:
            await self._refuse(error, out, None)
            return
        attempt = self._begin(key, edge, headers.get("idempotency-key"), exchange, out)
        try:
            await self._run(attempt, exchange, receive, out)
        except PlatformError as error:
            await self._refuse(error, out, attempt)
        finally:
            if attempt.outcome == "running":
                # The client left before its request was complete, or the process is ending.
                self._platform.calls.settle(attempt, "cancelled")

    def _begin(
        self, key: Key, edge: str, idempotency_key: str | None, exchange: Exchange | None, out: Outbound
    ) -> Attempt:
        clock = self._platform.clock
        attempt = Attempt(
            key, self._endpoint, edge, clock.ticks(), clock.now(), idempotency_key=idempotency_key,
            request_id=out.headers["X-Request-Id"],
        )  # fmt: skip
        out.attempt = attempt
        self._platform.calls.begin(attempt)
        if exchange is not None:
            self._platform.remember(attempt.id, exchange)
        return attempt

    async def _run(
        self, attempt: Attempt, exchange: Exchange | None, receive: Receive, out: Outbound
    ) -> None:
        platform = self._platform
        fault = None if exchange is None else exchange.http_fault
        try:
            raw = await read_body(receive)
        except OverflowError:
            raise PlatformError("request_too_large", "a body may have 64 MiB at most") from None
        if raw is None:
            return
        if fault is not None:
            code = await broken.answer_instead(fault, out, attempt.request_id)
            if code is not None:
                attempt.error_code = code or None
                platform.calls.settle(attempt, "failed")
                return
        if attempt.idempotency_key is not None and not 8 <= len(attempt.idempotency_key) <= 255:
            raise PlatformError("invalid_parameter", "Idempotency-Key: expected 8 to 255 characters")
        edge = platform.edges.get(attempt.edge)
        if edge is not None and edge.health in OUT_OF_SERVICE:
            raise PlatformError("maintenance", f"this edge is {edge.health}", headers={"Retry-After": "5"})
        desk.require(attempt.key, "inference")
        desk.check_inference(attempt.account)
        slowness = float(fault.params["factor"]) if fault is not None and fault.what == "brownout" else 1.0
        job = Job(attempt, Pace(), parse_object(raw), fault, slowness)
        # Ends by itself: when the client leaves, or when the answer is complete.
        watching = asyncio.create_task(job.pace.watch(receive))
        platform.keep(watching)
        work = self._work(platform, job)
        await work.prepare()
        await self._admit(work, out)

    async def _admit(self, work: Work, out: Outbound) -> None:
        """Pass the limits, the idempotency key and the balance; then deliver."""
        platform, job = self._platform, work.job
        attempt, key = job.attempt, job.key
        replacing = platform.idempotency.replaces(attempt)
        platform.limiter.admit(key, work.most.input + work.most.output, replacing=replacing)
        try:
            out.headers.update(platform.limiter.headers(key))
            print_ = fingerprint(job.body, attempt.endpoint)
            replay = platform.idempotency.enter(attempt, job.pace, print_)
            if replay is not None:
                await self._replay(replay, attempt, out)
                return
            try:
                self._hold(work)
                if platform.idempotency.keeps(attempt):
                    out.kept = []
                await work.deliver(out)
            finally:
                platform.idempotency.leave(attempt)
                attempt.release()
        finally:
            platform.limiter.leave(key)

    def _hold(self, work: Work) -> None:
        """Hold what the call may cost at most, or refuse it."""
        account, key = work.job.attempt.account, work.job.key
        needed = sum((line.amount for line in work.lines(work.most)), Decimal(0))
        spendable = self._platform.grants.spendable(account, work.job.attempt.model)
        if account.billing_mode == "prepaid" and needed > spendable:
            raise PlatformError(
                "insufficient_balance",
                "the balance does not cover this call",
                details={"needed": str(needed), "available": str(spendable), "currency": "CNY"},
            )
        self._platform.keys.check_spend(key, needed)
        self._platform.budgets.check(work.job.attempt, needed)
        work.job.attempt.hold(needed)

    async def _replay(self, replay: Replay, attempt: Attempt, out: Outbound) -> None:
        attempt.request_id = replay.request_id
        self._platform.calls.settle(attempt, "replayed")
        out.headers["X-Request-Id"] = replay.request_id
        out.headers["Idempotency-Replayed"] = "true"
        await out.whole(200, replay.body, replay.content_type)

    async def _refuse(self, error: PlatformError, out: Outbound, attempt: Attempt | None) -> None:
        if attempt is not None and attempt.outcome == "running":
            attempt.error_code = error.code
            attempt.http_status = error.status
            self._platform.calls.settle(attempt, "failed")
        if not out.started:
            out.headers.update(error.headers)
            await out.whole(error.status, error_body(error, out.headers["X-Request-Id"]))
