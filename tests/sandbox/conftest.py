"""What the tests of the sandbox share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pingtoken_sdk.testing import SandboxAccount

from .client import Plain


@pytest.fixture
def plain(account: SandboxAccount) -> Iterator[Plain]:
    """A plain client with the test's own account."""
    client = Plain(account)
    yield client
    client.http.close()
