"""Fixtures for all tests: the sandbox platform, once a session, and an account of it for each test."""

from __future__ import annotations

import pytest

from pingtoken_sdk.testing_fixtures import account, sandbox_platform

__all__ = ["account", "sandbox_platform"]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skipped test is a failed set-up: whatever a test needs is to be installed, not done without."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    skipped = len(reporter.stats.get("skipped", []))
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"{skipped} tests were skipped; none may be", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
