"""``pingtoken lab``: the dashboard in JupyterLab."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, Final

from . import connection
from .extras import require_lab, require_sandbox
from .failure import MISUSED, CommandError
from .jupyter import Jupyter
from .lab_notebook import write_notebook
from .output import print_json
from .platform_process import platform_process

__all__ = ["DESCRIPTION", "EXAMPLE", "NAME", "SUMMARY", "add_arguments", "run"]

NAME: Final = "lab"
SUMMARY: Final = "the account's dashboard, in JupyterLab"
DESCRIPTION: Final = """\
Start JupyterLab on this machine with a notebook that opens the dashboard of the account: balance, usage, bills,
calls, edges. The notebook holds no key; it reads it from its environment. It ends with Ctrl-C, and all that it
started ends with it. Words after '--' go to 'jupyter lab'."""
EXAMPLE: Final = """\
pingtoken lab
pingtoken lab --sandbox --no-browser
pingtoken lab --notebook dashboard.ipynb -- --port 9000
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "--sandbox",
        action="store_true",
        help="look at a make-believe account with months of history, on a platform on this machine",
    )
    parser.add_argument("--no-browser", action="store_true", help="open no browser, just say where it is")
    parser.add_argument(
        "--notebook",
        metavar="FILE",
        type=Path,
        help="the notebook; made if it is not there yet (default: one that is gone afterwards)",
    )
    parser.add_argument(
        "--lang", choices=("en", "zh"), help="the dashboard's language (default: the account's)"
    )
    parser.add_argument("words", metavar="WORD", nargs="*", help=argparse.SUPPRESS)
    connection.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run until interrupted, or until JupyterLab is shut down in the browser."""
    require_lab("pingtoken lab")
    if args.sandbox:
        require_sandbox("pingtoken lab --sandbox")
    else:
        connection.open_client(args).close()  # a set-up that makes no sense is refused here; nothing is sent
    with (
        _ended_by_signals(),
        tempfile.TemporaryDirectory(prefix="pingtoken-lab-", ignore_cleanup_errors=True) as folder,
        _platform(args) as ready,
    ):
        notebook = _notebook(args, Path(folder))
        settings = _settings(args) if ready is None else _of_sandbox(ready)
        key = None if ready is not None else connection.key_source(args)
        lab = Jupyter(notebook, Path(folder), args.words, browser=not args.no_browser, verbose=args.verbose)
        with lab.running(settings, key):
            _say(args, lab.url(), notebook, ready)
            return lab.wait()


@contextlib.contextmanager
def _platform(args: argparse.Namespace) -> Iterator[Mapping[str, Any] | None]:
    if not args.sandbox:
        yield None
        return
    with platform_process(["--history"], verbose=args.verbose) as (_, ready):
        yield ready


def _notebook(args: argparse.Namespace, folder: Path) -> Path:
    path: Path = args.notebook or folder / "notebooks" / "pingtoken.ipynb"
    dialect = None if args.sandbox or args.dialect == "auto" else args.dialect
    try:
        if args.notebook is None:
            path.parent.mkdir()
        if not path.exists():
            write_notebook(path, lang=args.lang, dialect=dialect)
    except OSError as error:
        raise CommandError(f"{path} cannot be made: {error.strerror}", code=MISUSED) from None
    return path.absolute()


def _settings(args: argparse.Namespace) -> dict[str, str]:
    """The arguments as the environment of the notebook. The key is not among them."""
    given = {
        "PINGTOKEN_BASE_URL": args.base_url,
        "PINGTOKEN_EDGES": None if args.edges is None else ",".join(args.edges),
        "PINGTOKEN_TIMEOUT": None if args.timeout is None else f"{args.timeout:g}",
        "SSL_CERT_FILE": args.ca_file,
    }
    return {name: value for name, value in given.items() if value is not None}


def _of_sandbox(ready: Mapping[str, Any]) -> dict[str, str]:
    """The environment of whoever has the sandbox's demo account, or its only one."""
    demo = next(iter(ready.get("demo", {}).values()), ready)
    return {
        "PINGTOKEN_API_KEY": demo["api_key"],  # make-believe, like the platform
        "PINGTOKEN_BASE_URL": ready["base_url"],
        "PINGTOKEN_EDGES": ",".join(
            f"edge-{number}={url}" for number, url in enumerate(ready["edges"], start=1)
        ),
    }


def _say(args: argparse.Namespace, url: str, notebook: Path, ready: Mapping[str, Any] | None) -> None:
    if args.json:
        print_json({"url": url, "notebook": str(notebook), "sandbox": ready})
        return
    lines = [f"The dashboard is at {url}", "Run its cell with Shift-Return. Ctrl-C here ends it."]
    if args.notebook is None:
        lines.append("The notebook is gone then; --notebook FILE keeps one.")
    if ready is not None:
        lines.append("The account is make-believe, on a platform on this machine that ends with it.")
    print("\n".join(lines), flush=True)


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Being told to end, or losing the terminal, is an end like Ctrl-C: nothing is left running."""
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():  # only there may handlers be set
        names = []

    def end(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    before = {name: signal.signal(getattr(signal, name), end) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
