"""``pingtoken lab``: JupyterLab opens on the dashboard, and nothing of it is left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pingtoken_sdk.cli import main
from pingtoken_sdk.testing import SandboxAccount

from .conftest import Run, clean_environment


@contextmanager
def lab(
    home: Path, *arguments: str, **variables: str
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """``pingtoken lab`` in a home without settings, and its ready line. Jupyter refuses to run as root unasked."""
    command = [sys.executable, "-m", "pingtoken_sdk", "lab", "--no-browser", "--json", *arguments]
    folders = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA")}
    environment = clean_environment(HOME=str(home), TMPDIR=str(home), **folders, **variables)
    with subprocess.Popen(
        [*command, "--", "--allow-root", "--LabApp.news_url="],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            yield process, json.loads(line)
        finally:
            process.send_signal(signal.SIGTERM)  # the test has ended it, unless it failed
            process.wait(30)


def request(url: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """A request to JupyterLab's own interface."""
    place = urlsplit(url)
    token = parse_qs(place.query)["token"][0]
    asked = urllib.request.Request(
        f"{place.scheme}://{place.netloc}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"token {token}"},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=20) as answer:
        return json.loads(answer.read())


def still_running(folder: Path) -> list[bytes]:
    """Processes that were started on something in ``folder``: servers name the notebook, kernels their own file."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if bytes(folder) in words:
            found.append(words)
    return found


def test_ctrl_c_ends_the_server_its_kernels_and_the_sandbox(tmp_path: Path) -> None:
    with lab(tmp_path, "--sandbox") as (process, ready):
        assert Path(ready["notebook"]).name == "pingtoken.ipynb"
        book = request(ready["url"], "/api/contents/pingtoken.ipynb")["content"]
        assert "dashboard(client)" in book["cells"][1]["source"]
        kernel = {"name": "python3"}
        started = request(
            ready["url"],
            "/api/sessions",
            {"path": "pingtoken.ipynb", "type": "notebook", "name": "", "kernel": kernel},
        )
        assert started["kernel"]["id"]
        assert len(still_running(tmp_path)) == 2
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 130
        assert process.stderr is not None
        assert process.stderr.read() == "pingtoken: interrupted\n"
    assert still_running(tmp_path) == []
    assert list(tmp_path.glob("pingtoken-lab-*")) == []
    with pytest.raises(OSError, match="refused"):
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            ready["sandbox"]["base_url"], timeout=5
        )


def test_the_configured_account_in_a_notebook_that_is_kept(tmp_path: Path, account: SandboxAccount) -> None:
    key = tmp_path / "key.txt"
    key.write_text(account.api_key, encoding="utf-8")
    notebook = tmp_path / "mine.ipynb"
    arguments = (
        "--key-file",
        str(key),
        "--base-url",
        account.base_url,
        "--notebook",
        str(notebook),
        "--lang",
        "zh",
    )
    with lab(tmp_path, *arguments) as (process, ready):
        assert ready["sandbox"] is None
        assert urlsplit(ready["url"]).path == "/lab/tree/mine.ipynb"
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 128 + signal.SIGTERM
    assert still_running(tmp_path) == []
    text = notebook.read_text(encoding="utf-8")
    assert "dashboard(client, lang='zh')" in text
    assert account.api_key not in text + json.dumps(ready)


def test_without_its_packages_it_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pingtoken_sdk.cli.extras.find_spec", lambda name: None)
    assert main(["lab", "--sandbox"]) == 1
    said = capsys.readouterr().err
    assert "needs ipywidgets and jupyterlab" in said
    assert 'pip install "pingtoken_sdk[lab]"' in said


def test_without_an_account_it_is_misuse(run_here: Run) -> None:
    ran = run_here("lab", "--no-browser")
    assert ran.code == 2
    assert "there is no API key" in ran.err


def test_a_notebook_that_cannot_be_made(run_here: Run, at_home: dict[str, str], tmp_path: Path) -> None:
    ran = run_here("lab", "--no-browser", "--notebook", str(tmp_path / "no" / "such.ipynb"), env=at_home)
    assert ran.code == 2
    assert "such.ipynb cannot be made" in ran.err


def test_a_server_that_does_not_start_says_why(run: Run, at_home: dict[str, str], tmp_path: Path) -> None:
    words = ("--", "--ServerApp.port=no-port")
    ran = run("lab", "--no-browser", *words, env={**at_home, "HOME": str(tmp_path)})
    assert ran.code == 1
    assert ran.err.startswith("pingtoken: JupyterLab did not start: ")
    assert len(ran.err.splitlines()) == 2
