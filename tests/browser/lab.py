"""A JupyterLab of its own: own directories, own port, no news, nothing from outside."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pingtoken_sdk

ROOT: Final = Path(pingtoken_sdk.__file__).parent.parent
_SETTINGS: Final = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    "@jupyterlab/codemirror-extension:plugin": {"defaultConfig": {"lineNumbers": False}},
}


class Lab:
    """The server as a child process, below ``home``; kernels get ``environment`` too. Notebooks are in ``books``."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home
        self._given = environment
        self.books = home / "books"
        self.books.mkdir(parents=True)
        self._token = secrets.token_hex(8)
        self._process: subprocess.Popen[bytes] | None = None
        self._log = home / "server.log"

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = self.home / "config" / "labconfig"
        settings.mkdir(parents=True)
        (settings / "default_setting_overrides.json").write_text(json.dumps(_SETTINGS), encoding="utf-8")
        self.port = _free_port()
        command = [
            sys.executable, str(Path(__file__).with_name("keeper.py")),
            sys.executable, "-m", "jupyterlab", "--no-browser", f"--ServerApp.port={self.port}",
            "--ServerApp.ip=127.0.0.1", "--ServerApp.port_retries=0", f"--IdentityProvider.token={self._token}",
            f"--ServerApp.root_dir={self.books}", "--LabApp.expose_app_in_browser=True",
            "--ServerApp.allow_root=True", "--LabApp.news_url=", "--ServerApp.log_level=WARN",
        ]  # fmt: skip
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, env=self._environment(), stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        self._wait()

    def stop(self) -> None:
        """End it with its kernels."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            process.wait(20)

    def url(self, book: str) -> str:
        """Where a notebook opens, in a workspace of its own: one that another page has open would be left for a new
        one, by a navigation in the middle of everything."""
        space = secrets.token_hex(4)
        return f"http://127.0.0.1:{self.port}/lab/workspaces/{space}/tree/{book}?token={self._token}"

    def request(self, method: str, path: str) -> Any:
        """A request to the server's own interface."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            headers={"Authorization": f"token {self._token}"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def _environment(self) -> dict[str, str]:
        home = self.home
        kept: dict[str, str] = {
            name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PINGTOKEN"))
        }
        return (
            kept
            | dict(self._given)
            | {
                "HOME": str(home / "user"),
                "JUPYTER_CONFIG_DIR": str(home / "config"),
                "JUPYTER_DATA_DIR": str(home / "data"),
                "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
                "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
                "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
                "IPYTHONDIR": str(home / "ipython"),
                "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
                "PYTHONWARNINGS": "default",
                "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            }
        )

    def _wait(self) -> None:
        assert self._process is not None
        until = time.monotonic() + 90
        while True:
            try:
                self.request("GET", "/api/status")
                return
            except (urllib.error.URLError, ConnectionError):
                if time.monotonic() > until or self._process.poll() is not None:
                    said = self._log.read_text(encoding="utf-8", errors="replace")[-3000:]
                    self.stop()
                    raise RuntimeError(f"JupyterLab did not start: {said}") from None
                time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
