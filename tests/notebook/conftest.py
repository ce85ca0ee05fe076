"""What the tests of the widgets share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import IPython
import ipywidgets
import pytest

from .fakes import FakeClient


class Kernel:
    """A kernel's shell, as far as a panel sees it: ``outputs`` are what the cells hold by now."""

    def __init__(self) -> None:
        self.kernel = object()
        self.display_pub = self
        self.cell = "cell-1"
        self.execution = 1
        self.outputs: list[dict[str, Any]] = []
        self.updates = 0
        self._places: dict[str, int] = {}

    def get_parent(self) -> dict[str, Any]:
        return {"metadata": {"cellId": self.cell}, "header": {"msg_id": f"run-{self.execution}"}}

    def publish(
        self, data: dict[str, Any], metadata: Any = None, *, transient: Any = None, update: bool = False
    ) -> None:
        name: str = (transient or {}).get("display_id", "")
        if update:
            self.updates += 1
            self.outputs[self._places[name]] = data
            return
        if name:
            self._places[name] = len(self.outputs)
        self.outputs.append(data)

    def text(self) -> str:
        return "\n".join(str(output) for output in self.outputs)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """IPython believes that it runs in a kernel."""
    shell = Kernel()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    return shell


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def clean() -> Iterator[SimpleNamespace]:
    """Neither widgets nor threads are left behind."""
    widgets = set(ipywidgets.widgets.widget._instances)
    threads = _portals()
    yield SimpleNamespace(widgets=lambda: set(ipywidgets.widgets.widget._instances) - widgets)
    assert set(ipywidgets.widgets.widget._instances) == widgets
    assert _portals() == threads


def _portals() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "pingtoken-notebook"}
