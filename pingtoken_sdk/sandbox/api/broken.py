"""The answers of a platform that is out of order: HTTP-level faults, as the fault book orders them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from ..edges.faults import Rule
from ..errors import PlatformError, error_body
from ..pacing import Pace
from .outbound import Outbound

__all__ = ["answer_instead", "garbled"]

_HTML = b"""<html>
<head><title>%d Bad Gateway</title></head>
<body><center><h1>%d Bad Gateway</h1></center><hr><center>nginx</center></body>
</html>
"""
_ABSURD = "86400000"


async def answer_instead(rule: Rule, out: Outbound, request_id: str) -> str | None:
    """Answer without asking a model, if the fault is of that kind, and return the error's code (``""`` where the
    answer has none). ``None``: the call goes on."""
    params = rule.params
    if rule.what == "html":
        status = int(params["status"])
        await out.whole(status, _HTML % (status, status), "text/html")
        return ""
    if rule.what == "error":
        given = params["status"]
        error = PlatformError(
            params["code"], "the fault script says so", status=None if given is None else int(given)
        )
        if params["retry_after"] is not None:
            out.headers["Retry-After"] = str(params["retry_after"])
    elif rule.what == "rate_limit":
        error = PlatformError(params["code"], "this edge has more than it can take")
        _say_when(out, params["form"], float(params["retry_after"]))
        if params["scope"] != "absent":
            out.headers["X-RateLimit-Scope"] = params["scope"]
    else:
        return None
    await out.whole(error.status, error_body(error, request_id))
    return error.code


def _say_when(out: Outbound, form: str, seconds: float) -> None:
    if form == "seconds":
        out.headers["Retry-After"] = f"{seconds:g}"
    elif form == "milliseconds":
        out.headers["Retry-After-Ms"] = f"{seconds * 1000:g}"
    elif form == "date":
        # By the clock on the wall, not the calendar's: whoever reads it compares it with their own.
        out.headers["Retry-After"] = format_datetime(
            datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True
        )
    elif form == "absurd":
        out.headers["Retry-After"] = _ABSURD


async def garbled(
    rule: Rule, out: Outbound, body: Callable[[], bytes], pace: Pace, *, streamed: bool, request_id: str
) -> bool:
    """Send an answer whose call was done and charged, but garbled. ``False``: this fault does not garble."""
    params = rule.params
    if rule.what == "huge_headers":
        out.headers["X-Padding"] = "p" * int(params["bytes"])
        return False
    if rule.what == "error_in_200" and not streamed:
        error = PlatformError(params["code"], "the model's provider failed")
        await out.whole(200, error_body(error, request_id))
        return True
    if rule.what == "truncated_json":
        whole = body()
        cut = whole[: max(1, len(whole) * 2 // 3)]
        if streamed:
            cut = b"data: " + cut
        await out.whole(200, cut, "text/event-stream" if streamed else "application/json")
        return True
    if rule.what == "wrong_shape":
        odd = b'{"status":"ok","payload":["not","a","completion"]}'
        if streamed:
            await out.whole(200, b"data: " + odd + b"\n\ndata: [DONE]\n\n", "text/event-stream")
        else:
            await out.whole(200, odd)
        return True
    if rule.what == "keepalive_flood":
        await out.start(200, "text/event-stream" if streamed else "application/json")
        comment = b": keep-alive\n\n" if streamed else b"\n"
        # A pause of nothing still lets the loop turn, so that the client's leaving is noticed.
        while await pace.pause(max(float(params["interval"]), 0.001)):
            await out.write(comment)
        return True
    return False
