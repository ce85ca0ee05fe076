"""JupyterLab as a child: started on one notebook, found by what it writes about itself, and ended with its kernels."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from .failure import CommandError

__all__ = ["Jupyter"]

_PATIENCE: Final = 60.0
"""Seconds until it says where it is: its extensions are loaded from disk first."""
_STAMP: Final = re.compile(r"\[[A-Z] [-0-9:. ]+ \w+\] ")
_FAREWELL: Final = 15.0
"""Seconds for it to end its kernels."""


class Jupyter:
    """A JupyterLab that opens ``notebook``. What it writes about itself goes below ``folder``; ``words`` are further
    arguments of ``jupyter lab``."""

    def __init__(
        self, notebook: Path, folder: Path, words: Sequence[str], *, browser: bool, verbose: bool
    ) -> None:
        self._notebook = notebook
        self._about = folder / "runtime"
        self._log = folder / "jupyter.log"
        self._verbose = verbose
        self._command = [
            sys.executable,
            "-m",
            "jupyterlab",
            str(notebook),
            *([] if browser else ["--no-browser"]),
        ]
        self._command += words
        self._process: subprocess.Popen[bytes] | None = None

    @contextlib.contextmanager
    def running(self, settings: Mapping[str, str], key: Callable[[], str] | None) -> Iterator[None]:
        """Run it with ``settings`` in its environment, and what ``key`` returns as ``PINGTOKEN_API_KEY``.

        Raises :class:`CommandError` where it does not start.
        """
        self._about.mkdir(mode=0o700)
        own = {**settings, "JUPYTER_RUNTIME_DIR": str(self._about)}
        with self._log.open("wb") as log:
            # A group of its own: Ctrl-C is for us, since JupyterLab would ask whether it is meant.
            group: dict[str, Any] = (
                {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
                if sys.platform == "win32"
                else {"start_new_session": True}
            )

            def begin() -> None:
                self._process = subprocess.Popen(
                    self._command,
                    env={**os.environ, **own, **({} if key is None else {"PINGTOKEN_API_KEY": key()})},
                    stdin=subprocess.DEVNULL,
                    stdout=None if self._verbose else log,
                    stderr=None if self._verbose else log,
                    **group,
                )

            try:
                # In a thread: Ctrl-C strikes the main one only, and in the middle of this it would lose sight of a
                # process that has begun. Leaving the pool waits for it.
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(begin).result()
                yield
            finally:
                if self._process is not None:
                    self._end(self._process)

    def url(self) -> str:
        """Where the notebook opens, once it does. Raises :class:`CommandError` where it does not start."""
        assert self._process is not None
        until = time.monotonic() + _PATIENCE
        while self._process.poll() is None and time.monotonic() < until:
            for file in self._about.glob("jpserver-*.json"):
                with contextlib.suppress(OSError, ValueError):  # it is being written
                    about = json.loads(file.read_bytes())
                    token = f"?token={quote(about['token'])}" if about["token"] else ""
                    return f"{about['url']}lab/tree/{quote(self._notebook.name)}{token}"
            time.sleep(0.1)
        raise CommandError(
            f"JupyterLab did not start{self._last_words()}", hint="run it with -v for all it says"
        )

    def wait(self) -> int:
        """Wait until it ends. Raises :class:`CommandError` where that was no good end."""
        assert self._process is not None
        while self._process.poll() is None:
            time.sleep(0.2)  # a wait without an end cannot be interrupted everywhere
        if self._process.returncode:
            raise CommandError(
                f"JupyterLab ended by itself (exit code {self._process.returncode}){self._last_words()}"
            )
        return 0

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            said = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            if said:
                return f": {_STAMP.sub('', said[-1].strip())}"
        return ""

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()  # it ends its kernels, and they end by themselves should it not come to that
        try:
            process.wait(_FAREWELL)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            _kill(process)
        process.wait()


def _kill(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
