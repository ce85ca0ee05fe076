"""Files that are downloaded: whole or not at all, with the key to nobody but the platform."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from pingtoken_sdk import errors
from pingtoken_sdk.resources.exports import _Patience

from ..surface.byteserver import ByteServer, Peer, Script, answer, chunked, head
from ..surface.doors import Door

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30)]
FILE = b"id,cost\r\n" + b"call_1,0.25\r\n" * 60_000
SUM = hashlib.sha256(FILE).hexdigest()


class Place:
    """A platform whose exports are ready, and what its files are answered with."""

    def __init__(self, link: str, file: Script, **export: Any) -> None:
        self.link, self.file = link, file
        self.export: dict[str, Any] = {
            "id": "exp_1",
            "status": "ready",
            "sha256": SUM,
            "bytes": len(FILE),
            **export,
        }

    def __call__(self, peer: Peer) -> None:
        if "/exports/" in peer.request.line:
            answer({**self.export, "download_url": self.link})(peer)
        else:
            self.file(peer)


def raw(body: bytes, **headers: str) -> Script:
    return answer(body, kind="text/csv", headers=headers)


async def test_a_file(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer], tmp_path: Path
) -> None:
    server = serve(Place("/files/1?signature=s", raw(FILE)))
    opened = door(server, dialect="pingtoken", api_key="pt-key")
    path = tmp_path / "calls.csv"
    assert await opened.do(opened.client.exports.download, "exp_1", str(path)) == path
    assert path.read_bytes() == FILE
    assert os.listdir(tmp_path) == ["calls.csv"]
    asked = server.requests[-1]
    assert asked.line.startswith("GET /files/1?signature=s ")
    assert asked.headers["authorization"] == "Bearer pt-key"  # the platform's own host
    assert asked.headers["accept-encoding"] == "identity"


async def test_the_key_goes_to_no_other_host(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer], tmp_path: Path
) -> None:
    store = serve(raw(FILE))
    platform = serve(Place(f"http://127.0.0.1:{store.port}/bucket/1", raw(b"")))
    opened = door(platform, dialect="pingtoken")
    await opened.do(opened.client.exports.download, "exp_1", tmp_path / "f")
    assert "authorization" not in store.requests[0].headers
    # Neither by way of a redirect.
    moved = serve(
        Place("/files/1", lambda peer: peer.send(head(302, {"location": store.url, "content-length": "0"})))
    )
    opened = door(moved, dialect="pingtoken")
    await opened.do(opened.client.exports.download, "exp_1", tmp_path / "g")
    assert moved.requests[-1].headers["authorization"]
    assert "authorization" not in store.requests[-1].headers
    assert (tmp_path / "g").read_bytes() == FILE


def cut(peer: Peer) -> None:
    peer.send(head(200, {"content-length": str(len(FILE))}) + FILE[:200_000])
    peer.cut()


def cut_pieces(peer: Peer) -> None:
    peer.send(head(200, {"transfer-encoding": "chunked"}) + chunked(FILE[:300_000]))
    peer.reset()


def round_and_round(peer: Peer) -> None:
    peer.send(head(302, {"location": "/files/1", "content-length": "0"}))


WRONG: dict[str, tuple[Script, type[errors.APIError], str]] = {
    "cut": (cut, errors.APIConnectionError, "did not come whole"),
    "cut in pieces": (cut_pieces, errors.APIConnectionError, "did not come whole"),
    "another file": (raw(FILE.replace(b"0.25", b"0.26")), errors.APIResponseValidationError, "SHA-256"),
    "a longer one": (raw(FILE + b"x"), errors.APIResponseValidationError, "bytes"),
    "an empty one": (raw(b""), errors.APIResponseValidationError, "0 bytes"),
    "over": (answer({"error": {"message": "gone"}}, 404), errors.NotFoundError, "404"),
    "forbidden": (answer("<html>", 403, "text/html"), errors.PermissionDeniedError, "403"),
    "failing": (answer("", 500), errors.InternalServerError, "500"),
    "a circle": (round_and_round, errors.APIResponseValidationError, "one page to the next"),
    "an odd encoding": (raw(FILE, **{"content-encoding": "br"}), errors.APIResponseValidationError, "br"),
    "no gzip": (raw(FILE, **{"content-encoding": "gzip"}), errors.APIResponseValidationError, "unpack"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
async def test_whole_or_not_at_all(
    name: str, door: Callable[..., Door], serve: Callable[[Script], ByteServer], tmp_path: Path
) -> None:
    script, kind, told = WRONG[name]
    opened = door(serve(Place("/files/1", script)), dialect="pingtoken")
    path = tmp_path / "calls.csv"
    path.write_bytes(b"before")
    with pytest.raises(kind, match=told):
        await opened.do(opened.client.exports.download, "exp_1", path)
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["calls.csv"]


@pytest.mark.parametrize(
    "link", ["ftp://h/f", "file:///etc/passwd", "http://user:pw@h/f", "http://[", "http://"]
)
async def test_links_that_are_not_followed(
    link: str, door: Callable[..., Door], serve: Callable[[Script], ByteServer], tmp_path: Path
) -> None:
    opened = door(serve(Place(link, raw(FILE))), dialect="pingtoken")
    with pytest.raises(errors.APIResponseValidationError, match="link to the file"):
        await opened.do(opened.client.exports.download, "exp_1", tmp_path / "f")
    assert os.listdir(tmp_path) == []


def test_https_does_not_become_http() -> None:
    from pingtoken_sdk import PingToken
    from pingtoken_sdk.resources.download import first_link
    from pingtoken_sdk.types.records import Export

    client = PingToken(api_key="k", base_url="https://platform.example/api/v1")
    options = client._session.options
    good = first_link(options, Export(id="e", download_url="https://store.example/f?sig=SIGNATURE"))
    assert good.request().authorization is None
    assert "SIGNATURE" not in repr(good)
    assert first_link(options, Export(id="e", download_url="/files/1")).request().authorization is not None
    for link in ("http://platform.example/f", "http://store.example/f"):
        with pytest.raises(errors.APIResponseValidationError):
            first_link(options, Export(id="e", download_url=link))
    with pytest.raises(errors.APIResponseValidationError, match="no link"):
        first_link(options, Export(id="e"))
    client.close()


@pytest.mark.parametrize(("status", "code"), [("failed", "export_failed"), ("expired", "export_expired")])
async def test_an_export_that_will_never_be(
    status: str, code: str, door: Callable[..., Door], serve: Callable[[Script], ByteServer], tmp_path: Path
) -> None:
    opened = door(serve(Place("/files/1", raw(FILE), status=status)), dialect="pingtoken")
    for question in (
        lambda: opened.client.exports.wait("exp_1"),
        lambda: opened.client.exports.download("exp_1", tmp_path / "f"),
    ):
        with pytest.raises(errors.APIError) as caught:
            await opened.do(question)
        assert caught.value.code == code
        assert caught.value.hint


async def test_waiting_ends(door: Callable[..., Door], serve: Callable[[Script], ByteServer]) -> None:
    server = serve(Place("/files/1", raw(FILE), status="running"))
    opened = door(server, dialect="pingtoken", timeout=1.2)
    with pytest.raises(errors.APITimeoutError, match="not ready"):
        await opened.do(opened.client.exports.wait, "exp_1")
    assert 2 <= len(server.requests) <= 6


def test_questions_become_rarer(monkeypatch: pytest.MonkeyPatch) -> None:
    from pingtoken_sdk import PingToken
    from pingtoken_sdk.resources import exports

    class Clock:
        now = 0.0

        def monotonic(self) -> float:
            return self.now

    clock = Clock()
    monkeypatch.setattr(exports, "time", clock)
    client = PingToken(api_key="k", timeout=60)
    patience = _Patience(client)
    pauses = []
    while clock.now + 5 < 60:
        at = patience.next()
        pauses.append(at - clock.now)
        clock.now = at
    with pytest.raises(errors.APITimeoutError):
        patience.next()
    assert pauses[0] == pytest.approx(0.2)
    assert pauses == sorted(pauses)
    assert max(pauses) == pytest.approx(5.0)
    client.close()


@pytest.mark.parametrize("way", ["asyncio", "trio"])
async def test_a_download_that_is_cancelled_leaves_nothing(
    way: str, door: Callable[..., Door], serve: Callable[[Script], ByteServer], tmp_path: Path
) -> None:
    def stall(peer: Peer) -> None:
        peer.send(head(200, {"content-length": str(len(FILE))}) + FILE[:300_000])
        peer.wait_gone()

    server = serve(Place("/files/1", stall))
    opened = door(server, dialect="pingtoken")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(opened.do, opened.client.exports.download, "exp_1", tmp_path / "f")
        with anyio.fail_after(10):
            while not _sizes(tmp_path):  # noqa: ASYNC110 - another thread's doing
                await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    assert os.listdir(tmp_path) == []


def _sizes(folder: Path) -> int:
    return sum((folder / name).stat().st_size for name in os.listdir(folder))
