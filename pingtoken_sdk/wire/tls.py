"""TLS contexts: made when first needed, then shared by every connection of the process.

A context with the system's authorities costs about 16 ms of CPU and 650 KiB, so one per edge or per client
would be felt. They are our own: a context shared with another HTTP client may have its protocols
changed under us.
"""

from __future__ import annotations

import os
import ssl
import threading
from pathlib import Path

from .engine import WireOptions

__all__ = ["context_for", "describe", "speaks_http11"]

_contexts: dict[tuple[str | None, bool, str | None, str | None], ssl.SSLContext] = {}
_making = threading.Lock()


def context_for(options: WireOptions) -> ssl.SSLContext:
    """The context of these options, made at its first use.

    ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` are honoured. Without them the system's store is used, and where
    the system has none (some builds of Python for macOS, bare containers), the one of ``certifi``. Raises
    :class:`OSError` (:class:`ssl.SSLError` is one) if the file of authorities cannot be used.
    """
    if isinstance(options.verify, ssl.SSLContext):
        return options.verify
    environ = os.environ
    key = (options.ca_file, options.verify, environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR"))
    context = _contexts.get(key)
    if context is None:
        with _making:
            context = _contexts.get(key)
            if context is None:
                context = _contexts[key] = _make(options.ca_file, verify=options.verify)
    return context


def _make(ca_file: str | None, *, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    context.set_alpn_protocols(["http/1.1"])
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca_file is None and not _has_authorities(context):
        import certifi  # httpx depends on it

        context.load_verify_locations(certifi.where())
    return context


def _has_authorities(context: ssl.SSLContext) -> bool:
    if context.cert_store_stats()["x509_ca"]:
        return True
    directory = ssl.get_default_verify_paths().capath  # its certificates are loaded one by one when needed
    return bool(directory) and any(Path(directory).iterdir())


def speaks_http11(connection: ssl.SSLObject | ssl.SSLSocket) -> bool:
    """Whether the peer agreed to HTTP/1.1, or named no protocol at all, which means the same."""
    return connection.selected_alpn_protocol() in (None, "http/1.1")


def describe(error: ssl.SSLError) -> str:
    """What went wrong in a handshake, in words for people. Names no content."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate was not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLEOFError):
        return "the connection was closed during the TLS handshake"
    reason = (error.reason or "TLS failed").replace("_", " ").lower()
    return f"the TLS handshake failed: {reason}"


def after_fork() -> None:
    """In the child of a fork: a new lock, since another thread may have held the old one."""
    global _making
    _making = threading.Lock()


if hasattr(os, "register_at_fork"):  # absent on Windows, where nothing forks
    os.register_at_fork(after_in_child=after_fork)
