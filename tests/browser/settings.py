"""What a kernel needs to be a client of an account: no key stands in a notebook."""

from __future__ import annotations

from pingtoken_sdk.testing import SandboxAccount


def kernel_environment(account: SandboxAccount) -> dict[str, str]:
    """The environment of a kernel."""
    edges = ",".join(f"{name}={url}" for name, url in zip(account.edge_names, account.edges, strict=True))
    return {
        "PINGTOKEN_API_KEY": account.api_key,
        "PINGTOKEN_BASE_URL": account.base_url,
        "PINGTOKEN_EDGES": edges,
    }
