"""Embeddings: unit vectors that depend on the text alone."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import math
import random
import struct
from typing import Any

from ..billing import Usage
from ..errors import PlatformError
from . import broken, desk
from .inference import Work
from .outbound import Outbound
from .reading import Fields, invalid

__all__ = ["EmbeddingWork", "unit_vector"]

_MOST_INPUTS = 2048
_LARGE = 50_000
"""Numbers in an answer, above which a thread works it out while other calls go on."""


def unit_vector(model: str, text: str | tuple[int, ...], size: int) -> list[float]:
    """A direction of length 1 in ``size`` dimensions, the same for the same text and model."""
    rng = random.Random(hashlib.sha256(f"{model}\n{text}".encode()).digest())
    values = struct.unpack(f"<{size}i", rng.randbytes(4 * size))
    length = math.hypot(*values)
    return [value / length for value in values]


class EmbeddingWork(Work):
    """``POST /embeddings``."""

    async def prepare(self) -> None:
        given = Fields(self.job.body)
        attempt = self.job.attempt
        self.inputs = _inputs(given.raw("input"))
        attempt.model = given.needed_text("model")
        attempt.end_user = given.text("user")
        self.model = desk.find_model(self.platform.catalogue, self.job.key, attempt.model, ("embedding",))
        self.encoding = given.text("encoding_format") or "float"
        if self.encoding not in {"float", "base64"}:
            invalid("encoding_format", "float or base64")
        # An embedding model's "most output" is the size of its vectors.
        self.size = given.whole("dimensions", 1, self.model.max_output) or self.model.max_output
        tokenizer = await self.platform.tokenizers.of(self.model)
        counts = [len(text) if isinstance(text, tuple) else tokenizer.count(text) for text in self.inputs]
        if max(counts) > self.model.context:
            raise PlatformError(
                "context_length_exceeded",
                f"this model takes {self.model.context} tokens an input",
                param="input",
            )
        self.input_tokens = sum(counts)
        self.most = Usage(input=self.input_tokens)
        self.price = self.platform.catalogue.price(self.model.id, attempt.created_at)

    async def deliver(self, out: Outbound) -> None:
        job = self.job
        alive = await job.pace.pause(self.platform.settings.first_token * job.slowness)
        if alive:
            large = len(self.inputs) * self.size > _LARGE
            body = await asyncio.to_thread(self._answer) if large else self._answer()
            alive = job.pace.reason is None
        if not alive:
            self.settle("cancelled", Usage())  # nothing, if a later attempt took its place
            raise PlatformError(
                "idempotency_conflict", "a later attempt under this Idempotency-Key took its place"
            )
        job.attempt.http_status = 200
        if job.fault is not None and job.fault.what == "error_in_200":
            job.attempt.error_code = job.fault.params["code"]
            self.settle("failed", Usage())
        elif job.fault is None or job.fault.what != "keepalive_flood":
            self.settle("succeeded", self.most, ("application/json", body))
        if job.fault is not None and await broken.garbled(
            job.fault, out, lambda: body, job.pace, streamed=False, request_id=job.attempt.request_id
        ):
            return
        await out.whole(200, body, gzip=job.fault is not None and job.fault.what == "gzip")

    def _answer(self) -> bytes:
        data: list[dict[str, Any]] = []
        for index, text in enumerate(self.inputs):
            vector = unit_vector(self.model.id, text, self.size)
            packed: Any = vector
            if self.encoding == "base64":
                packed = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
            data.append({"object": "embedding", "index": index, "embedding": packed})
        usage = {"prompt_tokens": self.input_tokens, "total_tokens": self.input_tokens}
        return json.dumps({"object": "list", "data": data, "model": self.model.id, "usage": usage}).encode()


def _inputs(given: Any) -> list[str | tuple[int, ...]]:
    if isinstance(given, str) and given:
        return [given]
    if isinstance(given, list) and 0 < len(given) <= _MOST_INPUTS:
        if all(isinstance(text, str) and text for text in given):
            return list(given)
        if all(type(token) is int for token in given):
            return [tuple(given)]
        if all(
            isinstance(part, list) and part and all(type(token) is int for token in part) for part in given
        ):
            return [tuple(part) for part in given]
    return invalid("input", f"a non-empty string, or 1 to {_MOST_INPUTS} strings, or token ids")
