from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pingtoken_sdk
from pingtoken_sdk.cost import vocabulary
from pingtoken_sdk.cost.packing import unpack

PACKAGE = Path(pingtoken_sdk.__file__).parent
PACKER = Path(__file__).resolve().parents[1] / "campaigns" / "pack_vocabularies.py"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def test_data_are_read_from_a_zip(tmp_path: Path) -> None:
    archive = tmp_path / "package.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for file in PACKAGE.rglob("*"):
            inner = file.relative_to(PACKAGE)
            if file.is_file() and "__pycache__" not in inner.parts and inner.parts[0] in ("cost", "types"):
                zipped.write(file, Path("pingtoken_sdk") / inner)
        zipped.writestr("pingtoken_sdk/__init__.py", "")
    code = (
        f"import sys; sys.path.insert(0, {str(archive)!r});"
        "import pingtoken_sdk.cost as c; from pingtoken_sdk.cost.vocabulary import load;"
        "print('package.zip' in c.__file__, load('cl100k_base').count('hello world'), len(c.Catalogue().models()))"
    )
    answer = run("-c", code)
    assert answer.stdout.split() == ["True", "2", "114"], answer.stderr


def test_the_data_stay_small() -> None:
    assert sum(file.stat().st_size for file in (PACKAGE / "cost" / "data").iterdir()) < 3_500_000


def test_the_packer_rebuilds_what_is_shipped(tmp_path: Path, ranks_of: Callable[[str], bytes]) -> None:
    source = tmp_path / "cl100k_base.tiktoken"
    source.write_bytes(ranks_of("cl100k_base"))
    answer = run(str(PACKER), str(source), "--to", str(tmp_path))
    assert answer.returncode == 0, answer.stderr
    # Not byte by byte: another zlib may compress the same content otherwise.
    shipped = (PACKAGE / "cost" / "data" / "cl100k_base.vocab").read_bytes()
    assert unpack((tmp_path / "cl100k_base.vocab").read_bytes()) == unpack(shipped)


def test_the_packer_refuses_other_files(tmp_path: Path, ranks_of: Callable[[str], bytes]) -> None:
    changed = tmp_path / "cl100k_base.tiktoken"
    changed.write_bytes(ranks_of("cl100k_base") + b"YWJjZGVmZ2hpamts 100256\n")
    answer = run(str(PACKER), str(changed), "--to", str(tmp_path))
    assert answer.returncode == 1
    assert "is not the manifest's" in answer.stderr
    stranger = tmp_path / "gpt9.tiktoken"
    stranger.write_bytes(b"YQ== 0\n")
    assert "no vocabulary named 'gpt9'" in run(str(PACKER), str(stranger), "--to", str(tmp_path)).stderr
    assert not (tmp_path / "cl100k_base.vocab").exists()


def test_a_system_without_fork_loads_too() -> None:
    code = (
        "import os; [os.__dict__.pop(name, None) for name in ('fork', 'register_at_fork')];"
        "from pingtoken_sdk.cost.vocabulary import load; print(load('cl100k_base').count('hello world'))"
    )
    answer = run("-c", code)
    assert answer.stdout.strip() == "2", answer.stderr


def test_a_forked_child_gets_a_lock_of_its_own() -> None:
    held = vocabulary._loading
    with held:
        vocabulary._renew_lock()
        assert vocabulary._loading is not held
        assert not vocabulary._loading.locked()
