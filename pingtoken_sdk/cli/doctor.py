"""``pingtoken doctor``: what is configured, what it reaches, and what to do about what does not work."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from ..client import PingToken
from ..errors import ConfigurationError
from ..options import Options
from . import connection
from .failure import FAILED, CommandError
from .findings import Finding, State, configured, machine, settled
from .output import print_json
from .platform_checks import account_findings
from .reach import Reach, reach_all

__all__ = ["DESCRIPTION", "EXAMPLE", "NAME", "SUMMARY", "add_arguments", "run"]

NAME: Final = "doctor"
SUMMARY: Final = "find out what is wrong with the set-up"
DESCRIPTION: Final = """\
Say what is configured and where it comes from, how far the network carries to each edge (name, connection,
TLS, answer), whether clocks agree, which contract the platform speaks and whether it takes the key. Nothing
it does is billed, and no part of the key is printed. Exits with 1 if something that calls need is broken."""
EXAMPLE: Final = """\
pingtoken doctor
pingtoken doctor --base-url https://llm.example.com/v1 --json
"""

_MARKS: Final = {"ok": "ok", "note": "note", "broken": "BROKEN"}
_SKEW_NOTED: Final = 30.0
"""Seconds. Below that, neither certificates nor dated prices nor Retry-After dates suffer."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    connection.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Examine, and report."""
    findings = [*machine(), *configured(args)]
    reached: list[Reach] = []
    options, problem = settled(args)
    if options is not None:
        reached = reach_all(options.edges, options.ca_file)
        findings += _edge_findings(reached)
    if problem is not None:
        findings.append(problem)
    elif any(one.ok for one in reached):
        findings += _with_key(args)
    healthy = not any(finding.state == "broken" for finding in findings)
    if args.json:
        print_json(_report(findings, reached, options, healthy=healthy), indent=2)
    else:
        _print(findings, healthy=healthy)
    return 0 if healthy else FAILED


def _with_key(args: argparse.Namespace) -> list[Finding]:
    try:
        client = connection.open_client(args)
    except (ConfigurationError, CommandError) as error:
        return [Finding("key", "broken", error.message, error.hint)]
    return _examined(client)


def _examined(client: PingToken) -> list[Finding]:
    with client:
        return account_findings(client)


def _edge_findings(reached: Sequence[Reach]) -> list[Finding]:
    """One edge that fails is a note while another works: the router goes around it."""
    some_work = any(one.ok for one in reached)
    findings = []
    for one in reached:
        state: State = "ok" if one.ok else "note" if some_work else "broken"
        findings.append(Finding(f"edge {one.name}", state, f"{one.url}: {one.words()}", one.hint))
        if one.certificate_until is not None:
            findings += _expiry(one)
    skews = [one.skew for one in reached if one.skew is not None]
    if skews:
        findings.append(_clock(sorted(skews)[len(skews) // 2]))
    return findings


def _expiry(one: Reach) -> list[Finding]:
    assert one.certificate_until is not None
    days = (one.certificate_until - datetime.now(UTC)).days
    if days >= 14:
        return []
    return [
        Finding(
            f"edge {one.name}",
            "note",
            f"its certificate runs out in {days} days",
            "tell whoever runs the edge",
        )
    ]


def _clock(skew: float) -> Finding:
    ahead = "behind" if skew > 0 else "ahead of"
    if abs(skew) < _SKEW_NOTED:
        return Finding("clock", "ok", f"agrees with the platform's, within {max(1.0, abs(skew)):.0f} s")
    return Finding(
        "clock",
        "note",
        f"this machine's clock is {abs(skew):.0f} s {ahead} the platform's",
        "set it by NTP: certificates, dated prices and Retry-After dates depend on it",
    )


def _print(findings: Sequence[Finding], *, healthy: bool) -> None:
    widest = max(len(finding.what) for finding in findings)
    for finding in findings:
        print(f"{_MARKS[finding.state]:6}  {finding.what.ljust(widest)}  {finding.detail}")
        if finding.hint and finding.state != "ok":
            print(f"{'':6}  {'':{widest}}  -> {finding.hint}")
    broken = sum(finding.state == "broken" for finding in findings)
    print()
    print("All that calls need is in order." if healthy else f"Broken: {broken}. See the lines with '->'.")


def _report(
    findings: Sequence[Finding], reached: Sequence[Reach], options: Options | None, *, healthy: bool
) -> dict[str, Any]:
    return {
        "ok": healthy,
        "base_url": None if options is None else options.base_url,
        "findings": [asdict(finding) for finding in findings],
        "edges": [{**asdict(one), "ok": one.ok} for one in reached],
    }
