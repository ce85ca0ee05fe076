"""Embeddings: unit vectors that depend on the text alone."""

from __future__ import annotations

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


def unit_vector(model: str, text: str | tuple[int, ...], size: int) -> list[float]:
    """A direction of length 1 in ``size`` dimensions, the same for the same text and model."""
    rng = random.Random(hashlib.sha256(f"{model}\n{text}".encode()).digest())
    values = [rng.gauss(0.0, 1.0) for _ in range(size)]
    length = math.sqrt(sum(value * value for value in values))
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
        if not await job.pace.pause(self.platform.settings.first_token * job.slowness):
            if job.pace.reason == "client gone":
                self.settle("cancelled", Usage())
            return
        body = self._answer()
        job.attempt.http_status = 200
        if job.fault is not None and job.fault.what == "error_in_200":
            job.attempt.error_code = job.fault.params["code"]
            self.settle("failed", Usage())
        else:
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
