"""The pool by itself, and the words for errors."""

from __future__ import annotations

import errno
import select
import socket
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk.wire.pool import Idle, quiet
from pingtoken_sdk.wire.sockets import configure, connect_fault


class Pretended:
    def __init__(self) -> None:
        self.good = True
        self.dropped = 0

    def is_quiet(self) -> bool:
        return self.good

    def drop(self) -> None:
        self.dropped += 1


@given(st.lists(st.tuples(st.sampled_from(["give", "take", "spoil", "forget", "prune"]), st.floats(0, 30))))
def test_what_is_given_is_taken_or_dropped_exactly_once(moves: list[tuple[str, float]]) -> None:
    idle: Idle[Pretended] = Idle(expiry=55.0, limit=3)
    held: list[tuple[Pretended, float]] = []  # the newest last
    gone: list[Pretended] = []
    now = 0.0
    for move, after in moves:
        now += after
        if move == "give":
            held.append((Pretended(), now))
            idle.give(held[-1][0], now)
            if len(held) > 3:
                gone.append(held.pop(0)[0])
        elif move == "take":
            expected = None
            while held and expected is None:
                connection, since = held.pop()
                if connection.good and now - since < 55.0:
                    expected = connection
                else:
                    gone.append(connection)
            assert idle.take(now) is expected
        elif move == "spoil" and held:
            held[-1][0].good = False
        elif move == "forget" and held:
            idle.forget(held.pop(0)[0])
        elif move == "prune":
            while held and now - held[0][1] >= 55.0:
                gone.append(held.pop(0)[0])
            assert idle.prune(now) == (held[0][1] + 55.0 if held else None)
        assert len(idle) == len(held)
        assert all(connection.dropped == 1 for connection in gone)
        assert all(connection.dropped == 0 for connection, _ in held)
    assert idle.drain() == [connection for connection, _ in held]
    assert len(idle) == 0


@pytest.mark.parametrize("poll", [True, False])
def test_quiet(poll: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not poll:
        monkeypatch.delattr(select, "poll", raising=False)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert quiet(ours.fileno())
        theirs.send(b"x")
        assert not quiet(ours.fileno())
        assert ours.recv(1) == b"x"
        assert quiet(ours.fileno())
        theirs.close()
        assert not quiet(ours.fileno())
    assert not quiet(ours.fileno())


class Stubborn:
    """A loop's stand-in for a socket that knows no options."""

    def setsockopt(self, level: int, optname: int, value: int, /) -> None:
        raise NotImplementedError


def test_options_are_set_where_they_exist() -> None:
    with socket.socket() as sock:
        configure(sock)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    configure(Stubborn())


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ECONNREFUSED, "x"), "refused"),
        (OSError(errno.ENETUNREACH, "x"), "refused"),
        (OSError("Multiple exceptions: canary"), "refused"),
        (OSError(errno.EACCES, "canary"), "refused"),
        (OSError(errno.EMFILE, "canary"), "local"),
        (OSError(errno.ETIMEDOUT, "canary"), "connect_timeout"),
        (TimeoutError(), "connect_timeout"),
        (OSError(errno.ECONNRESET, "canary"), "reset"),
        (socket.gaierror(socket.EAI_NONAME, "canary"), "resolve"),
        (UnicodeError("canary"), "resolve"),
        (ssl.SSLError("the peer chose another protocol"), "tls"),
        (ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "canary"), "tls"),
    ],
)
def test_words_for_errors(error: Exception, kind: str) -> None:
    found, words = connect_fault(error, 5.0)
    assert found == kind
    assert words
    assert "canary" not in words
