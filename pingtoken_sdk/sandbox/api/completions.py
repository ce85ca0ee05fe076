"""Chat and text completions: an answer worked out, paced as a model would, billed for what was generated."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ..billing import Usage
from ..errors import PlatformError, error_body
from ..models.catalogue import Model
from ..models.counting import Tokenizer
from ..models.reply import Demand, Reply, compose
from . import broken, desk
from .answers import ChatFormat, Format, TextFormat, usage_answer
from .inference import Work
from .outbound import Outbound
from .requests import ChatRequest, read_chat, read_completion

__all__ = ["ChatWork", "CompletionWork"]

_EVENT_STREAM = "text/event-stream; charset=utf-8"
_SOON = 0.0005
"""Seconds that are not worth a pause."""


class ChatWork(Work):
    """``POST /chat/completions``."""

    request: ChatRequest
    model: Model
    tokenizer: Tokenizer
    reply: Reply
    format: Format
    cached = 0
    _spoke = 0.0
    """When the stream last gave a byte, by the loop's clock."""

    async def prepare(self) -> None:
        self.request = read_chat(self.job.body)
        await self._prepare_model()
        self.input_tokens, running = await self.tokenizer.count_chat_aside(
            self.request.messages, self.request.tools
        )
        attempt = self.job.attempt
        place = (attempt.edge, attempt.account.id, self.model.id)
        self.cached = self.platform.prompt_cache.cached(place, self.request.messages, running)
        self._compose(self.request.prompt, self.request.n)

    async def _prepare_model(self) -> None:
        request, attempt = self.request, self.job.attempt
        attempt.model = request.model
        attempt.streamed = self.streamed = request.stream
        attempt.end_user, attempt.metadata = request.user, request.metadata
        self.model = desk.find_model(self.platform.catalogue, self.job.key, request.model, ("chat",))
        if request.steering.error is not None:
            raise PlatformError(request.steering.error, "the request asked for this error")
        if request.max_tokens is not None and request.max_tokens > self.model.max_output:
            raise PlatformError(
                "invalid_parameter",
                f"max_tokens: this model gives {self.model.max_output} tokens at most",
                param="max_tokens",
            )
        self.tokenizer = await self.platform.tokenizers.of(self.model)
        self.price = self.platform.catalogue.price(self.model.id, attempt.created_at)

    def _compose(self, prompt: str, n: int) -> None:
        request, wishes = self.request, self.request.steering
        if self.input_tokens + (request.max_tokens or 0) > self.model.context:
            raise PlatformError(
                "context_length_exceeded",
                f"this model's context is {self.model.context} tokens; the request needs"
                f" {self.input_tokens + (request.max_tokens or 0)}",
                param="messages",
            )
        demand = Demand(
            model=self.model,
            prompt=prompt,
            n=n,
            max_tokens=request.max_tokens,
            stop=request.stop,
            seed=f"{self.platform.settings.seed}/{request.seed}/{len(request.messages)}",
            tools=request.tools,
            call_tools=request.call_tools,
            named_tool=request.named_tool,
            schema=request.schema,
            json_answer=request.json_answer,
            effort=request.effort,
            tokens=wishes.tokens,
            text=wishes.text,
            thinking=wishes.thinking,
            calls=wishes.calls or 1,
            largest_piece=wishes.piece or 3,
        )
        self.reply = compose(demand, self.tokenizer, self.platform.prose)
        self.most = self._usage(self.reply.tokens, self.reply.thinking_tokens)
        self.format = self._format()

    def _format(self) -> Format:
        return ChatFormat.new(
            int(self.job.attempt.created_at.timestamp()),
            self.model.id,
            documented=self.platform.settings.shape == "documented",
            include_usage=self.request.include_usage,
            hidden_thinking=self.model.reasoning_hidden,
            top_logprobs=self.request.top_logprobs,
        )

    def _usage(self, tokens: int, thinking: int) -> Usage:
        scaled, scale = self.tokenizer.scaled, self.reply.scale
        return Usage(self.input_tokens, self.cached, scaled(tokens, scale), scaled(thinking, scale))

    # --- pacing

    @property
    def _first_token(self) -> float:
        wish = self.request.steering.first_token
        base = self.platform.settings.first_token if wish is None else wish
        return base * self.job.slowness

    @property
    def _seconds_a_token(self) -> float:
        wish = self.request.steering.rate
        rate = self.platform.settings.rate if wish is None else wish
        return self.job.slowness / rate if rate else 0.0

    def _usage_shown(self, usage: Usage) -> Mapping[str, Any]:
        settings, wish = self.platform.settings, self.request.steering.cost
        shown = settings.report_cost and settings.shape != "documented" if wish is None else wish
        cost = sum((line.amount for line in self.lines(usage)), Decimal(0))
        return usage_answer(usage, cost if shown else None, terse=settings.shape == "documented")

    # --- delivery

    async def deliver(self, out: Outbound) -> None:
        if self.request.stream:
            await self._stream(out)
        else:
            await self._whole(out)

    async def _whole(self, out: Outbound) -> None:
        pace, attempt = self.job.pace, self.job.attempt
        loop = asyncio.get_running_loop()
        began = loop.time()
        if not await pace.pause(self._first_token + self.reply.tokens * self._seconds_a_token):
            spent = loop.time() - began - self._first_token
            done = 0
            if spent > 0:
                done = min(
                    self.reply.tokens, int(spent / self._seconds_a_token) if self._seconds_a_token else 0
                )
            await self._interrupted(out, done, min(done, self.reply.thinking_tokens))
            return
        attempt.first_token = attempt.began + self._first_token
        body = self.format.whole(self.reply, self._usage_shown(self.most))
        fault = self.job.fault
        attempt.http_status = 200
        if fault is not None and fault.what == "error_in_200":
            attempt.error_code = fault.params["code"]
            self.settle("failed", Usage())
        elif fault is None or fault.what != "keepalive_flood":
            self.settle("succeeded", self.most, ("application/json", body))
        if fault is not None and await broken.garbled(
            fault, out, lambda: body, pace, streamed=False, request_id=attempt.request_id
        ):
            return
        await out.whole(200, body, gzip=fault is not None and fault.what == "gzip")

    async def _interrupted(self, out: Outbound, tokens: int, thinking: int) -> None:
        """End a call that its client left, charged for what was generated, or that a later attempt replaced."""
        if self.job.pace.reason == "client gone":
            self.settle("cancelled", self._usage(tokens, thinking) if tokens else Usage())
        error = PlatformError(
            "idempotency_conflict", "a later attempt under this Idempotency-Key took its place"
        )
        if out.started:
            body = error.body(out.headers["X-Request-Id"])
            await out.write(b"data: " + json.dumps(body).encode() + b"\n\n", last=True)
        else:
            await out.whole(error.status, error_body(error, out.headers["X-Request-Id"]))

    async def _stream(self, out: Outbound) -> None:
        attempt, pace, fault = self.job.attempt, self.job.pace, self.job.fault
        if fault is not None and fault.what in {"truncated_json", "wrong_shape"}:
            self.settle("succeeded", self.most)
        if fault is not None and await broken.garbled(
            fault, out, self._sample, pace, streamed=True, request_id=attempt.request_id
        ):
            return
        await out.start(200, _EVENT_STREAM, gzip=fault is not None and fault.what == "gzip")
        if not await self._await_first_token(out):
            await self._interrupted(out, 0, 0)
            return
        attempt.first_token = self.platform.clock.ticks()
        if await self._send_events(out):
            await self._finish_stream(out)

    async def _await_first_token(self, out: Outbound) -> bool:
        """Wait for the model to begin. ``False`` if the call was interrupted."""
        loop = asyncio.get_running_loop()
        self._spoke = loop.time()
        return await self._wait(out, self._spoke + self._first_token)

    async def _wait(self, out: Outbound, until: float) -> bool:
        """Wait until a time of the loop's clock, with a comment whenever the stream has been silent for long, so
        that the client sees a sign of life. ``False`` if the call was interrupted."""
        wish = self.request.steering.keep_alive
        longest = self.platform.settings.keep_alive if wish is None else wish
        loop = asyncio.get_running_loop()
        while (left := until - loop.time()) > _SOON:
            if not await self.job.pace.pause(min(left, max(0.001, self._spoke + longest - loop.time()))):
                return False
            if loop.time() - self._spoke >= longest:
                await out.write(b": keep-alive\n\n")
                self._spoke = loop.time()
        return self.job.pace.reason is None

    async def _send_events(self, out: Outbound) -> bool:
        """Send what carries tokens, each when its time has come. ``False`` when the stream ended early."""
        fault = self.job.fault
        stop_at = None
        if fault is not None and fault.what in {"unfinished", "error_in_200"}:
            stop_at = int(fault.params["after_chunks"])
        loop = asyncio.get_running_loop()
        began, step = loop.time(), self._seconds_a_token
        tokens = thinking = sent = 0
        for opening in self.format.opening(self.reply):
            if stop_at is not None and sent >= stop_at:
                break
            await out.write(opening)
            sent += 1
        for event in self.format.events(self.reply):
            if stop_at is not None and sent >= stop_at:
                break
            tokens += event.tokens
            thinking += event.thinking
            if not await self._wait(out, began + tokens * step):
                await self._interrupted(out, tokens, thinking)
                return False
            if event.data:
                await out.write(event.data)
                self._spoke = loop.time()
                sent += 1
                if not step and not sent % 16:
                    await asyncio.sleep(0)
        if stop_at is not None:
            await self._break_off(out, tokens, thinking)
            return False
        return True

    async def _break_off(self, out: Outbound, tokens: int, thinking: int) -> None:
        """End a stream as a fault says: without a finish, or with an error in it."""
        fault, attempt = self.job.fault, self.job.attempt
        assert fault is not None
        if fault.what == "unfinished":
            attempt.error_code = "upstream_error"
            self.settle("failed", self._usage(tokens, thinking) if tokens else Usage())
            await out.write(b"", last=True)
            return
        attempt.error_code = fault.params["code"]
        self.settle("failed", Usage())
        error = PlatformError(fault.params["code"], "the model's provider failed")
        body = json.dumps(error.body(attempt.request_id)).encode()
        await out.write(b"data: " + body + b"\n\n", last=True)

    async def _finish_stream(self, out: Outbound) -> None:
        tail = b"".join(self.format.closing(self.reply))
        if self.request.include_usage:
            tail += self.format.usage(self._usage_shown(self.most))
        tail += b"data: [DONE]\n\n"
        kept = None if out.kept is None else (_EVENT_STREAM, b"".join(out.kept) + tail)
        if self.job.pace.reason is not None:
            await self._interrupted(out, self.reply.tokens, self.reply.thinking_tokens)
            return
        self.settle("succeeded", self.most, kept)
        for event in tail.split(b"\n\n")[:-2]:
            await out.write(event + b"\n\n")
        await out.write(b"data: [DONE]\n\n", last=True)

    def _sample(self) -> bytes:
        return b"".join(self.format.opening(self.reply))[len(b"data: ") :]


class CompletionWork(ChatWork):
    """``POST /completions``: no roles, several prompts, 16 tokens unless more are asked for."""

    async def prepare(self) -> None:
        self.request, prompts = read_completion(self.job.body)
        await self._prepare_model()
        counts = [
            len(prompt) if isinstance(prompt, tuple) else self.tokenizer.count(prompt) for prompt in prompts
        ]
        self.input_tokens = sum(counts)
        text = "\n".join(prompt for prompt in prompts if isinstance(prompt, str))
        self._compose(text, self.request.n * len(prompts))

    def _format(self) -> Format:
        documented = self.platform.settings.shape == "documented"
        return TextFormat.new(
            int(self.job.attempt.created_at.timestamp()), self.model.id, documented=documented
        )
