"""The import graph of the package is the one of the design: one way, from the ground up."""

from __future__ import annotations

from pathlib import Path

import pytest

import pingtoken_sdk

from .import_rules import FLOORS, NARROWER, violations

HOUSE = Path(pingtoken_sdk.__file__).parent


def test_nothing_imports_upward_or_what_its_room_may_not() -> None:
    assert violations(HOUSE) == []


def test_every_module_stands_in_a_room() -> None:
    rooms = {name for floor in FLOORS for name in floor} | set(NARROWER)
    beside = {"__init__", "__main__", "testing", "testing_fixtures", "__pycache__", "py"}
    found = {path.name.split(".")[0] for path in HOUSE.iterdir()}
    assert found - rooms - beside == set()


BREACHES = {
    "upward": ("routing/x.py", "from ..flow import call", "routing may not import flow"),
    "upward, absolute": ("types/x.py", "import pingtoken_sdk.client", "types may not import client"),
    "upward, late": ("wire/x.py", "def f():\n    from ..session import Session", "wire may not import session"),
    "the door of displays, early": ("types/display.py", "from ..notebook.formatters import mimebundle",
                                    "types may not import notebook"),
    "the door of displays, elsewhere": ("types/base.py", "def f():\n    from ..notebook.formatters import mimebundle",
                                        "types may not import notebook"),
    "upward for types": ("flow/x.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..client import P",
                         "flow may not import client"),
    "the top": ("cost/x.py", "from .. import PingToken", "cost may not import pingtoken_sdk"),
    "a module of the top": ("cost/x.py", "from .. import client", "cost may not import client"),
    "a neighbour": ("routing/x.py", "from ..cost import prices", "routing may not import cost"),
    "sandbox and prices": ("sandbox/x.py", "from ..cost import prices", "sandbox may not import cost"),
    "sandbox and client": ("sandbox/api/x.py", "from ...client import PingToken", "sandbox may not import client"),
    "ledger and flow": ("ledger.py", "from .flow import call", "ledger may not import flow"),
    "client at run time": ("resources/x.py", "from ..client import PingToken", "resources may not import client"),
    "a room that is none": ("helpers/x.py", "from ..types import base", "helpers is no room of the house"),
    "a clock": ("routing/x.py", "from time import monotonic", "time in a pure room"),
    "a clock by datetime": ("cost/x.py", "from datetime import datetime\nNOW = datetime.now", "reads a clock"),
    "chance": ("routing/x.py", "import random", "random in a pure room"),
    "a lock elsewhere": ("routing/x.py", "from threading import Lock", "threading in a pure room"),
    "more than a lock": ("routing/shared.py", "from threading import Lock, Thread", "threading in a pure room"),
    "asyncio": ("flow/x.py", "def f():\n    import asyncio", "asyncio in a pure room"),
    "the environment": ("cost/x.py", "import os\nX = os.environ", "os.environ in a pure room"),
    "httpx in the flow": ("flow/x.py", "import httpx", "httpx in a pure room"),
    "httpx in the client": ("client.py", "import httpx", "httpx may not be used here"),
    "httpx2 in the other door": ("transports/httpx.py", "import httpx2", "httpx2 may not be used here"),
    "httpx in the other door": ("transports/httpx2.py", "import httpx", "httpx may not be used here"),
    "tiktoken at import": ("cost/vocabulary.py", "import tiktoken", "inside a function only"),
    "a stranger": ("wire/x.py", "import aiohttp", "aiohttp is no dependency"),
    "an extra in the core": ("client.py", "def f():\n    import rich", "rich may not be used here"),
}  # fmt: skip


@pytest.mark.parametrize("breach", BREACHES)
def test_the_check_sees_a_breach(breach: str, tmp_path: Path) -> None:
    name, source, wanted = BREACHES[breach]
    _build(
        tmp_path,
        {"client.py": "", "cost/prices.py": "", "flow/call.py": "", "types/base.py": "", name: source},
    )
    found = violations(tmp_path)
    where = name.removesuffix(".py").replace("/", ".")
    assert any(wanted in line for line in found), found
    assert all(line.startswith(f"{where}:") for line in found), found


def test_the_check_lets_the_house_be(tmp_path: Path) -> None:
    _build(
        tmp_path,
        {
            "__init__.py": "from . import client",
            "routing/shared.py": "from threading import Lock\nfrom ..types import base",
            "cost/vocabulary.py": "import threading\nA = threading.Lock()\ndef f():\n    import tiktoken",
            "resources/x.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..client import PingToken",
            "sandbox/x.py": "import starlette\nfrom ..cost.vocabulary import load",
            "sandbox/y.py": "from ..cost import vocabulary",
            "client.py": "from datetime import datetime\nNOW = datetime.now\nfrom .wire import drive",
            "wire/drive.py": "import anyio",
            "types/base.py": "import pydantic",
            "types/display.py": "def f():\n    from ..notebook.formatters import mimebundle",
            "notebook/formatters.py": "from ..client import PingToken",
            "transports/httpx.py": "import httpx\nfrom ..session import Session",
        },
    )
    assert violations(tmp_path) == []


def _build(root: Path, files: dict[str, str]) -> None:
    for name, source in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
