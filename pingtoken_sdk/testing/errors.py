"""What goes wrong with the sandbox."""

from __future__ import annotations

__all__ = ["SandboxError"]


class SandboxError(RuntimeError):
    """The sandbox did not start, or its admin refused a request; the message says what."""
