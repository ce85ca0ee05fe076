"""How long one wait for a lock, condition or event may take."""

from __future__ import annotations

import sys
import threading
from typing import Final

__all__ = ["SLICE"]

SLICE: Final = 0.5 if sys.platform == "win32" else threading.TIMEOUT_MAX
"""Seconds. Ctrl-C does not interrupt a wait for a lock on Windows, so waits are cut into slices there."""
