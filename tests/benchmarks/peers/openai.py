"""The openai package, as it comes, but without repetitions."""

from __future__ import annotations

from typing import Any

import openai

from . import ASK, MODEL, TEXT, WORD


def version() -> str:
    return openai.__version__


class Clients:
    def __init__(self, url: str) -> None:
        self._url = url
        self._made: dict[tuple[str, bool], Any] = {}

    def _client(self, kind: str, *, blocking: bool) -> Any:
        client = self._made.get((kind, blocking))
        if client is None:
            factory: Any = openai.OpenAI if blocking else openai.AsyncOpenAI
            client = factory(api_key="k", base_url=f"{self._url}/{kind}/v1", max_retries=0)
            self._made[kind, blocking] = client
        return client

    async def call(self, kind: str) -> int:
        client = self._client(kind, blocking=False)
        answer = await client.chat.completions.create(model=MODEL, messages=ASK)
        return int(answer.choices[0].message.content == TEXT and answer.usage.total_tokens == 190)

    def call_blocking(self, kind: str) -> int:
        client = self._client(kind, blocking=True)
        answer = client.chat.completions.create(model=MODEL, messages=ASK)
        return int(answer.choices[0].message.content == TEXT and answer.usage.total_tokens == 190)

    async def stream(self, kind: str) -> int:
        client = self._client(kind, blocking=False)
        words = 0
        async for chunk in await client.chat.completions.create(model=MODEL, messages=ASK, stream=True):
            words += chunk.choices[0].delta.content == WORD
        return words

    def stream_blocking(self, kind: str) -> int:
        client = self._client(kind, blocking=True)
        words = 0
        for chunk in client.chat.completions.create(model=MODEL, messages=ASK, stream=True):
            words += chunk.choices[0].delta.content == WORD
        return words


STEPS: dict[str, Any] = {}
