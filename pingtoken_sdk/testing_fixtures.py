"""pytest fixtures over :mod:`pingtoken_sdk.testing`: one sandbox a session, one account a test.

Use them with ``pytest_plugins = ["pingtoken_sdk.testing_fixtures"]`` in the top-level ``conftest.py``, or by
importing them there.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .testing import Sandbox, SandboxAccount

__all__ = ["account", "sandbox_platform"]


@pytest.fixture(scope="session")
def sandbox_platform() -> Iterator[Sandbox]:
    """One sandbox with four edges for the whole test session."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def account(sandbox_platform: Sandbox) -> Iterator[SandboxAccount]:
    """An account of its own for a test, with 100 CNY; its faults and its private edges end with the test."""
    opened = sandbox_platform.account()
    yield opened
    opened.faults.clear()
    opened.close_private_edges()
