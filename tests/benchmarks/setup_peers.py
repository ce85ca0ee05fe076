"""Make one virtual environment for each peer, and one with this checkout, under ``.bench/``.

    python tests/benchmarks/setup_peers.py [--fresh] [NAME ...]

Each gets the newest release that pip finds, so that no peer holds another one back. A peer that cannot be
installed is reported, and the benchmarks that need it say so. This checkout is installed in editable form:
what is measured is what the working tree holds.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
HOME = PROJECT / ".bench"
WANTED: dict[str, list[str]] = {
    "ours": ["--editable", str(PROJECT)],
    "openai": ["openai"],
    "aiohttp": ["aiohttp"],
    "httpx": ["httpx"],
    "litellm": ["litellm"],
    "liter_llm": ["liter-llm"],
}


def python_of(name: str) -> Path:
    """The interpreter of a peer's environment."""
    home = HOME / name
    return home / "Scripts" / "python.exe" if os.name == "nt" else home / "bin" / "python"


def pip(name: str, *arguments: str) -> str | None:
    """Run pip in a peer's environment. Returns what went wrong, in its own words, or ``None``."""
    command = [
        str(python_of(name)),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        *arguments,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    return (lines or done.stderr.splitlines() or ["pip failed"])[-1]


def relaxed(name: str, package: str) -> str | None:
    """Install a package whose declared bounds cannot be met: itself first, then what it names, without bounds."""
    error = pip(name, "--no-deps", package)
    if error is not None:
        return error
    listing = "import importlib.metadata as m, sys; print('\\n'.join(m.requires(sys.argv[1]) or []))"
    told = subprocess.run(
        [str(python_of(name)), "-c", listing, package], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    names = [re.split(r"[\s;<>=!~\[(]", line, maxsplit=1)[0] for line in told if "extra ==" not in line]
    return pip(name, *names)


def install(name: str, *, fresh: bool) -> bool:
    if fresh:
        shutil.rmtree(HOME / name, ignore_errors=True)
    if not python_of(name).exists():
        venv.create(HOME / name, with_pip=True, symlinks=os.name != "nt")
    error = pip(name, "--upgrade", *WANTED[name])
    note = ""
    if error is not None and name != "ours":
        error, note = relaxed(name, WANTED[name][-1]), f"  (outside its declared bounds: {error})"
    if error is not None:
        print(f"{name}: cannot be installed here. {error}", flush=True)
        shutil.rmtree(HOME / name, ignore_errors=True)
        return False
    print(f"{name}: ready{note}", flush=True)
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description="Set up the environments that the benchmarks run in")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(WANTED)}; all if none")
    parser.add_argument("--fresh", action="store_true", help="make the environments anew")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(WANTED))
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    HOME.mkdir(exist_ok=True)
    done = {name: install(name, fresh=options.fresh) for name in options.names or WANTED}
    sys.exit(0 if done.get("ours", True) else 1)


if __name__ == "__main__":
    main()
