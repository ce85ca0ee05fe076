"""A stand-in for a New API gateway, over real sockets, with the traps that its documents and sources tell of.

Among them: failures as HTTP 200 with ``success: false`` and a message in the user's language; pages counted from 1, the
latest row first, so that rows that arrive move the others; numbers of log rows that are places on a page; a made key
that is not told; a change that writes the whole key, and zeros for what it leaves out; sums by the hour for thirty
days at most; 20 requests in 20 minutes; 429 without a body.
"""

from __future__ import annotations

import atexit
import json
import socket
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

__all__ = ["ACCESS", "EPOCH", "KEY", "USER", "NewAPIServer", "Seen"]

EPOCH: Final = 1_793_500_200
"""The time at which its clock stands still: 2026-11-01 02:30:00 UTC."""
USER: Final = 7
ACCESS: Final = "0123456789abcdef0123456789abcdef"
KEY: Final = "sk-aBcDeFgHiJkLmNoPqRsTuVwX"
_WORDS: Final = {"zh": "无效的参数", "en": "invalid parameter"}

Row = dict[str, Any]


class _Host:
    """The one server of this process, started when it is first needed, and the gateway that stands behind it now: tests
    come one after the other, and starting a server for each would take longer than they do."""

    def __init__(self) -> None:
        self._origin: str | None = None
        self._gateway: NewAPIServer | None = None

    def open(self, gateway: NewAPIServer) -> str:
        """Put a gateway behind it. Returns its origin."""
        assert self._gateway is None, "another gateway is open"
        self._gateway = gateway
        if self._origin is None:
            self._origin = self._start()
        return self._origin

    def close(self, gateway: NewAPIServer) -> None:
        """Take it away again."""
        assert self._gateway is gateway
        self._gateway = None

    def _start(self) -> str:
        # With its protocol named, or asyncio would not switch off Nagle's algorithm, which costs 40 ms an answer.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        route = Route("/{path:path}", self._answer, methods=["GET", "POST", "PUT", "DELETE"])
        server = uvicorn.Server(
            uvicorn.Config(
                Starlette(routes=[route]), http="h11", ws="none", loop="asyncio", lifespan="off", log_config=None,
                timeout_graceful_shutdown=1,
            )
        )  # fmt: skip
        # It listens already: a request that comes before the loop runs waits in the queue.
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()

        def stop() -> None:
            server.should_exit = True
            thread.join(15)
            listener.close()

        atexit.register(stop)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    async def _answer(self, request: Request) -> Response:
        raw = await request.body()
        query, headers = dict(request.query_params), dict(request.headers)
        seen = Seen(request.method, request.url.path, query, headers, json.loads(raw) if raw else None)
        return Response("nobody here", 503) if self._gateway is None else self._gateway.answer(seen)


_HOST: Final = _Host()


@dataclass(frozen=True)
class Seen:
    """A request that came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class NewAPIServer:
    """The gateway and what it holds. Tests change its fields while it runs; one is open at a time."""

    now: int = EPOCH
    language: str = "zh"
    options: Row = field(default_factory=dict)
    user: Row = field(default_factory=dict)
    tokens: list[Row] = field(default_factory=list)
    logs: list[Row] = field(default_factory=list)
    topups: list[Row] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)
    pricing: Row = field(default_factory=dict)
    agreements: dict[str, str] = field(default_factory=dict)
    notice: str = ""
    monitors: Any = None
    seen: list[Seen] = field(default_factory=list)
    tells_made_key: bool = False
    knows_request_ids: bool = True
    limits: dict[str, int] = field(default_factory=lambda: {"critical": 20, "api": 180})
    before: Callable[[Seen], Response | None] = lambda seen: None
    """Called with every request; an answer of its own is given in place of the gateway's."""

    def __post_init__(self) -> None:
        self.options = {
            "version": "v0.9.9", "quota_per_unit": 500000.0, "quota_display_type": "USD", "display_in_currency": True,
            "usd_exchange_rate": 7.3, "custom_currency_symbol": "¤", "custom_currency_exchange_rate": 1,
            "enable_data_export": True, "announcements": [], **self.options,
        }  # fmt: skip
        self.user = {
            "id": USER, "username": "wang", "display_name": "Wang", "email": "wang@example.com", "role": 1, "status": 1,
            "group": "default", "quota": 2_500_000, "used_quota": 500_000, "request_count": 3, **self.user,
        }  # fmt: skip
        if not self.tokens:
            self.add_token(name="mine", key=KEY.removeprefix("sk-"))
        self._spent: dict[str, list[int]] = defaultdict(list)
        self.origin = _HOST.open(self)
        self.url = f"{self.origin}/v1"

    def close(self) -> None:
        _HOST.close(self)

    # -- what it holds

    def add_token(self, **told: Any) -> Row:
        number = max((row["id"] for row in self.tokens), default=0) + 1
        row: Row = {
            "id": number, "user_id": USER, "key": f"secret{number:018d}", "status": 1, "name": f"key {number}",
            "created_time": self.now, "accessed_time": self.now, "expired_time": -1, "remain_quota": 0, "used_quota": 0,
            "unlimited_quota": True, "model_limits_enabled": False, "model_limits": "", "allow_ips": None, "group": "",
            "cross_group_retry": False, **told,
        }  # fmt: skip
        self.tokens.append(row)
        return row

    def add_log(self, at: int, **told: Any) -> Row:
        number = len(self.logs) + 1
        row: Row = {
            "id": number, "user_id": USER, "created_at": at, "type": 2, "content": "", "username": "wang",
            "token_name": "mine", "token_id": 1, "model_name": "deepseek-v4-pro", "quota": 500, "prompt_tokens": 100,
            "completion_tokens": 20, "use_time": 2, "is_stream": False, "channel": 3, "group": "default", "ip": "",
            "request_id": f"2026110100{number:06d}abcdEFGH",
            "other": json.dumps({"model_ratio": 1, "cache_tokens": 0, "frt": -1000}),
            **told,
        }  # fmt: skip
        if not row["request_id"]:
            del row["request_id"]
        self.logs.append(row)
        return row

    def asked(self, path: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.path == path]

    # -- the doors

    def answer(self, seen: Seen) -> Response:
        """What it says to a request."""
        self.seen.append(seen)
        own = self.before(seen)
        if own is not None:
            return own
        found = _PAGES.get((seen.method, _shape(seen.path)))
        if found is None:
            return Response("<!doctype html><title>404</title>", 404, media_type="text/html")
        door, critical, page = found
        for kind in ("api", *(("critical",) if critical else ())):
            if seen.path.startswith("/api") and self._is_too_much(kind):
                return Response(status_code=429)
        refused = {"open": _let_in, "key": self._key_door, "user": self._user_door}[door](seen)
        return refused if refused is not None else page(self, seen)

    def _is_too_much(self, kind: str) -> bool:
        window = 1200 if kind == "critical" else 180
        spent = self._spent[kind] = [at for at in self._spent[kind] if at > self.now - window]
        spent.append(self.now)
        return len(spent) > self.limits[kind]

    def _user_door(self, seen: Seen) -> Response | None:
        token = seen.headers.get("authorization", "")
        if not token:
            return self._no("no credential", 401)
        if token.removeprefix("Bearer ") != ACCESS:
            return self._no("bad access token")
        if seen.headers.get("new-api-user") != str(USER):
            return self._no("another user", 401)
        return self._no("banned") if self.user["status"] == 2 else None

    def _key_door(self, seen: Seen) -> Response | None:
        token = self.token_of(seen)
        if token is None:
            return self._no("no such key", 401)
        return self._no("banned", 403) if self.user["status"] == 2 else None

    def token_of(self, seen: Seen) -> Row | None:
        key = seen.headers.get("authorization", "").removeprefix("Bearer ").removeprefix("sk-")
        return next((row for row in self.tokens if row["key"] == key), None)

    def _yes(self, data: Any = None) -> Response:
        return JSONResponse({"success": True, "message": "", "data": data})

    def _no(self, why: str, status: int = 200) -> Response:
        del why  # known to the test's reader; the client is told in words that must not matter
        return JSONResponse({"success": False, "message": _WORDS[self.language]}, status)

    def _page(self, rows: list[Row], seen: Seen, most: int | None = None) -> Response:
        page = max(1, _number(seen.query.get("p")))
        size = min(100, _number(seen.query.get("page_size")) or 10)
        total = len(rows) if most is None else min(most, len(rows))
        items = rows[(page - 1) * size : page * size]
        return self._yes({"page": page, "page_size": size, "total": total, "items": items})

    # -- open pages

    def status_page(self, seen: Seen) -> Response:
        return self._yes(self.options)

    def notice_page(self, seen: Seen) -> Response:
        return self._yes(self.notice)

    def user_agreement(self, seen: Seen) -> Response:
        return self._yes(self.agreements.get("user_agreement", ""))

    def privacy_policy(self, seen: Seen) -> Response:
        return self._yes(self.agreements.get("privacy_policy", ""))

    def uptime(self, seen: Seen) -> Response:
        return self._yes(self.monitors)

    def pricing_page(self, seen: Seen) -> Response:
        return JSONResponse({"success": True, **self.pricing})

    # -- pages of a key

    def token_usage(self, seen: Seen) -> Response:
        row = self.token_of(seen)
        assert row is not None
        data = {
            "object": "token_usage", "name": row["name"], "total_granted": row["remain_quota"] + row["used_quota"],
            "total_used": row["used_quota"], "total_available": row["remain_quota"],
            "unlimited_quota": row["unlimited_quota"], "model_limits_enabled": row["model_limits_enabled"],
            "model_limits": {name: True for name in row["model_limits"].split(",") if name},
            "expires_at": max(0, row["expired_time"]),
        }  # fmt: skip
        return JSONResponse({"code": True, "message": "ok", "data": data})

    def token_log(self, seen: Seen) -> Response:
        row = self.token_of(seen)
        assert row is not None
        own = [log for log in reversed(self.logs) if log["token_id"] == row["id"]]
        return self._yes(_placed(own[:1000], 0))

    # -- pages of the account

    def self_page(self, seen: Seen) -> Response:
        return self._yes(self.user)

    def put_self(self, seen: Seen) -> Response:
        self.user["username"] = seen.body.get("username", "")
        self.user["display_name"] = seen.body.get("display_name", "")
        return self._yes()

    def list_tokens(self, seen: Seen) -> Response:
        rows = sorted(self.tokens, key=lambda row: -row["id"])
        return self._page([_masked(row) for row in rows], seen)

    def get_token(self, seen: Seen) -> Response:
        row = self._token(seen.path.rsplit("/", 1)[-1])
        return self._no("no such key") if row is None else self._yes(_masked(row))

    def key_of_token(self, seen: Seen) -> Response:
        row = self._token(seen.path.split("/")[-2])
        return self._no("no such key") if row is None else self._yes({"key": row["key"]})

    def post_token(self, seen: Seen) -> Response:
        body = _whole(seen.body)
        if len(body["name"].encode()) > 50 or body["remain_quota"] < 0:
            return self._no("a bad field")
        if len(self.tokens) >= 1000:
            return self._no("too many keys")
        row = self.add_token(**body)
        return (
            self._yes(_masked(row)) if self.tells_made_key else JSONResponse({"success": True, "message": ""})
        )

    def put_token(self, seen: Seen) -> Response:
        row = self._token(seen.body.get("id"))
        if row is None:
            return self._no("no such key")
        if seen.query.get("status_only"):
            row["status"] = seen.body["status"]
        else:
            row.update(_whole(seen.body))
        return self._yes(_masked(row))

    def delete_token(self, seen: Seen) -> Response:
        row = self._token(seen.path.rsplit("/", 1)[-1])
        if row is None:
            return self._no("no such key")
        self.tokens.remove(row)
        return JSONResponse({"success": True, "message": ""})

    def _token(self, number: Any) -> Row | None:
        return next((row for row in self.tokens if str(row["id"]) == str(number)), None)

    def self_log(self, seen: Seen) -> Response:
        query = seen.query
        kind, first, last = (
            _number(query.get(name)) for name in ("type", "start_timestamp", "end_timestamp")
        )
        rows = [
            row
            for row in reversed(self.logs)
            if (not kind or row["type"] == kind)
            and (not first or row["created_at"] >= first)
            and (not last or row["created_at"] <= last)
            and (not query.get("model_name") or row["model_name"] == query["model_name"])
            and (
                not self.knows_request_ids
                or not query.get("request_id")
                or row.get("request_id") == query["request_id"]
            )
        ]
        page, size = max(1, _number(query.get("p"))), min(100, _number(query.get("page_size")) or 10)
        begin = (page - 1) * size
        items = _placed(rows[begin : begin + size], begin)
        return self._yes({"page": page, "page_size": size, "total": min(len(rows), 10_000), "items": items})

    def self_data(self, seen: Seen) -> Response:
        first, last = _number(seen.query.get("start_timestamp")), _number(seen.query.get("end_timestamp"))
        if last - first > 2_592_000:
            return self._no("more than a month")
        sums: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        for row in self.logs:
            hour = row["created_at"] - row["created_at"] % 3600
            if row["type"] == 2 and first <= hour <= last and self.options["enable_data_export"]:
                total = sums[hour, row["model_name"]]
                for index, value in enumerate(
                    (1, row["prompt_tokens"] + row["completion_tokens"], row["quota"])
                ):
                    total[index] += value
        return self._yes(
            [
                {
                    "model_name": model,
                    "created_at": hour,
                    "count": count,
                    "token_used": tokens,
                    "quota": quota,
                }
                for (hour, model), (count, tokens, quota) in sums.items()
            ]
        )

    def self_topups(self, seen: Seen) -> Response:
        word = seen.query.get("keyword", "")
        return self._page([row for row in reversed(self.topups) if word in row["trade_no"]], seen)

    def redeem(self, seen: Seen) -> Response:
        quota = self.codes.pop(seen.body.get("key", ""), None)
        if quota is None:
            return self._no("no such code")
        self.user["quota"] += quota
        return self._yes(quota)

    # -- inference

    def completions(self, seen: Seen) -> Response:
        token = self.token_of(seen)
        if token is None or token["status"] != 1:
            return _failure(401, "new_api_error", "")
        model = seen.body["model"]
        if model in FAILURES:
            status, kind, code = FAILURES[model]
            return Response(status_code=status) if kind is None else _failure(status, kind, code)
        return JSONResponse(
            {
                "id": "c-1",
                "model": model,
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": "Hello."},
                        "finish_reason": "stop",
                    }
                ],
                "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
            }
        )


FAILURES: Final[dict[str, tuple[int, str | None, Any]]] = {
    "malformed": (500, "new_api_error", "invalid_request"),
    "words": (500, "new_api_error", "sensitive_words_detected"),
    "unknown": (503, "new_api_error", "model_not_found"),
    "poor": (403, "new_api_error", "insufficient_user_quota"),
    "poor-key": (403, "new_api_error", "pre_consume_token_quota_failed"),
    "address": (403, "new_api_error", "access_denied"),
    "no-channel": (500, "new_api_error", "get_channel_failed"),
    "unpriced": (400, "new_api_error", "model_price_error"),
    "long": (413, "new_api_error", "read_request_body_failed"),
    "provider": (502, "openai_error", "bad_response_status_code"),
    "provider-refused": (422, "openai_error", "bad_response_status_code"),
    "broken-channel": (500, "new_api_error", "channel:invalid_key"),
    "busy": (429, None, None),
    "forbidden": (403, "new_api_error", ""),
}
"""Models that answer with an error: the status, the type and the code."""


def _failure(status: int, kind: str, code: Any) -> Response:
    return JSONResponse(
        {"error": {"message": "(request id: 1)", "type": kind, "param": "", "code": code}}, status
    )


def _let_in(seen: Seen) -> Response | None:
    return None


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def _masked(row: Row) -> Row:
    return {**row, "key": f"{row['key'][:4]}**********{row['key'][-4:]}"}


def _placed(rows: list[Row], begin: int) -> list[Row]:
    """Rows of the log, each numbered by its place."""
    return [{**row, "id": begin + index + 1} for index, row in enumerate(rows)]


def _whole(body: Row) -> Row:
    """A key as it is written: what is left out is zero."""
    zeros: Row = {
        "name": "", "expired_time": 0, "remain_quota": 0, "unlimited_quota": False, "model_limits_enabled": False,
        "model_limits": "", "allow_ips": None, "group": "", "cross_group_retry": False,
    }  # fmt: skip
    return {name: body.get(name, zero) for name, zero in zeros.items()}


def _shape(path: str) -> str:
    """A path with a star for the number in it."""
    return "/".join("*" if part.isdecimal() else part for part in path.split("/"))


Page = Callable[[NewAPIServer, Seen], Response]
_PAGES: Final[dict[tuple[str, str], tuple[str, bool, Page]]] = {
    ("GET", "/api/status"): ("open", False, NewAPIServer.status_page),
    ("GET", "/api/notice"): ("open", False, NewAPIServer.notice_page),
    ("GET", "/api/user-agreement"): ("open", False, NewAPIServer.user_agreement),
    ("GET", "/api/privacy-policy"): ("open", False, NewAPIServer.privacy_policy),
    ("GET", "/api/uptime/status"): ("open", False, NewAPIServer.uptime),
    ("GET", "/api/pricing"): ("open", False, NewAPIServer.pricing_page),
    ("GET", "/api/usage/token/"): ("key", True, NewAPIServer.token_usage),
    ("GET", "/api/log/token"): ("key", True, NewAPIServer.token_log),
    ("GET", "/api/user/self"): ("user", False, NewAPIServer.self_page),
    ("PUT", "/api/user/self"): ("user", True, NewAPIServer.put_self),
    ("GET", "/api/token/"): ("user", False, NewAPIServer.list_tokens),
    ("POST", "/api/token/"): ("user", False, NewAPIServer.post_token),
    ("PUT", "/api/token/"): ("user", False, NewAPIServer.put_token),
    ("GET", "/api/token/*"): ("user", False, NewAPIServer.get_token),
    ("DELETE", "/api/token/*"): ("user", False, NewAPIServer.delete_token),
    ("POST", "/api/token/*/key"): ("user", True, NewAPIServer.key_of_token),
    ("GET", "/api/log/self"): ("user", False, NewAPIServer.self_log),
    ("GET", "/api/data/self"): ("user", False, NewAPIServer.self_data),
    ("GET", "/api/user/topup/self"): ("user", False, NewAPIServer.self_topups),
    ("POST", "/api/user/topup"): ("user", True, NewAPIServer.redeem),
    ("POST", "/v1/chat/completions"): ("open", False, NewAPIServer.completions),
}
