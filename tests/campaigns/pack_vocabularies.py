"""Rebuild the packed vocabularies of ``pingtoken_sdk/cost/data`` from published ``.tiktoken`` rank files.

    python tests/campaigns/pack_vocabularies.py o200k_base.tiktoken qwen.tiktoken ...

Each file is named after its vocabulary. It is refused unless its SHA-256 is the one that the manifest names,
so a new release of a vocabulary is a deliberate edit of the manifest first. Nothing is downloaded.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

from pingtoken_sdk.cost.packing import pack, parse_ranks, render_ranks, unpack

DATA = Path(__file__).resolve().parents[2] / "pingtoken_sdk" / "cost" / "data"


def rebuild(source: Path, manifest: dict[str, dict[str, object]], target: Path) -> str:
    """Pack one rank file and say what was done. Raises ``SystemExit`` if it is not the known one."""
    name = source.name.removesuffix(".tiktoken")
    known = manifest.get(name)
    if known is None:
        raise SystemExit(f"{source}: no vocabulary named {name!r}; there are {', '.join(sorted(manifest))}")
    text = source.read_bytes()
    digest = hashlib.sha256(text).hexdigest()
    if digest != known["sha256"]:
        raise SystemExit(f"{source}: SHA-256 {digest} is not the manifest's {known['sha256']}")
    tokens = parse_ranks(text)
    packed = pack(tokens)
    if render_ranks(unpack(packed)) != text:
        raise SystemExit(f"{source}: packing is not reversible")
    (target / f"{name}.vocab").write_bytes(packed)
    return f"{name}: {len(tokens)} tokens, {len(text)} -> {len(packed)} bytes"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="+", type=Path, help="rank files, each named <vocabulary>.tiktoken")
    parser.add_argument(
        "--to", type=Path, default=DATA, help="where the packed files go (default: the package)"
    )
    chosen = parser.parse_args(arguments)
    manifest = json.loads((DATA / "vocabularies.json").read_text(encoding="utf-8"))
    for file in chosen.files:
        print(rebuild(file, manifest, chosen.to))


if __name__ == "__main__":
    main(sys.argv[1:])
