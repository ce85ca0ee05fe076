"""Fixtures for all tests: the sandbox platform, once a session, and an account of it for each test."""

from __future__ import annotations

from pingtoken_sdk.testing_fixtures import account, sandbox_platform

__all__ = ["account", "sandbox_platform"]
