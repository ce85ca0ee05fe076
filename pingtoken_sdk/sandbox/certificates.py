"""A certificate for loopback under an authority made for this run alone."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

__all__ = ["throwaway_authority"]


def throwaway_authority(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """The servers' TLS context, and the file in ``folder`` that holds the authority for clients to trust. The
    authority's own key is never written."""
    authority = trustme.CA(organization_name="PingToken sandbox", organization_unit_name="throwaway")
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context, ca_file
