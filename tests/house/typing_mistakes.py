"""Mistakes that a type checker must see. Never run: ``test_types.py`` hands it to mypy.

A line that is wrong ends in ``# E: code``; a mistake that goes unseen fails the test, as does an error elsewhere.
"""

from __future__ import annotations

from typing import Any

from pingtoken_sdk import AsyncPingToken, Money, PingToken, RetryPolicy, Timeouts

ASK: list[dict[str, Any]] = [{"role": "user", "content": "Why is the sky blue?"}]
client = PingToken()

client.chat.completions.create(model="m", messages=ASK, temprature=1)  # E: call-overload
client.chat.completions.create(model="m", messages=ASK, temperature="hot")  # E: call-overload
client.chat.completions.create(model="m")  # E: call-overload
client.chat.completions.create(model=4, messages=ASK)  # E: call-overload
client.chat.completions.create(model="m", messages=["text"])  # E: list-item
client.chat.completions.create("m", ASK)  # E: call-overload
client.chat.completions.create(model="m", messages=ASK, stream="yes")  # E: call-overload
client.chat.completions.create(model="m", messages=ASK, tool_choice="perhaps")  # E: call-overload
client.chat.completions.create(model="m", messages=ASK).chunks  # E: attr-defined
client.chat.completions.create(model="m", messages=ASK, stream=True).text  # E: attr-defined
client.embeddings.create(model="m", input="x", encoding_format="hex")  # E: arg-type
client.embeddings.create(model="m", inputs="x")  # E: call-arg
client.estimate(model="m", messages=ASK, max_token=3)  # E: call-arg
client.with_options(time_out=3)  # E: call-arg
client.with_options(timeout="3")  # E: arg-type
client.prices.list(include=["future"])  # E: list-item
client.chat.completions.with_raw_response.create(model="m", messages=ASK, temprature=1)  # E: call-overload
client.chat.completions.with_raw_response.create(model="m", messages=ASK).parse().chunks  # E: attr-defined
client.embeddings.with_raw_response.create(model="m", input="x", encoding_format="hex")  # E: arg-type
client.estimate(model="m", input=5)  # E: arg-type
client.models.list().datum  # E: attr-defined
client.models.retrieve()  # E: call-arg
client.ledger.totls()  # E: union-attr
PingToken(api_key=b"k")  # E: arg-type
PingToken(apikey="k")  # E: call-arg
Timeouts(totl=3)  # E: call-arg
RetryPolicy(on_ambiguous="hope")  # E: arg-type
Money(0.1, "CNY")  # E: arg-type
Money("1", "CNY") * 0.5  # E: operator


async def mistakes(ac: AsyncPingToken) -> None:
    ac.chat.completions.create(model="m", messages=ASK).text  # E: attr-defined
    await ac.chat.completions.create(model="m", messages=ASK, maxtokens=3)  # E: call-overload
    for _ in await ac.chat.completions.create(model="m", messages=ASK, stream=True):  # E: attr-defined
        break
