"""Test against a whole platform: the sandbox as a process of its own, with an account for each test.

::

    with Sandbox() as sandbox:
        account = sandbox.account(balance="100 CNY")
        account.faults.add("cut", edge="edge-2", after_chunks=2, requests="3-5")
        ...                                   # any client, with account.api_key and account.base_url
        account.calls()                       # what the platform saw, attempt by attempt

Time is the platform's own: ``sandbox.advance(to="2026-12-01")`` moves its calendar, and what falls due on the way
happens (bills, expiries, prices, suspensions). ``Sandbox(history=True)`` has two accounts with months of history.

The fixtures of :mod:`pingtoken_sdk.testing_fixtures` do the same for pytest. Faults, balances and calls belong to
one account, so that tests beside each other on one sandbox do not meet.
"""

from __future__ import annotations

from .account import SandboxAccount
from .clock import VirtualClock
from .errors import SandboxError
from .faults import Faults
from .process import Sandbox

__all__ = ["Faults", "Sandbox", "SandboxAccount", "SandboxError", "VirtualClock"]
