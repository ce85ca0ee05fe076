"""Parts of the package that need more than its core."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Final

from .failure import CommandError

__all__ = ["require_lab", "require_sandbox"]

_SANDBOX: Final = ("starlette", "uvicorn")
_LAB: Final = ("ipywidgets", "jupyterlab")


def require_sandbox(command: str) -> None:
    """Raises :class:`CommandError` where the packages of the ``sandbox`` extra are missing."""
    _require(command, _SANDBOX, 'pip install "pingtoken_sdk[sandbox]"')


def require_lab(command: str) -> None:
    """Raises :class:`CommandError` where what the ``lab`` extra brings is missing."""
    _require(command, _LAB, 'pip install "pingtoken_sdk[lab]"')


def _require(command: str, needed: Iterable[str], hint: str) -> None:
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise CommandError(
            f"{command} needs {' and '.join(missing)}, which the core of the package does not", hint=hint
        )
