"""LiteLLM: its Router's choice of a deployment and its count of tokens."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable
from typing import Any

from . import ASK, MODEL

litellm: Any = importlib.import_module("litellm")


def version() -> str:
    return importlib.metadata.version("litellm")


def _pick(edges: int) -> Callable[[], object]:
    """One choice, by its default strategy."""
    deployments = [
        {
            "model_name": MODEL,
            "litellm_params": {"model": f"openai/m{n}", "api_key": "k", "api_base": "http://127.0.0.1:1"},
        }
        for n in range(edges)
    ]
    router = litellm.Router(model_list=deployments)
    return lambda: router.get_available_deployment(model=MODEL, messages=ASK)


def _count(model: str) -> Callable[[], object]:
    """The tokens of the prompt, by its own vocabularies; no price."""
    return lambda: litellm.token_counter(model=model, messages=ASK)


STEPS: dict[str, Callable[..., Callable[[], object]]] = {"pick": _pick, "estimate": _count}
