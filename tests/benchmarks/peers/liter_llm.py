"""liter-llm, a client whose core is Rust: typed answers, no routing in its Python binding."""

from __future__ import annotations

import importlib
import importlib.metadata
from typing import Any

from . import ASK, MODEL, TEXT, WORD

liter_llm: Any = importlib.import_module("liter_llm")
# The request that the package shows is not the one that its client takes (2.4.0).
requests: Any = importlib.import_module("liter_llm._internal_bindings")


def version() -> str:
    return importlib.metadata.version("liter-llm")


class Clients:
    def __init__(self, url: str) -> None:
        self._url = url
        self._made: dict[str, Any] = {}

    def _client(self, kind: str) -> Any:
        client = self._made.get(kind)
        if client is None:
            client = self._made[kind] = liter_llm.create_client(
                api_key="k", base_url=f"{self._url}/{kind}/v1", max_retries=0, model_hint="openai"
            )
        return client

    def _request(self) -> Any:
        system, user = ASK
        messages = [liter_llm.Message.from_system(system), liter_llm.Message.from_user(user)]
        return requests.ChatCompletionRequest(model=MODEL, messages=messages)

    async def call(self, kind: str) -> int:
        answer = await self._client(kind).chat(self._request())
        text = answer.choices[0].message.content
        return int(str(text) == TEXT and answer.usage.total_tokens == 190)

    async def stream(self, kind: str) -> int:
        words = 0
        async for chunk in self._client(kind).chat_stream(self._request()):
            words += chunk.choices[0].delta.content == WORD
        return words


STEPS: dict[str, Any] = {}
