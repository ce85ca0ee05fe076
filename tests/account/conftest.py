"""Fixtures of the account tests: clients three ways, scripted servers, and a sandbox with months of history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pingtoken_sdk.testing import Sandbox, SandboxAccount

from ..surface.conftest import anyio_backend, bare_environment, door, serve, way
from ..surface.doors import Door

__all__ = ["anyio_backend", "bare_environment", "client_of", "door", "history", "serve", "way"]

ClientOf = Callable[..., Door]


@pytest.fixture
def client_of(door: Callable[..., Door]) -> ClientOf:
    """Makes a client for an account of the sandbox."""

    def make(account: SandboxAccount, **options: Any) -> Door:
        chosen = {"api_key": account.api_key, "base_url": account.base_url, "edges": account.edges}
        return door(**{"timeout": 30, **chosen, **options})

    return make


@pytest.fixture(scope="session")
def history() -> Iterator[Sandbox]:
    """A sandbox with two demo accounts and months of history; nobody may change anything in it."""
    with Sandbox(history=True, history_calls=3000, now="2026-11-24") as sandbox:
        yield sandbox
