"""What the tests of the sandbox share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pingtoken_sdk.testing import Sandbox, SandboxAccount

from .client import Plain


@pytest.fixture
def plain(account: SandboxAccount) -> Iterator[Plain]:
    """A plain client with the test's own account."""
    client = Plain(account)
    yield client
    client.http.close()


@pytest.fixture(scope="session")
def calendar_platform() -> Iterator[Sandbox]:
    """A platform whose calendar tests move on; it answers at once. Its tests leave dates to it."""
    with Sandbox(edges=1, first_token=0, rate=0) as sandbox:
        yield sandbox


@pytest.fixture
def calendar(calendar_platform: Sandbox) -> Iterator[Plain]:
    """An account of a platform whose calendar may be moved, with 1000 CNY."""
    client = Plain(calendar_platform.account("1000 CNY"))
    yield client
    client.http.close()
