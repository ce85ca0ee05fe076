"""Parts of the package that need more than its core."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from .failure import CommandError

__all__ = ["require_sandbox"]

_NEEDED: Final = ("starlette", "uvicorn")


def require_sandbox(command: str) -> None:
    """Raises :class:`CommandError` where the packages of the ``sandbox`` extra are missing."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise CommandError(
            f"{command} needs {' and '.join(missing)}, which the core of the package does not",
            hint='pip install "pingtoken_sdk[sandbox]"',
        )
