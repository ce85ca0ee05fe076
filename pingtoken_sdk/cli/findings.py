"""What can be told without the network: this machine, and the configuration."""

from __future__ import annotations

import argparse
import os
import platform
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from typing import Final, Literal, TypeAlias

from .._version import __version__
from ..errors import ConfigurationError
from ..options import DEFAULT_BASE_URL, Options
from . import connection
from .failure import CommandError

__all__ = ["Finding", "State", "configured", "machine", "settled"]

_PACKAGES: Final = ("httpx", "h11", "anyio", "pydantic", "tiktoken")
_EXTRAS: Final = {"sandbox": ("starlette", "uvicorn", "rich"), "notebook": ("ipywidgets",)}
_VARIABLES: Final = frozenset(
    f"PINGTOKEN_{name}" for name in ("API_KEY", "BASE_URL", "EDGES", "TIMEOUT", "LOG", "LEDGER")
)


State: TypeAlias = Literal["ok", "note", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``broken``: calls cannot work. ``note``: they can, but see ``hint``."""

    what: str
    state: State
    detail: str
    hint: str | None = None


def machine() -> list[Finding]:
    """Versions of the package, of Python, and of what the package stands on."""
    findings = [
        Finding(
            "versions",
            "ok",
            f"pingtoken_sdk {__version__}, Python {platform.python_version()} on {platform.system()} "
            f"{platform.machine()}",
        )
    ]
    versions = {name: _version(name) for name in _PACKAGES}
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        findings.append(
            Finding(
                "packages",
                "broken",
                f"missing: {', '.join(missing)}",
                "pip install --force-reinstall pingtoken_sdk",
            )
        )
    else:
        findings.append(
            Finding("packages", "ok", ", ".join(f"{name} {found}" for name, found in versions.items()))
        )
    extras = [
        f"{extra} {'yes' if all(find_spec(name) is not None for name in names) else 'no'}"
        for extra, names in _EXTRAS.items()
    ]
    findings.append(Finding("extras", "ok", ", ".join(extras)))
    return findings


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def configured(args: argparse.Namespace) -> list[Finding]:
    """Each setting and where it comes from. Of the key, only that there is one."""
    findings = [_key(args)]
    findings.append(_setting("base URL", args.base_url, "--base-url", "PINGTOKEN_BASE_URL", DEFAULT_BASE_URL))
    edges = None if args.edges is None else ",".join(args.edges)
    findings.append(_setting("edges", edges, "--edge", "PINGTOKEN_EDGES", "the base URL alone"))
    timeout = None if args.timeout is None else f"{args.timeout:g}"
    findings.append(_setting("timeout", timeout, "--timeout", "PINGTOKEN_TIMEOUT", "600 (seconds)"))
    findings.append(_authorities(args))
    findings.append(_proxies())
    findings += [
        Finding(
            "environment", "note", f"{name} is set, but means nothing",
            f"known are {', '.join(sorted(_VARIABLES))}",
        )
        for name in sorted(os.environ)
        if name.startswith("PINGTOKEN_") and name not in _VARIABLES
    ]  # fmt: skip
    return findings


def _key(args: argparse.Namespace) -> Finding:
    if args.key_file is not None:
        return Finding("key", "ok", f"set, from the file {args.key_file}")
    if os.environ.get("PINGTOKEN_API_KEY"):
        return Finding("key", "ok", "set, from PINGTOKEN_API_KEY")
    return Finding("key", "note", "not set", None)


def _setting(what: str, given: str | None, argument: str, variable: str, default: str) -> Finding:
    if given is not None:
        return Finding(what, "ok", f"{_shown(given)}, from {argument}")
    if os.environ.get(variable):
        return Finding(what, "ok", f"{_shown(os.environ[variable])}, from {variable}")
    return Finding(what, "ok", f"{default}, by default")


def _shown(value: str) -> str:
    """A URL may hold a password where none belongs; then nothing of it is shown."""
    return "(hidden: it holds a user name or password)" if "@" in value else value


def _authorities(args: argparse.Namespace) -> Finding:
    if args.ca_file is not None:
        return _file("authorities", args.ca_file, "--ca-file")
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if os.environ.get(variable):
            return _file("authorities", os.environ[variable], variable)
    return Finding("authorities", "ok", "those of the system, by default")


def _file(what: str, path: str, where: str) -> Finding:
    if os.path.exists(path):
        return Finding(what, "ok", f"{path}, from {where}")
    return Finding(
        what, "broken", f"{path}, from {where}, does not exist", f"correct {where} or leave it out"
    )


def _proxies() -> Finding:
    schemes = sorted(set(urllib.request.getproxies()) & {"http", "https", "all"})
    if not schemes:
        return Finding("proxies", "ok", "none")
    excepted = urllib.request.getproxies().get("no")
    detail = f"set for {', '.join(schemes)}" + (f", except for {excepted}" if excepted else "")
    return Finding("proxies", "ok", detail)


def settled(args: argparse.Namespace) -> tuple[Options | None, Finding | None]:
    """The options that these arguments and the environment amount to.

    A missing or impossible key does not keep the network from being looked at, so then there are options and
    a problem.
    """
    try:
        return _settle(args, connection.key_source(args)), None
    except (ConfigurationError, CommandError) as error:
        problem = Finding("configuration", "broken", error.message, error.hint)
    try:
        return _settle(args, _no_key), problem
    except ConfigurationError:
        return None, problem


def _settle(args: argparse.Namespace, key: Callable[[], str] | None) -> Options:
    return Options.settle(
        api_key=key,
        base_url=args.base_url,
        edges=args.edges,
        timeout=args.timeout,
        retry=None,
        max_retries=None,
        headers=None,
        ca_file=args.ca_file,
    )


def _no_key() -> str:
    raise ConfigurationError("there is no API key")
