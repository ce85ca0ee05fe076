"""The language that this machine is set to."""

from __future__ import annotations

import locale
import os

__all__ = ["machine_locale"]


def machine_locale() -> str | None:
    """Such as ``"zh_CN.UTF-8"``: by the environment, and where that says nothing by the system."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(name):
            return os.environ[name]
    try:
        return locale.getlocale()[0]
    except ValueError:  # one that Python cannot name
        return None
